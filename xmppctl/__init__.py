"""xmppctl: single-shot XMPP utilities."""

__version__ = "0.1.0"
