"""XEP-0353: that a call or a file is proposed, taken, declined or over."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.model.jingle import JingleOffer
from xmppctl.protocol.jingle import NS, declining, elements, messages
from xmppctl.session.xml import split

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

TAGS = messages.TAGS


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``jingle``; in an error nothing."""
    told = messages.read(stanza)
    if told is None:
        return {}
    action, id, element = told
    proposed = [declining.described(e) for e in element if split(e.tag)[1] == "description"]
    reason = elements.read_reason(element.find(f"{{{NS}}}reason"))
    return {
        "jingle": JingleOffer(
            action,
            id,
            stanza.get("from"),
            proposed,
            reason=None if reason is None else reason.condition,
        )
    }
