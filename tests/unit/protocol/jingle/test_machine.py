"""The session apart from any wire: the XEPs' flows, what does not fit, any order of events."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.protocol.jingle import elements, files, transports
from xmppctl.protocol.jingle.actions import Accepted, Activate, Begin, Dial, Ended, Say, Told
from xmppctl.protocol.jingle.elements import ACTIONS, Content, Jingle, Reason
from xmppctl.protocol.jingle.machine import Machine, State
from xmppctl.protocol.jingle.transports import Candidate, Ibb, Info, S5b
from xmppctl.session.responder import RefusalError
from xmppctl.session.xml import parse, serialise

ROMEO, JULIET, SID = "romeo@montague.example/a", "juliet@capulet.example/b", "851ba2"
FILE = files.File(name="test.txt", size=6144, hashes={"sha-256": "0" * 64})
DIRECT = Candidate("hft54dqy", "192.168.4.1", 5086, ROMEO, 8257636)
RELAY = Candidate("xmdh4b7i", "10.0.0.1", 7625, "streamer.shakespeare.lit", 7878787, "proxy")
THEIRS = Candidate("ht567dq", "192.169.1.10", 6539, JULIET, 8257606)
OFFER = S5b("vj3hs98y", (DIRECT, RELAY), None)
BLOCKS = Ibb("ch3d9s71", 4096)
LIMIT = Ibb("any", 2048)


def content() -> Content:
    return Content("initiator", "file", "initiator", description=files.write(FILE))


def initiator(transport: Any = OFFER, fallback: Ibb | None = BLOCKS) -> Machine:
    machine = Machine("initiator", ROMEO, JULIET, SID, content(), transport, fallback=fallback)
    machine.initiate()
    return machine


def responder(transport: Any = OFFER, fallback: Ibb | None = LIMIT) -> Machine:
    return Machine("responder", JULIET, ROMEO, SID, content(), transport, fallback=fallback)


def action(name: str, transport: Any = None, *infos: Info, description: Any = None) -> Jingle:
    element = None if transport is None else transports.write(transport, *infos)
    told = Content("initiator", "file", description=description, transport=element)
    return Jingle(name, SID, contents=(told,))


def accept(transport: Any, file: files.File = FILE) -> Jingle:
    return action("session-accept", transport, description=files.write(file))


def said(actions: list[Any]) -> list[str]:
    return [each.jingle.action for each in actions if isinstance(each, Say)]


def kinds(actions: list[Any]) -> list[type]:
    return [type(each) for each in actions]


def refused(machine: Machine, jingle: Jingle) -> tuple[str | None, str | None]:
    with pytest.raises(RefusalError) as caught:
        machine.receive(jingle)
    detail = (caught.value.detail or "").rpartition("}")[2] or None
    return caught.value.condition, detail


# --- XEP-0261 and XEP-0260


def test_in_band_with_the_smaller_blocks() -> None:
    machine = initiator(BLOCKS)
    actions = machine.receive(accept(Ibb("ch3d9s71", 2048)))
    assert actions == [Accepted(FILE), Begin(Ibb("ch3d9s71", 2048))]
    assert machine.state is State.ACTIVE


def test_larger_blocks_are_not_taken() -> None:
    machine = initiator(BLOCKS)
    assert machine.receive(accept(Ibb("ch3d9s71", 65535)))[1] == Begin(BLOCKS)


def test_the_better_candidate_counts() -> None:
    machine = initiator()
    actions = machine.receive(accept(S5b("vj3hs98y", (THEIRS,))))
    assert kinds(actions) == [Accepted, Dial]
    assert said(machine.dialled(THEIRS)) == ["transport-info"]
    used = action("transport-info", S5b("vj3hs98y"), Info("candidate-used", "hft54dqy"))
    (begin,) = machine.receive(used)
    assert begin == Begin(OFFER, DIRECT, mine=True)


def test_of_two_that_are_as_good_the_initiators_choice_counts() -> None:
    equal = Candidate("x", "h", 1, JULIET, DIRECT.priority)
    nominate = transports.nominate
    assert nominate(equal, DIRECT, initiator=True) == transports.Nominated(equal, mine=False)
    assert nominate(equal, DIRECT, initiator=False) == transports.Nominated(DIRECT, mine=True)


def test_a_proxy_is_activated_by_who_offered_it() -> None:
    machine = initiator()
    machine.receive(accept(S5b("vj3hs98y")))
    assert said(machine.dialled(None)) == ["transport-info"]
    used = action("transport-info", S5b("vj3hs98y"), Info("candidate-used", "xmdh4b7i"))
    assert machine.receive(used) == [Activate(RELAY)]
    info, begin = machine.activated(RELAY, ok=True)
    assert "activated" in serialise(elements.write(info.jingle))
    assert begin == Begin(OFFER, RELAY, mine=True)


def test_who_did_not_offer_the_proxy_waits() -> None:
    machine = responder()
    assert kinds(machine.accept(FILE, S5b("vj3hs98y"))) == [Say, Dial]
    failed = action("transport-info", S5b("vj3hs98y"), Info("candidate-error"))
    assert machine.receive(failed) == []
    assert kinds(machine.dialled(RELAY)) == [Say]
    ready = action("transport-info", S5b("vj3hs98y"), Info("activated", "xmdh4b7i"))
    assert machine.receive(ready) == [Begin(S5b("vj3hs98y"), RELAY)]


def test_a_proxy_that_fails_leads_in_band() -> None:
    machine = initiator()
    machine.receive(accept(S5b("vj3hs98y")))
    machine.dialled(None)
    machine.receive(action("transport-info", S5b("vj3hs98y"), Info("candidate-used", "xmdh4b7i")))
    assert said(machine.activated(RELAY, ok=False)) == ["transport-info", "transport-replace"]
    assert machine.receive(action("transport-accept", Ibb("ch3d9s71", 2048))) == [
        Begin(Ibb("ch3d9s71", 2048))
    ]


def test_no_candidate_leads_in_band() -> None:
    machine = responder()
    machine.accept(FILE, S5b("vj3hs98y"))
    machine.dialled(None)
    failed = action("transport-info", S5b("vj3hs98y"), Info("candidate-error"))
    assert machine.receive(failed) == []
    say, begin = machine.receive(action("transport-replace", BLOCKS))
    assert said([say]) == ["transport-accept"]
    assert begin == Begin(Ibb("ch3d9s71", 2048))


def test_without_a_fallback_it_is_over() -> None:
    machine = initiator(fallback=None)
    machine.receive(accept(S5b("vj3hs98y")))
    machine.dialled(None)
    failed = action("transport-info", S5b("vj3hs98y"), Info("candidate-error"))
    say, ended = machine.receive(failed)
    assert said([say]) == ["session-terminate"]
    assert ended == Ended(Reason("connectivity-error"), by_peer=False)


def test_who_takes_nothing_in_band_says_so() -> None:
    machine = responder(fallback=None)
    machine.accept(FILE, S5b("vj3hs98y"))
    assert said(machine.receive(action("transport-replace", BLOCKS))) == ["transport-reject"]


def test_a_rejected_replacement_is_the_end() -> None:
    machine = initiator()
    machine.receive(accept(S5b("vj3hs98y")))
    machine.dialled(None)
    machine.receive(action("transport-info", S5b("vj3hs98y"), Info("candidate-error")))
    assert said(machine.receive(action("transport-reject", BLOCKS))) == ["session-terminate"]


def test_a_choice_before_the_acceptance_is_kept() -> None:
    machine = initiator()
    used = action("transport-info", S5b("vj3hs98y"), Info("candidate-used", "hft54dqy"))
    assert machine.receive(used) == []
    machine.receive(accept(S5b("vj3hs98y")))
    assert machine.dialled(None)[-1] == Begin(OFFER, DIRECT, mine=True)


# --- XEP-0166: what does not fit


def test_both_replace_the_transport() -> None:
    machine = initiator()
    machine.receive(accept(S5b("vj3hs98y")))
    machine.dialled(None)
    machine.receive(action("transport-info", S5b("vj3hs98y"), Info("candidate-error")))
    replace = action("transport-replace", Ibb("other", 4096))
    assert refused(machine, replace) == ("conflict", "tie-break")


@pytest.mark.parametrize(
    ("jingle", "condition", "detail"),
    [
        (action("transport-accept", BLOCKS), "unexpected-request", "out-of-order"),
        (action("transport-reject", BLOCKS), "unexpected-request", "out-of-order"),
        (action("session-initiate", OFFER), "unexpected-request", "out-of-order"),
        (action("content-accept", OFFER), "unexpected-request", "out-of-order"),
        (Jingle("security-info", SID), "feature-not-implemented", "unsupported-info"),
        (
            Jingle("session-info", SID, info=(parse("<ringing xmlns='u:x'/>"),)),
            "feature-not-implemented",
            "unsupported-info",
        ),
        (
            Jingle("session-accept", SID, contents=(Content("initiator", "other"),)),
            "item-not-found",
            None,
        ),
        (
            action("transport-info", S5b("vj3hs98y"), Info("candidate-used", "nothing")),
            "item-not-found",
            None,
        ),
        (
            action("transport-info", S5b("another"), Info("candidate-error")),
            "feature-not-implemented",
            "unsupported-info",
        ),
    ],
)
def test_refused_while_the_offer_waits(jingle: Jingle, condition: str, detail: str | None) -> None:
    assert refused(initiator(), jingle) == (condition, detail)


def test_what_is_over_is_not_known() -> None:
    machine = initiator()
    machine.end(Reason("cancel"))
    assert refused(machine, accept(OFFER)) == ("item-not-found", "unknown-session")
    assert machine.end(Reason("cancel")) == machine.received() == machine.lost() == []


def test_is_anybody_there() -> None:
    assert initiator().receive(Jingle("session-info", SID)) == []


def test_another_file_is_rejected_and_the_first_goes_on() -> None:
    machine = initiator()
    add = Jingle("content-add", SID, contents=(Content("responder", "more"),))
    (reject,) = machine.receive(add)
    assert reject.jingle.action == "content-reject"
    assert reject.jingle.content == Content("responder", "more")
    assert machine.state is State.PENDING


def test_without_its_content_the_session_ends() -> None:
    (say, ended) = initiator().receive(action("content-reject"))
    assert said([say]) == ["session-terminate"]
    assert ended.by_peer


def test_the_transport_must_be_the_one_that_was_offered() -> None:
    for other in (BLOCKS, S5b("another")):
        assert said(initiator().receive(accept(other))) == ["session-terminate"]


def test_the_checksum_and_the_receipt() -> None:
    machine = initiator()
    told = parse(
        "<checksum xmlns='urn:xmpp:jingle:apps:file-transfer:5' creator='initiator' name='file'>"
        "<file><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</hash></file></checksum>"
    )
    (action_,) = machine.receive(Jingle("session-info", SID, info=(told,)))
    assert action_ == Told(files.File(hashes={"sha-256": "0" * 64}))
    received = files.received("initiator", "file")
    assert machine.receive(Jingle("session-info", SID, info=(received,))) == [Told(None)]
    other = files.received("initiator", "another")
    assert refused(machine, Jingle("session-info", SID, info=(other,)))[0] == "item-not-found"


# --- any order of events

SIDS = st.sampled_from(["vj3hs98y", "ch3d9s71", "other"])
CANDIDATES = st.sampled_from([DIRECT, RELAY, THEIRS])
TRANSPORTS = st.one_of(
    st.none(),
    st.builds(Ibb, SIDS, st.integers(1, 65535)),
    st.builds(S5b, SIDS, st.lists(CANDIDATES, max_size=2).map(tuple)),
)
INFOS = st.one_of(
    st.builds(
        Info,
        st.sampled_from(["candidate-used", "activated"]),
        CANDIDATES.map(lambda each: each.cid),
    ),
    st.builds(Info, st.sampled_from(["candidate-error", "proxy-error"])),
)


@st.composite
def spoken(draw: st.DrawFn) -> Jingle:
    transport = draw(TRANSPORTS)
    infos = draw(st.lists(INFOS, max_size=1)) if isinstance(transport, S5b) else []
    element = None if transport is None else transports.write(transport, *infos)
    told = Content(
        draw(st.sampled_from(["initiator", "responder"])),
        draw(st.sampled_from(["file", "file", "file", "other"])),
        description=draw(st.sampled_from([None, files.write(FILE)])),
        transport=element,
    )
    info = draw(st.sampled_from([(), (files.received("initiator", "file"),)]))
    name = draw(st.sampled_from(sorted(ACTIONS)))
    contents = draw(st.sampled_from([(), (told,), (told,)]))
    return Jingle(name, SID, contents=contents, info=info)


LOCAL = st.one_of(
    st.tuples(st.just("dialled"), st.one_of(st.none(), CANDIDATES)),
    st.tuples(st.just("activated"), CANDIDATES, st.booleans()),
    st.tuples(st.just("accept"), TRANSPORTS),
    st.just(("received",)),
    st.just(("end",)),
    st.just(("lost",)),
)


def happen(machine: Machine, event: Any) -> list[Any]:
    if isinstance(event, Jingle):
        try:
            return machine.receive(event)
        except RefusalError:
            return []
    name, *rest = event
    if name == "dialled":
        return machine.dialled(rest[0])
    if name == "activated":
        return machine.activated(rest[0], ok=rest[1])
    if name == "accept":
        return machine.accept(FILE, machine.transport)
    if name == "end":
        return machine.end(Reason("cancel"))
    return getattr(machine, name)()


@given(
    st.booleans(),
    st.sampled_from([OFFER, BLOCKS]),
    st.sampled_from([None, Ibb("spare", 4096)]),
    st.lists(st.one_of(spoken(), spoken(), LOCAL), max_size=12),
)
def test_any_order_of_events_leads_to_one_end(
    first: bool, transport: Any, fallback: Ibb | None, events: list[Any]
) -> None:
    machine = initiator(transport, fallback) if first else responder(transport, fallback)
    over = 0
    for event in events:
        before = machine.state
        actions = happen(machine, event)
        ended = sum(isinstance(each, Ended) for each in actions)
        over += ended
        assert (machine.state is State.ENDED) == bool(over)
        if before is State.ENDED:
            assert actions == []
        for each in actions:
            if isinstance(each, Say):  # whatever is said can be read again
                assert elements.read(parse(serialise(elements.write(each.jingle))))
            if isinstance(each, Begin):
                assert machine.state is State.ACTIVE
    assert over <= 1
    machine.end(Reason("cancel"))
    assert machine.state is State.ENDED


@given(
    st.one_of(st.none(), st.just(THEIRS)),
    st.sampled_from([None, DIRECT, RELAY]),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_two_machines_agree(
    one: Candidate | None, two: Candidate | None, relay: bool, fallback: bool, order: Any
) -> None:
    """Both sides come to the same bytestream, or to the end, in whatever order things arrive."""
    spare = Ibb("spare", 4096) if fallback else None
    left = Machine("initiator", ROMEO, JULIET, SID, content(), OFFER, fallback=spare)
    right = responder()
    wires: dict[bool, deque[Any]] = {True: deque(), False: deque()}
    begun: dict[bool, list[Any]] = {True: [], False: []}
    work: list[Any] = []

    def perform(side: bool, actions: list[Any]) -> None:
        for each in actions:
            if isinstance(each, Say):
                wires[not side].append(each.jingle)
            elif isinstance(each, Dial):
                work.append((side, "dialled", one if side else two))
            elif isinstance(each, Activate):
                work.append((side, "activated", each.candidate))
            elif isinstance(each, Begin | Ended):
                begun[side].append(each)

    perform(True, left.initiate())
    assert wires[False].popleft().action == "session-initiate"
    perform(False, right.accept(FILE, S5b("vj3hs98y", (THEIRS,))))
    while work or wires[True] or wires[False]:
        choices = [side for side in (True, False) if wires[side]]
        choices += [None] * bool(work)  # type: ignore[list-item]
        side = order.choice(choices)
        if side is None:
            who, name, candidate = work.pop(order.randrange(len(work)))
            machine = left if who else right
            if name == "dialled":
                perform(who, machine.dialled(candidate))
            else:
                perform(who, machine.activated(candidate, ok=relay))
        else:
            jingle = wires[side].popleft()
            perform(side, (left if side else right).receive(jingle))
    (mine,), (yours,) = begun[True], begun[False]
    assert type(mine) is type(yours)
    if isinstance(mine, Begin):
        assert mine.transport.sid == yours.transport.sid
        assert mine.candidate == yours.candidate
        if mine.candidate is not None:
            assert mine.mine != yours.mine
