"""Messages: what was sent, and what was received or archived."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.mucstatus import Status
from xmppctl.records import dataclass

MessageType = Literal["chat", "normal", "headline", "groupchat", "error"]


@dataclass(frozen=True)
class SendResult:
    """What became of one message to one recipient."""

    PLAIN: ClassVar[str] = "id"
    TABLE: ClassVar[tuple[str, ...]] = ("to", "id", "acked", "confirmed", "error")

    to: Annotated[str, "JID of the recipient"]
    id: Annotated[str, "id of the message, to refer to it later"]
    origin_id: Annotated[str | None, "origin id (XEP-0359); null where a given stanza has none"]
    stanza_id: Annotated[str | None, "id that the room gave the message (XEP-0359)"] = None
    acked: Annotated[bool, "the own server has taken the message over"] = False
    confirmed: Annotated[
        bool, "the recipient's server (or the room) has processed it without a bounce"
    ] = False
    received_at: Annotated[datetime | None, "when a delivery receipt came (XEP-0184)"] = None
    displayed_at: Annotated[datetime | None, "when a displayed marker came (XEP-0333)"] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class StanzaId:
    """An id that an entity gave a stanza (XEP-0359)."""

    id: Annotated[str, "the id"]
    by: Annotated[str, "JID of the entity that gave it"]


@dataclass(frozen=True)
class Delay:
    """A note of when a stanza was first sent (XEP-0203)."""

    stamp: Annotated[datetime, "when it was sent"]
    from_: Annotated[str | None, "JID of the entity that says so"] = None
    reason: Annotated[str | None, "why it was delayed"] = None


@dataclass(frozen=True)
class Occupant:
    """Who spoke in a room, as the room knows it (XEP-0045)."""

    SPARSE: ClassVar[bool] = True

    nick: Annotated[str | None, "nickname in the room"] = None
    real_jid: Annotated[str | None, "JID behind the nickname, where the room shows it"] = None
    affiliation: Annotated[str | None, "owner, admin, member, outcast or none"] = None
    role: Annotated[str | None, "moderator, participant, visitor or none"] = None
    status_codes: Annotated[list[int], "status codes of the stanza"] = field(default_factory=list)
    status: Annotated[list[Status], "the same with their names (XEP-0306)"] = field(
        default_factory=list
    )
    new_nick: Annotated[str | None, "nickname after a change, status 303"] = None
    actor: Annotated[str | None, "who kicked, banned or changed the role: nickname or JID"] = None
    reason: Annotated[str | None, "reason of that, or of the destruction"] = None
    destroyed: Annotated[bool | None, "true: the room was destroyed"] = None
    alternate: Annotated[str | None, "room to go to instead of a destroyed one"] = None

    def __str__(self) -> str:
        """For a table: what happened, else who it is in the room."""
        told = [str(each) for each in self.status if each.code not in (100, 110)]
        told += ["destroyed"] if self.destroyed else []
        told += [f"now {self.new_nick}"] if self.new_nick else []
        here = self.role not in (None, "none")
        standing = f"{self.affiliation}/{self.role}" if here else ""
        # what somebody did to one who stays is a change of that
        told += [standing] if self.actor and standing else []
        told += [f"by {self.actor}"] if self.actor else []
        told += [self.reason] if self.reason else []
        return ", ".join(told) or standing


@dataclass(frozen=True)
class Message:
    """One message; payloads that it does not have are left out."""

    PLAIN: ClassVar[str] = "archive_id"
    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "from_", "to", "body")
    SPARSE: ClassVar[bool] = True

    id: Annotated[str | None, "id attribute, chosen by the sender"] = None
    archive_id: Annotated[str | None, "id in the archive that was asked"] = None
    origin_id: Annotated[str | None, "origin id (XEP-0359), claimed by the sender"] = None
    stanza_ids: Annotated[list[StanzaId], "ids by the own account or the room (XEP-0359)"] = field(
        default_factory=list
    )
    from_: Annotated[str | None, "JID of the sender"] = None
    to: Annotated[str | None, "JID of the addressee"] = None
    type: Annotated[MessageType, "message type (RFC 6121 §5.2.2)"] = "normal"
    direction: Annotated[Literal["in", "out"], "out: sent by the own account"] = "in"
    timestamp: Annotated[datetime | None, "when it was sent, as a trusted entity tells"] = None
    delay: Annotated[Delay | None, "the trusted note of a delay"] = None
    lang: Annotated[str | None, "language of the text"] = None
    subject: Annotated[str | None, "subject; of a room where there is no body"] = None
    body: Annotated[str | None, "text in the message's own language, or the first"] = None
    bodies: Annotated[dict[str, str], "texts by language, where there are several"] = field(
        default_factory=dict
    )
    thread: Annotated[str | None, "conversation thread (RFC 6121 §5.2.5)"] = None
    # not named "error": a message that bounced once does not make reading it a failure
    error_: Annotated[ErrorInfo | None, "the error of a bounced message"] = None
    muc: Annotated[Occupant | None, "the speaker in a room"] = None
    extensions: Annotated[list[str], "other payloads, as {namespace}name"] = field(
        default_factory=list
    )
    raw_xml: Annotated[str | None, "the stanza itself, with --raw-xml"] = None
