"""How long xmppctl takes, and how much memory, beside other clients that do the same work."""
