"""A form (XEP-0004), and XML elements of any kind, as children of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.commands.send.parts.content import check_stdin, exclude, keep, kept
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


# --- forms


def _check_form(values: Values) -> None:
    path = values["form_json"]
    if path is None:
        return
    exclude(values, "form-json", "stanza")
    if path == "-":
        check_stdin(values, "form-json", "json_payload")
    from xmppctl.cli import forms

    app = click.get_current_context().ensure_object(cli.App)
    answers = forms.whole(app.read_file(path), path)
    for name, texts in answers.items():
        check_characters("name of a form field", name)
        for text in texts:
            check_characters("value of a form field", text)
    keep("form", answers)


def _attach_form(stanza: Element, values: Values) -> None:
    if values["form_json"] is not None:
        from xmppctl.protocol.payload import form

        form.attach(stanza, kept("form"))


# --- any element


def _check_elements(values: Values) -> None:
    if not values["extensions"]:
        return
    exclude(values, "extension", "stanza")
    from xmppctl.session.xml import NS_CLIENT, XmlError, parse, split

    app = click.get_current_context().ensure_object(cli.App)
    found = []
    for path in values["extensions"]:
        try:
            element = parse(app.read_file(path))
        except XmlError as error:
            raise UsageError(f"--extension: {path} holds no XML element ({error})") from None
        if split(element.tag)[0] in ("", NS_CLIENT):
            raise UsageError(
                f"--extension: <{split(element.tag)[1]}/> of {path} has no namespace of its own",
                hint="--stanza sends a whole message",
            )
        found.append(element)
    keep("extensions", found)


def _attach_elements(stanza: Element, values: Values) -> None:
    if values["extensions"]:
        stanza.extend(kept("extensions"))


PARTS = (
    Part(
        heading="Content",
        options=(
            click.option("--form-json", type=click.Path(allow_dash=True), metavar="FILE",
                         help="A form that is filled in (XEP-0004), from JSON: values by field "
                         "name, or what listen shows as form (- for standard input); needs no "
                         "text."),
        ),
        check=_check_form,
        attach=_attach_form,
        speaks=lambda values: values["form_json"] is not None,
    ),
    Part(
        heading="Content",
        options=(
            click.option("--extension", "extensions", type=click.Path(), multiple=True,
                         metavar="FILE",
                         help="Put the XML element in FILE into the message; needs no text; "
                         "repeatable."),
        ),
        check=_check_elements,
        attach=_attach_elements,
        speaks=lambda values: bool(values["extensions"]),
    ),
)  # fmt: skip
