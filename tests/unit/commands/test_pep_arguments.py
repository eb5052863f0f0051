"""What `pep` refuses before anything is connected, and what completion proposes."""

import io
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from xmppctl.cli.main import main
from xmppctl.cli.tree import Tree
from xmppctl.model.pepwords import ACTIVITIES, MOODS

DOAP = str(Path(__file__).parents[3] / "xmppctl.doap")
"""A file with an XML element that has a namespace."""


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("mood", "--set", "hapy"), "did you mean happy?"),
        (("mood", "--set", "a b", "--force"), "cannot be a name"),
        (("mood", "--set", "text", "--force"), "cannot be a name"),
        (("mood", "--set", "sad", "--clear"), "exclude each other"),
        (("mood", "b@c.test", "--set", "sad"), "exclude each other"),
        (("mood", "b@c.test/r"), "bare JID"),
        (("mood", "--text", "x"), "--text is for --set"),
        (("mood", "--access", "open"), "--access is for"),
        (("mood", "--set", "sad", "--reconfigure"), "--reconfigure needs --access"),
        (("mood", "--set", "sad", "--text", "\x07"), "U+0007"),
        (("mood", "--set", "sad", "--text", "\udcff"), "not UTF-8"),
        (("activity", "--set", "reading"), "relaxing/reading"),
        (("activity", "--set", "reading/relaxing"), "not a general activity"),
        (("activity", "--set", "working/"), "not a specific activity"),
        (("tune", "--set"), "needs something to tell"),
        (("tune", "--title", "x", "--rating", "0"), "'--rating'"),
        (("tune", "--title", "x", "--rating", "11"), "'--rating'"),
        (("tune", "--length", "65536"), "'--length'"),
        (("nick", "--set", " "), "empty"),
        (("location", "--lat", "1"), "need each other"),
        (("location", "--lat", "91", "--lon", "0"), "'--lat'"),
        (("location", "--lat", "0", "--lon", "-180.1"), "'--lon'"),
        (("location", "--lat", "nan", "--lon", "0"), "'--lat'"),
        (("location", "--alt", "inf"), "'--alt'"),
        (("location", "--countrycode", "DEU"), "--countrycode"),
        (("location", "--tzo", "2"), "--tzo"),
        (("location", "--set"), "needs something to tell"),
        (("location", "--lang", "en"), "--lang is for --set"),
        (("post", ""), "empty"),
        (("post", "x", "--link", "example.org"), "not an address"),
        (("post", "x", "--lang", "a b"), "no language tag"),
        (("location", "--text", "x", "--lang", "a b"), "no language tag"),
        (("nick", "--set", "\x07"), "value of --set"),
        (("raw", "\x07"), "the node contains"),
        (("post", "x", "--last", "1"), "--last is for --list"),
        (("post", "--list", "--tag", "x"), "--tag and --list exclude"),
        (("post", "--list", "a@b@c"), "not a JID"),
        (("raw", "n", "--set", "/nonexistent/file"), None),
        (("raw", "n", "--set", "-"), "has no namespace"),
        (("raw", "storage:bookmarks", "--set", DOAP), "lock the account out"),
        (("raw", "urn:xmpp:bookmarks:1", "--set", DOAP), "lock the account out"),
        (("raw", "urn:xmpp:mds:displayed:0", "--clear", "--access", "open"), "private data"),
        (("raw", "n", "--id", "a", "--id", "b", "--clear"), "a second --id"),
    ],
)
def test_refused(args, told, capsys, monkeypatch, tmp_path):
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<x/>"), encoding="utf-8"))
    code = main(["-j", "a@b.test", "--connect", "127.0.0.1:1", "pep", *args])
    out, err = capsys.readouterr()
    assert (code, out) == (11 if told is None else 2, "")
    assert told is None or told in err
    assert "Traceback" not in err


def test_a_dash_behind_dashes_is_a_text(monkeypatch, tmp_path, capsys):
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    start = ["-j", "a@b.test", "--anonymous", "--connect", "127.0.0.1:1", "pep", "post"]
    assert main([*start, "-"]) == 2
    assert "the text is empty" in capsys.readouterr().err
    assert main([*start, "--", "-"]) == 3


def proposed(*args):
    completion = ShellComplete(Tree(), {}, "xmppctl", "_XMPPCTL_COMPLETE")
    return [each.value for each in completion.get_completions(list(args[:-1]), args[-1])]


def test_completion():
    assert proposed("pep", "mood", "--set", "in_") == ["in_awe", "in_love"]
    assert proposed("pep", "activity", "--set", "drinking/having_") == [
        "drinking/having_a_beer", "drinking/having_coffee", "drinking/having_tea",
    ]  # fmt: skip


def test_the_lists_are_whole():
    assert (len(MOODS), len(ACTIVITIES)) == (84, 12)
    assert len({word for words in ACTIVITIES.values() for word in words}) == 66
