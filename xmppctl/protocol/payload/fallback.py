"""XEP-0428: Fallback Indication: text that is there for clients that lack a feature.

Positions count Unicode code points (XEP-0426), as Python does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.model.payload.reference import Fallback
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0428", "0.2.1", "complete"),)

NS = "urn:xmpp:fallback:0"
FALLBACK = f"{{{NS}}}fallback"
TAGS = frozenset({FALLBACK})

_PARTS = {f"{{{NS}}}{name}": name for name in ("body", "subject")}
_MOST = 64
"""Marked parts of one message that are shown."""
_LARGEST = 2**32 - 1
"""Of xs:unsignedInt, the type of a position."""


def mark(stanza: Element, namespace: str, span: tuple[int, int] | None = None) -> None:
    """Mark all of the text, or a range of the body, as there only for who lacks the feature."""
    element = SubElement(stanza, FALLBACK, {"for": namespace})
    if span is not None:
        start, end = span
        SubElement(element, f"{{{NS}}}body", {"start": str(start), "end": str(end)})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``fallback``: the marked parts; one whose range is none is left out."""
    found: list[Fallback] = []
    for element in children[FALLBACK]:
        found += _of(element, context)
    if len(found) > _MOST:
        context.note(f"ignored all but {_MOST} of {len(found)} fallback parts")
    return {"fallback": found[:_MOST]} if found else {}


def _of(element: Element, context: Context) -> list[Fallback]:
    from xmppctl.model.payload.reference import Fallback  # not needed by who sends

    namespace = element.get("for") or None
    if not len(element):  # all there is (§2.2)
        return [Fallback(namespace)]
    found: list[Fallback] = []
    for child in element:
        name = _PARTS.get(child.tag)
        if name is None:
            continue
        try:
            start, end = _position(child, "start"), _position(child, "end")
            if (start or 0) > (end if end is not None else _LARGEST):
                raise ValueError("it ends before it begins")
        except ValueError as error:
            context.note(f"ignored a part of the {name} that is marked as fallback: {error}")
        else:
            found.append(Fallback(namespace, name, start, end))
    return found


def _position(element: Element, name: str) -> int | None:
    text = element.get(name)
    if text is None:
        return None
    digits = text.strip()
    # the length first: turning digits into a number takes long where there are very many
    if len(digits) <= 10 and digits.isascii() and digits.isdigit() and int(digits) <= _LARGEST:
        return int(digits)
    raise ValueError(f"its {name} is no position")


def strip(body: str, fallbacks: Iterable[Fallback], understood: Collection[str]) -> str:
    """``body`` without what is there only for clients that lack one of the ``understood`` features.

    A range that does not fit into the body is left in it: whoever counted it counted otherwise,
    and it is worse to lose a text than to show too much of one.
    """
    length = len(body)
    ranges: list[tuple[int, int]] = []
    for each in fallbacks:
        if each.for_ not in understood or each.part not in (None, "body"):
            continue
        start = each.start or 0
        end = length if each.end is None else each.end
        if start <= end <= length:
            ranges.append((start, end))
    kept: list[str] = []
    position = 0
    for start, end in sorted(ranges):
        if start > position:
            kept.append(body[position:start])
        position = max(position, end)
    return "".join([*kept, body[position:]])
