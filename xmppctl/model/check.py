"""What is checked at a server, and how it was found."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from xmppctl.records import dataclass

Status = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One thing that was checked at one place."""

    PLAIN: ClassVar[str] = "check"
    TABLE: ClassVar[tuple[str, ...]] = ("check", "target", "status", "detail")

    check: Annotated[str, "name of the check, such as tls.days"]
    target: Annotated[str, "what was checked: a domain, a way in, a service, a JID"]
    status: Annotated[Status, "ok, warn, fail, or unknown where it could not be found out"]
    value: Annotated[str | int | float | bool | None, "the figure or fact that was found"] = None
    unit: Annotated[str | None, "unit of the value, such as days or ms"] = None
    detail: Annotated[str, "what was found, in one sentence"] = ""
    advice: Annotated[str | None, "what to do about it"] = None


CHECKS: dict[str, str] = {
    # the DNS and the web: no account, no connection with the server
    "dns.srv": "the SRV records of the domain are there and can be read",
    "dns.target": "what an SRV record points to is a host with public addresses",
    "dns.port": "no record for clients points to a port for servers, nor the other way round",
    "dns.ipv6": "the domain can be reached by IPv6",
    "dns.dnssec": "the answers of the DNS are signed, and TLSA records fit the certificate",
    "web.hostmeta": "the host-meta files are there, are XML and JSON, and say the same",
    # every way in: each record, each address, STARTTLS and direct TLS
    "tcp.connect": "the port takes connections; the time that takes",
    "tls.starttls": "STARTTLS is offered and required",
    "tls.handshake": "TLS can be begun with what a client of today knows",
    "tls.versions": "TLS 1.2 and 1.3 are offered, and nothing older",
    "tls.ciphers": "no cipher suite that is broken is accepted",
    "tls.chain": "the certificate is trusted: chain, validity, signatures",
    "tls.name": "the certificate is for the domain",
    "tls.days": "days until the certificate ends",
    "tls.key": "type and size of the key of the certificate",
    "stream.features": "the stream begins, is for the domain, and says what it offers",
    "sasl.mechanisms": "mechanisms that a client can log in with",
    "sasl.cleartext": "no login is offered before TLS",
    "sasl.binding": "channel binding: the types are told, and -PLUS is offered",
    "sasl.sasl2": "SASL2, Bind 2 and FAST are offered",
    "register.open": "whether anybody can make an account",
    "web.websocket": "the WebSocket address answers as a server for the domain",
    "web.bosh": "the BOSH address answers as a server for the domain",
    # with an account
    "login.time": "time of the login, phase by phase",
    "server.ping": "the server answers; the time that takes",
    "server.version": "software and version",
    "server.uptime": "how long the server has been running",
    "server.clock": "the clock of the server is right",
    "server.contacts": "the server tells whom to turn to, for abuse above all",
    "roster.get": "the contact list can be read",
    "component.disco": "a service that the server lists answers",
    "mam.archive": "the archive of the account can be asked",
    "carbons.enable": "copies of messages are offered",
    "blocking.list": "the block list can be read",
    "push.offered": "push notifications are offered",
    "pep.publish": "personal data can be published with an access model",
    "upload.slot": "the upload service gives a place for a file",
    "upload.put": "a file can be uploaded",
    "upload.get": "the file that was uploaded comes back as it was",
    "upload.cors": "web clients may upload and fetch (CORS)",
    "stun.binding": "a STUN or TURN server answers a binding request",
    "turn.credentials": "credentials for TURN are given and accepted",
    "s2s.ping": "a server elsewhere can be reached",
}
"""Every check by its name; a prefix, such as ``tls``, names all that begin with it."""

NEED_ACCOUNT = frozenset(list(CHECKS)[list(CHECKS).index("login.time") :])
"""The checks that are made with an account."""


@dataclass(frozen=True)
class KnownCheck:
    """A check that can be made."""

    PLAIN: ClassVar[str] = "check"

    check: Annotated[str, "name of the check"]
    about: Annotated[str, "what is well where it is ok"]
    account: Annotated[bool, "whether it is made with an account"]


def expand(names: tuple[str, ...]) -> set[str]:
    """The checks that names and prefixes stand for. Raises KeyError for one that is unknown."""
    found: set[str] = set()
    for name in names:
        chosen = {each for each in CHECKS if each == name or each.startswith(f"{name}.")}
        if not chosen:
            raise KeyError(name)
        found |= chosen
    return found
