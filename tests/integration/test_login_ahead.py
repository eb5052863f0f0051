"""The login runs ahead of the server's offer, by what the last run saw; and when it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.ahead import AUTH, ENABLE, Scripted, Visit
from tests.integration.failing import BINDING, failure, tag
from tests.peers.process import Xmppctl
from tests.peers.stream import SM
from tests.servers.ca import Authority
from tests.servers.fake import FakeConnection
from xmppctl.errors import Exit

SEND = ("send", "bob@fake.test", "hi", "--json")
STRONG, WEAK = "SCRAM-SHA-256", "SCRAM-SHA-1"


@pytest.fixture
def fake(authority: Authority) -> Iterator[Scripted]:
    with Scripted(authority, "PLAIN", STRONG, WEAK) as server:
        yield server


def early(fake: Scripted) -> list[str | None]:
    return [visit.early for visit in fake.visits]


# --- when it does -------------------------------------------------------------------------------


def test_the_second_run_does_not_wait_for_the_offer(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.run(xmppctl).expect(0)
    fake.run(xmppctl).expect(0)
    assert early(fake) == [None, STRONG]
    assert [visit.mechanisms for visit in fake.visits] == [[STRONG]] * 2


def test_the_operation_rides_with_the_bind(xmppctl: Xmppctl, fake: Scripted) -> None:
    """All of it is there before the server has answered even the stream header."""

    async def bind(conn: FakeConnection, visit: Visit) -> None:
        await conn.header()
        request = await conn.expect(tag("iq"))
        elements = [await conn.recv() for _ in range(4)]
        assert [each.tag for each in elements] == [ENABLE, tag("message"), f"{{{SM}}}r", tag("iq")]
        conn.send_header()
        conn.send(f"<stream:features>{BINDING}{fake.features}</stream:features>")
        conn.jid = "alice@fake.test/given"
        conn.result(request, f"{BINDING[:-2]}><jid>{conn.jid}</jid></bind>")
        conn.send(f"<enabled xmlns='{SM}'/><a xmlns='{SM}' h='1'/>")
        fake.took(visit, elements[1])
        conn.result(elements[3])

    fake.warm(xmppctl)
    fake.bind = bind
    record = fake.run(xmppctl, *SEND).expect(0).json()[0]
    assert (record["acked"], record["confirmed"], record["error"]) == (True, True, None)
    assert fake.messages == ["hi"]


def test_the_resource_is_the_one_that_the_server_gave(xmppctl: Xmppctl, fake: Scripted) -> None:
    async def bind(conn: FakeConnection, visit: Visit) -> None:
        await conn.stream_features(BINDING + fake.features)
        request = await conn.expect(tag("iq"))
        conn.jid = "alice@fake.test/another"
        conn.result(request, f"{BINDING[:-2]}><jid>{conn.jid}</jid></bind>")

    fake.bind = bind
    for _ in range(2):
        run = fake.run(xmppctl, "-v", "account", "test", "--json").expect(0)
        assert run.json()["jid"] == "alice@fake.test/another"
        assert "logged in as alice@fake.test/another" in run.err
    assert early(fake) == [None, STRONG]


# --- when it does not ---------------------------------------------------------------------------


def test_plain_waits_for_the_offer(xmppctl: Xmppctl, authority: Authority) -> None:
    with Scripted(authority, "PLAIN") as fake:
        for _ in range(3):
            fake.run(xmppctl).expect(0)
        assert early(fake) == [None] * 3
        assert [visit.mechanisms for visit in fake.visits] == [["PLAIN"]] * 3


def test_plain_by_name_waits_for_the_offer(xmppctl: Xmppctl, fake: Scripted) -> None:
    for _ in range(2):
        fake.run(xmppctl, "--sasl-mechanism", "PLAIN", "ping").expect(0)
    assert early(fake) == [None, None]
    assert [visit.mechanisms for visit in fake.visits] == [["PLAIN"]] * 2


def test_a_mechanism_by_name_runs_ahead(xmppctl: Xmppctl, fake: Scripted) -> None:
    for _ in range(2):
        fake.run(xmppctl, "--sasl-mechanism", WEAK, "ping").expect(0)
    assert early(fake) == [None, WEAK]
    fake.visits.clear()
    fake.mechanisms = (STRONG,)
    run = fake.run(xmppctl, "--sasl-mechanism", WEAK, "ping", "--json")
    failure(run, Exit.AUTH, "auth", "invalid-mechanism")
    assert [visit.mechanisms for visit in fake.visits] == [[WEAK]]


def test_another_way_is_another_server(
    xmppctl: Xmppctl, fake: Scripted, authority: Authority
) -> None:
    fake.warm(xmppctl)
    with Scripted(authority, STRONG, WEAK) as other:
        other.run(xmppctl).expect(0)
        assert early(other) == [None]
    fake.run(xmppctl, "--tls", "starttls", "ping").expect(0)
    fake.run(xmppctl).expect(0)
    assert early(fake) == [None, STRONG]


def test_a_damaged_memory_is_as_none(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.warm(xmppctl)
    (known,) = (xmppctl.home / "cache").rglob("*.json")
    known.write_text(known.read_text()[:-20])
    fake.run(xmppctl).expect(0)
    fake.run(xmppctl).expect(0)
    assert early(fake) == [None, STRONG]


def test_a_cache_that_cannot_be_written(xmppctl: Xmppctl, fake: Scripted) -> None:
    (xmppctl.home / "cache").write_text("in the way")
    for _ in range(2):
        fake.run(xmppctl).expect(0)
    assert early(fake) == [None, None]


def test_nothing_at_all_goes_to_somebody_else(
    xmppctl: Xmppctl, fake: Scripted, authority: Authority
) -> None:
    fake.warm(xmppctl)
    fake.show(authority.wrong_name("fake.test"))
    failure(fake.run(xmppctl), Exit.TLS, "tls", "wrong-host-name")
    assert not [visit for visit in fake.visits if visit.early or visit.mechanisms]


# --- the offer has changed ----------------------------------------------------------------------


def test_a_mechanism_that_is_named_once_is_not_the_measure_of_later_runs(
    xmppctl: Xmppctl, fake: Scripted
) -> None:
    fake.mechanisms = (STRONG, WEAK)
    fake.run(xmppctl).expect(0)
    fake.run(xmppctl, "--sasl-mechanism", WEAK, "ping").expect(0)
    fake.mechanisms = (WEAK,)
    failure(fake.run(xmppctl), Exit.TLS, "auth", "downgrade")


def test_a_mechanism_that_vanished_is_a_downgrade(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.warm(xmppctl)
    fake.mechanisms = (WEAK,)
    error = failure(fake.run(xmppctl), Exit.TLS, "auth", "downgrade")
    assert STRONG in error["text"]
    assert "--allow-downgrade" in error["hint"]
    # nothing but the first message went out, which proves nothing to anybody
    assert [visit.mechanisms for visit in fake.visits] == [[STRONG]]
    fake.visits.clear()
    failure(fake.run(xmppctl), Exit.TLS, "auth", "downgrade")
    fake.run(xmppctl, "--allow-downgrade", "ping").expect(0)
    assert fake.visits[-1].mechanisms[-1] == WEAK
    fake.visits.clear()
    fake.run(xmppctl).expect(0)
    assert fake.visits[-1].mechanisms == [WEAK]


def test_only_plain_is_left(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.warm(xmppctl)
    fake.mechanisms = ("PLAIN",)
    failure(fake.run(xmppctl), Exit.TLS, "auth", "downgrade")
    assert [visit.mechanisms for visit in fake.visits] == [[STRONG]]


def test_a_stronger_mechanism_is_used_as_soon_as_it_was_seen(
    xmppctl: Xmppctl, authority: Authority
) -> None:
    with Scripted(authority, WEAK) as fake:
        fake.warm(xmppctl)
        fake.mechanisms = (STRONG, WEAK)
        for _ in range(2):
            fake.run(xmppctl).expect(0)
        assert early(fake) == [WEAK, STRONG]
        assert fake.visits[1].mechanisms == [STRONG]


def test_a_mechanism_that_was_replaced_by_a_stronger_one(
    xmppctl: Xmppctl, authority: Authority
) -> None:
    with Scripted(authority, WEAK) as fake:
        fake.warm(xmppctl)
        fake.mechanisms = (STRONG,)
        fake.run(xmppctl).expect(0)
        # on one stream: RFC 6120 §6.4.5 lets a client try again
        assert [visit.mechanisms for visit in fake.visits] == [[WEAK, STRONG]]


# --- a server that does not like it -------------------------------------------------------------

WAYS = ("closed", "stream error", "closed behind the features", "stream error behind the features")


def dislikes(fake: Scripted, how: str) -> None:
    """From now on an <auth/> that nobody asked for is the end."""

    async def login(conn: FakeConnection, visit: Visit) -> None:
        if visit is not fake.visits[0]:
            await fake.by_sasl(conn, visit)
            return
        await fake.header(conn, visit)
        assert (await conn.recv()).tag == AUTH
        if "error" in how:
            conn.send_header()
        if "features" in how:
            conn.send_header() if "error" not in how else None
            conn.send("<stream:features/>")
        if "error" in how:
            conn.stream_error("policy-violation")
            await conn.until_closed()
        conn.abort() if "error" not in how else None
        raise ConnectionResetError

    fake.login = login


@pytest.mark.parametrize("how", WAYS)
def test_a_server_that_does_not_like_it(xmppctl: Xmppctl, fake: Scripted, how: str) -> None:
    fake.warm(xmppctl)
    dislikes(fake, how)
    record = fake.run(xmppctl, *SEND).expect(0).json()[0]
    assert record["confirmed"] is True
    assert early(fake) == [STRONG, None]
    assert fake.messages == ["hi"]


def test_the_true_reason_is_told_where_the_server_is_down(xmppctl: Xmppctl, fake: Scripted) -> None:
    async def login(conn: FakeConnection, visit: Visit) -> None:
        await fake.header(conn, visit)
        conn.send_header()
        conn.stream_error("system-shutdown", "back at noon")
        await conn.until_closed()

    fake.warm(xmppctl)
    fake.login = login
    error = failure(fake.run(xmppctl), Exit.CONNECT, condition="system-shutdown")
    assert "back at noon" in error["text"]
    assert len(fake.visits) <= 2


# --- a password that is wrong -------------------------------------------------------------------


@pytest.mark.parametrize("grown", [False, True], ids=["same offer", "stronger offer"])
def test_a_wrong_password_is_told_and_not_tried_again(
    xmppctl: Xmppctl, authority: Authority, grown: bool
) -> None:
    with Scripted(authority, WEAK) as fake:
        fake.warm(xmppctl)
        if grown:
            fake.mechanisms = (STRONG, WEAK)
        run = fake.run(xmppctl, password="not this one")
        error = failure(run, Exit.AUTH, "auth", "not-authorized")
        assert "password" in error["hint"]
        assert [visit.mechanisms for visit in fake.visits] == [[WEAK]]
        assert early(fake) == [WEAK]
