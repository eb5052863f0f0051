"""``xmppctl invite``: invitations that the own server makes (XEP-0401)."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, DURATION, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.invite import Invite
from xmppctl.model.jid import Jid

cmd = cli.group("invite", section="Services", help="Invite people to the server (XEP-0401).")

_ttl = click.option("--ttl", type=DURATION, metavar="D",
                    help="How long it can be used, where the server lets one choose.")  # fmt: skip
_landing = click.option("--landing", type=NONEMPTY, metavar="URL",
                        help="Landing page to use where the server has none.")  # fmt: skip


def _wishes(ttl: float | None, landing: str | None) -> dict[str, str]:
    if landing is not None and landing.partition(":")[0] not in ("https", "http"):
        raise UsageError(f"--landing {landing!r} is no https: URL")
    check_characters("landing page", landing)
    if ttl is None:
        return {}
    if ttl < 1:
        raise UsageError("--ttl is less than a second")
    return {"ttl": str(int(ttl))}


@cmd.command(
    "contact",
    examples=(
        "xmppctl invite contact",
        "xmppctl -o plain invite contact | qrencode -t ansiutf8",
        "xmppctl invite contact --landing https://invite.example.org/i/ --json",
    ),
)
@_ttl
@_landing
@cli.pass_app
async def contact(app: cli.App, ttl: float | None, landing: str | None) -> Invite:
    """Make an invitation to become a contact of the account.

    Who follows it is in the contact list at once; with ";ibr=y" in the URI an account can be made
    with it too. Whoever has it can use it, once.
    """
    wishes = _wishes(ttl, landing)
    from xmppctl.protocol import invites

    async with app.session() as session:
        return await invites.make(session, invites.CONTACT, wishes, landing)


@cmd.command(
    "account",
    examples=(
        "xmppctl invite account --json",
        "xmppctl -o plain invite account --username carol --ttl 2d",
    ),
)
@_ttl
@click.option("--username", type=NONEMPTY, help="Name of the account; the guest's choice without.")
@click.option("--subscribe", is_flag=True,
              help="Have the new account and the own one see each other's presence.")  # fmt: skip
@_landing
@click.option("--service", type=BARE_JID,
              help="Server to make it for; the account's own by default.")  # fmt: skip
@cli.pass_app
async def account(
    app: cli.App,
    ttl: float | None,
    username: str | None,
    subscribe: bool,
    landing: str | None,
    service: Jid | None,
) -> Invite:
    """Make an invitation to create an account on the server.

    "register create --uri URI" follows it. Servers allow this to their administrators. One that
    gives invitations without asking for a name or time has made one that is not used, where such
    a wish is an error.
    """
    wishes = _wishes(ttl, landing)
    if username is not None:
        from xmppctl.model.jid import parse

        try:
            wishes["username"] = parse(f"{username}@example.org").local or ""
        except ValueError as error:
            raise UsageError(f"--username {username!r}: {error}") from None
    if subscribe:
        wishes["roster-subscription"] = "1"
    from xmppctl.protocol import invites

    async with app.session() as session:
        return await invites.make(session, invites.ACCOUNT, wishes, landing, service)
