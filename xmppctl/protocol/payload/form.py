"""XEP-0004: a data form in a message, with the media of its fields (XEP-0221)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import forms

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

TAGS = frozenset({forms.FORM})

TYPES = frozenset({"form", "submit", "result", "cancel"})
"""What a form can be (§3.1)."""


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``form``: the first one; nothing is fetched."""
    for element in children[forms.FORM]:
        if element.get("type") in TYPES:
            return {"form": forms.read(element)}
    return {}


def attach(stanza: Element, answers: forms.Answers) -> None:
    """Submit these values by field name; FORM_TYPE (XEP-0068) may be one of them."""
    scope = next(iter(answers.get("FORM_TYPE", ())), None)
    fields = {name: values for name, values in answers.items() if name != "FORM_TYPE"}
    stanza.append(forms.submit(scope, fields))
