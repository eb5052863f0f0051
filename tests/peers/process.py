"""Runs the installed xmppctl as a process, in an environment of its own.

XMPPCTL_TEST_TRANSPORT chooses how it reaches the servers: ``starttls`` (default), ``direct``,
``websocket`` or ``bosh``. A test that says itself where to connect is then left out.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.servers.base import Account, Server

TRANSPORTS = ("starttls", "direct", "websocket", "bosh")
TRANSPORT = os.environ.get("XMPPCTL_TEST_TRANSPORT") or "starttls"
ANOTHER_TRANSPORT = TRANSPORT != "starttls"
OWN_CONNECTION = "says itself how to connect: nothing to be seen over another transport"
keeps_unacknowledged = pytest.mark.skipif(
    TRANSPORT == "bosh",
    reason="over BOSH what was not acknowledged is lost when the session ends (BOSH_UNACKED_LOST)",
)
EXECUTABLE = Path(sys.executable).parent / "xmppctl"
# what a process needs of this one's environment; everything else is left out
_KEPT = ("PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START", "VIRTUAL_ENV")


def way(server: Server, transport: str = TRANSPORT) -> dict[str, str]:
    """The connection options that lead to a server over a transport, by their names."""
    host, port = server.direct_tls if transport == "direct" else server.starttls
    return {
        "starttls": {"connect": f"{host}:{port}"},
        "direct": {"connect": f"{host}:{port}", "tls": "direct"},
        "websocket": {"transport": "websocket", "endpoint": server.websocket_url},
        "bosh": {"transport": "bosh", "endpoint": server.bosh_url},
    }[transport]


def way_options(server: Server, transport: str = TRANSPORT) -> list[str]:
    """The same as arguments, with the authority that is to be trusted."""
    options = {**way(server, transport), "ca-file": str(server.ca_file)}
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def way_environment(server: Server, transport: str = TRANSPORT) -> dict[str, str]:
    """The same as variables."""
    options = {**way(server, transport), "ca_file": str(server.ca_file)}
    return {f"XMPPCTL_{name.upper()}": value for name, value in options.items()}


def own_connection() -> None:
    """Leave the calling test out, with a reason, where it would only be run once more."""
    if ANOTHER_TRANSPORT:
        pytest.skip(OWN_CONNECTION)


@dataclass(frozen=True)
class Result:
    """The outcome of one run; ``out`` and ``err`` are what it wrote, as UTF-8."""

    args: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float
    raw_out: bytes = field(repr=False, default=b"")

    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    def jsonl(self) -> list[Any]:
        """Standard output as one JSON value per line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def error(self) -> dict[str, Any]:
        """The error object that json and jsonl output write as the last line of stderr."""
        error: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return error

    def expect(self, code: int = 0) -> Result:
        """This result; raises AssertionError that shows everything when the code is another."""
        assert self.code == code, f"exit {self.code} instead of {code}\n{self}"
        return self

    def __str__(self) -> str:
        return (
            f"$ xmppctl {shlex.join(self.args)}\n[exit {self.code}, {self.seconds:.2f} s]\n"
            f"--- stdout\n{self.out}\n--- stderr\n{self.err}"
        )


