"""What a message says about other messages, entities and parts of its own text.

Positions count Unicode code points of the body (XEP-0426); an end is behind the last of them.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Retract:
    """The wish of a sender that a message of theirs be taken back (XEP-0424)."""

    id: Annotated[str, "id of that message; in a room, the one that the room gave it"]

    def __str__(self) -> str:
        """For a table."""
        return self.id


@dataclass(frozen=True)
class Retracted:
    """What is left of a message that was taken back (XEP-0424 §5, XEP-0425)."""

    SPARSE: ClassVar[bool] = True

    stamp: Annotated[datetime | None, "when it was taken back"] = None
    by: Annotated[str | None, "who did it, where that is not the sender"] = None
    reason: Annotated[str | None, "why, as a moderator says"] = None
    id: Annotated[str | None, "id of the message that took it back"] = None

    def __str__(self) -> str:
        """For a table."""
        return "retracted" + (f" by {self.by}" if self.by else "")


@dataclass(frozen=True)
class Reactions:
    """All reactions that the sender has to a message; none: no more (XEP-0444)."""

    id: Annotated[str, "id of that message; in a room, the one that the room gave it"]
    emojis: Annotated[list[str], "the reactions, each once"] = field(default_factory=list)

    def __str__(self) -> str:
        """For a table."""
        return f"{' '.join(self.emojis) or '-'} {self.id}"


@dataclass(frozen=True)
class Reply:
    """Which message this one answers (XEP-0461)."""

    SPARSE: ClassVar[bool] = True

    id: Annotated[str, "id of that message; in a room, the one that the room gave it"]
    to: Annotated[str | None, "JID of its author"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.id


@dataclass(frozen=True)
class Fallback:
    """A part of the text that is there only for clients that lack a feature (XEP-0428)."""

    SPARSE: ClassVar[bool] = True

    for_: Annotated[str | None, "namespace of the feature; absent: not told"] = None
    part: Annotated[str | None, "body or subject; absent: the whole message"] = None
    start: Annotated[int | None, "where it begins; absent: the whole of the part"] = None
    end: Annotated[int | None, "behind its last code point"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.for_ or "fallback"


@dataclass(frozen=True)
class Fastening:
    """Something that is fastened to an earlier message (XEP-0422)."""

    SPARSE: ClassVar[bool] = True

    id: Annotated[str, "id of that message"]
    children: Annotated[list[str], "what is fastened, as {namespace}name"] = field(
        default_factory=list
    )
    external: Annotated[list[str], "parts of this message that belong to it"] = field(
        default_factory=list
    )
    shell: Annotated[bool | None, "true: the content itself is encrypted elsewhere"] = None
    clear: Annotated[bool | None, "true: it is taken off again"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.id


@dataclass(frozen=True)
class Reference:
    """A reference to an entity or to data (XEP-0372)."""

    SPARSE: ClassVar[bool] = True

    type: Annotated[str, "mention or data"]
    uri: Annotated[str, "what is referred to"]
    begin: Annotated[int | None, "where the text for it begins"] = None
    end: Annotated[int | None, "behind the last code point of that"] = None
    anchor: Annotated[str | None, "message to which the reference belongs"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.uri


@dataclass(frozen=True)
class Mention:
    """Somebody, or a group, who is addressed in a message (XEP-0513)."""

    SPARSE: ClassVar[bool] = True

    jid: Annotated[str | None, "JID of who is mentioned"] = None
    occupant_id: Annotated[str | None, "id of an occupant of the room (XEP-0421)"] = None
    mentions: Annotated[str | None, "URI of the kind of group"] = None
    uri: Annotated[str | None, "which group of that kind"] = None
    begin: Annotated[int | None, "where the text for it begins"] = None
    end: Annotated[int | None, "behind the last code point of that"] = None
    lang: Annotated[str | None, "language of that text, where there are several"] = None
    active: Annotated[bool | None, "true: only those who are active"] = None
    noping: Annotated[bool | None, "true: nobody should be notified"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.jid or self.occupant_id or self.uri or self.mentions or ""
