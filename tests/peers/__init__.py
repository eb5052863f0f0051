"""Independent clients that play the other side of a conversation, and the runner of xmppctl."""