class Running:
    """A run in the background: a listener, or one that is to get a signal."""

    def __init__(
        self, args: tuple[str, ...], command: list[str], env: dict[str, str], cwd: Path
    ) -> None:
        self.args = args
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        self._started = time.monotonic()
        self._grown = threading.Condition()
        self._data = {"out": b"", "err": b""}
        self._open = {"out", "err"}
        self._ended: float | None = None
        streams = {"out": self.process.stdout, "err": self.process.stderr}
        self._threads = [
            threading.Thread(target=self._read, args=item, daemon=True) for item in streams.items()
        ]
        for thread in self._threads:
            thread.start()

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._data["out"].decode(errors="replace")

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._data["err"].decode(errors="replace")

    def wait_line(self, pattern: str, stream: str = "out", timeout: float = 15.0) -> re.Match[str]:
        """Wait until a whole line of ``out`` or ``err`` matches (``re.search``).

        Raises AssertionError when the run ends or ``timeout`` seconds pass without it.
        """
        deadline = time.monotonic() + timeout
        with self._grown:
            while True:
                whole, _, _ = self._data[stream].decode(errors="replace").rpartition("\n")
                for line in whole.split("\n"):
                    if match := re.search(pattern, line):
                        return match
                left = deadline - time.monotonic()
                if stream not in self._open or left <= 0:
                    raise AssertionError(f"no line {pattern!r} on {stream}\n{self.result_so_far()}")
                self._grown.wait(left)

    def write(self, text: str | bytes, *, close: bool = False) -> None:
        """Write to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()
        if close:
            self.process.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = 15.0) -> Result:
        """Wait for its end; killed, with AssertionError, after ``timeout`` seconds."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"still running after {timeout} s\n{self.result_so_far()}"
            ) from None
        self._finish()
        return self.result_so_far()

    def kill(self) -> None:
        """SIGKILL to it and its children; does nothing when it is over."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self._finish()

    def result_so_far(self) -> Result:
        """What a Result would be now; code -999 while it runs."""
        code = self.process.poll()
        seconds = (self._ended or time.monotonic()) - self._started
        raw = self._data["out"]
        return Result(self.args, -999 if code is None else code, self.out, self.err, seconds, raw)

    def _finish(self) -> None:
        self._ended = self._ended or time.monotonic()
        for thread in self._threads:
            thread.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()

    def _read(self, name: str, stream: IO[bytes]) -> None:
        while data := os.read(stream.fileno(), 65536):
            with self._grown:
                self._data[name] += data
                self._grown.notify_all()
        with self._grown:
            self._open.discard(name)
            self._grown.notify_all()


class Xmppctl:
    """Calls xmppctl; ``home`` keeps its configuration, state and cache, and is the run's own.

    ``account`` puts ``-j``, the way to its server (``way``) and ``--ca-file`` before the arguments
    and the password into XMPPCTL_PASSWORD; ``server`` the way alone. ``connect``, ``transport``,
    ``ca_file`` and ``password`` replace what these say. ``env`` is added to a clean environment.
    """

    def __init__(self, home: Path, executable: Path = EXECUTABLE) -> None:
        self.home = home
        self.executable = executable
        self.results: list[Result] = []
        self._running: list[Running] = []

    def __call__(
        self,
        *args: str,
        account: Account | None = None,
        input: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        **connection: Any,
    ) -> Result:
        """Run to the end; raises AssertionError after ``timeout`` seconds."""
        run = self.start(*args, account=account, env=env, **connection)
        try:
            if input:
                run.write(input)
        except BrokenPipeError:
            pass  # it did not want to read, which its exit code will tell
        return self.finish(run, timeout)

    def start(
        self,
        *args: str,
        account: Account | None = None,
        env: Mapping[str, str] | None = None,
        **connection: Any,
    ) -> Running:
        """Run in the background; its standard input stays open."""
        options, secrets = _connection(account, **connection)
        command = [str(self.executable), *options, *args]
        whole = {**self.environment(), **secrets, **(env or {})}
        run = Running((*options, *args), command, whole, self.home)
        self._running.append(run)
        return run

    def finish(self, run: Running, timeout: float = 30.0) -> Result:
        """Wait for a run that ``start`` began, and keep its result for the report."""
        result = run.wait(timeout)
        self.results.append(result)
        self._running.remove(run)
        return result

    def environment(self) -> dict[str, str]:
        """The environment that every run gets."""
        directories = {
            f"XMPPCTL_{n.upper()}_DIR": self.home / n for n in ("config", "state", "cache")
        }
        return {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            **{name: str(path) for name, path in directories.items()},
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }

    def close(self) -> None:
        """Kill what still runs."""
        for run in self._running:
            run.kill()
            self.results.append(run.result_so_far())
        self._running.clear()


def _connection(
    account: Account | None,
    *,
    server: Server | None = None,
    connect: tuple[str, int] | None = None,
    transport: str | None = None,
    ca_file: Path | None = None,
    jid: str | None = None,
    password: str | None = None,
) -> tuple[list[str], dict[str, str]]:
    if connect is not None or transport is not None:
        own_connection()
    if account is not None:
        jid = jid or account.jid
        password = account.password if password is None else password
        server = server or account.server
    found: dict[str, str] = {}
    if connect is not None:
        found["connect"] = f"{connect[0]}:{connect[1]}"
    elif server is not None:
        found = way(server, transport or TRANSPORT)
    if server is not None:
        ca_file = ca_file or server.ca_file
    if ca_file is not None:
        found["ca-file"] = str(ca_file)
    options = [] if jid is None else ["-j", jid]
    for name, value in found.items():
        options += [f"--{name}", value]
    return options, {} if password is None else {"XMPPCTL_PASSWORD": password}
