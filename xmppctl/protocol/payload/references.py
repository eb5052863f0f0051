"""XEP-0372: References: what a message, or a part of its text, refers to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.payload.reference import Reference
from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.model.jid import Jid
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0372", "0.5.0", "complete"),)

NS = "urn:xmpp:reference:0"
REFERENCE = f"{{{NS}}}reference"
TAGS = frozenset({REFERENCE})

MANY = 100
"""More than this of one kind in one message are not read."""

# RFC 5122 §2.2: what may stand unescaped in every part of a JID
_IN_URI = "!$()*+,;="
_POSITION = re.compile(r"[0-9]{1,9}")


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``references``: those with a type and a URI, which they must have (§3.1)."""
    found = []
    for element in children[REFERENCE][:MANY]:
        kind, uri = element.get("type"), element.get("uri")
        if kind and uri:
            begin, end = positions(element)
            found.append(Reference(kind, uri, begin, end, element.get("anchor") or None))
    if len(children[REFERENCE]) > MANY:
        context.note(f"ignored references: more than {MANY} in one message")
    return {"references": found} if found else {}


def positions(element: Element) -> tuple[int, int] | tuple[None, None]:
    """``begin`` and ``end``, counted in code points (XEP-0426); none where they make no range."""
    found = [(element.get(name) or "").strip() for name in ("begin", "end")]
    if not all(_POSITION.fullmatch(each) for each in found):
        return None, None
    begin, end = map(int, found)
    return (begin, end) if begin <= end else (None, None)


def attach(stanza: Element, reference: Reference) -> None:
    """Put one more ``<reference/>`` into the message."""
    element = SubElement(stanza, REFERENCE, {"type": reference.type, "uri": reference.uri})
    write_positions(element, reference.begin, reference.end)
    if reference.anchor is not None:
        element.set("anchor", reference.anchor)


def write_positions(element: Element, begin: int | None, end: int | None) -> None:
    """``begin`` and ``end``, where there are any."""
    if begin is not None and end is not None:
        element.set("begin", str(begin))
        element.set("end", str(end))


def uri(jid: Jid) -> str:
    """The URI of an entity (RFC 5122 §2.2)."""
    local = "" if jid.local is None else f"{quote(jid.local, safe=_IN_URI)}@"
    resource = "" if jid.resource is None else f"/{quote(jid.resource, safe=_IN_URI)}"
    return f"xmpp:{local}{quote(jid.domain, safe='[]:')}{resource}"
