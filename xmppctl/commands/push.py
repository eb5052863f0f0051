"""``xmppctl push``: which services the own server tells of messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.errors import LocalError, RefusedError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.push import Push, PushService, PushStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from xmppctl.config.pushes import Enabled
    from xmppctl.session import Session

cmd = cli.group("push", section="Account", help="Push notifications by the server (XEP-0357).")

_node = click.argument("node", metavar="[NODE]", type=NONEMPTY, required=False)


@cmd.command(
    "enable",
    examples=(
        "xmppctl push enable push.example.org yxs32uqsflafdk3iuqo",
        "xmppctl push enable push.example.org NODE --secret-file push-secret.txt",
        "xmppctl push enable push.example.org NODE --option secret=eruio234vzxc2kla-91",
    ),
)
@click.argument("service", type=JID, required=False)
@_node
@click.option("--option", "options", metavar="NAME=VALUE", multiple=True,
              help="What the server has to give with each notification (repeatable); others on "
              "this machine can read it.")  # fmt: skip
@click.option("--secret-file", type=click.Path(), metavar="FILE",
              help="File with the option secret.")  # fmt: skip
@cli.pass_app
async def enable(
    app: cli.App,
    service: Jid | None,
    node: str | None,
    options: tuple[str, ...],
    secret_file: str | None,
) -> Push:
    """Have the server tell a push service of messages.

    Without SERVICE the one that the own server names. NODE and the options are what the service
    has told; it is not contacted. It holds for the account until it is disabled, or until the
    server gives up on a service that refuses.
    """
    given = _options(options, secret_file)
    check_characters("node", node)
    from xmppctl.protocol import push

    async with app.session() as session:
        record = await push.enable(session, service, node, given)
        entry = (record.service, record.node)
        _remember(app, session, lambda old: (*(each for each in old if each != entry), entry))
        return record


@cmd.command(
    "disable",
    examples=(
        "xmppctl push disable push.example.org yxs32uqsflafdk3iuqo",
        "xmppctl push disable push.example.org --if-exists",
    ),
)
@click.argument("service", type=JID)
@_node
@click.option("--if-exists", is_flag=True, help="What is not enabled is no failure.")
@cli.pass_app
async def disable(app: cli.App, service: Jid, node: str | None, if_exists: bool) -> Push:
    """Have the server tell a push service no more.

    Without NODE none of its nodes. Not every server tells whether it was enabled: with one that
    does not, what was not enabled by this program on this machine counts as not enabled, and is
    disabled all the same.
    """
    check_characters("node", node)
    from xmppctl.config import pushes
    from xmppctl.protocol import push

    def concerns(entry: tuple[str, str | None]) -> bool:
        return entry[0] == str(service) and node in (None, entry[1])

    async with app.session() as session:
        try:
            known = any(map(concerns, pushes.load(session.bare, app.env)))
        except LocalError as error:
            app.warn(error.text)
            known = False
        refusal: RefusedError | None = None
        try:
            await push.disable(session, service, node, known=known)
        except RefusedError as error:
            if error.condition != "item-not-found":
                raise
            refusal = error
        if known:
            _remember(app, session, lambda old: tuple(each for each in old if not concerns(each)))
        if refusal is not None and not if_exists:
            raise refusal
        return Push(str(service), node, enabled=False)


@cmd.command(
    "status",
    examples=(
        "xmppctl push status",
        "xmppctl --json push status | jq .supported",
    ),
)
@cli.pass_app
async def status(app: cli.App) -> PushStatus:
    """Show whether the server offers push notifications.

    And what was enabled by this program on this machine: no server tells what is enabled.
    """
    from xmppctl.config import pushes
    from xmppctl.protocol import push

    async with app.session() as session:
        found = await push.status(session)
        enabled = [Push(*each, enabled=True) for each in pushes.load(session.bare, app.env)]
        return replace(found, enabled_here=enabled)


@cmd.command(
    "service",
    examples=(
        "xmppctl push service",
        "xmppctl -o plain push service example.org --fail-empty",
    ),
)
@click.argument("domain", type=JID, required=False)
@cli.pass_app
async def service(app: cli.App, domain: Jid | None) -> list[PushService]:
    """Find push services, of the own server by default.

    Those among its services that say so of themselves (identity pubsub/push).
    """
    from xmppctl.protocol import push

    async with app.session() as session:
        return await push.services(session, domain or session.domain)


def _options(pairs: tuple[str, ...], secret_file: str | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            # not shown: it may be a secret
            raise UsageError("--option takes NAME=VALUE, and one was given that is not")
        if name == "FORM_TYPE":
            raise UsageError("--option FORM_TYPE: it is always that of publish options")
        found.setdefault(name, []).append(value)
    if secret_file is not None:
        if "secret" in found:
            raise UsageError("--secret-file and --option secret exclude each other")
        from xmppctl.config import secrets

        source = secrets.make("file", "option --secret-file", secret_file)
        found["secret"] = [secrets.read(source, secrets.Purpose("secret", ("file",), prompt=0))]
    for name, values in found.items():
        check_characters("option", name, *values)
    return found


def _remember(app: cli.App, session: Session, change: Callable[[Enabled], Enabled]) -> None:
    from xmppctl.config import pushes

    try:
        pushes.update(session.bare, change, app.env)
    except LocalError as error:
        app.warn(f"what is enabled cannot be remembered: {error.text}")
