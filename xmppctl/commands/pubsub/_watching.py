"""Options of the verbs that watch nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl.cli.params import DURATION

if TYPE_CHECKING:
    from xmppctl.cli.app import App
    from xmppctl.protocol.pubsub.watch import Options
    from xmppctl.session import Session

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N of them."),
    click.option("--for", "seconds", type=DURATION, metavar="D",
                 help="End after this time; fewer than --count are then an error."),
    click.option("--new-only", is_flag=True,
                 help="Leave out what was there before: last items that are sent again."),
)  # fmt: skip


def options(command: F) -> F:
    """``--count``, ``--for`` and ``--new-only``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def how(app: App, given: dict[str, Any]) -> Options:
    """How to watch, as the options say."""
    from xmppctl.commands.listen import settle
    from xmppctl.protocol.pubsub.watch import Options

    return Options(
        count=given["count"],
        seconds=given["seconds"],
        new_only=given["new_only"],
        settle=settle(app),
        raw=app.raw_xml,
    )


def ready(app: App, session: Session) -> Callable[[], None]:
    """What to call when the watch is in effect."""
    return lambda: app.status(f"listening as {session.jid}")
