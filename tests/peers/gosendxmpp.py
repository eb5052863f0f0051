"""go-sendxmpp, an independent client written in Go, run as a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.servers.base import Account

_PROGRAM = "go-sendxmpp"


def require() -> None:
    """Skip the calling test, with a reason, where go-sendxmpp is not installed."""
    if shutil.which(_PROGRAM) is None:
        pytest.skip("go-sendxmpp is not installed (tools/debian.sh test)")


def send(account: Account, to: str, body: str, *options: str, timeout: float = 20.0) -> None:
    """Send a message; raises CalledProcessError with its output when it fails.

    The certificate is verified: Go takes the authority of the run from SSL_CERT_FILE.
    """
    require()
    host, port = account.server.starttls
    with tempfile.TemporaryDirectory() as home:
        # by file: what stands on a command line, everybody on the machine can read
        config = Path(home) / "sendxmpprc"
        config.touch(mode=0o600)
        config.write_text(
            f"username: {account.jid}\npassword: {account.password}\njserver: {host}:{port}\n"
        )
        subprocess.run(
            [_PROGRAM, "--file", str(config), *options, to],
            input=body,
            text=True,
            capture_output=True,
            check=True,
            timeout=timeout,
            env={**os.environ, "SSL_CERT_FILE": str(account.server.ca_file), "HOME": home},
        )


class Ox:
    """go-sendxmpp with OpenPGP for XMPP and a new key, which it announces."""

    def __init__(self, account: Account, home: Path) -> None:
        require()
        self.account = account
        host, port = account.server.starttls
        home.mkdir()
        self._config = home / "sendxmpprc"
        self._config.touch(mode=0o600)
        self._config.write_text(
            f"username: {account.jid}\npassword: {account.password}\njserver: {host}:{port}\n"
        )
        ca_file = str(account.server.ca_file)
        self._env = {**os.environ, "SSL_CERT_FILE": ca_file, "HOME": str(home)}
        self._env.pop("XDG_DATA_HOME", None)
        self._run("--ox-genprivkey-x25519")

    def send(self, to: str, body: str) -> None:
        """Send an encrypted message. Raises CalledProcessError."""
        self._run("--ox", to, text=body)

    def hear(self, sender: str, *, until: str, timeout: float = 20.0) -> list[str]:
        """The lines that it prints of messages by ``sender``, up to one that ends with ``until``.

        What was stored for it comes as well. Raises AssertionError where it ends without.
        """
        command = [_PROGRAM, "--file", str(self._config), "--ox", "--listen", sender]
        lines: list[str] = []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._env
        ) as process:
            timer = threading.Timer(timeout, process.kill)
            timer.start()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    lines.append(line.rstrip("\n"))
                    if lines[-1].endswith(until):
                        return lines
            finally:
                timer.cancel()
                process.kill()
        raise AssertionError(f"go-sendxmpp printed {lines}, and not {until!r}")

    def _run(self, *options: str, text: str = "") -> None:
        subprocess.run(
            [_PROGRAM, "--file", str(self._config), *options],
            input=text,
            text=True,
            capture_output=True,
            check=True,
            timeout=20,
            env=self._env,
        )
