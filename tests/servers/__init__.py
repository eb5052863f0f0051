"""Real XMPP servers, and what stands between them and xmppctl, started by the tests themselves."""
