"""Verbs of ``xmppctl pubsub``: who is subscribed to nodes, who may do what there, who waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, JID, JidType
from xmppctl.commands.pubsub import _service as arguments
from xmppctl.commands.pubsub import cmd
from xmppctl.commands.pubsub._service import SERVICE, Service
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.pubsubsub import (
    Affiliation,
    NodeAffiliate,
    NodeAffiliation,
    NodeSubscriber,
    NodeSubscription,
    State,
)

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    # Not every Click that will do can be subscripted here.
    _Type = click.ParamType

F = TypeVar("F", bound=Callable[..., Any])


class ChangeType(_Type):
    """``JID=VALUE`` with a value of a ``Literal`` type; the value is a pair of both."""

    def __init__(self, jid: JidType, literal: object, name: str) -> None:
        self.name = name
        self._jid = jid
        self._allowed = [str(each) for each in get_args(literal)]

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Jid, str]:
        """The pair; fails on text that is none."""
        if isinstance(value, tuple):
            return value
        # a resource may contain an equals sign
        jid, equals, what = value.rpartition("=")
        if not equals:
            self.fail(f"{value!r} is not {self.name}", param, ctx)
        if what not in self._allowed:
            self.fail(f"{what!r} is none of {', '.join(self._allowed)}", param, ctx)
        return self._jid.convert(jid, param, ctx), what


_optional_service = click.argument("service", metavar="[SVC]", type=SERVICE, required=False)
_owner = click.option("--owner", is_flag=True, help="Everybody's, as the owner of NODE sees them.")


def _changes(type: ChangeType, help: str) -> Callable[[F], F]:
    return click.option("--set", "changes", type=type, multiple=True, help=help)


@cmd.command(
    "subscriptions",
    examples=(
        "xmppctl pubsub subscriptions",
        "xmppctl --json pubsub subscriptions pubsub.example.org news",
        "xmppctl -o plain pubsub subscriptions pubsub.example.org news --owner",
        "xmppctl pubsub subscriptions pubsub.example.org news --set bob@example.org=subscribed",
    ),
)
@_optional_service
@arguments.optional_node
@_owner
@_changes(ChangeType(JID, State, "JID=STATE"),
          "Subscribe somebody (subscribed) or end it (none); for owners, repeatable.")  # fmt: skip
@arguments.if_exists
@cli.pass_app
async def subscriptions(
    app: cli.App, /, service: Service | None, node: str | None, **options: Any
) -> list[NodeSubscription]:
    """List the own subscriptions, or for its owner those to a node.

    Without SVC those at the own account and at the services of the own server. A service may hide
    from the owner which ones wait for approval: pubsub pending shows these.
    """
    _check(service, node, options)
    from xmppctl.protocol.pubsub import subscriptions as operations

    async with app.session() as session:
        if service is None:
            return await operations.everywhere(session)
        return await operations.subscriptions(session, service.jid, node)


async def _subscribers(
    app: cli.App, /, service: Service | None, node: str | None, **options: Any
) -> list[NodeSubscriber]:
    where, name = _check(service, node, options)
    from xmppctl.protocol.pubsub import owning

    async with app.session() as session:
        if not options["changes"]:
            return await owning.subscribers(session, where, name)
        return await owning.set_subscriptions(
            session, where, name, dict(options["changes"]), if_exists=options["if_exists"]
        )


subscriptions.instead("owner")(cli.pass_app(_subscribers))
subscriptions.instead("changes")(cli.pass_app(_subscribers))


@cmd.command(
    "affiliations",
    examples=(
        "xmppctl pubsub affiliations pubsub.example.org",
        "xmppctl pubsub affiliations pubsub.example.org news --owner --json",
        "xmppctl pubsub affiliations self urn:example:notes --set bob@example.org=member",
    ),
)
@_optional_service
@arguments.optional_node
@_owner
@_changes(ChangeType(BARE_JID, Affiliation, "JID=AFF"),
          "Make somebody owner, publisher, publish-only, member, outcast or none.")  # fmt: skip
@arguments.if_exists
@cli.pass_app
async def affiliations(
    app: cli.App, /, service: Service | None, node: str | None, **options: Any
) -> list[NodeAffiliation]:
    """List the own affiliations, or for its owner those with a node.

    Without SVC those at the own account and at the services of the own server. Some services do
    not list the account itself as the owner of its nodes.
    """
    _check(service, node, options)
    from xmppctl.protocol.pubsub import owning

    async with app.session() as session:
        if service is None:
            return await owning.everywhere(session)
        return await owning.affiliations(session, service.jid, node)


async def _affiliates(
    app: cli.App, /, service: Service | None, node: str | None, **options: Any
) -> list[NodeAffiliate]:
    where, name = _check(service, node, options)
    from xmppctl.protocol.pubsub import owning

    async with app.session() as session:
        if not options["changes"]:
            return await owning.affiliates(session, where, name)
        return await owning.set_affiliations(
            session, where, name, dict(options["changes"]), if_exists=options["if_exists"]
        )


affiliations.instead("owner")(cli.pass_app(_affiliates))
affiliations.instead("changes")(cli.pass_app(_affiliates))


@cmd.command(
    "pending",
    examples=(
        "xmppctl pubsub pending pubsub.example.org",
        "xmppctl pubsub pending pubsub.example.org news --approve bob@example.org",
        "xmppctl -o plain pubsub pending pubsub.example.org news --fail-empty",
    ),
)
@arguments.service
@arguments.optional_node
@click.option("--approve", type=JID, multiple=True, metavar="JID",
              help="Let this one subscribe; repeatable.")  # fmt: skip
@click.option("--deny", type=JID, multiple=True, metavar="JID",
              help="Refuse this one's subscription; repeatable.")  # fmt: skip
@arguments.if_exists
@cli.pass_app
async def pending(
    app: cli.App,
    service: Service,
    node: str | None,
    approve: tuple[Jid, ...],
    deny: tuple[Jid, ...],
    if_exists: bool,
) -> list[NodeSubscriber]:
    """List subscriptions that wait for an owner's approval, and decide.

    Without NODE those to all nodes that the account owns. A service tells only who is available:
    contacts see the account as online for a moment where there are some.
    """
    both = set(approve) & set(deny)
    if both:
        raise UsageError(f"{next(iter(both))} is to be approved and denied")
    if (approve or deny) and node is None:
        raise UsageError("--approve and --deny need a NODE")
    if if_exists and not (approve or deny):
        raise UsageError("--if-exists is for --approve and --deny")
    from xmppctl.protocol.pubsub import pending as operations

    wants: list[Any] = [] if approve or deny else ["acks"]
    async with app.session(*wants) as session:
        if node is None or not (approve or deny):
            return await operations.pending(session, service.jid, node)
        decisions = {**dict.fromkeys(approve, True), **dict.fromkeys(deny, False)}
        return await operations.decide(session, service.jid, node, decisions, if_exists=if_exists)


def _check(
    service: Service | None, node: str | None, options: dict[str, Any]
) -> tuple[Jid | None, str]:
    """Service and node where an owner's verb has both. Raises UsageError."""
    changes = options["changes"]
    if (options["owner"] or changes) and (service is None or node is None):
        raise UsageError("an owner sees and sets what belongs to one node: give SVC and NODE")
    if len(dict(changes)) < len(changes):
        raise UsageError("--set: a JID is there more than once")
    if options["if_exists"] and not any(what == "none" for _, what in changes):
        raise UsageError("--if-exists is for --set JID=none")
    return (None if service is None else service.jid), node or ""
