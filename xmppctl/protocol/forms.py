"""XEP-0004: Data Forms, with XEP-0068 (FORM_TYPE), XEP-0122 (open lists) and XEP-0221 (media).

Read from elements, not from aioxmpp's form classes: those refuse what servers really send, such
as ``fixed`` fields without a name or unknown field types.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from xmppctl.model.form import Form, FormField, Media, Option
from xmppctl.protocol import Xep

XEPS = (
    Xep("0004", "2.13.2", "partial", "forms are read"),
    Xep("0122", "1.0.2", "partial", "open lists are recognised"),
    Xep("0221", "1.0", "partial", "media of fields are shown"),
)

NS = "jabber:x:data"
FORM = f"{{{NS}}}x"
_NS_VALIDATE = "http://jabber.org/protocol/xdata-validate"
_NS_MEDIA = "urn:xmpp:media-element"


def find(parent: Element) -> Element | None:
    """The form below ``parent``, None where there is none."""
    return parent.find(FORM)


def read(element: Element) -> Form:
    """The record of an ``<x xmlns='jabber:x:data'/>``, of whatever form type."""
    fields = [_field(child) for child in element.findall(f"{{{NS}}}field")]
    form_type = next((f.values[0] for f in fields if f.var == "FORM_TYPE" and f.values), None)
    reported = element.find(f"{{{NS}}}reported")
    return Form(
        form_type=form_type,
        title=element.findtext(f"{{{NS}}}title") or None,
        instructions=[e.text or "" for e in element.findall(f"{{{NS}}}instructions")],
        fields=[f for f in fields if f.var != "FORM_TYPE"],
        reported=[_field(c) for c in reported] if reported is not None else [],
        items=[_item(item) for item in element.findall(f"{{{NS}}}item")],
    )


def _field(element: Element) -> FormField:
    validate = element.find(f"{{{_NS_VALIDATE}}}validate")
    return FormField(
        var=element.get("var"),
        type=element.get("type", "text-single"),
        label=element.get("label") or None,
        desc=element.findtext(f"{{{NS}}}desc") or None,
        required=element.find(f"{{{NS}}}required") is not None,
        values=[value.text or "" for value in element.findall(f"{{{NS}}}value")],
        options=[
            Option(option.findtext(f"{{{NS}}}value") or "", option.get("label") or None)
            for option in element.findall(f"{{{NS}}}option")
        ],
        open=validate is not None and validate.find(f"{{{_NS_VALIDATE}}}open") is not None,
        media=[
            Media(uri.get("type", ""), (uri.text or "").strip())
            for uri in element.findall(f"{{{_NS_MEDIA}}}media/{{{_NS_MEDIA}}}uri")
        ],
    )


def _item(element: Element) -> dict[str, list[str]]:
    return {
        field.get("var", ""): [value.text or "" for value in field.findall(f"{{{NS}}}value")]
        for field in element.findall(f"{{{NS}}}field")
        if field.get("var")
    }
