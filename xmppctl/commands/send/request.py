"""What is to be sent to whom; made and checked before anything is connected."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from xmppctl import cli
from xmppctl.cli.stdin import check_text
from xmppctl.cli.texts import check_characters
from xmppctl.commands._room import checked_nick
from xmppctl.commands.send.parts import (
    Values,
    attach_parts,
    check_parts,
    parts,
    prepared,
    try_parts,
)
from xmppctl.commands.send.recipients import check_input, gather, split
from xmppctl.commands.send.text import check_language, checked_body
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from xml.etree.ElementTree import Element

    from xmppctl.protocol.outgoing import Outgoing
    from xmppctl.session import Session


class Request:
    """One call of the command: recipients, text or stanza, and how to send."""

    def __init__(self, app: cli.App, options: dict[str, Any]) -> None:
        self.app = app
        self.options = options
        self.lines = bool(options["stdin_lines"])
        _check_options(options)
        check_parts(options)
        words, text = split(
            list(options["words"]),
            has_text=not self.lines and options["stanza"] is None and not _is_mute(options),
            alone=options["to_file"] is not None,
        )
        check_input(options, text, needs_text=self._needs_text)
        self.stanza = self._read_stanza(options["stanza"])
        if self.stanza is not None and not words and options["to_file"] is None:
            words = [to for to in [self.stanza.get("to")] if to]
        self.recipients = gather(app, words, options["to_file"], rooms=bool(options["muc"]))
        if not self.recipients.targets and not options["bcc"]:
            raise UsageError("no recipient was given")
        rooms = self.recipients.jids if options["muc"] else []
        self.nick = checked_nick(rooms[0], options["nick"]) if rooms else None
        self.body = self._read_body(text)
        self.room_password = app.room_password(
            file=options["room_password_file"], fd=options["room_password_fd"]
        )
        if self.recipients.jids and not self.lines:
            # whatever is wrong with it is told before anything is connected
            self.outgoing(self.recipients.jids[0], self.body, try_parts)

    async def prepare(self, session: Session, recipients: Sequence[Jid]) -> None:
        """Ask for what the messages to them need. Raises what the operations raise."""
        self.options = dict(await prepared(session, self.options, recipients))

    @property
    def _speaks(self) -> bool:
        """Whether the message says something without a text."""
        return any(part.speaks(self.options) for part in parts())

    @property
    def _needs_text(self) -> bool:
        return self.options["stanza"] is None and not self.lines and not self._speaks

    def _read_body(self, text: str | None) -> str | None:
        if text is None and not self._needs_text:
            return None
        if text is not None and cli.words_after_dashes():
            return checked_body(check_text(text))  # a text, even if it is a single -
        return checked_body(self.app.read_text(text))

    def _read_stanza(self, path: str | None) -> Element | None:
        if path is None:
            return None
        from xmppctl.commands._element import read_stanza
        from xmppctl.session.stream import MESSAGE

        element = read_stanza(self.app, path, option="--stanza")
        if element.tag == MESSAGE:
            return element
        raise UsageError(f"--stanza: {path} holds no <message/> of jabber:client")

    def outgoing(
        self, to: Jid, body: str | None, attach: Callable[[Element, Values], None] = attach_parts
    ) -> Outgoing:
        """One stanza for one recipient."""
        made = self._composed(to, body) if self.stanza is None else self._adopted(to)
        attach(made.stanza, self.options)
        return made

    def _composed(self, to: Jid, body: str | None) -> Outgoing:
        compose, new_id = self._composer
        return compose(to, id=self.options["identifier"] or new_id(), body=body)

    @cached_property
    def _composer(self) -> tuple[Callable[..., Outgoing], Callable[[], str]]:
        """What is the same for all messages, so that it is looked up once."""
        from xmppctl.protocol import outgoing
        from xmppctl.session import Session

        options = self.options
        compose = partial(
            outgoing.compose,
            type=options["kind"] or ("groupchat" if options["muc"] else "chat"),
            subject=options["subject"],
            thread=options["thread"],
            parent=options["parent"],
            lang=options["lang"],
        )
        return compose, Session.new_id

    def _adopted(self, to: Jid) -> Outgoing:
        import copy

        from xmppctl.protocol import outgoing
        from xmppctl.session import Session

        stanza = copy.deepcopy(self.stanza)
        assert stanza is not None
        if self.options["muc"]:
            stanza.set("type", "groupchat")
        if self.options["identifier"] is not None:
            stanza.set("id", self.options["identifier"])
        return outgoing.adopt(stanza, to, id=Session.new_id())


def _is_mute(options: dict[str, Any]) -> bool:
    return any(part.mute(options) for part in parts())


def _check_options(options: dict[str, Any]) -> None:
    if options["stdin_lines"] and options["stanza"] is not None:
        raise UsageError("--stdin-lines and --stanza exclude each other")
    if options["stdin_lines"] and options["identifier"] is not None:
        raise UsageError("--id names one message, --stdin-lines sends many")
    if options["stanza"] is not None:
        for name in ("kind", "subject", "thread", "lang"):
            if options[name] is not None:
                flag = "type" if name == "kind" else name
                raise UsageError(f"--{flag} and --stanza exclude each other")
    if options["muc"] and options["kind"] not in (None, "groupchat"):
        raise UsageError("messages to a room are of type groupchat")
    if options["nick"] is not None and not options["muc"]:
        raise UsageError("--nick is for rooms: give --muc too")
    if options["lang"] is not None:
        check_language(options["lang"], "lang")
    if options["parent"] is not None and options["thread"] is None:
        raise UsageError("--parent needs --thread, the branch of it")
    waits = options["wait_reply"] or options["wait"] in ("received", "displayed")
    if options["wait_timeout"] is not None and not waits:
        raise UsageError("--wait-timeout is for --wait received, --wait displayed and --wait-reply")
    if options["matching"] is not None and not options["wait_reply"]:
        raise UsageError("--matching needs --wait-reply")
    for name in ("subject", "thread", "parent", "identifier"):
        check_characters(name.replace("identifier", "id"), options[name])
    _check_multicast(options)


def _check_multicast(options: dict[str, Any]) -> None:
    if not options["multicast"]:
        for name in ("bcc", "reply_to_jid", "reply_room", "no_reply"):
            if options[name]:
                raise UsageError(f"--{name.replace('_', '-')} needs --multicast")
        return
    for name in ("muc", "stdin_lines", "wait"):
        if options[name]:
            raise UsageError(f"--multicast and --{name.replace('_', '-')} exclude each other")
    if options["kind"] == "groupchat":
        raise UsageError("--multicast goes to people, not to rooms")
