"""XEP-0444: Message Reactions: the emojis that somebody has for a message, all at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.protocol.payload import hints

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0444", "0.2.1", "partial", "restrictions are not asked for"),)

NS = "urn:xmpp:reactions:0"
REACTIONS = f"{{{NS}}}reactions"
TAGS = frozenset({REACTIONS})

_REACTION = f"{{{NS}}}reaction"
_MOST = 64
"""Reactions of one message that are shown."""
_LONGEST = 32
"""Code points of an emoji; the longest that Unicode has, families and flags, need some ten."""

_JOINER, _EMOJI_STYLE, _KEYCAP = "\u200d", "\ufe0f", "\u20e3"


def attach(stanza: Element, identifier: str, emojis: Sequence[str]) -> None:
    """Say that these are the own reactions to the message with this id; none of them: no more.

    They replace what was said before (§3.2). ``identifier`` is that of the room in a room (§4.2).
    """
    reactions = SubElement(stanza, REACTIONS, {"id": identifier})
    for emoji in emojis:
        SubElement(reactions, _REACTION).text = emoji
    hints.keep(stanza)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``reactions``: those of the first element, for a message has one (§4), each of them once."""
    from xmppctl.model.payload.reference import Reactions  # not needed by who sends some

    elements = children[REACTIONS]
    identifier = elements[0].get("id")
    if not identifier:
        return {}
    if len(elements) > 1:
        context.note("ignored further reactions: a message has them to one other message")
    given = [(e.text or "").strip() for e in elements[0].findall(_REACTION)]
    texts = list(dict.fromkeys(text for text in given if 0 < len(text) <= _LONGEST))
    if given and not texts:  # not the same as none at all, which takes all of them back
        context.note("ignored reactions that are no emojis")
        return {}
    if len(texts) > _MOST:
        context.note(f"ignored all but {_MOST} of {len(texts)} reactions")
    return {"reactions": Reactions(identifier, texts[:_MOST])}


def is_emoji(text: str) -> bool:
    """Whether the text can be shown as one emoji, as far as that can be told without its tables.

    It is one character that is neither letter, digit nor blank, with what combines with it or is
    joined to it; letters and digits that have an emoji form have to ask for it.
    """
    if not 0 < len(text) <= _LONGEST:
        return False
    joined, flag = True, False
    for position, character in enumerate(text):
        if character == _JOINER:
            if joined:
                return False
            joined = True
        elif joined:
            if not _is_base(character, text[position + 1 : position + 3]):
                return False
            joined, flag = False, _is_regional(character)
        elif flag and _is_regional(character):
            flag = False  # two of them are a flag
        elif not _extends(character):
            return False
    return not joined


def _is_base(character: str, behind: str) -> bool:
    if unicodedata.category(character)[0] in "CMZ":
        # emojis that are younger than this Python are unassigned to it
        return 0x1F000 <= ord(character) <= 0x1FBFF
    plain = character.isascii() or character.isalnum()
    return not plain or behind.startswith((_EMOJI_STYLE, _KEYCAP))


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _extends(character: str) -> bool:
    """Variation selectors, keycaps and other marks, skin tones, and the tags of a flag."""
    return (
        unicodedata.category(character)[0] == "M"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )
