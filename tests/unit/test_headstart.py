"""The connection that begins before the command line is parsed: when, and who gets it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

import pytest

from xmppctl.config import starts
from xmppctl.headstart import HeadStart
from xmppctl.model.aim import Aim, Place

WORDS = ("-v", "ping", "x.test")
BEHIND = 1
ROOT = Path(__file__).parents[2]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CACHE", "CONFIG")}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.setblocking(False)
        yield found


@pytest.fixture
def aim(listener: socket.socket) -> Aim:
    return Aim(Place("x.test", *listener.getsockname(), False), "x.test")


def came(listener: socket.socket) -> bool:
    """Whether somebody connected."""
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_second_run_with_the_same_words(
    env: dict[str, str], aim: Aim, listener: socket.socket
) -> None:
    first = HeadStart(WORDS, env)
    assert first.take(aim) is None
    first.keep(BEHIND, aim)
    assert not came(listener)
    second = HeadStart((*WORDS[:-1], "y.test"), env)
    early = second.take(aim)
    assert early is not None
    assert came(listener)
    assert second.take(aim) is None, "there is one of it"
    early.abandon()
    HeadStart(("-v", "roster", "list"), env)
    assert not came(listener)


@pytest.mark.parametrize(
    "other",
    [
        None,
        {"domain": "y.test"},
        {"ca_file": "/ca.pem"},
        {"pins": (b"p",)},
        {"cert": "/cert.pem"},
        {"place": Place("x.test", "127.0.0.1", 1, False)},
    ],
)
def test_an_account_that_wants_another_connection(
    env: dict[str, str], aim: Aim, listener: socket.socket, other: dict[str, object] | None
) -> None:
    HeadStart(WORDS, env).keep(BEHIND, aim)
    head = HeadStart(WORDS, env)
    assert head.take(None if other is None else aim._replace(**other)) is None
    with listener.accept()[0] as there:
        assert there.recv(1) == b"", "it is closed"
    head.pump()


def test_what_the_name_service_has_to_say_again(
    env: dict[str, str], aim: Aim, listener: socket.socket
) -> None:
    HeadStart(WORDS, env).keep(BEHIND, aim._replace(until=time.time() - 1))
    head = HeadStart(WORDS, env)
    assert not came(listener)
    head.keep(BEHIND, aim._replace(until=time.time() + 60))
    head = HeadStart(WORDS, env)
    assert came(listener)
    assert head.take(None) is None


@pytest.mark.parametrize("secret", [{"pins": (b"p",)}, {"cert": "/cert.pem"}])
def test_what_is_not_kept(env: dict[str, str], aim: Aim, secret: dict[str, object]) -> None:
    HeadStart(WORDS, env).keep(BEHIND, aim._replace(**secret))
    assert starts.match(WORDS, env) is None


def test_nothing_is_written_where_nothing_is_new(env: dict[str, str], aim: Aim) -> None:
    HeadStart(WORDS, env).keep(BEHIND, aim)
    [file] = Path(env["XMPPCTL_CACHE_DIR"]).iterdir()
    before = file.stat()
    head = HeadStart(WORDS, env)
    assert head.take(None) is None
    head.keep(BEHIND, aim)
    assert file.stat().st_ino == before.st_ino
    head.keep(BEHIND, aim._replace(domain="y.test"))
    assert file.stat().st_ino != before.st_ino


def test_a_place_that_is_none(env: dict[str, str], aim: Aim) -> None:
    """What is damaged in a way that reading it does not show."""
    nowhere = aim._replace(place=Place("x.test", "no address", 99999, True))
    HeadStart(WORDS, env).keep(BEHIND, nowhere)
    head = HeadStart(WORDS, env)
    head.pump()
    assert head.take(aim) is None


@pytest.mark.parametrize("given", [True, False])
def test_what_the_first_byte_waits_for(
    env: dict[str, str], aim: Aim, given: bool, tmp_path: Path
) -> None:
    """Nothing of what takes long and is not TLS."""
    if not given:
        del env["XMPPCTL_CACHE_DIR"]
        env["HOME"] = str(tmp_path)
    HeadStart(WORDS, env).keep(BEHIND, aim._replace(place=aim.place._replace(direct_tls=True)))
    program = f"""
import sys
from xmppctl import standins
standins.prepare()
from xmppctl.headstart import HeadStart
early = HeadStart({WORDS!r}, {env!r})._early
print(early.channel is not None, sorted(sys.modules))
"""
    out = subprocess.check_output([sys.executable, "-S", "-c", program], text=True, cwd=ROOT)
    there, _, modules = out.partition(" ")
    assert there == "True"
    heavy = {"typing", "dataclasses", "json", "pathlib", "asyncio", "click", "hashlib", "hmac"}
    assert {"ssl"} | heavy & set(literal_eval(modules)) == {"ssl"}
    assert len(literal_eval(modules)) < 105
