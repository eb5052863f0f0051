"""XEP-0369: Mediated Information eXchange: who said something in a channel.

Anybody can write such an element: what only the channel may tell is believed where it vouches for
the message, as in its own archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from xmppctl.model.jid import lenient
from xmppctl.model.message import Occupant
from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0369", "0.14.6", "partial", "who speaks in a channel is shown"),)

_NAMESPACES = ("urn:xmpp:mix:core:1", "urn:xmpp:mix:core:0")
TAGS = frozenset(f"{{{ns}}}mix" for ns in _NAMESPACES)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``muc`` with the nickname, and with the JID behind it where the channel vouches for it."""
    if stanza.get("type") != "groupchat":
        return {}
    ns, element = next((ns, children[tag][0]) for ns in _NAMESPACES
                       if (tag := f"{{{ns}}}mix") in children)  # fmt: skip
    nick = (element.findtext(f"{{{ns}}}nick") or "").strip()
    real = (element.findtext(f"{{{ns}}}jid") or "").strip()
    sender = lenient(stanza.get("from", ""))
    if context.room is None or str(sender.bare) != context.room:
        if real:
            context.note(f"ignored the JID of a speaker: nobody vouches that {sender} knows it")
        return {"muc": Occupant(nick=nick)} if nick else {}
    found: dict[str, Any] = {"muc": Occupant(nick=nick or None, real_jid=real or None)}
    if sender.resource is not None:  # stays, whatever the nickname (§4.5)
        found["occupant_id"] = sender.resource
    if real and str(lenient(real).bare) == context.own:
        found["direction"] = "out"
    return found
