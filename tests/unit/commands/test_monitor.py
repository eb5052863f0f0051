"""What monitoring systems are told."""

from __future__ import annotations

from datetime import UTC, datetime

from xmppctl.commands import ping, unread
from xmppctl.commands.server import _monitor as checks
from xmppctl.commands.server import web
from xmppctl.errors import ConnectError, EmptyError
from xmppctl.model.check import Finding
from xmppctl.model.jid import parse
from xmppctl.model.monitor import Metric, Run
from xmppctl.model.ping import Pong
from xmppctl.model.server import OutageStatus
from xmppctl.model.unread import Unread
from xmppctl.output.monitor import render_nagios, render_prometheus

ALICE = parse("alice@example.org/laptop")
FAILED = ConnectError("refused").info()
THEN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def lines(metrics: list[Metric]) -> list[str]:
    return [line for line in render_prometheus(metrics).splitlines() if line[0] != "#"]


def pong(to: str, rtt: float | None) -> Pong:
    if rtt is not None:
        return Pong(to, 1, ok=True, rtt_ms=rtt, answered_by="server")
    return Pong(to, 1, ok=False, rtt_ms=None, error=EmptyError(f"{to} is silent").info())


# --- ping ---------------------------------------------------------------------------------------


def test_pings() -> None:
    pongs = [pong("a.example", 1.0), pong("a.example", 3.0), pong("b.example", None),
             pong("c.example", 1.0), pong("c.example", None)]  # fmt: skip
    checks, metrics = ping.monitor(pongs, Run())
    assert [check.state for check in checks] == ["ok", "critical", "warning"]
    assert checks[0].text == "a.example answers in 2.0 ms"
    assert checks[1].text == "b.example is silent"
    assert "50% lost" in checks[2].text
    values = {
        metric.name: {sample.labels["jid"]: sample.value for sample in metric.samples}
        for metric in metrics
    }
    assert values["xmpp_ping_rtt_seconds"] == {"a.example": 0.002, "c.example": 0.001}
    assert values["xmpp_ping_success"]["b.example"] == 0.0
    assert values["xmpp_ping_loss_ratio"] == {"a.example": 0, "b.example": 1, "c.example": 0.5}


def test_pings_that_could_not_be_sent() -> None:
    given = {"jids": (parse("a.example"), parse("b.example"), parse("a.example"))}
    _, metrics = ping.monitor([pong("b.example", 1.0)], Run(given, ALICE, FAILED))
    assert lines(metrics)[:2] == [
        'xmpp_ping_success{jid="a.example"} 0.0',
        'xmpp_ping_success{jid="b.example"} 1.0',
    ]
    _, metrics = ping.monitor([], Run({"jids": ()}, ALICE, FAILED))
    assert lines(metrics) == ['xmpp_ping_success{jid="example.org"} 0.0']
    _, metrics = ping.monitor([], Run({"jids": ()}, None, FAILED))
    assert lines(metrics) == ['xmpp_ping_success{jid=""} 0.0']


# --- unread list --------------------------------------------------------------------------------

BOB = Unread("bob@example.org", 3, first_unread_at=THEN)
READ = Unread("carol@example.org", 0)


def test_unread() -> None:
    checks, metrics = unread.monitor([BOB, READ], Run({"warn": 2, "crit": 5}, ALICE))
    assert render_nagios(checks) == (
        "XMPP UNREAD WARNING - 3 unread in 1 conversation, since 2026-11-28T12:00:00Z "
        "| 'unread'=3;2;5;0 'conversations'=1;;;0\nbob@example.org: 3 unread",
        1,
    )
    assert lines(metrics) == [
        'xmpp_unread_success{account="alice@example.org"} 1.0',
        'xmpp_unread_messages{account="alice@example.org"} 3.0',
        'xmpp_unread_conversations{account="alice@example.org"} 1.0',
        'xmpp_unread_oldest_timestamp_seconds{account="alice@example.org"} 1795867200.0',
        'xmpp_unread_conversation_messages{account="alice@example.org",jid="bob@example.org"} 3.0',
        'xmpp_unread_conversation_messages{account="alice@example.org",jid="carol@example.org"} '
        "0.0",
    ]


def test_limits_are_what_may_still_be() -> None:
    states = [
        unread.monitor([BOB], Run({"warn": warn, "crit": crit}, ALICE))[0][0].state
        for warn, crit in ((None, None), (3, None), (2, 3), (0, 2), (None, 0))
    ]
    assert states == ["ok", "ok", "warning", "critical", "critical"]


