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


@pytest.mark.parametrize(
    ("args", "told"),
    [
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
