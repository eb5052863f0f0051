"""What monitoring systems get, above all when there is nothing good to be told."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account
from tests.servers.bench import Bench, Habits
from tests.servers.ca import Authority
from tests.servers.web import WebConnection, WebServer

DOWN = ("127.0.0.1", 1)
"""A port that nobody listens on."""

_LINE = re.compile(r'# (HELP|TYPE) \w+ .+|\w+(\{(\w+="([^"\\]|\\.)*",?)*\})? [\d.e+-]+')


def samples(run: Result) -> dict[str, float]:
    """The metrics by name and labels; every line is one that the collector reads."""
    for line in run.out.splitlines():
        assert _LINE.fullmatch(line), line
    pairs = [line.rpartition(" ") for line in run.out.splitlines() if line[0] != "#"]
    assert len({name for name, _, _ in pairs}) == len(pairs)
    return {name: float(value) for name, _, value in pairs}


@pytest.mark.parametrize(
    ("words", "metric"),
    [
        (("ping",), 'xmpp_ping_success{jid="a.test"}'),
        (("ping", "b.test"), 'xmpp_ping_success{jid="b.test"}'),
        (("unread", "list"), 'xmpp_unread_success{account="me@a.test"}'),
        (("server", "status"), 'xmpp_status_success{domain="a.test"}'),
    ],
)
def test_a_server_that_is_down_is_in_the_metrics(
    xmppctl: Xmppctl, words: tuple[str, ...], metric: str
) -> None:
    """A file without them, or an old one, would look as if there were nothing to be told."""
    who = {"jid": "me@a.test", "password": "x", "connect": DOWN}
    run = xmppctl("-o", "prometheus", *words, **who).expect(3)
    assert samples(run) == {metric: 0.0}
    assert "refused" in run.err
    run = xmppctl("-o", "nagios", *words, **who).expect(2)
    assert re.fullmatch(r"XMPP CRITICAL - .*refused.*\n", run.out)


@pytest.mark.in_turn
def test_a_password_that_is_wrong(xmppctl: Xmppctl, alice: Account) -> None:
    run = xmppctl("-o", "prometheus", "ping", account=alice, password="wrong").expect(4)
    assert samples(run) == {f'xmpp_ping_success{{jid="{alice.domain}"}}': 0.0}


@pytest.mark.in_turn
def test_unread_messages(xmppctl: Xmppctl, alice: Account, bob: Account) -> None:
    xmppctl("send", alice.jid, "look here", account=bob).expect()
    command = ("-o", "nagios", "unread", "list")
    run = xmppctl(*command, "--warn", "1", "--crit", "5", account=alice).expect(0)
    assert re.fullmatch(
        r"XMPP UNREAD OK - 1 unread in 1 conversation, since \S+Z \| "
        rf"'unread'=1;1;5;0 'conversations'=1;;;0\n{bob.jid}: 1 unread\n",
        run.out,
    )
    xmppctl(*command, "--warn", "0", account=alice).expect(1)
    found = samples(xmppctl("-o", "prometheus", "unread", "list", account=alice).expect(0))
    assert found[f'xmpp_unread_messages{{account="{alice.jid}"}}'] == 1
    both = f'account="{alice.jid}",jid="{bob.jid}"'
    assert found[f"xmpp_unread_conversation_messages{{{both}}}"] == 1


def test_limits_that_are_none(xmppctl: Xmppctl) -> None:
    who = {"jid": "me@a.test", "password": "x", "connect": DOWN}
    run = xmppctl("unread", "list", "--warn", "1", **who).expect(2)
    assert "go with -o nagios" in run.err
    for words in (("--warn", "2", "--crit", "1"), ("--warn", "-1")):
        run = xmppctl("-o", "nagios", "unread", "list", *words, **who).expect(3)
        assert run.out.startswith("XMPP UNKNOWN - ")


def test_outages(xmppctl: Xmppctl, tmp_path: Path) -> None:
    told = {
        "/none": {},
        "/planned": {"planned": True, "message": {"default": "new disks | soon"}},
        "/fire": {"planned": False, "beginning": "2026-01-12T01:01:01Z"},
    }

    def script(conn: WebConnection) -> None:
        conn.respond(200, json.dumps(told[conn.request().target]).encode())

    with WebServer(script) as web:
        for path, code, text in (
            ("/none", 0, "OK - example.org announces no outage"),
            ("/planned", 1, "WARNING - planned outage of example.org: new disks \\x7c soon"),
            ("/fire", 2,
             "CRITICAL - unplanned outage of example.org from 2026-01-12T01:01:01Z"),
        ):  # fmt: skip
            words = ("server", "status", "example.org", "--url", web.url(path))
            run = xmppctl("-o", "nagios", *words).expect(code)
            assert run.out == f"XMPP STATUS {text}\n"
        found = samples(xmppctl("-o", "prometheus", *words).expect())
        assert found['xmpp_status_outage_planned{domain="example.org"}'] == 0
        begin = found['xmpp_status_outage_begin_timestamp_seconds{domain="example.org"}']
        assert begin == 1768179661


# --- checks


def checked(xmppctl: Xmppctl, bench: Bench, format: str, *words: str, **more: Any) -> Result:
    return xmppctl(
        *("--connect-timeout", "8s", "-o", format, "server", "check", bench.domain, *words),
        ca_file=bench.authority.ca_file,
        env={"XMPPCTL_NAMESERVER": bench.nameserver},
        **more,
    )


def test_checks_that_failed(xmppctl: Xmppctl, authority: Authority) -> None:
    domain = "bench.test"
    shown = authority.ending(domain, 5.5)
    with Bench(domain, authority, certificate=shown, ways=("direct",)) as bench:
        way = f"xmpps-client xmpp.{domain}:5223 [{bench.ip}]"
        run = checked(xmppctl, bench, "nagios", "--warn-time", "20s").expect(2)
        found = samples(checked(xmppctl, bench, "prometheus"))
    lines = run.out.splitlines()
    assert lines[0].startswith(f"XMPP CRITICAL - tls.days {way}: the certificate ends on ")
    assert f"'tls.days {way}'=5.5;14:;7:" in lines[0]
    assert re.search(rf"'tcp\.connect {re.escape(way)}'=[\d.]+ms;20000;;0 ", lines[0])
    assert lines[1].startswith(f"[CRITICAL] tls.days {way} - ")
    assert lines[2].startswith("try: ")
    assert all(line.startswith("[OK] ") for line in lines[3:])
    assert found[f'xmpp_probe_success{{domain="{domain}"}}'] == 0
    at = f'domain="{domain}",target="{way}"'
    assert found[f'xmpp_probe_sasl_mechanism_offered{{{at},mechanism="SCRAM-SHA-1"}}'] == 1
    assert found[f'xmpp_probe_tls_version_info{{{at},version="TLS 1.3"}}'] == 1
    end = found[f"xmpp_probe_ssl_earliest_cert_expiry{{{at}}}"]
    assert 5 * 86400 < end - time.time() < 6 * 86400


def test_checks_that_took_too_long(xmppctl: Xmppctl, authority: Authority) -> None:
    """Nagios kills a plugin that runs longer than it may, and then knows nothing."""
    with Bench("bench.test", authority, Habits(silent=True), ways=("starttls",)) as bench:
        run = checked(xmppctl, bench, "nagios", "--deadline", "3s").expect(2)
        found = samples(checked(xmppctl, bench, "prometheus", "--deadline", "3s").expect(8))
    lines = run.out.splitlines()
    assert lines[0].startswith("XMPP CRITICAL - RUN: the run took longer than --deadline (3 s); ")
    assert any(line.startswith("[OK] tcp.connect ") for line in lines)
    assert found['xmpp_probe_success{domain="bench.test"}'] == 0
