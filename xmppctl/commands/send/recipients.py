"""Who gets a message: which words are recipients, which is the text, and a file of recipients.

Text that looks like a JID is never taken for a recipient, nor the other way round: where both
could be meant, the caller has to say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import JID
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid, parse
from xmppctl.model.sent import SendResult
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Recipients:
    """The recipients in their order, each once; a line of a file that is none is a result."""

    targets: tuple[Jid | SendResult, ...]

    @property
    def jids(self) -> list[Jid]:
        """Those that are."""
        return [each for each in self.targets if isinstance(each, Jid)]

    @property
    def refused(self) -> list[SendResult]:
        """The results of the lines that are none."""
        return [each for each in self.targets if isinstance(each, SendResult)]


def split(words: list[str], *, has_text: bool, alone: bool) -> tuple[list[str], str | None]:
    """Recipients and text among the ``words``; None where there is no text among them.

    ``has_text``: there may be one at all. ``alone``: a single word is the text, for there are
    recipients elsewhere. Raises UsageError.
    """
    behind = cli.words_after_dashes()
    if not has_text:
        return words, None
    if behind > 1:
        raise UsageError("behind -- stands the text, as one word")
    if behind == 1:
        return words[:-1], words[-1]
    if len(words) <= (0 if alone else 1):
        return words, None
    *words, text = words
    if looks_like_a_jid(text):
        raise UsageError(
            f"{text!r} could be a recipient or the text",
            hint="put - at the end to read the text from standard input, or -- before the text",
        )
    return words, text


def text_among(values: Mapping[str, Any]) -> str | None:
    """The text among the arguments of ``send``, ``muc send`` or ``muc pm``, which may be "-".

    None where there is none, or it is in lines of standard input or a stanza. Raises UsageError.
    """
    if "words" not in values:
        text: str | None = click.get_current_context().params.get("body")
        return text
    may_be = not values["stdin_lines"] and values["stanza"] is None
    return split(list(values["words"]), has_text=may_be, alone=values["to_file"] is not None)[1]


def gather(app: cli.App, words: list[str], path: str | None, *, rooms: bool) -> Recipients:
    """The recipients of the arguments and of the file. Raises UsageError or LocalError."""
    context = click.get_current_context()
    found: list[Jid | SendResult] = []
    for word in words:
        jid = JID.convert(word, None, context)
        _check_room(jid, rooms)
        found.append(jid)
    if path is not None:
        found += _of_file(app, path, rooms)
    return Recipients(tuple(dict.fromkeys(found)))


def _of_file(app: cli.App, path: str, rooms: bool) -> list[Jid | SendResult]:
    from xmppctl.cli.stdin import line_of
    from xmppctl.session import Session

    name = "standard input" if path == "-" else path
    found: list[Jid | SendResult] = []
    for number, data in enumerate(app.read_file(path).splitlines(), 1):
        text = line_of(number, data).text.strip()
        if not text:
            continue
        try:
            jid = parse(text)
            _check_room(jid, rooms)
        except (ValueError, UsageError) as error:
            wrong = UsageError(
                f"line {number} of {name}: {text!r} is not a JID: {error}"
                if isinstance(error, ValueError)
                else f"line {number} of {name}: {error.text}",
                step="input",
                condition="jid-malformed",
            ).info()
            found.append(SendResult(text, Session.new_id(), None, error=wrong))
        else:
            found.append(jid)
    return found


def _check_room(jid: Jid, rooms: bool) -> None:
    if rooms and (jid.is_full or jid.local is None):
        raise UsageError(
            f"{jid} is no room",
            hint="xmppctl muc pm writes to one occupant" if jid.is_full else None,
        )


def check_input(options: dict[str, Any], text: str | None, *, needs_text: bool) -> None:
    """Raise UsageError where standard input would be read for two things."""
    files = [name for name in ("to_file", "stanza") if options[name] == "-"]
    readers = [f"--{name.replace('_', '-')} -" for name in files]
    if options["stdin_lines"]:
        readers.append("--stdin-lines")
    if text == "-" and not cli.words_after_dashes():
        readers.append("the text -")
    elif text is None and needs_text and readers:
        readers.append("the text, which is missing")
    if len(readers) > 1:
        raise UsageError(f"standard input can be read only once, not for {' and '.join(readers)}")


def looks_like_a_jid(text: str) -> bool:
    """Whether a word could be a recipient, though it may be meant as the text."""
    if text == "-" or "@" not in text:
        return False
    try:
        jid = parse(text)
    except ValueError:
        return False
    return jid.local is not None
