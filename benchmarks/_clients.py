"""xmppctl and its peers, each one a process that logs in and does its work."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._measure import Run, execute
from tests.servers.base import Account

XMPPCTL = str(Path(sys.executable).with_name("xmppctl"))
GO = shutil.which("go-sendxmpp")
CURL = shutil.which("curl")


@dataclass(frozen=True)
class Login:
    """Who logs in where."""

    jid: str
    password: str = field(repr=False)
    address: tuple[str, int]
    ca_file: Path

    @classmethod
    def of(cls, account: Account) -> Login:
        """As an account of a server of the tests."""
        server = account.server
        return cls(account.jid, account.password, server.starttls, server.ca_file)

    @classmethod
    def of_environment(cls) -> Login:
        """As a process that ``raw`` or ``slixmpp`` started was told."""
        host, _, port = os.environ["BENCH_ADDRESS"].rpartition(":")
        ca_file = Path(os.environ["BENCH_CA_FILE"])
        return cls(
            os.environ["BENCH_JID"], os.environ["BENCH_PASSWORD"], (host, int(port)), ca_file
        )

    @property
    def connect(self) -> str:
        """The address as HOST:PORT."""
        return ":".join(map(str, self.address))


def xmppctl(login: Login, *args: str, text: str = "", output: str = "jsonl") -> Run:
    """The installed program, with directories of its own."""
    with tempfile.TemporaryDirectory() as home:
        kinds = ("CONFIG", "STATE", "CACHE")
        own = {f"XMPPCTL_{kind}_DIR": str(Path(home, kind.lower())) for kind in kinds}
        command = [XMPPCTL, "-j", login.jid, "--connect", login.connect]
        command += ["--ca-file", str(login.ca_file), "-q", "-o", output, *args]
        return execute(command, {**own, "XMPPCTL_PASSWORD": login.password}, text)


def raw(login: Login, *args: str, text: str = "") -> Run:
    """The least that has to be done: see _raw.py."""
    return _own(login, "_raw", *args, text=text)


def slixmpp(login: Login, *args: str, text: str = "") -> Run:
    """A short script with slixmpp: see _slix.py."""
    return _own(login, "_slix", *args, text=text)


def go_sendxmpp(login: Login, *args: str, text: str = "", code: int = 0) -> Run:
    """go-sendxmpp, which must be installed."""
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "sendxmpprc")
        config.touch(mode=0o600)
        config.write_text(
            f"username: {login.jid}\npassword: {login.password}\njserver: {login.connect}\n"
        )
        env = {"SSL_CERT_FILE": str(login.ca_file), "HOME": home}
        return execute([GO or "go-sendxmpp", "-f", str(config), *args], env, text, code=code)


def curl(login: Login, url: str, target: Path) -> Run:
    """curl, which must be installed, fetches a URL."""
    command = [CURL or "curl", "--silent", "--fail", "--cacert", str(login.ca_file)]
    return execute([*command, "--output", str(target), url])


def _own(login: Login, module: str, *args: str, text: str) -> Run:
    env = {
        "BENCH_JID": login.jid,
        "BENCH_PASSWORD": login.password,
        "BENCH_ADDRESS": login.connect,
        "BENCH_CA_FILE": str(login.ca_file),
    }
    return execute([sys.executable, "-m", f"benchmarks.{module}", *args], env, text)
