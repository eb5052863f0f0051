"""Requests and answers, inboxes, acknowledgements, and what proves that the server is done."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

import pytest

from tests.unit.session.streams import client, come, make_session
from xmppctl.errors import (
    ConnectError,
    DeadlineError,
    RefusedError,
    UnsupportedError,
    UsageError,
)
from xmppctl.session.acks import Inbound
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import parse

PING = parse("<ping xmlns='urn:xmpp:ping'/>")
SM = "urn:xmpp:sm:3"
OFFER = f"<f><sm xmlns='{SM}'/></f>"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def run(scenario: object) -> None:
    asyncio.run(scenario())  # type: ignore[operator]


async def asked(session: Session, **more: object) -> tuple[asyncio.Future[object], str]:
    """A request under way, and its id."""
    task = asyncio.ensure_future(session.request(PING, **more))  # type: ignore[call-overload]
    await asyncio.sleep(0)
    return task, next(iter(session._pending))


@pytest.mark.parametrize(
    ("to", "sender", "counts"),
    [
        (None, None, True),
        (None, "alice@fake.test", True),
        (None, "ALICE@Fake.Test/r", True),
        (None, "alice@fake.test/R", False),
        (None, "fake.test", True),
        (None, "bob@fake.test", False),
        ("fake.test", "FAKE.test", True),
        ("fake.test", None, True),
        ("alice@fake.test", "alice@fake.test", True),
        ("bob@fake.test", "Bob@fake.test", True),
        ("bob@fake.test", None, False),
        ("bob@fake.test", "bob@fake.test/x", False),
        ("bob@fake.test/x", "bob@fake.test/X", False),
        ("bob@fake.test", "evil.test", False),
    ],
)
def test_who_may_answer(to: str | None, sender: str | None, counts: bool) -> None:
    async def scenario() -> None:
        session, wire, _ = make_session()
        task, ident = await asked(session, to=to, timeout=5)
        origin = f" from='{sender}'" if sender else ""
        come(wire, f"<iq type='result' id='{ident}'{origin}/>")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert task.done() is counts
        task.cancel()

    run(scenario)


def test_payloads_and_errors() -> None:
    async def scenario() -> None:
        session, wire, _ = make_session()
        task, ident = await asked(session)
        come(wire, f"<iq type='result' id='{ident}'><x xmlns='u:x'/></iq>")
        assert (await task).tag == "{u:x}x"  # type: ignore[attr-defined]
        for feature, kind in ((None, RefusedError), ("pings", UnsupportedError)):
            task, ident = await asked(session, feature=feature, step="ping")
            error = f"<error type='cancel'><service-unavailable xmlns='{STANZAS}'/></error>"
            come(wire, f"<iq type='error' id='{ident}'>{error}</iq>")
            with pytest.raises(kind) as caught:
                await task
            assert (caught.value.step, caught.value.by) == ("ping", "fake.test")

    run(scenario)


def test_silence_and_progress() -> None:
    async def scenario() -> None:
        session, wire, _ = make_session()
        with pytest.raises(DeadlineError) as caught:
            await session.request(PING, to="bob@fake.test", step="ping", timeout=0.01)
        assert (caught.value.step, caught.value.by) == ("ping", "bob@fake.test")
        assert not session._pending
        with session.inbox(lambda each: each.tag == MESSAGE) as inbox:
            task, ident = await asked(session, timeout=0.1, progress=inbox)
            for _ in range(4):  # longer in all than the silence that is allowed
                await asyncio.sleep(0.05)
                come(wire, "<message/>")
            come(wire, f"<iq type='result' id='{ident}'/>")
            assert await task is None

    run(scenario)


def test_requests_that_come_in() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        session.handle_iq("{u:x}x", lambda iq: parse("<y xmlns='u:y'/>"))

        def refuse(iq: object) -> None:
            raise RefusedError("", condition="not-allowed", type="auth")

        session.handle_iq("{u:z}z", refuse)
        come(wire, "<iq type='get' id='1' from='a@b.test/c'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert transport.text == "<iq id='1' to='a@b.test/c' type='result'/>"
        come(wire, "<iq type='set' id='2'><x xmlns='u:x'/></iq>")
        assert transport.text == "<iq id='2' type='result'><y xmlns='u:y'/></iq>"
        come(wire, "<iq type='set' id='3'><z xmlns='u:z'/></iq>")
        assert "type='auth'><not-allowed" in transport.text
        come(wire, "<iq type='set' id='4'><q xmlns='u:q'/></iq>", "<iq type='get' id='5'/>")
        assert transport.text.count("service-unavailable") == 2
        come(wire, "<iq type='result' id='6'/>", "<iq type='odd' id='7'/>", "<iq/>")
        assert transport.text == ""
        await wire.close(None)
        assert transport.text == "</stream:stream>"
        come(wire, "<iq type='get' id='8'/>")
        assert transport.text == "", "nothing may follow the footer"

    run(scenario)


def test_inboxes() -> None:
    async def scenario() -> None:
        session, wire, _ = make_session()
        with session.inbox(lambda each: each.get("id") == "1") as inbox:
            come(wire, "<message id='1'/><message id='2'/><presence id='1'/>")
            assert [each.tag.rpartition("}")[2] for each in inbox.drain()] == [
                "message",
                "presence",
            ]
            assert (inbox.count, len(inbox)) == (2, 0)
            wire.link.connection_lost(None)
            with pytest.raises(ConnectError):
                await inbox.get()
            with pytest.raises(ConnectError):
                list(inbox.drain())
        with session.inbox(lambda each: True) as late, pytest.raises(ConnectError):
            await late.get()

    run(scenario)


# --- acknowledgements ---------------------------------------------------------------------------


def test_acknowledgements_are_asked_for_where_they_are_offered() -> None:
    async def scenario() -> None:
        assert make_session()[0].enabling() == ()
        session, wire, transport = make_session(OFFER)
        session.send(*session.enabling(), client("message"), client("presence"))
        assert transport.text.startswith(f"<enable xmlns='{SM}'/><message/>")
        assert session.enabling() == ()
        waiting = asyncio.ensure_future(session.acknowledged(2, step="send", timeout=5))
        come(wire, f"<enabled xmlns='{SM}'/>", f"<a xmlns='{SM}' h='1'/>")
        await asyncio.sleep(0)
        assert not waiting.done()
        come(wire, f"<a xmlns='{SM}' h='2'/>")
        assert await waiting is True
        with pytest.raises(DeadlineError):
            await session.acknowledged(3, step="send", timeout=0.01)

    run(scenario)


def test_a_stanza_that_could_not_be_sent_is_not_counted() -> None:
    async def scenario() -> None:
        session, _, _ = make_session(OFFER)
        bad = client("message")
        bad.text = "\x00"
        with pytest.raises(UsageError):
            session.send(*session.enabling(), bad)
        assert session.outbound is not None
        assert session.outbound.sent == 0

    run(scenario)


def test_acknowledgements_refused_and_odd() -> None:
    async def scenario() -> None:
        session, wire, _ = make_session(OFFER)
        session.send(*session.enabling(), client("message"))
        come(wire, f"<a xmlns='{SM}' h='x'/>", f"<a xmlns='{SM}'/>", "<a xmlns='u:other' h='1'/>")
        assert session.outbound is not None
        assert session.outbound.acked == 0
        come(wire, f"<failed xmlns='{SM}'/>")
        assert await session.acknowledged(1, step="send") is False

    run(scenario)


def test_too_much_is_acknowledged() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session(OFFER)
        session.trace.enter("send")
        session.send(*session.enabling(), client("message"))
        waiting = asyncio.ensure_future(session.acknowledged(1, step="send", timeout=5))
        await asyncio.sleep(0)
        come(wire, f"<a xmlns='{SM}' h='2'/>")
        with pytest.raises(ConnectError) as caught:
            await waiting
        assert (caught.value.step, caught.value.by) == ("send", "host:1")
        assert transport.aborted

    run(scenario)


def test_what_is_taken_over() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session(OFFER)
        session.send(*session.enabling())
        come(wire, f"<r xmlns='{SM}'/>")
        assert "<a " not in transport.text, "not before <enabled/>"
        come(wire, f"<enabled xmlns='{SM}'/><presence/><iq type='result' id='x'/>")

        def h() -> str:
            transport.text  # noqa: B018 - only what follows is of interest
            come(wire, f"<r xmlns='{SM}'/>")
            return transport.text.partition("h='")[2].partition("'")[0]

        assert h() == "2"
        with session.inbox(lambda each: True, keep=False) as inbox:
            come(wire, "<message id='1'/>")
            assert h() == "2"
            session.handled(await inbox.get())
            assert h() == "3"
        with session.inbox(lambda each: True):
            come(wire, "<message id='2'/>")
        assert h() == "4"
        come(wire, "<message id='3'/>", "<presence/>")
        assert h() == "4", "nobody took the message, so the server has to keep it"

    run(scenario)


# --- the close ----------------------------------------------------------------------------------


@pytest.mark.parametrize("proof", ["answer", "ack", "settle", "nothing sent"])
def test_a_close_that_needs_no_waiting(proof: str) -> None:
    async def scenario() -> None:
        session, wire, transport = make_session(OFFER)
        if proof == "ack":
            session.send(*session.enabling(), client("message"))
            come(wire, f"<enabled xmlns='{SM}'/><a xmlns='{SM}' h='1'/>")
        elif proof == "answer":
            session.send(client("message"))
            task, ident = await asked(session)
            come(wire, f"<iq type='result' id='{ident}'/>")
            await task
        elif proof == "settle":
            session.send(client("presence"))
            session.settle()
        come(wire, "<iq type='get' id='1'/>")  # our answer to it needs no proof
        await session.close(wait=60)
        assert transport.text.endswith("</stream:stream>")
        assert transport.closed

    run(scenario)


def test_a_close_that_has_to_wait() -> None:
    async def scenario() -> None:
        session, _, _ = make_session()
        task, ident = await asked(session, timeout=5)
        come(session._wire, f"<iq type='result' id='{ident}'/>")
        await task
        session.send(client("message"))  # behind the request: its answer proves nothing of it
        with pytest.raises(DeadlineError) as caught:
            await session.close(wait=0.01)
        assert caught.value.step == "close"

    run(scenario)


def test_the_end_without_a_proof_is_told_once() -> None:
    async def scenario() -> None:
        session, wire, _ = make_session()
        session.send(client("message"))
        wire.link.connection_lost(None)
        with pytest.raises(ConnectError):
            await session.close()
        session, wire, _ = make_session()
        task, _ = await asked(session)
        wire.link.connection_lost(None)
        with pytest.raises(ConnectError):
            await task
        await session.close()  # whoever asked knows it already

    run(scenario)


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("abandoned", [True, False])
def test_the_end_waits_for_an_acknowledgement_that_nothing_proved(
    proven: bool, abandoned: bool
) -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        session.inbound = Inbound()
        session.acknowledge()
        if proven:
            pending = session.ask(Element("{u:x}x"))
            session.send(pending.element)
            come(wire, f"<iq type='result' id='{pending.element.get('id')}'/>")
            await session.answer(pending, step="x")
        closing = asyncio.ensure_future(session.abandon() if abandoned else session.close())
        await asyncio.sleep(0.02)
        assert transport.text.endswith("</stream:stream>")
        assert closing.done() is proven
        wire.link.data_received(b"</stream:stream>")
        await asyncio.wait_for(closing, 5)

    asyncio.run(scenario())
