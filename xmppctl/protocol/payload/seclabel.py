"""XEP-0258: Security Labels in XMPP: the label of a message, which nothing here interprets."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.session.xml import serialise

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

NS = "urn:xmpp:sec-label:0"
LABELLED = f"{{{NS}}}securitylabel"
TAGS = frozenset({LABELLED})

_LABEL = f"{{{NS}}}label"
_MARKING = f"{{{NS}}}displaymarking"
# §3: colours of HTML, such as red or #ff0000
_COLOUR = re.compile("[A-Za-z]{1,32}|#[0-9A-Fa-f]{6}")
_LONGEST_MARKING, _LONGEST_LABEL = 1024, 64 * 1024


def is_label(element: Element) -> bool:
    """Whether it is a ``<securitylabel/>`` as it has to be: with one label (§3)."""
    return element.tag == LABELLED and len(element.findall(_LABEL)) == 1


def attach(stanza: Element, label: Element) -> None:
    """Put a label, as it is, into a message."""
    stanza.append(copy.deepcopy(label))


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``security_label``: the marking to show, and the label as XML. Errors have none (§5)."""
    from xmppctl.model.payload.content import SecurityLabel  # not needed by who sends one

    element = children[LABELLED][0]
    if stanza.get("type") == "error" or not is_label(element):
        return {}
    marking = element.find(_MARKING)
    display = (marking.text or "").strip() if marking is not None else ""
    label = element.find(_LABEL)
    text = serialise(label, "") if label is not None else ""
    return {
        "security_label": SecurityLabel(
            display=display if 0 < len(display) <= _LONGEST_MARKING else None,
            fgcolor=_colour(marking, "fgcolor"),
            bgcolor=_colour(marking, "bgcolor"),
            label=text if 0 < len(text) <= _LONGEST_LABEL else None,
        )
    }


def _colour(marking: Element | None, name: str) -> str | None:
    given = marking.get(name, "") if marking is not None else ""
    return given if _COLOUR.fullmatch(given) else None
