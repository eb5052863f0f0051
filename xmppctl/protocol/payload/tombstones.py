"""XEP-0424 §5 and XEP-0425 §5: what an archive has left of a message that was taken back.

Also in the versions 0.3 and 0.2 of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.payload.moderation import NS, NS_OLD, RETRACT, RETRACT_OLD
from xmppctl.session.xml import NS_CLIENT, split

if TYPE_CHECKING:
    from datetime import datetime

    from xmppctl.model.payload.reference import Retracted
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (
    Xep("0424", "0.4.2", "complete", "tombstones"),
    Xep("0425", "0.3.0", "partial", "tombstones"),
)

_RETRACTED = f"{{{RETRACT}}}retracted"
_RETRACTED_OLD = f"{{{RETRACT_OLD}}}retracted"
_MODERATED = f"{{{NS}}}moderated"
_MODERATED_OLD = f"{{{NS_OLD}}}moderated"
TAGS = frozenset({_RETRACTED, _RETRACTED_OLD, _MODERATED_OLD})

_BODY = f"{{{NS_CLIENT}}}body"
_DELAY = "{urn:xmpp:delay}delay"


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``retracted``: the message was taken back; of what comes out of an archive alone.

    A message with a text is none of which nothing is left: there its sender pretends. Who did it,
    and why, is for a room to say: elsewhere it was the sender.
    """
    found = _retracted(children)
    if found is None:
        return {}
    if _BODY in children or not _is_past(children, context):
        context.note("ignored that a message was taken back: no archive says so")
        return {}
    if context.room is None and (found.by or found.reason):
        context.note("ignored who took a message back: it is of no room")
        found = replace(found, by=None, reason=None)
    return {"retracted": found}


def _retracted(children: Children) -> Retracted | None:
    from xmppctl.model.payload.reference import Retracted

    for outer in children.get(_MODERATED_OLD, ()):
        inner = outer.find(_RETRACTED_OLD)
        if inner is not None:
            return Retracted(_stamp(inner), outer.get("by"), _reason(outer), inner.get("id"))
    for tag in (_RETRACTED, _RETRACTED_OLD):
        for outer in children.get(tag, ()):
            moderated = outer.find(_MODERATED)
            by = (moderated if moderated is not None else outer).get("by")
            return Retracted(_stamp(outer), by, _reason(outer), outer.get("id"))
    return None


def _reason(element: Element) -> str | None:
    return next((e.text for e in element if split(e.tag)[1] == "reason" and e.text), None)


def _is_past(children: Children, context: Context) -> bool:
    """Whether it is out of an archive that was asked, or a room tells what was said before."""
    if context.trusted:
        return True
    delays = children.get(_DELAY, ())
    return context.room is not None and any(e.get("from") == context.room for e in delays)


def _stamp(element: Element) -> datetime | None:
    try:
        return parse_datetime(element.get("stamp", ""))
    except ValueError:
        return None
