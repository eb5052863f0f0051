"""A file of this machine: uploaded first (XEP-0363), then its URL is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.commands.send.parts import Part, Values
from xmppctl.commands.send.parts.content import exclude, keep, kept
from xmppctl.commands.send.parts.files import say
from xmppctl.commands.send.parts.states import has_text
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.session import Session


def _check(values: Values) -> None:
    path = values["file"]
    if path is None:
        if values["sfs"]:
            raise UsageError("--sfs describes the file of --file: give that too")
        return
    exclude(values, "file", "oob_url", "file_url", "stanza", "stdin_lines")
    if path == "-":
        raise UsageError("--file takes a file", hint="xmppctl upload --to JID - takes any data")
    if values.get("dry_run"):
        return
    encrypt = bool(values.get("omemo"))
    if encrypt:
        exclude(values, "omemo --file", "sfs")
        if has_text(values):
            raise UsageError(
                "--omemo --file is a message of its own (XEP-0454): send the text by another"
            )
    from xmppctl.commands.upload import One

    app = click.get_current_context().ensure_object(cli.App)
    keep("file", One(app, path, encrypt=encrypt))


async def _prepare(session: Session, values: Values, recipients: Sequence[Jid]) -> Values:
    encryptor = values.get("encryptor")  # the parts for encryption come before
    if encryptor is not None:  # what nobody could be told of is not uploaded
        await encryptor.check(recipients, rooms=bool(values.get("muc")))
    return {"uploaded": await kept("file").store(session)}


def _attach(stanza: Element, values: Values) -> None:
    file = values.get("uploaded")
    if file is None:
        return
    from xmppctl.protocol import filesharing
    from xmppctl.protocol.payload import oob

    is_body = say(stanza, file.url)
    if values.get("omemo"):
        return  # the URL has the key, and goes where it is encrypted alone
    oob.attach(stanza, file.url)
    if values["sfs"]:
        filesharing.attach(stanza, file, is_body=is_body)


PARTS = (Part(
    heading="Files",
    options=(
        click.option("--file", type=click.Path(), metavar="FILE",
                     help="Upload this file, and send its URL (XEP-0066), which is the text too "
                     "where none is given; upload has more options for that. With --omemo it is "
                     "encrypted before (XEP-0454)."),
        click.option("--sfs", is_flag=True, help="With --file: describe the file too (XEP-0447)."),
    ),
    check=_check,
    attach=_attach,
    speaks=lambda values: values["file"] is not None,
    asks=lambda values: "--file" if values["file"] is not None else None,
    prepare=_prepare,
),)  # fmt: skip
