"""The command itself: its options, and the order of what it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, DURATION, JID, NONEMPTY
from xmppctl.commands import _room
from xmppctl.commands.send.counter import Counter
from xmppctl.commands.send.parts import part_options
from xmppctl.commands.send.request import Request
from xmppctl.model.sent import SendResult


def _with_reply(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    """Load what runs with ``--wait-reply``: its record costs a start that others need not pay."""
    if value:
        import_module("xmppctl.commands.send.reply")
    return value


@cli.command(
    "send",
    section="Messages",
    examples=(
        "xmppctl send bob@example.org 'The backup is done'",
        "df -h | xmppctl send bob@example.org carol@example.org -",
        'xmppctl send --muc --nick cron ops@conference.example.org -- "$TEXT"',
        "tail -f build.log | xmppctl -o jsonl send bob@example.org --stdin-lines",
        "xmppctl send --wait received --wait-timeout 5m bob@example.org 'Please call back'",
        "xmppctl send --to-file recipients.txt 'Maintenance at 20:00'",
        "xmppctl -o plain send --wait-reply --wait-timeout 1h bob@example.org 'Shall I? yes/no'",
    ),
    targets=True,
)
@click.argument("words", metavar="JID... [BODY|-]", nargs=-1)
@cli.under(
    "Target",
    click.option("--to-file", type=click.Path(allow_dash=True), metavar="FILE",
                 help="File with recipients, a JID in each line (- for standard input)."),
    click.option("--muc", is_flag=True, help="The JIDs are rooms: join, send, leave."),
    _room.nick,
    _room.room_password,
    click.option("--multicast", is_flag=True,
                 help="One message to all of them, who see each other (XEP-0033)."),
    click.option("--bcc", type=JID, multiple=True, metavar="JID",
                 help="With --multicast: also to this one, whom the others do not see."),
    click.option("--reply-to-jid", type=JID, multiple=True, metavar="JID",
                 help="With --multicast: answers should go there."),
    click.option("--reply-room", type=BARE_JID, multiple=True, metavar="ROOM",
                 help="With --multicast: answers should go to this room."),
    click.option("--no-reply", is_flag=True, help="With --multicast: no answers, please."),
)  # fmt: skip
@cli.under(
    "Content",
    click.option("--type", "kind", type=click.Choice(["chat", "normal", "headline", "groupchat"]),
                 help="Message type (RFC 6121 §5.2.2); chat by default."),
    click.option("--subject", type=NONEMPTY, help="Subject of the message."),
    click.option("--thread", type=NONEMPTY, metavar="ID",
                 help="Conversation thread it belongs to."),
    click.option("--parent", type=NONEMPTY, metavar="ID",
                 help="Thread of which --thread is a branch."),
    click.option("--lang", type=NONEMPTY, metavar="TAG",
                 help="Language of the text, such as de or pt-BR."),
    click.option("--id", "identifier", type=NONEMPTY, metavar="ID",
                 help="Id of the message, also its origin id; random by default."),
    click.option("--stdin-lines", is_flag=True, help="Each line of standard input is a message."),
    click.option("--stanza", type=click.Path(allow_dash=True), metavar="FILE",
                 help="Send the message stanza in FILE (- for standard input) as it is; to the "
                 "recipient that it names, where no other is given."),
)  # fmt: skip
@part_options
@cli.under(
    "Files",
    click.option("--oob-iq", is_flag=True,
                 help="Send no message, but offer the file at --oob-url to a full JID, and wait "
                 "until that client has fetched it (XEP-0066)."),
)  # fmt: skip
@cli.under(
    "Delivery",
    click.option("--wait", type=click.Choice(["acked", "received", "displayed"]),
                 help="acked: be content when the own server has the message; received, displayed: "
                 "wait for the recipient's receipt or marker."),
    click.option("--wait-timeout", type=DURATION, metavar="D",
                 help="How long to wait for that, for the reply, or for --oob-iq; --timeout by "
                 "default."),
    click.option("--wait-reply", is_flag=True, callback=_with_reply,
                 help="Wait for the answer to one message to one person, and print that; no answer "
                 "in time is a TIMEOUT. With --thread: not one in another thread."),
    click.option("--matching", metavar="RE",
                 help="With --wait-reply: only an answer whose text the expression finds."),
    click.option("--dry-run", is_flag=True,
                 help="Send nothing; print the stanzas, in the form that --stanza reads."),
)  # fmt: skip
@cli.pass_app
async def cmd(app: cli.App, /, **options: Any) -> AsyncIterator[SendResult]:
    """Send a message to one or several JIDs.

    Exit code 0 means that the recipient's server, or the room, has processed the message without
    a bounce. With two or more words the last one is the text; write - where the text comes from
    standard input, and put -- before text that could look like an option or a JID.
    """
    if options["oob_iq"]:
        from xmppctl.commands.send.offer import offer

        async for result in offer(app, options):
            yield result
        return
    from xmppctl.commands.send import delivery

    request = Request(app, options)
    if options["dry_run"]:
        delivery.show(request)
        click.get_current_context().exit()
    if not request.recipients.jids and not options["bcc"]:
        for refused in request.recipients.refused:
            yield refused
        return
    async with app.session("acks") as session:
        if options["multicast"]:
            sending = delivery.to_all(request, session)
        elif options["muc"]:
            sending = delivery.to_rooms(request, session)
        else:
            sending = delivery.to_people(request, session)
        counter = Counter(app, None if request.lines else len(request.recipients.targets))
        try:
            async for result in sending:
                yield result
                counter.step()
        finally:
            counter.end()
