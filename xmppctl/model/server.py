"""What a server tells about itself."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Contacts:
    """Whom to turn to, for each purpose as URIs (XEP-0157)."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "domain of the server or service"]
    abuse: Annotated[list[str], "about abusive traffic"] = field(default_factory=list)
    admin: Annotated[list[str], "the administrators"] = field(default_factory=list)
    feedback: Annotated[list[str], "for feedback"] = field(default_factory=list)
    sales: Annotated[list[str], "about sales and marketing"] = field(default_factory=list)
    security: Annotated[list[str], "about the security of the service"] = field(
        default_factory=list
    )
    support: Annotated[list[str], "for help"] = field(default_factory=list)
    status: Annotated[list[str], "where the state of the service is told"] = field(
        default_factory=list
    )
    invalid: Annotated[list[str], "what is told in the place of a URI, and is none"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class ExternalService:
    """A service outside of XMPP, such as a TURN relay (XEP-0215)."""

    PLAIN: ClassVar[str] = "host"
    TABLE: ClassVar[tuple[str, ...]] = (
        "type", "host", "port", "transport", "name", "restricted", "username", "expires",
    )  # fmt: skip

    type: Annotated[str, "type of service, such as stun or turn"]
    host: Annotated[str, "domain name or IP address"]
    port: Annotated[int | None, "port"] = None
    transport: Annotated[str | None, "transport, such as udp or tcp"] = None
    username: Annotated[str | None, "user name to use it with"] = None
    password: Annotated[str | None, "password to use it with; not a column of the table"] = None
    expires: Annotated[datetime | None, "until when user name and password hold"] = None
    restricted: Annotated[bool, "a user name and a password are needed"] = False
    name: Annotated[str | None, "name for people"] = None
    action: Annotated[str | None, "add, remove or modify, where the server says it"] = None


@dataclass(frozen=True)
class Credentials(ExternalService):
    """User name and password for a service outside of XMPP (XEP-0215 §3.3)."""

    TABLE: ClassVar[tuple[str, ...]] = (
        "type", "host", "port", "transport", "username", "password", "expires",
    )  # fmt: skip


@dataclass(frozen=True)
class CatalogueLabel:
    """A security label that a server offers for messages to somebody (XEP-0258 §4)."""

    PLAIN: ClassVar[str] = "selector"
    TABLE: ClassVar[tuple[str, ...]] = ("selector", "display", "fg", "bg", "default")

    selector: Annotated[str | None, "what send --label takes; | stands between its levels"]
    label: Annotated[str | None, "the label as XML; null: the choice to send without one"] = None
    display: Annotated[str | None, "marking to show"] = None
    fg: Annotated[str | None, "colour of the marking"] = None
    bg: Annotated[str | None, "colour behind the marking"] = None
    default: Annotated[bool, "to be taken where nobody chooses"] = False


@dataclass(frozen=True)
class Limits:
    """What the own server takes (XEP-0478)."""

    PLAIN: ClassVar[str] = "max_bytes"

    jid: Annotated[str, "domain of the server"]
    max_bytes: Annotated[int | None, "largest stanza, in bytes"] = None
    idle_seconds: Annotated[int | None, "seconds of silence after which it may end a stream"] = None
    upload_max_bytes: Annotated[int | None, "largest file of its upload service, in bytes"] = None


@dataclass(frozen=True)
class Policy:
    """How a service treats data (XEP-0504), or how a network behind it does."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (
        "jid", "scope", "auth_data", "data_transmission", "data_retention", "access_policy", "tos",
    )  # fmt: skip

    jid: Annotated[str, "JID of the service"]
    scope: Annotated[str | None, "null: the service itself; else category/type of an identity"]
    auth_data: Annotated[str | None, "login data: no_auth, plain, hidden or restricted"] = None
    data_transmission: Annotated[str | None, "to and from networks behind it: plain, ..."] = None
    encryption_algorithm: Annotated[str | None, "algorithm of that"] = None
    data_retention: Annotated[str | None, "for how many hours; or infinite, unknown"] = None
    data_deletion: Annotated[bool, "users can delete data"] = False
    encryption_at_rest: Annotated[bool, "data are encrypted where they are stored"] = False
    tos: Annotated[str | None, "URI of the terms of service"] = None
    data_export: Annotated[bool, "users can export all their data"] = False
    access_policy: Annotated[list[str], "who has access: admins, government, ..."] = field(
        default_factory=list
    )
    full_erasure: Annotated[bool, "users can erase the account with all data"] = False
    backup_frequency: Annotated[str | None, "hours between backups, at most; 0: none"] = None
    backup_retention: Annotated[str | None, "hours that backups are kept; or infinite, unknown"] = (
        None
    )
    extra_info: Annotated[str | None, "more, for people"] = None
    others: Annotated[dict[str, list[str]], "fields that XEP-0504 does not have"] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Peer:
    """A server that another one is connected with (XEP-0485)."""

    PLAIN: ClassVar[str] = "peer"

    domain: Annotated[str | None, "domain that tells of it"]
    peer: Annotated[str | None, "domain of the other; null: it does not want to be named"]
    connections: Annotated[list[str], "incoming, outgoing or bidi, for each connection"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class OwnAddress:
    """The address from which the server sees this client come (XEP-0279)."""

    PLAIN: ClassVar[str] = "ip"

    ip: Annotated[str, "IP address"]
    port: Annotated[int | None, "port"] = None
    by: Annotated[str | None, "domain of the server"] = None


@dataclass(frozen=True)
class Statistic:
    """A number that a server tells of itself (XEP-0039)."""

    PLAIN: ClassVar[str] = "name"

    name: Annotated[str, "name, such as users/online"]
    value: Annotated[int | float | str | None, "a number where it is one"] = None
    units: Annotated[str | None, "its unit, such as users or seconds"] = None
    error: Annotated[ErrorInfo | None, "why it is not told"] = None


@dataclass(frozen=True)
class ConnectionMethod:
    """A way to connect to a server (XEP-0156, XEP-0487)."""

    PLAIN: ClassVar[str] = "url"

    url: Annotated[str | None, "URL; null for what is reached by addresses and a port"] = None
    port: Annotated[int | None, "port, where there is no URL"] = None
    ips: Annotated[list[str], "IP addresses"] = field(default_factory=list)
    priority: Annotated[int | None, "lower ones come first"] = None
    weight: Annotated[int | None, "share among those of one priority"] = None
    sni: Annotated[str | None, "server name for TLS"] = None
    ech: Annotated[str | None, "configuration of Encrypted Client Hello, in base64"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.url or f"{', '.join(self.ips) or '?'} port {self.port or '?'}"


@dataclass(frozen=True)
class ConnectionMethods:
    """The ways to connect that a domain names on the web."""

    PLAIN: ClassVar[str] = "domain"

    domain: Annotated[str, "the domain"]
    websocket: Annotated[list[ConnectionMethod], "clients: WebSocket"] = field(default_factory=list)
    xbosh: Annotated[list[ConnectionMethod], "clients: BOSH"] = field(default_factory=list)
    tls: Annotated[list[ConnectionMethod], "clients: direct TLS"] = field(default_factory=list)
    quic: Annotated[list[ConnectionMethod], "clients: QUIC"] = field(default_factory=list)
    s2s_websocket: Annotated[list[ConnectionMethod], "servers: WebSocket"] = field(
        default_factory=list
    )
    s2s_tls: Annotated[list[ConnectionMethod], "servers: direct TLS"] = field(default_factory=list)
    s2s_quic: Annotated[list[ConnectionMethod], "servers: QUIC"] = field(default_factory=list)
    ttl: Annotated[int | None, "seconds that this holds; null: nothing of XEP-0487 there"] = None
    pins: Annotated[list[str], "SHA-256 of trusted public keys, in base64"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class OutageStatus:
    """Whether a server announces an outage (XEP-0455)."""

    PLAIN: ClassVar[str] = "outage"
    TABLE: ClassVar[tuple[str, ...]] = (
        "domain", "outage", "active", "planned", "beginning", "expected_end", "message", "url",
    )  # fmt: skip

    domain: Annotated[str | None, "domain of the server; null where only a URL was given"]
    outage: Annotated[bool, "an outage is announced, now or later"]
    active: Annotated[bool, "it has begun"] = False
    planned: Annotated[bool | None, "it was planned; what lies in the future counts as that"] = None
    beginning: Annotated[datetime | None, "about when it begins"] = None
    expected_end: Annotated[datetime | None, "when it is expected to end"] = None
    message: Annotated[str | None, "what users are told, in the own language if there"] = None
    messages: Annotated[dict[str, str], "the same by language; default for any other"] = field(
        default_factory=dict
    )
    url: Annotated[str | None, "where that was told"] = None
    cached: Annotated[bool, "the URL is from an earlier run: the server does not answer"] = False
