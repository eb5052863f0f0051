"""BOSH against a connection manager of the test's own: order, repetition, limits, every end."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from tests.servers.ca import Authority
from tests.servers.web import WebConnection, WebServer
from xmppctl.errors import ConnectError, DeadlineError, UsageError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import bosh
from xmppctl.session.bosh import BoshWire
from xmppctl.session.boshbody import qualified, read
from xmppctl.session.httpreply import Reply
from xmppctl.session.trace import Trace
from xmppctl.session.weblink import SeeOtherUriError

NS = "http://jabber.org/protocol/httpbind"
XBOSH = "{urn:xmpp:xbosh}"
STREAMS = "http://etherx.jabber.org/streams"
FEATURES = "<stream:features><x xmlns='urn:x'/></stream:features>"

Handler = Callable[["Request"], "str | bytes | int | None"]


def body(inside: str = "", **attributes: str) -> str:
    named = {name.rstrip("_"): value for name, value in attributes.items()}
    text = "".join(f" {name}='{value}'" for name, value in named.items())
    return f"<body xmlns='{NS}' xmlns:stream='{STREAMS}'{text}>{inside}</body>"


CREATED = body(FEATURES, sid="s1", wait="60", requests="2", hold="1", authid="a1")


class Request:
    """One request; ``number`` counts from 0 in the order of their rids."""

    def __init__(self, manager: Manager, conn: WebConnection, text: bytes) -> None:
        self.manager = manager
        self.conn = conn
        self.text = text
        self.body = fromstring(text)
        self.number = int(self.body.get("rid", "0")) - manager.first
        self.again = 0

    @property
    def names(self) -> list[str]:
        return [each.tag.rpartition("}")[2] for each in self.body]

    def hold(self) -> None:
        """Wait until another request has come, as a connection manager does."""
        with self.manager.came:
            self.manager.came.wait_for(
                lambda: self.manager.over or self.manager.highest > self.number, 20
            )


class Manager:
    """Answers each request by ``handler``: a body, raw bytes, an HTTP status, or None (cut)."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        self.came = threading.Condition()
        self.first = 0
        self.highest = -1
        self.flying = 0
        self.flights: list[int] = []
        self.over = False

    @property
    def most(self) -> int:
        """Requests at once."""
        return max(self.flights)

    def __call__(self, conn: WebConnection) -> None:
        while True:
            head = conn.request()
            text = conn.body(int(head.all("content-length")[0]))
            assert (head.method, head.target) == ("POST", "/bosh")
            assert head.all("content-type") == ["text/xml; charset=utf-8"]
            with self.came:
                if not self.requests:
                    self.first = int(fromstring(text).get("rid", "0"))
                request = Request(self, conn, text)
                request.again = sum(each.number == request.number for each in self.requests)
                self.requests.append(request)
                self.highest = max(self.highest, request.number)
                self.flying += 1
                self.flights.append(self.flying)
                self.came.notify_all()
            answer = self.handler(request)
            with self.came:
                self.flying -= 1
            if answer is None:
                conn.cut()
                return
            if isinstance(answer, bytes):
                conn.send(answer)
                continue
            status, text_ = (answer, "") if isinstance(answer, int) else (200, answer)
            conn.head(status, f"Content-Length: {len(text_.encode())}")
            conn.send(text_.encode())


def drive(
    authority: Authority, handler: Handler, work: Callable[[BoshWire], Awaitable[None]], **more: Any
) -> Manager:
    manager = Manager(handler)

    async def run(url: str) -> None:
        account = Account(jid=parse("alice@web.test"), ca_file=authority.ca_file, **more)
        wire = await bosh.connect(account, url, Trace(), 5)
        try:
            wire.open("web.test")
            await work(wire)
        finally:
            await wire.close(None)
            with manager.came:
                manager.over = True
                manager.came.notify_all()

    with WebServer(manager, authority.issue("web.test")) as web:
        asyncio.run(run(web.url("/bosh")))
    return manager


def quiet(request: Request) -> str:
    """The end of a session, or nothing to tell."""
    if request.body.get("type") == "terminate":
        return body(type="terminate")
    request.hold()
    return body()


async def logged_in(wire: BoshWire) -> None:
    """The stream, opened anew as behind SASL."""
    await wire.features(5, "stream")
    wire.open("web.test", "alice@web.test")
    await wire.features(5, "bind")