def test_nothing_unread() -> None:
    checks, metrics = unread.monitor([], Run({"warn": 0}, ALICE))
    assert render_nagios(checks)[0].startswith("XMPP UNREAD OK - 0 unread in 0 conversations |")
    assert 'xmpp_unread_messages{account="alice@example.org"} 0.0' in lines(metrics)


def test_unread_of_one_conversation_are_not_taken_for_those_of_all() -> None:
    _, metrics = unread.monitor([BOB], Run({"with_": parse("bob@example.org")}, ALICE))
    assert all('jid="bob@example.org"' in line for line in lines(metrics))


def test_unread_that_could_not_be_counted() -> None:
    _, metrics = unread.monitor([], Run({}, ALICE, FAILED))
    assert lines(metrics) == ['xmpp_unread_success{account="alice@example.org"} 0.0']


# --- server status ------------------------------------------------------------------------------


def outage(**fields: object) -> OutageStatus:
    return OutageStatus("example.org", **{"outage": True, "active": True, **fields})  # type: ignore[arg-type]


def test_states_of_outages() -> None:
    states = [
        web.monitor([status], Run())[0][0].state
        for status in (
            outage(outage=False, active=False),
            outage(outage=False, active=False, cached=True),
            outage(planned=True),
            outage(planned=True, cached=True),
            outage(planned=True, active=False),
            outage(planned=False),
            outage(planned=None),
        )
    ]
    assert states == ["ok", "critical", "warning", "warning", "warning", "critical", "critical"]


def test_an_outage_in_words() -> None:
    status = outage(planned=True, beginning=THEN, message="new disks")
    (check,), metrics = web.monitor([status], Run({}, ALICE))
    assert check.text == "planned outage of example.org from 2026-11-28T12:00:00Z: new disks"
    assert lines(metrics) == [
        'xmpp_status_success{domain="example.org"} 1.0',
        'xmpp_status_server_up{domain="example.org"} 1.0',
        'xmpp_status_outage{domain="example.org"} 1.0',
        'xmpp_status_outage_active{domain="example.org"} 1.0',
        'xmpp_status_outage_planned{domain="example.org"} 1.0',
        'xmpp_status_outage_begin_timestamp_seconds{domain="example.org"} 1795867200.0',
    ]


def test_a_status_that_could_not_be_read() -> None:
    def told(**given: object) -> list[str]:
        return lines(web.monitor([], Run(given, ALICE, FAILED))[1])

    assert told() == ['xmpp_status_success{domain="example.org"} 0.0']
    assert told(domain=parse("a.example")) == ['xmpp_status_success{domain="a.example"} 0.0']
    at = {"url": "https://a.example/status"}
    same = 'xmpp_status_success{url="https://a.example/status"}'
    assert told(**at) == [f"{same} 0.0"]
    found = OutageStatus(None, outage=False, url="https://a.example/status")
    success, *others = lines(web.monitor([found], Run(at, ALICE))[1])
    assert success == f"{same} 1.0"
    # the server itself was not asked
    assert not any("server_up" in line for line in others)


# --- server check -------------------------------------------------------------------------------

WAY = "xmpp-client xmpp.example.org:5222"
DAYS = Finding(
    "tls.days", WAY, "warn", 9.5, "days", "ends on 2026-12-08T10:00:00Z", "renew the certificate"
)
FINDINGS = [
    Finding("tcp.connect", f"{WAY} [192.0.2.1]", "ok", 12.5, "ms", "connects"),
    DAYS,
    Finding("tls.versions", WAY, "ok", "1.2 1.3", None, "TLS 1.2 and 1.3"),
    Finding("sasl.mechanisms", WAY, "ok", "SCRAM-SHA-1 PLAIN", None, "2 mechanisms"),
    Finding("sasl.cleartext", WAY, "fail", "PLAIN", None, "PLAIN before TLS", "allow it inside"),
    Finding("web.bosh", "https://example.org/bosh", "unknown", None, None, "not tested: no answer"),
    Finding("login.time", "me@example.org", "ok", 250, "ms", "250 ms"),
    Finding("login.time", "me@example.org tls", "ok", 20.5, "ms", "20 ms"),
    Finding("server.clock", "example.org", "ok", -0.25, "s", "right"),
    Finding("server.uptime", "example.org", "ok", 86400, "s", "a day"),
    Finding("server.version", "example.org", "ok", "Prosody 0.12.3", None, "Prosody"),
]
GIVEN = {"domain": None, "warn_days": 14.0, "crit_days": 7.0, "warn_time": None, "crit_time": 2.0}


