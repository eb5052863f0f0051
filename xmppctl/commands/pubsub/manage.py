"""Verbs of ``xmppctl pubsub``: making, configuring, emptying and deleting nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.pubsub import _service as arguments
from xmppctl.commands.pubsub import cmd
from xmppctl.commands.pubsub._service import Service
from xmppctl.errors import UsageError
from xmppctl.model.form import Form
from xmppctl.model.pubsub import NodeCreation, NodeDeletion, NodePurge

if TYPE_CHECKING:
    from xmppctl.protocol.forms import Answers

_config = click.option(
    "--config",
    "config_pairs",
    metavar="NAME=VALUE",
    multiple=True,
    help="The same as --field, such as access_model=open.",
)


@cmd.command(
    "create",
    examples=(
        "xmppctl pubsub create pubsub.example.org news --config access_model=open",
        "xmppctl -o plain pubsub create pubsub.example.org",
        "xmppctl pubsub create pubsub.example.org blogs --type collection",
    ),
)
@arguments.service
@arguments.optional_node
@_config
@options.fields
@options.form_json
@options.show_form
@click.option("--type", "kind", type=click.Choice(["leaf", "collection"]), default="leaf",
              show_default=True,
              help="A node for items, or one for nodes (XEP-0248).")  # fmt: skip
@cli.pass_app
async def create(
    app: cli.App,
    service: Service,
    node: str | None,
    config_pairs: tuple[str, ...],
    field_pairs: tuple[str, ...],
    form_json: str | None,
    show_form: bool,
    kind: str,
) -> NodeCreation:
    """Make a node; without NODE the service chooses its name.

    Where the configuration is not what was asked for when it is read back, the node is deleted
    again. --show-form shows what can be asked for.
    """
    answers = _answers(app, config_pairs, field_pairs, form_json)
    if {"node_type", "pubsub#node_type"} & answers.keys():
        raise UsageError("a field node_type: --type says that")
    from xmppctl.protocol.pubsub import configuring

    async with app.session() as session:
        return await configuring.create(
            session, service.jid, node, answers, collection=kind == "collection"
        )


@create.instead("show_form")
@cli.pass_app
async def _shown(
    app: cli.App,
    service: Service,
    node: str | None,
    config_pairs: tuple[str, ...],
    field_pairs: tuple[str, ...],
    form_json: str | None,
    show_form: bool,
    kind: str,
) -> Form:
    if config_pairs or field_pairs or form_json:
        raise UsageError("--show-form makes nothing: give it without fields")
    from xmppctl.protocol.pubsub import configuring

    async with app.session() as session:
        return await configuring.default(session, service.jid)


@cmd.command(
    "config",
    examples=(
        "xmppctl pubsub config pubsub.example.org news",
        "xmppctl pubsub config self urn:example:notes --config max_items=max",
        "xmppctl pubsub config pubsub.example.org",
    ),
)
@arguments.service
@arguments.optional_node
@click.option("--get", is_flag=True, help="Show the configuration (the default).")
@options.show_form
@_config
@options.fields
@options.form_json
@cli.pass_app
async def config(
    app: cli.App,
    service: Service,
    node: str | None,
    get: bool,
    show_form: bool,
    config_pairs: tuple[str, ...],
    field_pairs: tuple[str, ...],
    form_json: str | None,
) -> Form:
    """Show or change the configuration of a node.

    What it is afterwards is shown. Fields that are not named keep their values. Without NODE what
    the service makes of new nodes, which is shown only.
    """
    answers = _answers(app, config_pairs, field_pairs, form_json)
    if answers and (get or show_form):
        raise UsageError("--get and --show-form change nothing: give them without fields")
    if answers and node is None:
        raise UsageError("which node? what new ones are configured as cannot be changed")
    from xmppctl.protocol.pubsub import configuring

    async with app.session() as session:
        if node is None:
            return await configuring.default(session, service.jid)
        if answers:
            return await configuring.configure(session, service.jid, node, answers)
        return await configuring.fetch(session, service.jid, node)


@cmd.command("purge", examples=("xmppctl pubsub purge pubsub.example.org news --yes",))
@arguments.service
@arguments.node
@arguments.if_exists
@cli.pass_app
async def purge(app: cli.App, service: Service, node: str, if_exists: bool) -> NodePurge:
    """Remove all items of a node.

    Needs --yes where nobody can be asked.
    """
    app.confirm(f"Remove all items of the node {node} of {service}?")
    from xmppctl.protocol.pubsub import removing

    async with app.session() as session:
        return await removing.purge(session, service.jid, node, if_exists=if_exists)


@cmd.command(
    "delete",
    examples=(
        "xmppctl pubsub delete pubsub.example.org news --yes",
        "xmppctl pubsub delete pubsub.example.org old --yes "
        "--redirect 'xmpp:pubsub.example.org?;node=news'",
    ),
)
@arguments.service
@arguments.node
@click.option("--redirect", type=NONEMPTY, metavar="URI",
              help="Where subscribers are to go, if the service tells them that.")  # fmt: skip
@arguments.if_exists
@cli.pass_app
async def delete(
    app: cli.App, service: Service, node: str, redirect: str | None, if_exists: bool
) -> NodeDeletion:
    """Delete a node and its items.

    Needs --yes where nobody can be asked.
    """
    if redirect is not None:
        check_characters("URI", redirect)
        scheme, colon, rest = redirect.partition(":")
        if not (colon and rest and scheme.isascii() and scheme[:1].isalpha()):
            raise UsageError(f"--redirect: {redirect!r} is no URI, such as xmpp:SVC?;node=NODE")
    app.confirm(f"Delete the node {node} of {service} and its items?")
    from xmppctl.protocol.pubsub import removing

    async with app.session() as session:
        return await removing.delete(
            session, service.jid, node, redirect=redirect, if_exists=if_exists
        )


def _answers(
    app: cli.App, configs: tuple[str, ...], fields: tuple[str, ...], path: str | None
) -> Answers:
    """What --config, --field and --form-json say together. Raises UsageError, LocalError."""
    named = arguments.pairs("--config", configs)
    answers = options.answers(app, fields, path)
    for name in named.keys() & arguments.pairs("--field", fields).keys():
        raise UsageError(f"--config {name} and --field {name} are the same: give it once")
    return {**answers, **named}
