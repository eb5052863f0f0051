"""xmppctl and its peers, each one a process that logs in and does its work."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks._login import Login
from benchmarks._measure import Run, execute

XMPPCTL = str(Path(sys.executable).with_name("xmppctl"))
GO = shutil.which("go-sendxmpp")
PERL = shutil.which("sendxmpp")
XMPPC = shutil.which("xmppc")
CURL = shutil.which("curl")


def xmppctl(
    login: Login,
    *args: str,
    text: str = "",
    output: str = "jsonl",
    home: Path | None = None,
    options: Sequence[str] = ("-q",),
) -> Run:
    """The installed program, with the directories below ``home``; without it, with fresh ones.

    ``options`` stand before the command.
    """
    with _directory(home) as base:
        kinds = ("CONFIG", "STATE", "CACHE")
        own = {f"XMPPCTL_{kind}_DIR": str(base / kind.lower()) for kind in kinds}
        command = [XMPPCTL, "-j", login.jid, "--connect", login.connect]
        command += ["--tls", "direct" if login.direct else "starttls"]
        command += ["--ca-file", str(login.ca_file), *options, "-o", output, *args]
        return execute(command, {**own, "XMPPCTL_PASSWORD": login.password}, text)


def raw(login: Login, *args: str, text: str = "") -> Run:
    """The least that has to be done: see _raw.py."""
    return own(login, "_raw", *args, text=text)


def slixmpp(login: Login, *args: str, text: str = "") -> Run:
    """A short script with slixmpp: see _slix.py."""
    return own(login, "_slix", *args, text=text)


def go_sendxmpp(login: Login, *args: str, text: str = "", code: int = 0) -> Run:
    """go-sendxmpp, which must be installed."""
    direct = ["--tls"] if login.direct else []
    with _sendxmpprc(login, f"username: {login.jid}\njserver: {login.connect}") as config:
        env = {"SSL_CERT_FILE": str(login.ca_file), "HOME": str(config.parent)}
        command = [GO or "go-sendxmpp", "-f", str(config), *direct, *args]
        return execute(command, env, text, code=code)


def sendxmpp(login: Login, *args: str, text: str = "") -> Run:
    """sendxmpp (Perl), which must be installed."""
    host, port = login.address
    way = "--ssl" if login.direct else "--tls"
    local, _, domain = login.jid.partition("@")
    account = f"username: {local}\ncomponent: {domain}\njserver: {host}\nport: {port}"
    with _sendxmpprc(login, account) as config:
        command = [PERL or "sendxmpp", "-f", str(config), way, "-a", str(login.ca_file), *args]
        return execute(command, {"HOME": str(config.parent)}, text)


def curl(login: Login, url: str, target: Path) -> Run:
    """curl, which must be installed, fetches a URL."""
    command = [CURL or "curl", "--silent", "--fail", "--cacert", str(login.ca_file)]
    return execute([*command, "--output", str(target), url])


def own(login: Login, module: str, *args: str, text: str = "") -> Run:
    """A module of the benchmarks as a process."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *args]
    return execute(command, login.environment, text)


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def _sendxmpprc(login: Login, account: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "sendxmpprc")
        config.touch(mode=0o600)
        config.write_text(f"{account}\npassword: {login.password}\n")
        yield config
