"""XEP-0513: Explicit Mentions: who is addressed in a message, and where its text says so.

Not covered: mentioning groups, and what a room permits.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.payload.reference import Mention
from xmppctl.protocol import Xep
from xmppctl.protocol.payload.references import MANY, positions, write_positions

if TYPE_CHECKING:
    from xmppctl.model.jid import Jid
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (
    Xep(
        "0513",
        "0.1.0",
        "partial",
        "all are shown; single persons are mentioned, not groups",
    ),
)

NS = "urn:xmpp:mentions:0"
MENTION = f"{{{NS}}}mention"
TAGS = frozenset({MENTION})

Range = tuple[int, int]


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``mentions``: persons (§3.1) and groups (§3.2); an element that could be either is neither.

    The id of an occupant is the sender's word about somebody else, as a JID is: it leads nowhere
    unless the room vouches for that id in what the other one sends.
    """
    found = [each for each in map(_mention, children[MENTION][:MANY]) if each is not None]
    if len(children[MENTION]) > MANY:
        context.note(f"ignored mentions: more than {MANY} in one message")
    return {"mentions": found} if found else {}


def _mention(element: Element) -> Mention | None:
    jid, occupant = element.get("jid") or None, element.get("occupantid") or None
    group = element.get("mentions") or None
    if (group is None) is (jid is None and occupant is None):
        return None
    begin, end = positions(element)
    return Mention(
        jid=jid,
        occupant_id=occupant,
        mentions=group,
        uri=element.get("uri") or None if group is not None else None,
        begin=begin,
        end=end,
        lang=element.get("hreflang") or None,
        active=True if element.find(f"{{{NS}}}active") is not None else None,
        noping=True if element.find(f"{{{NS}}}noping") is not None else None,
    )


def attach(stanza: Element, mention: Mention) -> None:
    """Put one more ``<mention/>`` of a person into the message."""
    element = SubElement(stanza, MENTION)
    for name, value in (
        ("jid", mention.jid),
        ("occupantid", mention.occupant_id),
        ("hreflang", mention.lang),
    ):
        if value is not None:
            element.set(name, value)
    write_positions(element, mention.begin, mention.end)


def locate(text: str, jid: Jid, start: int, taken: Collection[Range]) -> Range | None:
    """Where ``text``, from code point ``start`` on, names ``jid``; None where it does not.

    An occupant is named by its nickname, anybody else by JID or localpart. A word with the same
    capitals is preferred; ranges that are ``taken`` are passed over, since no two may overlap
    (§3.3). Where a script writes no spaces, a name need not be a word.
    """
    names = [jid.resource] if jid.resource is not None else [str(jid), jid.local]
    for name in filter(None, names):
        escaped = re.escape(name)
        ways = [(rf"(?<!\w){escaped}(?!\w)", flags) for flags in (0, re.IGNORECASE)]
        if not name.isascii():
            ways.append((escaped, 0))
        for pattern, flags in ways:
            for match in re.compile(pattern, flags).finditer(text, start):
                if not overlaps(match.span(), taken):
                    return match.span()
    return None


def overlaps(span: Range, others: Collection[Range]) -> bool:
    """Whether a range has a code point in common with one of the others."""
    return any(span[0] < end and begin < span[1] for begin, end in others)
