"""Messages that the devices of their recipients alone can read (XEP-0384)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.session import Session


def _check(values: Values) -> None:
    if not values["omemo"]:
        if values["omemo_version"] is not None:
            raise UsageError("--omemo-version is for --omemo")
        return
    if "muc" in values and not values["muc"] and values.get("kind") == "groupchat":
        raise UsageError("--omemo to a room needs --muc: its members are to be known")
    if click.get_current_context().info_name == "pm":
        raise UsageError("--omemo is for accounts and rooms: an occupant's devices are not known")
    from xmppctl.protocol import omemo

    omemo.require()


def _attach(stanza: Element, values: Values) -> None:
    """The message is encrypted when it is complete."""


def _complete(stanza: Element, values: Values) -> None:
    # the text of --file is made when that is uploaded
    if values["omemo"] and values["omemo_version"] != "2" and values.get("file") is None:
        from xmppctl.protocol.omemo.beside import check_old

        check_old(stanza)


async def _prepare(session: Session, values: Values, recipients: Sequence[Jid]) -> Values:
    from xmppctl.commands.omemo import state_of
    from xmppctl.protocol.omemo.sealing import Sealer

    app = click.get_current_context().ensure_object(cli.App)
    sealer = Sealer(
        session,
        state_of(app, session),
        policy=values["trust"] or "btbv",
        version=values["omemo_version"] or "auto",
        tell=app.warn,
    )
    if not values.get("muc"):
        await sealer.prepare(recipients)
    return {"encryptor": sealer}


PARTS = (Part(
    heading="Encryption",
    options=(
        click.option("--omemo", is_flag=True,
                     help="Encrypt for all devices of the recipients, and of a room's members "
                     "(XEP-0384); nothing is sent where that cannot be done."),
        click.option("--omemo-version", type=click.Choice(["auto", "0.3", "2"]),
                     help="auto, the default: for each device the one that it knows, 0.3 before "
                     "2. 0.3 encrypts the text alone, 2 all that the message says."),
    ),
    check=_check,
    attach=_attach,
    asks=lambda values: "--omemo" if values["omemo"] else None,
    prepare=_prepare,
    complete=_complete,
),)  # fmt: skip
