"""The checks of a way into a server: which apply to it, and what to do where one fails."""

from __future__ import annotations

from xmppctl.model.dns import Way

_IN_CLEAR = ("tls.starttls", "sasl.cleartext")
_OF_TLS = ("tls.handshake", "tls.versions", "tls.ciphers")
_OF_CERTIFICATE = ("tls.chain", "tls.name", "tls.days", "tls.key")
_OF_LOGIN = ("sasl.mechanisms", "sasl.binding", "sasl.sasl2")

CHECKS = (
    "tcp.connect", *_IN_CLEAR, *_OF_TLS, *_OF_CERTIFICATE, "stream.features", *_OF_LOGIN,
)  # fmt: skip
"""All that is checked of a way."""

SLOW = "look for what slows it down: the network, or the load of the server"

ADVICE = {
    "tcp.connect": "see that the server runs and listens there, and that no firewall is in the way",
    "tls.starttls": "give the server a certificate for the domain, and let it offer STARTTLS",
    "tls.handshake": "look at the server's settings for TLS, and at what listens on this port",
    "stream.features": "see that what listens there is the XMPP server of the domain, and its log",
}
"""What to do where a step fails."""


def applicable(way: Way) -> tuple[str, ...]:
    """The checks that are made of a way."""
    left_out: tuple[str, ...] = _IN_CLEAR if way.direct_tls else ()
    if way.service.endswith("-server"):
        left_out += ("sasl.cleartext", *_OF_LOGIN)
    return tuple(each for each in CHECKS if each not in left_out)
