"""What domains tell on the web: ways to connect, and outages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.servers.ca import Authority
from tests.servers.proxies import ProxyServer
from tests.servers.web import WebConnection, WebServer
from tests.unit.protocol.serving import form, info, read_info
from xmppctl.config import outages
from xmppctl.errors import ConnectError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.server import ConnectionMethods, OutageStatus
from xmppctl.protocol.server import connections, sos
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web

# --- ways to connect (XEP-0156, XEP-0487)

METHODS = {
    "xmpp": {
        "ttl": 3000,
        "public-key-pins-sha-256": ["4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ=", "short"],
    },
    "links": [
        {
            "rel": "urn:xmpp:alt-connections:websocket",
            "href": "wss://other.example.org/xmpp-websocket",
            "ips": ["1.2.3.4", "fd00:feed:dad:beef::1", "nowhere"],
            "priority": 15,
            "weight": 50,
            "sni": "example.org",
            "ech": "eG1wcC1jbGllbnQ=",
        },
        {"rel": "urn:xmpp:alt-connections:tls", "port": 443, "ips": ["1.2.3.4"], "priority": True},
        {"rel": "urn:xmpp:alt-connections:s2s-quic", "port": 443, "sni": "example.org"},
        {"rel": "urn:xmpp:alt-connections:websocket", "href": "ws://insecure.example.org/"},
        {"rel": "urn:xmpp:alt-connections:xbosh", "href": "https://user@example.org/"},
        {"rel": "urn:xmpp:alt-connections:quic", "port": 0},
        {"rel": "urn:xmpp:alt-connections:quic"},
        {"rel": "websocket", "href": "wss://x.example.org/"},
        {"rel": 1},
        None,
    ],
}
JRD = json.dumps(METHODS).encode()
XRD = b"""<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>
  <Link rel="urn:xmpp:alt-connections:websocket" href="wss://other.example.org/xmpp-websocket"/>
  <Link rel="urn:xmpp:alt-connections:xbosh" href="https://web.example.com:5280/bosh"/></XRD>"""


def serving(files: dict[str, bytes]) -> Callable[[WebConnection], None]:
    def script(conn: WebConnection) -> None:
        body = files.get(conn.request().target.rpartition("/")[2])
        conn.respond(404 if body is None else 200, b"" if body is None else body)

    return script


@pytest.fixture
def found(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> Callable[..., ConnectionMethods]:
    """What is found where the web server of web.test has these files."""

    def run(files: dict[str, bytes]) -> ConnectionMethods:
        with (
            WebServer(serving(files), authority.issue("web.test")) as web,
            ProxyServer("http", places={("web.test", 443): ("127.0.0.1", web.port)}) as proxy,
        ):
            monkeypatch.setenv("https_proxy", proxy.url())
            over = Web(authority.ca_file, 5, 5, Trace(), insecure=True)
            return asyncio.run(connections.fetch(over, "web.test"))

    return run


def test_ways_of_both_files(found: Callable[..., ConnectionMethods]) -> None:
    told = found({"host-meta.json": JRD, "host-meta": XRD})
    assert (told.domain, told.ttl) == ("web.test", 3000)
    assert told.pins == ["4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ="]
    (websocket,) = told.websocket
    assert websocket.url == "wss://other.example.org/xmpp-websocket"
    assert websocket.ips == ["1.2.3.4", "fd00:feed:dad:beef::1"]
    assert (websocket.priority, websocket.weight, websocket.sni) == (15, 50, "example.org")
    assert [each.url for each in told.xbosh] == ["https://web.example.com:5280/bosh"]
    (tls,) = told.tls
    assert (tls.url, tls.port, tls.ips, tls.priority) == (None, 443, ["1.2.3.4"], None)
    assert [each.port for each in told.s2s_quic] == [443]
    assert told.quic == told.s2s_tls == told.s2s_websocket == []


@pytest.mark.parametrize(
    "files",
    [{"host-meta": XRD}, {"host-meta": XRD, "host-meta.json": b"garbage"}],
)
def test_one_file_is_enough(
    found: Callable[..., ConnectionMethods], files: dict[str, bytes]
) -> None:
    told = found(files)
    assert [each.url for each in told.websocket] == ["wss://other.example.org/xmpp-websocket"]
    assert (told.ttl, told.pins) == (None, [])


@pytest.mark.parametrize("files", [{}, {"host-meta.json": b"{}"}])
def test_no_ways(found: Callable[..., ConnectionMethods], files: dict[str, bytes]) -> None:
    with pytest.raises(UnsupportedError, match="XEP-0156"):
        found(files)


def test_files_that_cannot_be_read(found: Callable[..., ConnectionMethods]) -> None:
    with pytest.raises(RefusedError) as caught:
        found({"host-meta.json": b"[1]"})
    assert caught.value.condition == "malformed-answer"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"links": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_jrd(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        connections.read_json(body)


def test_odd_parts_of_a_jrd() -> None:
    told, ways = connections.read_json(b'{"xmpp": [1], "links": [{"rel": {}}, 7]}')
    assert (told.ttl, ways) == (None, {})
    told, _ = connections.read_json(b'{"xmpp": {"ttl": -1, "public-key-pins-sha-256": "x"}}')
    assert (told.ttl, told.pins) == (None, [])
    many = {"rel": "urn:xmpp:alt-connections:tls", "port": 1}
    links = [{**many, "weight": number} for number in range(1000)]
    _, ways = connections.read_json(json.dumps({"links": links}).encode())
    assert len(ways["tls"]) == 50


# --- outages (XEP-0455)

EXAMPLE = """{
  "planned": true,
  "beginning": "2021-01-12T01:01:01Z",
  "expected_end": "2021-01-12T05:00:00Z",
  "message": {"default": "Mise à jour du serveur", "en": "The serveur is being updated"},
  "x": [1]
}""".encode()


def read(body: bytes, *languages: str, now: datetime | None = None) -> OutageStatus:
    return sos.read(body, languages, domain="fake.test", url="https://x.test/", now=now)


def test_the_outage_of_the_example() -> None:
    told = read(EXAMPLE, "en-GB")
    assert told == OutageStatus(
        domain="fake.test",
        outage=True,
        active=True,
        planned=True,
        beginning=datetime(2021, 1, 12, 1, 1, 1, tzinfo=UTC),
        expected_end=datetime(2021, 1, 12, 5, tzinfo=UTC),
        message="The serveur is being updated",
        messages={"default": "Mise à jour du serveur", "en": "The serveur is being updated"},
        url="https://x.test/",
    )
    assert read(EXAMPLE).message == read(EXAMPLE, "de").message == "Mise à jour du serveur"
    assert read(EXAMPLE, "de", "EN").message == "The serveur is being updated"


def test_an_outage_in_the_future_is_planned() -> None:
    body = b'{"planned": false, "beginning": "2021-01-12T01:01:01Z"}'
    told = read(body, now=datetime(2021, 1, 1, tzinfo=UTC))
    assert (told.outage, told.active, told.planned) == (True, False, True)
    told = read(body, now=datetime(2021, 2, 1, tzinfo=UTC))
    assert (told.active, told.planned) == (True, False)


@pytest.mark.parametrize("body", [b"{}", b'{"unknown": 1}', b'{"message": null}'])
def test_no_outage(body: bytes) -> None:
    assert read(body) == OutageStatus("fake.test", outage=False, url="https://x.test/")


def test_fields_that_cannot_be_read() -> None:
    told = read(b'{"planned": "yes", "beginning": 7, "expected_end": "x", "message": [1]}')
    assert (told.outage, told.active, told.planned) == (True, True, None)
    assert (told.beginning, told.expected_end, told.message) == (None, None, None)
    assert read(b'{"message": "down"}').message == "down"
    assert read(b'{"message": {"fr": "en panne", "en": 1}}').message == "en panne"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff\xff", b"[" * 100_000, b"<html/>"])
def test_what_is_no_status(body: bytes) -> None:
    with pytest.raises(ValueError, match="it is"):
        read(body)


@pytest.mark.parametrize(
    ("env", "tags"),
    [
        ({}, []),
        ({"LANG": "C.UTF-8"}, []),
        ({"LANG": "de_AT.UTF-8"}, ["de-AT"]),
        ({"LANGUAGE": "fr:en_GB", "LANG": "de"}, ["fr", "en-GB"]),
        ({"LC_ALL": "POSIX", "LC_MESSAGES": "ca@valencia"}, ["ca"]),
    ],
)
def test_languages(env: dict[str, str], tags: list[str]) -> None:
    assert sos.languages(env) == tags


def test_addresses() -> None:
    told = ["http://secondary.shakespeare.lit/status.json", "ftp://x.test/", "x", "https://y.test"]
    found = sos.read_addresses(
        read_info(info(forms=form(sos.FORM_TYPE, ("external-status-addresses", told))))
    )
    assert found == [told[0], "https://y.test"]
    assert sos.read_addresses(read_info(info())) == []


def fetched(*bodies: bytes | None) -> OutageStatus:
    """What is told where there are so many addresses; None: 404."""

    def script(conn: WebConnection) -> None:
        body = bodies[int(conn.request().target[1:])]
        conn.respond(404 if body is None else 200, body or b"")

    with WebServer(script) as web:
        over = Web(None, 5, 5, Trace(), insecure=True)
        urls = [f"http://127.0.0.1:{web.port}/{number}" for number in range(len(bodies))]
        return asyncio.run(sos.fetch(over, urls, "fake.test", [], cached=True))


def test_the_first_address_that_answers() -> None:
    told = fetched(None, b"no json", b" " * 70_000, b"{}", EXAMPLE)
    assert (told.outage, told.cached) == (False, True)
    assert told.url is not None
    assert told.url.endswith("/3")


@pytest.mark.parametrize(
    ("body", "condition"),
    [(None, "item-not-found"), (b"x", "malformed-answer"), (b" " * 70_000, "file-too-large")],
)
def test_no_address_answers(body: bytes | None, condition: str) -> None:
    with pytest.raises(XmppctlError) as caught:
        fetched(body)
    assert (caught.value.condition, caught.value.step) == (condition, "status")


def test_nobody_listens() -> None:
    over = Web(None, 5, 5, Trace(), insecure=True)
    with pytest.raises(ConnectError) as caught:
        asyncio.run(sos.fetch(over, ["http://127.0.0.1:1/"], None, []))
    assert caught.value.step == "status"


def test_addresses_are_kept(tmp_path) -> None:  # type: ignore[no-untyped-def]
    env = {"XMPPCTL_CACHE_DIR": str(tmp_path)}
    assert outages.load("a.test", env) == []
    outages.store("a.test", ["https://x.test/"], env)
    outages.store("b.test", [], env)
    assert outages.load("a.test", env) == ["https://x.test/"]
    (file,) = (each for each in (tmp_path / "outages").iterdir() if b"a.test" in each.read_bytes())
    assert file.stat().st_mode & 0o777 == 0o600
    for damaged in ("", "[]", "{}", '{"format": 1, "domain": "a.test"}', "[" * 10_000):
        file.write_text(damaged)
        assert outages.load("a.test", env) == []
    outages.store("a.test", ["https://y.test/"], env)
    outages.forget("a.test", env)
    outages.forget("a.test", env)
    assert outages.load("a.test", env) == []
