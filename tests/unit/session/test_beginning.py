"""The first exchange: the resource, and what the end of a stream proves."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

import pytest

from tests.unit.session.streams import account, client, make_wire
from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.session import acks, beginning
from xmppctl.session.beginning import Beginning, Begun, Bind
from xmppctl.session.wire import FEATURES, Wire
from xmppctl.session.xml import parse

BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def named(resource: str) -> Account:
    who = account()
    return Account(who.jid._replace(resource=resource))


def result(bind: Bind, jid: str) -> Element:
    inner = f"<bind xmlns='{BIND}'><jid>{jid}</jid></bind>"
    return parse(f"<iq xmlns='jabber:client' type='result' id='{bind.id}'>{inner}</iq>")


def refusal(bind: Bind, condition: str) -> Element:
    error = f"<error type='cancel'><{condition} xmlns='{STANZAS}'/></error>"
    return parse(f"<iq xmlns='jabber:client' type='error' id='{bind.id}'>{error}</iq>")


# --- the resource -------------------------------------------------------------------------------


def test_a_random_resource() -> None:
    binds = [Bind(account(), "host:1") for _ in range(2)]
    names = {bind.request.findtext(f".//{{{BIND}}}resource") for bind in binds}
    assert names == {bind.resource for bind in binds}
    assert len(names) == 2
    assert all(name and name.startswith("xmppctl.") for name in names)
    assert all(bind.own_choice for bind in binds)
    assert len({bind.id for bind in binds}) == 2


def test_the_resource_that_was_asked_for() -> None:
    bind = Bind(named("mine"), "host:1")
    assert bind.request.findtext(f".//{{{BIND}}}resource") == "mine"
    assert not bind.own_choice


def test_the_answer() -> None:
    bind = Bind(account(), "host:1")
    answer = result(bind, "alice@fake.test/given")
    assert bind.answers(answer)
    assert not bind.answers(result(Bind(account(), "host:1"), "alice@fake.test/given"))
    assert not bind.answers(client("message", id=bind.id))
    assert str(bind.outcome(answer)) == "alice@fake.test/given"


@pytest.mark.parametrize("jid", ["", "@", "a@b@c", "a b@c.test"])
def test_a_bound_address_that_is_none(jid: str) -> None:
    bind = Bind(account(), "host:1")
    with pytest.raises(ConnectError) as caught:
        bind.outcome(result(bind, jid))
    assert (caught.value.step, caught.value.condition) == ("bind", "malformed-answer")


def test_a_refusal() -> None:
    bind = Bind(account(), "host:1")
    with pytest.raises(ConnectError) as caught:
        bind.outcome(refusal(bind, "not-allowed"))
    error = caught.value
    assert (error.step, error.condition, error.by) == ("bind", "not-allowed", "host:1")


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", False),
        (f"<session xmlns='{SESSION}'/>", True),
        (f"<session xmlns='{SESSION}'><optional/></session>", False),
        ("<session xmlns='u:x'/>", False),
    ],
)
def test_the_session_of_rfc_3921(inside: str, expected: bool) -> None:
    assert beginning.needs_session(parse(f"<f>{inside}</f>")) is expected
    first, second = beginning.session_request(), beginning.session_request()
    assert first.find(f"{{{SESSION}}}session") is not None
    assert first.get("id") != second.get("id")


# --- what is open -------------------------------------------------------------------------------


class Started:
    """A beginning with a bind under way, and what it tells."""

    def __init__(self, *, guessed: bool = True, who: Account | None = None) -> None:
        self.bind = Bind(who or account(), "host:1")
        self.learned: list[Element] = []
        self.again: list[bool] = []
        self.it = Beginning(
            self.bind, guessed=guessed, learn=self.learned.append, again=self._again, limit=1.0
        )

    async def _again(self, unbound: bool) -> Begun:
        self.again.append(unbound)
        wire, _ = make_wire()
        return Begun(wire, account().jid, parse("<f/>"))

    def features(self, inner: str = f"<sm xmlns='{acks.NS}'/>") -> None:
        element = parse(f"<f>{inner}</f>")
        element.tag = FEATURES
        assert self.it.takes(element)
        self.it.features_came(element)

    def bound(self) -> None:
        answer = result(self.bind, "alice@fake.test/r")
        assert self.it.takes(answer)
        assert str(self.it.bound(answer)) == "alice@fake.test/r"


def test_it_is_over_when_everything_was_answered() -> None:
    start = Started()
    start.it.went_out(acks.ENABLE)
    start.it.went_out(client("message"))
    assert len(start.it.sent) == 2
    start.features()
    assert len(start.learned) == 1
    assert not start.it.known
    start.bound()
    assert start.it.known
    assert not start.it.over
    start.it.enabling_answered()
    assert start.it.over


def test_features_that_nobody_waits_for_are_not_its_own() -> None:
    start = Started(guessed=False)
    element = parse("<f/>")
    element.tag = FEATURES
    assert not start.it.takes(element)
    assert not start.it.known
    start.bound()
    assert start.it.over


def test_only_the_answer_to_the_bind_is_its_own() -> None:
    start = Started()
    assert not start.it.takes(client("iq", id="another", type="result"))
    start.bound()
    assert not start.it.takes(result(start.bind, "alice@fake.test/r"))


def test_an_enable_that_was_passed_over() -> None:
    """ejabberd says nothing to it where it has no stream management."""
    start = Started()
    start.it.went_out(acks.ENABLE)
    start.features("")
    assert start.it.acks_missing
    start.bound()
    assert not start.it.over
    start.it.answered()
    assert start.it.over


# --- what the end proves ------------------------------------------------------------------------


def ended(condition: str, *, by_peer: bool = True) -> tuple[XmppctlError, Wire]:
    async def make() -> Wire:
        return make_wire()[0]

    wire = asyncio.run(make())
    wire.ended_by_peer = by_peer
    return ConnectError("x", condition=condition), wire


UNKNOWN = "unsupported-stanza-type"


@pytest.mark.parametrize(
    ("features", "bound", "answered", "condition", "by_peer", "proves"),
    [
        # before the resource was bound
        (None, False, False, "not-authorized", True, True),
        ("", False, False, "system-shutdown", True, True),
        (None, False, False, "connection-closed", False, False),
        # because of <enable/>
        ("", True, False, UNKNOWN, True, True),
        ("", True, False, "system-shutdown", True, False),
        ("", True, False, "connection-closed", False, False),
        ("", True, True, UNKNOWN, True, False),
        # where <enable/> has a meaning
        (f"<sm xmlns='{acks.NS}'/>", True, False, UNKNOWN, True, False),
    ],
)
def test_what_the_end_of_the_stream_proves(
    features: str | None, bound: bool, answered: bool, condition: str, by_peer: bool, proves: bool
) -> None:
    start = Started()
    start.it.went_out(acks.ENABLE)
    if features is not None:
        start.features(features)
    if bound:
        start.bound()
    if answered:
        start.it.answered()
    assert start.it.unprocessed(*ended(condition, by_peer=by_peer)) is proves


def test_behind_enabled_nothing_is_proven() -> None:
    start = Started()
    start.it.went_out(acks.ENABLE)
    start.features("")
    start.bound()
    start.it.enabling_answered()
    assert not start.it.unprocessed(*ended(UNKNOWN))


def test_where_nothing_was_guessed_nothing_is_proven() -> None:
    start = Started(guessed=False)
    assert not start.it.unprocessed(*ended("not-authorized"))


@pytest.mark.parametrize("guessed", [True, False])
def test_a_resource_that_is_taken_proves_it(guessed: bool) -> None:
    start = Started(guessed=guessed)
    with pytest.raises(ConnectError):
        start.it.bound(refusal(start.bind, "conflict"))
    assert start.it.unprocessed(*ended("conflict", by_peer=False))
    asyncio.run(start.it.again())
    assert start.again == [False]


def test_the_resource_that_was_asked_for_is_not_asked_for_again() -> None:
    start = Started(who=named("mine"))
    with pytest.raises(ConnectError):
        start.it.bound(refusal(start.bind, "conflict"))
    assert not start.it.unprocessed(*ended("conflict", by_peer=False))


def test_a_bind_without_an_answer_is_told() -> None:
    start = Started()
    asyncio.run(start.it.again())
    start.bound()
    asyncio.run(start.it.again())
    assert start.again == [True, False]