def test_the_course_of_a_session(authority: Authority) -> None:
    def handler(request: Request) -> str:
        if request.number == 0:
            return CREATED
        if request.number == 1:
            return body(FEATURES)
        if request.names:
            return body(f"<iq xmlns='jabber:client' id='{request.body[0].get('id')}'/>")
        return quiet(request)

    async def work(wire: BoshWire) -> None:
        await logged_in(wire)
        assert wire.header["id"] == "a1"
        assert wire.ssl_object is not None
        wire.send("<iq id='1'/>")
        assert (await wire.receive(5, "x")).get("id") == "1"
        await wire.close(5)

    manager = drive(authority, handler, work)
    first, second, third, last = [each.body for each in manager.requests][:4]
    rids = [int(each.body.get("rid", "")) for each in manager.requests]
    assert rids == list(range(rids[0], rids[0] + len(rids)))
    assert 0 < rids[0] <= 2**52
    assert {
        "to": "web.test",
        "hold": "1",
        "wait": "60",
        "ver": "1.6",
    }.items() <= first.attrib.items()
    assert first.get(f"{XBOSH}version") == "1.0"
    assert "sid" not in first.attrib
    assert second.get(f"{XBOSH}restart") == "true"
    assert len(second) == 0
    assert third[0].tag == "{jabber:client}iq"
    assert {each.get("sid") for each in (second, third, last)} == {"s1"}
    assert manager.requests[-1].body.get("type") == "terminate"


def test_nothing_overtakes_the_opening(authority: Authority) -> None:
    """What is sent behind an opening waits for the features, which may come late (§6)."""

    def handler(request: Request) -> str:
        if request.number == 0:
            return body(sid="s1", requests="2", wait="60")
        if request.number == 1:
            assert not request.names
            return body(FEATURES)
        if request.names:
            return body("<iq xmlns='jabber:client' id='1'/>")
        return quiet(request)

    async def work(wire: BoshWire) -> None:
        wire.send("<iq id='1'/>")
        await wire.features(5, "stream")
        await wire.receive(5, "x")

    manager = drive(authority, handler, work)
    assert manager.requests[2].names == ["iq"]


def test_answers_count_in_the_order_of_the_requests(authority: Authority) -> None:
    late = threading.Event()

    def handler(request: Request) -> str:
        if request.number == 0:
            return CREATED
        if request.names == ["a"]:
            late.wait(10)
            time.sleep(0.2)  # the other answer is on its way, and nothing tells when it is there
            return body("<first xmlns='urn:x'/>")
        if request.names == ["b"]:
            late.set()
            return body("<second xmlns='urn:x'/>")
        return quiet(request)

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        wire.send("<a xmlns='urn:x'/>")
        await asyncio.sleep(0)
        wire.send("<b xmlns='urn:x'/>")
        tags = [(await wire.receive(5, "x")).tag for _ in range(2)]
        assert tags == ["{urn:x}first", "{urn:x}second"]

    assert drive(authority, handler, work).most == 2


def test_what_is_small_does_not_overtake_what_is_large(authority: Authority) -> None:
    """Its answer, or a while, is waited for; ejabberd cannot sort what comes out of order."""

    def handler(request: Request) -> str:
        if request.number == 0:
            return CREATED
        if request.names[:1] == ["a"]:
            time.sleep(0.2)
            return body("<iq xmlns='jabber:client' id='1'/>")
        if request.names == ["c"]:
            request.hold()
        return quiet(request)

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        wire.send(f"<a xmlns='urn:x'>{'x' * 100_000}</a>", "<b xmlns='urn:x'/>")
        await asyncio.sleep(0.02)
        wire.send("<c xmlns='urn:x'/>")
        await wire.receive(5, "x")
        wire.send("<d xmlns='urn:x'/>")

    manager = drive(authority, handler, work)
    assert [each.names for each in manager.requests if each.names][:2] == [["a", "b"], ["c"]]
    assert manager.requests[1].names == ["a", "b"]
    assert manager.flights[:3] == [1, 1, 1]


def test_each_request_has_a_head_start(authority: Authority) -> None:
    """A manager of two processes may come to read the second of two first."""
    came: dict[str, float] = {}

    def handler(request: Request) -> str:
        if request.number == 0:
            return CREATED
        if request.names:
            came[request.names[0]] = time.monotonic()
            if request.names == ["a"]:
                request.hold()
            if request.names == ["b"]:
                return body("<iq xmlns='jabber:client' id='1'/>")
        return quiet(request)

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        wire.send("<a xmlns='urn:x'/>")
        await asyncio.sleep(0)
        wire.send("<b xmlns='urn:x'/>")
        await wire.receive(5, "x")

    assert drive(authority, handler, work).most == 2
    assert came["b"] - came["a"] > 0.02


