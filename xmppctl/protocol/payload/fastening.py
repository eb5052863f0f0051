"""XEP-0422: Message Fastening: something that belongs to an earlier message."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep
from xmppctl.protocol.payload.moderation import APPLY, MODERATED, RETRACT_OLD

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0422", "0.2.0", "partial", "shown; sent to moderate rooms that know no newer way"),)

NS = "urn:xmpp:fasten:0"
TAGS = frozenset({APPLY})

_EXTERNAL = f"{{{NS}}}external"
_OTHERS = MODERATED | {f"{{{RETRACT_OLD}}}retract"}
_MOST = 64
"""Fastenings of one message that are shown, and as many external parts."""


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``fastening``: the first, for a message has one (§4).

    None where a message is taken back by it: ``retraction`` and ``moderation`` read that.
    """
    from xmppctl.model.payload.reference import Fastening

    element = children[APPLY][0]
    identifier = element.get("id")
    if not identifier or any(child.tag in _OTHERS for child in element):
        return {}
    inside = [child.tag for child in element if child.tag != _EXTERNAL]
    return {
        "fastening": Fastening(
            id=identifier,
            # a type that is not that of the first is to be ignored (§3.2)
            children=[tag for tag in inside[:_MOST] if tag == inside[0]],
            external=_external(element)[:_MOST],
            shell=_true(element, "shell"),
            clear=_true(element, "clear"),
        )
    }


def _external(element: Element) -> list[str]:
    """The named children of the message, as ``{namespace}name``; of the stream's own, the name."""
    found: list[str] = []
    for child in element.findall(_EXTERNAL):
        name, namespace = child.get("name"), child.get("element-namespace")
        if name:
            found.append(f"{{{namespace}}}{name}" if namespace else name)
    return found


def _true(element: Element, name: str) -> bool | None:
    return True if element.get(name) in ("true", "1") else None
