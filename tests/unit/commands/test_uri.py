"""`uri` as a process sees it: lines of standard input, errors, and no account at all."""

import io
import json
import sys

import pytest

from xmppctl.cli.main import main


@pytest.fixture
def uri(capsys, monkeypatch, tmp_path):
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))

    def run(*args, given=b"", code=0):
        stream = io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        assert main(["--json", "uri", *args]) == code
        out, err = capsys.readouterr()
        return (json.loads(out) if out else None), err

    return run


def test_lines(uri):
    given = b"xmpp:a@b.test?join\n\nxmpp:\xff\nhttps://c.test/\n"
    found, err = uri("parse", "xmpp:d.test", "-", given=given, code=9)
    assert [(each["jid"], each["action"]) for each in found] == [
        ("d.test", None), ("a@b.test", "join"), (None, None), (None, None),
    ]  # fmt: skip
    assert "not UTF-8" in found[2]["error"]["text"]
    assert found[3]["error"]["condition"] == "malformed-uri"
    assert "2 of 4" in err


def test_one_that_is_none(uri):
    found, err = uri("parse", "xmpp:a@b.test?message;body=%1b%5d0;x%07", code=2)
    assert found[0]["command"] is None
    assert "\x1b" not in err


def test_make(uri):
    found, _ = uri("make", "a@b.test", "--action", "message", "--param", "body=1=2; 3")
    assert found["uri"] == "xmpp:a@b.test?message;body=1%3D2%3B%203"
    assert found["pairs"] == [{"name": "body", "value": "1=2; 3"}]
    uri("make", "a@b.test", "--param", "x", code=2)
    uri("make", "a@b.test", "--action", "a;b", code=2)
    uri("make", "a@b.test", "--action", "x", "--param", "k=\x07", code=2)
