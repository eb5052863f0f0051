"""XEP-0045 §7.8 and XEP-0249: invitations to rooms that came in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.model.jid import lenient, parse
from xmppctl.model.occupant import Invited

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

NS_DIRECT = "jabber:x:conference"
NS_USER = "http://jabber.org/protocol/muc#user"
_DIRECT, _USER = f"{{{NS_DIRECT}}}x", f"{{{NS_USER}}}x"
TAGS = frozenset({_DIRECT, _USER})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``invite``: the invitation in a message that came in, or somebody's refusal of one.

    Only a room invites in its own name; what a user writes into such an element is not believed.
    A room may put both forms into one message, of which its own says more. What bounced is one's
    own invitation.
    """
    if stanza.get("type") == "error":
        return {}
    invite = _of_room(stanza, children, context) or _direct(stanza, children, context)
    return {"invite": invite} if invite is not None else {}


def _of_room(stanza: Element, children: Children, context: Context) -> Invited | None:
    room = lenient(stanza.get("from", ""))
    for user in children.get(_USER, ()):
        for name, kind in (("invite", "mediated"), ("decline", "declined")):
            inner = user.find(f"{{{NS_USER}}}{name}")
            if inner is None:
                continue
            if not room.local or room.resource is not None:
                if str(room.bare) != context.own:
                    context.note(f"ignored an invitation of a room: it came from {room}")
                continue
            thread = inner.find(f"{{{NS_USER}}}continue")
            return Invited(
                room=str(room),
                kind=kind,  # type: ignore[arg-type]
                inviter=inner.get("from") or None,
                reason=inner.findtext(f"{{{NS_USER}}}reason") or None,
                password=user.findtext(f"{{{NS_USER}}}password") or None,
                thread=thread.get("thread") or None if thread is not None else None,
            )
    return None


def _direct(stanza: Element, children: Children, context: Context) -> Invited | None:
    for direct in children.get(_DIRECT, ()):
        try:
            room = parse(direct.get("jid", "").strip())
        except ValueError:
            continue
        if room.is_bare:
            return Invited(
                room=str(room),
                kind="direct",
                inviter=stanza.get("from"),
                reason=direct.get("reason") or None,
                password=direct.get("password") or None,
                thread=direct.get("thread") or None,
            )
    return None
