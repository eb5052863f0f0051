"""Python 3.13 and later: the installation of docs/install.md, from one end to the other.

It downloads packages and takes half a minute: only with XMPPCTL_TEST_PYTHON313=1, as in
``make test-all``.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.peers.process import Xmppctl
from tests.servers.base import Account
from tests.servers.prosody import Prosody

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    os.environ.get("XMPPCTL_TEST_PYTHON313", "") in ("", "0"),
    reason="NOT TESTED: the installation with Python 3.13; set XMPPCTL_TEST_PYTHON313=1, "
    "or run make test-all",
)


@pytest.fixture(scope="module")
def interpreter() -> str:
    found = subprocess.run(
        [ROOT / "tools" / "findpython.sh", "3.13"], stdout=subprocess.PIPE, text=True, check=False
    )
    assert found.returncode == 0, "there is no Python 3.13 here"
    return found.stdout.strip()


def shell(command: str) -> None:
    """Run a command line as a user does who copies it."""
    subprocess.run(["sh", "-c", command], check=True, timeout=300, stdin=subprocess.DEVNULL)


def test_install_complete_and_ping(
    interpreter: str, prosody: Prosody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "venv"
    shell(f"{shlex.quote(interpreter)} -m venv {venv}")
    shell(f"{venv}/bin/python -m pip install --quiet {shlex.quote(str(ROOT))}")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    xmppctl = Xmppctl(home, venv / "bin" / "xmppctl")
    account: Account = prosody.account("alice")

    # 1. Help, version and completion are there; what needs aioxmpp says how to get it.
    assert xmppctl("--version").expect().out.startswith("xmppctl ")
    xmppctl("ping", "--help").expect()
    missing = xmppctl("ping", account=account).expect(2)
    assert missing.out == ""
    assert "Traceback" not in missing.err
    lines = [line.strip() for line in missing.err.splitlines()]
    (command,) = [line.removeprefix("try: ") for line in lines if line.startswith("try: ")]
    assert command == f"{venv}/bin/python -m pip install --no-deps aioxmpp==0.13.3"
    assert xmppctl("--json", "ping", account=account).expect(2).error()["hint"] == command

    # 2. The printed command, as it stands, completes the installation.
    shell(f"{command} --quiet")
    assert xmppctl("--version").expect().out.startswith("xmppctl ")
    (pong,) = xmppctl("--json", "ping", account=account).expect().json()
    assert pong["ok"] is True
    (sent,) = xmppctl("--json", "send", account.jid, "hi", account=account).expect().json()
    assert sent["error"] is None
    for words in (["roster", "list"], ["disco", "info"], ["mam", "query"], ["entity", "time"]):
        xmppctl("--json", *words, account=account).expect()
