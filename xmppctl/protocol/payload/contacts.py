"""XEP-0144: Roster Item Exchange: contacts that a message suggests; nothing is done about them."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

X = "{http://jabber.org/protocol/rosterx}x"
TAGS = frozenset({X})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``contacts``: the suggestions; one's own that bounced are none."""
    if stanza.get("type") == "error":
        return {}
    from xmppctl.protocol import rosterx

    items = chain.from_iterable(map(rosterx.read, children[X]))
    found = list(islice(items, rosterx.MANY))
    if next(items, None) is not None:
        context.note(f"ignored suggested contacts: more than {rosterx.MANY} in one message (§6)")
    return {"contacts": found} if found else {}
