"""``mam export --as txt``: one message, one line that nobody else can write."""

from datetime import UTC, datetime

import pytest

from xmppctl.commands.mam.export import _as_text
from xmppctl.model.mam import ArchivedItem, ArchivedMessage
from xmppctl.model.payload.delivery import Marker, Receipt

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def text(**fields):
    return _as_text(ArchivedMessage(timestamp=WHEN, from_="a@x.test/1", **fields))


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"body": "hi"}, "hi"),
        ({"body": ""}, ""),
        ({"subject": "s", "body": "b"}, "[s] b"),
        ({"subject": "s"}, "[s]"),
        ({"receipt": Receipt(received_id="7")}, "(received 7)"),
        ({"marker": Marker("displayed", "8")}, "(displayed 8)"),
        ({"item": ArchivedItem("news", "i")}, "(news i)"),
        ({}, "(no text)"),
        # a line that looks like another message is indented, whatever breaks it
        ({"body": "a\n2026-01-01T00:00:00Z <boss@x.test> b"},
         "a\n\t2026-01-01T00:00:00Z <boss@x.test> b"),
        ({"body": "a\r\nb\u2028c\x1b[2J"}, "a\n\tb\\u2028c\\x1b[2J"),
        ({"subject": "a\nb", "body": "c"}, "[a\n\tb] c"),
    ],
)  # fmt: skip
def test_lines(fields, shown):
    assert text(**fields) == f"2026-01-02T03:04:05Z <a@x.test/1> {shown}\n"


def test_a_sender_that_breaks_lines():
    line = _as_text(ArchivedMessage(from_="a\nb@x.test\u202e", body="x"))
    assert line == "- <a\\nb@x.test\\u202e> x\n"
