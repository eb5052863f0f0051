"""XEP-0393: Message Styling: the hint that a text has none.

The text itself is shown as it is: styling directives stay in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0393", "1.1.1", "complete"),)

NS = "urn:xmpp:styling:0"
UNSTYLED = f"{{{NS}}}unstyled"
TAGS = frozenset({UNSTYLED})


def attach(stanza: Element) -> None:
    """Say that the text is not to be styled (§7), once."""
    if stanza.find(UNSTYLED) is None:
        SubElement(stanza, UNSTYLED)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``unstyled``: the text has no styling, whatever characters are in it."""
    return {"unstyled": True}
