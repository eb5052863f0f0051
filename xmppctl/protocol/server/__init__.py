"""What servers, and the DNS, tell about servers; empty: the DNS needs no XMPP."""
