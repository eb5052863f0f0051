"""From a stream to a session, and what is left behind for the next one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.servers.scram import ScramServer
from tests.unit.session.streams import (
    HEADER,
    FakeMemory,
    FakeTls,
    FakeWire,
    Transport,
    account,
    come,
    make_wire,
)
from xmppctl.errors import AuthError, ConnectError
from xmppctl.model.account import Account
from xmppctl.model.memory import Known
from xmppctl.session import reach, tls
from xmppctl.session.connect import Clock
from xmppctl.session.entry import Entry
from xmppctl.session.secret import Secret
from xmppctl.session.stream import Session
from xmppctl.session.trace import Trace
from xmppctl.session.xml import parse

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SM = "<sm xmlns='urn:xmpp:sm:3'/>"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
PLACE = ("host.test", "192.0.2.1", 5223, True)


class Server:
    """A server of a few lines; each stream to it is one of ``flights``, all that came in turn.

    ``dislikes``: it hangs up where one of these texts comes with a stream header.
    ``conflicts``: how many resources it refuses.
    """

    def __init__(self, *mechanisms: str) -> None:
        self.mechanisms = mechanisms or ("SCRAM-SHA-1",)
        self.features = SM
        self.dislikes: frozenset[str] = frozenset()
        self.conflicts = 0
        self.flights: list[list[str]] = []
        self.resources: list[str] = []
        self._scram: ScramServer | None = None

    async def serve(self, wire: FakeWire, transport: Transport) -> None:
        mine: list[str] = []
        self.flights.append(mine)
        logged_in = False
        while True:
            while not transport.written:
                await asyncio.sleep(0)
            text = transport.text
            mine.append(text)
            if "<stream:stream" in text:
                if any(each in text for each in self.dislikes):
                    wire.link.connection_lost(None)
                    return
                inner = self.features if logged_in else self._offer()
                if logged_in:
                    inner += f"<bind xmlns='{BIND}'/>"
                come(wire, f"{HEADER}<stream:features>{inner}</stream:features>")
            if "mechanism='ANONYMOUS'" in text:
                come(wire, f"<success xmlns='{SASL}'/>")
                logged_in = True
            elif "<auth " in text:
                self._scram = ScramServer("SCRAM-SHA-1", "pass")
                challenge = self._scram.challenge(_data(text, "auth"))
                come(wire, f"<challenge xmlns='{SASL}'>{_b64(challenge)}</challenge>")
            if "<response " in text:
                assert self._scram is not None
                final = self._scram.final(_data(text, "response"))
                if final is None:
                    come(wire, f"<failure xmlns='{SASL}'><not-authorized/></failure>")
                    continue
                come(wire, f"<success xmlns='{SASL}'>{_b64(final)}</success>")
                logged_in = True
            if "<resource>" in text:
                self._bind(wire, text)

    def _offer(self) -> str:
        listed = "".join(f"<mechanism>{name}</mechanism>" for name in self.mechanisms)
        return f"<mechanisms xmlns='{SASL}'>{listed}</mechanisms>"

    def _bind(self, wire: FakeWire, text: str) -> None:
        name = text.partition("<resource>")[2].partition("<")[0]
        ident = text.partition("id='bind")[2].partition("'")[0]
        self.resources.append(name)
        if len(self.resources) <= self.conflicts:
            error = f"<error type='cancel'><conflict xmlns='{STANZAS}'/></error>"
            come(wire, f"<iq type='error' id='bind{ident}'>{error}</iq>")
            return
        inner = f"<bind xmlns='{BIND}'><jid>alice@fake.test/{name}</jid></bind>"
        come(wire, f"<iq type='result' id='bind{ident}'>{inner}</iq>")


def _data(text: str, name: str) -> bytes:
    inner = text.partition(f"<{name} ")[2].partition(">")[2].partition("<")[0]
    return base64.b64decode(inner)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a body in a session: ``enter(server, who, body)``."""
    monkeypatch.setattr(tls, "channel_bindings", lambda tls_object: {})

    def enter(
        server: Server, who: Account, body: Callable[[Session], Awaitable[Any]], **more: Any
    ) -> Any:
        tasks = []

        async def reached(
            account: Account, trace: Trace, clock: Clock, greet: Callable[..., Any], early: object
        ) -> FakeWire:
            wire, transport = make_wire(trace, opened=False)
            wire.tls, wire.place = FakeTls(), PLACE
            greet(wire)
            tasks.append(asyncio.ensure_future(server.serve(wire, transport)))
            await wire.ready(1, "stream")
            return wire

        async def scenario() -> Any:
            secret = Secret(who)
            secret.get()
            entry = Entry(who, Trace(), secret, **more)
            try:
                session = await entry.session(Clock(2))
                try:
                    return await asyncio.wait_for(body(session), 2)
                finally:
                    await session.abandon()
            finally:
                for task in tasks:
                    task.cancel()

        monkeypatch.setattr(reach, "reach", reached)
        return asyncio.run(scenario())

    return enter


def user(memory: FakeMemory | None = None, **more: Any) -> Account:
    return account(password=lambda: "pass", memory=memory, **{"timeout": 1, **more})


