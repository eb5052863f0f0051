"""What every server of the tests can do: start, be ready, make accounts, tell its log, stop.

A server runs in one directory, on loopback ports of its own, in a process group of its own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import stat
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from tests.peers.rawxml import RawClient
from tests.peers.stream import StreamClosed
from tests.servers.ca import Authority, Certificate
from tests.servers.ports import LOOPBACK, Ports
from tests.servers.quirks import Feature, Quirk

_TEMPLATES = Path(__file__).parent / "templates"
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 10.0


class ServerError(Exception):
    """The server could not be started or did not do what the harness asked."""


@dataclass(frozen=True)
class Account:
    """A bare JID that exists on ``server``, with its password."""

    jid: str
    password: str = field(repr=False)
    server: Server = field(repr=False)

    @property
    def local(self) -> str:
        """The localpart."""
        return self.jid.partition("@")[0]

    @property
    def domain(self) -> str:
        """The domain, which may be another host of the same server."""
        return self.jid.partition("@")[2]


class Server(ABC):
    """One XMPP server; ``hosts`` are the virtual hosts beside ``domain``, by their purpose.

    ``hosts`` keys: form, invite, closed, anon, captcha, plain, privacy, optional_tls, bare (no
    stream management), strict (a resource that is taken is refused), sasl2, sasl2_rotating
    (a new token with every login), sasl2_short (tokens of two seconds); what is not there, the
    server cannot do. ``services`` keys: conference, upload, pubsub, proxy, search, ext
    (where a component may attach with component_secret), and on ejabberd mix, multicast.
    """

    name: ClassVar[str]
    domain: ClassVar[str]
    program: ClassVar[str]
    hosts: ClassVar[dict[str, str]]
    services: ClassVar[dict[str, str]]
    features: ClassVar[frozenset[Feature]]
    quirks: ClassVar[frozenset[Quirk]]
    websocket_path: ClassVar[str]
    bosh_path: ClassVar[str]
    # exact limit of the upload service, bytes
    upload_limit: ClassVar[int] = 1024 * 1024

    component_secret: ClassVar[str] = "component-secret"
    host: ClassVar[str] = LOOPBACK

    def __init__(self, directory: Path, authority: Authority) -> None:
        self.directory = directory
        self.authority = authority
        self.ca_file = authority.ca_file
        self.certificate: Certificate = authority.issue(self.domain)
        self.ports = Ports()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- names -------------------------------------------------------------------------------

    @property
    def conference(self) -> str:
        """The JID of the room service."""
        return self.services["conference"]

    @property
    def upload(self) -> str:
        """The JID of the upload service."""
        return self.services["upload"]

    @property
    def pubsub(self) -> str:
        """The JID of the publish-subscribe service."""
        return self.services["pubsub"]

    @property
    def component(self) -> str:
        """The JID at which a component of a test may attach."""
        return self.services["ext"]

    @property
    def starttls(self) -> tuple[str, int]:
        """Address of the port that requires STARTTLS."""
        return self.host, self.ports.starttls

    @property
    def direct_tls(self) -> tuple[str, int]:
        """Address of the port that speaks TLS from the first byte."""
        return self.host, self.ports.direct_tls

    @property
    @abstractmethod
    def optional_tls(self) -> tuple[str, int]:
        """Address where ``hosts["optional_tls"]`` offers STARTTLS and SASL PLAIN beside it."""

    @property
    def websocket_url(self) -> str:
        """Where every virtual host is reached by WebSocket; the certificate has the address."""
        return f"wss://{self.host}:{self.ports.https}{self.websocket_path}"

    @property
    def bosh_url(self) -> str:
        """Where every virtual host is reached by BOSH."""
        return f"https://{self.host}:{self.ports.https}{self.bosh_path}"

    @property
    def pid(self) -> int | None:
        """Process id, which is the process group's too; None when it does not run."""
        return None if self._process is None else self._process.pid

    # --- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start and wait until it answers; raises ServerError with the log's end."""
        try:
            self._launch()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, timeout: float = _START_TIMEOUT) -> None:
        """Wait for stream features inside TLS: an open port alone proves nothing.

        Raises ServerError when the process ends or ``timeout`` seconds have gone by.
        """
        deadline = time.monotonic() + timeout
        while True:
            if self._process is None or self._process.poll() is not None:
                raise ServerError(f"{self.name} ended while starting\n{self.log_tail(40)}")
            try:
                with RawClient(self.domain, self.starttls, self.ca_file, timeout=2.0) as client:
                    client.open()
                    return
            except (OSError, StreamClosed) as error:
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"{self.name} is not ready after {timeout:.0f} s ({error})\n"
                        f"{self.log_tail(40)}"
                    ) from error
            time.sleep(0.05)

    def wait_end(self) -> int:
        """The exit status of a server that was told to end in another way; raises ServerError."""
        assert self._process is not None
        try:
            return self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise ServerError(f"{self.name} does not end\n{self.log_tail(20)}") from error

    def stop(self) -> None:
        """SIGTERM, a bounded wait, then SIGKILL to what is left of the process group."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_TIMEOUT)
            _kill_group(process.pid)
            process.wait(_STOP_TIMEOUT)
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.kill()
            guard.wait(_STOP_TIMEOUT)
            assert guard.stdin is not None
            guard.stdin.close()
        self.ports.release()

    # --- accounts ----------------------------------------------------------------------------

    def account(self, prefix: str = "user", host: str | None = None) -> Account:
        """A fresh account with a random name and password, on ``domain`` or one of ``hosts``."""
        local = f"{prefix}-{secrets.token_hex(5)}"
        password = secrets.token_urlsafe(12)
        domain = host or self.domain
        self.create_user(local, password, domain)
        return Account(f"{local}@{domain}", password, self)

    def admin(self) -> Account:
        """The server's administrator, ``admin@domain``."""
        password = "admin-password"
        self.create_user("admin", password)
        return Account(f"admin@{self.domain}", password, self)

    @abstractmethod
    def create_user(self, local: str, password: str, host: str | None = None) -> None:
        """Make an account; one that is there already keeps or takes this password."""

    # --- log ---------------------------------------------------------------------------------

    @property
    @abstractmethod
    def log_file(self) -> Path:
        """The file that the server writes its log to."""

    def log_size(self) -> int:
        """Bytes of log so far, as a mark for ``log_tail``."""
        try:
            return self.log_file.stat().st_size
        except FileNotFoundError:
            return 0

    def log_tail(self, lines: int = 60, since: int = 0) -> str:
        """The last ``lines`` lines of the log after byte ``since``; from 0, what it printed too."""
        parts = []
        for path, start in ((self.directory / "console.log", since), (self.log_file, since)):
            if path.exists():
                with path.open("rb") as stream:
                    stream.seek(start)
                    parts += stream.read().decode(errors="replace").splitlines()[-lines:]
        return "\n".join(parts[-lines:])

    # --- what a server has to tell -----------------------------------------------------------

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line that runs the server in the foreground."""

    @abstractmethod
    def _prepare(self) -> dict[str, str]:
        """Write the configuration into ``directory``; the environment of the process."""

    def _launch(self) -> None:
        if shutil.which(self.program) is None:
            raise ServerError(
                f"{self.name} is not installed: run tools/debian.sh test, "
                f"or leave its tests out with XMPPCTL_TEST_SKIP={self.name}"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "HOME": str(self.directory), **self._prepare()}
        with (self.directory / "console.log").open("wb") as console:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = _guard(self._process.pid)

    def _render(self, template: str, **values: str) -> Path:
        """Copy a template into ``directory`` with every ``@NAME@`` replaced."""
        source = _TEMPLATES / template
        text = source.read_text()
        ports = {f"{name}_port": str(port) for name, port in vars(self.ports).items()}
        known = {
            **ports,
            **values,
            "dir": str(self.directory),
            "ca_file": str(self.ca_file),
            "chain": str(self.certificate.chain),
            "key": str(self.certificate.key),
            "bundle": str(self.certificate.bundle),
            "component_secret": self.component_secret,
            "upload_limit": str(self.upload_limit),
        }
        for name, value in known.items():
            text = text.replace(f"@{name.upper()}@", value)
        target = self.directory / template
        target.write_text(text)
        target.chmod(stat.S_IMODE(source.stat().st_mode) & 0o755)
        return target


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _guard(leader: int) -> subprocess.Popen[bytes]:
    """A process that kills the group when this one dies without a word (SIGKILL, crash).

    It notices by the end of its standard input, whose other end only this process holds.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; kill -s KILL -- "-$1"', "guard", str(leader)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
