"""Verbs of ``xmppctl pubsub``: subscribing to nodes, and the options of a subscription."""

from __future__ import annotations

from collections.abc import Sequence

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.pubsub import _service as arguments
from xmppctl.commands.pubsub import cmd
from xmppctl.commands.pubsub._service import Service
from xmppctl.errors import UsageError
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid
from xmppctl.model.pubsubsub import NodeSubscription

_jid = click.option(
    "--subscriber",
    "who",
    type=JID,
    metavar="JID",
    help="Which JID of the account; its bare JID by default.",
)
_subid = click.option(
    "--subid", type=NONEMPTY, metavar="ID", help="Which of several subscriptions."
)
_option = click.option(
    "--option",
    "option_pairs",
    metavar="NAME=VALUE",
    multiple=True,
    help="Option of the subscription; the same as --field.",
)


@cmd.command(
    "subscribe",
    examples=(
        "xmppctl pubsub subscribe pubsub.example.org news",
        "xmppctl --json pubsub subscribe pubsub.example.org news | jq -r .state",
        "xmppctl pubsub subscribe pubsub.example.org news --option include_body=1",
    ),
)
@arguments.service
@arguments.node
@_jid
@_option
@options.fields
@options.form_json
@cli.pass_app
async def subscribe(
    app: cli.App,
    service: Service,
    node: str,
    who: Jid | None,
    option_pairs: tuple[str, ...],
    field_pairs: tuple[str, ...],
    form_json: str | None,
) -> NodeSubscription:
    """Subscribe to a node, or ask its owner for that.

    The state tells what became of it: "subscribed"; "pending" where an owner has to approve it;
    "unconfigured" where options have to be set before anything comes. Some services make a node
    that is not there.
    """
    check_own(app, who)
    answers = _answers(app, option_pairs, field_pairs, form_json)
    from xmppctl.protocol.pubsub import subscribing

    async with app.session() as session:
        found = await subscribing.subscribe(session, service.jid, node, who, answers)
    if found.state == "pending":
        app.warn("nothing comes before an owner of the node has approved the subscription")
    elif found.state == "unconfigured":
        app.warn("options may have to be set first: xmppctl pubsub options")
    return found


@cmd.command(
    "unsubscribe",
    examples=(
        "xmppctl pubsub unsubscribe pubsub.example.org news",
        "xmppctl pubsub unsubscribe pubsub.example.org news --subid 5A3F --if-exists",
    ),
)
@arguments.service
@arguments.node
@_subid
@_jid
@arguments.if_exists
@cli.pass_app
async def unsubscribe(
    app: cli.App,
    service: Service,
    node: str,
    subid: str | None,
    who: Jid | None,
    if_exists: bool,
) -> NodeSubscription:
    """End a subscription, or withdraw one that waits for approval."""
    check_own(app, who)
    check_characters("subscription id", subid)
    from xmppctl.protocol.pubsub import subscribing

    async with app.session() as session:
        return await subscribing.unsubscribe(
            session, service.jid, node, who, subid, if_exists=if_exists
        )


@cmd.command(
    "options",
    examples=(
        "xmppctl pubsub options pubsub.example.org news",
        "xmppctl pubsub options pubsub.example.org news --option include_body=0 --json",
    ),
)
@arguments.service
@arguments.node
@_subid
@_jid
@options.show_form
@_option
@options.fields
@options.form_json
@cli.pass_app
async def options_(
    app: cli.App,
    service: Service,
    node: str,
    subid: str | None,
    who: Jid | None,
    show_form: bool,
    option_pairs: tuple[str, ...],
    field_pairs: tuple[str, ...],
    form_json: str | None,
) -> Form:
    """Show or change the options of a subscription.

    Options that are not named keep their values; what is shown is what the service says
    afterwards.
    """
    check_own(app, who)
    check_characters("subscription id", subid)
    answers = _answers(app, option_pairs, field_pairs, form_json)
    if show_form and answers:
        raise UsageError("--show-form changes nothing: give it without options")
    from xmppctl.protocol.pubsub import options as operations

    async with app.session() as session:
        return await operations.options(session, service.jid, node, who, subid, answers)


def check_own(app: cli.App, who: Jid | None) -> None:
    """A subscription is one of the account. Raises UsageError for another JID."""
    account = app.account
    if who is not None and not account.anonymous and who.bare != account.jid.bare:
        raise UsageError(f"--subscriber {who} is not a JID of the account ({account.jid.bare})")


def _answers(
    app: cli.App, pairs: Sequence[str], field_pairs: Sequence[str], form_json: str | None
) -> dict[str, list[str]]:
    for pair in pairs:
        name, equals, _ = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--option {pair!r} is not NAME=VALUE")
    return options.answers(app, [*pairs, *field_pairs], form_json)
