"""What a message has beside its text, and how that is meant: markup, data, spoilers, labels.

XEP-0071, XEP-0258, XEP-0335, XEP-0382, XEP-0393, XEP-0432.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.session import Session

_FILE = click.Path()
_FILE_OR_STDIN = click.Path(allow_dash=True)


def keep(option: str, content: Any) -> None:
    """What was read of the file of an option stays with the call of the command."""
    click.get_current_context().meta[f"{__name__}.{option}"] = content


def kept(option: str) -> Any:
    """What ``keep`` was given."""
    return click.get_current_context().meta[f"{__name__}.{option}"]


def _read(path: str, option: str | None = None) -> bytes:
    """The bytes of a file. Raises LocalError, and UsageError for - where ``option`` is given."""
    if path == "-" and option is not None:
        raise UsageError(f"--{option} takes a file: standard input is for the text")
    return click.get_current_context().ensure_object(cli.App).read_file(path)


def exclude(values: Values, option: str, *names: str) -> None:
    """Raise UsageError where one of the options with these names is given too."""
    for name in names:
        if values.get(name):
            flag = name.replace("_", "-")
            raise UsageError(f"--{option} and --{flag} exclude each other")


# --- XHTML-IM


def _check_xhtml(values: Values) -> None:
    path = values["xhtml"]
    if path is None:
        return
    exclude(values, "xhtml", "stdin_lines", "stanza")
    from xmppctl.protocol import xhtml

    try:
        body = xhtml.load(_read(path, "xhtml"))
    except ValueError as error:
        raise UsageError(f"--xhtml: {path}: {error}") from None
    if not xhtml.plain(body):
        raise UsageError(f"--xhtml: {path} says nothing")
    keep("xhtml", body)


def _attach_xhtml(stanza: Element, values: Values) -> None:
    if values["xhtml"] is not None:
        from xmppctl.protocol.payload import xhtml

        xhtml.attach(stanza, kept("xhtml"))


# --- hints


def _check_hints(values: Values) -> None:
    check_characters("hint", values["spoiler_hint"])


def _attach_hints(stanza: Element, values: Values) -> None:
    if values["spoiler"] or values["spoiler_hint"] is not None:
        from xmppctl.protocol.payload import spoiler

        spoiler.attach(stanza, values["spoiler_hint"], values.get("lang"))
    if values["unstyled"]:
        from xmppctl.protocol.payload import unstyled

        unstyled.attach(stanza)


# --- JSON


def _check_json(values: Values) -> None:
    path, datatype = values["json_payload"], values["json_type"]
    if datatype is not None:
        if path is None:
            raise UsageError("--json-type says what the JSON of --json-payload is: give that too")
        check_characters("type", datatype)
    if path is None:
        return
    if path == "-":
        check_stdin(values, "json-payload")
    from xmppctl.protocol.payload import jsonpayload

    try:
        text = _read(path).decode("utf-8-sig").strip(" \t\r\n")
        value = jsonpayload.parse(text)
    except ValueError as error:
        raise UsageError(f"--json-payload: {path} holds no JSON ({error})") from None
    if not isinstance(value, dict | list):  # XEP-0335 §4 goes by RFC 4627
        raise UsageError(f"--json-payload: {path} holds neither an object nor an array")
    check_characters("JSON", text)
    keep("json", text)


def check_stdin(values: Values, option: str, *others: str) -> None:
    """Raise UsageError where standard input would be read for something else too.

    ``option`` reads it; ``others`` are the names of further options that could.
    """
    given = click.get_current_context().params
    words = given.get("words") or [given.get("body")]
    other = None
    if values.get("stdin_lines"):
        other = "--stdin-lines"
    elif words[-1] == "-" and not cli.words_after_dashes():
        other = "the text -"
    for name in ("to_file", "stanza", *others):
        if values.get(name) == "-":
            other = f"--{name.replace('_', '-')} -"
    if other is not None:
        raise UsageError(f"standard input can be read only once, not for --{option} - and {other}")


def _attach_json(stanza: Element, values: Values) -> None:
    if values["json_payload"] is not None:
        from xmppctl.protocol.payload import jsonpayload

        jsonpayload.attach(stanza, kept("json"), values["json_type"])


# --- security labels


def _check_label(values: Values) -> None:
    path = values["label_xml"]
    if values["label"] is not None:
        exclude(values, "label", "label_xml", "stanza", "multicast")
        check_characters("selector", values["label"])
    if path is None:
        return
    exclude(values, "label-xml", "stanza")
    from xmppctl.protocol.payload import seclabel
    from xmppctl.session.xml import XmlError, parse

    try:
        label = parse(_read(path, "label-xml"))
    except XmlError as error:
        raise UsageError(f"--label-xml: {path} holds no XML element ({error})") from None
    if not seclabel.is_label(label):
        raise UsageError(
            f"--label-xml: {path} holds no <securitylabel/> of {seclabel.NS} with one <label/>"
        )
    keep("label", label)


async def _prepare_label(session: Session, values: Values, recipients: Sequence[Jid]) -> Values:
    from xmppctl.protocol import labels

    return {"labels": await labels.choose(session, recipients, values["label"])}


def _attach_label(stanza: Element, values: Values) -> None:
    label = None
    if values["label_xml"] is not None:
        label = kept("label")
    elif values.get("labels") is not None:
        from xmppctl.model.jid import parse

        label = values["labels"].get(str(parse(stanza.get("to", "")).bare))
    if label is not None:
        from xmppctl.protocol.payload import seclabel

        seclabel.attach(stanza, label)


PARTS = (
    Part(
        heading="Content",
        options=(
            click.option("--xhtml", type=_FILE, metavar="FILE",
                         help="The text with markup, as XHTML-IM (XEP-0071); where no text is "
                         "given, it is made of that."),
        ),
        check=_check_xhtml,
        attach=_attach_xhtml,
        speaks=lambda values: values["xhtml"] is not None,
    ),
    Part(
        heading="Content",
        options=(
            click.option("--unstyled", is_flag=True,
                         help="The text has no styling, whatever is in it (XEP-0393)."),
            click.option("--spoiler", is_flag=True,
                         help="The text gives something away (XEP-0382)."),
            click.option("--spoiler-hint", type=NONEMPTY, metavar="HINT",
                         help="The same, with a hint at what it is about."),
        ),
        check=_check_hints,
        attach=_attach_hints,
    ),
    Part(
        heading="Content",
        options=(
            click.option("--json-payload", type=_FILE_OR_STDIN, metavar="FILE",
                         help="Data for a program: the JSON in FILE (- for standard input); needs "
                         "no text (XEP-0335)."),
            click.option("--json-type", type=NONEMPTY, metavar="URI",
                         help="What kind of data that is (XEP-0432)."),
        ),
        check=_check_json,
        attach=_attach_json,
        speaks=lambda values: values["json_payload"] is not None,
    ),
    Part(
        heading="Content",
        options=(
            click.option("--label", type=NONEMPTY, metavar="SELECTOR",
                         help="Security label: the one that the server's catalogue for the "
                         "recipient has under this selector (XEP-0258)."),
            click.option("--label-xml", type=_FILE, metavar="FILE",
                         help="Security label: the <securitylabel/> in FILE, as it is."),
        ),
        check=_check_label,
        attach=_attach_label,
        asks=lambda values: "--label" if values["label"] is not None else None,
        prepare=_prepare_label,
    ),
)  # fmt: skip
