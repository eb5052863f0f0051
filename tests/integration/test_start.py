"""What a run loads: nothing that the command does not use (docs/design/007-start-up.md).

Names and numbers of modules, not times: these depend on the machine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.process import Xmppctl
from tests.servers.base import Account

_LOADED = re.compile(r"^import time: +\d+ \| +\d+ \| *(\S+)$", re.MULTILINE)
PROFILED = {"PYTHONPROFILEIMPORTTIME": "1"}

UNUSED = {
    # come with Click, dataclasses and asyncio
    *("inspect", "ast", "dis", "tokenize", "linecache", "uuid", "platform", "gettext", "locale"),
    *("copy", "fnmatch", "ntpath", "urllib.parse", "traceback", "textwrap", "string", "difflib"),
    *("logging", "subprocess", "concurrent.futures", "pkgutil", "importlib.util"),
    # come with platformdirs and tabulate
    *("tempfile", "shutil", "importlib.metadata", "email", "tabulate", "html"),
    # are for other commands, for failures, for -v
    *("aioxmpp", "lxml", "pytz", "decimal", "xml.sax", "sortedcollections", "multidict"),
    *("shlex", "cryptography", "dns", "tomlkit", "keyring", "csv", "xmppctl.output.monitor"),
    *("xmppctl.model.form", "xmppctl.model.disco", "xmppctl.model.occupant", "xmppctl.model.muc"),
    *("xmppctl.protocol.disco", "xmppctl.protocol.forms", "xmppctl.protocol.rsm"),
}
# the number of modules that Python 3.11 loads here is 15 less
MOST = {"help": 116, "ping": 245, "send": 262}


def loaded(err: str) -> set[str]:
    """The modules that a profiled run imported."""
    found = set(loaded_in_order(err))
    assert "xmppctl.cli.main" in found
    return found


def loaded_in_order(err: str) -> list[str]:
    """The same, whichever was complete first."""
    return _LOADED.findall(err)


def check(found: set[str], kind: str, allowed: frozenset[str] = frozenset()) -> None:
    assert sorted(found & UNUSED - allowed) == []
    assert len(found) <= MOST[kind], sorted(found)


@pytest.mark.own_connection  # other transports import more
def test_ping(xmppctl: Xmppctl, alice: Account) -> None:
    found = loaded(xmppctl("ping", account=alice, env=PROFILED).expect(0).err)
    check(found, "ping")


@pytest.mark.own_connection
def test_ping_as_json(xmppctl: Xmppctl, alice: Account) -> None:
    check(loaded(xmppctl("--json", "ping", account=alice, env=PROFILED).expect(0).err), "ping")


@pytest.mark.own_connection
def test_send(xmppctl: Xmppctl, alice: Account, bob: Account) -> None:
    run = xmppctl("send", bob.jid, "hello", account=alice, env=PROFILED).expect(0)
    check(loaded(run.err), "send")


def test_what_asks_for_structures_loads_them(xmppctl: Xmppctl, alice: Account) -> None:
    """The list above is no accident of the way it is looked at."""
    run = xmppctl("--json", "disco", "items", account=alice, env=PROFILED).expect(0)
    assert {"aioxmpp.rsm.xso", "xmppctl.protocol.disco"} <= loaded(run.err)


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--help"], {}),
        (["send", "--help"], {}),
        ([], {"_XMPPCTL_COMPLETE": "bash_complete", "COMP_WORDS": "xmppctl s", "COMP_CWORD": "1"}),
        ([], {"_XMPPCTL_COMPLETE": "bash_complete", "COMP_WORDS": "xmppctl ping -",
              "COMP_CWORD": "2"}),
    ],
)  # fmt: skip
def test_help_and_completion(words: list[str], env: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("xmppctl"), *words],
        env={**os.environ, **PROFILED, **env, "XMPPCTL_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = loaded(done.stderr)
    # Click wraps the help to the width of the terminal, and splits the words of a completion
    check(found, "help", allowed=frozenset({"textwrap", "shutil", "fnmatch", "shlex"}))
    assert not found & {"asyncio", "ssl", "socket", "json", "hashlib", "xmppctl.config.settings"}
