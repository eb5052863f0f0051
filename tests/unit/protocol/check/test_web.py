"""Endpoints on the web: opened up to the stream features, by a wire without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.protocol.check.looking import account, blamed, context
from tests.unit.session.streams import HEADER, come, make_wire
from xmppctl.errors import ConnectError, LocalError, TlsError, XmppctlError
from xmppctl.model.check import Finding
from xmppctl.protocol.check import web
from xmppctl.protocol.check.context import Limits
from xmppctl.protocol.check.register import Registration
from xmppctl.session import bosh, websocket
from xmppctl.session.trace import Trace
from xmppctl.session.weblink import SeeOtherUriError

URL = "wss://web.test/ws"
FEATURES = "<stream:features><f xmlns='x'/><g xmlns='x'/></stream:features>"


class Tls:
    """A TLS layer that has verified a certificate that ends then."""

    def __init__(self, end: str | None) -> None:
        self.end = end

    def version(self) -> str:
        return "TLSv1.3"

    def getpeercert(self) -> dict[str, Any]:
        return {} if self.end is None else {"notAfter": self.end}


def opened(
    monkeypatch: pytest.MonkeyPatch,
    *came: str,
    url: str = URL,
    error: XmppctlError | None = None,
    end: str | None = "Jan  1 00:00:00 2100 GMT",
    limits: Limits | None = None,
) -> list[Finding]:
    """What is told of an endpoint from which this comes, or that cannot be reached."""

    async def connect(who: object, asked: str, trace: Trace, limit: float) -> Any:
        assert asked == url
        if error is not None:
            raise error
        wire, _ = make_wire(trace, opened=False)
        wire.tls = Tls(end)
        asyncio.get_running_loop().call_later(0.01, come, wire, HEADER, *came)
        return wire

    monkeypatch.setattr(websocket if url.startswith("wss") else bosh, "connect", connect)

    async def probe() -> list[Finding]:
        made, found = context(account(timeout=0.2, connect_timeout=0.2), limits=limits)
        await web.probe(made, web.named(url), Trace())
        return found

    return asyncio.run(probe())


@pytest.mark.parametrize("url", [URL, "https://web.test:5281/http-bind"])
def test_an_endpoint_that_is_well(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    found = opened(monkeypatch, FEATURES, url=url)
    assert blamed(found) == {}
    kind = "websocket" if url == URL else "bosh"
    assert [(each.check, each.target) for each in found] == [
        (f"web.{kind}", url),
        ("tls.days", url),
    ]
    assert found[0].unit == "ms"
    assert "a stream with 2 features" in found[0].detail
    assert "2100-01-01T00:00:00Z" in found[1].detail


def test_its_certificate_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    far = Limits(warn_days=1e6, crit_days=1)
    assert blamed(opened(monkeypatch, FEATURES, limits=far)) == {"tls.days": "warn"}
    # a pin stands in the place of what the certificate says
    assert len(opened(monkeypatch, FEATURES, end=None)) == 1


@pytest.mark.parametrize(
    "error",
    [
        ConnectError("no WebSocket at web.test:443: HTTP status 404 Not Found"),
        TlsError("the certificate of web.test:443 is not trusted"),
    ],
)
def test_an_endpoint_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, error: XmppctlError
) -> None:
    found = opened(monkeypatch, error=error)
    assert blamed(found) == {"web.websocket": "fail", "tls.days": "unknown"}
    assert found[0].detail == error.text


def test_silence_and_rubbish(monkeypatch: pytest.MonkeyPatch) -> None:
    for came in ((), ("<message/>",), ("</nothing>",)):
        assert blamed(opened(monkeypatch, *came))["web.websocket"] == "fail"


def test_it_sends_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    error = SeeOtherUriError("wss://other.test/ws", step="stream", by="web.test:443")
    found = opened(monkeypatch, error=error)
    assert blamed(found) == {"web.websocket": "warn"}
    assert "wss://other.test/ws" in found[0].detail


def test_what_is_wrong_here_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalError):
        opened(monkeypatch, error=LocalError("no CA file"))


def test_registration_is_asked_where_there_is_no_other_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Asked(Registration):
        async def look(self, wire: object, features: object) -> None:
            asked.append(wire)

    asked: list[object] = []

    async def connect(*_: object) -> Any:
        wire, _ = make_wire(opened=False)
        asyncio.get_running_loop().call_later(0.01, come, wire, HEADER, FEATURES)
        return wire

    monkeypatch.setattr(websocket, "connect", connect)

    async def probe() -> None:
        made, _ = context(account(timeout=0.2, connect_timeout=0.2))
        await web.probe(made, web.named(URL), Trace(), Asked(made))

    asyncio.run(probe())
    assert len(asked) == 1
