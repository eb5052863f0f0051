"""``omemo export`` and ``import``: the device of this machine goes to another one."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.commands.omemo import cmd, omemo_of, require, state_of
from xmppctl.commands.omemo.own import no_device
from xmppctl.model.omemo import OmemoDevice


@cmd.command(
    "export",
    examples=(
        "xmppctl omemo export --out device.json --move",
        "xmppctl omemo export --move | ssh other xmppctl omemo import -",
    ),
)
@click.option("--out", type=click.Path(allow_dash=True), metavar="FILE",
              help="Where to write to, mode 0600; standard output by default.")  # fmt: skip
@click.option("--move", is_flag=True,
              help="This machine forgets the device then: it goes on elsewhere.")  # fmt: skip
@cli.pass_app
def export(app: cli.App, out: str | None, move: bool) -> None:
    """Write the device of this machine to a file, with all its keys.

    Whoever has the file reads what is sent to the device. It must go on on one machine alone: two
    copies make each other's messages unreadable. Without --move the file is for the case that this
    machine is lost. Nothing is connected.
    """
    require()
    from xmppctl.cli.files import deliver
    from xmppctl.config import omemostate
    from xmppctl.protocol.omemo import transfer

    jid = str(app.account.jid.bare)
    path = omemostate.file(jid, app.env)
    if not path.exists():
        raise no_device(jid)
    if move:
        app.confirm("remove the device from this machine when it is written?")
    state = omemostate.FileState(path)
    with state.transaction():
        if state.load("/own_device_id") is None:
            raise no_device(jid)
        deliver(app, [transfer.dump(state, jid)], out, private=True)
        if move:
            for key, _ in list(state.items("")):
                state.delete(key)
    state.close()
    if move:
        omemostate.remove(path)
    else:
        app.warn("use it on another machine only when this one is not used any more")


@cmd.command(
    "import",
    examples=("xmppctl omemo import device.json", "xmppctl omemo import - < device.json"),
)
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--replace", is_flag=True, help="Also where this machine has a device already.")
@cli.pass_app
async def import_(app: cli.App, file: str, replace: bool) -> OmemoDevice:
    """Go on here as the device that omemo export wrote.

    It is announced again, and shown as the server has it then.
    """
    require()
    from xmppctl.protocol.omemo import transfer

    values = transfer.load(app.read_file(file), str(app.account.jid.bare))
    if replace:
        app.confirm("lose the keys of the device that this machine has?")
    async with app.session() as session:
        from xmppctl.protocol.omemo import devices

        transfer.restore(state_of(app, session), values, replace=replace)
        return await devices.init(omemo_of(app, session))
