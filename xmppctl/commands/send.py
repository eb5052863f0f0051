"""``xmppctl send``: send messages, and say truly what became of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, DURATION, JID, NONEMPTY
from xmppctl.cli.stdin import check_text
from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.jid import Jid, parse
from xmppctl.model.message import SendResult

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.protocol.send import Outgoing


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
    ),
    targets=True,
)
@click.argument("words", metavar="JID... [BODY|-]", nargs=-1)
@click.option("--type", "kind", type=click.Choice(["chat", "normal", "headline", "groupchat"]),
              help="Message type (RFC 6121 §5.2.2); chat by default.")  # fmt: skip
@click.option("--subject", type=NONEMPTY, help="Subject of the message.")
@click.option("--thread", type=NONEMPTY, metavar="ID", help="Conversation thread it belongs to.")
@click.option("--lang", metavar="TAG", help="Language of the text, such as de or pt-BR.")
@click.option("--id", "identifier", type=NONEMPTY, metavar="ID",
              help="Id of the message, also its origin id; random by default.")  # fmt: skip
@click.option("--muc", is_flag=True, help="The JIDs are rooms: join, send, leave.")
@click.option("--nick", type=NONEMPTY, help="Nickname in the room; the localpart by default.")
@click.option("--room-password-file", type=click.Path(), metavar="FILE",
              help="File with the room's password; also XMPPCTL_ROOM_PASSWORD.")  # fmt: skip
@click.option("--room-password-fd", type=int, metavar="FD",
              help="File descriptor to read the room's password from.")  # fmt: skip
@click.option("--stdin-lines", is_flag=True, help="Each line of standard input is a message.")
@click.option("--stanza", type=click.Path(allow_dash=True), metavar="FILE",
              help="Send the message stanza in FILE (- for standard input) as it is.")  # fmt: skip
@click.option("--to-file", type=click.Path(), metavar="FILE",
              help="File with recipients, a JID in each line.")  # fmt: skip
@click.option("--receipt", is_flag=True, help="Ask for a delivery receipt (XEP-0184).")
@click.option("--markable", is_flag=True, help="Ask for a displayed marker (XEP-0333).")
@click.option("--displayed", type=NONEMPTY, metavar="ID",
              help="Say that the message with this id was displayed; needs no text.")  # fmt: skip
@click.option("--wait", type=click.Choice(["acked", "received", "displayed"]),
              help="acked: be content when the own server has the message; received, displayed: "
              "wait for the recipient's receipt or marker.")  # fmt: skip
@click.option("--wait-timeout", type=DURATION, metavar="D",
              help="How long to wait for that; --timeout by default.")  # fmt: skip
@click.option("--multicast", is_flag=True,
              help="One message to all of them, who see each other (XEP-0033).")  # fmt: skip
@click.option("--bcc", type=JID, multiple=True, metavar="JID",
              help="With --multicast: also to this one, whom the others do not see.")  # fmt: skip
@click.option("--reply-to-jid", type=JID, multiple=True, metavar="JID",
              help="With --multicast: answers should go there.")  # fmt: skip
@click.option("--reply-room", type=BARE_JID, multiple=True, metavar="ROOM",
              help="With --multicast: answers should go to this room.")  # fmt: skip
@click.option("--no-reply", is_flag=True, help="With --multicast: no answers, please.")
@click.option("--dry-run", is_flag=True,
              help="Send nothing; print the stanzas, in the form that --stanza reads.")  # fmt: skip
@cli.pass_app
async def cmd(app: cli.App, /, **options: Any) -> AsyncIterator[SendResult]:
    """Send a message to one or several JIDs.

    Exit code 0 means that the recipient's server, or the room, has processed the message without
    a bounce. With two or more words the last one is the text; write - where the text comes from
    standard input, and put -- before text that could look like an option or a JID.
    """
    request = _Request(app, options)
    if options["dry_run"]:
        request.show()
        click.get_current_context().exit()
    async with app.session() as session:
        if options["multicast"]:
            sending = request.to_all(session)
        elif options["muc"]:
            sending = request.to_rooms(session)
        else:
            sending = request.to_people(session)
        async for result in sending:
            yield result


class _Request:
    """What is to be sent to whom; made and checked before anything is connected."""

    def __init__(self, app: cli.App, options: dict[str, Any]) -> None:
        self.app = app
        self.options = options
        self.lines = bool(options["stdin_lines"])
        self._check_options()
        words = list(options["words"])
        self.bad_lines: list[SendResult] = []
        self.to, text = self._split(words)
        self.stanza: Element | None = None
        self.body: str | None = None
        if options["stanza"] is not None:
            self.stanza = self._read_stanza(options["stanza"])
        elif not self.lines and (text is not None or options["displayed"] is None):
            if text is not None and cli.words_after_dashes():
                self.body = self._checked(check_text(text))  # a text, even if it is a single -
            else:
                self.body = self._checked(app.read_text(text))
        self.room_password = app.room_password(
            file=options["room_password_file"], fd=options["room_password_fd"]
        )
        for name in ("subject", "thread", "lang", "identifier", "nick", "displayed"):
            if options[name] is not None:
                _check_characters(options[name], name.replace("identifier", "id"))

    def _check_options(self) -> None:
        options = self.options
        if options["stdin_lines"] and options["stanza"] is not None:
            raise UsageError("--stdin-lines and --stanza exclude each other")
        if options["stdin_lines"] and options["identifier"] is not None:
            raise UsageError("--id names one message, --stdin-lines sends many")
        if options["stanza"] is not None:
            for name in ("kind", "subject", "thread", "lang", "displayed"):
                if options[name] is not None:
                    flag = "type" if name == "kind" else name
                    raise UsageError(f"--{flag} and --stanza exclude each other")
        if options["muc"] and options["kind"] not in (None, "groupchat"):
            raise UsageError("messages to a room are of type groupchat")
        if options["nick"] is not None and not options["muc"]:
            raise UsageError("--nick is for rooms: give --muc too")
        _check_waiting(options)
        _check_multicast(options)

    def _split(self, words: list[str]) -> tuple[list[Jid], str | None]:
        """Recipients and text.

        Text that looks like a JID is never taken for a recipient, nor the other way round: where
        both could be meant, the caller has to say it.
        """
        text: str | None = None
        if not self.lines and self.options["stanza"] is None:
            behind = cli.words_after_dashes()
            if behind > 1:
                raise UsageError("behind -- stands the text, as one word")
            if behind == 1:
                text = words.pop()
            elif self._last_word_is_text(words):
                text = words.pop()
                if _looks_like_a_jid(text):
                    raise UsageError(
                        f"{text!r} could be a recipient or the text",
                        hint="put - at the end to read the text from standard input, "
                        "or -- before the text",
                    )
        to = [JID.convert(word, None, click.get_current_context()) for word in words]
        to += self._from_file()
        if not to and not self.bad_lines:
            raise UsageError("no recipient was given")
        return list(dict.fromkeys(to)), text

    def _last_word_is_text(self, words: list[str]) -> bool:
        if self.options["displayed"] is not None:
            return False  # which needs none: a text stands behind --
        return len(words) > (0 if self.options["to_file"] is not None else 1)

    def _from_file(self) -> list[Jid]:
        """The recipients of ``--to-file``; a line that is none has a result of its own."""
        path = self.options["to_file"]
        if path is None:
            return []
        from xmppctl.cli.stdin import line_of
        from xmppctl.session import Session

        found: list[Jid] = []
        for number, data in enumerate(self.app.read_file(path).splitlines(), 1):
            text = line_of(number, data).text.strip()
            if not text:
                continue
            try:
                found.append(parse(text))
            except ValueError as error:
                wrong = UsageError(
                    f"line {number} of {path}: {text!r} is not a JID: {error}", step="input"
                ).info()
                identifier = self.options["identifier"] or Session.new_id()
                self.bad_lines.append(SendResult(text, identifier, None, error=wrong))
        return found

    def _checked(self, body: str) -> str:
        if not body:
            raise UsageError("the message is empty: nothing was sent")
        _check_characters(body, "text")
        return body

    def _read_stanza(self, path: str) -> Element:
        from xmppctl.session.stream import MESSAGE
        from xmppctl.session.xml import XmlError
        from xmppctl.session.xml import parse as parse_xml

        try:
            element = parse_xml(self.app.read_file(path))
        except XmlError as error:
            raise UsageError(f"--stanza: {path} holds no XML element ({error})") from None
        if element.tag in ("message", MESSAGE):
            _adopt_namespace(element)
            return element
        raise UsageError(f"--stanza: {path} holds no <message/> of jabber:client")

    def outgoing(self, to: Jid, body: str | None) -> Outgoing:
        """One stanza for one recipient."""
        import copy

        from xmppctl.protocol import send
        from xmppctl.session import Session

        identifier = self.options["identifier"] or Session.new_id()
        if self.stanza is not None:
            stanza = copy.deepcopy(self.stanza)
            if self.options["muc"]:
                stanza.set("type", "groupchat")
            if self.options["identifier"] is not None:
                stanza.set("id", identifier)
            adopted = send.adopt(stanza, to, id=identifier)
            send.ask_for(adopted.stanza, receipt=self._receipt, markable=self._markable)
            return adopted
        default = "groupchat" if self.options["muc"] else "chat"
        return send.compose(
            to,
            id=identifier,
            body=body,
            type=self.options["kind"] or default,
            subject=self.options["subject"],
            thread=self.options["thread"],
            lang=self.options["lang"],
            displayed=self.options["displayed"],
            receipt=self._receipt,
            markable=self._markable,
        )

    def show(self) -> None:
        """``--dry-run``: the stanzas, one in a line."""
        from xmppctl.session.xml import serialise

        def write(to: Jid, body: str | None) -> None:
            text = serialise(self.outgoing(to, body).stanza, "")
            # line breaks stand in texts and values alone: as references they keep it in one line
            self.app.stdout.write(text.replace("\n", "&#10;") + "\n")

        if not self.lines:
            for to in self.to:
                write(to, self.body)
            return
        for line in self.app.read_lines():
            if line.error is None:
                for to in self.to:
                    write(to, self._checked(line.text))

    async def to_people(self, session: Any) -> AsyncIterator[SendResult]:
        """Messages to accounts, services and clients, many on their way at once."""
        from xmppctl.protocol import send

        results = send.send(
            session,
            self._messages(session),
            wait=self._wait,
            wait_timeout=self.options["wait_timeout"],
        )
        async for result in results:
            yield result

    async def to_all(self, session: Any) -> AsyncIterator[SendResult]:
        """One message to all recipients together."""
        from xmppctl.protocol import multicast

        for bad in self.bad_lines:
            yield bad
        plan = multicast.Plan(
            to=tuple(self.to),
            bcc=self.options["bcc"],
            reply_to=self.options["reply_to_jid"],
            reply_room=self.options["reply_room"],
            no_reply=self.options["no_reply"],
        )
        if not plan.recipients:
            return
        template = self.outgoing(plan.recipients[0], self.body).stanza
        async for result in multicast.spread(session, template, plan):
            yield result

    async def to_rooms(self, session: Any) -> AsyncIterator[SendResult]:
        """Messages to rooms, one room after the other; lines go to all of them."""
        from contextlib import AsyncExitStack

        from xmppctl.protocol import room

        nick = self.options["nick"] or session.jid.local or "xmppctl"
        async with AsyncExitStack() as stack:
            here: dict[Jid, Any] = {}
            refused: dict[Jid, ErrorInfo] = {}
            for to in self.to:
                try:
                    join = room.joined(session, to.bare, nick, password=self.room_password)
                    here[to] = await stack.enter_async_context(join)
                except room.JOIN_ERRORS as error:
                    refused[to] = error.info()
            async for message in self._messages(session):
                if isinstance(message, SendResult):
                    yield message
                elif message.to in refused:
                    yield message.refused(refused[message.to])
                else:
                    yield await room.speak(session, here[message.to], message)

    async def _messages(self, session: Any) -> AsyncIterator[Any]:
        from xmppctl.protocol.send import until_ended

        for bad in self.bad_lines:
            yield bad
        if not self.lines:
            for to in self.to:
                yield self.outgoing(to, self.body)
            return
        async for line in until_ended(session, self.app.lines()):
            error = line.error or _refusal(line.text)
            for to in self.to:
                message = self.outgoing(to, line.text)
                yield message if error is None else message.refused(error)

    @property
    def _wait(self) -> Any:
        return self.options["wait"] or "confirmed"

    @property
    def _receipt(self) -> bool:
        return bool(self.options["receipt"]) or self._wait in ("received", "displayed")

    @property
    def _markable(self) -> bool:
        return bool(self.options["markable"]) or self._wait == "displayed"


def _check_waiting(options: dict[str, Any]) -> None:
    waits = options["wait"] in ("received", "displayed")
    asks = waits or options["receipt"]
    if asks and (options["muc"] or options["kind"] == "groupchat"):
        raise UsageError("rooms give no receipts: every occupant would have to answer")
    if options["wait_timeout"] is not None and not waits:
        raise UsageError("--wait-timeout is for --wait received and --wait displayed")
    if options["displayed"] is not None and (asks or options["markable"]):
        raise UsageError("--displayed is an answer itself: nothing can be asked for with it")
    if options["displayed"] is not None and (options["muc"] or options["stdin_lines"]):
        raise UsageError("--displayed goes to one person, with one message")


def _check_multicast(options: dict[str, Any]) -> None:
    if not options["multicast"]:
        for name in ("bcc", "reply_to_jid", "reply_room", "no_reply"):
            if options[name]:
                raise UsageError(f"--{name.replace('_', '-')} needs --multicast")
        return
    for name in ("muc", "stdin_lines", "displayed", "wait", "receipt", "markable"):
        if options[name]:
            raise UsageError(f"--multicast and --{name.replace('_', '-')} exclude each other")
    if options["kind"] == "groupchat":
        raise UsageError("--multicast goes to people, not to rooms")


def _refusal(text: str) -> ErrorInfo | None:
    try:
        _check_characters(text, "text")
    except UsageError as error:
        return error.info()
    return None


def _check_characters(text: str, what: str) -> None:
    from xmppctl.session.xml import illegal_character

    bad = illegal_character(text)
    if bad is not None:
        raise UsageError(
            f"the {what} contains the control character U+{ord(bad):04X}, which XMPP cannot carry:"
            " nothing was sent",
            hint="remove it, for example with: tr -d '\\000-\\010\\013-\\037'",
        )


def _looks_like_a_jid(text: str) -> bool:
    if text == "-" or "@" not in text:
        return False
    try:
        jid = parse(text)
    except ValueError:
        return False
    return jid.local is not None


def _adopt_namespace(element: Element) -> None:
    """A stanza without any namespace is meant for the stream's own."""
    from xmppctl.session.xml import NS_CLIENT, split

    for node in element.iter():
        if not split(node.tag)[0]:
            node.tag = f"{{{NS_CLIENT}}}{node.tag}"
