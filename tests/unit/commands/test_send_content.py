"""What `send` and `muc send` take as markup, data, hints and labels; nothing is connected."""

import io
import json
import sys

import pytest

from xmppctl.cli.main import main

LABEL = "<securitylabel xmlns='urn:xmpp:sec-label:0'><label>x</label></securitylabel>"
JSON = "urn:xmpp:json:0"


@pytest.fixture
def dry(capsys, monkeypatch, tmp_path):
    """Run a command with --dry-run in a directory of its own: exit code, output, error."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*args, stdin="", command=("send",), to="a@x.example"):
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        code = main([*command, "--dry-run", to, *args])
        return code, *capsys.readouterr()

    return run


def sent(result):
    code, out, err = result
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    return line


def refused(result):
    code, out, err = result
    assert (code, out) == (2, "")
    return err


def test_markup_brings_its_text_along(dry, tmp_path):
    (tmp_path / "m.html").write_text("<p>a <em>b</em></p><p>c</p>")
    line = sent(dry("--xhtml", "m.html"))
    assert "<body>a b&#10;c</body>" in line
    assert "<body xmlns='http://www.w3.org/1999/xhtml'><p>a <em>b</em></p><p>c</p></body>" in line
    line = sent(dry("--xhtml", "m.html", "*given*"))
    assert line.count("<body>") == 1
    assert "<body>*given*</body>" in line


def test_markup_that_would_have_to_be_cut_is_refused(dry, tmp_path):
    (tmp_path / "m.html").write_text("<p onclick='x()'>x</p><script>y</script>")
    error = refused(dry("--xhtml", "m.html", "x"))
    assert "m.html" in error
    assert "the attribute onclick of <p/>, <script/>" in error
    (tmp_path / "m.html").write_text("<p> </p>")
    assert "says nothing" in refused(dry("--xhtml", "m.html"))
    assert dry("--xhtml", "missing.html")[0] == 11


def test_hints(dry):
    line = sent(dry("--spoiler", "x"))
    assert "<spoiler xmlns='urn:xmpp:spoiler:0'/>" in line
    line = sent(dry("--lang", "en", "--spoiler-hint", "the <end>", "--unstyled", "x"))
    assert "<spoiler xmlns='urn:xmpp:spoiler:0' xml:lang='en'>the &lt;end&gt;</spoiler>" in line
    assert line.count("<spoiler") == 1
    assert "<unstyled xmlns='urn:xmpp:styling:0'/>" in line
    assert "U+0007" in refused(dry("--spoiler-hint", "\a", "x"))


def test_a_spoiler_still_needs_a_text(dry):
    assert "empty" in refused(dry("--spoiler"))


def test_json_needs_no_text(dry, tmp_path):
    (tmp_path / "d.json").write_text('\ufeff {"a": [1.50]}\n')
    line = sent(dry("--json-payload", "d.json"))
    assert f"<json xmlns='{JSON}'>{{\"a\": [1.50]}}</json>" in line
    assert "<body" not in line
    line = sent(dry("--json-payload", "-", "--json-type", "urn:example:t", stdin="[1]"))
    assert (
        "<payload xmlns='urn:xmpp:json-msg:0' datatype='urn:example:t'>"
        f"<json xmlns='{JSON}'>[1]</json></payload>"
    ) in line
    line = sent(dry("--json-payload", "-", "text", stdin="[1]"))
    assert "<body>text</body>" in line


@pytest.mark.parametrize("text", ["", "{", "[NaN]", "5", "null", "[1e999]", "[" * 100000])
def test_what_is_no_json_is_refused(dry, text):
    assert "--json-payload" in refused(dry("--json-payload", "-", stdin=text))


def test_json_that_is_not_utf_8(dry, tmp_path):
    (tmp_path / "d.json").write_bytes(json.dumps(["x"]).encode("utf-16"))
    assert "no JSON" in refused(dry("--json-payload", "d.json"))


@pytest.mark.parametrize(
    ("args", "other"),
    [
        (["-"], "the text -"),
        (["--stdin-lines"], "--stdin-lines"),
        (["--stanza", "-"], "--stanza -"),
        (["--to-file", "-", "x"], "--to-file -"),
    ],
)
def test_standard_input_is_read_once(dry, args, other):
    error = refused(dry("--json-payload", "-", *args, stdin="[]"))
    assert f"and {other}" in error


@pytest.mark.parametrize(
    "args",
    [
        ["--json-type", "urn:x", "x"],
        ["--xhtml", "-"],
        ["--label-xml", "-", "x"],
        ["--xhtml", "m.html", "--stdin-lines"],
        ["--xhtml", "m.html", "--stanza", "s.xml"],
        ["--label", "x", "--label-xml", "l.xml", "x"],
        ["--label", "x", "--multicast", "x"],
        ["--label", "x", "--stanza", "s.xml"],
        ["--label-xml", "l.xml", "--stanza", "s.xml"],
        ["--label", "SECRET", "x"],  # --dry-run asks nobody
    ],
)
def test_what_does_not_go_together(dry, tmp_path, args):
    (tmp_path / "m.html").write_text("<p>x</p>")
    (tmp_path / "s.xml").write_text("<message><body>x</body></message>")
    (tmp_path / "l.xml").write_text(LABEL)
    refused(dry(*args))


def test_a_label_from_a_file(dry, tmp_path):
    (tmp_path / "l.xml").write_text(f"<?xml version='1.0'?>\n{LABEL}\n")
    assert LABEL in sent(dry("--label-xml", "l.xml", "x"))


@pytest.mark.parametrize("text", ["", "x", "<label/>", LABEL.replace("<label>x</label>", "")])
def test_a_file_without_a_label(dry, tmp_path, text):
    (tmp_path / "l.xml").write_text(text)
    assert "l.xml holds no" in refused(dry("--label-xml", "l.xml", "x"))


@pytest.mark.parametrize("command", [("muc", "send"), ("muc", "pm")])
def test_rooms_take_the_same(dry, tmp_path, command):
    (tmp_path / "m.html").write_text("<p>a <em>b</em></p>")
    (tmp_path / "l.xml").write_text(LABEL)
    nick = ["bob"] if command[1] == "pm" else []
    args = [*nick, "--xhtml", "m.html", "--spoiler", "--unstyled", "--label-xml", "l.xml",
            "--json-payload", "-"]  # fmt: skip
    line = sent(dry(*args, stdin="[1]", command=command, to="r@c.example"))
    for part in ("<body>a b</body>", "<spoiler", "<unstyled", LABEL, ">[1]</json>"):
        assert part in line
    args = [*nick, "-", "--json-payload", "-"]
    error = refused(dry(*args, stdin="[1]", command=command, to="r@c.example"))
    assert "and the text -" in error
