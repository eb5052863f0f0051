"""Direct TLS, WebSocket and BOSH: what was opened counts; what nobody names is not missing."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.unit.session.streams import account
from xmppctl.errors import ConnectError, DeadlineError, UsageError
from xmppctl.protocol.compliance import ways
from xmppctl.session import hostmeta, resolve
from xmppctl.session.hostmeta import Endpoints
from xmppctl.session.xml import parse as element

REFUSED = ConnectError("refused", step="tcp")
HERE = account(connect=("127.0.0.1", 5222))
WSS, HTTPS = "wss://fake.test/ws", "https://fake.test/bosh"


@pytest.fixture
def world(monkeypatch):
    """What can be opened, by transport and whether --connect leads there; what the DNS says."""

    world = SimpleNamespace(
        opens=set(),
        targets=[resolve.Target("fake.test", 5223, True, "fallback")],
        endpoints=Endpoints(),
        tried=[],
        limits=[],
    )

    async def open_(account):
        key = account.endpoint or ("connect" if account.connect else "name")
        world.tried.append((key, account.transport, account.tls))
        assert account.password is None
        if key not in world.opens:
            raise REFUSED
        return ways.Opened(element("<f/>"), "fake.test:5223", "TLSv1.3")

    async def targets(account, *, timeout):
        world.limits.append(timeout)
        assert (account.connect, account.tls) == (None, "direct")
        if isinstance(world.targets, Exception):
            raise world.targets
        return world.targets

    async def discover(account, timeout, trace):
        world.limits.append(timeout)
        return world.endpoints

    monkeypatch.setattr(ways, "_open", open_)
    monkeypatch.setattr(resolve, "targets", targets)
    monkeypatch.setattr(hostmeta, "discover", discover)
    return world


def direct(who=None):
    found = asyncio.run(ways.direct_tls(who or account()))["0368"]
    return found.met, found.detail


def web(who=None, named=None):
    return asyncio.run(ways.web(who or account(), named or ways.Named()))


SRV = [resolve.Target("xmpps.fake.test", 443, True, "srv")]


def test_direct_tls_by_a_record(world):
    world.targets, world.opens = SRV, {"name"}
    assert direct(HERE) == (True, "direct TLS at fake.test:5223")
    assert world.tried == [("name", "tcp", "direct")]


def test_direct_tls_of_a_record_that_leads_nowhere(world):
    world.targets = SRV
    assert direct() == (False, "refused")
    assert direct(HERE) == (False, "refused")


def test_direct_tls_without_a_record(world):
    world.opens = {"name"}
    assert direct() == (
        True, "direct TLS at fake.test:5223, though no SRV record names a port for it",
    )  # fmt: skip
    world.opens = set()
    assert direct() == (False, "no SRV record names a port for it: refused")


def test_direct_tls_where_connect_leads(world):
    assert direct(HERE)[0] is None
    world.opens = {"connect"}
    assert direct(HERE)[0] is True
    world.targets = DeadlineError("silence", step="dns")
    assert direct(HERE) == (True, "direct TLS at fake.test:5223, though silence")
    assert max(world.limits) <= 3


def test_direct_tls_and_a_dns_that_fails(world):
    world.targets = DeadlineError("silence", step="dns")
    assert direct() == (None, "silence")
    assert direct(HERE)[0] is None
    world.targets = ConnectError("it says no", step="dns", condition="service-not-offered")
    assert direct() == (False, "it says no")
    assert direct(HERE) == (False, "it says no")


def test_direct_tls_of_a_domain_without_an_address(world, monkeypatch):
    async def nowhere(account):
        raise ConnectError("no host", step="dns", condition="nxdomain")

    monkeypatch.setattr(ways, "_open", nowhere)
    assert direct() == (None, "no host")
    assert direct(account(endpoint=WSS, transport="websocket"))[0] is None
    world.targets = SRV  # a record that leads to no host is a fault
    assert direct() == (False, "no host")


def test_what_is_wrong_here_is_told(world):
    world.targets = UsageError("no host")
    with pytest.raises(UsageError):
        direct()


def test_endpoints_of_host_meta(world):
    world.endpoints = Endpoints((WSS,), (HTTPS,))
    world.opens = {WSS}
    found = web(HERE)
    assert found["7395"] == (True, "live", f"a stream was opened at {WSS}")
    assert found["0206"] == (False, "live", f"{HTTPS}: refused")
    assert found["0156"].met is True
    assert {each[:2] for each in world.tried} == {(WSS, "websocket"), (HTTPS, "bosh")}


def test_the_second_endpoint_will_do(world):
    world.endpoints = Endpoints(tuple(f"{WSS}{number}" for number in range(9)))
    world.opens = {f"{WSS}1"}
    assert web()["7395"].met is True
    world.opens, world.tried = {f"{WSS}8"}, []
    assert web()["7395"].met is False
    assert len(world.tried) == 3


def test_a_host_meta_that_names_the_other_one_alone(world):
    world.endpoints, world.opens = Endpoints((WSS,)), {WSS}
    assert web()["0206"] == (False, "live", "host-meta names no BOSH")


@pytest.mark.parametrize("endpoints", [Endpoints(), Endpoints(error=REFUSED)])
def test_what_nobody_names_may_be_there(world, endpoints):
    world.endpoints = endpoints
    found = web()
    assert (found["7395"].met, found["0206"].met) == (None, None)
    assert "--websocket" in found["7395"].detail
    assert "--bosh" in found["0206"].detail
    assert found["0156"].met is (False if endpoints.error is None else None)


def test_what_the_user_names(world):
    world.opens = {WSS, HTTPS}
    found = web(named=ways.Named(WSS, HTTPS))
    assert found["7395"].met
    assert found["0206"].met
    found = web(account(endpoint=HTTPS, transport="bosh"))
    assert (found["7395"].met, found["0206"].met) == (None, True)


def test_nobody_logs_in_there():
    who = account(password=lambda: "secret", connect=("127.0.0.1", 5222), endpoint=None)
    own, other = ways.nobody(who, "fake.test"), ways.nobody(who, "other.test")
    assert (own.password, other.password) == (None, None)
    assert own.connect == ("127.0.0.1", 5222)
    assert other.connect is None
    assert (own.domain, other.domain) == ("fake.test", "other.test")
    over = ways.nobody(replace(who, transport="bosh", endpoint=HTTPS), "other.test")
    assert (over.transport, over.endpoint) == ("auto", None)


def test_what_a_stream_shows_before_the_login():
    features = element(
        "<f><register xmlns='http://jabber.org/features/iq-register'/>"
        "<c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'/>"
        "<authentication xmlns='urn:xmpp:sasl:2'><inline><bind xmlns='urn:xmpp:bind:0'><inline>"
        "<feature var='urn:xmpp:im-ng:0'/></inline></bind></inline></authentication></f>"
    )
    found = ways.outside(ways.Opened(features, "x:1", "TLSv1.3"))
    assert {test for test, verdict in found.items() if verdict.met} == {
        "6120", "7590", "0077", "0115", "0386", "0409",
    }  # fmt: skip
    assert "TLSv1.3" in found["7590"].detail
    bare = ways.outside(ways.Opened(element("<f/>"), "x:1", ""))
    assert {test for test, verdict in bare.items() if verdict.met} == {"6120", "7590"}
    lost = ways.outside(REFUSED)
    assert {verdict.met for verdict in lost.values()} == {None}
    assert set(lost) == set(bare)
