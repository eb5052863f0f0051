"""One stream: order, silence, the end, and what may not come."""

from __future__ import annotations

import asyncio
import ssl
from xml.etree.ElementTree import Element

import pytest

from tests.unit.session.streams import client, come, error_of, make_wire
from xmppctl.errors import ConnectError, DeadlineError, TlsError, UsageError, XmppctlError
from xmppctl.session.tcp import TcpWire
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.trace import Trace


def test_elements_wait_in_order() -> None:
    async def scenario() -> None:
        wire, _ = make_wire()
        come(wire, "<a/>", "<b/>")
        assert [(await wire.receive(1, "x")).tag[-1] for _ in range(2)] == ["a", "b"]
        waiting = asyncio.ensure_future(wire.receive(1, "x"))
        await asyncio.sleep(0)
        come(wire, "<c/>")
        assert (await waiting).tag.endswith("c")

    asyncio.run(scenario())


def test_ready_takes_nothing() -> None:
    async def scenario() -> None:
        wire, _ = make_wire()
        come(wire, "<a/>")
        await wire.ready(1, "x")
        assert (await wire.receive(1, "x")).tag.endswith("a")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("starttls", "the offer of STARTTLS"),
        ("tls", "the TLS handshake"),
        ("stream", "the stream features"),
        ("auth", "the login"),
        ("bind", "the resource"),
        ("close", "the end of the stream"),
        ("other", "within 0.01 s"),
    ],
)
def test_silence_says_what_was_waited_for(step: str, words: str) -> None:
    async def scenario() -> XmppctlError:
        wire, _ = make_wire()
        with pytest.raises(DeadlineError) as caught:
            await wire.receive(0.01, step)
        return caught.value

    error = asyncio.run(scenario())
    assert (error.step, error.condition, error.by) == (step, "timeout", "host:1")
    assert words in error.text


def test_what_came_before_the_end_is_given_first() -> None:
    async def scenario() -> None:
        wire, _ = make_wire()
        come(wire, "<a/></stream:stream>")
        assert (await wire.receive(1, "x")).tag.endswith("a")
        with pytest.raises(ConnectError, match="closed the connection"):
            await wire.receive(1, "x")
        with pytest.raises(ConnectError):
            wire.send("<b/>")

    asyncio.run(scenario())


def test_behind_a_stream_error_nothing_counts() -> None:
    async def scenario() -> tuple[list[Element], list[XmppctlError]]:
        wire, _ = make_wire()
        seen: list[Element] = []
        ends: list[XmppctlError] = []
        wire.deliver(seen.append, ends.append)
        condition = "<reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        come(wire, f"<a/><stream:error>{condition}</stream:error><b/></stream:stream>")
        wire.link.connection_lost(None)
        return seen, ends

    seen, ends = asyncio.run(scenario())
    assert [each.tag[-1] for each in seen] == ["a"]
    assert [each.condition for each in ends] == ["reset"]


def test_garbage() -> None:
    async def scenario() -> TcpWire:
        wire, _ = make_wire(opened=False)
        wire.link.data_received(b"220 mail.example ESMTP\r\n")
        return wire

    error = error_of(asyncio.run(scenario()))
    assert isinstance(error, ConnectError)
    assert error.condition == "not-well-formed"


def test_features_come_first() -> None:
    async def scenario() -> None:
        wire, _ = make_wire()
        come(wire, "<message/>")
        with pytest.raises(ConnectError) as caught:
            await wire.features(1, "stream")
        assert caught.value.condition == "no-stream-features"

    asyncio.run(scenario())


def test_text_that_cannot_be_sent() -> None:
    async def scenario() -> None:
        wire, transport = make_wire()
        bad = client("message")
        bad.text = "\x07"
        with pytest.raises(UsageError, match=r"U\+0007.*nothing was sent"):
            wire.send(client("presence"), bad)
        assert transport.text == ""

    asyncio.run(scenario())


def test_data_in_clear_before_tls() -> None:
    async def scenario() -> None:
        wire, _ = make_wire()
        come(wire, "<injected/>")
        with pytest.raises(TlsError) as caught:
            await wire.start_tls(TlsChannel(ssl.create_default_context(), "fake.test"))
        assert caught.value.condition == "unexpected-data"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("reason", "kind", "condition"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", TlsError, "client-certificate-refused"),
        ("TLSV1_ALERT_UNKNOWN_CA", TlsError, "client-certificate-refused"),
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", ConnectError, "connection-closed"),
        ("WRONG_VERSION_NUMBER", ConnectError, "connection-closed"),
    ],
)
def test_tls_that_breaks(reason: str, kind: type[XmppctlError], condition: str) -> None:
    async def scenario() -> TcpWire:
        wire, _ = make_wire()
        error = ssl.SSLError(1, reason)
        error.reason = reason
        wire.link.connection_lost(error)
        return wire

    error = error_of(asyncio.run(scenario()))
    assert type(error) is kind
    assert error.condition == condition


# --- the close ----------------------------------------------------------------------------------


def test_close_without_waiting() -> None:
    async def scenario() -> None:
        wire, transport = make_wire()
        await wire.close(None)
        await wire.close(None)
        assert transport.text == "</stream:stream>"
        assert transport.closed
        assert wire.closing

    asyncio.run(scenario())


def test_close_waits_for_the_footer() -> None:
    async def scenario() -> None:
        wire, transport = make_wire()
        closing = asyncio.ensure_future(wire.close(5))
        await asyncio.sleep(0)
        come(wire, "<late/>")
        await asyncio.sleep(0)
        assert not closing.done()
        come(wire, "</stream:stream>")
        await closing
        assert transport.closed

    asyncio.run(scenario())


def test_close_is_not_waited_for_for_ever() -> None:
    async def scenario() -> None:
        wire, transport = make_wire()
        with pytest.raises(DeadlineError) as caught:
            await wire.close(0.01)
        assert caught.value.step == "close"
        assert transport.aborted

    asyncio.run(scenario())


@pytest.mark.parametrize("when", ["before", "while waiting"])
def test_a_cut_instead_of_the_footer_is_told(when: str) -> None:
    async def scenario() -> None:
        wire, transport = make_wire()
        if when == "before":
            wire.link.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
        closing = asyncio.ensure_future(wire.close(5))
        await asyncio.sleep(0)
        wire.link.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
        with pytest.raises(ConnectError, match="reset by peer"):
            await closing
        assert transport.closed

    asyncio.run(scenario())


def test_no_footer_behind_the_end() -> None:
    async def scenario() -> None:
        wire, transport = make_wire()
        wire.link.eof_received()
        await wire.close(None)
        assert transport.text == ""
        assert transport.closed

    asyncio.run(scenario())


def test_what_the_network_has_not_taken_yet_is_waited_for() -> None:
    async def scenario() -> None:
        wire, transport = make_wire()
        transport.full = 100
        closing = asyncio.ensure_future(wire.close(None))
        await asyncio.sleep(0.01)
        assert not closing.done()
        wire.link.connection_lost(None)
        await closing

    asyncio.run(scenario())


def test_the_trace_sees_both_directions() -> None:
    shown: list[str] = []
    trace = Trace(xml=lambda direction, text: shown.append(f"{direction} {text}"))

    async def scenario() -> None:
        wire, _ = make_wire(trace)
        wire.send(client("presence"), "<r xmlns='urn:xmpp:sm:3'/>")
        come(wire, "<iq/>")

    asyncio.run(scenario())
    assert shown[0].startswith("out <?xml")
    assert shown[1] == "in <stream:stream>"
    assert [each.partition(" ")[0] for each in shown[2:]] == ["out", "out", "in"]
