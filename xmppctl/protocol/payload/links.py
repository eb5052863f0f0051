"""XEP-0511: Link Metadata: what the sender of a message says about links. Nothing is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep
from xmppctl.session.xml import split

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0511", "0.1.1", "partial", "shown, not sent"),)

NS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DESCRIPTION = f"{{{NS}}}Description"
TAGS = frozenset({DESCRIPTION})

_ABOUT, _RESOURCE = f"{{{NS}}}about", f"{{{NS}}}resource"
_OG = "https://ogp.me/ns#"
_PROPERTIES = 200
"""As many are taken from one description."""


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``links``: what is said about each; an attribute without the namespace is none (§3.1)."""
    from xmppctl.model.payload.file import LinkMetadata  # not needed by who sends

    found = []
    for element in children[DESCRIPTION]:
        about = (element.get(_ABOUT) or "").strip()
        if about:
            found.append(LinkMetadata(about, _properties(element)))
        else:
            context.note("ignored facts about a link: they do not say about which one")
    return {"links": found} if found else {}


def _properties(element: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for child in element[:_PROPERTIES]:
        # RDF/XML has two forms for a value that is an IRI
        value = (child.text or "").strip() or child.get(_RESOURCE)
        if value and not len(child):
            found.setdefault(_name(child.tag), []).append(value)
    return found


def _name(tag: str) -> str:
    """``og:title`` or, of a part of OpenGraph, ``og:image:alt``; any other as {namespace}name."""
    namespace, name = split(tag)
    if not namespace.startswith(_OG):
        return tag
    return f"og:{namespace[len(_OG) :]}{name}"
