"""A session that is about to bind: what is a guess, and what is done again; asides."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

import pytest

from tests.unit.session.streams import (
    FakeWire,
    Transport,
    account,
    client,
    come,
    make_session,
    make_wire,
)
from tests.unit.session.test_stream import OFFER, PING, SM, STANZAS, asked, run
from xmppctl.errors import ConnectError, DeadlineError, XmppctlError
from xmppctl.session import acks
from xmppctl.session.beginning import Beginning, Begun, Bind
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import parse

BIND_NS = "urn:ietf:params:xml:ns:xmpp-bind"

# --- the beginning ------------------------------------------------------------------------------


class Early:
    """A session that is about to bind, on a server whose features are a guess."""

    def __init__(self, guess: str = OFFER, *, guessed: bool = True, limit: float = 5) -> None:
        self.wire, self.transport = make_wire()
        self.bind = Bind(account(), "host:1")
        self.learned: list[Element] = []
        self.again: list[bool] = []
        self.fresh: tuple[FakeWire, Transport] | None = None
        self.features = OFFER
        self.failure: XmppctlError | None = None
        start = Beginning(
            self.bind,
            guessed=guessed,
            learn=self.learned.append,
            again=self._again,
            limit=limit,
        )
        jid = account().jid._replace(resource=self.bind.resource)
        self.session = Session(self.wire, account(), jid, parse(guess), self.wire.trace, start)

    async def _again(self, unbound: bool) -> Begun:
        self.again.append(unbound)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        self.fresh = make_wire()
        return Begun(self.fresh[0], account().jid._replace(resource="new"), parse(self.features))

    def come_features(self, inner: str = f"<sm xmlns='{SM}'/>") -> None:
        come(self.wire, f"<stream:features>{inner}</stream:features>")

    def come_bound(self, jid: str = "alice@fake.test/given") -> None:
        bind = f"<bind xmlns='{BIND_NS}'><jid>{jid}</jid></bind>"
        come(self.wire, f"<iq type='result' id='{self.bind.id}'>{bind}</iq>")

    def come_conflict(self) -> None:
        error = f"<error type='cancel'><conflict xmlns='{STANZAS}'/></error>"
        come(self.wire, f"<iq type='error' id='{self.bind.id}'>{error}</iq>")

    def come_end(self, condition: str) -> None:
        ns = "urn:ietf:params:xml:ns:xmpp-streams"
        come(self.wire, f"<stream:error><{condition} xmlns='{ns}'/></stream:error>")

    async def revived(self) -> tuple[FakeWire, str]:
        """The new wire, and what was sent on it."""
        for _ in range(20):
            await asyncio.sleep(0)
        assert self.fresh is not None
        return self.fresh[0], self.fresh[1].text


def test_what_is_known_before_the_answer_is_a_guess() -> None:
    async def scenario() -> None:
        early = Early("<f><old xmlns='u:x'/></f>")
        session = early.session
        settled = asyncio.ensure_future(session.settled())
        await asyncio.sleep(0)
        assert not session.settled_now
        assert session.offers("{u:x}old")
        early.come_features("<new xmlns='u:x'/>")
        await asyncio.sleep(0)
        assert not settled.done(), "the resource is still to come"
        assert (session.offers("{u:x}old"), session.offers("{u:x}new")) == (False, True)
        assert len(early.learned) == 1
        early.come_bound()
        await settled
        assert str(session.jid) == "alice@fake.test/given"
        assert session.settled_now

    run(scenario)


def test_the_answer_to_the_bind_is_nobody_elses() -> None:
    async def scenario() -> None:
        early = Early()
        with early.session.inbox(lambda each: True) as inbox:
            early.come_features()
            early.come_bound()
            come(early.wire, "<message/>")
            assert [each.tag for each in inbox.drain()] == [MESSAGE]

    run(scenario)


def test_a_session_that_waited_is_settled() -> None:
    async def scenario() -> None:
        session, _, _ = make_session()
        assert session.settled_now
        await session.settled()

    run(scenario)


def test_a_bind_without_an_answer() -> None:
    async def scenario() -> None:
        early = Early(limit=0.01)
        task, _ = await asked(early.session, timeout=5)
        with pytest.raises(DeadlineError) as caught:
            await task
        assert caught.value.step == "bind"
        with pytest.raises(DeadlineError):
            await early.session.settled()
        assert early.transport.aborted
        await early.session.close()

    run(scenario)


def test_the_limit_is_that_of_the_beginning_alone() -> None:
    async def scenario() -> None:
        early = Early(limit=0.01)
        early.come_features()
        early.come_bound()
        await asyncio.sleep(0.03)
        assert early.wire.error is None

    run(scenario)


def test_an_end_before_the_answer_is_told_to_who_waits_to_be_settled() -> None:
    async def scenario() -> None:
        early = Early()
        settled = asyncio.ensure_future(early.session.settled())
        await asyncio.sleep(0)
        early.wire.link.connection_lost(None)
        with pytest.raises(ConnectError):
            await settled
        assert early.again == [], "a connection that broke proves nothing"

    run(scenario)


@pytest.mark.parametrize("offers", [True, False])
def test_what_was_not_processed_is_done_on_a_new_stream(offers: bool) -> None:
    async def scenario() -> None:
        early = Early()
        early.features = OFFER if offers else "<f/>"
        session = early.session
        session.send(*session.enabling(), client("message", id="m"), acks.REQUEST)
        task, ident = await asked(session, timeout=5)
        early.come_end("not-authorized")
        session.send(client("presence"))  # while the new stream is on its way
        wire, text = await early.revived()
        names = ["<enable", "<message", "<r ", "<iq", "<presence"]
        found = [name for name in names if name in text]
        assert found == (names if offers else ["<message", "<iq", "<presence"])
        assert [text.index(name) for name in found] == sorted(text.index(name) for name in found)
        assert text.count("<message") == 1
        assert early.again == [True]
        assert str(session.jid) == "alice@fake.test/new"
        assert (session.outbound is not None) is offers
        with session.inbox(lambda each: True) as inbox:
            come(wire, "<message/>", f"<iq type='result' id='{ident}'/>")
            assert len(inbox) == 1
        assert await task is None
        await session.settled()
        session.send(client("message"))
        assert early.fresh is not None
        assert early.fresh[1].text == "<message/>"

    run(scenario)


def test_acknowledgements_count_on_the_new_stream() -> None:
    async def scenario() -> None:
        early = Early()
        session = early.session
        session.send(*session.enabling(), client("message"), client("message"))
        waiting = asyncio.ensure_future(session.acknowledged(2, step="send", timeout=5))
        early.come_end("not-authorized")
        wire, _ = await early.revived()
        assert not waiting.done()
        come(wire, f"<enabled xmlns='{SM}'/><a xmlns='{SM}' h='2'/>")
        assert await waiting is True
        await session.close(wait=60)

    run(scenario)


def test_a_resource_that_is_taken() -> None:
    async def scenario() -> None:
        early = Early(guessed=False)
        early.session.send(client("message"))
        early.come_conflict()
        _, text = await early.revived()
        assert text == "<message/>"
        assert early.again == [False]
        assert early.transport.closed or early.transport.aborted

    run(scenario)


def test_a_new_stream_that_fails_is_told_to_everybody() -> None:
    async def scenario() -> None:
        early = Early()
        early.failure = ConnectError("no way", condition="connection-refused")
        session = early.session
        settled = asyncio.ensure_future(session.settled())
        task, _ = await asked(session, timeout=5)
        with session.inbox(lambda each: True) as inbox:
            early.come_end("not-authorized")
            for waiting in (task, settled, inbox.get()):
                with pytest.raises(ConnectError, match="no way"):
                    await waiting  # type: ignore[misc]
        await session.close()

    run(scenario)


def test_who_leaves_does_not_wait_for_a_new_stream() -> None:
    async def scenario() -> None:
        early = Early()
        early.session.send(client("message"))
        early.come_end("not-authorized")
        await early.session.abandon()
        for _ in range(5):
            await asyncio.sleep(0)
        assert early.fresh is None

    run(scenario)


def test_a_close_waits_for_what_is_done_again() -> None:
    async def scenario() -> None:
        early = Early()
        early.session.send(client("message"))
        early.come_end("not-authorized")
        closing = asyncio.ensure_future(early.session.close(wait=5))
        wire, text = await early.revived()
        assert text == "<message/></stream:stream>"
        assert not closing.done()
        come(wire, "</stream:stream>")
        await closing

    run(scenario)


def test_a_server_that_passes_over_enable() -> None:
    async def scenario() -> None:
        early = Early()
        session = early.session
        session.send(*session.enabling(), client("message"))
        waiting = asyncio.ensure_future(session.acknowledged(1, step="send", timeout=5))
        await asyncio.sleep(0)
        early.come_features("")
        assert await waiting is False
        early.come_bound()
        task, ident = await asked(session, timeout=5)
        come(early.wire, f"<iq type='result' id='{ident}'/>")
        await task
        early.come_end("unsupported-stanza-type")
        await asyncio.sleep(0)
        assert early.again == [], "the answer shows that all of it was processed"

    run(scenario)


# --- asides -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("<iq type='result' id='@' from='fake.test'><x xmlns='u:x'/></iq>", 1),
        ("<iq type='error' id='@' from='fake.test'/>", 0),
        ("<iq type='result' id='@' from='evil.test'/>", 0),
        ("</stream:stream>", 0),
        ("", 0),
    ],
)
def test_a_question_that_nobody_waits_for(answer: str, told: int) -> None:
    async def scenario() -> None:
        session, wire, transport = make_session()
        answers: list[Element] = []
        session.ask_aside(PING, to="fake.test", answered=answers.append)
        (ident,) = session._pending
        assert f"id='{ident}'" in transport.text
        come(wire, answer.replace("@", ident))
        await asyncio.sleep(0)
        assert len(answers) == told

    run(scenario)