@pytest.mark.parametrize("requests", ["1", "2", "7"])
def test_no_more_requests_at_once_than_allowed(authority: Authority, requests: str) -> None:
    def handler(request: Request) -> str:
        if request.number == 0:
            return body(FEATURES, sid="s1", requests=requests, wait="60")
        if not request.names:
            return quiet(request)
        time.sleep(0.02)
        found = "".join(f"<iq xmlns='jabber:client' id='{e.get('id')}'/>" for e in request.body)
        return body(found)

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        for number in range(20):
            wire.send(f"<iq id='{number}'/>")
            await asyncio.sleep(0.003)
        got = [(await wire.receive(5, "x")).get("id") for _ in range(20)]
        assert got == [str(number) for number in range(20)]

    manager = drive(authority, handler, work)
    busy = [each for each in manager.requests if each.body.get("type") != "terminate"]
    assert len(busy) < 25
    assert manager.most <= max(2, min(int(requests), 2))


def test_one_request_always_waits_for_news(authority: Authority) -> None:
    asked: list[float] = []

    def handler(request: Request) -> str:
        if request.number == 0:
            return CREATED
        if request.body.get("type") == "terminate":
            return body(type="terminate")
        asked.append(time.monotonic())
        if len(asked) <= 3:
            return body(f"<message xmlns='jabber:client' id='{len(asked)}'/>")
        return quiet(request)

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        assert [(await wire.receive(5, "x")).get("id") for _ in range(3)] == ["1", "2", "3"]

    drive(authority, handler, work)


def test_a_polling_session_asks_no_more_often_than_allowed(authority: Authority) -> None:
    asked: list[float] = []

    def handler(request: Request) -> str:
        if request.number == 0:
            return body(FEATURES, sid="s1", requests="1", polling="1", wait="0", hold="0")
        if request.body.get("type") == "terminate":
            return body(type="terminate")
        asked.append(time.monotonic())
        return body("<message xmlns='jabber:client'/>" if len(asked) == 3 else "")

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        await wire.receive(8, "x")

    drive(authority, handler, work)
    assert len(asked) == 3
    assert all(b - a >= 0.98 for a, b in itertools.pairwise(asked))


@pytest.mark.parametrize("fault", ["cut", "error", "half"])
def test_a_request_is_repeated_under_its_number(authority: Authority, fault: str) -> None:
    def handler(request: Request) -> str | None:
        if request.number == 0:
            return CREATED
        if request.names and not request.again:
            if fault == "half":
                request.conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<body")
            return body(type="error") if fault == "error" else None
        if request.names:
            return body("<iq xmlns='jabber:client' id='1'/>")
        return quiet(request)

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        wire.send("<iq id='1'/>")
        assert (await wire.receive(5, "x")).get("id") == "1"

    manager = drive(authority, handler, work)
    sent = [each.text for each in manager.requests if each.names]
    assert len(sent) == 2
    assert sent[0] == sent[1]


@pytest.mark.parametrize("fault", [None, "error"])
def test_repetition_has_an_end(authority: Authority, fault: str | None) -> None:
    def handler(request: Request) -> str | None:
        if request.number == 0:
            return CREATED
        return None if fault is None else body(type="error")

    with pytest.raises(ConnectError) as caught:
        drive(authority, handler, lambda wire: _ask(wire))
    assert caught.value.condition == "connection-closed"


async def _ask(wire: BoshWire) -> None:
    await wire.features(5, "stream")
    wire.send("<iq id='1'/>")
    await wire.receive(5, "x")


def ended(authority: Authority, answer: str | int | bytes, *, at: int = 1) -> XmppctlError:
    """How a stream ends whose request number ``at`` is answered so."""

    def handler(request: Request) -> str | int | bytes:
        return CREATED if request.number < at else answer

    with pytest.raises(XmppctlError) as caught:
        drive(authority, handler, _ask)
    return caught.value


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        (body(type="terminate", condition="item-not-found"), "item-not-found"),
        (body(type="terminate", condition="host-unknown"), "host-unknown"),
        (body(type="terminate", condition="policy-violation"), "policy-violation"),
        (body(type="terminate", condition="improper-addressing"), "improper-addressing"),
        (body(type="terminate", condition="other-request"), "other-request"),
        (body(type="terminate", condition="what-is-this"), "undefined-condition"),
        (body(type="terminate"), "connection-closed"),
        (400, "bad-request"),
        (403, "policy-violation"),
        (404, "item-not-found"),
        (302, "http-error"),
        (502, "http-error"),
        ("no xml", "not-well-formed"),
        ("<html/>", "not-well-formed"),
        (body("<unclosed>"), "not-well-formed"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not-well-formed"),
    ],
)
def test_every_end_has_its_condition(
    authority: Authority, at: int, answer: str | int | bytes, condition: str
) -> None:
    error = ended(authority, answer, at=at)
    assert isinstance(error, ConnectError)
    assert error.condition == condition
    assert "127.0.0.1" in error.text


