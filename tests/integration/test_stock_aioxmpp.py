"""Every command also works with aioxmpp imported as it is published (XMPPCTL_STOCK_AIOXMPP=1)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.peers.process import Xmppctl
from tests.servers.base import Account, Server

pytestmark = pytest.mark.in_turn

STOCK = {"XMPPCTL_STOCK_AIOXMPP": "1"}

COMMANDS = {
    "ping": ("ping",),
    "roster list": ("roster", "list"),
    "disco info": ("disco", "info"),
    "disco items": ("disco", "items"),
    "disco find": ("disco", "find", "--category", "conference"),
    "disco tree": ("disco", "tree", "--depth", "0"),
    "mam query": ("mam", "query"),
    "entity time": ("entity", "time"),
    "entity version": ("entity", "version"),
    "entity last": ("entity", "last"),
    "account test": ("account", "test"),
    "send": ("send", "{bob}", "hello"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands(
    xmppctl: Xmppctl, server: Server, alice: Account, bob: Account, name: str
) -> None:
    words = [word.format(bob=bob.jid) for word in COMMANDS[name]]
    run = xmppctl(*words, "--json", account=alice, env=STOCK).expect(0)
    assert all(line.startswith("xmppctl: warning: ") for line in run.err.splitlines())
    assert isinstance(run.json(), (dict, list))


def test_all_operations_can_be_imported() -> None:
    """In the stock library and in the lean one, the modules of operations load the same classes."""
    program = (
        "import json, sys\n"
        "from xmppctl.protocol import implemented\n"
        "print(json.dumps([[xep.number, home] for xep, home in implemented()]))\n"
        "import aioxmpp\n"
        "print(type(aioxmpp).__name__)\n"
    )

    def names(**env: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    stock, lean = names(**STOCK), names(XMPPCTL_STOCK_AIOXMPP="0")
    assert stock[0] == lean[0]
    assert stock[1] == "module"
    assert lean[1] != "module"
