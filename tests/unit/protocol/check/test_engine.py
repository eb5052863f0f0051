"""What the engine asks of whom, and what it makes of what they find."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from tests.servers.ca import Authority
from tests.servers.fake import FakeServer
from tests.unit.protocol.check.looking import DOMAIN, account, blamed, serving
from xmppctl import session
from xmppctl.errors import AuthError, ConnectError, LocalError, UsageError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.check import CHECKS, NEED_ACCOUNT, Finding
from xmppctl.model.dns import Way
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.check import engine
from xmppctl.protocol.check.context import Context, Limits
from xmppctl.protocol.check.engine import Plan
from xmppctl.protocol.check.waychecks import CHECKS as OF_A_WAY
from xmppctl.session.trace import Trace

# a socket that the fake server leaves to the collector tells nothing of the probe
pytestmark = pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")

OUTSIDE = frozenset(CHECKS) - NEED_ACCOUNT


class Others:
    """Stands for the probes of the DNS, of host-meta and of the account."""

    def __init__(self) -> None:
        self.ways: list[Way] = []
        self.endpoints: list[Way] = []
        self.unread: str | None = None
        self.findings: list[tuple[str, str, str]] = []
        self.asked: list[str] = []
        self.login: XmppctlError | None = None
        self.broken: XmppctlError | None = None
        self.peers: tuple[str, ...] = ()

    async def probe(self, context: Context, *, s2s: bool, opened: bool) -> list[Way]:
        self.asked.append(f"dns {s2s} {opened}")
        for check, target, status in self.findings:
            context.tell(check, target, status, "so it is", advice="do something")  # type: ignore[arg-type]
        return self.ways

    def certificate(self, *_: object) -> None:
        self.asked.append("certificate")

    def port(self, *_: object, **__: object) -> None:
        self.asked.append("port")

    async def hostmeta(self, context: Context) -> tuple[list[Way], str | None]:
        self.asked.append("hostmeta")
        if self.broken is not None:
            raise self.broken
        return self.endpoints, self.unread

    async def account(
        self, context: Context, session: object, *, peers: tuple[str, ...] = ()
    ) -> None:
        self.asked.append("account")
        self.peers = peers
        context.tell("server.ping", DOMAIN, "ok", "it answers")
        if isinstance(self.broken, ConnectError):
            raise self.broken

    @asynccontextmanager
    async def open_session(self, account: Account, *, trace: Trace) -> Any:
        if self.login is not None:
            raise self.login
        yield None


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> Others:
    made = Others()
    contents: dict[str, dict[str, Any]] = {
        "dns": {"probe": made.probe, "certificate": made.certificate, "port": made.port},
        "hostmeta": {"hostmeta": made.hostmeta},
        "account": {"probe": made.account},
    }
    from xmppctl.protocol import check

    for name, functions in contents.items():
        module = ModuleType(f"xmppctl.protocol.check.{name}")
        vars(module).update(functions)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(check, name, module, raising=False)
    monkeypatch.setattr(session, "open_session", made.open_session)
    return made


def run(who: Account, wanted: frozenset[str] = OUTSIDE, **more: Any) -> list[Finding]:
    plan = Plan(domain=DOMAIN, account=who, limits=Limits(), wanted=wanted, **more)

    async def gather() -> list[Finding]:
        return [each async for each in engine.run(plan, Trace())]

    return asyncio.run(gather())


def way(address: tuple[str, int], service: str = "xmpp-client", source: str = "srv") -> Way:
    return Way(service, "host.test", address[1], service.startswith("xmpps"), (address[0],), source)


def told(found: Sequence[Finding], *checks: str) -> list[tuple[str, str, str]]:
    return [(e.check, e.target, e.status) for e in found if not checks or e.check in checks]


def test_what_hides_the_ways(others: Others) -> None:
    """By its name; where nobody asked for it, in its words."""
    others.findings = [("dns.target", "xmpp-client none.test:5222", "fail")]
    detail = {each.check: each.detail for each in run(account())}["tls.days"]
    assert detail == "not tested: no way in (dns.target)"
    (only,) = run(account(), frozenset({"tls.days"}))
    assert (only.status, only.detail) == ("unknown", "not tested: no way in (dns.target: so it is)")


def test_host_meta_that_cannot_be_read_says_nothing_of_endpoints(others: Others) -> None:
    others.unread = "so it is"
    found = run(account(), frozenset({"web.websocket", "web.bosh"}))
    assert told(found) == [("web.websocket", DOMAIN, "unknown"), ("web.bosh", DOMAIN, "unknown")]
    # it is no reason for an exit code of its own: web.hostmeta tells
    assert not any(each.detail.startswith("not tested") for each in found)


@pytest.mark.parametrize("check", ["dns.target", "dns.port"])
def test_no_way_in_is_no_fault_of_the_login(others: Others, check: str) -> None:
    others.findings = [(check, DOMAIN, "fail")]
    others.login = ConnectError("there is no way")
    found = run(account(), frozenset(CHECKS), login=account())
    assert [status for _, _, status in told(found, "login.time")] == ["unknown"]


def test_the_ways_that_the_dns_names(authority: Authority, others: Others) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving()) as server:
        others.ways = [way(server.address), way(server.address)]  # two records for one place
        found = run(account(authority.ca_file))
    assert blamed(found) == {}
    name = f"xmpp-client host.test:{server.address[1]} [127.0.0.1]"
    assert told(found, "tls.days") == [("tls.days", name, "ok")]
    assert told(found, "web.bosh", "web.websocket") == [
        ("web.websocket", DOMAIN, "ok"),
        ("web.bosh", DOMAIN, "ok"),
    ]
    assert sorted(others.asked) == ["certificate", "dns False True", "hostmeta", "port"]


def test_no_way_in(others: Others) -> None:
    others.findings = [("dns.srv", DOMAIN, "fail")]
    found = run(account())
    assert blamed(found).pop("dns.srv") == "fail"
    assert {each.check for each in found if each.status == "unknown"} == {
        *OF_A_WAY,
        "register.open",
    }


def test_the_dns_alone(authority: Authority, others: Others) -> None:
    others.findings = [("dns.srv", DOMAIN, "ok")]
    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving()) as server:
        others.ways = [way(server.address)]
        assert told(run(account(authority.ca_file), frozenset({"dns.srv", "dns.dnssec"})))
        assert others.asked == ["dns False False"]
        assert server.connections == 0
        # records that speak of a certificate
        others.ways = [replace(others.ways[0], tlsa=("3 1 1 00",))]
        run(account(authority.ca_file), frozenset({"dns.srv", "dns.dnssec"}))
    assert others.asked[1:] == ["dns False False", "certificate"]


def test_a_place_that_is_named_asks_no_dns(authority: Authority, others: Others) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving()) as server:
        found = run(account(authority.ca_file, connect=server.address))
    assert blamed(found) == {}
    assert others.asked == ["certificate"]
    assert {each.target for each in found} == {DOMAIN, f"xmpp-client 127.0.0.1:{server.address[1]}"}


def test_a_place_for_servers_that_is_named(authority: Authority, others: Others) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving(), tls="direct") as server:
        who = account(authority.ca_file)
        found = run(who, frozenset({"tls.days"}), s2s=True, server_at=server.address)
    assert others.asked[0] == "dns False True"
    assert told(found) == [("tls.days", f"xmpps-server 127.0.0.1:{server.address[1]}", "ok")]


def test_an_endpoint_and_a_place_for_servers(
    authority: Authority, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def probe(context: Context, asked: Way, *_: object) -> None:
        context.tell("web.websocket", str(asked), "ok", "opened")

    monkeypatch.setattr(engine.web, "probe", probe)
    script = serving(server=True)
    with FakeServer(DOMAIN, authority.issue(DOMAIN), script) as server:
        who = account(authority.ca_file, endpoint="wss://web.test/ws", transport="websocket")
        found = run(who, OUTSIDE - {"register.open"}, s2s=True, server_at=server.address)
    assert blamed(found) == {}
    assert {each.target for each in found} == {
        "wss://web.test/ws",
        f"xmpp-server 127.0.0.1:{server.address[1]}",
    }
    assert others.asked == ["certificate"]


def test_a_name_without_address(others: Others) -> None:
    found = run(account(connect=("nowhere.invalid", 5222)))
    assert ("tcp.connect", "xmpp-client nowhere.invalid:5222", "fail") in told(found)
    assert blamed(found)["tls.starttls"] == "unknown"


@pytest.mark.parametrize("error", [UsageError("bad proxy"), LocalError("bad CA file")])
def test_what_is_wrong_here_is_raised_in_the_end(
    authority: Authority, others: Others, error: XmppctlError
) -> None:
    others.broken = error
    found: list[Finding] = []
    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving()) as server:
        others.ways = [way(server.address)]
        plan = Plan(DOMAIN, account(authority.ca_file), Limits(), OUTSIDE)

        async def gather() -> None:
            async for each in engine.run(plan, Trace()):
                found.append(each)

        with pytest.raises(type(error)):
            asyncio.run(gather())
    assert "tls.versions" in {each.check for each in found}


def test_a_run_that_is_left_early_leaves_nothing_behind(
    authority: Authority, others: Others
) -> None:
    async def look() -> None:
        found = engine.run(plan, Trace())
        await anext(found)
        await found.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving()) as server:
        others.ways = [way(server.address)]
        plan = Plan(DOMAIN, account(authority.ca_file), Limits(), OUTSIDE)
        asyncio.run(look())


# --- with an account

ALICE = Account(jid("alice@fake.test"))
EVERYTHING = frozenset(CHECKS)


def test_an_account_of_the_domain(others: Others) -> None:
    found = run(account(), NEED_ACCOUNT, login=ALICE, peers=("peer.test",))
    assert told(found) == [("server.ping", DOMAIN, "ok")]
    assert others.asked == ["account"]  # nothing else was wanted
    assert others.peers == ("peer.test",)


def test_an_account_of_another_domain(others: Others) -> None:
    other = Account(jid("alice@other.test"))
    run(account(), NEED_ACCOUNT, login=other, own=False, peers=("peer.test",))
    assert others.peers == (DOMAIN, "peer.test")


def test_a_login_that_is_refused(others: Others) -> None:
    others.login = AuthError("wrong password")
    found = run(account(), NEED_ACCOUNT, login=ALICE)
    statuses = blamed(found)
    assert statuses.pop("login.time") == "fail"
    # no peer was named that could be pinged
    assert set(statuses) == NEED_ACCOUNT - {"login.time", "s2s.ping"}
    assert set(statuses.values()) == {"unknown"}
    # in the order of all runs, and with the targets of those that get in
    assert [each.check for each in found] == [each for each in CHECKS if each in blamed(found)]
    by_check = {each.check: each.target for each in found}
    assert {by_check[each] for each in ("login.time", "roster.get")} == {"alice@fake.test"}
    assert {by_check[each] for each in ("server.ping", "component.disco")} == {DOMAIN}
    found = run(account(), frozenset({"s2s.ping"}), login=ALICE, peers=("one.test", "two.test"))
    assert [each.target for each in found] == ["one.test", "two.test"]


@pytest.mark.parametrize("error", [UsageError("no password"), LocalError("no such file")])
def test_a_password_that_is_not_to_be_had(others: Others, error: XmppctlError) -> None:
    others.login = error
    found: list[Finding] = []
    plan = Plan(DOMAIN, account(), Limits(), NEED_ACCOUNT, login=ALICE)

    async def gather() -> None:
        async for each in engine.run(plan, Trace()):
            found.append(each)

    with pytest.raises(type(error)):
        asyncio.run(gather())
    assert set(blamed(found).values()) == {"unknown"}


@pytest.mark.parametrize(("named", "status"), [(True, "unknown"), (False, "fail")])
def test_no_way_in_is_no_defect_of_the_login_where_it_is_told(
    others: Others, named: bool, status: str
) -> None:
    others.login = ConnectError("no such domain")
    others.findings = [("dns.srv", DOMAIN, "fail")]
    found = run(account(), EVERYTHING if named else NEED_ACCOUNT, login=ALICE)
    assert blamed(found)["login.time"] == status


def test_a_foreign_server_that_is_down_says_nothing_of_this_one(others: Others) -> None:
    others.login = ConnectError("no such domain")
    found = run(account(), NEED_ACCOUNT, login=Account(jid("a@other.test")), own=False)
    assert {each.status for each in found} == {"unknown"}
    assert {each.target for each in found} == {DOMAIN}
    assert "login.time" not in {each.check for each in found}


def test_a_session_that_ends_in_between(others: Others) -> None:
    others.broken = ConnectError("the server closed the connection")
    found = run(account(), NEED_ACCOUNT, login=ALICE)
    assert ("server.ping", DOMAIN, "ok") in told(found)
    assert set(blamed(found).values()) == {"unknown"}
    assert len(found) == len(NEED_ACCOUNT) - 1  # no peer was named
