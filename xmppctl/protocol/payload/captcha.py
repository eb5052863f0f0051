"""XEP-0158: CAPTCHA Forms: a challenge that comes as a message."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep, captcha, forms

if TYPE_CHECKING:
    from xmppctl.model.form import Form
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0158", "1.0.1", "partial", "challenges by message are shown"),)

CAPTCHA = f"{{{captcha.NS}}}captcha"
TAGS = frozenset({CAPTCHA})

_OOB = "{jabber:x:oob}x"
_URL = "{jabber:x:oob}url"


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``captcha``: only where the sender speaks for whom the form names (§3.1.3)."""
    from xmppctl.model.payload.content import Captcha

    element = forms.find(children[CAPTCHA][0])
    if element is None or element.get("type") != "form" or stanza.get("type") == "error":
        return {}
    form = forms.read(element)
    if form.form_type != captcha.NS:
        return {}
    sender, challenger = stanza.get("from", ""), _value(form, "from") or ""
    if not captcha.speaks_for(sender, challenger):
        context.note(f"ignored a challenge by {sender}: it is for messages to {challenger}")
        return {}
    told = next((e.findtext(_URL) for e in children.get(_OOB, ()) if e.findtext(_URL)), None)
    known = captcha.read(form, (told or "").strip() or None)
    return {
        "captcha": Captcha(
            challenge=_value(form, "challenge"),
            from_=challenger,
            sid=_value(form, "sid"),
            form=form,
            url=known.url if known is not None else told,
        )
    }


def _value(form: Form, name: str) -> str | None:
    found = (field.values for field in form.fields if field.var == name)
    return next((values[0] for values in found if values and values[0]), None)
