"""RFC 7395: what goes into a message, what may come in one, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.websocket import (
    BINARY,
    CLOSE,
    CONT,
    END,
    FRAMING,
    OPEN,
    PING,
    PONG,
    TEXT,
    features,
    frame,
    masked,
)
from tests.unit.session.streams import client
from tests.unit.session.websockets import accept, bare_wire, come, data, opened, upgraded
from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.session import xml
from xmppctl.session.weblink import SeeOtherUriError, endpoint
from xmppctl.session.websocket import WebSocketWire
from xmppctl.session.xml import parse

FEATURES = features()


def run(scenario: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await scenario()

    return asyncio.run(main())


def failure(wire: WebSocketWire) -> XmppctlError:
    assert wire.error is not None
    return wire.error


# --- the request --------------------------------------------------------------------------------


def test_the_request() -> None:
    async def scenario() -> str:
        wire, transport = bare_wire("wss://host:1/ws?a=b")
        task = asyncio.ensure_future(wire.upgrade())
        await asyncio.sleep(0)
        task.cancel()
        return transport.text

    request = run(scenario)
    assert request.startswith("GET /ws?a=b HTTP/1.1\r\n")
    assert "\r\nHost: host:1\r\n" in request
    assert "\r\nSec-WebSocket-Protocol: xmpp\r\n" in request
    assert "\r\nSec-WebSocket-Version: 13\r\n" in request
    assert "sec-websocket-extensions" not in request.lower()
    assert "origin:" not in request.lower()


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        ("wss://host", "/", "host"),
        ("wss://host:443/ws#part", "/ws", "host"),
        ("wss://[::1]:81/ws", "/ws", "[::1]:81"),
        ("wss://bücher.test/ä b?q=ü", "/%C3%A4%20b?q=%C3%BC", "xn--bcher-kva.test"),
    ],
)
def test_the_target_and_the_host_of_the_request(url: str, target: str, host: str) -> None:
    async def scenario() -> str:
        wire, transport = bare_wire(url)
        task = asyncio.ensure_future(wire.upgrade())
        await asyncio.sleep(0)
        task.cancel()
        return transport.text

    request = run(scenario)
    assert request.startswith(f"GET {target} HTTP/1.1\r\n")
    assert f"\r\nHost: {host}\r\n" in request


def test_frames_may_come_with_the_answer() -> None:
    async def scenario() -> None:
        wire, _ = await upgraded(more=frame("", PING))
        assert wire.error is None

    run(scenario)


def status(line: str, *headers: str, body: str = "x") -> Callable[[str], bytes]:
    lines = "".join(f"{each}\r\n" for each in (*headers, f"Content-Length: {len(body)}"))
    return lambda _: f"HTTP/1.1 {line}\r\n{lines}\r\n{body}".encode()


@pytest.mark.parametrize(
    ("answer", "condition", "words"),
    [
        (status("401 Unauthorized"), "not-authorized", "HTTP status 401 Unauthorized"),
        (status("403 Forbidden"), "forbidden", "403 Forbidden"),
        (status("404 Not Found"), "item-not-found", "404 Not Found"),
        (status("502 Bad Gateway"), "service-unavailable", "502 Bad Gateway"),
        (status("426 Upgrade Required"), "http-error", "426"),
        (status("200 OK"), "http-error", "a page and no WebSocket"),
        (lambda request: accept(request, Sec_WebSocket_Protocol=None), "no-subprotocol", "XMPP"),
        (lambda request: accept(request, Sec_WebSocket_Protocol="chat"), "malformed-answer", ""),
        (lambda request: accept(request, Sec_WebSocket_Accept="x"), "malformed-answer", "Accept"),
        (lambda request: accept(request, Sec_WebSocket_Accept=None), "malformed-answer", "Accept"),
        (lambda request: accept(request, Upgrade="h2c"), "malformed-answer", "Upgrade"),
        (lambda request: accept(request, Connection="close"), "malformed-answer", "Connection"),
        (
            lambda request: accept(request, Sec_WebSocket_Extensions="permessage-deflate"),
            "malformed-answer",
            "extension",
        ),
        (lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed-answer", "as an HTTP server"),
    ],
)
def test_an_answer_that_is_no_websocket(
    answer: Callable[[str], bytes], condition: str, words: str
) -> None:
    with pytest.raises(ConnectError) as caught:
        run(lambda: upgraded(answer))
    error = caught.value
    assert (error.step, error.condition, error.by) == ("websocket", condition, "host:1")
    assert words in error.text


def test_a_redirect_is_not_followed() -> None:
    answer = status("302 Found", "Location: https://evil.test/x")
    with pytest.raises(ConnectError) as caught:
        run(lambda: upgraded(answer))
    assert caught.value.condition == "redirect"
    assert "https://evil.test/x" in (caught.value.hint or "")


def test_the_connection_may_end_instead_of_an_answer() -> None:
    async def scenario() -> None:
        wire, _ = bare_wire()
        task = asyncio.ensure_future(wire.upgrade())
        await asyncio.sleep(0)
        assert wire.link is not None
        wire.link.eof_received()
        await task

    with pytest.raises(ConnectError) as caught:
        run(scenario)
    assert (caught.value.step, caught.value.condition) == ("websocket", "connection-closed")


@pytest.mark.parametrize(
    "url",
    ["ws://host/", "http://host/", "xmpp:host", "wss://a@host/", "wss:///x", "wss://h:0/", ""],
)
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError):
        endpoint(url)


def test_an_endpoint() -> None:
    found = endpoint("wss://[::1]:81/ws?x")
    assert (found.host, found.port, found.target) == ("::1", 81, "/ws?x")
    assert endpoint("WSS://host").port == 443


# --- out ----------------------------------------------------------------------------------------


def test_the_opening_and_the_next_one() -> None:
    async def scenario() -> None:
        wire, transport = await upgraded()
        wire.open("fake.test", "a'b@fake.test")
        (text,) = transport.messages()
        assert not text.startswith("<?xml")
        opening = parse(text)
        assert opening.tag == f"{{{FRAMING}}}open"
        assert opening.attrib == {"to": "fake.test", "from": "a'b@fake.test", "version": "1.0"}
        come(wire, OPEN, FEATURES)
        assert wire.header["id"] == "i1"
        await wire.features(1, "stream")
        wire.open("fake.test")
        (text,) = transport.messages()
        assert "from" not in parse(text).attrib
        come(wire, OPEN.replace("i1", "i2"), FEATURES)
        assert wire.header["id"] == "i2"
        await wire.features(1, "bind")

    run(scenario)


def test_each_message_names_its_namespace() -> None:
    async def scenario() -> list[str]:
        wire, transport = await opened()
        body = client("message", to="bob@fake.test", id=" xmlns='x'>")
        body.append(client("body"))
        wire.send(
            body,
            parse("<enable xmlns='urn:xmpp:sm:3'/>"),
            "<iq type='get' id='1'/>",
            "<presence/>",
            "<r xmlns='urn:xmpp:sm:3'/>",
            "<iq id='2' xmlns='jabber:client'/>",
            "<iq id=\" xmlns='x'\"/>",
        )
        return transport.messages()

    texts = run(scenario)
    tags = [parse(text).tag for text in texts]
    stanza = "{jabber:client}"
    assert tags == [
        f"{stanza}message",
        "{urn:xmpp:sm:3}enable",
        f"{stanza}iq",
        f"{stanza}presence",
        "{urn:xmpp:sm:3}r",
        f"{stanza}iq",
        f"{stanza}iq",
    ]
    assert parse(texts[0])[0].tag == f"{stanza}body"
    assert parse(texts[0]).get("id") == " xmlns='x'>"


_NAMES = st.sampled_from(["id", "to", "xmlns-like", "type"])
_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))


@given(
    st.sampled_from(["jabber:client", "urn:xmpp:sm:3", "urn:ietf:params:xml:ns:xmpp-sasl"]),
    st.dictionaries(_NAMES, _TEXTS | st.sampled_from([" xmlns='x'", "xmlns=", "/>", "'>"])),
    _TEXTS,
)
def test_any_element_arrives_as_it_was(
    namespace: str, attributes: dict[str, str], text: str
) -> None:
    async def scenario() -> str:
        wire, transport = await opened()
        element = Element(f"{{{namespace}}}iq", attributes)
        element.text = text or None
        wire.send(element)
        return transport.messages()[0]

    arrived = fromstring(run(scenario))  # as any other parser reads it
    assert arrived.tag == f"{{{namespace}}}iq"
    assert arrived.attrib == attributes
    assert (arrived.text or "") == text


def test_one_flight_is_one_write_of_many_messages() -> None:
    async def scenario() -> None:
        wire, transport = await upgraded()
        transport.sent()
        wire.gather()
        wire.open("fake.test")
        wire.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        wire.send(client("iq"), client("message"))
        assert transport.writes == []
        wire.flush()
        assert len(transport.writes) == 1
        assert len(transport.messages()) == 4

    run(scenario)


def test_large_messages_go_out_whole() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        element = client("message")
        element.text = "é" * 200_000
        wire.send(element)
        (text,) = transport.messages()
        assert parse(text).text == element.text

    run(scenario)


# --- in -----------------------------------------------------------------------------------------


def test_elements_keep_their_namespaces() -> None:
    async def scenario() -> None:
        wire, _ = await opened()
        come(
            wire,
            FEATURES,
            "<features xmlns='http://etherx.jabber.org/streams'/>",
            "<message xmlns='jabber:client'><body>é</body></message>",
        )
        assert (await wire.features(1, "stream")).tag == (await wire.features(1, "stream")).tag
        message = await wire.receive(1, "x")
        assert message.findtext("{jabber:client}body") == "é"

    run(scenario)


def test_what_is_nested_too_deep_ends_nothing() -> None:
    async def scenario() -> None:
        wire, _ = await opened()
        come(wire, f"<a xmlns='b'>{'<c>' * 500}x{'</c>' * 500}<d>e</d></a>", "<late xmlns='b'/>")
        element = await wire.receive(1, "x")
        assert element.findtext("{b}d") == "e"
        assert "x" not in "".join(element.itertext())
        assert (await wire.receive(1, "x")).tag == "{b}late"

    run(scenario)


def test_messages_may_come_in_pieces() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        text = "<a xmlns='b'>é</a>".encode()
        whole = b"".join(
            (
                frame(text[:3], TEXT, fin=False),
                frame("p", PING),
                frame(text[3:14], CONT, fin=False),
                frame(b"", CONT, fin=False),
                frame(text[14:], CONT),
            )
        )
        data(wire, *(whole[at : at + 1] for at in range(len(whole))))
        element = await wire.receive(1, "x")
        assert (element.tag, element.text) == ("{b}a", "é")
        assert transport.sent() == [(PONG, b"p")]

    run(scenario)


def test_features_behind_sasl2_need_no_opening() -> None:
    async def scenario() -> None:
        wire, _ = await opened()
        come(wire, FEATURES, "<success xmlns='urn:xmpp:sasl:2'/>", FEATURES)
        for _ in range(3):
            await wire.receive(1, "x")

    run(scenario)


def test_pongs_nobody_asked_for_are_ignored() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        data(wire, frame("x", PONG))
        assert wire.error is None
        assert transport.sent() == []

    run(scenario)


HOSTILE: dict[str, tuple[bytes, int]] = {
    "masked": (masked(FEATURES), 1002),
    "reserved bit": (frame(FEATURES, bits=4), 1002),
    "reserved opcode": (frame("", 3), 1002),
    "invalid UTF-8": (frame(b"<a xmlns='b'>\xff</a>"), 1007),
    "UTF-8 cut at the end of a message": (frame(b"<a xmlns='b'>\xc3") + frame(b"\xa9</a>"), 1007),
    "large ping": (frame("x" * 126, PING), 1002),
    "ping in pieces": (frame("x", PING, fin=False), 1002),
    "message inside a message": (frame("<a", fin=False) + frame("<b/>"), 1002),
    "continued from nothing": (frame("/>", CONT), 1002),
    "binary": (frame(FEATURES, BINARY), 1003),
    "white space": (frame(" "), 1007),
    "empty": (frame(""), 1007),
    "white space before an element": (frame(" " + FEATURES), 1007),
    "XML declaration": (frame("<?xml version='1.0'?>" + FEATURES), 1007),
    "byte order mark": (frame("\ufeff" + FEATURES), 1007),
    "two elements": (frame("<a xmlns='b'/><a xmlns='b'/>"), 1007),
    "half an element": (frame("<a xmlns='b'>"), 1007),
    "text behind": (frame("<a xmlns='b'/>x"), 1007),
    "comment": (frame("<!-- x -->"), 1007),
    "entities": (frame("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"), 1007),
    "out of its box": (frame("<a xmlns='b'/></s:stream><s:stream>"), 1007),
    "unbound prefix": (frame("<stream:features/>"), 1007),
    "another opening": (frame(OPEN), 1007),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_must_not_come(name: str) -> None:
    hostile, code = HOSTILE[name]

    async def scenario() -> None:
        wire, transport = await opened()
        data(wire, frame(FEATURES), hostile + frame("<late xmlns='b'/>"))
        await wire.receive(1, "x")  # what came before still counts
        with pytest.raises(ConnectError) as caught:
            await wire.receive(1, "x")
        error = caught.value
        assert (error.condition, error.by) == ("not-well-formed", "host:1")
        closing = [text for opcode, text in transport.sent() if opcode == END]
        assert [int.from_bytes(text[:2], "big") for text in closing] == [code]
        await wire.close(None)
        assert transport.closed

    run(scenario)


@pytest.mark.parametrize("split", [False, True])
def test_messages_have_a_largest_size(monkeypatch: pytest.MonkeyPatch, split: bool) -> None:
    monkeypatch.setattr("xmppctl.session.websocket.MAX_ELEMENT_BYTES", 1000)

    async def scenario() -> None:
        wire, transport = await opened()
        head = frame("<a xmlns='b'>", fin=False) if split else b""
        data(wire, head + frame("x" * 990 + "</a>" * 5, CONT if split else TEXT))
        assert "1000" in failure(wire).text or "big" in failure(wire).text
        assert [text[:2] for opcode, text in transport.sent() if opcode == END] == [b"\x03\xf1"]

    run(scenario)


@pytest.mark.parametrize(("more", "ends"), [(0, False), (1, True)])
def test_the_largest_size_is_that_of_every_transport(more: int, ends: bool) -> None:
    async def scenario() -> bool:
        wire, _ = await opened()
        size = xml.MAX_ELEMENT_BYTES + more
        data(wire, bytes([0x80 | TEXT, 127]) + size.to_bytes(8, "big"))
        return wire.error is not None

    assert run(scenario) is ends


def test_the_opening_comes_first() -> None:
    async def scenario() -> XmppctlError:
        wire, _ = await upgraded()
        wire.open("fake.test")
        come(wire, FEATURES)
        return failure(wire)

    assert "where <open/> has to come" in run(scenario).text


def test_nothing_may_come_before_the_client_opens() -> None:
    async def scenario() -> XmppctlError:
        wire, _ = await upgraded(more=frame(OPEN))
        return failure(wire)

    assert run(scenario).condition == "not-well-formed"


@pytest.mark.parametrize("before", ["", OPEN])
def test_stream_errors_are_told(before: str) -> None:
    async def scenario() -> XmppctlError:
        wire, _ = await upgraded()
        wire.open("fake.test")
        error = (
            "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>"
            "<host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
        )
        come(wire, *filter(None, (before, error, CLOSE)))
        return failure(wire)

    assert run(scenario).condition == "host-unknown"


# --- the end ------------------------------------------------------------------------------------


def test_closing_waits_for_the_other_side() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        closing = asyncio.ensure_future(wire.close(1))
        await asyncio.sleep(0)
        assert transport.messages() == [CLOSE]
        assert not closing.done()
        come(wire, "<message xmlns='jabber:client'/>")
        assert not transport.closed
        data(wire, frame(CLOSE) + frame(b"\x03\xe8", END))
        await closing
        assert transport.sent() == [(END, b"\x03\xe8")]
        assert transport.closed

    run(scenario)


def test_the_websocket_is_closed_where_the_server_leaves_that_to_us() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        closing = asyncio.ensure_future(wire.close(1))
        await asyncio.sleep(0)
        transport.sent()
        come(wire, CLOSE)
        await closing
        assert transport.sent() == [(END, b"\x03\xe8")]

    run(scenario)


def test_a_websocket_closed_without_close_proves_nothing() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        closing = asyncio.ensure_future(wire.close(1))
        await asyncio.sleep(0)
        data(wire, frame(b"\x03\xe8", END))
        await closing
        assert transport.closed

    with pytest.raises(ConnectError, match="closed the WebSocket"):
        run(scenario)


def test_the_server_may_close_first() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        come(wire, CLOSE)
        assert transport.messages() == [CLOSE]
        assert failure(wire).condition == "connection-closed"
        await wire.close(None)
        assert transport.sent() == [(END, b"\x03\xe8")]

    run(scenario)


def test_leaving_without_waiting() -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        await wire.close(None)
        assert transport.sent() == [(TEXT, CLOSE.encode()), (END, b"\x03\xe8")]
        assert transport.closed

    run(scenario)


@pytest.mark.parametrize(
    ("payload", "condition", "words"),
    [
        (b"", "connection-closed", "closed the WebSocket"),
        (b"\x03\xe8bye", "connection-closed", "(bye)"),
        (b"\x03\xe9", "connection-closed", "goes away"),
        (b"\x03\xf0no", "policy-violation", "forbids something: no"),
        (b"\x03\xf1", "policy-violation", "too big"),
        (b"\x03\xf3", "internal-server-error", "of its own"),
        (b"\x0f\xa0", "connection-closed", "code 4000"),
    ],
)
def test_close_codes_are_told(payload: bytes, condition: str, words: str) -> None:
    async def scenario() -> None:
        wire, transport = await opened()
        data(wire, frame(payload, END))
        assert failure(wire).condition == condition
        assert words in failure(wire).text
        assert transport.sent() == [(END, payload)]

    run(scenario)


def test_the_connection_may_break() -> None:
    async def scenario() -> None:
        wire, _ = await opened()
        assert wire.link is not None
        wire.link.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
        assert failure(wire).condition == "connection-closed"
        assert "reset by peer" in failure(wire).text

    run(scenario)


def test_another_endpoint_is_told() -> None:
    async def scenario() -> XmppctlError:
        wire, _ = await upgraded()
        wire.open("fake.test")
        come(wire, f"<close xmlns='{FRAMING}' see-other-uri='wss://other.test/ws'/>")
        return failure(wire)

    error = run(scenario)
    assert isinstance(error, SeeOtherUriError)
    assert error.uri == "wss://other.test/ws"
