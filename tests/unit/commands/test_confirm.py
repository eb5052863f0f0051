"""Who decides about a web request: options, a person at the terminal, and else nobody."""

import io
import sys
import time

import pytest

from xmppctl.cli import App
from xmppctl.commands.confirm import _decision, _matcher
from xmppctl.errors import UsageError
from xmppctl.model.confirm import Confirmation

ASKED = Confirmation("files.test", "a7\x1b[2J", "GET", "https://files.test/", "deny")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def decision(monkeypatch, *, allow=False, deny=False, named=False, stdin=None, **options):
    monkeypatch.setattr(sys, "stdin", stdin or io.StringIO("y\n"))
    app = App()
    app.options = {name: (value, "test") for name, value in options.items()}
    return _decision(app, allow=allow, deny=deny, named=named)(ASKED)


@pytest.mark.parametrize(("typed", "answer"), [("y\n", "allow"), ("n\n", "deny"), ("", "deny")])
def test_a_person_is_asked(typed, answer, monkeypatch, capsys):
    assert decision(monkeypatch, stdin=Terminal(typed)) == answer
    told = capsys.readouterr().err
    assert "files.test asks: did you request GET https://files.test/" in told
    assert "a7" in told
    assert "\x1b" not in told


def test_without_one_the_answer_is_no(monkeypatch):
    assert decision(monkeypatch) == "deny"
    assert decision(monkeypatch, stdin=Terminal("y\n"), no_input=True) == "deny"


def test_options(monkeypatch):
    assert decision(monkeypatch, allow=True, named=True) == "allow"
    assert decision(monkeypatch, deny=True, stdin=Terminal("y\n")) == "deny"
    assert decision(monkeypatch, deny=True, yes=True) == "deny"
    assert decision(monkeypatch, named=True, yes=True) == "allow"
    with pytest.raises(UsageError):
        decision(monkeypatch, yes=True)


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("https://a.test/*", "https://a.test/", True),
        ("https://a.test/*", "https://a.testing/x", False),
        ("*", "", True),
        ("a?c", "a\nc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("a*b*c", "abbc", True),
        ("a*b*bc", "abbc", True),
        ("a*b*b*c", "abc", False),
        ("*b", "bab", True),
        ("**[x]*", "a[x]", True),
    ],
)
def test_patterns(pattern, url, fits):
    assert _matcher(pattern)(url) is fits


def test_a_stranger_cannot_make_a_pattern_slow():
    begin = time.process_time()
    assert not _matcher("*a" * 6 + "b")("a" * 70)
    assert time.process_time() - begin < 0.2
