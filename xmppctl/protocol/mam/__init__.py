"""XEP-0313: Message Archive Management, of the own account, of rooms and of pubsub nodes.

Not covered: ``<flip-page/>``, since pages are turned round here, and the order of XEP-0413.
"""

from __future__ import annotations

from xmppctl.protocol import Xep
from xmppctl.protocol.mam.facts import count, fetch, metadata
from xmppctl.protocol.mam.query import NS, Archive, Filter, Fin, Result
from xmppctl.protocol.mam.selection import form, locate
from xmppctl.protocol.mam.walk import at_index, backwards, forwards, latest, results

XEPS = (
    Xep("0313", "1.1.3", "partial", "the client side, without flip-page"),
    Xep("0431", "0.2.0", "partial", "where the form of the archive offers it"),
    Xep("0442", "0.2.0", "partial", "reads archives of nodes"),
)

__all__ = [
    "NS",
    "Archive",
    "Filter",
    "Fin",
    "Result",
    "at_index",
    "backwards",
    "count",
    "fetch",
    "form",
    "forwards",
    "latest",
    "locate",
    "metadata",
    "results",
]
