"""XEP-0334: Message Processing Hints."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0334", "1.0.0", "complete"),)

NS = "urn:xmpp:hints"
HINTS = ("no-store", "no-permanent-store", "no-copy", "store")

_NAMES = {f"{{{NS}}}{name}": name for name in HINTS}
TAGS = frozenset(_NAMES)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``hints``: those of the message, each once; in bounces they mean nothing (§5)."""
    if stanza.get("type") == "error":
        return {}
    return {"hints": [name for tag, name in _NAMES.items() if tag in children]}


def attach(stanza: Element, hint: str) -> None:
    """Put the hint, one of ``HINTS``, into the message, once.

    The caller sees to it that "no-copy" goes to full JIDs alone (§4.3).
    """
    if stanza.find(f"{{{NS}}}{hint}") is None:
        SubElement(stanza, f"{{{NS}}}{hint}")


def keep(stanza: Element) -> None:
    """Ask servers to store the message, unless it says already whether they should."""
    if all(stanza.find(f"{{{NS}}}{name}") is None for name in HINTS if name != "no-copy"):
        attach(stanza, "store")
