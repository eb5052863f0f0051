"""A guess that does not hold behind the login: everything is done once, or told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.ahead import ENABLE, STREAM_MANAGEMENT, Scripted, Step, Visit
from tests.integration.failing import BINDING, failure, tag
from tests.peers.process import Xmppctl
from tests.peers.stream import SM, StreamClosed
from tests.servers.ca import Authority
from tests.servers.fake import FakeConnection
from xmppctl.errors import Exit

SEND = ("send", "bob@fake.test", "hi", "--json")


@pytest.fixture
def fake(authority: Authority) -> Iterator[Scripted]:
    with Scripted(authority, "SCRAM-SHA-256") as server:
        yield server


# --- features changed ---------------------------------------------------------------------------


def without_acknowledgements(fake: Scripted, end: Step) -> None:
    """The server lost XEP-0198; ``end`` is what it does at the first <enable/>.

    It tells its features only then: for the client they are a guess until the end.
    """
    fake.features = ""

    async def bind(conn: FakeConnection, visit: Visit) -> None:
        if visit is not fake.visits[0]:
            await fake.bound(conn, visit)
            return
        await conn.header()
        request = await conn.expect(tag("iq"))
        await conn.expect(ENABLE)
        conn.send_header()
        conn.send(f"<stream:features>{BINDING}</stream:features>")
        conn.jid = "alice@fake.test/r"
        conn.result(request, f"{BINDING[:-2]}><jid>{conn.jid}</jid></bind>")
        await end(conn, visit)
        raise StreamClosed("the end")

    fake.bind = bind


def ends(condition: str) -> Step:
    """With a stream error."""

    async def end(conn: FakeConnection, visit: Visit) -> None:
        conn.stream_error(condition)
        await conn.until_closed()

    return end


async def cut(conn: FakeConnection, visit: Visit) -> None:
    """Without a word."""
    conn.abort()


def test_acknowledgements_vanished(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.warm(xmppctl)
    without_acknowledgements(fake, ends("unsupported-stanza-type"))
    run = fake.run(xmppctl, "-v", *SEND).expect(0)
    record = run.json()[0]
    assert (record["confirmed"], record["error"]) == (True, None)
    assert fake.messages == ["hi"]
    assert [visit.early for visit in fake.visits] == ["SCRAM-SHA-256", None]
    tags = {each.tag for each in fake.visits[1].stanzas}
    assert tags == {tag("message"), tag("iq")}, "no <r/> to a server that does not know it"
    assert "unsupported-stanza-type" in run.err
    # the next run knows better, and runs ahead again
    fake.bind = fake.bound
    fake.visits.clear()
    fake.run(xmppctl, *SEND).expect(0)
    assert [visit.early for visit in fake.visits] == ["SCRAM-SHA-256"]
    assert fake.messages == ["hi"]


def test_many_messages_are_each_sent_once(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.warm(xmppctl)
    without_acknowledgements(fake, ends("unsupported-stanza-type"))
    lines = [f"line {number}" for number in range(50)]
    run = fake.run(
        xmppctl, "send", "bob@fake.test", "--stdin-lines", "--json", input="\n".join(lines)
    )
    assert [each["confirmed"] for each in run.expect(0).json()] == [True] * 50
    assert fake.messages == lines


def test_a_cut_proves_nothing(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.warm(xmppctl)
    without_acknowledgements(fake, cut)
    run = fake.run(xmppctl, *SEND).expect(int(Exit.CONNECT))
    error = run.json()[0]["error"]
    assert error["condition"] == "connection-closed"
    assert len(fake.visits) == 1


def test_a_server_that_shuts_down_proves_nothing(xmppctl: Xmppctl, fake: Scripted) -> None:
    """It passed over <enable/> in silence, took the message, and ended for another reason."""

    async def end(conn: FakeConnection, visit: Visit) -> None:
        fake.took(visit, await conn.expect(tag("message")))
        await ends("system-shutdown")(conn, visit)

    fake.warm(xmppctl)
    without_acknowledgements(fake, end)
    run = fake.run(xmppctl, *SEND).expect(int(Exit.CONNECT))
    assert run.json()[0]["error"]["condition"] == "system-shutdown"
    assert len(fake.visits) == 1
    assert fake.messages == ["hi"]


def test_an_answer_proves_that_all_before_it_was_processed(
    xmppctl: Xmppctl, fake: Scripted
) -> None:
    async def end(conn: FakeConnection, visit: Visit) -> None:
        fake.took(visit, await conn.expect(tag("message")))
        await conn.expect(f"{{{SM}}}r")
        conn.result(await conn.expect(tag("iq")))
        await ends("unsupported-stanza-type")(conn, visit)

    fake.warm(xmppctl)
    without_acknowledgements(fake, end)
    fake.run(xmppctl, *SEND)
    assert len(fake.visits) == 1
    assert fake.messages == ["hi"]


def test_a_stream_error_behind_enabled_proves_nothing(xmppctl: Xmppctl, fake: Scripted) -> None:
    async def serve(conn: FakeConnection, visit: Visit) -> None:
        assert (await conn.recv()).tag == ENABLE
        conn.send(f"<enabled xmlns='{SM}'/>")
        fake.took(visit, await conn.expect(tag("message")))
        conn.stream_error("unsupported-stanza-type")
        await conn.until_closed()

    fake.warm(xmppctl)
    fake.serve = serve
    run = fake.run(xmppctl, *SEND).expect(int(Exit.CONNECT))
    assert run.json()[0]["error"]["condition"] == "unsupported-stanza-type"
    assert fake.messages == ["hi"]
    assert len(fake.visits) == 1


def test_acknowledgements_that_are_refused(xmppctl: Xmppctl, fake: Scripted) -> None:
    async def serve(conn: FakeConnection, visit: Visit) -> None:
        assert (await conn.recv()).tag == ENABLE
        conn.send(f"<failed xmlns='{SM}'/>")
        while True:
            stanza = await conn.recv()
            fake.took(visit, stanza)
            if stanza.tag == tag("iq"):
                conn.result(stanza)

    fake.warm(xmppctl)
    fake.serve = serve
    assert fake.run(xmppctl, *SEND).expect(0).json()[0]["confirmed"] is True
    assert fake.messages == ["hi"]


def test_acknowledgements_that_are_new(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.features = ""
    fake.warm(xmppctl)
    fake.features = STREAM_MANAGEMENT
    for acked in (None, True):
        record = fake.run(xmppctl, *SEND).expect(0).json()[0]
        assert record["confirmed"] is True
        if acked is not None:
            assert record["acked"] is acked
    assert fake.messages == ["hi", "hi"]


# --- a server that wants one thing at a time ----------------------------------------------------


@pytest.mark.parametrize("known", [False, True], ids=["first run", "later run"])
@pytest.mark.parametrize("how", ["cut", "stream error"])
def test_no_bind_before_the_features(
    xmppctl: Xmppctl, fake: Scripted, how: str, known: bool
) -> None:
    """A server that does not like anything in its stream before it has sent its features."""

    async def bind(conn: FakeConnection, visit: Visit) -> None:
        await conn.header()
        if not conn.waiting:
            conn.send_header()
            conn.send(f"<stream:features>{BINDING}</stream:features>")
            request = await conn.expect(tag("iq"))
            conn.jid = "alice@fake.test/r"
            conn.result(request, f"{BINDING[:-2]}><jid>{conn.jid}</jid></bind>")
            return
        if how == "cut":
            conn.abort()
            raise ConnectionResetError
        conn.send_header()
        conn.stream_error("not-authorized")
        await conn.until_closed()
        raise ConnectionResetError

    if known:
        fake.warm(xmppctl)
    fake.bind = bind
    run = fake.run(xmppctl, *SEND)
    if known and how == "cut":
        # the message went along: what became of it nobody knows
        assert run.expect(int(Exit.CONNECT)).json()[0]["error"]["condition"] == "connection-closed"
        assert len(fake.visits) == 1
        return
    assert run.expect(0).json()[0]["confirmed"] is True
    assert fake.messages == ["hi"]
    assert len(fake.visits) == 2
    # it is remembered, so that not every run has to come twice
    fake.visits.clear()
    fake.run(xmppctl, *SEND).expect(0)
    assert len(fake.visits) == 1
    assert fake.messages == ["hi"]


# --- the resource is refused --------------------------------------------------------------------


def conflicts(fake: Scripted, times: int) -> list[str]:
    """The first ``times`` resources are refused; all that were asked for."""
    asked: list[str] = []

    async def bind(conn: FakeConnection, visit: Visit) -> None:
        await conn.stream_features(BINDING + fake.features)
        while True:
            request = await conn.recv()
            name = request.findtext(f".//{{{BINDING[13:-3]}}}resource")
            if name is None:  # RFC 6120 §7.1: nothing before a resource is bound
                continue
            asked.append(name)
            if len(asked) > times:
                break
            conn.error(request, "conflict")
        conn.jid = f"alice@fake.test/{name}"
        conn.result(request, f"{BINDING[:-2]}><jid>{conn.jid}</jid></bind>")

    fake.bind = bind
    return asked


@pytest.mark.parametrize("known", [False, True], ids=["first run", "later run"])
def test_a_resource_that_is_taken(xmppctl: Xmppctl, fake: Scripted, known: bool) -> None:
    if known:
        fake.warm(xmppctl)
    asked = conflicts(fake, 1)
    record = fake.run(xmppctl, *SEND).expect(0).json()[0]
    assert (record["confirmed"], record["error"]) == (True, None)
    assert len(set(asked)) == 2
    assert fake.messages == ["hi"]


@pytest.mark.parametrize("known", [False, True], ids=["first run", "later run"])
def test_every_resource_is_taken(xmppctl: Xmppctl, fake: Scripted, known: bool) -> None:
    if known:
        fake.warm(xmppctl)
    asked = conflicts(fake, 99)
    failure(fake.run(xmppctl), Exit.CONNECT, "bind", "conflict")
    assert 2 <= len(asked) <= 3
    assert fake.messages == []


@pytest.mark.parametrize("known", [False, True], ids=["first run", "later run"])
def test_the_resource_that_was_asked_for_is_taken(
    xmppctl: Xmppctl, fake: Scripted, known: bool
) -> None:
    args = ("--resource", "mine", "ping", "--json")
    if known:
        fake.run(xmppctl, *args).expect(0)
    asked = conflicts(fake, 99)
    failure(fake.run(xmppctl, *args), Exit.CONNECT, "bind", "conflict")
    assert asked == ["mine"]


@pytest.mark.parametrize("known", [False, True], ids=["first run", "later run"])
@pytest.mark.parametrize("answer", ["", "<jid/>", "<jid>@@</jid>"])
def test_a_bound_address_that_is_none(
    xmppctl: Xmppctl, fake: Scripted, answer: str, known: bool
) -> None:
    async def bind(conn: FakeConnection, visit: Visit) -> None:
        await conn.stream_features(BINDING)
        conn.result(await conn.expect(tag("iq")), f"{BINDING[:-2]}>{answer}</bind>")
        await conn.until_closed()

    if known:
        fake.warm(xmppctl)
    fake.bind = bind
    failure(fake.run(xmppctl), Exit.CONNECT, "bind", "malformed-answer")
    assert len(fake.visits) == 1


def test_silence_instead_of_a_resource(xmppctl: Xmppctl, fake: Scripted) -> None:
    async def bind(conn: FakeConnection, visit: Visit) -> None:
        await conn.stream_features(BINDING)
        await conn.until_closed()

    fake.warm(xmppctl)
    fake.bind = bind
    run = fake.run(xmppctl, "--timeout", "1", "ping", "--json")
    error = failure(run, Exit.TIMEOUT, "bind", "timeout")
    assert "the resource" in error["text"]
