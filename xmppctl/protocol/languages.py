"""Texts of a message in several languages (RFC 6121 §5.2.3): which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.session.xml import LANG, NS_CLIENT

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children

_BODY = f"{{{NS_CLIENT}}}body"


def of(element: Element, stanza: Element) -> str:
    """The language of a child of ``stanza``, which it may inherit; empty where none is told."""
    return element.get(LANG, stanza.get(LANG, "")).lower()


def shown(stanza: Element, children: Children) -> str:
    """The language of the text that the record of the message has as its body."""
    own = stanza.get(LANG, "").lower()
    bodies = [of(body, stanza) for body in children.get(_BODY, ())]
    return own if own in bodies or not bodies else bodies[0]


def pick(elements: Sequence[Element], stanza: Element, children: Children) -> Element:
    """The element that goes with the text that is shown; the first where none does."""
    wanted = shown(stanza, children)
    return next((each for each in elements if of(each, stanza) == wanted), elements[0])


def body(stanza: Element, children: Children) -> str | None:
    """The text that is shown, None where there is none."""
    bodies = children.get(_BODY, ())
    return (pick(bodies, stanza, children).text or "") if bodies else None
