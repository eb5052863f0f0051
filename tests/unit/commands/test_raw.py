"""What `raw` takes for a stanza; what is none is refused before anything is connected."""

import io
import sys

import pytest

from xmppctl.cli.main import main


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no XML element"),
        ("<iq type='get'>", "no XML element"),
        ("<x/>", "no message, presence or iq"),
        ("<message xmlns='jabber:server'/>", "no message, presence or iq"),
        ("<iq type='result'><x xmlns='u'/></iq>", "get or set"),
        ("<iq><x xmlns='u'/></iq>", "get or set"),
        ("<iq type='get'/>", "one child element, not 0"),
        ("<iq type='set'><x xmlns='u'/><y xmlns='u'/></iq>", "one child element, not 2"),
        ("<message to='@'/>", "is not a JID"),
        ("<!DOCTYPE x><message/>", "no XML element"),
    ],
)
def test_refused(monkeypatch, capsys, tmp_path, text, reason):
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))
    stream = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stream)
    assert main(["-j", "a@b.test", "--connect", "127.0.0.1:1", "raw", "-"]) == 2
    assert reason in capsys.readouterr().err
