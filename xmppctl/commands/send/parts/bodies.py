"""The text in more languages than one (RFC 6121 §5.2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.send.parts import Part, Values
from xmppctl.commands.send.text import check_language, checked_body
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def _texts(values: Values) -> list[tuple[str, str]]:
    found = []
    for given in values["bodies"]:
        tag, equals, text = given.partition("=")
        if not equals:
            raise UsageError(f"--body-lang: {given!r} is not TAG=TEXT, such as de=Hallo")
        found.append((tag, text))
    return found


def _check(values: Values) -> None:
    texts = _texts(values)
    tags = [tag.lower() for tag, _ in texts]
    for tag, text in texts:
        check_language(tag, "body-lang")
        checked_body(text)
    if len(set(tags)) < len(tags):
        raise UsageError("--body-lang: a message has one text in each language (RFC 6121 §5.2.3)")
    if (values.get("lang") or "").lower() in tags:
        raise UsageError("--body-lang: the text itself is in the language of --lang")
    for name in ("stdin_lines", "stanza"):
        if texts and values.get(name):
            raise UsageError(f"--body-lang and --{name.replace('_', '-')} exclude each other")


def _attach(stanza: Element, values: Values) -> None:
    from xmppctl.protocol import outgoing

    for tag, text in _texts(values):
        outgoing.add_body(stanza, tag, text)


PARTS = (Part(
    heading="Content",
    options=(
        click.option("--body-lang", "bodies", type=NONEMPTY, multiple=True, metavar="TAG=TEXT",
                     help="The text in one more language; repeat for several."),
    ),
    check=_check,
    attach=_attach,
    speaks=lambda values: bool(values["bodies"]),
),)  # fmt: skip
