"""``xmppctl server compliance``: how far a server meets the compliance suites."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.server import _arguments as arguments
from xmppctl.commands.server import cmd
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.compliance import (
    CATEGORIES,
    CLAIMS,
    Category,
    Claim,
    Reached,
    Requirement,
    needed,
    reached,
)
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType

Goal = tuple[Category, Claim]


class GoalType(_Type):
    """A level of a category, or of all; the value is a tuple of (category, level)."""

    name = "category:level"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Goal, ...]:
        """The goals; fails on what is no category, or no level."""
        if isinstance(value, tuple):
            return value
        category, _, level = str(value).partition(":")
        categories = [each for each in CATEGORIES if category in (each, "all")]
        levels = [each for each in CLAIMS if each == level]
        if not categories or not levels:
            self.fail(
                f"{value!r} is not CATEGORY:LEVEL, such as core:advanced (categories: "
                f"{', '.join(CATEGORIES)}, all; levels: {', '.join(CLAIMS)})",
                param,
                ctx,
            )
        return tuple((each, levels[0]) for each in categories)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Every category with every level."""
        from click.shell_completion import CompletionItem

        words = (f"{category}:{level}" for category in (*CATEGORIES, "all") for level in CLAIMS)
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


@cmd.command(
    "compliance",
    examples=(
        "xmppctl server compliance",
        "xmppctl server compliance --summary",
        "xmppctl -q server compliance --summary --require core:advanced --require im:server",
        "xmppctl --json server compliance | jq -r '.[] | select(.status == \"fail\").requirement'",
    ),
)
@arguments.domain
@click.option("--require", "required", type=GoalType(), multiple=True,
              help="Fail with exit code 6 where this level is not reached, such as core:advanced "
              "or all:server; repeat for several.")  # fmt: skip
@click.option("--allow-unknown", is_flag=True,
              help="With --require: what could not be found out is not missing.")  # fmt: skip
@click.option("--passive", is_flag=True,
              help="Make no room, node or file for a test; believe what is announced.")  # fmt: skip
@click.option("--websocket", type=NONEMPTY, metavar="URL",
              help="Where the WebSocket is, if host-meta does not tell.")  # fmt: skip
@click.option("--bosh", type=NONEMPTY, metavar="URL",
              help="Where BOSH is, if host-meta does not tell.")  # fmt: skip
@click.option("--summary", is_flag=True, help="Only the level reached in each category.")
@cli.pass_app
async def compliance(
    app: cli.App,
    domain: Jid | None,
    required: tuple[tuple[Goal, ...], ...],
    allow_unknown: bool,
    passive: bool,
    websocket: str | None,
    bosh: str | None,
    summary: bool,
) -> AsyncIterator[Requirement]:
    """Test a server against the compliance suites (XEP-0479).

    What can be used is used: on the account's own server with a room, a node and a message that are
    gone afterwards, and a small file that stays at the upload service. The rest counts where it is
    announced; of another DOMAIN that is all.
    """
    goals = _goals(required, allow_unknown)
    found = await _found(app, domain, passive, websocket, bosh)
    app.afterwards("; ".join(_told(reached(found, each)) for each in CATEGORIES))
    for each in found:
        yield each
    _check(app, found, goals, allow_unknown, _name(app, domain))


@compliance.instead("summary")
@cli.pass_app
async def _summary(
    app: cli.App,
    domain: Jid | None,
    required: tuple[tuple[Goal, ...], ...],
    allow_unknown: bool,
    passive: bool,
    websocket: str | None,
    bosh: str | None,
    summary: bool,
) -> AsyncIterator[Reached]:
    goals = _goals(required, allow_unknown)
    found = await _found(app, domain, passive, websocket, bosh)
    for each in CATEGORIES:
        yield reached(found, each)
    _check(app, found, goals, allow_unknown, _name(app, domain))


def _goals(required: tuple[tuple[Goal, ...], ...], allow_unknown: bool) -> list[Goal]:
    if allow_unknown and not required:
        raise UsageError("--allow-unknown needs --require: without it nothing can be missing")
    return list(dict.fromkeys(goal for goals in required for goal in goals))


async def _found(
    app: cli.App, domain: Jid | None, passive: bool, websocket: str | None, bosh: str | None
) -> list[Requirement]:
    for option, url, scheme in (("websocket", websocket, "wss"), ("bosh", bosh, "https")):
        _check_url(option, url, scheme)
    from xmppctl.protocol.compliance import Named, assess

    async with app.session() as session:
        return await assess(session, domain, passive=passive, named=Named(websocket, bosh))


def _check_url(option: str, url: str | None, scheme: str) -> None:
    if url is None:
        return
    check_characters(option, url)
    from xmppctl.session.weblink import endpoint

    try:
        endpoint(url)
    except ValueError as error:
        raise UsageError(f"--{option}: {error}") from None
    if url.strip().partition(":")[0].lower() != scheme:
        raise UsageError(f"--{option}: it is no {scheme} URL")


def _name(app: cli.App, domain: Jid | None) -> str:
    return app.account.jid.domain if domain is None else domain.domain


def _told(level: Reached) -> str:
    notes = []
    if level.missing:
        notes.append(f"missing: {', '.join(level.missing)}")
    if level.unknown:
        notes.append(f"not tested: {', '.join(level.unknown)}")
    text = f"{level.category}: {level.level or 'none'}"
    return f"{text} ({'; '.join(notes)})" if notes else text


def _check(
    app: cli.App, found: list[Requirement], goals: list[Goal], allow_unknown: bool, name: str
) -> None:
    """Raise RefusedError where a goal is not reached; tell what was taken for granted."""
    missed: list[str] = []
    granted: dict[str, Requirement] = {}
    for category, level in goals:
        wanted = [each for each in needed(found, category, level) if each.status != "ok"]
        lacking = [
            each for each in wanted if each.status == "fail" or not (each.proven or allow_unknown)
        ]
        if lacking:
            names = dict.fromkeys(map(_named, lacking))
            missed.append(f"{category}:{level}: {', '.join(names)}")
        granted |= {each.requirement: each for each in wanted if each not in lacking}
    if missed:
        raise RefusedError(
            f"{name} does not reach {'; '.join(missed)}",
            step="compliance",
            condition="not-compliant",
            by=name,
        )
    for each in granted.values():
        app.warn(f"{each.requirement} ({each.title}) was taken for granted: {each.detail}")


def _named(lacking: Requirement) -> str:
    untested = "not tested: " if lacking.status == "unknown" else ""
    return f"{lacking.requirement} ({untested}{lacking.title})"
