"""What a domain names on the web: as records beside those of the DNS, and as a check."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.ca import Authority, Certificate
from tests.servers.dns import Fault, NameServer
from tests.servers.proxies import ProxyServer
from tests.servers.web import WebConnection, WebServer
from xmppctl.errors import ConnectError, LocalError, TlsError, UnsupportedError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.check import CHECKS, Finding
from xmppctl.model.dns import ServiceRecord, Way
from xmppctl.model.jid import parse
from xmppctl.protocol.check.context import Context, Limits
from xmppctl.protocol.check.hostmeta import hostmeta
from xmppctl.protocol.server import dns, dnsweb
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web

DOMAIN = "web.test"
WS, BOSH = "wss://web.test:5443/ws", "https://web.test:5443/bosh"
RELATIONS = {"ws": "websocket", "wss": "websocket", "http": "xbosh", "https": "xbosh"}
ALLOW = "Access-Control-Allow-Origin"
CORS = f"{ALLOW}: *"
Answer = tuple[int, bytes, tuple[str, ...]]


def links(*urls: str) -> list[dict[str, str]]:
    kinds = [RELATIONS[each.partition(":")[0]] for each in urls]
    return [
        {"rel": f"urn:xmpp:alt-connections:{kind}", "href": url}
        for kind, url in zip(kinds, urls, strict=True)
    ]


def jrd(*urls: str) -> bytes:
    return json.dumps({"links": links(*urls)}).encode()


def xrd(*urls: str) -> bytes:
    inner = "".join(f"<Link rel='{each['rel']}' href='{each['href']}'/>" for each in links(*urls))
    return f"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>{inner}</XRD>".encode()


def serving(xml: Answer | None, json_file: Answer | None) -> Callable[[WebConnection], None]:
    def script(conn: WebConnection) -> None:
        request = conn.request()
        given = json_file if request.target.endswith(".json") else xml
        if given is None:
            conn.respond(404, b"no")
        else:
            status, body, headers = given
            conn.respond(status, body, *headers)

    return script


def ok(body: bytes, *headers: str) -> Answer:
    return 200, body, headers or (CORS,)


Check = Callable[..., tuple[list[Way], Finding]]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Check:
    """The ways, and the finding, where the web server of web.test answers so."""

    def run(
        script: Callable[[WebConnection], None], certificate: Certificate | None = None, **more: Any
    ) -> tuple[list[Way], Finding]:
        found: list[Finding] = []
        with (
            WebServer(script, certificate or authority.issue(DOMAIN)) as web,
            ProxyServer("http", places={(DOMAIN, 443): ("127.0.0.1", web.port)}) as proxy,
        ):
            monkeypatch.setenv("https_proxy", proxy.url())
            who = Account(parse(DOMAIN), **{"ca_file": authority.ca_file, "timeout": 3.0, **more})
            context = Context(DOMAIN, who, Limits(), set(CHECKS), found.append)
            ways, why = asyncio.run(hostmeta(context))
        (finding,) = found
        assert (why is not None) == ("malformed" in finding.detail or "read:" in finding.detail)
        assert (finding.check, finding.target) == ("web.hostmeta", DOMAIN)
        assert finding.status == "ok" or finding.advice
        return ways, finding

    return run


def test_both_files(check: Check) -> None:
    ways, finding = check(serving(ok(xrd(WS, BOSH)), ok(jrd(BOSH, WS))))
    assert (finding.status, finding.value) == ("ok", 2)
    assert ways == [
        Way("websocket", "web.test", 5443, True, (), "hostmeta", url=WS),
        Way("bosh", "web.test", 5443, True, (), "hostmeta", url=BOSH),
    ]
    assert [str(each) for each in ways] == [WS, BOSH]


BOTH = (ok(xrd(WS)), ok(jrd(WS)))


@pytest.mark.parametrize(
    ("xml", "json_file", "status", "words"),
    [
        (None, None, "ok", "no host-meta"),
        ((403, b"no", ()), (401, b"no", ()), "ok", "no host-meta"),
        # one page for whatever is asked for
        (ok(b"<html>", "Content-Type: text/html"),) * 2 + ("ok", "no host-meta"),
        # of other protocols
        (ok(xrd()), ok(jrd()), "ok", "no WebSocket"),
        (ok(xrd(WS)), None, "warn", "host-meta.json is missing"),
        (None, ok(jrd(WS)), "warn", "host-meta is missing"),
        (ok(xrd(WS)), ok(jrd(BOSH)), "warn", "different addresses"),
        (ok(xrd(WS)), ok(b"{"), "fail", "host-meta.json is malformed"),
        (ok(b"<x"), ok(jrd(WS)), "fail", "host-meta is malformed"),
        (ok(b"<x"), None, "fail", "host-meta is malformed"),
        (ok(b" " * 200_000), None, "fail", "host-meta is malformed"),
        (ok(xrd("ws://web.test/ws")), ok(jrd("ws://web.test/ws")), "warn", "ws://web.test/ws"),
        (ok(xrd(WS, "http://a.test/b")), ok(jrd(WS)), "warn", "http://a.test/b"),
        ((500, b"no", ()), ok(jrd(WS)), "warn", "cannot be read"),
        (ok(xrd(WS), "X-Nothing: 1"), ok(jrd(WS)), "warn", "host-meta (CORS)"),
        (ok(xrd(WS)), ok(jrd(WS), f"{ALLOW}: https://a.test"), "warn", "json (CORS)"),
        (ok(xrd(WS)), ok(jrd(WS), f"{ALLOW}: https://example.com"), "ok", WS),
    ],
)  # fmt: skip
def test_what_is_wrong_with_them(
    check: Check, xml: Answer | None, json_file: Answer | None, status: str, words: str
) -> None:
    _, finding = check(serving(xml, json_file))
    assert finding.status == status
    assert words in finding.detail


def test_servers_that_send_cors_headers_only_where_they_are_asked_to(check: Check) -> None:
    def script(conn: WebConnection) -> None:
        request = conn.request()
        (origin,) = request.all("origin")
        body = jrd(WS) if request.target.endswith(".json") else xrd(WS)
        conn.respond(200, body, f"Access-Control-Allow-Origin: {origin}")

    assert check(script)[1].status == "ok"


def test_a_web_server_that_cannot_be_trusted_or_is_silent(
    check: Check, authority: Authority
) -> None:
    ways, finding = check(serving(*BOTH), authority.wrong_name(DOMAIN))
    assert (ways, finding.status) == ([], "warn")
    ways, finding = check(lambda conn: conn.wait(), timeout=0.3)
    assert (ways, finding.status) == ([], "warn")
    assert "silent" in finding.detail


def test_an_own_mistake_is_told_as_one(check: Check, authority: Authority) -> None:
    with pytest.raises(LocalError):
        check(serving(*BOTH), ca_file=authority.directory / "none.pem")


def test_no_web_server() -> None:
    """Refused, and a domain without address: as most domains are."""
    found: list[Finding] = []
    with NameServer({DOMAIN: {"A": ["127.0.0.1"]}}) as names:
        for domain in (DOMAIN, "none.test"):
            who = Account(parse(domain), nameserver=("127.0.0.1", names.port), timeout=3.0)
            context = Context(domain, who, Limits(), set(CHECKS), found.append)
            assert asyncio.run(hostmeta(context)) == ([], None)
    assert [(each.status, each.value) for each in found] == [("ok", 0)] * 2
    found.clear()
    with NameServer({DOMAIN: Fault.SERVFAIL}) as names:
        who = Account(parse(DOMAIN), nameserver=("127.0.0.1", names.port), timeout=3.0)
        context = Context(DOMAIN, who, Limits(), set(CHECKS), found.append)
        ways, why = asyncio.run(hostmeta(context))
    assert ways == []
    assert "SERVFAIL" in (why or "")
    assert [each.status for each in found] == ["unknown"]


# --- as records


def survey(
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    script: Callable[[WebConnection], None],
    zone: dict[str, Any],
    *,
    socks: bool = True,
) -> list[ServiceRecord]:
    """``socks``: the names are looked up here, and not by the proxy."""
    with (
        WebServer(script, authority.issue(DOMAIN)) as web,
        NameServer(zone) as names,
        ProxyServer(
            "socks5" if socks else "http",
            places={
                (DOMAIN, 443): ("127.0.0.1", web.port),
                ("192.0.2.1", 443): ("127.0.0.1", web.port),
            },
        ) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url("socks5") if socks else proxy.url())
        place = ("127.0.0.1", names.port)
        who = Account(parse(DOMAIN), nameserver=place)
        over = Web(authority.ca_file, 3, 3, Trace(), nameserver=place)

        async def run() -> list[ServiceRecord]:
            return await dnsweb.survey(DOMAIN, dns.Lookups(who), over)

        return asyncio.run(run())


def test_endpoints_as_records(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    zone = {DOMAIN: {"A": ["192.0.2.1"]}}
    script = serving(ok(xrd(WS, "https://none.test/bosh")), None)
    websocket, bosh = survey(monkeypatch, authority, script, zone)
    assert (websocket.service, websocket.host, websocket.port) == ("websocket", "web.test", 5443)
    assert (websocket.url, websocket.source, websocket.order) == (WS, "hostmeta", None)
    assert websocket.addresses == ["192.0.2.1"]
    assert [each.id for each in websocket.problems] == ["no-ipv6"]
    assert bosh.url == "https://none.test/bosh"
    assert bosh.error is not None
    assert bosh.error.condition == "nxdomain"


def test_names_that_a_proxy_looks_up(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    """A machine behind it may know none of them."""
    script = serving(ok(xrd(WS)), ok(jrd(WS)))
    (record,) = survey(monkeypatch, authority, script, {}, socks=False)
    assert (record.url, record.addresses, record.error) == (WS, [], None)


@pytest.mark.parametrize(
    ("zone", "script", "error", "absent"),
    [
        ({}, serving(*BOTH), ConnectError, True),
        ({DOMAIN: Fault.SERVFAIL}, serving(*BOTH), ConnectError, True),
        ({DOMAIN: {"A": ["192.0.2.1"]}}, serving(None, None), UnsupportedError, True),
        ({DOMAIN: {"A": ["192.0.2.1"]}}, serving(ok(jrd()), ok(b"{")), XmppctlError, False),
    ],
)
def test_nothing_there(
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    zone: dict[str, Any],
    script: Callable[[WebConnection], None],
    error: type[XmppctlError],
    absent: bool,
) -> None:
    with pytest.raises(error) as caught:
        survey(monkeypatch, authority, script, zone)
    assert dnsweb.is_absence(caught.value) is absent


def test_what_counts_as_absence() -> None:
    assert dnsweb.is_absence(ConnectError("refused", step="tcp"))
    assert not dnsweb.is_absence(ConnectError("broke", step="get"))
    assert not dnsweb.is_absence(TlsError("expired", step="tls"))
