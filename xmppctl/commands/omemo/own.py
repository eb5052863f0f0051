"""``omemo init``, ``refresh``, ``remove-device``, ``purge``: the account's own devices."""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID
from xmppctl.commands.omemo import cmd, omemo_of, require, state_of
from xmppctl.errors import LocalError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.omemo import OmemoDevice, OmemoPurge

_DEVICE = click.IntRange(1, 2**31 - 1)


@cmd.command("init", examples=("xmppctl omemo init", "xmppctl --json omemo init | jq .device"))
@cli.pass_app
async def init(app: cli.App) -> OmemoDevice:
    """Make and announce the device of this machine.

    There is one for each account and machine; where it is there already, it is shown, and
    announced again if the server has lost it. The first send --omemo does the same. What makes the
    device is in the directory of the state: who copies that directory breaks its sessions.
    """
    require()
    async with app.session() as session:
        from xmppctl.protocol.omemo import devices

        return await devices.init(omemo_of(app, session))


@cmd.command(
    "refresh",
    examples=(
        "xmppctl omemo refresh",
        "xmppctl omemo refresh bob@example.org --new-session",
    ),
)
@click.argument("jid", type=BARE_JID, required=False)
@click.option("--new-session", is_flag=True,
              help="Begin anew with the devices of JID, if nothing can be decrypted.")  # fmt: skip
@cli.pass_app
async def refresh(app: cli.App, jid: Jid | None, new_session: bool) -> list[OmemoDevice]:
    """Publish the keys of this machine again, or ask JID for its devices.

    Also where both nodes can be read by everybody, as they have to be. The devices that are shown
    are those that the server has then.
    """
    require()
    if new_session and jid is None:
        raise UsageError("--new-session needs JID, with whose devices to begin anew")
    async with app.session() as session:
        from xmppctl.protocol.omemo import devices

        omemo = omemo_of(app, session)
        if jid is None:
            return [await devices.refresh(omemo)]
        if new_session:
            return await devices.replace_sessions(omemo, str(jid))
        return await devices.listed(omemo, str(jid))


@cmd.command(
    "remove-device",
    examples=(
        "xmppctl --yes omemo remove-device 1128453653",
        "xmppctl --yes omemo remove-device --if-exists 1128453653 2017562170",
    ),
    targets=True,
)
@click.argument("devices", metavar="ID...", nargs=-1, required=True, type=_DEVICE)
@click.option("--if-exists", is_flag=True, help="Do not fail where it is not announced.")
@cli.pass_app
async def remove_device(
    app: cli.App, devices: tuple[int, ...], if_exists: bool
) -> AsyncIterator[OmemoDevice]:
    """Announce own devices no more, such as stale ones.

    Nobody encrypts for them any more then. The device of this machine is left alone: omemo purge
    removes that one.
    """
    require()
    chosen = list(dict.fromkeys(devices))
    app.confirm(f"announce the device {', '.join(map(str, chosen))} no more?")
    async with app.session() as session:
        from dataclasses import replace

        from xmppctl.protocol.omemo import devices as operations
        from xmppctl.protocol.omemo.manager import own_device

        omemo = omemo_of(app, session)
        mine = own_device(omemo.state)
        others = [each for each in chosen if each != mine]
        if mine in chosen:
            refused = UsageError(
                f"{mine} is the device of this machine", step="omemo",
                hint="xmppctl omemo purge removes it",
            )  # fmt: skip
            yield OmemoDevice(session.bare, mine, state="this", error=refused.info())
        for each in await operations.remove(omemo, others) if others else ():
            missing = each.error is not None and each.error.condition == "item-not-found"
            yield replace(each, error=None) if missing and if_exists else each


@cmd.command(
    "purge",
    examples=("xmppctl --yes omemo purge", "xmppctl --yes omemo purge bob@example.org"),
)
@click.argument("jid", type=BARE_JID, required=False)
@cli.pass_app
async def purge(app: cli.App, jid: Jid | None) -> OmemoPurge:
    """Remove the device of this machine, or forget all about JID.

    Without JID: it is announced no more, and its keys are deleted, here and on the server; messages
    that are on their way to it can never be read. With JID: its devices, their keys and sessions,
    and what was decided about them, on this machine alone.
    """
    require()
    what = (
        f"forget all devices of {jid}, and how far they are trusted"
        if jid is not None
        else "remove the OMEMO device of this machine, with all its keys"
    )
    app.confirm(f"{what}?")
    async with app.session() as session:
        from xmppctl.config import omemostate
        from xmppctl.protocol.omemo import purging
        from xmppctl.protocol.omemo.manager import Omemo, own_device

        state = state_of(app, session)
        mine = own_device(state)
        if mine is None:
            state.close()
            raise no_device(session.bare)
        omemo = Omemo(session, state)
        if jid is not None:
            return await purging.forget(omemo, str(jid))
        done = await purging.purge(omemo)
        state.close()
        omemostate.remove(omemostate.file(session.bare, app.env))
        return done


def no_device(jid: str) -> LocalError:
    """There is nothing on this machine that it could be done with."""
    return LocalError(
        f"this machine has no OMEMO device for {jid}",
        step="omemo",
        condition="no-device",
        hint="xmppctl omemo init makes one",
    )