def test_a_session_without_a_name_is_none(authority: Authority) -> None:
    assert ended(authority, body(FEATURES), at=0).condition == "no-session"


def test_a_stream_error_is_told_as_one(authority: Authority) -> None:
    inside = (
        "<message xmlns='jabber:client' id='last'/><stream:error>"
        "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
    )

    def handler(request: Request) -> str:
        if request.number == 0:
            return CREATED
        return body(inside, type="terminate", condition="remote-stream-error")

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        wire.send("<iq id='1'/>")
        assert (await wire.receive(5, "x")).get("id") == "last"
        with pytest.raises(ConnectError) as caught:
            await wire.receive(5, "x")
        assert caught.value.condition == "conflict"
        assert wire.ended_by_peer

    drive(authority, handler, work)


def test_another_endpoint(authority: Authority) -> None:
    answer = body("<uri>https://else.test/bosh</uri>", type="terminate", condition="see-other-uri")
    error = ended(authority, answer, at=0)
    assert isinstance(error, SeeOtherUriError)
    assert error.uri == "https://else.test/bosh"


def test_silence(authority: Authority) -> None:
    def handler(request: Request) -> str:
        request.hold()
        return body()

    async def work(wire: BoshWire) -> None:
        with pytest.raises(DeadlineError):
            await wire.features(0.3, "stream")

    drive(authority, handler, work)


def test_the_close_takes_what_was_sent_last(authority: Authority) -> None:
    def handler(request: Request) -> str:
        return CREATED if request.number == 0 else quiet(request)

    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        wire.gather()
        wire.send("<presence type='unavailable'/>")
        await wire.close(5)

    last = drive(authority, handler, work).requests[-1]
    assert last.body.get("type") == "terminate"
    assert last.names == ["presence"]


def test_text_that_xml_cannot_carry_is_not_sent(authority: Authority) -> None:
    async def work(wire: BoshWire) -> None:
        await wire.features(5, "stream")
        with pytest.raises(UsageError):
            wire.send(Element("{jabber:client}iq", {"id": "\x00"}))

    drive(authority, lambda request: CREATED if request.number == 0 else quiet(request), work)


def test_a_url_without_tls(authority: Authority) -> None:
    account = Account(jid=parse("alice@web.test"))
    with pytest.raises(ConnectError) as caught:
        asyncio.run(bosh.connect(account, "http://127.0.0.1:1/bosh", Trace(), 5))
    assert caught.value.condition == "bad-url"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("<iq id='1'/>", "<iq xmlns='jabber:client' id='1'/>"),
        ("<iq/>", "<iq xmlns='jabber:client'/>"),
        ("<message><b>x</b></message>", "<message xmlns='jabber:client'><b>x</b></message>"),
        ("<r xmlns='urn:xmpp:sm:3'/>", "<r xmlns='urn:xmpp:sm:3'/>"),
        ('<r a="b" xmlns = "urn:x">', '<r a="b" xmlns = "urn:x">'),
        ("<iq a=' xmlns=1'/>", "<iq xmlns='jabber:client' a=' xmlns=1'/>"),
        ("<iq xmlns:a='urn:x' a:b='1'/>", "<iq xmlns='jabber:client' xmlns:a='urn:x' a:b='1'/>"),
        ("<iq><q xmlns='urn:x'/></iq>", "<iq xmlns='jabber:client'><q xmlns='urn:x'/></iq>"),
    ],
)  # fmt: skip
def test_elements_get_the_namespace_that_a_stream_has(text: str, result: str) -> None:
    assert qualified(text) == result


def test_what_is_nested_too_deep_ends_nothing() -> None:
    deep = "<a xmlns='b'>" + "<c>" * 500 + "</c>" * 500 + "</a>"
    content = body(deep + "<late xmlns='b'/>").encode()
    _, late = read(Reply(200, "OK", content, True), "host:1", "x").elements
    assert late.tag == "{b}late"
