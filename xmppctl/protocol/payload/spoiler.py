"""XEP-0382: Spoiler messages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep, languages
from xmppctl.session.xml import LANG

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0382", "0.2.0", "complete"),)

NS = "urn:xmpp:spoiler:0"
SPOILER = f"{{{NS}}}spoiler"
TAGS = frozenset({SPOILER})

_LONGEST = 4096
"""Characters of a hint: what is longer is none."""


def attach(stanza: Element, hint: str | None = None, lang: str | None = None) -> None:
    """Say that the text gives something away; ``hint``: what about, in the language ``lang``."""
    if hint is None and stanza.find(SPOILER) is not None:
        return
    spoiler = SubElement(stanza, SPOILER)
    if hint is not None:
        spoiler.text = hint
        if lang is not None:
            spoiler.set(LANG, lang)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``spoiler``: with the hint in the language of the text that is shown."""
    from xmppctl.model.payload.content import Spoiler  # not needed by who sends one

    found = languages.pick(children[SPOILER], stanza, children)
    hint = (found.text or "").strip()
    return {"spoiler": Spoiler(hint if 0 < len(hint) <= _LONGEST else None)}
