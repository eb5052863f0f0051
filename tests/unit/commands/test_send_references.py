"""The options of `send` that are about earlier messages, and what they exclude."""

import io
import sys

import pytest

from xmppctl.cli.main import main

TO = "a@x.example"
ROOM = "r@rooms.x.example"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command with ``--dry-run``: exit code, standard output, standard error."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))

    def dry(*args, stdin=""):
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        code = main([*args, "--dry-run"] if "--" not in args else ["send", "--dry-run", *args[1:]])
        return code, *capsys.readouterr()

    return dry


def sent(result):
    code, out, err = result
    assert (code, err) == (0, "")
    return out.splitlines()


def test_a_correction_is_a_text(run):
    (line,) = sent(run("send", TO, "--replace", "m1", "--id", "m2", "better"))
    assert "<body>better</body>" in line
    assert "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>" in line
    (line,) = sent(run("send", TO, "--replace", "m1", stdin="from stdin\n"))
    assert "<body>from stdin</body>" in line
    # what was an answer stays one
    (line,) = sent(run("send", TO, "--replace", "m1", "--reply-to", "m0", "better"))
    assert "urn:xmpp:reply:0" in line


def test_what_needs_no_text_reads_none(run):
    for args in (["--retract", "m1"], ["--unreact", "m1"], ["--react-to", "m1", "--emoji", "🐢"]):
        for command in (["send", TO], ["muc", "send", ROOM], ["muc", "pm", ROOM, "nick"]):
            (line,) = sent(run(*command, *args, stdin="not to be read"))
            assert "not to be read" not in line
            assert "id='m1'" in line
            assert "<store xmlns='urn:xmpp:hints'/>" in line


def test_several_reactions(run):
    (line,) = sent(run("send", TO, "--react-to", "m1", "--emoji", "👋", "--emoji", "🐢"))
    assert "<reaction>👋</reaction><reaction>🐢</reaction></reactions>" in line


def test_everybody_of_a_file_is_told(run, tmp_path):
    path = tmp_path / "to"
    path.write_text("a@x.example\nb@x.example\n")
    lines = sent(run("send", "--to-file", str(path), "--retract", "m1"))
    assert ["a@" in lines[0], "b@" in lines[1]] == [True, True]


@pytest.mark.parametrize(
    ("command", "author"),
    [
        (["send", "A@X.example/r"], " to='a@x.example/r'"),
        (["send", TO, "--reply-author", "xmpp:c@x.example/z"], " to='c@x.example/z'"),
        (["send", "--muc", ROOM], ""),
        (["send", "--muc", ROOM, "--reply-author", f"{ROOM}/n"], f" to='{ROOM}/n'"),
        (["muc", "send", ROOM], ""),
        (["muc", "send", ROOM, "--reply-author", f"{ROOM}/n"], f" to='{ROOM}/n'"),
        (["muc", "pm", ROOM, "nick"], f" to='{ROOM}/nick'"),
    ],
)
def test_who_wrote_what_is_answered(run, command, author):
    (line,) = sent(run(*command, "--reply-to", "m1", "yes"))
    assert f"<reply xmlns='urn:xmpp:reply:0' id='m1'{author}/>" in line


def test_a_quotation(run):
    (line,) = sent(run("send", TO, "--reply-to", "m1", "--quote", "so?\nor so", "yes"))
    assert "<body>&gt; so?&#10;&gt; or so&#10;yes</body>" in line
    assert "<body start='0' end='14'/>" in line
    lines = sent(
        run("send", TO, "--reply-to", "m1", "--quote", "so?", "--stdin-lines", stdin="1\n2\n")
    )
    assert ["> so?&#10;1<" in lines[0].replace("&gt;", ">"), ";2<" in lines[1]] == [True, True]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--retract", "1", "text"], "--retract takes no text"),
        (["--unreact", "1", "-"], "--unreact takes no text"),
        (["--retract", "1", "--", "text"], "--retract takes no text"),
        (["--retract", "1", "--body-lang", "de=x"], "--retract and --body-lang exclude"),
        (["--unreact", "1", "--subject", "s"], "--unreact and --subject exclude"),
        (["--react-to", "1"], "--react-to needs --emoji"),
        (["--emoji", "🐢", "hi"], "--emoji needs --react-to"),
        (["--unreact", "1", "--emoji", "🐢"], "--emoji needs --react-to"),
        (["--react-to", "1", "--emoji", "🐢", "--emoji", "🐢"], "given once"),
        (["--react-to", "1", "--emoji", "🐢👋"], "is not one emoji"),
        (["--react-to", "1", "--emoji", "\x07"], "U+0007"),
        (["--react-to", "1", "--emoji", "🐢", "--unreact", "1"], "exclude each other"),
        (["--replace", "1", "--retract", "1"], "--retract and --replace exclude"),
        (["--replace", "1", "--displayed", "2", "hi"], "--replace and --displayed exclude"),
        (["--replace", "1", "--id", "1", "hi"], "an id of its own"),
        (["--replace", "1\x07", "hi"], "U+0007"),
        (["--replace", "1", "--stdin-lines"], "--replace and --stdin-lines exclude"),
        (["--retract", "1", "--stdin-lines"], "--retract and --stdin-lines exclude"),
        (["--react-to", "1", "--emoji", "🐢", "--stdin-lines"], "--stdin-lines exclude"),
        (["--retract", "1", "--multicast"], "--retract and --multicast exclude"),
        (["--reply-to", "1", "--multicast", "hi"], "--reply-to and --multicast exclude"),
        (["--reply-to", "1", "--retract", "1"], "--retract and --reply-to exclude"),
        (["--reply-to", "1", "--stanza", "f"], "--reply-to and --stanza exclude"),
        (["--replace", "1", "--stanza", "f"], "--replace and --stanza exclude"),
        (["--reply-author", TO, "hi"], "--reply-author needs --reply-to"),
        (["--quote", "x", "hi"], "--quote needs --reply-to"),
        (["--reply-to", "1", "--quote", "\x07", "hi"], "quotation contains"),
        (["--muc", "--reply-to", "1", "--reply-author", ROOM, "hi"], "is ROOM/NICK"),
        (["--reply-to", "", "hi"], "--reply-to"),
        (["--replace", "1", "--", ""], "empty"),
    ],
)  # fmt: skip
def test_what_is_refused(run, args, told):
    code, out, err = run("send", TO, *args)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["send", ROOM, "text", "--retract", "1"], "--retract takes no text"),
        (["pm", ROOM, "nick", "text", "--unreact", "1"], "--unreact takes no text"),
        (["send", ROOM, "--retract", "1", "--stdin-lines"], "exclude each other"),
        (["send", ROOM, "hi", "--reply-to", "1", "--reply-author", TO], "is ROOM/NICK"),
    ],
)
def test_what_is_refused_in_rooms(run, args, told):
    code, out, err = run("muc", *args)
    assert (code, out) == (2, "")
    assert told in err
