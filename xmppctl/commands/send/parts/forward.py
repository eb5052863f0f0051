"""Messages that are passed on (XEP-0297): out of an archive, or out of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError, XmppctlError

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.session import Session

_FILES = f"{__name__}.files"
"""Where the messages of the files are kept between check and attach."""

_ANSWERS = ("displayed", "retract", "react_to", "unreact", "stdin_lines", "stanza")


def _forwards(values: Values) -> bool:
    return bool(values["forward"] or values["forward_file"])


def _check(values: Values) -> None:
    if values["forward_room"] is not None and not values["forward"]:
        raise UsageError("--forward-room needs --forward, the archive id of a message in it")
    check_characters("archive id", *values["forward"])
    if not _forwards(values):
        return
    for name in _ANSWERS:
        if values.get(name):
            option = "--forward" if values["forward"] else "--forward-file"
            raise UsageError(f"{option} and --{name.replace('_', '-')} exclude each other")
    context = click.get_current_context()
    if _reads_input(values, context.params.get("body")):
        raise UsageError("standard input can be read only once: for --forward-file, or the text")
    app = context.ensure_object(cli.App)
    context.meta[_FILES] = [_read(app, path) for path in values["forward_file"]]


def _reads_input(values: Values, body: str | None) -> bool:
    """Whether standard input is the file, and something else too."""
    files = list(values["forward_file"])
    if "-" not in files:
        return False
    texts = [*values.get("words", ())[-1:], body]
    text = "-" in texts and not cli.words_after_dashes()
    return files.count("-") > 1 or text or values.get("to_file") == "-"


def _read(app: cli.App, path: str) -> Element:
    from xmppctl.session.stream import MESSAGE
    from xmppctl.session.xml import NS_CLIENT, XmlError, parse, split

    try:
        element = parse(app.read_file(path))
    except XmlError as error:
        raise UsageError(f"--forward-file: {path} holds no XML element ({error})") from None
    if element.tag not in ("message", MESSAGE):
        raise UsageError(f"--forward-file: {path} holds no <message/> of jabber:client")
    for node in element.iter():  # one without any namespace is meant for the stream's own
        if not split(node.tag)[0]:
            node.tag = f"{{{NS_CLIENT}}}{node.tag}"
    return element


async def _prepare(session: Session, values: Values, recipients: Sequence[Jid]) -> Values:
    """The messages, each with the time at which the archive got it."""
    from xmppctl.protocol import mam
    from xmppctl.session.xml import parse

    archive = mam.Archive(session, values["forward_room"], raw=True)
    found = await mam.fetch(archive, list(dict.fromkeys(values["forward"])))
    forwarded: list[tuple[Element, datetime | None]] = []
    for message in found.values():
        if isinstance(message, XmppctlError):
            raise message
        element = parse(message.raw_xml or "")
        if element.get("from") is None:  # what one sent oneself
            element.set("from", session.bare)
        forwarded.append((element, message.timestamp))
    return {"forwarded": forwarded}


def _attach(stanza: Element, values: Values) -> None:
    if not _forwards(values):
        return
    from xmppctl.protocol.payload import forwarded

    for message, received in values.get("forwarded", ()):
        forwarded.attach(stanza, message, received)
    for message in click.get_current_context().meta[_FILES]:
        forwarded.attach(stanza, message, None)


PARTS = (Part(
    heading="References",
    options=(
        click.option("--forward", type=NONEMPTY, multiple=True, metavar="ID",
                     help="Pass on the message with this archive id, from the own archive "
                     "(XEP-0297); repeat for several. No text is needed."),
        click.option("--forward-room", type=BARE_JID, metavar="ROOM",
                     help="With --forward: the id is one of this room's archive."),
        click.option("--forward-file", type=click.Path(allow_dash=True), multiple=True,
                     metavar="FILE",
                     help="Pass on the message stanza in FILE (- for standard input)."),
    ),
    check=_check,
    attach=_attach,
    speaks=_forwards,
    asks=lambda values: "--forward" if values["forward"] else None,
    prepare=_prepare,
),)  # fmt: skip
