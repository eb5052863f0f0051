"""XEP-0004: Data Forms, with XEP-0068 (FORM_TYPE), XEP-0122 (open lists) and XEP-0221 (media).

Read from elements, not from aioxmpp's form classes: those refuse what servers really send, such
as ``fixed`` fields without a name or unknown field types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import UsageError
from xmppctl.model.form import Form, FormField, Media, Option
from xmppctl.model.jid import parse
from xmppctl.protocol import Xep
from xmppctl.session.xml import illegal_character

XEPS = (
    Xep("0004", "2.13.2", "complete"),
    Xep("0068", "1.3.0", "complete"),
    Xep("0122", "1.0.2", "partial", "open lists are recognised"),
    Xep("0221", "1.0", "partial", "media of fields are shown"),
)

NS = "jabber:x:data"
FORM = f"{{{NS}}}x"
_NS_VALIDATE = "http://jabber.org/protocol/xdata-validate"
_NS_MEDIA = "urn:xmpp:media-element"

_BOOLEANS = {
    "1": "1", "true": "1", "yes": "1", "on": "1",
    "0": "0", "false": "0", "no": "0", "off": "0",
}  # fmt: skip

Answers = Mapping[str, Sequence[str]]
"""Values by the name of a field: its ``var``, or a short name as ``resolve`` reads it."""


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
        type=element.get("type"),
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


def candidates(form: Form, name: str) -> list[FormField]:
    """The fields that ``name`` may stand for, by the rules of ``resolve``; perhaps none."""
    fields = [field for field in form.fields if field.var and field.type != "fixed"]
    exact = [field for field in fields if field.var == name]
    ends = re.compile(rf".*[^A-Za-z0-9]{re.escape(name)}", re.DOTALL)
    return exact or [field for field in fields if ends.fullmatch(field.var or "")]


def resolve(form: Form, name: str) -> FormField:
    """The field called ``name``: its ``var``, or the end of one, such as "membersonly" for
    "muc#roomconfig_membersonly", where that is unique.

    Raises UsageError for a name that no field or several fields have.
    """
    found = candidates(form, name)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"the name {name!r} stands for several fields of the form",
            step="form",
            hint=f"give one of {', '.join(field.var or '' for field in found)}",
        )
    known = ", ".join(
        each.var for each in form.fields if each.var and each.type not in ("fixed", "hidden")
    )
    raise UsageError(
        f"the form has no field {name!r}; nothing was submitted",
        step="form",
        hint=f"its fields: {known or 'none'}",
    )


def resolved(form: Form, answers: Answers) -> dict[str, list[str]]:
    """The answers by the full names of their fields. Raises UsageError as ``resolve``, and where
    two names stand for one field."""
    result: dict[str, list[str]] = {}
    for name, values in answers.items():
        var = resolve(form, name).var or ""
        if var in result:
            raise UsageError(f"the field {var} was given by two names", step="form")
        result[var] = list(values)
    return result


def fill(form: Form, answers: Answers) -> Element:
    """The form, to be submitted with ``answers``; all other fields keep their values (§3.2).

    Raises UsageError, before anything is sent, for an unknown field, a value that the field's type
    or options do not allow, and for a required field without a value.
    """
    given = resolved(form, answers)
    element = _submission(form.form_type)
    lacking: list[str] = []
    for field in form.fields:
        if field.var is None or field.type == "fixed":
            continue
        values = field.values
        if field.var in given:
            values = _checked(field, given[field.var])
        if field.required and not any(values):
            lacking.append(field.var)
        if values or field.var in given:
            # the type of a secret goes along, so that a trace knows it for one
            private = {"type": field.type} if field.type == "text-private" else None
            _append(element, field.var, values, private)
    if lacking:
        raise UsageError(
            f"the form needs a value for: {', '.join(lacking)}; nothing was submitted",
            step="form",
            hint=f"--field {lacking[0]}=VALUE",
        )
    return element


def submit(form_type: str | None, answers: Answers) -> Element:
    """A submission of which only FORM_TYPE, if that, and names are known, not the form."""
    element = _submission(form_type)
    for var, values in answers.items():
        _append(element, var, values)
    return element


def _submission(form_type: str | None) -> Element:
    element = Element(FORM, {"type": "submit"})
    if form_type is not None:
        _append(element, "FORM_TYPE", [form_type], {"type": "hidden"})
    return element


def _append(
    form: Element, var: str, values: Sequence[str], attributes: Mapping[str, str] | None = None
) -> None:
    field = SubElement(form, f"{{{NS}}}field", {"var": var, **(attributes or {})})
    for value in values:
        SubElement(field, f"{{{NS}}}value").text = value


def _checked(field: FormField, values: Sequence[str]) -> list[str]:
    """The values in the form that the field's type wants (§3.3). Raises UsageError."""
    if field.type == "hidden" and list(values) != field.values:
        raise _wrong(field, "it belongs to the form and cannot be changed")
    if field.type == "text-multi":
        values = [line for value in values for line in re.split("\r\n|\n|\r", value)]
    elif field.type in ("jid-multi", "list-multi"):
        return list(dict.fromkeys(_value(field, value) for value in values if value))
    elif len(values) > 1:
        raise _wrong(field, "it takes one value")
    return [_value(field, value) for value in values]


def _value(field: FormField, value: str) -> str:
    if illegal_character(value) is not None:
        raise _wrong(field, "the value has a control character that XMPP cannot carry")
    if field.type == "boolean":
        if value.lower() not in _BOOLEANS:
            raise _wrong(field, f"{value!r} is neither 1 nor 0")
        return _BOOLEANS[value.lower()]
    if field.type in ("jid-single", "jid-multi") and value:
        try:
            return str(parse(value))
        except ValueError as error:
            raise _wrong(field, f"{value!r} is not a JID: {error}") from None
    allowed = [option.value for option in field.options]
    if field.type in ("list-single", "list-multi") and not field.open and allowed:
        if value not in allowed and (value or field.required):
            raise _wrong(field, f"{value!r} is none of {', '.join(allowed)}")
    elif field.type != "text-multi" and ("\n" in value or "\r" in value):
        raise _wrong(field, "the value has more than one line")
    return value


def _wrong(field: FormField, why: str) -> UsageError:
    return UsageError(f"field {field.var}: {why}; nothing was submitted", step="form")
