"""XEP-0461: Message Replies: which message this one answers, with a quotation for who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import parse
from xmppctl.protocol import Xep
from xmppctl.protocol.payload import fallback
from xmppctl.session.xml import NS_CLIENT

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0461", "0.2.1", "complete"),)

NS = "urn:xmpp:reply:0"
REPLY = f"{{{NS}}}reply"
TAGS = frozenset({REPLY})

_BODY = f"{{{NS_CLIENT}}}body"
_COUNTING = ("{urn:xmpp:reference:0}reference", "{urn:xmpp:mentions:0}mention")
"""What counts positions in the body, from ``begin`` to ``end`` (XEP-0372, XEP-0513)."""


def attach(stanza: Element, identifier: str, author: str | None) -> None:
    """Say that this message answers the one with this id, which ``author`` has written.

    ``identifier`` is that of the room in a room (§4.1).
    """
    reply = SubElement(stanza, REPLY, {"id": identifier})
    if author is not None:
        reply.set("to", author)


def quote(stanza: Element, text: str) -> None:
    """Put ``text`` before the body in each language, as a quotation (§3.1).

    For who knows replies it is marked. What the message says about its text moves with it.
    """
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    quoted = "".join(f"> {line}\n" if line else ">\n" for line in lines)
    for body in stanza.findall(_BODY) or [SubElement(stanza, _BODY)]:
        body.text = quoted + (body.text or "")
    _move(stanza, len(quoted))
    fallback.mark(stanza, NS, (0, len(quoted)))


def _move(stanza: Element, by: int) -> None:
    for tag in _COUNTING:
        for element in stanza.findall(tag):
            for name in ("begin", "end"):
                position = element.get(name)
                if position is not None:
                    element.set(name, str(int(position) + by))


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``reply``: the first, for a message answers one; an author that is no JID is left out."""
    from xmppctl.model.payload.reference import Reply  # not needed by who sends one

    element = children[REPLY][0]
    identifier, author = element.get("id"), element.get("to")
    if not identifier:
        return {}
    if author:
        try:
            parse(author)
        except ValueError:
            context.note("ignored the author of an answered message: it is no JID")
            author = None
    return {"reply": Reply(identifier, author or None)}
