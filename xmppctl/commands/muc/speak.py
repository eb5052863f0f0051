"""``xmppctl muc send`` and ``pm``: to everybody in a room, and to one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.stdin import check_text
from xmppctl.cli.stdout import say_stanza
from xmppctl.cli.texts import check_characters
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.commands.send import present
from xmppctl.commands.send.parts import (
    Values,
    attach_parts,
    check_parts,
    part_options,
    parts,
    prepared,
    try_parts,
)
from xmppctl.commands.send.parts.captcha import solver
from xmppctl.commands.send.text import checked_body, refusal
from xmppctl.errors import UsageError, XmppctlError, from_info
from xmppctl.model.jid import Jid
from xmppctl.model.sent import SendResult

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.protocol.outgoing import Outgoing
    from xmppctl.protocol.room import Joined
    from xmppctl.session import Session

F = TypeVar("F", bound=Callable[..., Any])


def _options(callback: F) -> F:
    """The options that a message to a room and one to an occupant share."""
    decorators: tuple[Callable[[F], F], ...] = (
        cli.under("Target", arguments.nick, arguments.room_password),
        cli.under(
            "Content",
            click.option("--subject", type=NONEMPTY, help="Subject of the message."),
            click.option("--thread", type=NONEMPTY, metavar="ID", help="Thread it belongs to."),
            click.option("--parent", type=NONEMPTY, metavar="ID",
                         help="Thread of which --thread is a branch."),
            click.option("--lang", type=NONEMPTY, metavar="TAG", help="Language, such as de."),
            click.option("--id", "identifier", type=NONEMPTY, metavar="ID",
                         help="Id of the message, also its origin id; random by default."),
            click.option("--stdin-lines", is_flag=True, help="Each line of input is a message."),
        ),
        part_options,
        cli.under(
            "Delivery",
            click.option("--dry-run", is_flag=True, help="Send nothing; print the stanzas."),
        ),
    )  # fmt: skip
    for decorate in reversed(decorators):
        callback = decorate(callback)
    return callback


class _Speech:
    """What is to be said; checked before anything is connected."""

    def __init__(
        self, app: cli.App, room: Jid, body: str | None, options: dict[str, Any], *, muc: bool
    ) -> None:
        self.app = app
        self.room = room
        self.options = {**options, "muc": muc, "kind": "groupchat" if muc else "chat"}
        self.lines = bool(options["stdin_lines"])
        self.solve = solver(app, options["captcha_mode"])
        if self.lines and (body is not None or options["identifier"] is not None):
            raise UsageError("--stdin-lines takes neither a text nor --id")
        check_parts(self.options)
        if options["parent"] is not None and options["thread"] is None:
            raise UsageError("--parent needs --thread, the branch of it")
        for name in ("subject", "thread", "parent", "lang", "identifier"):
            check_characters(name.replace("identifier", "id"), options[name])
        self.body = self._read(body)
        self.nick = arguments.checked_nick(room, options["nick"])
        self.password = app.room_password(
            file=options["room_password_file"], fd=options["room_password_fd"]
        )
        if not self.lines:
            # whatever is wrong with it is told before anything is connected
            self.message(room, self.body, try_parts)

    def _read(self, body: str | None) -> str | None:
        if self.lines or (body is None and any(part.speaks(self.options) for part in parts())):
            return None
        if body is not None and cli.words_after_dashes():
            return checked_body(check_text(body))  # a text, even if it is a single -
        return checked_body(self.app.read_text(body))

    def message(
        self, to: Jid, body: str | None, attach: Callable[[Element, Values], None] = attach_parts
    ) -> Outgoing:
        """The stanza, addressed to the room or to an occupant."""
        from xmppctl.protocol import outgoing, private
        from xmppctl.session import Session

        options = self.options
        made = outgoing.compose(
            to,
            id=options["identifier"] or Session.new_id(),
            body=body,
            type=options["kind"],
            subject=options["subject"],
            thread=options["thread"],
            parent=options["parent"],
            lang=options["lang"],
        )
        attach(made.stanza, options)
        if not options["muc"]:
            private.mark(made.stanza)
        return made

    def refused(self, to: Jid, error: XmppctlError) -> SendResult:
        """The result where the room cannot be entered; raises it where there are many lines."""
        if self.lines:
            raise error
        return self.message(to, self.body).refused(error.info())

    async def prepare(self, session: Session, to: Jid, here: Joined) -> None:
        """Ask for what the messages need. Raises what the operations raise."""
        self.options = dict(await prepared(session, self.options, [to]))
        self.options["occupant_ids"] = await present.ids(session, self.options, [here])

    def messages(self, session: Session, to: Jid) -> AsyncIterator[Outgoing | SendResult]:
        """The one message, or one for each line, as they go out; a bad line is a result."""
        encryptor = self.options.get("encryptor")
        messages = self._messages(session, to)
        if encryptor is None:
            return messages
        from xmppctl.protocol.encrypting import encrypted

        return encrypted(messages, encryptor)

    async def _messages(self, session: Session, to: Jid) -> AsyncIterator[Outgoing | SendResult]:
        if not self.lines:
            yield self.message(to, self.body)
            return
        from xmppctl.protocol.send import until_ended

        async for line in until_ended(session, self.app.lines()):
            error = line.error or refusal(line.text)
            message = self.message(to, line.text)
            yield message if error is None else message.refused(error)

    def show(self, to: Jid) -> None:
        """``--dry-run``: the stanzas, one in a line. Raises UsageError for a line that is bad."""
        texts: list[str | None] = [self.body]
        if self.lines:
            lines = list(self.app.read_lines())
            wrong = next(
                (e for e in (line.error or refusal(line.text) for line in lines) if e), None
            )
            if wrong is not None:
                raise from_info(wrong)
            texts = [line.text for line in lines]
        for text in texts:
            say_stanza(self.message(to, text).stanza)

    def join(self, session: Session) -> AbstractAsyncContextManager[Joined]:
        """Be in the room."""
        from xmppctl.protocol import room

        nick = self.nick or room.own_nick(session)
        return room.joined(session, self.room, nick, password=self.password, solve=self.solve)


@cmd.command(
    "send",
    examples=(
        "xmppctl muc send ops@conference.example.org 'The backup is done'",
        'xmppctl muc send ops@conference.example.org --nick cron -- "$TEXT"',
        "tail -f build.log | xmppctl -o jsonl muc send ops@conference.example.org --stdin-lines",
    ),
    targets=True,
)
@arguments.room
@click.argument("body", required=False)
@_options
@cli.pass_app
async def send_(
    app: cli.App, /, room: Jid, body: str | None, **options: Any
) -> AsyncIterator[SendResult]:
    """Say something in a room: enter, send, leave.

    Exit code 0 means that the room has sent the message to its occupants. Without BODY, or with
    -, the text is read from standard input.
    """
    speech = _Speech(app, room, body, options, muc=True)
    if options["dry_run"]:
        speech.show(room)
        click.get_current_context().exit()
    from xmppctl.protocol import room as rooms
    from xmppctl.protocol.delivery import Attempt, retrying

    async with app.session() as session, AsyncExitStack() as stack:
        try:
            here = await stack.enter_async_context(speech.join(session))
        except rooms.JOIN_ERRORS as error:
            yield speech.refused(room, error)
            return
        await speech.prepare(session, room, here)

        async def attempt(message: Outgoing) -> Attempt:
            result = await rooms.speak(session, here, message)
            # what a room sends back it has given to nobody
            return Attempt(result, result.error is not None and result.error.type == "wait")

        async for message in speech.messages(session, room):
            if isinstance(message, SendResult):
                yield message
            else:
                yield await retrying(session, partial(attempt, message))


@cmd.command(
    "pm",
    examples=(
        "xmppctl muc pm ops@conference.example.org bob 'Between us'",
        'xmppctl muc pm ops@conference.example.org bob -- "$TEXT"',
    ),
    targets=True,
)
@arguments.room
@click.argument("to", metavar="NICK", type=NONEMPTY)
@click.argument("body", required=False)
@_options
@cli.pass_app
async def pm(
    app: cli.App, /, room: Jid, to: str, body: str | None, **options: Any
) -> AsyncIterator[SendResult]:
    """Say something to one occupant of a room alone.

    Exit code 0 means that the room has processed the message without a bounce.
    """
    speech = _Speech(app, room, body, options, muc=False)
    occupant = room._replace(resource=arguments.checked_nick(room, to))
    if options["dry_run"]:
        speech.show(occupant)
        click.get_current_context().exit()
    from xmppctl.protocol import room as rooms
    from xmppctl.protocol import send

    async with app.session() as session, AsyncExitStack() as stack:
        try:
            here = await stack.enter_async_context(speech.join(session))
        except rooms.JOIN_ERRORS as error:
            yield speech.refused(occupant, error)
            return
        await speech.prepare(session, occupant, here)
        async for result in send.send(
            session, speech.messages(session, occupant), solve=speech.solve
        ):
            yield result
