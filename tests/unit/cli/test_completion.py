"""Completion: what is offered, and the scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import PACKAGE, ROOT
from xmppctl.commands.completion import script

_PROGRAM = (
    "import atexit, json, sys\n"
    "from xmppctl.cli.main import main\n"
    "atexit.register(lambda: print(json.dumps(list(sys.modules)), file=sys.stderr))\n"
    f"sys.exit(main(package={PACKAGE!r}))"
)
HEAVY = {"aioxmpp", "asyncio", "lxml", "tabulate", "dns", "ssl", "tomlkit", "keyring"}


def complete(*words: str) -> tuple[list[str], set[str]]:
    """What is offered for the last of ``words``, and the modules that this loaded."""
    env = {
        **os.environ,
        "_XMPPCTL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["xmppctl", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition(",")[2] for line in done.stdout.split()], set(json.loads(done.stderr))


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("",), {"long-wait", "monitored", "say", "things"}),
        (("th",), {"things"}),
        (("--pass",), {"--password-file", "--password-fd", "--password-command"}),
        (("--tls", ""), {"auto", "direct", "starttls"}),
        (("--transport", ""), {"auto", "tcp", "websocket", "bosh"}),
        (("--sasl", "sasl"), {"sasl1", "sasl2"}),
        (("-o", "js"), {"json", "jsonl"}),
        (("--account", ""), set()),
        (("--jid", "a@b", "things", ""), {"list", "get", "add", "remove", "crash", "box"}),
        (("things", "list", "--no"), {"--none", "--no-input"}),
        (("things", "list", "--pass"), set()),
        (("things", "list", "--color", "a"), {"auto", "always"}),
    ],
)
def test_offers(words: tuple[str, ...], offered: set[str]) -> None:
    found, modules = complete(*words)
    assert set(found) == offered
    assert not modules & HEAVY


def offered_by_the_program(config: Path, *words: str) -> list[str]:
    env = {
        **os.environ,
        "_XMPPCTL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["xmppctl", *words]),
        "COMP_CWORD": str(len(words)),
        "XMPPCTL_CONFIG_DIR": str(config),
    }
    command = [sys.executable, "-m", "xmppctl"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.split()]


@pytest.mark.parametrize(
    "words",
    [("-a",), ("account", "show"), ("account", "test"), ("account", "use"), ("account", "remove")],
)
def test_names_of_accounts(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert offered_by_the_program(tmp_path, *words, "") == []
    config = tmp_path / "config.toml"
    config.write_text('[accounts.work]\njid = "a@x.test"\n[accounts.home]\njid = "b@x.test"\n')
    assert offered_by_the_program(tmp_path, *words, "") == ["work", "home"]
    assert offered_by_the_program(tmp_path, *words, "w") == ["work"]
    config.write_text("[accounts")
    assert offered_by_the_program(tmp_path, *words, "") == []


def test_names_of_commands_for_their_schema(tmp_path: Path) -> None:
    assert offered_by_the_program(tmp_path, "schema", "ros") == ["roster"]
    assert offered_by_the_program(tmp_path, "schema", "roster", "sub") == ["subscribe"]
    assert offered_by_the_program(tmp_path, "schema", "roster", "list", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str) -> None:
    text = script(shell)
    assert "_XMPPCTL_COMPLETE" in text
    assert "xmppctl" in text


def test_the_program_of_the_script_is_valid_bash() -> None:
    subprocess.run(["bash", "-n"], input=script("bash"), text=True, check=True)
