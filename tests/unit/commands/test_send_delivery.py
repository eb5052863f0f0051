"""How `send`, `muc send` and `muc pm` understand hints, headers, expiry, attention and states."""

import io
import sys

import pytest

from xmppctl.cli.main import main

BOB, FULL, ROOM = "b@x.example", "b@x.example/r", "r@x.example"


@pytest.fixture
def dry(capsys, monkeypatch, tmp_path):
    """Run a command with --dry-run: exit code, standard output, standard error."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))

    def run(*args, stdin=""):
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        words = args if args[0] in ("muc", "send") else ("send", *args)
        code = main([*words, "--dry-run"] if "--" not in words else list(words))
        return code, *capsys.readouterr()

    return run


def sent(result):
    """The only stanza, without its id."""
    code, out, err = result
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    return line


def test_a_standalone_state_is_that_and_a_thread(dry):
    line = sent(dry(BOB, "--chat-state", "composing", "--id", "1", "--thread", "t"))
    assert line == (
        "<message xmlns='jabber:client' to='b@x.example' id='1' type='chat'><thread>t</thread>"
        "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
    )
    assert "origin-id" not in sent(dry(BOB, "--chat-state", "active"))
    line = sent(dry("muc", "send", ROOM, "--chat-state", "paused"))
    assert "type='groupchat'><paused" in line
    assert "<gone" in sent(dry("muc", "pm", ROOM, "bob", "--chat-state", "gone"))


def test_a_text_is_active(dry):
    for args in (
        (BOB, "--chat-state", "active", "hi"),
        (BOB, "--chat-state", "active", "--body-lang", "de=hi"),
        ("muc", "send", ROOM, "hi", "--chat-state", "active"),
    ):
        line = sent(dry(*args))
        assert ">hi</body>" in line
        assert "origin-id" in line
        assert "<active xmlns='http://jabber.org/protocol/chatstates'/>" in line
    line = sent(dry(BOB, "--chat-state", "active", "-", stdin="hi\n"))
    assert "<body>hi</body>" in line


def test_the_state_of_another_message(dry):
    line = sent(dry(BOB, "--state", "seen", "--id", "m7"))
    assert "<displayed xmlns='urn:xmpp:chat-markers:0' id='m7'/></message>" in line
    assert line.count("m7") == 1
    line = sent(dry(BOB, "--state", "received", "--state-of", "m7", "--id", "own"))
    assert line == (
        "<message xmlns='jabber:client' to='b@x.example' id='own' type='chat'>"
        "<received xmlns='urn:xmpp:receipts' id='m7'/></message>"
    )
    line = sent(dry(BOB, "--state", "seen", "--ngx", "--id", "m7"))
    assert "<message-state xmlns='ngxchat:contactmessagestates' messageId='m7' date='" in line
    assert "state='recipientSeen'/></message>" in line


def test_hints_and_copies(dry):
    line = sent(dry(FULL, "--hint", "no-copy", "--hint", "no-store", "hi"))
    assert "<no-copy xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>" in line
    private = "<private xmlns='urn:xmpp:carbons:2'/>"
    assert f"{private}<no-copy" in sent(dry(FULL, "--no-copy", "hi"))
    line = sent(dry(BOB, "--no-copy", "hi"))
    assert private in line
    assert "no-copy" not in line
    line = sent(dry(f"xmpp:{FULL}", "--hint", "no-copy", "hi"))
    assert "no-copy" in line
    assert "no-copy" in sent(dry("muc", "pm", ROOM, "bob", "hi", "--hint", "no-copy"))
    line = sent(dry("--multicast", FULL, "--no-copy", "hi"))
    assert private in line
    assert "no-copy" not in line


def test_headers(dry):
    line = sent(dry(BOB, "--header", "Urgency=high", "--header", "X=a=b", "--header", "E=", "hi"))
    assert "<header name='Urgency'>high</header><header name='X'>a=b</header>" in line
    assert "<header name='E'/>" in line


def test_expiry(dry):
    line = sent(dry(BOB, "--expire-in", "1h", "hi"))
    assert "<ephemeral xmlns='urn:xmpp:ephemeral:0' timer='3600'/>" in line
    assert "store" not in line
    assert "<store xmlns='urn:xmpp:hints'/>" in sent(dry(BOB, "--expire-in", "90"))


def test_attention_is_a_headline_where_nothing_is_lost_with_it(dry):
    attention = "<attention xmlns='urn:xmpp:attention:0'/>"
    for args, kind in (
        ((), "headline"),
        (("--hint", "no-store"), "headline"),
        (("hi",), "chat"),
        (("--subject", "s"), "chat"),
        (("--type", "headline", "hi"), "headline"),
        (("--type", "chat"), "chat"),
    ):
        line = sent(dry(BOB, "--attention", *args))
        assert attention in line
        assert f"type='{kind}'" in line
    assert "type='chat'" in sent(dry("muc", "pm", ROOM, "bob", "--attention"))


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((BOB, "--chat-state", "composing", "hi"), "only be active"),
        ((BOB, "--chat-state", "composing", "--body-lang", "de=hi"), "only be active"),
        ((BOB, "--chat-state", "gone", "--stdin-lines"), "only be active"),
        (("muc", "send", ROOM, "hi", "--chat-state", "paused"), "only be active"),
        (("muc", "send", ROOM, "--chat-state", "gone"), "not for rooms"),
        (("--muc", ROOM, "--chat-state", "gone"), "not for rooms"),
        ((BOB, "--chat-state", "gone", "--type", "groupchat"), "not for rooms"),
        ((BOB, "--chat-state", "active", "--type", "headline", "hi"), "chat and groupchat"),
        ((BOB, "--chat-state", "active", "--stanza", "f"), "exclude each other"),
        ((BOB, "--chat-state", "paused", "--subject", "s"), "--subject exclude"),
        ((BOB, "--chat-state", "paused", "--hint", "store"), "--hint exclude"),
        ((BOB, "--chat-state", "paused", "--displayed", "1"), "--displayed exclude"),
        ((BOB, "--chat-state", "paused", "--receipt"), "--receipt exclude"),
        ((BOB, "--chat-state", "paused", "--wait", "received"), "--wait received"),
        ((BOB, "--chat-state", "paused", "--multicast"), "--multicast"),
        ((BOB, "--state", "seen"), "--state-of"),
        ((BOB, "--state-of", "1", "hi"), "needs --state"),
        ((BOB, "--ngx", "hi"), "needs --state"),
        ((BOB, "--state", "seen", "--state-of", "1", "hi"), "has no text"),
        ((BOB, "--state", "seen", "--state-of", "1", "--stdin-lines"), "has no text"),
        ((BOB, "--state", "seen", "--state-of", "\x07"), "U+0007"),
        ((BOB, "--state", "seen", "--state-of", "1", "--displayed", "2"), "--displayed exclude"),
        ((BOB, "--state", "seen", "--state-of", "1", "--chat-state", "active"), "exclude"),
        ((BOB, "--state", "seen", "--state-of", "1", "--ngx", "--type", "normal"), "type chat"),
        (("muc", "send", ROOM, "--state", "seen", "--id", "1"), "in rooms there is --displayed"),
        ((BOB, "--hint", "no-copy", "hi"), "full JIDs alone"),
        ((FULL, BOB, "--hint", "no-copy", "hi"), "full JIDs alone"),
        (("--to-file", "f", "--hint", "no-copy", "hi"), "full JIDs alone"),
        (("--stanza", "f", "--hint", "no-copy"), "full JIDs alone"),
        (("--multicast", FULL, "--hint", "no-copy", "hi"), "full JIDs alone"),
        (("muc", "send", ROOM, "hi", "--hint", "no-copy"), "full JIDs alone"),
        ((BOB, "--hint", "store", "--hint", "no-store", "hi"), "exclude each other"),
        (("muc", "send", ROOM, "hi", "--no-copy"), "never copied"),
        ((BOB, "--header", "Urgency", "hi"), "NAME=VALUE"),
        ((BOB, "--header", "=high", "hi"), "NAME=VALUE"),
        ((BOB, "--header", "X=\x01", "hi"), "U+0001"),
        ((BOB, "--header", "Urgency=soon", "hi"), "high or medium or low"),
        ((BOB, "--header", "TTL=soon", "hi"), "number of seconds"),
        ((BOB, "--header", "Store=false", "hi"), "--dry-run does not"),
        ((BOB, "--expire-in", "500ms", "hi"), "whole seconds"),
        ((BOB, "--expire-in", "0", "hi"), "whole seconds"),
        ((BOB, "--expire-in", "1h", "--hint", "no-store"), "exclude each other"),
        (("muc", "send", ROOM, "--attention"), "to one person"),
        ((BOB, "--attention", "--type", "normal"), "chat or headline"),
        ((BOB, "--wait-reply", FULL, "hi"), "one person"),
        ((ROOM, "--wait-reply", "--muc", "hi"), "--muc exclude"),
        ((BOB, "--wait-reply", "--multicast", "hi"), "--multicast exclude"),
        (("--to-file", "f", "--wait-reply", "hi"), "--to-file exclude"),
        ((BOB, "--wait-reply", "--stdin-lines"), "--stdin-lines exclude"),
        ((BOB, "--wait-reply", "--wait", "acked", "hi"), "--wait exclude"),
        ((ROOM, "--wait-reply", "--type", "groupchat", "hi"), "not to a room"),
        ((BOB, "--wait-reply", "--matching", "(", "hi"), "regular expression"),
        ((BOB, "--matching", "x", "hi"), "--wait-reply"),
        ((BOB, "--wait-timeout", "1", "hi"), "--wait-reply"),
    ],
)
def test_what_is_refused(dry, args, told):
    code, out, err = dry(*args)
    assert (code, out) == (2, "")
    assert told in err


def test_a_question_is_shown_as_any_message(dry):
    line = sent(dry(BOB, "--wait-reply", "--matching", "yes|no", "--wait-timeout", "5m", "Well?"))
    assert "<body>Well?</body>" in line
