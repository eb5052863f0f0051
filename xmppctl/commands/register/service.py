"""``register service``: a gateway, a room service, anything that an account registers with."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.params import BARE_JID
from xmppctl.commands.register import group
from xmppctl.commands.register.group import cmd
from xmppctl.model.jid import Jid
from xmppctl.model.register import Registration


@cmd.command(
    "service",
    examples=(
        "xmppctl register service irc.example.org --field username=bob --form-json secret.json",
        "xmppctl register service conference.example.org --field roomnick=Bob",
        "xmppctl register service irc.example.org --show-form --json",
    ),
)
@click.argument("service", metavar="SVC", type=BARE_JID)
@options.fields
@options.form_json
@options.show_form
@cli.pass_app
async def service(
    app: cli.App,
    service: Jid,
    field_pairs: tuple[str, ...],
    form_json: str | None,
    show_form: bool,
) -> Registration:
    """Register the account with a gateway or other service.

    Where it is registered already, that is changed: fields that are not given stay as they are.
    Passwords of other networks come by --form-json FILE or -, or are asked for on a terminal.
    "register cancel SVC" ends the registration.
    """
    answers = group.values(app, field_pairs, form_json)
    from xmppctl.protocol import registration

    async with app.session() as session:
        offer = await registration.ask(session, service)
        if show_form:
            return offer.record()
        group.refuse_secrets(offer, field_pairs)
        answers = group.complete(app, offer, answers, own=False)
        await registration.submit(session, registration.submission(offer, answers), service)
    return Registration(str(service), True)
