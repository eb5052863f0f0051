"""What `send` takes for a recipient, what for text, and what it refuses; nothing is connected."""

import io
import sys

import pytest

from xmppctl.cli.main import main

STANZA = "<message><body>x</body></message>"


@pytest.fixture
def dry(capsys, monkeypatch, tmp_path):
    """Run ``send --dry-run``: exit code, standard output, standard error."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))

    def run(*args, stdin=""):
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        code = main(["send", "--dry-run", *args])
        return code, *capsys.readouterr()

    return run


def sent(result):
    code, out, err = result
    assert (code, err) == (0, "")
    return out.splitlines()


def test_the_last_word_is_the_text(dry):
    lines = sent(dry("a@x.example", "b@x.example", "hello"))
    assert len(lines) == 2
    assert "to='a@x.example'" in lines[0]
    assert all("<body>hello</body>" in line for line in lines)


def test_one_recipient_is_written_to_once(dry):
    assert len(sent(dry("a@x.example", "A@X.example", "xmpp:a@x.example", "hi"))) == 1


@pytest.mark.parametrize("text", ["b@x.example", "-x", "-", "--", "xmpp:b@x.example", "", " "])
def test_behind_dashes_everything_is_text(dry, text):
    result = dry("a@x.example", "--", text)
    if not text:
        assert result[0] == 2
        return
    (line,) = sent(result)
    assert f"<body>{text}</body>" in line


def test_text_from_standard_input(dry):
    for args in (["-"], []):
        (line,) = sent(dry("a@x.example", *args, stdin="two\nlines\n\n"))
        assert "<body>two&#10;lines&#10;</body>" in line


def test_lines(dry):
    lines = sent(dry("a@x.example", "b@x.example", "--stdin-lines", stdin="1\n\n2\n"))
    assert [("a@" in line, ">1<" in line) for line in lines] == [
        (True, True), (False, True), (True, False), (False, False)
    ]  # fmt: skip


def test_a_stanza_as_it_is(dry):
    (line,) = sent(dry("a@x.example", "--stanza", "-", "--muc", stdin=STANZA))
    assert "type='groupchat'" in line
    assert "origin-id" not in line


def test_the_stanza_names_its_recipient_where_nobody_else_does(dry):
    shown = sent(dry("a@x.example", "--subject", "s", "hi"))
    assert sent(dry("--stanza", "-", stdin=shown[0])) == shown
    (line,) = sent(dry("b@x.example", "--stanza", "-", stdin=shown[0]))
    assert "to='b@x.example'" in line


def test_recipients_from_standard_input(dry):
    lines = sent(dry("--to-file", "-", "hi", stdin="a@x.example\n\n xmpp:b@x.example \n"))
    assert ["to='a@x.example'" in lines[0], "to='b@x.example'" in lines[1]] == [True, True]
    assert len(lines) == 2


def test_a_bad_line_hides_none_of_the_others(dry):
    code, out, err = dry("--to-file", "-", "hi", stdin="a@x.example\n@@\nb@x.example\n")
    assert (code, len(out.splitlines())) == (2, 2)
    assert "line 2 of standard input" in err
    code, out, err = dry("a@x.example", "--stdin-lines", stdin="1\n\x07\n2\n")
    assert (code, len(out.splitlines())) == (2, 2)
    assert "U+0007" in err


def test_many_at_once_as_each_of_them_gets_it(dry):
    lines = sent(dry("--multicast", "--bcc", "c@x.example", "a@x.example", "b@x.example", "hi"))
    assert len(lines) == 3
    assert [line.count("c@x.example") for line in lines] == [0, 0, 2]


def test_a_marker_needs_no_text_and_asking_for_one_does(dry):
    (line,) = sent(dry("a@x.example", "--displayed", "m1"))
    assert "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>" in line
    assert "<body>" not in line
    (line,) = sent(dry("a@x.example", "--receipt", "--markable", "hi"))
    assert "urn:xmpp:receipts" in line
    assert "markable" in line
    (line,) = sent(dry("a@x.example", "--wait", "displayed", "hi"))
    assert "urn:xmpp:receipts" in line
    assert "markable" in line


def test_more_languages_and_a_branch_of_a_thread(dry):
    (line,) = sent(dry("a@x.example", "--lang", "en", "--body-lang", "de=Hallo = Welt",
                       "--body-lang", "pt-BR=Oi", "--thread", "t2", "--parent", "t1",
                       "Hello"))  # fmt: skip
    assert "<body>Hello</body>" in line
    assert "<body xml:lang='de'>Hallo = Welt</body><body xml:lang='pt-BR'>Oi</body>" in line
    assert "<thread parent='t1'>t2</thread>" in line
    (line,) = sent(dry("a@x.example", "--body-lang", "de=Hallo"))
    assert line.count("<body") == 1


def test_a_stanza_without_a_recipient(dry):
    code, _, err = dry("--stanza", "-", stdin=STANZA)
    assert code == 2
    assert "no recipient" in err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--to-file", "-"], "only once"),
        (["--to-file", "-", "-"], "only once"),
        (["--to-file", "-", "--stdin-lines"], "only once"),
        (["--to-file", "-", "--stanza", "-"], "only once"),
        (["--stanza", "-"], "no XML element"),
        (["--muc", "r@x.example/nick", "hi"], "is no room"),
        (["--muc", "x.example", "hi"], "is no room"),
        (["--muc", "--nick", "a\x07", "r@x.example", "hi"], "is not a nickname"),
        (["a@x.example", "--lang", "not a tag", "hi"], "language tag"),
        (["a@x.example", "--body-lang", "de", "hi"], "TAG=TEXT"),
        (["a@x.example", "--body-lang", "de=", "hi"], "empty"),
        (["a@x.example", "--body-lang", "de=\x07", "hi"], "U+0007"),
        (["a@x.example", "--body-lang", "d e=x", "hi"], "language tag"),
        (["a@x.example", "--body-lang", "de=x", "--body-lang", "DE=y", "hi"], "each language"),
        (["a@x.example", "--body-lang", "de=x", "--lang", "de", "hi"], "itself"),
        (["a@x.example", "--body-lang", "de=x", "--stdin-lines"], "exclude"),
        (["a@x.example", "--parent", "t", "hi"], "--thread"),
        (["a@x.example", "--displayed", "1", "--markable"], "an answer itself"),
        (["a@x.example", "--muc", "--receipt", "hi"], "rooms give no receipts"),
        (["a@x.example", "--multicast", "--receipt", "hi"], "exclude"),
        (["a@x.example", "b@x.example"], "could be a recipient or the text"),
        (["--", "text"], "no recipient"),
        (["a@x.example", "--", "two", "words"], "as one word"),
        (["a@@x", "hi"], "a@@x"),
        (["a@x.example", "--stdin-lines", "--id", "1"], "--id"),
        (["a@x.example", "--stdin-lines", "--stanza", "f"], "exclude"),
        (["a@x.example", "--stanza", "f", "--subject", "s"], "--subject"),
        (["a@x.example", "--stanza", "f", "--type", "chat"], "--type"),
        (["a@x.example", "--subject", "a\x00b", "hi"], "subject contains"),
        (["a@x.example", "--id", "\x1b", "hi"], "id contains"),
        (["a@x.example", "be\x07ll"], "U+0007"),
    ],
)
def test_what_is_refused(dry, args, told):
    code, out, err = dry(*args)
    assert (code, out) == (2, "")
    assert told in err
