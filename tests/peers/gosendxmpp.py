"""go-sendxmpp, an independent client written in Go, run as a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
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
