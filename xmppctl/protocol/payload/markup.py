"""XEP-0394: Message Markup: what ranges of the text mean.

Only ranges that the XEP allows are told: inside of the text, and not across each other's ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep, languages
from xmppctl.session.xml import split

if TYPE_CHECKING:
    from xmppctl.model.payload.content import Markup
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0394", "0.3.0", "partial", "shown in JSON; not rendered, not sent"),)

NS = "urn:xmpp:markup:0"
MARKUP = f"{{{NS}}}markup"
TAGS = frozenset({MARKUP})
STYLES = frozenset({"emphasis", "strong", "code", "deleted"})
"""What a span can be (§4.1); others are ignored."""

_BLOCKS = frozenset({"bcode", "bquote", "list"})
_MOST = 200
"""Ranges that are looked at: no text needs more."""
_LONGEST_LANGUAGE = 64


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``markup``: the ranges of the text that is shown, in the order of the message."""
    body = languages.body(stanza, children)
    wanted = languages.shown(stanza, children)
    outer = next((e for e in children[MARKUP] if languages.of(e, stanza) == wanted), None)
    if body is None or outer is None:  # it is about a text (§5)
        return {}
    found: list[Markup] = []
    for element in outer[:_MOST]:
        ranges = list(_ranges(element, len(body)))
        if ranges and not any(_clash(ranges[0], other) for other in found):
            found += ranges
    return {"markup": found} if found else {}


def _ranges(element: Element, length: int) -> Iterator[Markup]:
    """The range of an element, behind that of a list those of its entries."""
    from xmppctl.model.payload.content import Markup

    ns, kind = split(element.tag)
    start, end = _number(element.get("start"), length), _number(element.get("end"), length)
    if ns != NS or start is None or end is None or start >= end:
        return
    if kind == "span":
        styles = [split(e.tag)[1] for e in element if split(e.tag)[0] == NS]
        known = [style for style in dict.fromkeys(styles) if style in STYLES]
        if known:
            yield Markup("span", start, end, styles=known)
    elif kind == "bcode":
        language = element.get("language") or ""
        yield Markup(
            "bcode",
            start,
            end,
            language=language if 0 < len(language) <= _LONGEST_LANGUAGE else None,
        )
    elif kind == "bquote":
        yield Markup("bquote", start, end)
    elif kind == "list":
        starts = [_number(e.get("start"), length) for e in element.findall(f"{{{NS}}}li")[:_MOST]]
        places = [place for place in starts if place is not None]
        # the first begins where the list does (§4.3), each behind the one before
        if len(places) < len(starts) or places[:1] != [start] or places[-1] >= end:
            return
        if places != sorted(set(places)):
            return
        yield Markup("list", start, end, ordered=element.get("ordered") in ("true", "1"))
        for place, following in zip(places, [*places[1:], end], strict=True):
            yield Markup("li", place, following)


def _clash(new: Markup, other: Markup) -> bool:
    """§5: spans do not overlap, and nothing reaches across the end of a block."""
    if other.end is None or new.end is None or other.kind == "li":
        return False
    if new.end <= other.start or other.end <= new.start:
        return False
    if new.kind == "span" and other.kind == "span":
        return True
    inside = other.start <= new.start and new.end <= other.end
    around = new.start <= other.start and other.end <= new.end
    if new.kind in _BLOCKS and other.kind in _BLOCKS:
        return not (inside or around)
    return not (inside if new.kind == "span" else around)


def _number(text: str | None, most: int) -> int | None:
    """A position in the text, None where it is none. int() would take digits of every script."""
    text = (text or "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return int(text) if int(text) <= most else None
