"""``xmppctl server connections`` and ``status``: what a domain tells on the web."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.server import _arguments as arguments
from xmppctl.commands.server import cmd
from xmppctl.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    RefusedError,
    TlsError,
    UnsupportedError,
    UsageError,
)
from xmppctl.model.jid import Jid
from xmppctl.model.server import ConnectionMethods, OutageStatus

if TYPE_CHECKING:
    from xmppctl.model.monitor import Check, Metric, Run
    from xmppctl.session.web import Web

_DOWN = (ConnectError, DeadlineError, TlsError, AuthError, RefusedError)
"""How a server fails that has an outage; a login can fail with its data base too."""


@cmd.command(
    "connections",
    examples=(
        "xmppctl server connections example.org",
        "xmppctl --json server connections example.org | jq -r '.websocket[].url'",
    ),
)
@arguments.domain
@cli.pass_app
async def connections(app: cli.App, domain: Jid | None) -> ConnectionMethods:
    """Show the ways to connect that a domain names (XEP-0156).

    They stand in its host-meta files on the web, with what XEP-0487 has more, and are read over
    https alone. No account is needed where DOMAIN is given.
    """
    from xmppctl.protocol.server import connections as operations

    name = domain.domain if domain is not None else app.account_for(login=False).domain
    return await operations.fetch(_web(app), name)


def monitor(found: Sequence[OutageStatus], run: Run) -> tuple[list[Check], list[Metric]]:
    """The check and the metrics of one status."""
    from xmppctl.commands.server._outage import check, metrics

    return [check(status) for status in found], metrics(found, run)


@cmd.command(
    "status",
    examples=(
        "xmppctl server status",
        "xmppctl --json server status example.org | jq .outage",
        "xmppctl server status --url https://status.example.org/status.json",
        "xmppctl -o nagios server status example.org",
    ),
    monitor=monitor,
)
@arguments.domain
@click.option("--url", type=NONEMPTY, help="Read the status there, and ask no server.")
@click.option(
    "--lang",
    type=NONEMPTY,
    metavar="TAG",
    help="Language of the message, such as de; that of the environment by default.",
)
@cli.pass_app
async def status(
    app: cli.App, domain: Jid | None, url: str | None, lang: str | None
) -> OutageStatus:
    """Show whether a server announces an outage (XEP-0455).

    The server tells the address of a file that is elsewhere on the web. The address is kept, so
    that the file is read too while the server is down. An outage that is announced is an answer:
    the exit code is 0. With -o nagios an outage that was planned, now or later, is a warning; any
    other is critical, as is a server that is down and announces nothing.
    """
    from xmppctl.protocol.server import sos

    languages = [lang] if lang is not None else sos.languages(app.env)
    if url is not None:
        return await sos.fetch(_web(app), [_checked(url)], _name(domain), languages)
    server, urls, cached = await _addresses(app, domain)
    return await sos.fetch(_web(app), urls, server, languages, cached=cached)


async def _addresses(app: cli.App, domain: Jid | None) -> tuple[str, list[str], bool]:
    """The domain, where it tells of outages, and whether that is known from an earlier run."""
    from xmppctl.config import outages
    from xmppctl.protocol.server import sos

    server = domain or Jid(None, app.account.domain, None)
    name = server.domain
    try:
        async with app.session() as session:
            urls = await sos.addresses(session, server)
    except UnsupportedError:
        outages.forget(name, app.env)
        raise
    except _DOWN as error:
        urls = outages.load(name, app.env)
        if not urls:
            raise
        app.warn(f"the server cannot be asked: {error.text}")
        return name, urls, True
    outages.store(name, urls, app.env)
    return name, urls, False


def _name(domain: Jid | None) -> str | None:
    return None if domain is None else domain.domain


def _checked(url: str) -> str:
    from xmppctl.session.weburl import parse_url

    try:
        return parse_url(url).text
    except ValueError as error:
        raise UsageError(f"--url: {error}") from None


def _web(app: cli.App) -> Web:
    from xmppctl.session.web import Web

    return Web(
        app.settings.get("ca_file"),
        app.settings.get("connect_timeout"),
        app.settings.get("timeout"),
        app.trace,
        insecure=True,  # what is read is no secret; addresses are http ones too (XEP-0455 §2.1)
        pins=app.settings.get("pin"),
    )