def test_the_order_of_findings_is_that_of_every_run() -> None:
    told = checks.monitor(FINDINGS, Run(GIVEN, ALICE))
    assert checks.monitor(FINDINGS[::-1], Run(GIVEN, ALICE)) == told
    assert checks.monitor([*FINDINGS[5:], *FINDINGS[:5]], Run(GIVEN, ALICE)) == told


def test_findings_for_nagios() -> None:
    text, code = render_nagios(checks.monitor(FINDINGS, Run(GIVEN, ALICE))[0])
    assert code == 2
    assert text.splitlines()[:6] == [
        f"XMPP CRITICAL - sasl.cleartext {WAY}: PLAIN before TLS; 8 of 11 ok | "
        f"'tcp.connect {WAY} [192.0.2.1]'=12.5ms;;2000;0 'tls.days {WAY}'=9.5;14:;7: "
        "'login.time me@example.org'=250ms;;2000;0 'login.time me@example.org tls'=20.5ms;;2000;0 "
        "'server.uptime example.org'=86400s 'server.clock example.org'=-0.25s",
        f"[CRITICAL] sasl.cleartext {WAY} - PLAIN before TLS",
        "try: allow it inside",
        f"[WARNING] tls.days {WAY} - ends on 2026-12-08T10:00:00Z",
        "try: renew the certificate",
        "[UNKNOWN] web.bosh https://example.org/bosh - not tested: no answer",
    ]


def test_findings_for_prometheus() -> None:
    found = lines(checks.monitor(FINDINGS, Run(GIVEN, ALICE))[1])
    domain = 'domain="example.org"'
    at = f'{domain},target="{WAY}"'
    for line in (
        f"xmpp_probe_success{{{domain}}} 0.0",
        f'xmpp_probe_checks{{{domain},status="ok"}} 8.0',
        f'xmpp_probe_duration_seconds{{{domain},phase="login",target="me@example.org"}} 0.25',
        f'xmpp_probe_duration_seconds{{{domain},phase="login.tls",target="me@example.org"}} 0.0205',
        f'xmpp_probe_checks{{{domain},status="fail"}} 1.0',
        f'xmpp_probe_check_success{{{domain},check="tls.days",target="{WAY}"}} 1.0',
        f'xmpp_probe_check_success{{{domain},check="sasl.cleartext",target="{WAY}"}} 0.0',
        f'xmpp_probe_check_status{{{domain},check="tls.days",target="{WAY}"}} 1.0',
        f'xmpp_probe_duration_seconds{{{domain},phase="tcp.connect",target="{WAY} [192.0.2.1]"}} '
        "0.0125",
        f"xmpp_probe_ssl_earliest_cert_expiry{{{at}}} 1796724000.0",
        f'xmpp_probe_tls_version_info{{{at},version="TLS 1.3"}} 1.0',
        f'xmpp_probe_tls_version_offered{{{at},version="1.2"}} 1.0',
        f'xmpp_probe_sasl_mechanism_offered{{{at},mechanism="PLAIN"}} 1.0',
        f'xmpp_probe_server_info{{{domain},target="example.org",version="Prosody 0.12.3"}} 1.0',
        f'xmpp_probe_server_uptime_seconds{{{domain},target="example.org"}} 86400.0',
        f'xmpp_probe_clock_offset_seconds{{{domain},target="example.org"}} -0.25',
    ):
        assert line in found
    assert not any("check_success" in line and "web.bosh" in line for line in found)


def test_no_series_twice() -> None:
    """What a server names twice would make the collector refuse the whole file."""
    twice = Finding("sasl.mechanisms", WAY, "ok", "PLAIN PLAIN", None, "")
    found = [line.rpartition(" ")[0] for line in lines(checks.monitor([twice, twice], Run())[1])]
    assert len(found) == len(set(found))


def test_a_run_of_checks_that_failed() -> None:
    ok = Finding("dns.srv", "a.example", "ok")
    for findings, failure, value in (
        ([ok], None, "1.0"),
        ([DAYS], None, "1.0"),
        ([ok], FAILED, "0.0"),
        ([], FAILED, "0.0"),
        ([], None, "0.0"),
    ):
        run = Run({**GIVEN, "domain": parse("a.example")}, ALICE, failure)
        found = lines(checks.monitor(findings, run)[1])
        assert found[0] == f'xmpp_probe_success{{domain="a.example"}} {value}'
