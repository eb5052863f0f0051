"""The group ``mam``, and the options that say which archive and which messages are meant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, JID, NONEMPTY, WHEN
from xmppctl.commands._opening import opener
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xmppctl.protocol.mam import Archive, Filter
    from xmppctl.session import Session

F = TypeVar("F", bound=Callable[..., Any])

cmd = cli.group(
    "mam",
    section="Messages",
    help="Read the message archive (XEP-0313).",
    home=__name__.rpartition(".")[0],
    modules=("query", "facts", "prefs", "export"),
)

_SELF = "self"

page_size = click.option(
    "--page-size",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Messages asked for at once; servers may give fewer.",
)

_ARCHIVE = (
    click.option("--room", type=BARE_JID, metavar="ROOM", help="The archive of this room."),
    click.option("--pubsub", type=(JID, NONEMPTY), metavar="SVC NODE",
                 help="The archive of this pubsub node (XEP-0442); SVC self: the own account."),
)  # fmt: skip
_FILTER = (
    click.option("--with", "with_", type=JID,
                 help="Only messages to or from this JID; in a room also ROOM/NICK."),
    click.option("--start", type=WHEN, metavar="WHEN", help="Only messages from this time on."),
    click.option("--end", type=WHEN, metavar="WHEN", help="Only messages up to this time."),
    click.option("--after-id", type=NONEMPTY, metavar="ID",
                 help="Only messages after the one with this archive id."),
    click.option("--before-id", type=NONEMPTY, metavar="ID",
                 help="Only messages before the one with this archive id."),
    click.option("--text", type=NONEMPTY, metavar="TEXT",
                 help="Only messages with this text, where the archive can search (XEP-0431)."),
    click.option("--groupchat/--no-groupchat", default=None,
                 help="With or without messages of rooms, where the archive offers the choice."),
)  # fmt: skip


def archive_options(callback: F) -> F:
    """Add the options that choose an archive."""
    return _all(_ARCHIVE, callback)


def filter_options(callback: F) -> F:
    """Add the options that choose messages."""
    return _all(_FILTER, callback)


def _all(options: tuple[Callable[[Any], Any], ...], callback: F) -> F:
    for option in reversed(options):
        callback = option(callback)
    return callback


def check_archive(options: dict[str, Any]) -> None:
    """Raise UsageError where two archives are named."""
    if options["room"] is not None and options["pubsub"] is not None:
        raise UsageError("--room and --pubsub exclude each other")


def make_filter(options: dict[str, Any]) -> Filter:
    """The filter that the options describe. Raises UsageError for what cannot be meant."""
    from xmppctl.protocol import mam

    check_archive(options)
    start: datetime | None = options["start"]
    end: datetime | None = options["end"]
    if start is not None and end is not None and end < start:
        raise UsageError("--end is before --start")
    if options["groupchat"] is not None and options["room"] is not None:
        raise UsageError("--groupchat is about the own archive: a room has nothing else")
    return mam.Filter(
        with_=options["with_"],
        start=start,
        end=end,
        after_id=options["after_id"],
        before_id=options["before_id"],
        text=options["text"],
        groupchat=options["groupchat"],
    )


def tell_unstable(app: cli.App, archive: Archive) -> None:
    """Warn where the archive said that what it gave may still change."""
    if archive.unstable:
        app.warn(f"the archive of {archive.name} says that what it gave may still change")


def open_archive(app: cli.App, session: Session, options: dict[str, Any]) -> Archive:
    """The archive that the options name; the own one by default."""
    from xmppctl.protocol import mam

    if options["pubsub"] is not None:
        service, node = options["pubsub"]
        return mam.Archive(
            session, None if str(service) == _SELF else service, node=node, raw=app.raw_xml
        )
    return mam.Archive(session, options["room"], raw=app.raw_xml, opener=opener(app, session))
