"""Which transport is taken, and whose failure is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.unit.session.streams import account
from xmppctl.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    RefusedError,
    TlsError,
    XmppctlError,
)
from xmppctl.model.account import Account
from xmppctl.session import ways
from xmppctl.session.conditions import SeeOtherHostError
from xmppctl.session.trace import Trace
from xmppctl.session.weblink import SeeOtherUriError

WS, WS2, BOSH = "wss://a.test/ws", "wss://b.test/ws", "https://a.test/bosh"

Outcome = XmppctlError | float | None
"""What an attempt comes to: a failure, success after so many seconds, or success."""


@dataclass
class FakeWire:
    """What an attempt gives."""

    url: str
    trace: Trace
    begun: XmppctlError | None
    peer: str = "a.test:443"
    greeted: bool = False
    closed: bool = False

    async def ready(self, timeout: float, step: str) -> None:
        """Wait for what answers the greeting."""
        assert self.greeted
        if self.begun is not None:
            raise self.begun

    async def close(self, timeout: float | None) -> None:
        """Close it."""
        self.closed = True


@dataclass
class World:
    """What each way comes to, and what was tried."""

    tcp: Outcome = None
    urls: list[str] = field(default_factory=list)
    host_meta: XmppctlError | None = None
    at: dict[str, Outcome] = field(default_factory=dict)
    begun: dict[str, XmppctlError] = field(default_factory=dict)
    step: str = "tcp"
    tried: list[str] = field(default_factory=list)
    limits: dict[str, float] = field(default_factory=dict)
    wires: list[FakeWire] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def reach(self, who: Account, seconds: float = 10.0) -> Any:
        """The way of ``who``."""
        trace = Trace(note=self.notes.append)
        deadline = asyncio.get_running_loop().time() + seconds

        def left() -> float:
            return deadline - asyncio.get_running_loop().time()

        async def by_tcp() -> Any:
            trace.enter(self.step)
            wire = await self._wire("tcp", self.tcp, trace)
            greet(wire)
            return wire

        return await ways.reach(who, trace, left, by_tcp, greet)

    async def endpoints(
        self, who: Account, timeout: float, trace: Trace
    ) -> tuple[list[str], XmppctlError | None]:
        """In the place of host-meta."""
        self.tried.append("host-meta")
        await asyncio.sleep(0)
        return self.urls, self.host_meta

    def carrier(self, url: str) -> Callable[..., Awaitable[Any]]:
        """In the place of the transports."""

        async def connect(who: Account, url: str, trace: Trace, limit: float) -> Any:
            self.limits[url] = limit
            trace.enter("websocket")
            return await self._wire(url, self.at.get(url), trace)

        return connect

    async def _wire(self, url: str, outcome: Outcome, trace: Trace) -> FakeWire:
        self.tried.append(url)
        await _come(outcome)
        self.wires.append(FakeWire(url, trace, self.begun.get(url)))
        return self.wires[-1]


def greet(wire: Any) -> None:
    """Open the stream."""
    wire.greeted = True


async def _come(outcome: Outcome) -> None:
    await asyncio.sleep(outcome if isinstance(outcome, float) else 0)
    if isinstance(outcome, XmppctlError):
        raise outcome


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(ways, "_endpoints", world.endpoints)
    monkeypatch.setattr(ways, "_carrier", world.carrier)
    monkeypatch.setattr(ways, "_PATIENCE", 0.01)
    return world


def refused(step: str = "tcp") -> ConnectError:
    return ConnectError("refused", step=step, condition="connection-refused", hint="check it")


def silent(step: str = "tcp") -> DeadlineError:
    return DeadlineError("silent", step=step, condition="timeout")


def distrusted() -> TlsError:
    return TlsError("distrusted", step="tls", condition="certificate-not-trusted")


def go(world: World, seconds: float = 10.0, **more: Any) -> Any:
    return asyncio.run(world.reach(account(timeout=30.0, **more), seconds))


def test_tcp_is_enough(world: World) -> None:
    assert go(world).url == "tcp"
    assert world.tried == ["tcp"]


@pytest.mark.parametrize("more", [{"transport": "tcp"}, {"connect": ("host", 1)}])
def test_who_names_tcp_gets_tcp(world: World, more: dict[str, Any]) -> None:
    world.tcp, world.urls = refused(), [WS]
    with pytest.raises(ConnectError):
        go(world, **more)
    assert world.tried == ["tcp"]


@pytest.mark.parametrize(
    "failure", [refused("dns"), refused("tcp"), silent("dns"), silent("tcp"), refused("proxy")]
)
def test_another_way_where_tcp_is_unreachable(world: World, failure: XmppctlError) -> None:
    world.tcp, world.urls, world.at = failure, [WS, WS2, BOSH], {WS: refused()}
    assert go(world).url == WS2
    assert world.tried == ["tcp", "host-meta", WS, WS2]
    assert any("no connection by TCP" in note for note in world.notes)


@pytest.mark.parametrize(
    "failure",
    [
        distrusted(),
        AuthError("no", step="auth"),
        refused("tls"),
        refused("stream"),
        silent("tls"),
        silent("stream"),
    ],
)
def test_no_other_way_behind_an_answer(world: World, failure: XmppctlError) -> None:
    world.tcp, world.urls = failure, [WS]
    with pytest.raises(type(failure)):
        go(world)
    assert world.tried == ["tcp"]


def test_tcp_is_told_where_nothing_leads_there(world: World) -> None:
    world.tcp, world.urls, world.at = refused(), [WS, BOSH], {WS: refused(), BOSH: distrusted()}
    with pytest.raises(ConnectError) as caught:
        go(world)
    assert caught.value is world.tcp
    assert caught.value.hint == "nor is there another way: distrusted"


@pytest.mark.parametrize("host_meta", [refused("host-meta"), distrusted(), None])
def test_tcp_is_told_as_ever_without_host_meta(
    world: World, host_meta: XmppctlError | None
) -> None:
    world.tcp, world.host_meta = refused(), host_meta
    with pytest.raises(ConnectError) as caught:
        go(world)
    assert caught.value is world.tcp
    assert caught.value.hint == "check it"


def test_silence_leaves_time_for_the_others(world: World) -> None:
    world.tcp, world.urls = 60.0, [WS]
    assert go(world).url == WS


def test_tcp_may_still_win(world: World) -> None:
    world.tcp, world.urls, world.at = 0.1, [WS], {WS: 60.0}
    assert go(world).url == "tcp"
    assert world.tried == ["tcp", "host-meta", WS]


def test_a_server_that_talks_is_waited_for(world: World) -> None:
    world.tcp, world.urls, world.step = 0.1, [WS], "tls"
    assert go(world).url == "tcp"
    assert world.tried == ["tcp"]


def test_tcp_may_fail_after_the_others(world: World) -> None:
    async def scenario() -> None:
        async def late() -> Any:
            await asyncio.sleep(0.1)
            raise silent()

        trace = Trace()
        trace.enter("tcp")
        await ways.reach(account(timeout=30.0), trace, lambda: 10.0, late, greet)

    world.urls, world.at = [WS], {WS: refused()}
    with pytest.raises(DeadlineError) as caught:
        asyncio.run(scenario())
    assert caught.value.hint == "nor is there another way: refused"


def test_never_two_are_greeted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A greeting may log in: what loses must not have begun."""

    async def scenario() -> None:
        trace = Trace()
        connected = asyncio.Event()

        async def by_tcp() -> Any:
            trace.enter("tcp")
            await connected.wait()
            trace.enter("tls")
            wire = await world._wire("tcp", 0.05, trace)
            greet(wire)
            return wire

        def carrier(url: str) -> Callable[..., Awaitable[Any]]:
            async def connect(who: Account, url: str, trace: Trace, limit: float) -> Any:
                connected.set()
                return await world._wire(url, 0.01, trace)

            return connect

        monkeypatch.setattr(ways, "_carrier", carrier)
        wire: Any = await ways.reach(account(timeout=30.0), trace, lambda: 10.0, by_tcp, greet)
        assert wire.url == "tcp"

    world.urls = [WS]
    asyncio.run(scenario())
    assert {wire.url: (wire.greeted, wire.closed) for wire in world.wires} == {
        "tcp": (True, False),
        WS: (False, True),
    }


