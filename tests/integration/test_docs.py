"""The shell blocks of the README and of docs/, run against a real Prosody.

A fenced block that begins with ```` ```sh run ```` is executed as it stands, by ``bash -e`` with
``pipefail``; ```` ```sh run exit=6 ```` expects that code. alice@example.org, bob@example.org,
example.org and its services become the accounts and the domain of the test; alice is logged in by
the environment. ``pass`` and ``pass show`` print alice's password.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.answering import info, serving
from tests.peers.process import EXECUTABLE, Xmppctl, way_environment
from tests.servers.base import Account, Server

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^( *)```(\S*)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block that is to be run."""

    page: str
    line: int
    text: str
    code: int


def blocks(path: Path) -> list[Block]:
    """The blocks of a page that are marked by ``run``."""
    page = path.read_text()
    found = []
    for match in _FENCE.finditer(page):
        words = match[3].split()
        if match[2] == "sh" and "run" in words:
            codes = [int(word.removeprefix("exit=")) for word in words if word != "run"]
            line = page[: match.start()].count("\n") + 1
            found.append(Block(path.name, line, match[4], codes[0] if codes else 0))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]


def substituted(text: str, alice: Account, bob: Account) -> str:
    """The text with the names of the test in the place of the documentation's."""
    names = {
        "alice@example.org": alice.jid,
        "bob@example.org": bob.jid,
        "upload.example.org": alice.server.upload,
        "conference.example.org": alice.server.conference,
        "pubsub.example.org": alice.server.pubsub,
        "example.org": alice.server.domain,
    }
    pattern = re.compile(r"(?<![\w.-])(?:" + "|".join(map(re.escape, names)) + r"|example\.org)\b")
    return pattern.sub(lambda match: names[match[0]], text)


@pytest.mark.servers("prosody")
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_block(
    block: Block, server: Server, alice: Account, bob: Account, xmppctl: Xmppctl, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    stand_in = programs / "pass"
    stand_in.write_text('#!/bin/sh\necho "$XMPPCTL_TEST_SECRET"\n')
    stand_in.chmod(0o755)
    path = [str(programs), str(EXECUTABLE.parent), os.environ["PATH"]]
    # a server that is well has no service in its list that is not there
    service: AbstractContextManager[object] = nullcontext()
    if "server check" in block.text:
        service = serving(server, lambda _: info())
    with service:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", substituted(block.text, alice, bob)],
            env={
                **xmppctl.environment(),
                "PATH": os.pathsep.join(path),
                "XMPPCTL_JID": alice.jid,
                "XMPPCTL_PASSWORD": alice.password,
                "XMPPCTL_TEST_SECRET": alice.password,
                **way_environment(server),
            },
            cwd=xmppctl.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == block.code, f"{block.text}\n{done.stdout}\n{done.stderr}"


def test_the_worked_example(tmp_path: Path) -> None:
    """The files of docs/adding-a-xep.md, put into a copy of the project: its own tests pass."""
    page = (ROOT / "docs" / "adding-a-xep.md").read_text()
    files = {match[3].strip().removeprefix("file="): match[4] for match in _FENCE.finditer(page)}
    files = {name: text for name, text in files.items() if name.endswith(".py")}
    assert len(files) == 4
    ignored = shutil.ignore_patterns("__pycache__", "unit", "integration")
    for name in ("xmppctl", "tests", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    tests = [name for name in files if name.startswith("tests/")]
    # the tests call the program beside the interpreter: here one that runs the copy
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "xmppctl"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} -m xmppctl "$@"\n')
    program.chmod(0o755)
    conftest = tmp_path / "tests" / "integration" / "conftest.py"
    conftest.write_text(
        "import pathlib, tests.peers.process as process\n"
        f"process.Xmppctl.__init__.__defaults__ = (pathlib.Path({str(program)!r}),)\n"
    )
    for command in (
        [sys.executable, "-m", "pytest", "-q", "-k", "not ejabberd", *tests, "tests/test_tree.py"],
        [sys.executable, "-m", "ruff", "check", "--no-cache", *files],
        [sys.executable, "-m", "ruff", "format", "--no-cache", "--check", *files],
    ):
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if "pytest" in command:
            assert "passed" in done.stdout
            assert "skipped" not in done.stdout


@pytest.mark.parametrize("name", ["README.md", "recipes.md"])
def test_the_pages_have_blocks_that_run(name: str) -> None:
    assert sum(block.page == name for block in BLOCKS) >= 5


def test_only_names_of_the_documentation_are_replaced() -> None:
    account = Account("a-1@prosody.test", "", None)  # type: ignore[arg-type]

    class Named:
        upload = conference = pubsub = domain = "D"

    object.__setattr__(account, "server", Named())
    text = "bob@example.org ops@conference.example.org example.org https://example.org/x"
    expected = "a-1@prosody.test ops@D D https://D/x"
    assert substituted(text, account, account) == expected


@pytest.mark.parametrize(
    "page",
    [*PAGES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "design").glob("*.md"))],
    ids=lambda page: page.stem,
)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
