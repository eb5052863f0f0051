"""Push notifications that the server sends to a service (XEP-0357)."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Push:
    """A push service, and a node of it, that the account's server is to tell of messages."""

    PLAIN: ClassVar[str] = "service"

    service: Annotated[str, "JID of the push service"]
    node: Annotated[str | None, "its node; null: none was given, or all of them"]
    enabled: Annotated[bool, "whether the server tells it of messages now"]


@dataclass(frozen=True)
class PushStatus:
    """What is known about push notifications of the account."""

    PLAIN: ClassVar[str] = "supported"

    jid: Annotated[str, "the account"]
    supported: Annotated[bool, "the server offers push notifications for the account"]
    features: Annotated[list[str], "features of the account that are about push"]
    enabled_here: Annotated[
        list[Push],
        "what this program enabled on this machine and has not disabled; no server tells what "
        "others did",
    ] = field(default_factory=list)


@dataclass(frozen=True)
class PushService:
    """A service that says of itself that it is a push service (pubsub/push)."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "its JID"]
    name: Annotated[str | None, "its name"] = None
