"""The committed completion scripts in the shells they are for, and what completing loads.

bash and zsh are driven as a person does it: on a terminal, with the key TAB. fish offers the same
list to programs by ``complete --do-complete``.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import pytest

from xmppctl.cli import Group
from xmppctl.cli.tree import Tree
from xmppctl.output import FORMATS, MONITOR_FORMATS

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "completions"
FILES = {"bash": "xmppctl.bash", "zsh": "_xmppctl", "fish": "xmppctl.fish"}
TREE = Tree()
HEAVY = {"aioxmpp", "asyncio", "dns", "keyring", "lxml", "ssl", "tabulate", "tomlkit"}
SKIPPED = os.environ.get("XMPPCTL_TEST_SKIP", "").split(",")
PATIENCE = 30.0
PROMPT = "ready> "
# The same for the shell, in a form that its echo does not show.
SET_PROMPT = r"PS1=$'ready\x3e '"

# Loaded by every Python of the shell: it tells which modules the run of xmppctl had in the end.
_SPY = """\
import atexit, json, os, sys
def tell():
    line = json.dumps([sys.argv[0], sorted({name.partition(".")[0] for name in sys.modules})])
    with open(os.environ["SPY"], "a") as file:
        print(line, file=file)
atexit.register(tell)
"""

_FORWARD = re.compile(r"\x1b\[(\d*)C")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x07\r]|[^\n]\x08")


class Terminal:
    """A shell on a terminal of its own: keys in, text out."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._fd, inner = pty.openpty()
        termios.tcsetwinsize(inner, (200, 200))
        # setsid makes the terminal the shell's own: no code of this process runs after a fork.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=inner, stdout=inner, stderr=inner, env=env
        )
        os.close(inner)
        self._seen = ""

    def type(self, keys: str) -> None:
        """Press ``keys``; what came before is forgotten."""
        self._seen = ""
        os.write(self._fd, keys.encode())

    def until(self, done: Callable[[str], bool]) -> str:
        """What the shell shows until ``done`` says that it is all; AssertionError without it."""
        end = time.monotonic() + PATIENCE
        while not done(self.shown):
            ready = select.select([self._fd], [], [], max(0.0, end - time.monotonic()))[0]
            data = b""
            with suppress(OSError):  # the terminal of a shell that has gone
                data = os.read(self._fd, 65536) if ready else b""
            assert data, f"the shell shows only {self._seen!r}"
            self._seen += data.decode(errors="replace")
        return self.shown

    @property
    def shown(self) -> str:
        """What it shows, as plain lines."""
        text = _FORWARD.sub(lambda match: " " * int(match[1] or 1), self._seen)
        return _CONTROL.sub("", text)

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._fd)


class Shell:
    """A shell that knows the committed script."""

    def __init__(self, name: str, directory: Path, load: str | None = None) -> None:
        if name in SKIPPED:
            pytest.skip(f"XMPPCTL_TEST_SKIP names {name}")
        assert shutil.which(name), (
            f"{name} is not installed; XMPPCTL_TEST_SKIP={name} leaves its tests out"
        )
        self.name = name
        self._load = load or f"source {SCRIPTS / FILES[name]}"
        self._spy = directory / "loaded.jsonl"
        site = directory / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_SPY)
        self._env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PYTHONPATH": str(site),
            "SPY": str(self._spy),
        }

    def offers(self, line: str) -> set[str]:
        """The words that are offered for the last word of ``line``."""
        return {"bash": self._bash, "zsh": self._zsh, "fish": self._fish}[self.name](line)

    def loaded(self) -> set[str]:
        """The top-level modules of all runs of xmppctl so far; AssertionError without a run."""
        runs = [json.loads(text) for text in self._spy.read_text().splitlines()]
        modules = [set(names) for program, names in runs if Path(program).name == "xmppctl"]
        assert modules
        return set().union(*modules)

    def _fish(self, line: str) -> set[str]:
        program = f"{self._load}; complete --do-complete {shlex.quote(line)}"
        done = subprocess.run(
            ["fish", "--no-config", "-c", program],
            env=self._env,
            capture_output=True,
            text=True,
            check=True,
        )
        return {row.partition("\t")[0] for row in done.stdout.splitlines()}

    def _bash(self, line: str) -> set[str]:
        setup = (
            "bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; "
            "bind 'set completion-query-items 0'; bind 'set page-completions off'; "
            "bind 'set completion-display-width 0'; bind 'set enable-bracketed-paste off'; "
            f"{self._load}; {SET_PROMPT}"
        )
        with self._terminal(["bash", "--norc", "--noprofile", "-i"], setup) as terminal:
            return self._press_tab(terminal, line)

    def _zsh(self, line: str) -> set[str]:
        # In the search path before compinit looks there, sourced when compdef is known.
        init = "compinit -D -u"
        steps = (self._load, init) if self._load.startswith("fpath=") else (init, self._load)
        load = "; ".join(steps)
        setup = (
            "unset zle_bracketed_paste; zle_highlight=(none); LISTMAX=10000; "
            "unsetopt prompt_cr prompt_sp always_last_prompt auto_menu list_ambiguous beep; "
            "zstyle ':completion:*' verbose no; autoload -U compinit; "
            f"{load}; {SET_PROMPT}"
        )
        with self._terminal(["zsh", "-f", "-i"], setup) as terminal:
            return self._press_tab(terminal, line)

    @contextmanager
    def _terminal(self, command: list[str], setup: str) -> Iterator[Terminal]:
        terminal = Terminal(command, self._env)
        try:
            terminal.type(f"{setup}\n")
            terminal.until(lambda text: text.endswith(PROMPT))
            yield terminal
        finally:
            terminal.close()

    def _press_tab(self, terminal: Terminal, line: str) -> set[str]:
        """One word that fits is put into the line, several are listed and the line shown again."""
        terminal.type(f"{line}\t")
        text = terminal.until(lambda text: _is_answer(text, line))
        *listed, last = text.split("\n")
        if not listed:
            return {last.removeprefix(line.rpartition(" ")[0]).strip()}
        return {word for row in listed[1:] for word in row.split()}


def _is_answer(text: str, line: str) -> bool:
    first, newline, rest = text.partition("\n")
    if newline:
        return PROMPT + line in rest
    return first.startswith(line) and len(first) > len(line) and first.endswith(" ")


@pytest.fixture(params=FILES)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return Shell(request.param, tmp_path)


def _verbs(name: str) -> set[str]:
    group = TREE.load(name)
    assert isinstance(group, Group)
    return {verb for verb, command in group.commands.items() if not command.hidden}


def _options(name: str, start: str) -> set[str]:
    command = TREE.load(name)
    params = command.get_params(click.Context(command))
    return {option for param in params for option in param.opts if option.startswith(start)}


CASES = {
    "xmppctl se": {name for name in TREE.names if name.startswith("se")},
    "xmppctl mam ": _verbs("mam"),
    "xmppctl -o ": {*FORMATS, *MONITOR_FORMATS},
    "xmppctl send --t": _options("send", "--t"),
}


@pytest.mark.parametrize("line", CASES)
def test_offers(shell: Shell, line: str) -> None:
    assert shell.offers(line) == CASES[line]
    assert not shell.loaded() & HEAVY


def test_the_script_of_zsh_in_its_search_path(tmp_path: Path) -> None:
    """As packages install it: ``compinit`` finds the file and loads it when it is needed."""
    shell = Shell("zsh", tmp_path, load=f"fpath=({SCRIPTS} $fpath)")
    assert shell.offers("xmppctl -o ") == CASES["xmppctl -o "]
