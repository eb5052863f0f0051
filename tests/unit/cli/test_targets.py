"""The JIDs that a verb is about: in their order, each once, bad lines between them."""

from dataclasses import dataclass

import click
import pytest

from xmppctl.cli.stdin import line_of
from xmppctl.cli.targets import Targets
from xmppctl.cli.texts import check_characters
from xmppctl.errors import ErrorInfo, UsageError


@dataclass(frozen=True)
class Record:
    jid: str
    error: ErrorInfo | None = None


class Input:
    """An App, as far as standard input goes; ``was_read``: whether anything was read of it."""

    def __init__(self, text=b""):
        self.text = text
        self.was_read = False

    def read_lines(self):
        self.was_read = True
        for number, data in enumerate(self.text.splitlines(keepends=True), 1):
            yield line_of(number, data)


def targets(app, *words, bare=True):
    with click.Context(click.Command("verb")):
        return Targets(app, words, Record, bare=bare)


def test_each_once_and_a_record_for_each_bad_line():
    text = b"b@x.test\n\n \nno jid@@\n\xff@x.test\na@x.test\nB@x.test\nc@x.test/r\n"
    found = targets(Input(text), "a@x.test", "-", "d@x.test", "A@X.test")
    assert [str(jid) for jid in found.jids] == ["a@x.test", "b@x.test", "d@x.test"]
    records = list(found.records([Record(str(jid)) for jid in found.jids]))
    assert [each.jid for each in records] == [
        "a@x.test", "b@x.test", "no jid@@", "\ufffd@x.test", "c@x.test/r", "d@x.test"
    ]  # fmt: skip
    bad = [each.error for each in records if each.error is not None]
    assert [each.text.partition(" of ")[0] for each in bad] == ["line 4", "line 5", "line 8"]
    assert {each.name for each in bad} == {"USAGE"}


def test_resources_where_they_are_wanted():
    found = targets(Input(b"c@x.test/r\n"), "-", bare=False)
    assert [str(jid) for jid in found.jids] == ["c@x.test/r"]


def test_a_bad_argument_is_refused_before_anything_is_read():
    app = Input(b"a@x.test\n")
    with pytest.raises(click.UsageError, match="not a JID"):
        targets(app, "-", "no jid@@")
    with pytest.raises(UsageError, match="only once"):
        targets(app, "-", "-")
    assert not app.was_read


def test_characters_that_no_stanza_carries():
    check_characters("note", "a\tb\nc\u202e", None, "")
    for bad in ("\x00", "\x1b", "\uffff", "\ud800"):
        with pytest.raises(UsageError, match=f"^the note contains.*U\\+{ord(bad):04X}"):
            check_characters("note", "fine", f"a{bad}")
