"""Channels of Mediated Information eXchange (XEP-0369), and who is in them."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Channel:
    """A channel of a service."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "JID of the channel"]
    name: Annotated[str | None, "name that it shows; null without one"] = None


@dataclass(frozen=True)
class ChannelChange:
    """A channel that was made or removed."""

    PLAIN: ClassVar[str] = "channel"

    channel: Annotated[str, "JID of the channel"]
    changed: Annotated[bool, "false where it was so before"]


@dataclass(frozen=True)
class Membership:
    """The account as a participant of a channel."""

    PLAIN: ClassVar[str] = "channel"

    channel: Annotated[str, "JID of the channel"]
    joined: Annotated[bool, "whether the account takes part"]
    participant_id: Annotated[str | None, "stable id of the account there"] = None
    nick: Annotated[str | None, "nickname that the channel gave; null without one"] = None
    nodes: Annotated[list[str], "nodes subscribed to, such as urn:xmpp:mix:nodes:messages"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class ChannelNick:
    """The nickname that a channel gave."""

    PLAIN: ClassVar[str] = "nick"

    channel: Annotated[str, "JID of the channel"]
    nick: Annotated[str, "nickname; may differ from what was asked for"]


@dataclass(frozen=True)
class Participant:
    """A participant of a channel."""

    PLAIN: ClassVar[str] = "jid"

    id: Annotated[str | None, "stable id, the resource of messages from the channel"]
    nick: Annotated[str | None, "nickname; null without one"] = None
    jid: Annotated[str | None, "bare JID; null where the channel hides it"] = None
