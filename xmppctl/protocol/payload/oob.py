"""XEP-0066: Out of Band Data: URLs that belong to a message; not read in presence.

Requests to fetch a file (``jabber:iq:oob``) are in ``protocol/ooboffer.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0066", "1.5", "partial", "URLs of messages (jabber:x:oob) are sent and shown"),)

NS = "jabber:x:oob"
TAG = f"{{{NS}}}x"
TAGS = frozenset({TAG})

_LONGEST = 64 * 1024  # a data: URI may hold a picture


def attach(stanza: Element, url: str, desc: str | None = None) -> None:
    """Put the URL into a message (§3); clients show it in place where the body is equal to it."""
    element = SubElement(stanza, TAG)
    SubElement(element, f"{{{NS}}}url").text = url
    if desc is not None:
        SubElement(element, f"{{{NS}}}desc").text = desc


def url_of(element: Element) -> str | None:
    """The URL in an ``<x/>``, None where there is none."""
    url = (element.findtext(f"{{{NS}}}url") or "").strip()
    return url if 0 < len(url) <= _LONGEST else None


def urls(elements: Iterable[Element]) -> list[str]:
    """The URLs in ``<x/>`` elements, each once."""
    return list(dict.fromkeys(url for url in map(url_of, elements) if url is not None))


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``oob``: the URLs with their descriptions."""
    from xmppctl.model.payload.file import Oob  # not needed by who sends one

    found = []
    for element in children[TAG]:
        url = url_of(element)
        if url is not None:
            found.append(Oob(url, element.findtext(f"{{{NS}}}desc") or None))
    return {"oob": found} if found else {}
