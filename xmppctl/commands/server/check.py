"""``xmppctl server check``: is a server well, as seen from outside and with an account?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, HOST_PORT, JidType
from xmppctl.commands.server import _arguments as arguments
from xmppctl.commands.server import cmd
from xmppctl.commands.server._monitor import monitor
from xmppctl.errors import LocalError, RefusedError, UsageError
from xmppctl.model.check import CHECKS, NEED_ACCOUNT, Finding, KnownCheck, expand
from xmppctl.model.jid import Jid
from xmppctl.output import MONITOR_FORMATS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from xmppctl.model.account import Account
    from xmppctl.protocol.check.context import Limits
    from xmppctl.protocol.check.engine import Plan

    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType

_MOST_NAMED = 3
"""Failed checks that the error names; all are among the records."""


class CheckType(_Type):
    """The name of a check, or what the names of several begin with; several between commas."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself; fails on one that names no check."""
        text = str(value)
        try:
            expand(_names((text,)))
        except KeyError as error:
            name = error.args[0]
            self.fail(f"there is no check {name!r}; the checks: {', '.join(CHECKS)}", param, ctx)
        return text

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """All names, and what they begin with."""
        from click.shell_completion import CompletionItem

        names = dict.fromkeys(word for name in CHECKS for word in (name.partition(".")[0], name))
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


CHECK = CheckType()


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for each in given for name in each.split(","))


@cmd.command(
    "check",
    examples=(
        "xmppctl server check example.org",
        "xmppctl --json server check example.org | jq '.[] | select(.status != \"ok\")'",
        "xmppctl -q server check example.org --only tls --warn-days 21 --strict",
        "xmppctl -o nagios server check example.org --crit-time 5s",
        "xmppctl server check --peer jabber.org",
    ),
    monitor=monitor,
    targets=True,
)
@arguments.domain
@click.option("--only", type=CHECK, multiple=True, metavar="NAME",
              help="Make this check alone, or all that begin so; a,b or repeatable.")  # fmt: skip
@click.option("--skip", type=CHECK, multiple=True, metavar="NAME",
              help="Leave out this check, or all that begin so; a,b or repeatable.")  # fmt: skip
@click.option("--warn-days", type=click.FloatRange(min=0), default=14, show_default=True,
              metavar="DAYS", help="Warn of a certificate that ends sooner.")  # fmt: skip
@click.option("--crit-days", type=click.FloatRange(min=0), default=7, show_default=True,
              metavar="DAYS", help="Fail for a certificate that ends sooner.")  # fmt: skip
@click.option("--warn-time", type=DURATION, help="Warn of a step that takes longer.")
@click.option("--crit-time", type=DURATION, help="Fail for a step that takes longer.")
@click.option("--strict", is_flag=True, help="Exit with 6 for warnings too.")
@click.option("--s2s", is_flag=True, help="Check the side for other servers too.")
@click.option("--s2s-connect", type=HOST_PORT,
              help="The port for servers is there: do not ask the DNS for it.")  # fmt: skip
@click.option("--peer", "peers", type=JidType(), multiple=True, metavar="DOMAIN",
              help="Reach this domain from the account's server; repeatable.")  # fmt: skip
@click.option("--list", "listing", is_flag=True, help="List the checks, and make none.")
@cli.pass_app
async def check(app: cli.App, /, domain: Jid | None, **options: Any) -> AsyncIterator[Finding]:
    """Check whether a server is well.

    Each way in is looked at: every address of every SRV record, with STARTTLS and direct TLS, and
    the WebSocket and BOSH addresses of the domain; --connect and --endpoint name a single one. With
    an account of the domain its services are checked too; DOMAIN is that account's by default.

    A check is ok, warn, fail, or unknown where it could not be made. The exit code is 6 when one
    failed, or when nothing but unknown ones tells why a check could not be made.
    """
    from contextlib import aclosing

    from xmppctl.protocol.check import engine

    plan = _plan(app, domain, options)
    findings: list[Finding] = []
    async with aclosing(engine.run(plan, app.trace)) as found:
        async for finding in found:
            findings.append(finding)
            yield finding
    app.afterwards(f"{plan.domain}: {_counted(findings)}")
    if app.format not in MONITOR_FORMATS:  # which have codes of their own
        _judge(findings, plan.domain, strict=options["strict"])


@check.instead("listing")
@cli.pass_app
def _listing(app: cli.App, /, domain: Jid | None, **options: Any) -> list[KnownCheck]:
    wanted = _wanted(options)
    return [
        KnownCheck(name, about, name in NEED_ACCOUNT)
        for name, about in CHECKS.items()
        if name in wanted
    ]


def _wanted(options: dict[str, Any]) -> frozenset[str]:
    wanted = expand(_names(options["only"])) if options["only"] else set(CHECKS)
    wanted -= expand(_names(options["skip"]))
    if not wanted:
        raise UsageError("--skip leaves nothing of what --only names")
    return frozenset(wanted)


def _limits(options: dict[str, Any]) -> Limits:
    from xmppctl.protocol.check.context import Limits

    days, time = ("warn_days", "crit_days"), ("warn_time", "crit_time")
    if options["warn_days"] < options["crit_days"]:
        less, more = (f"{options[name]:g}" for name in days)
        raise UsageError(f"--warn-days ({less}) is less than --crit-days ({more})")
    if None not in map(options.get, time) and options["warn_time"] > options["crit_time"]:
        raise UsageError("--warn-time is more than --crit-time")
    return Limits(*(options[name] for name in (*days, *time)))