async def jid(session: Session) -> str:
    await session.settled()
    return str(session.jid)


KNOWN = Known(mechanisms=("SCRAM-SHA-1",), features=f"<f>{SM}<bind xmlns='{BIND}'/></f>")


# --- the way in ---------------------------------------------------------------------------------


def test_a_first_session(enter: Callable[..., Any]) -> None:
    server, memory = Server(), FakeMemory()

    async def body(session: Session) -> bool:
        return session.settled_now

    assert enter(server, user(memory), body) is True
    (flights,) = server.flights
    assert [each in flights[0] for each in ("<stream:stream", "<auth ")] == [True, False]
    assert memory.guess is not None
    assert memory.guess.mechanisms == ("SCRAM-SHA-1",)
    assert memory.guess.place == PLACE
    assert memory.guess.patience == 0
    assert parse(memory.guess.features).find("{urn:xmpp:sm:3}sm") is not None


def test_a_later_session_sends_its_operation_with_the_bind(enter: Callable[..., Any]) -> None:
    server, memory = Server(), FakeMemory(KNOWN)

    async def body(session: Session) -> str:
        assert not session.settled_now
        session.send("<operation/>")
        return await jid(session)

    assert enter(server, user(memory), body) == f"alice@fake.test/{server.resources[0]}"
    (flights,) = server.flights
    assert len(flights) == 3
    assert "<auth " in flights[0]
    assert "<response " in flights[1]
    order = [flights[2].index(each) for each in ("<stream:stream", "<resource>", "<operation/>")]
    assert order == sorted(order)


def test_nothing_goes_before_the_success(enter: Callable[..., Any]) -> None:
    server = Server()
    enter(server, user(FakeMemory(KNOWN)), jid)
    assert all("<resource>" not in each for each in server.flights[0][:2])


def test_who_is_anonymous_has_no_name_before_the_answer(enter: Callable[..., Any]) -> None:
    async def body(session: Session) -> bool:
        return session.settled_now

    server = Server("ANONYMOUS")
    memory = FakeMemory(KNOWN._replace(mechanisms=("ANONYMOUS",)), keeps=False)
    assert enter(server, account(anonymous=True, memory=memory, timeout=1), body) is True
    assert "<auth " in server.flights[0][0]


# --- guesses that were wrong --------------------------------------------------------------------


@pytest.mark.parametrize("disliked", ["<auth ", "<resource>"])
def test_a_server_that_wants_one_thing_at_a_time(enter: Callable[..., Any], disliked: str) -> None:
    server, memory = Server(), FakeMemory()
    server.dislikes = frozenset({disliked})
    if disliked == "<auth ":
        memory.guess = KNOWN
    assert enter(server, user(memory), jid).startswith("alice@fake.test/")
    assert len(server.flights) == 2
    assert memory.forgotten == 1
    assert memory.guess is not None
    assert memory.guess.patience > 0
    # the next one knows
    server.flights.clear()
    enter(server, user(memory), jid)
    assert len(server.flights) == 1
    # and when the time is over it is tried once more
    memory.guess = memory.guess._replace(patience=1.0)
    server.flights.clear()
    server.dislikes = frozenset()
    enter(server, user(memory), jid)
    assert "<auth " in server.flights[0][0]
    assert memory.guess.patience == 0


def test_without_a_memory(enter: Callable[..., Any]) -> None:
    server = Server()
    server.dislikes = frozenset({"<resource>"})
    assert enter(server, user(), jid).startswith("alice@fake.test/")
    assert len(server.flights) == 2


def test_a_wrong_password_is_sent_once(enter: Callable[..., Any]) -> None:
    server = Server()
    who = account(password=lambda: "another", memory=FakeMemory(KNOWN), timeout=1)
    with pytest.raises(AuthError) as caught:
        enter(server, who, jid)
    assert caught.value.condition == "not-authorized"
    assert len(server.flights) == 1


def test_features_that_cannot_be_read_are_no_guess(enter: Callable[..., Any]) -> None:
    for features in ("", "<f>", "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"):
        memory = FakeMemory(KNOWN._replace(features=features))
        assert enter(Server(), user(memory), jid).startswith("alice@fake.test/")


# --- the resource -------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [None, KNOWN], ids=["first", "later"])
def test_a_resource_that_is_taken(enter: Callable[..., Any], known: Known | None) -> None:
    server = Server()
    server.conflicts = 1
    found = enter(server, user(FakeMemory(known)), jid)
    assert len(set(server.resources)) == 2
    assert found == f"alice@fake.test/{server.resources[1]}"


@pytest.mark.parametrize("known", [None, KNOWN], ids=["first", "later"])
def test_a_resource_by_name_is_asked_for_once(
    enter: Callable[..., Any], known: Known | None
) -> None:
    server = Server()
    server.conflicts = 9
    who = user(FakeMemory(known))
    who = Account(
        who.jid._replace(resource="mine"), password=who.password, memory=who.memory, timeout=1
    )
    with pytest.raises(ConnectError) as caught:
        enter(server, who, jid)
    assert (caught.value.step, caught.value.condition) == ("bind", "conflict")
    assert server.resources == ["mine"]
