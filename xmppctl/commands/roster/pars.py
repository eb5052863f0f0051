"""``roster pars``: invitations to the contact list (XEP-0379)."""

from __future__ import annotations

from xmppctl import cli
from xmppctl.commands.roster import cmd
from xmppctl.model.invite import Invite

pars = cmd.group(
    "pars", section="Suggestions", help="Invite people to the contact list (XEP-0379)."
)


@pars.command("new", examples=("xmppctl roster pars new", "xmppctl -o plain roster pars new"))
@cli.pass_app
async def new(app: cli.App) -> Invite:
    """Have the server make a link that asks for a subscription.

    Who opens it sends the token with the request, which the server then grants. The same as
    "invite contact".
    """
    from xmppctl.protocol import invites

    async with app.session() as session:
        return await invites.make(session, invites.CONTACT, {})
