"""XEP-0306: Extensible Status Conditions for Multi-User Chat: names for the numbers of XEP-0045.

No server is known to send the conditions as elements; where one does, they are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.model.mucstatus import STATUS, Status, status
from xmppctl.protocol import Xep
from xmppctl.protocol.room import NS_USER
from xmppctl.session.xml import split

XEPS = (Xep("0306", "0.2.1", "complete", "status codes are shown with their names"),)

_NS = "urn:xmpp:muc:conditions:1"
_CODES = {condition: code for code, (condition, _) in STATUS.items() if condition}


def read(stanza: Element) -> list[Status]:
    """The status of a presence or message of a room, by number; what cannot be read is left out."""
    found: dict[tuple[int | None, str | None], Status] = {}
    for element in stanza.findall(f"{{{NS_USER}}}x/{{{NS_USER}}}status"):
        for each in _read(element):
            found[each.code, each.condition] = each
    return sorted(found.values(), key=lambda s: (s.code is None, s.code or 0, s.condition or ""))


def _read(element: Element) -> Iterable[Status]:
    text = (element.get("code") or "").strip()
    named = [split(child.tag)[1] for child in element if split(child.tag)[0] == _NS]
    # int() would take the digits of every script
    if text.isascii() and text.isdecimal() and len(text) <= 4:
        known = status(int(text))
        yield replace(known, condition=known.condition or next(iter(named), None))
        named = [name for name in named if name != known.condition and known.condition]
    for name in named:
        code = _CODES.get(name)
        yield status(code) if code is not None else Status(None, name)


def codes(found: Iterable[Status]) -> list[int]:
    """The numbers alone, sorted."""
    return sorted(each.code for each in found if each.code is not None)
