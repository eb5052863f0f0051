"""Records of FAST tokens (XEP-0484); the token itself is never part of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo


@dataclass(frozen=True)
class TokenEntry:
    """A token that is kept for logins without the password."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("account", "jid", "mechanism", "expiry", "expired")

    account: Annotated[str | None, "account of the configuration file, null where none has the JID"]
    jid: Annotated[str, "bare JID that the token logs in"]
    device: Annotated[str, "id of the user agent that the token belongs to (XEP-0388 §2.4)"]
    mechanism: Annotated[str, "SASL mechanism that the token is for"]
    issued: Annotated[str, "when it was received"]
    expiry: Annotated[str | None, "when it ends, null where the server did not say"]
    expired: Annotated[bool, "whether that time is over"]


@dataclass(frozen=True)
class TokenForgotten:
    """What became of a token that was to be forgotten."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("account", "jid", "mechanism", "invalidated", "error")

    account: Annotated[str | None, "account of the configuration file, null where none has the JID"]
    jid: Annotated[str, "bare JID that the token logged in"]
    device: Annotated[str, "id of the user agent that the token belongs to (XEP-0388 §2.4)"]
    mechanism: Annotated[str, "SASL mechanism that the token is for"]
    issued: Annotated[str, "when it was received"]
    expiry: Annotated[str | None, "when it ends, null where the server did not say"]
    expired: Annotated[bool, "whether that time is over"]
    invalidated: Annotated[bool, "the server ended it too, or did not take it any more"]
    error: Annotated[ErrorInfo | None, "why it is still there, null where it is gone"] = None
