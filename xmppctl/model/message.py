"""Messages that were received or archived."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.form import Form
from xmppctl.model.jingle import JingleOffer
from xmppctl.model.mucstatus import Status
from xmppctl.model.occupant import Hat, Invited, Moderated
from xmppctl.model.payload.content import (
    Captcha,
    Encryption,
    HttpConfirm,
    JsonPayload,
    Markup,
    PubsubEvent,
    SecurityLabel,
    Spoiler,
)
from xmppctl.model.payload.delivery import Address, Marker, MessageState, Receipt
from xmppctl.model.payload.file import LinkMetadata, MessageFile, Oob
from xmppctl.model.payload.reference import (
    Fallback,
    Fastening,
    Mention,
    Reactions,
    Reference,
    Reply,
    Retract,
    Retracted,
)
from xmppctl.model.rosterx import Suggested
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.telling import Told

MessageType = Literal["chat", "normal", "headline", "groupchat", "error"]


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
class Forwarded:
    """A message inside another one; whether it is true is up to the sender (XEP-0297)."""

    SPARSE: ClassVar[bool] = True

    message: Annotated[Message, "the message"]
    delay: Annotated[Delay | None, "when it was sent, as the sender says"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.message.body or self.message.id or "message"


@dataclass(frozen=True)
class Message:
    """One message; payloads that it does not have are left out."""

    PLAIN: ClassVar[str] = "archive_id"
    TOLD: ClassVar[str] = "body"
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
    occupant_id: Annotated[
        str | None, "id of the occupant that stays when the nickname changes (XEP-0421)"
    ] = None
    hats: Annotated[list[Hat], "hats of the occupant, where the room vouches for them"] = field(
        default_factory=list
    )
    nick: Annotated[str | None, "nickname that the sender claims (XEP-0172)"] = None
    receipt: Annotated[Receipt | None, "delivery receipt (XEP-0184)"] = None
    marker: Annotated[Marker | None, "displayed marker (XEP-0333)"] = None
    message_state: Annotated[MessageState | None, "the same in the way of ngxchat"] = None
    chat_state: Annotated[str | None, "active, composing, paused, inactive or gone"] = None
    attention: Annotated[bool | None, "true: the sender asks for attention (XEP-0224)"] = None
    replace_id: Annotated[str | None, "id of the message that this one corrects (XEP-0308)"] = None
    retract: Annotated[Retract | None, "which message the sender takes back (XEP-0424)"] = None
    retracted: Annotated[Retracted | None, "the message itself was taken back"] = None
    moderated: Annotated[Moderated | None, "a moderator took a message back (XEP-0425)"] = None
    reactions: Annotated[Reactions | None, "reactions to a message (XEP-0444)"] = None
    reply: Annotated[Reply | None, "the message that this one answers (XEP-0461)"] = None
    fallback: Annotated[list[Fallback], "parts of the text for older clients (XEP-0428)"] = field(
        default_factory=list
    )
    fastening: Annotated[Fastening | None, "what is fastened to a message (XEP-0422)"] = None
    references: Annotated[list[Reference], "references (XEP-0372)"] = field(default_factory=list)
    mentions: Annotated[list[Mention], "who is mentioned (XEP-0513)"] = field(default_factory=list)
    forwarded: Annotated[
        list[Forwarded], "messages that the sender passes on, as claimed (XEP-0297)"
    ] = field(default_factory=list)
    oob: Annotated[list[Oob], "URLs that belong to the message (XEP-0066)"] = field(
        default_factory=list
    )
    files: Annotated[list[MessageFile], "files that are shared"] = field(default_factory=list)
    links: Annotated[list[LinkMetadata], "facts about links (XEP-0511)"] = field(
        default_factory=list
    )
    invite: Annotated[Invited | None, "invitation to a room, or the answer to one"] = None
    addresses: Annotated[list[Address], "addresses of a message to many (XEP-0033)"] = field(
        default_factory=list
    )
    headers: Annotated[dict[str, str], "headers (XEP-0131)"] = field(default_factory=dict)
    hints: Annotated[list[str], "how to store and copy it (XEP-0334)"] = field(default_factory=list)
    private: Annotated[bool | None, "true: no copies to other clients (XEP-0280)"] = None
    expire_in_s: Annotated[int | None, "seconds until it should vanish (XEP-0466)"] = None
    encryption: Annotated[Encryption | None, "how it is encrypted (XEP-0380)"] = None
    spoiler: Annotated[Spoiler | None, "the text gives something away (XEP-0382)"] = None
    security_label: Annotated[SecurityLabel | None, "its classification (XEP-0258)"] = None
    xhtml_text: Annotated[str | None, "the text of its XHTML-IM part (XEP-0071)"] = None
    me: Annotated[bool | None, "true: the text is what the sender does (XEP-0245)"] = None
    unstyled: Annotated[bool | None, "true: the text has no styling (XEP-0393)"] = None
    markup: Annotated[list[Markup], "meaning of ranges of the text (XEP-0394)"] = field(
        default_factory=list
    )
    json: Annotated[list[JsonPayload], "data for programs (XEP-0335, XEP-0432)"] = field(
        default_factory=list
    )
    form: Annotated[Form | None, "data form (XEP-0004)"] = None
    captcha: Annotated[Captcha | None, "challenge (XEP-0158)"] = None
    http_confirm: Annotated[HttpConfirm | None, "question about a request (XEP-0070)"] = None
    jingle: Annotated[
        JingleOffer | None, "a call or a file that is offered or proposed (XEP-0166, XEP-0353)"
    ] = None
    contacts: Annotated[list[Suggested], "contacts that are suggested (XEP-0144)"] = field(
        default_factory=list
    )
    pubsub: Annotated[PubsubEvent | None, "what happened at a node (XEP-0060)"] = None
    extensions: Annotated[list[str], "other payloads, as {namespace}name"] = field(
        default_factory=list
    )
    raw_xml: Annotated[str | None, "the stanza itself, with --raw-xml"] = None

    def told(self, *, spoilers: bool = False) -> Told:
        """What stands under ``body`` where people read it."""
        from xmppctl.model.telling import tell

        return tell(self, spoilers=spoilers, subject="subject" not in self.TABLE)
