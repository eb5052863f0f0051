"""XEP-0070: Verifying HTTP Requests. Here: the question in a message, which is only shown."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.model.payload.content import HttpConfirm
from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0070", "1.0.2", "complete"),)

CONFIRM = "{http://jabber.org/protocol/http-auth}confirm"
TAGS = frozenset({CONFIRM})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``http_confirm``: id, method and URL, all of which it must have (§4.4).

    In an error it is the answer no (§4.5).
    """
    element = children[CONFIRM][0]
    values = [(element.get(name) or "").strip() for name in ("id", "method", "url")]
    if stanza.get("type") == "error" or not all(values):
        return {}
    return {"http_confirm": HttpConfirm(*values)}
