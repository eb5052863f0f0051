"""TCP connections raced over real loopback sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from xmppctl.errors import ConnectError, DeadlineError
from xmppctl.session import dial
from xmppctl.session.race import AllFailedError, race
from xmppctl.session.resolve import Candidate, Target

V4, V6 = int(socket.AF_INET), int(socket.AF_INET6)


@contextmanager
def listening(ip: str = "127.0.0.1") -> Iterator[int]:
    with socket.create_server((ip, 0), family=V6 if ":" in ip else V4) as server:
        yield server.getsockname()[1]


@contextmanager
def closed() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextmanager
def silent() -> Iterator[int]:
    """A port that neither accepts nor refuses: its backlog is full."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def at(port: int, ip: str = "127.0.0.1", *, direct: bool = False, host: str = "") -> Candidate:
    return (Target(host or ip, port, direct, "srv"), V6 if ":" in ip else V4, ip)


def dialled(*candidates: Candidate, timeout: float = 5) -> dial.Dialled:
    return asyncio.run(dial.dial(candidates, timeout=timeout))


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_connects(ip: str) -> None:
    with listening(ip) as port:
        result = dialled(at(port, ip))
        with result.sock as sock:
            assert sock.getpeername()[:2] == (ip, port)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not sock.getblocking()
        assert (result.target.port, result.ip, result.remaining) == (port, ip, [])


def test_refusal_starts_the_next_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "ATTEMPT_DELAY", 60.0)
    with closed() as dead, listening() as port, listening() as later:
        result = dialled(at(dead), at(port), at(later))
        result.sock.close()
    assert result.target.port == port
    assert [each[0].port for each in result.remaining] == [later]


def test_silence_lets_the_next_run_beside_it() -> None:
    with silent() as dead, listening() as port:
        result = dialled(at(dead), at(port))
        result.sock.close()
    assert result.target.port == port
    assert [each[0].port for each in result.remaining] == [dead]  # it may still answer


def test_one_port_with_two_kinds_is_dialled_once() -> None:
    with listening() as port:
        first, second = at(port), at(port, direct=True)
        result = dialled(first, second)
        result.sock.close()
    assert result.target == first[0]
    assert result.remaining == [second]


def test_dead_port_is_dead_for_both_kinds() -> None:
    with closed() as dead, listening() as port:
        result = dialled(at(dead), at(dead, direct=True), at(port))
        result.sock.close()
        with pytest.raises(ConnectError) as caught:
            dialled(at(dead), at(dead, direct=True))
    assert result.target.port == port
    assert result.remaining == []
    assert caught.value.text.count("refused") == 1  # tried once


def test_all_refused() -> None:
    with closed() as one, closed() as two, pytest.raises(ConnectError) as caught:
        dialled(at(one, host="xmpp.example"), at(two))
    error = caught.value
    assert (error.step, error.condition) == ("tcp", "connection-refused")
    assert f"xmpp.example (127.0.0.1:{one}): connection refused" in error.text
    assert f"127.0.0.1:{two}: connection refused" in error.text
    assert error.by == f"xmpp.example:{one}"
    assert "--connect" in (error.hint or "")


def test_long_list_of_failures_is_cut() -> None:
    with closed() as port, pytest.raises(ConnectError) as caught:
        dialled(*(at(port, f"127.0.0.{last}") for last in range(1, 7)))
    assert caught.value.text.count("connection refused") == 3
    assert "3 more" in caught.value.text


def test_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_route(candidate: Candidate) -> socket.socket:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(dial, "_connect", no_route)
    with pytest.raises(ConnectError) as caught:
        dialled(at(5222, "192.0.2.1"))
    assert caught.value.condition == "unreachable"


def test_kernel_timeout_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def timed_out(candidate: Candidate) -> socket.socket:
        raise TimeoutError(110, "Connection timed out")

    monkeypatch.setattr(dial, "_connect", timed_out)
    with pytest.raises(DeadlineError) as caught:
        dialled(at(5222, "192.0.2.1"))
    assert caught.value.step == "tcp"


def test_silence_is_a_timeout_that_names_the_places() -> None:
    with silent() as port, closed() as dead, pytest.raises(DeadlineError) as caught:
        dialled(at(dead), at(port), timeout=0.05)
    assert caught.value.step == "tcp"
    assert f"127.0.0.1:{port}: silent" in caught.value.text
    assert f"127.0.0.1:{dead}: connection refused" in caught.value.text


def test_no_time_left_is_a_timeout() -> None:
    with listening() as port, pytest.raises(DeadlineError):
        dialled(at(port), timeout=0)


def test_families_alternate_within_a_target() -> None:
    one, two = Target("a", 1, False, "srv"), Target("b", 1, False, "srv")
    given = [(one, V6, "::1"), (one, V6, "::2"), (one, V4, "1.1.1.1"), (two, V4, "2.2.2.2")]
    assert [each[2] for each in dial.interleave(given)] == ["::1", "1.1.1.1", "::2", "2.2.2.2"]


def test_race_closes_what_comes_too_late() -> None:
    async def scenario() -> tuple[str, list[str], list[str]]:
        gate = asyncio.Event()
        dropped: list[str] = []
        cancelled: list[str] = []

        async def opened(name: str) -> str:
            gate.set() if name == "second" else await gate.wait()
            return name

        async def stuck() -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append("stuck")
                raise
            raise AssertionError

        won = await race(
            [lambda: opened("first"), stuck, lambda: opened("second")],
            delay=0.001,
            discard=dropped.append,
        )
        return won, dropped, cancelled

    won, dropped, cancelled = asyncio.run(scenario())
    assert cancelled == ["stuck"]
    assert {won, *dropped} <= {"first", "second"}


def test_race_that_is_cancelled_closes_its_results() -> None:
    async def scenario() -> list[str]:
        dropped: list[str] = []
        running = asyncio.Event()

        async def stubborn() -> str:
            running.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "socket"
            raise AssertionError

        task = asyncio.create_task(race([stubborn], delay=1, discard=dropped.append))
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return dropped

    assert asyncio.run(scenario()) == ["socket"]


def test_race_tells_all_failures_in_order() -> None:
    async def fail(text: str) -> None:
        raise OSError(text)

    with pytest.raises(AllFailedError) as caught:
        asyncio.run(race([lambda: fail("one"), lambda: fail("two")], delay=9))
    assert [str(error) for error in caught.value.errors] == ["one", "two"]
