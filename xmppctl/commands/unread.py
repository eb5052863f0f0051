"""``xmppctl unread``: which conversations have unread messages, and marking them as displayed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, JID, NONEMPTY, WHEN
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.unread import ChatState, Marked, Unread

if TYPE_CHECKING:
    from xmppctl.model.monitor import Check, Metric, Run
    from xmppctl.model.unread import Store
    from xmppctl.protocol.unread import Choice

cmd = cli.group("unread", section="Messages", help="Show and mark what is unread (XEP-0490).")

_store = click.option(
    "--store",
    type=click.Choice(["auto", "mds", "ngx"]),
    default="auto",
    show_default=True,
    help="Which markers: mds (XEP-0490), ngx (those of ngx-chat), or auto: mds, and for reading "
    "also ngx where mds has none.",
)
_since = click.option("--since", type=WHEN, default="30d", show_default=True, metavar="WHEN",
                      help="Count conversations without a marker from this time on.")  # fmt: skip


def monitor(unread: Sequence[Unread], run: Run) -> tuple[list[Check], list[Metric]]:
    """One check of all conversations; metrics of them together, and of each."""
    from xmppctl.commands._figures import gauge, graded, moment
    from xmppctl.model.monitor import Check, Metric, Perf, Sample

    labels = {"account": str(run.account.bare) if run.account is not None else ""}
    if only := run.given.get("with_"):
        labels["jid"] = str(only)
    success = gauge(
        "xmpp_unread_success", "Whether the unread messages could be counted.",
        labels, run.failure is None,
    )  # fmt: skip
    if run.failure is not None:
        return [], [success]
    warn, crit = run.given.get("warn"), run.given.get("crit")
    number = sum(record.unread for record in unread)
    waiting = [record for record in unread if record.unread]
    oldest = min((each.first_unread_at for each in waiting if each.first_unread_at), default=None)
    text = f"{number} unread in {len(waiting)} conversation{'s'[len(waiting) == 1 :]}"
    if oldest is not None:
        text += f", since {moment(oldest)}"
    over = [None if limit is None else str(limit) for limit in (warn, crit)]
    check = Check(
        service="XMPP UNREAD",
        state=graded(number, warn, crit),
        text=text,
        details=[f"{record.jid}: {record.unread} unread" for record in waiting],
        perf=[Perf("unread", number, "", over[0], over[1], 0),
              Perf("conversations", len(waiting), min=0)],
    )  # fmt: skip
    each = [Sample({**labels, "jid": record.jid}, float(record.unread)) for record in unread]
    return [check], [
        success,
        gauge("xmpp_unread_messages", "Unread messages of all conversations.", labels, number),
        gauge("xmpp_unread_conversations", "Conversations with unread messages.",
              labels, len(waiting)),
        gauge("xmpp_unread_oldest_timestamp_seconds", "When the first unread message came.",
              labels, oldest),
        Metric("xmpp_unread_conversation_messages", "Unread messages of a conversation.",
               samples=each),
    ]  # fmt: skip


@cmd.command(
    "list",
    examples=(
        "xmppctl unread list",
        "xmppctl -q -o plain unread list --fail-empty",
        "xmppctl --json unread list --with bob@example.org | jq '.[].unread'",
        "xmppctl -o nagios unread list --warn 0 --crit 20",
    ),
    monitor=monitor,
)
@_store
@click.option("--with", "with_", type=JID, help="Only the conversation with this JID.")
@_since
@click.option("--all", "everything", is_flag=True, help="Also those with nothing unread.")
@click.option("--warn", metavar="N", type=click.IntRange(min=0),
              help="With -o nagios: more unread messages than that are a warning.")  # fmt: skip
@click.option("--crit", metavar="N", type=click.IntRange(min=0),
              help="With -o nagios: more than that are critical.")  # fmt: skip
@cli.pass_app
async def list_(
    app: cli.App,
    store: Choice,
    with_: Jid | None,
    since: datetime,
    everything: bool,
    warn: int | None,
    crit: int | None,
) -> list[Unread]:
    """Count the unread messages of each conversation.

    Counted are archived messages of others that have a text, or an encrypted one, behind the
    marker of the conversation, however old that is. Without a marker, or with one whose message
    the archive does not have any more, those since --since count. The account's own messages
    mark nothing as displayed.

    Rooms are counted in their own archives, where XEP-0490 has a marker of theirs; the account's
    own messages count there too where the room hides JIDs.
    """
    from xmppctl.protocol import unread

    if app.format != "nagios" and (warn is not None or crit is not None):
        raise UsageError("--warn and --crit go with -o nagios")
    if warn is not None and crit is not None and crit < warn:
        raise UsageError(f"--crit {crit} is below --warn {warn}")
    async with app.session() as session:
        known = await unread.markers(session, store)
        found = await unread.tallies(session, known, since=since, with_=with_, warn=app.warn)
        return [tally.record for tally in found if tally.number or everything]


@cmd.command(
    "mark",
    examples=(
        "xmppctl unread mark bob@example.org",
        "xmppctl unread mark -- ops@conference.example.org 1795888954270519",
        "xmppctl -q unread mark --all",
    ),
    targets=True,
)
@click.argument("jid", type=JID, required=False)
@click.argument("id", metavar="[ID]", type=NONEMPTY, required=False)
@click.option("--all", "everything", is_flag=True,
              help="Every conversation that unread list shows.")  # fmt: skip
@_store
@_since
@click.option("--marker", is_flag=True,
              help="Tell the sender too, where the message asks for that (XEP-0333).")  # fmt: skip
@click.option("--force", is_flag=True, help="Move the marker back to an older message.")
@click.option("--reconfigure", is_flag=True,
              help="Make the node of the markers private where others could read it.")  # fmt: skip
@cli.pass_app
async def mark(app: cli.App, /, **options: Any) -> AsyncIterator[Marked]:
    """Mark a conversation as displayed, for all clients of the account.

    Up to the message with the archive id ID (behind -- where it may begin with a dash), else up
    to the newest one of somebody else. A marker moves forwards only. With --all every conversation
    with unread messages is marked up to its newest one. The markers go to a node that nobody else
    can read; where the server cannot promise that, nothing is published.
    """
    _check(options)
    from xmppctl.protocol import marking, unread

    choice: Choice = options["store"]
    store: Store = "ngx" if choice == "ngx" else "mds"
    reconfigure: bool = options["reconfigure"]
    async with app.session() as session:
        if options["everything"]:
            known = await unread.markers(session, choice)
            found = await unread.tallies(
                session, known, since=options["since"], with_=None, warn=app.warn
            )
            points = marking.points(session, found)
            marked = await marking.publish(session, points, store, reconfigure=reconfigure)
        else:
            jid: Jid = options["jid"]
            known = await unread.markers(session, store)
            point, moves = await marking.find(
                session, jid, options["id"], known.get(jid), force=options["force"]
            )
            points = [point]
            if moves:
                marked = await marking.publish(session, points, store, reconfigure=reconfigure)
            else:
                marked = [marking.record(point, store, changed=False)]
        if options["marker"]:
            marked = await marking.tell(session, points, marked)
        for record in marked:
            yield record


def _check(options: dict[str, Any]) -> None:
    if options["everything"]:
        if options["jid"] is not None:
            raise UsageError("--all and JID exclude each other")
        if options["force"]:
            raise UsageError("--all and --force exclude each other")
    elif options["jid"] is None:
        raise UsageError("which conversation? give its JID, or --all")
    check_characters("archive id", options["id"])


@cmd.command(
    "state",
    examples=(
        "xmppctl unread state",
        "xmppctl --json unread state bob@example.org | jq '.[].last_seen_at'",
    ),
)
@click.argument("jid", type=BARE_JID, required=False)
@cli.pass_app
async def state(app: cli.App, jid: Jid | None) -> list[ChatState]:
    """Show what is displayed here, and what contacts have received and seen.

    As clients of the account left it in its private nodes: XEP-0490 for what is displayed here,
    those of ngx-chat for that and for the contacts.
    """
    from xmppctl.protocol import unread

    async with app.session() as session:
        return await unread.states(session, jid)
