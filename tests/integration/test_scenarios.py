"""The shell transcripts of tests/scenarios, each run against one of the servers in turn.

With XMPPCTL_TEST_EVERYTHING=1, as in ``make test-all``, each is run against both.

A transcript is commands and what they print::

    # a comment; "# servers: prosody" leaves the other servers out, "# own connection" those runs
    # that only differ in how servers are reached
    $ xmppctl --json ping | jq '.[0].ok'
    true
    $ xmppctl send nobody@$DOMAIN hi
    ...
    [exit 6]

Standard output and error are one text, as on a terminal. ``...`` stands for any text in a line,
on a line of its own for any number of lines. ``[exit N]`` follows a command that fails. A command
goes on behind a backslash, with ``> `` before the rest. The variables of ``variables`` are known
to the commands, and in what is expected by their names, such as ``$BOB``.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.peers.process import (
    EXECUTABLE,
    TRANSPORT,
    Xmppctl,
    own_connection,
    way_environment,
)
from tests.servers.base import Account, Server
from tests.servers.ca import Authority

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.txt"))
EVERYTHING = bool(os.environ.get("XMPPCTL_TEST_EVERYTHING"))


@dataclass
class Step:
    """One command of a transcript."""

    line: int
    command: str
    expected: list[str] = field(default_factory=list)
    code: int = 0

    def pattern(self, known: dict[str, str]) -> re.Pattern[str]:
        """What its whole output has to match."""
        parts = []
        for line in self.expected:
            if line.strip() == "...":
                parts.append(r"(?:.*\n)*?")
                continue
            for name in sorted(known, key=len, reverse=True):
                line = line.replace(f"${name}", known[name])
            parts.append(re.escape(line).replace(re.escape("..."), ".*") + r"\n")
        return re.compile("".join(parts))


def read(text: str) -> Iterator[Step]:
    """The steps of a transcript."""
    step: Step | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("$ "):
            if step is not None:
                yield step
            step = Step(number, line[2:])
        elif step is None or line.startswith("# "):
            assert not line or line.startswith("#"), f"line {number} belongs to no command"
        elif line.startswith("> ") and step.command.endswith("\\") and not step.expected:
            step.command += "\n" + line[2:]
        elif found := re.fullmatch(r"\[exit (\d+)\]", line):
            step.code = int(found[1])
        elif line:
            step.expected.append(line)
    if step is not None:
        yield step


# a setting for a command that is not to connect: there is nobody
NOWHERE = {
    "websocket": "XMPPCTL_ENDPOINT=wss://127.0.0.1:1/",
    "bosh": "XMPPCTL_ENDPOINT=https://127.0.0.1:1/",
}.get(TRANSPORT, "XMPPCTL_CONNECT=127.0.0.1:1")


WARNED = r"(?m)^warning: over BOSH .*\n" if TRANSPORT == "bosh" else "(?!)"
"""What is said over that transport alone."""


def servers(text: str) -> list[str] | None:
    """The servers that a transcript is for, None for all."""
    found = re.search(r"^# servers: (.*)$", text, re.MULTILINE)
    return found[1].split() if found else None


def variables(alice: Account, bob: Account, other_ca: Path) -> dict[str, str]:
    """What transcripts may name."""
    server = alice.server
    admin = server.admin()
    return {
        "ALICE": alice.jid,
        "BOB": bob.jid,
        "BOB_PASSWORD": bob.password,
        "ADMIN": admin.jid,
        "ADMIN_PASSWORD": admin.password,
        "DOMAIN": server.domain,
        "CONFERENCE": server.conference,
        "EXT": server.component,
        "DIRECT_TLS": "{}:{}".format(*server.direct_tls),
        "OTHER_CA": str(other_ca),
        "NOWHERE": NOWHERE,
    }


def transcripts(server: str) -> list[Path]:
    """The transcripts that this server is to play a part in."""
    both = ["prosody", "ejabberd"]
    found = []
    for number, path in enumerate(FILES):
        here = both if EVERYTHING else [both[number % 2]]
        if server in (servers(path.read_text()) or here):
            found.append(path)
    return found


@pytest.mark.servers("prosody")
@pytest.mark.parametrize("path", transcripts("prosody"), ids=lambda path: path.stem)
def test_transcript_with_prosody(
    path: Path, server: Server, alice: Account, bob: Account, xmppctl: Xmppctl, tmp_path: Path
) -> None:
    play(path, server, alice, bob, xmppctl, tmp_path)


@pytest.mark.servers("ejabberd")
@pytest.mark.parametrize("path", transcripts("ejabberd"), ids=lambda path: path.stem)
def test_transcript_with_ejabberd(
    path: Path, server: Server, alice: Account, bob: Account, xmppctl: Xmppctl, tmp_path: Path
) -> None:
    play(path, server, alice, bob, xmppctl, tmp_path)


def play(
    path: Path, server: Server, alice: Account, bob: Account, xmppctl: Xmppctl, tmp_path: Path
) -> None:
    """Run the commands of a transcript and compare what they print."""
    text = path.read_text()
    if "\n# own connection\n" in text:
        own_connection()
    known = variables(alice, bob, Authority(tmp_path / "other-ca").ca_file)
    environment = {
        **xmppctl.environment(),
        **known,
        "PATH": f"{EXECUTABLE.parent}{os.pathsep}{os.environ['PATH']}",
        "XMPPCTL_JID": alice.jid,
        "XMPPCTL_PASSWORD": alice.password,
        **way_environment(server),
    }
    for step in read(text):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", step.command],
            env=environment,
            cwd=xmppctl.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        said = re.sub(WARNED, "", done.stdout)
        told = f"{path.name}:{step.line}: $ {step.command}\n{done.stdout}[exit {done.returncode}]"
        assert done.returncode == step.code, told
        matches = step.pattern(known).fullmatch(said) is not None
        assert matches, "\n".join([told, "--- expected", *step.expected])


def test_there_are_transcripts() -> None:
    assert FILES
    for path in FILES:
        assert list(read(path.read_text())), f"{path.name} has no command"


def test_wildcards() -> None:
    (step,) = read("$ x\n{... $BOB}\n...\nend\n[exit 3]\n")
    pattern = step.pattern({"BOB": "bob@d", "BO": "wrong"})
    assert step.code == 3
    assert pattern.fullmatch("{1 bob@d}\nend\n")
    assert pattern.fullmatch("{1 bob@d}\na\nb\nend\n")
    assert not pattern.fullmatch("{1 eve@d}\nend\n")
    assert not pattern.fullmatch("{1 bob@d}\nend\nmore\n")