def test_not_even_at_the_same_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        moment = asyncio.Event()
        trace = Trace()

        async def by_tcp() -> Any:
            trace.enter("tcp")
            await moment.wait()
            wire = FakeWire("tcp", trace, None)
            greet(wire)
            world.wires.append(wire)
            return wire

        def carrier(url: str) -> Callable[..., Awaitable[Any]]:
            async def connect(who: Account, url: str, trace: Trace, limit: float) -> Any:
                asyncio.get_running_loop().call_soon(moment.set)
                await moment.wait()
                world.wires.append(FakeWire(url, trace, None))
                return world.wires[-1]

            return connect

        monkeypatch.setattr(ways, "_carrier", carrier)
        wire: Any = await ways.reach(account(timeout=30.0), trace, lambda: 10.0, by_tcp, greet)
        assert wire.url == "tcp"

    world.urls = [WS]
    asyncio.run(scenario())
    assert [wire.url for wire in world.wires if wire.greeted] == ["tcp"]
    assert [wire.url for wire in world.wires if wire.closed] == [WS]


def test_the_wire_goes_on_with_the_trace_of_the_run(world: World) -> None:
    async def scenario() -> Any:
        trace = Trace()

        async def by_tcp() -> Any:
            trace.enter("tcp")
            await asyncio.sleep(60)

        wire = await ways.reach(account(timeout=30.0), trace, lambda: 10.0, by_tcp, greet)
        assert wire.trace is trace
        assert trace.step == "stream"

    world.urls = [WS]
    asyncio.run(scenario())


def test_an_endpoint_that_fails_behind_the_greeting_is_told(world: World) -> None:
    """TCP was given up for it, and said nothing."""
    world.tcp, world.urls, world.begun = 60.0, [WS], {WS: refused("stream")}
    with pytest.raises(ConnectError) as caught:
        go(world)
    assert caught.value is world.begun[WS]
    assert caught.value.hint == "check it"


