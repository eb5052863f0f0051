"""A stanza that somebody wrote, and its answer (RFC 6120 §8)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from xmppctl.records import dataclass


@dataclass(frozen=True)
class RawAnswer:
    """What became of a stanza."""

    PLAIN: ClassVar[str] = "xml"

    kind: Annotated[Literal["message", "presence", "iq"], "kind of the stanza that was sent"]
    id: Annotated[str, "id with which it was sent"]
    to: Annotated[str | None, "JID it was sent to; null for the own account or the contacts"]
    acked: Annotated[bool, "the own server has taken it over"]
    from_: Annotated[str | None, "who answered an iq; null where nobody is named"] = None
    xml: Annotated[str | None, "the answering stanza; null for message and presence"] = None