def _plan(app: cli.App, domain: Jid | None, options: dict[str, Any]) -> Plan:
    from xmppctl.protocol.check.engine import FROM_ELSEWHERE, Plan

    wanted, limits = _wanted(options), _limits(options)
    where, own = _where(app, domain)
    login = _login(app, own=own) if wanted & NEED_ACCOUNT else None
    possible = frozenset() if login is None else NEED_ACCOUNT if own else FROM_ELSEWHERE
    if (wanted <= NEED_ACCOUNT - possible) or (options["peers"] and login is None):
        what = "--peer" if options["peers"] else f"check {min(wanted)}"
        raise UsageError(
            f"{what} needs an account of {where.domain}",
            hint="-j or -a, before the command, choose an account there",
        )
    place = options["s2s_connect"]
    if options["s2s"] and place is None and (where.connect or where.endpoint):
        raise UsageError(
            "--s2s: where the port for clients is named, the DNS is not asked for that of servers",
            hint="name it with --s2s-connect HOST:PORT",
        )
    if own and wanted == {"s2s.ping"} and not options["peers"]:
        raise UsageError("check s2s.ping needs a --peer that is to be reached")
    return Plan(
        domain=where.domain,
        account=where,
        limits=limits,
        wanted=wanted,
        login=login,
        own=own,
        s2s=options["s2s"] or place is not None,
        server_at=place,
        peers=tuple(dict.fromkeys(peer.domain for peer in options["peers"])),
    )


def _where(app: cli.App, domain: Jid | None) -> tuple[Account, bool]:
    """How to reach what is checked, and whether the account is one of that domain.

    What an account says of its server holds for that server alone.
    """
    from dataclasses import replace

    settings = app.settings
    jid = settings.get("jid")
    if domain is None:
        return arguments.own(app), True
    if jid is None:
        from xmppctl.config.settings import resolve

        given = {**app.options, "jid": (domain, "the argument DOMAIN")}
        return resolve(given, app.env).account(login=False), False
    account = app.account_for(login=False)
    if jid.idna == domain.idna:
        return account, True
    account = replace(account, jid=domain, cert=None, key=None)
    if not _is_for_domain(app):
        account = replace(account, connect=None, endpoint=None, transport="auto", pins=())
    return account, False


def _is_for_domain(app: cli.App) -> bool:
    """Whether the command line itself says where the domain's server is."""
    return any(
        app.settings.get(name) is not None and app.settings.origin(name).startswith("option")
        for name in ("connect", "endpoint")
    )


def _login(app: cli.App, *, own: bool) -> Account | None:
    """The account to log in with, if there is one that is of use."""
    jid = app.settings.get("jid")
    if jid is None or (jid.local is None and not app.settings.get("anonymous")):
        return None
    if not own and _is_for_domain(app):
        return None
    account = app.account
    # what can do without an account asks nobody for a password
    return None if account.prompts and (not own or app.no_input) else _with_password(account)


def _with_password(account: Account) -> Account:
    """The account with its password at hand: whoever asks for it later would keep others waiting.

    Where it is not to be had, the login says so.
    """
    from dataclasses import replace

    from xmppctl.session.secret import has_token

    if account.password is None or account.cert is not None or has_token(account):
        return account
    try:
        password = account.password()
    except (UsageError, LocalError) as error:
        why = error

        def fail() -> str:
            raise why

        return replace(account, password=fail)
    return replace(account, password=lambda: password)


def _counted(findings: list[Finding]) -> str:
    words = {"ok": "ok", "warn": "with a warning", "fail": "failed", "unknown": "unknown"}
    numbers = {status: sum(each.status == status for each in findings) for status in words}
    parts = [f"{number} {words[status]}" for status, number in numbers.items() if number]
    checks = "1 check" if len(findings) == 1 else f"{len(findings)} checks"
    return f"{checks}: {', '.join(parts)}" if findings else "nothing was checked"


def _judge(findings: list[Finding], domain: str, *, strict: bool) -> None:
    """Raise RefusedError unless all is well."""
    failed = [each for each in findings if each.status == "fail"]
    condition = "checks-failed"
    if not failed:
        # what hindered them was not asked for, or it would have failed
        failed = [each for each in findings if each.detail.startswith("not tested")]
        condition = "checks-not-made"
    if not failed and strict:
        failed = [each for each in findings if each.status == "warn"]
        condition = "checks-warned"
    if not findings:
        raise RefusedError(
            f"nothing was checked at {domain}", step="check", condition="nothing-checked"
        )
    if failed:
        # the first of those that say the same
        named = list({each.detail: each for each in reversed(failed)}.values())[::-1][:_MOST_NAMED]
        told = "; ".join(f"{each.check} at {each.target}: {each.detail}" for each in named)
        left = len(failed) - len(named)
        more = f"; and {left} more" if left else ""
        words = {"checks-not-made": "could not be made", "checks-warned": "warned"}
        raise RefusedError(
            f"{len(failed)} of {len(findings)} checks {words.get(condition, 'failed')}: "
            f"{told}{more}",
            step="check",
            condition=condition,
            by=domain,
            hint=failed[0].advice,
        )