def test_a_bug_is_no_failure_of_the_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> Any:
        raise KeyError("bug")

    monkeypatch.setattr(ways, "_endpoints", broken)
    world.tcp = refused()
    with pytest.raises(KeyError):
        go(world)


def test_giving_up_leaves_nothing_open(world: World) -> None:
    async def scenario() -> None:
        world.tcp, world.urls, world.at = 60.0, [WS], {WS: 60.0}
        before = asyncio.all_tasks()
        task = asyncio.ensure_future(world.reach(account(timeout=30.0)))
        while WS not in world.tried:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == before

    asyncio.run(scenario())


# --- transports by name -------------------------------------------------------------------------


def test_an_endpoint_is_the_only_way(world: World) -> None:
    world.at = {WS: refused()}
    with pytest.raises(ConnectError) as caught:
        go(world, transport="websocket", endpoint=WS)
    assert caught.value is world.at[WS]
    assert world.tried == [WS]
    world.at = {}
    assert go(world, transport="bosh", endpoint=BOSH).url == BOSH


def test_a_transport_is_looked_up(world: World) -> None:
    world.urls = [WS, WS2]
    assert go(world, transport="websocket").url == WS
    assert world.tried == ["host-meta", WS]


@pytest.mark.parametrize(("transport", "name"), [("websocket", "WebSocket"), ("bosh", "BOSH")])
def test_a_transport_that_is_not_there(world: World, transport: str, name: str) -> None:
    with pytest.raises(ConnectError) as caught:
        go(world, transport=transport)
    error = caught.value
    assert (error.step, error.condition) == ("host-meta", "service-not-offered")
    assert name in error.text
    assert "--endpoint" in (error.hint or "")


@pytest.mark.parametrize("why", [distrusted(), silent("tcp"), refused("dns")])
def test_what_keeps_host_meta_from_telling_is_told(world: World, why: XmppctlError) -> None:
    world.host_meta = why
    with pytest.raises(type(why)) as caught:
        go(world, transport="websocket")
    assert caught.value is why


def test_a_host_meta_that_is_refused_is_no_connection(world: World) -> None:
    world.host_meta = RefusedError("HTTP status 500", step="get", condition="http-error")
    with pytest.raises(ConnectError) as caught:
        go(world, transport="websocket")
    assert "HTTP status 500" in caught.value.text
    assert (caught.value.step, caught.value.condition) == ("host-meta", "http-error")


def test_endpoints_share_the_time(world: World) -> None:
    world.urls = [WS, WS2]
    world.at = {WS: silent("websocket")}
    assert go(world, 8.0, transport="websocket").url == WS2
    assert 3.5 <= world.limits[WS] <= 4.0
    assert world.limits[WS2] > 7.0


def test_the_most_telling_failure_of_several(world: World) -> None:
    world.urls = [WS, WS2, BOSH]
    world.at = {WS: silent("websocket"), WS2: distrusted(), BOSH: refused()}
    with pytest.raises(TlsError):
        go(world, transport="websocket")


def test_a_refused_login_ends_the_search(world: World) -> None:
    world.urls, world.begun = [WS, WS2], {WS: AuthError("no", step="auth")}
    with pytest.raises(AuthError):
        go(world, transport="websocket")
    assert [wire.closed for wire in world.wires] == [True]


# --- sent elsewhere -----------------------------------------------------------------------------


def moved(uri: str) -> SeeOtherUriError:
    return SeeOtherUriError(uri, step="stream", by="a.test:443")


def test_another_endpoint_is_followed(world: World) -> None:
    world.begun = {WS: moved(WS2)}
    assert go(world, transport="websocket", endpoint=WS).url == WS2
    assert [wire.closed for wire in world.wires] == [True, False]


@pytest.mark.parametrize(
    "uri", ["ws://b.test/ws", "http://b.test/", "/ws", "", "wss://", "wss://x@b.test/"]
)
def test_not_to_where_there_is_no_tls(world: World, uri: str) -> None:
    world.begun = {WS: moved(uri)}
    with pytest.raises(ConnectError) as caught:
        go(world, transport="websocket", endpoint=WS)
    assert caught.value.condition == "see-other-uri"
    assert world.tried == [WS]
    assert [wire.closed for wire in world.wires] == [True]


def test_not_for_ever(world: World) -> None:
    world.begun = {WS: moved(WS2), WS2: moved(WS)}
    with pytest.raises(ConnectError, match="from one endpoint to the next"):
        go(world, transport="websocket", endpoint=WS)
    assert len(world.tried) == 4


def test_not_to_a_host_of_another_transport(world: World) -> None:
    world.begun = {WS: SeeOtherHostError("b.test", 5222, step="stream", by="a.test:443")}
    with pytest.raises(ConnectError) as caught:
        go(world, transport="websocket", endpoint=WS)
    assert not isinstance(caught.value, SeeOtherHostError)
    assert "--connect b.test:5222" in (caught.value.hint or "")
