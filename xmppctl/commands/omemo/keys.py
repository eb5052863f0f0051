"""``omemo devices``, ``fingerprint``, ``trust``, ``untrust``, ``verify``: whose keys are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID
from xmppctl.commands.omemo import cmd, known_state, omemo_of, require
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.omemo import OmemoDevice, OmemoFingerprint

if TYPE_CHECKING:
    from xmppctl.protocol.omemo.devices import Level

F = TypeVar("F", bound=Callable[..., Any])

_FINGERPRINT = "80d09edc41f7f9cc5afdb6c0ca1eb66b58af6b9ddb5f9a05a9a3f6d48e8fb712"


@cmd.command(
    "devices",
    examples=(
        "xmppctl omemo devices",
        "xmppctl omemo devices bob@example.org",
        "xmppctl --json omemo devices bob@example.org | jq '.[] | select(.state == \"stale\")'",
    ),
)
@click.argument("jid", type=BARE_JID, required=False)
@cli.pass_app
async def devices_(app: cli.App, jid: Jid | None) -> list[OmemoDevice]:
    """List the devices of an account, of the own one by default.

    Those that are announced now, and those that are known from before. A stale one has no usable
    keys on the server, or has not answered to the last 53 messages: nobody may be reading there.
    """
    require()
    async with app.session() as session:
        from xmppctl.protocol.omemo import devices

        return await devices.listed(omemo_of(app, session), str(jid or session.bare))


@cmd.command(
    "fingerprint",
    examples=(
        "xmppctl omemo fingerprint",
        "xmppctl -o plain omemo fingerprint bob@example.org",
        "xmppctl --json omemo fingerprint | jq -r '.[].uri' | qrencode -t ansiutf8",
    ),
)
@click.argument("jid", type=BARE_JID, required=False)
@cli.pass_app
async def fingerprint(app: cli.App, jid: Jid | None) -> list[OmemoFingerprint]:
    """Show the fingerprint of this machine, or those of JID.

    The one of this machine is made where there is none yet; else nothing is connected for it. It
    is what others compare with what their client shows.
    """
    require()
    if jid is None:
        from xmppctl.protocol.omemo import devices

        state = known_state(app)
        own = None if state is None else devices.own_fingerprint(state, str(app.account.jid.bare))
        if own is not None:
            return [own]
    async with app.session() as session:
        from xmppctl.protocol.omemo import devices

        omemo = omemo_of(app, session)
        if jid is not None:
            return await devices.fingerprints(omemo, str(jid))
        made = await devices.init(omemo)
        assert made.device is not None and made.fingerprint is not None
        return [devices.as_fingerprint(made.jid, made.device, made.fingerprint, None)]


def _which(callback: F) -> F:
    for decorate in (
        click.option("--all", "everything", is_flag=True,
                     help="All devices that JID announces, without comparing anything."),
        click.argument("which", metavar="[FINGERPRINT|ID]...", nargs=-1),
        click.argument("jid", type=BARE_JID),
    ):  # fmt: skip
        callback = decorate(callback)
    return callback


@cmd.command(
    "trust",
    examples=(
        f"xmppctl omemo trust bob@example.org {_FINGERPRINT}",
        "xmppctl omemo trust bob@example.org 1128453653",
        "xmppctl omemo trust bob@example.org --all",
    ),
)
@_which
@cli.pass_app
async def trust(
    app: cli.App, jid: Jid, which: tuple[str, ...], everything: bool
) -> list[OmemoDevice]:
    """Use keys of an account, compared or not.

    That is a decision by hand: send --trust verified uses them too, and no new device of JID is
    trusted by itself from then on.
    """
    return await _decide(app, jid, which, everything, "trusted")


@cmd.command(
    "untrust",
    examples=(
        f"xmppctl omemo untrust bob@example.org {_FINGERPRINT}",
        "xmppctl omemo untrust bob@example.org --all",
    ),
)
@_which
@cli.pass_app
async def untrust(
    app: cli.App, jid: Jid, which: tuple[str, ...], everything: bool
) -> list[OmemoDevice]:
    """Use keys no more, neither to write nor to read.

    No new device of JID is trusted by itself from then on.
    """
    return await _decide(app, jid, which, everything, "distrusted")


@cmd.command("verify", examples=(f"xmppctl omemo verify bob@example.org {_FINGERPRINT}",))
@click.argument("jid", type=BARE_JID)
@click.argument("which", metavar="FINGERPRINT...", nargs=-1, required=True)
@cli.pass_app
async def verify(app: cli.App, jid: Jid, which: tuple[str, ...]) -> list[OmemoDevice]:
    """Compare fingerprints with the announced ones, and trust these.

    FINGERPRINT is what the owner of the device sees, told on another way. No new device of JID is
    trusted by itself from then on. One that JID does not announce is an error: then nothing is
    changed.
    """
    return await _decide(app, jid, which, False, "verified")


async def _decide(
    app: cli.App, jid: Jid, words: tuple[str, ...], everything: bool, level: Level
) -> list[OmemoDevice]:
    require()
    if everything == bool(words):
        raise UsageError("give the fingerprints, or --all" if not words else "--all takes no more")
    from xmppctl.protocol.omemo import devices

    which = [devices.Which(word, fingerprint_only=level == "verified") for word in words]
    async with app.session() as session:
        return await devices.set_trust(
            omemo_of(app, session), str(jid), which, level, announced=level != "distrusted"
        )
