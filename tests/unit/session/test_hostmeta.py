"""XEP-0156: two forms of a host-meta file, what is believed of them, how they are fetched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.ca import Authority
from tests.servers.proxies import ProxyServer
from tests.servers.web import WebConnection, WebServer
from xmppctl.errors import ConnectError, DeadlineError, LocalError, RefusedError, TlsError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session.hostmeta import Endpoints, discover, read_jrd, read_xrd
from xmppctl.session.trace import Trace

# XEP-0156, examples 1 and 2, with the real world's comment in the first
XRD = b"""<?xml version='1.0' encoding='utf-8'?>
<!-- written by hand -->
<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>
  <Link rel="lrdd" template="https://web.example.com/{uri}" />
  <Link rel="urn:xmpp:alt-connections:xbosh"
        href="https://web.example.com:5280/bosh" />
  <Link rel="urn:xmpp:alt-connections:websocket"
        href="wss://web.example.com:443/ws" />
</XRD>
"""
JRD = b"""{
  "links": [
    {"rel": "lrdd", "template": "https://web.example.com/{uri}"},
    {"rel": "urn:xmpp:alt-connections:xbosh", "href": "https://web.example.com:5280/bosh"},
    {"rel": "urn:xmpp:alt-connections:websocket", "href": "wss://web.example.com:443/ws"}
  ]
}"""
BOTH = Endpoints(("wss://web.example.com:443/ws",), ("https://web.example.com:5280/bosh",))
WEBSOCKET = "urn:xmpp:alt-connections:websocket"

Script = Callable[[WebConnection], None]


def test_both_forms_say_the_same() -> None:
    links = [
        ("urn:xmpp:alt-connections:xbosh", "https://web.example.com:5280/bosh"),
        (WEBSOCKET, "wss://web.example.com:443/ws"),
    ]
    assert read_xrd(XRD)[1:] == links
    assert read_jrd(JRD) == links


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html/>",
        b"<XRD/>",
        XRD[:-10],
        b"\xff\xfe",
        b"<!DOCTYPE XRD [<!ENTITY a 'b'>]>" + XRD.partition(b"?>")[2],
    ],
)
def test_what_is_no_xrd(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_xrd(body)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"links": {}}', b"\xff", b"[" * 100_000, XRD])
def test_what_is_no_jrd(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_jrd(body)


@pytest.mark.parametrize("body", [b"{}", b'{"links": [1, null, {"rel": 1, "href": []}, {}]}'])
def test_a_jrd_that_says_nothing(body: bytes) -> None:
    assert read_jrd(body) == []


# --- over HTTPS; the domain is where the proxy says


def found(
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    script: Script,
    *,
    certificate: Any = None,
    timeout: float = 5,
    notes: list[str] | None = None,
    **account: Any,
) -> tuple[Endpoints, list[str]]:
    """What is discovered of web.test, and the targets that were asked for."""
    account.setdefault("ca_file", authority.ca_file)
    with (
        WebServer(script, certificate or authority.issue("web.test")) as web,
        ProxyServer("http", places={("web.test", 443): ("127.0.0.1", web.port)}) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url())
        who = Account(jid=parse("alice@web.test"), **account)
        trace = Trace(note=(notes if notes is not None else []).append)
        result = asyncio.run(discover(who, timeout, trace))
        assert set(proxy.asked) <= {("web.test", 443)}
        return result, [request.target for request in web.requests]


def serving(**files: bytes | None) -> Script:
    """``json`` and ``xml``: bodies, or None for silence; what is not there is 404."""

    def script(conn: WebConnection) -> None:
        request = conn.request()
        assert request.all("host") == ["web.test"]
        kind = "json" if request.target.endswith(".json") else "xml"
        assert request.target.startswith("/.well-known/host-meta")
        body = files.get(kind, b"")
        if body is None:
            conn.wait()
        else:
            conn.respond(200 if body else 404, body or b"no")

    return script


@pytest.mark.parametrize(
    "files",
    [
        {"json": JRD},
        {"xml": XRD},
        {"json": JRD, "xml": XRD},
        {"json": b"garbage", "xml": XRD},
        {"json": b"{}", "xml": XRD},
        {"json": None, "xml": XRD},
        {"json": JRD, "xml": None},
        {"json": b" " * 200_000, "xml": XRD},
    ],
)
def test_one_form_is_enough(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, files: dict[str, bytes | None]
) -> None:
    notes: list[str] = []
    endpoints, _ = found(monkeypatch, authority, serving(**files), notes=notes)
    assert endpoints == BOTH
    assert "wss://web.example.com:443/ws" in notes[-1]


def test_none_is_no_failure(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    endpoints, asked = found(monkeypatch, authority, serving())
    assert not endpoints
    assert endpoints.error is None
    assert sorted(asked) == ["/.well-known/host-meta", "/.well-known/host-meta.json"]


def test_only_secure_urls_are_believed(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    hrefs = [
        "ws://a.example/", "https://a.example/", "http://a.example/", "javascript:alert(1)",
        "//a.example/x", "/ws", "wss://", "wss://user@a.example/", "wss://a.example:0/",
        "wss://a.example/\n", "wss://a b/", "WSS://good.example/ws", "wss://good.example/ws",
        "wss://bücher.example/ws",
    ]  # fmt: skip
    links = [{"rel": WEBSOCKET, "href": each} for each in hrefs]
    links += [{"rel": "urn:xmpp:alt-connections:xbosh", "href": "wss://a.example/"}]
    links += [{"rel": WEBSOCKET, "href": f"wss://{n}.example/"} for n in range(1000)]
    body = json.dumps({"links": links}).encode()
    endpoints, _ = found(monkeypatch, authority, serving(json=body))
    assert endpoints.websocket[:2] == ("wss://good.example/ws", "wss://xn--bcher-kva.example/ws")
    assert len(endpoints.websocket) == 8
    assert endpoints.bosh == ()


@pytest.mark.parametrize(
    ("location", "good"),
    [
        ("/elsewhere", True),
        ("https://web.test/elsewhere", True),
        ("http://web.test/elsewhere", False),
        ("ftp://web.test/elsewhere", False),
        ("", False),
    ],
)
def test_redirects(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, location: str, good: bool
) -> None:
    def script(conn: WebConnection) -> None:
        if conn.request().target == "/elsewhere":
            conn.respond(200, JRD)
        else:
            conn.respond(302, b"", f"Location: {location}")

    endpoints, asked = found(monkeypatch, authority, script)
    assert bool(endpoints) is good
    assert len(asked) <= 12
    if not good:
        assert endpoints.error is not None


def test_failures_are_told(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    script = serving(json=JRD, xml=XRD)
    wrong = authority.wrong_name("web.test")
    endpoints, asked = found(monkeypatch, authority, script, certificate=wrong)
    assert (bool(endpoints), asked, type(endpoints.error)) == (False, [], TlsError)
    notes: list[str] = []
    silent = serving(json=None, xml=None)
    endpoints, _ = found(monkeypatch, authority, silent, timeout=0.5, notes=notes)
    assert isinstance(endpoints.error, DeadlineError)
    assert endpoints.error.text in notes[-1]
    endpoints, _ = found(monkeypatch, authority, lambda conn: None)
    assert isinstance(endpoints.error, ConnectError)
    endpoints, _ = found(monkeypatch, authority, serving(json=b"{", xml=b"<"))
    assert isinstance(endpoints.error, RefusedError)
    assert endpoints.error.condition == "malformed-answer"


def test_an_own_mistake_is_one(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    with pytest.raises(LocalError):
        found(monkeypatch, authority, serving(), ca_file=authority.directory / "none.pem")
