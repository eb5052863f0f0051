"""XEP-0071: XHTML-IM: a message with markup beside its plain text."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep, languages, xhtml
from xmppctl.session.xml import LANG, NS_CLIENT

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0071", "1.5.4", "partial", "sent from a file; shown as its text"),)

HTML = f"{{{xhtml.NS_WRAPPER}}}html"
TAGS = frozenset({HTML})

_BODY = f"{{{NS_CLIENT}}}body"


def attach(stanza: Element, body: Element) -> None:
    """Put a checked ``<body/>`` into a message, with its plain text where that has none (§8)."""
    lang = body.get(LANG)
    if not any(each.get(LANG) in (None, lang) for each in stanza.findall(_BODY)):
        text = SubElement(stanza, _BODY, {} if lang is None else {LANG: lang})
        text.text = xhtml.plain(body)
    SubElement(stanza, HTML).append(copy.deepcopy(body))


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``xhtml_text``: what the markup says, in the language of the text that is shown."""
    bodies = children[HTML][0].findall(xhtml.BODY)
    text = xhtml.plain(languages.pick(bodies, stanza, children)) if bodies else ""
    return {"xhtml_text": text} if text else {}
