"""``xmppctl server dns``: where the DNS says that the servers of a domain are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import choice
from xmppctl.commands.server import _arguments as arguments
from xmppctl.commands.server import cmd
from xmppctl.errors import ConnectError, LocalError, UsageError, XmppctlError
from xmppctl.model.dns import Service, ServiceRecord
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xmppctl.model.account import Account
    from xmppctl.session.web import Web


@cmd.command(
    "dns",
    examples=(
        "xmppctl server dns example.org",
        "xmppctl server dns example.org --s2s",
        "xmppctl --json server dns example.org | jq -r '.[] | .problems[].id'",
        "xmppctl -o tsv --fields service,host,port,addresses server dns example.org --c2s",
    ),
)
@arguments.domain
@click.option("--c2s", is_flag=True, help="Only what is for clients.")
@click.option("--s2s", is_flag=True, help="Only what is for other servers.")
@click.option("--service", "services", type=choice(Service), multiple=True,
              help="Only this service; repeat for several.")  # fmt: skip
@cli.pass_app
async def dns(
    app: cli.App, domain: Jid | None, c2s: bool, s2s: bool, services: tuple[str, ...]
) -> AsyncIterator[ServiceRecord]:
    """Show where the DNS says that servers are (XEP-0368).

    All SRV records, for clients and for servers, with STARTTLS and with direct TLS, in the order
    in which they are tried; without any, the domain itself ("fallback"); and the WebSocket and
    BOSH endpoints of its host-meta files (XEP-0156). No account is needed where DOMAIN is given.

    What should be looked at stands under "problems", each with a fixed id, and words for people in
    JSON and with -v: cname, address-target,
    private-address, unusable-address, no-ipv6, no-ipv4, swapped-port, shared-port, tls-port,
    duplicate, same-host, not-alone, too-many, hosts-file, lookup-failed, no-fallback,
    tlsa-unsigned, tlsa-failed. They do not change the exit code. A host without address, and a set
    that cannot be read, are records with an error. "." is a service that is not offered.
    """
    import asyncio

    from xmppctl.protocol.server import dns as operations
    from xmppctl.protocol.server import dnsweb

    account = _where(app, domain)
    name = account.domain
    chosen = {*services, *_sides(c2s, s2s)} or {*operations.SRV_SERVICES, *dnsweb.SERVICES}
    app.trace.enter("dns")
    lookups = operations.Lookups(account)
    on_web = None
    if chosen.intersection(dnsweb.SERVICES):
        on_web = asyncio.create_task(dnsweb.survey(name, lookups, _web(app, account)))
    found = 0
    offered = False
    for record in await operations.survey(name, lookups, chosen):
        found += 1
        offered = offered or record.host != "."
        _note(app, record)
        yield record
    try:
        for record in [] if on_web is None else await on_web:
            if record.service in chosen:
                found, offered = found + 1, True
                _note(app, record)
                yield record
    except (UsageError, LocalError):
        raise
    except XmppctlError as error:
        if chosen.issubset(dnsweb.SERVICES):
            raise
        (app.note if dnsweb.is_absence(error) else app.warn)(f"host-meta of {name}: {error.text}")
    if found and not offered:
        raise ConnectError(
            f"the domain {name} offers no service of those (its SRV records say so)",
            step="dns",
            condition="service-not-offered",
            by=name,
        )


def _note(app: cli.App, record: ServiceRecord) -> None:
    told = [f"TLSA {each}" for each in record.tlsa or ()]
    for text in [*told, *(each.text for each in record.problems)]:
        app.note(f"{record.service} {record.host}:{record.port}: {text}")


def _sides(c2s: bool, s2s: bool) -> set[str]:
    from xmppctl.protocol.server import dnsweb
    from xmppctl.protocol.server.dns import CLIENT, SERVER

    return {*(CLIENT + dnsweb.SERVICES if c2s else ()), *(SERVER if s2s else ())}


def _where(app: cli.App, domain: Jid | None) -> Account:
    """How to ask, and about which domain; no secret is needed."""
    from xmppctl.model.account import Account
    from xmppctl.session import resolve

    if domain is None:
        account = arguments.own(app)
    else:
        account = Account(
            domain,
            ca_file=app.settings.get("ca_file"),
            pins=app.settings.get("pin"),
            nameserver=app.settings.get("nameserver"),
            connect_timeout=app.settings.get("connect_timeout"),
            timeout=app.settings.get("timeout"),
        )
    name = account.domain
    if resolve.has_records(name) and not resolve.is_host_name(name):
        raise UsageError(f"{name!r} is not a host name", step="dns", condition="bad-host")
    return replace(account, connect=None)


def _web(app: cli.App, account: Account) -> Web:
    from xmppctl.session.trace import Trace
    from xmppctl.session.web import Web

    limit = min(account.connect_timeout, account.timeout)
    return Web(
        account.ca_file, limit, limit, Trace(), pins=account.pins, nameserver=account.nameserver
    )
