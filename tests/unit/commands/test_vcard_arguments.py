"""What `vcard` and `avatar` refuse; nothing is connected."""

import io
import sys

import pytest

from xmppctl.cli.main import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs a command in a directory of its own, with a server that is not there."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*args, code=2, stdin=""):
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        assert main(["-j", "a@b.test", "--connect", "127.0.0.1:1", *args]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        return err

    return call


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["set"], "what is to be set"), (["set", "--fn=\x07"], "U+0007"),
        (["set", "--email=a@x", "--email=\x07@x"], "U+0007"),
        (["set", "--bday=soon"], "ISO 8601"), (["set", "--email=nobody"], "e-mail"),
        (["set", "--photo=-", "--file=-"], "both"),
        (["set", "--fn=A", "--access=open"], "for --v4"),
        (["set", "--fn=A", "--reconfigure"], "for --v4"),
        (["get", "--as=pdf"], "photo:FILE"), (["get", "--as=photo"], "photo:FILE"),
        (["get", "--as=vcf:x"], "photo:FILE"), (["get", "@@"], "JID"),
        (["delete"], "--yes"),
    ],
)  # fmt: skip
def test_vcard(run, args, reason):
    assert reason in run("vcard", *args)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("BEGIN:VCARD\nFN:a\nEND:VCARD\n" * 2, "more than one"), ("hello", "property 1"),
        ('{"fn": 1}', "no text"), ('{"fn": "\\u0007"}', "U+0007"), ("<a/>", "neither"),
        ('["vcard", [["x-a", {"b": "\\u0007"}, "text", "c"]]]', "U+0007"), ("", "empty"),
        ('["vcard", [["adr", {}, "text", ["a", ["\\u0001"]]]]]', "U+0001"),
    ],
)  # fmt: skip
def test_files_that_are_no_cards(run, text, reason):
    assert reason in run("vcard", "set", "--file=-", stdin=text)


def test_pictures(run, tmp_path):
    (tmp_path / "text").write_text("no picture")
    assert "no PNG" in run("vcard", "set", "--photo=text")
    assert "no PNG" in run("avatar", "set", "text")
    run("vcard", "set", "--photo=gone", code=11)
    run("avatar", "set", "gone", code=11)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["get", "--meta", "--out=x"], "--meta"), (["get", "--source=x"], "--source"),
        (["set"], "FILE"), (["set", "-", "--url=x"], "--url"),
        (["set", "-", "--url=http://x.test/a.png"], "https"),
        (["set", "-", "--access=whitelist"], "--access"),
    ],
)  # fmt: skip
def test_avatar(run, args, reason):
    assert reason in run("avatar", *args)
