"""The line that tells a person how far a bulk of messages is."""

import io
from types import SimpleNamespace

import pytest

from xmppctl.commands.send import counter
from xmppctl.commands.send.counter import Counter


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(counter, "_INTERVAL", 0.0)


def shown(total, *, stderr=True, stdout=False, quiet=False):
    app = SimpleNamespace(stderr=Stream(stderr), stdout=Stream(stdout), quiet=quiet)
    counting = Counter(app, total)
    counting.step()
    counting.step()
    counting.end()
    return app.stderr.getvalue()


def test_the_line_is_written_over_and_removed():
    assert shown(5) == "\r1 of 5 messages\x1b[K\r2 of 5 messages\x1b[K\r\x1b[K"
    assert "\r2 messages\x1b[K" in shown(None)


@pytest.mark.parametrize("how", [{"stderr": False}, {"stdout": True}, {"quiet": True}])
def test_silence(how):
    assert shown(5, **how) == ""
