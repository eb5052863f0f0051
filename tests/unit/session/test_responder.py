"""Requests that come in and are answered later: when the work is over, refused, or given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import ConnectError, RefusedError
from xmppctl.session.responder import LATER
from xmppctl.session.stream import Session
from xmppctl.session.xml import parse

SM = "urn:xmpp:sm:3"
OFFER = f"<f><sm xmlns='{SM}'/></f>"


def request(ident: object) -> str:
    return f"<iq type='set' id='{ident}' from='b@x.test/1'><x xmlns='u:x'/></iq>"


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


class Work:
    """A handler whose answers come when ``outcome`` says so; ``ended`` counts what was begun."""

    def __init__(self, session: Session) -> None:
        self.outcome: asyncio.Future[Element | None] = asyncio.get_running_loop().create_future()
        self.begun = self.ended = 0
        session.handle_iq("{u:x}x", self.work)

    async def work(self, iq: Element) -> Element | None:
        self.begun += 1
        try:
            return await asyncio.shield(self.outcome)
        finally:
            self.ended += 1


def run(scenario: Callable[[], object]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


@pytest.mark.parametrize("empty", [True, False])
def test_the_answer_comes_when_the_work_is_done(empty: bool) -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        work = Work(session)
        come(wire, request(1))
        await turns()
        assert (transport.text, work.begun) == ("", 1)
        come(wire, "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert transport.text == "<iq id='p' type='result'/>"  # the others do not wait for it
        work.outcome.set_result(None if empty else parse("<y xmlns='u:y'/>"))
        await turns()
        text = transport.text
        if empty:
            assert text == "<iq id='1' to='b@x.test/1' type='result'/>"
        else:
            assert text == "<iq id='1' to='b@x.test/1' type='result'><y xmlns='u:y'/></iq>"
        await session.give_up()
        assert transport.text == ""

    run(scenario)


def test_a_refusal_has_condition_and_type() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        work = Work(session)
        come(wire, request(1))
        await turns()
        work.outcome.set_exception(RefusedError("", condition="not-acceptable", type="modify"))
        await turns()
        text = transport.text
        assert text.startswith("<iq id='1' to='b@x.test/1' type='error'><error type='modify'>")
        assert "<not-acceptable" in text

    run(scenario)


def test_a_bug_is_answered_too() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, what: told.append(what))
        work = Work(session)
        come(wire, request(1))
        await turns()
        work.outcome.set_exception(ZeroDivisionError())
        await turns()
        assert "<internal-server-error" in transport.text

    run(scenario)


def test_only_some_are_under_way() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        work = Work(session)
        come(wire, *(request(number) for number in range(LATER)))
        await turns()
        assert (transport.text, work.begun) == ("", LATER)
        come(wire, request("more"))
        await turns()
        text = transport.text
        assert "id='more'" in text
        assert "<error type='wait'><resource-constraint" in text
        assert work.begun == LATER
        work.outcome.set_result(None)
        await turns()
        assert transport.text.count("type='result'") == LATER
        come(wire, request("again"))
        await turns()
        assert transport.text == "<iq id='again' to='b@x.test/1' type='result'/>"

    run(scenario)


@pytest.mark.parametrize("abandoned", [True, False])
def test_the_close_gives_up_what_is_under_way(abandoned: bool) -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        work = Work(session)
        come(wire, request(1), request(2))
        await turns()
        closing = asyncio.ensure_future(session.abandon() if abandoned else session.close(wait=5))
        await turns(10)
        text = transport.text
        assert text.count("<error type='wait'><recipient-unavailable") == 2
        assert text.endswith("</stream:stream>")
        assert work.ended == work.begun == 2
        wire.link.data_received(b"</stream:stream>")
        await asyncio.wait_for(closing, 5)
        work.outcome.set_result(None)
        await turns()
        assert transport.text == ""

    run(scenario)


def test_what_has_not_begun_is_given_up_too() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        work = Work(session)
        come(wire, request(1))
        await session.give_up()
        await turns()
        assert work.begun == 0
        assert "<recipient-unavailable" in transport.text

    run(scenario)


def test_the_close_does_not_hang_on_work_that_does_not_end() -> None:
    async def scenario() -> None:
        session, wire, _ = make_session()
        free = asyncio.Event()

        async def stubborn(iq: Element) -> None:
            while not free.is_set():
                try:
                    await free.wait()
                except asyncio.CancelledError:
                    continue

        session.handle_iq("{u:x}x", stubborn)
        come(wire, request(1))
        await turns()
        await asyncio.wait_for(session.abandon(), 3)
        free.set()
        await turns()

    run(scenario)


def test_where_the_stream_ended_nothing_is_answered() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        work = Work(session)
        come(wire, request(1))
        await turns()
        wire.fail(ConnectError("gone", condition="connection-closed"))
        work.outcome.set_result(None)
        await turns()
        assert transport.text == ""
        await session.abandon()

    run(scenario)


def test_the_request_is_acknowledged_at_once_and_the_answer_wants_a_proof() -> None:
    async def scenario() -> None:
        session, wire, transport = make_session(OFFER)
        session.send(*session.enabling())
        come(wire, f"<enabled xmlns='{SM}'/>")
        work = Work(session)
        come(wire, request(1), f"<r xmlns='{SM}'/>")
        assert f"<a xmlns='{SM}' h='1'/>" in transport.text
        await turns()
        work.outcome.set_result(None)
        await turns()
        assert "type='result'" in transport.text
        closing = asyncio.ensure_future(session.close(wait=5))
        await turns()
        assert not closing.done(), "the server has not proven that it has the answer"
        wire.link.data_received(b"</stream:stream>")
        await asyncio.wait_for(closing, 5)

    run(scenario)
