"""The order of attempts on the way to a session, what is told in the end, and its bounds."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.unit.session.streams import account
from xmppctl.errors import AuthError, ConnectError, DeadlineError, TlsError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.session import connect, dial, reach, resolve
from xmppctl.session.conditions import SeeOtherHostError
from xmppctl.session.entry import Entry
from xmppctl.session.resolve import Target
from xmppctl.session.stream import Session
from xmppctl.session.tcp import TcpWire
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.trace import Trace

TLS = TlsError("bad certificate", condition="certificate-expired")
NOT_TLS = TlsError("no TLS", condition="not-tls")
NO = ConnectError("refused")
SILENT = DeadlineError("silent")

Attempt = Callable[[TcpWire, bool], Awaitable[None]]


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([SILENT, NO, TLS], TLS),
        ([SILENT, NO], NO),
        ([NO, NOT_TLS], NO),
        ([NOT_TLS, NO], NO),
        ([SILENT, NOT_TLS], NOT_TLS),
        ([NOT_TLS], NOT_TLS),
        ([SILENT], SILENT),
    ],
)
def test_the_most_telling_failure(failures: list[XmppctlError], told: XmppctlError) -> None:
    assert reach._most_telling(failures) is told


def attempts(
    monkeypatch: pytest.MonkeyPatch, targets: list[Target], attempt: Attempt
) -> Callable[[Account], TcpWire]:
    """``reach`` over ``targets`` that all accept a connection; ``attempt`` is what follows."""

    async def found(account: Account, *, timeout: float) -> list[Target]:
        if account.connect is not None:
            return [Target(*account.connect, False, "connect")]
        return targets

    async def flat(
        found: list[Target], account: Account, *, timeout: float
    ) -> list[resolve.Candidate]:
        return [(each, int(socket.AF_INET), "127.0.0.1") for each in found]

    async def dialled(candidates: list[resolve.Candidate], *, timeout: float) -> dial.Dialled:
        first, *rest = candidates
        return dial.Dialled(socket.socket(), first[0], first[2], rest)

    async def secure(
        wire: TcpWire, sock: socket.socket, target: Target, *rest: object, **more: object
    ) -> None:
        sock.close()
        await attempt(wire, target.direct_tls)

    monkeypatch.setattr(resolve, "targets", found)
    monkeypatch.setattr(resolve, "flatten", flat)
    monkeypatch.setattr(dial, "dial", dialled)
    monkeypatch.setattr(reach, "_secure", secure)

    def way(who: Account) -> TcpWire:
        async def scenario() -> TcpWire:
            return await reach.reach(who, Trace(), connect.Clock(5), lambda wire: None)

        return asyncio.run(scenario())

    return way


BOTH = [Target("h", 5222, False, "connect"), Target("h", 5222, True, "connect")]


def test_the_other_kind_of_tls_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt(wire: TcpWire, direct: bool) -> None:
        if not direct:
            raise NO

    assert attempts(monkeypatch, BOTH, attempt)(account()).peer == "h:5222"


@pytest.mark.parametrize("first", [NO, SILENT])
@pytest.mark.parametrize("second", [NOT_TLS, ConnectError("closed"), DeadlineError("too")])
def test_a_wrong_guess_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, first: XmppctlError, second: XmppctlError
) -> None:
    async def attempt(wire: TcpWire, direct: bool) -> None:
        raise second if direct else first

    with pytest.raises(type(first)) as caught:
        attempts(monkeypatch, BOTH, attempt)(account())
    assert caught.value is first


def test_a_right_guess_tells_all(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = ConnectError("host unknown")

    async def attempt(wire: TcpWire, direct: bool) -> None:
        if direct:
            wire.link.tls = TlsChannel(ssl.create_default_context(), "h")
            wire.link.tls.established = True
            raise inside
        raise NO

    with pytest.raises(ConnectError) as caught:
        attempts(monkeypatch, BOTH, attempt)(account())
    assert caught.value is inside


def test_a_port_that_showed_its_kind_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    async def attempt(wire: TcpWire, direct: bool) -> None:
        tried.append(direct)
        wire.header = {"id": "1"}
        raise SILENT

    with pytest.raises(DeadlineError):
        attempts(monkeypatch, BOTH, attempt)(account())
    assert tried == [False]


def test_the_next_target(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [Target("one", 1, False, "srv"), Target("two", 2, True, "srv")]

    async def attempt(wire: TcpWire, direct: bool) -> None:
        if not direct:
            raise TLS

    assert attempts(monkeypatch, targets, attempt)(account()).peer == "two:2"


def test_a_refused_login_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    async def attempt(wire: TcpWire, direct: bool) -> None:
        tried.append(direct)
        raise AuthError("no")

    with pytest.raises(AuthError):
        attempts(monkeypatch, BOTH, attempt)(account())
    assert tried == [False]


@pytest.mark.parametrize("host", ["elsewhere.test", "-bad-.test"])
def test_redirections_are_bounded(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    tried = []

    async def attempt(wire: TcpWire, direct: bool) -> None:
        tried.append(wire.peer)
        raise SeeOtherHostError(host, 99, step="stream", by="h:1")

    with pytest.raises(ConnectError) as caught:
        attempts(monkeypatch, BOTH, attempt)(account())
    assert caught.value.condition == "see-other-host"
    assert tried == ["h:5222"] + [f"{host}:99"] * 3


def test_the_whole_way_is_bounded() -> None:
    async def scenario() -> None:
        async with connect.bounded(account(connect_timeout=0.01), trace):
            trace.enter("auth")
            await asyncio.Event().wait()

    trace = Trace()
    with pytest.raises(DeadlineError) as caught:
        asyncio.run(scenario())
    assert caught.value.step == "auth"
    assert "turn of: auth" in caught.value.text


def test_the_clock() -> None:
    async def scenario() -> None:
        clock = connect.Clock(10)
        assert (clock.left(), clock.left(2)) == (10.0, 5.0)
        assert connect.Clock(0.05).left() <= 0.05
        assert connect.Clock(-1).left() == 0.001

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("retry", "fails", "succeeds"), [(0, 1, False), (2, 2, True), (1, 2, False)]
)
def test_retry(monkeypatch: pytest.MonkeyPatch, retry: int, fails: int, succeeds: bool) -> None:
    tries = []

    async def login(*_: object) -> str:
        tries.append(1)
        if len(tries) <= fails:
            raise NO
        return "session"

    monkeypatch.setattr(connect, "_RETRY_PAUSE", 0)
    work: Any = connect._retrying(account(retry=retry), Trace(), login)  # type: ignore[arg-type]
    if succeeds:
        assert str(asyncio.run(work)) == "session"
    else:
        with pytest.raises(ConnectError):
            asyncio.run(work)
    assert len(tries) == min(fails, retry) + 1


@pytest.mark.parametrize("error", [TLS, AuthError("no")])
def test_what_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, error: XmppctlError) -> None:
    tries = []

    async def login(clock: connect.Clock) -> Session:
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        asyncio.run(connect._retrying(account(retry=3), Trace(), login))
    assert len(tries) == 1


def test_the_password_is_asked_for_before_the_clock_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    order = []

    def password() -> str:
        order.append("password")
        return "x"

    async def session(entry: Entry, clock: connect.Clock) -> Session:
        order.append(f"login {entry._secret.get()}")
        raise NO

    async def scenario() -> None:
        async with connect.open_session(account(password=password)):
            raise AssertionError

    monkeypatch.setattr(Entry, "session", session)
    with pytest.raises(ConnectError):
        asyncio.run(scenario())
    assert order == ["password", "login x"]
