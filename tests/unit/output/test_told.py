"""The text of a message in a table and as plain text."""

import io

import pytest

from xmppctl.model.message import Message, Occupant
from xmppctl.model.payload.content import Spoiler
from xmppctl.model.stanza import Stanza
from xmppctl.output import color, writer

STRONG = "\x1b[1m*b*\x1b[0m"


def shown(form, message, **options):
    stream = io.StringIO()
    out = writer(form, type(message), shape="array", stream=stream, **options)
    out.write(message)
    out.close()
    return stream.getvalue().splitlines()[-1]


def text(form, body, **options):
    return shown(form, Stanza(body=body, from_="a@x.test"), **options)


@pytest.mark.parametrize("form", ["table", "plain"])
def test_styles(form):
    assert text(form, "a *b*", styling=True).endswith(f"a {STRONG}")
    assert "\x1b" not in text(form, "a *b*")


@pytest.mark.parametrize("form", ["table", "plain"])
def test_what_would_drive_a_terminal_does_not(form):
    assert text(form, "*\x1b[2J* \u202e", styling=True).endswith("\x1b[1m*\\x1b[2J*\x1b[0m \\u202e")


def test_an_ellipsis_ends_a_style():
    message = Message(body="*" + "b" * 200 + "*", from_="a@x.test")
    line = shown("table", message, styling=True, width=60)
    assert line.endswith("b…\x1b[0m")
    assert len(line) <= 60 + len("\x1b[1m\x1b[0m")


def test_spoilers():
    message = Message(body="he dies", spoiler=Spoiler("the end"))
    assert shown("table", message).endswith("(spoiler: the end)")
    assert shown("table", message, spoilers=True).endswith("he dies")
    assert "he dies" in shown("jsonl", message)


def test_plain_text_is_of_bodies_alone():
    stream = io.StringIO()
    out = writer("plain", Stanza, shape="array", stream=stream)
    for each in (Stanza(chat_state="active"), Stanza(body="/me x", me=True, from_="a@x.test/1")):
        out.write(each)
    out.close()
    assert stream.getvalue() == "* a x\n"
    # who chooses the field gets the field
    assert shown("plain", Stanza(body="/me x", me=True), fields=["body"]) == "/me x"


def test_an_occupant_has_the_colour_of_the_nickname():
    stanza = Stanza(from_="room@x.test/witch", body="x", muc=Occupant(nick="witch"))
    assert color.ansi("witch", "room@x.test/witch") in shown("table", stanza, color=True)
