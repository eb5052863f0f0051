"""What the DNS says of a domain: where its servers are, and what is wrong with that."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

SrvService = Literal["xmpp-client", "xmpps-client", "xmpp-server", "xmpps-server"]
Service = Literal["xmpp-client", "xmpps-client", "xmpp-server", "xmpps-server", "websocket", "bosh"]
Source = Literal["srv", "fallback", "hostmeta", "connect"]


@dataclass(frozen=True)
class Problem:
    """Something that an administrator should look at; whoever connects may get by with it."""

    id: Annotated[str, "which one: a fixed word, such as cname or no-ipv6"]
    text: Annotated[str, "the same for people"]

    def __str__(self) -> str:
        """For a table."""
        return self.id


@dataclass(frozen=True)
class Way:
    """A way into a server that a probe can try.

    ``addresses``: IP addresses as text, never empty but for a URL, whose host is looked up when it
    is opened. ``source``: a record, the domain itself where there is none, host-meta, or the user.
    ``tlsa``: records of the host as in a zone file ("3 1 1 HEX"). ``secure``: whether DNSSEC
    vouches for all of it; None where the name server's word on that is not trusted. ``doubt``: why
    the port may be one for the others (clients, servers). ``str()`` is the name of the target in
    findings; behind it comes " [ADDRESS]".
    """

    service: str
    host: str
    port: int
    direct_tls: bool
    addresses: tuple[str, ...]
    source: str
    tlsa: tuple[str, ...] = ()
    secure: bool | None = None
    url: str | None = None
    doubt: Problem | None = None

    def __str__(self) -> str:
        if self.url is not None:
            return self.url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.service} {host}:{self.port}"


@dataclass(frozen=True)
class ServiceRecord:
    """Where a service of a domain is (RFC 6120, XEP-0368, XEP-0156)."""

    PLAIN: ClassVar[str] = "host"
    TABLE: ClassVar[tuple[str, ...]] = (
        "order", "service", "host", "port", "prio", "weight", "addresses", "secure", "source",
        "problems", "error",
    )  # fmt: skip

    service: Annotated[Service, "what it is for, named as in SRV records; or websocket, bosh"]
    host: Annotated[str | None, "host; . where the service is not offered; null: not known"]
    port: Annotated[int | None, "port"]
    prio: Annotated[int | None, "lower ones come first"] = None
    weight: Annotated[int | None, "share among those of one priority"] = None
    order: Annotated[
        int | None, "when it is tried, from 1, by clients or by servers; null: it is not"
    ] = None
    addresses: Annotated[list[str], "IP addresses of the host"] = field(default_factory=list)
    cname: Annotated[str | None, "host that the host is an alias of"] = None
    secure: Annotated[
        bool | None, "DNSSEC vouches for record and addresses; null: no resolver that is trusted"
    ] = None
    tlsa: Annotated[list[str] | None, "TLSA records of host and port, as in a zone file"] = None
    source: Annotated[Source, "srv; fallback: the domain itself, for want of records; hostmeta"] = (
        "srv"
    )
    url: Annotated[str | None, "URL of a WebSocket or BOSH endpoint"] = None
    problems: Annotated[list[Problem], "what should be looked at"] = field(default_factory=list)
    error: Annotated[ErrorInfo | None, "why nobody can connect there"] = None
