"""Entries of a feed (RFC 4287) as payloads (XEP-0277, XEP-0472). Here: plain text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.protocol.dates import format_datetime
from xmppctl.session.stream import Session
from xmppctl.session.xml import LANG

XEPS = (Xep("0472", "0.2.1", "partial", "entries of plain text are published"),)

NS = "http://www.w3.org/2005/Atom"
ENTRY = f"{{{NS}}}entry"


def new_id() -> str:
    """An id for an item, which the entry's own id contains."""
    return str(UUID(bytes=os.urandom(16), version=4))


def entry(
    session: Session,
    identifier: str,
    *,
    title: str,
    content: str | None = None,
    author: str | None = None,
    alternate: str | None = None,
    related: Sequence[str] = (),
    tags: Sequence[str] = (),
    lang: str | None = None,
) -> Element:
    """An ``<entry/>`` by the own account, published now (XEP-0472 §4.2).

    ``alternate``: where it is on the web; ``related``: addresses that it is about.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    element = Element(ENTRY)
    if lang is not None:
        element.set(LANG, lang)
    _child(element, "title", title, type="text")
    if content is not None:
        _child(element, "content", content, type="text")
    if alternate is not None:
        _child(element, "link", rel="alternate", href=alternate)
    for each in related:
        _child(element, "link", rel="related", href=each)
    for tag in tags:
        _child(element, "category", term=tag)
    # RFC 4151: a name that is never given to anything else
    _child(element, "id", f"tag:{session.domain},{now.date().isoformat()}:posts-{identifier}")
    writer = SubElement(element, f"{{{NS}}}author")
    _child(writer, "name", author or session.jid.local or session.domain)
    _child(writer, "uri", f"xmpp:{session.bare}")
    for name in ("published", "updated"):
        _child(element, name, format_datetime(now))
    return element


def _child(parent: Element, name: str, text: str | None = None, **attributes: str) -> None:
    SubElement(parent, f"{{{NS}}}{name}", attributes).text = text
