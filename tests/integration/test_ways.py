"""Which transport is taken: what is named, what host-meta tells, and where TCP does not lead."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.integration.failing import JID, failure
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.dns import Fault, NameServer
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.proxies import ProxyServer
from tests.servers.web import WebConnection, WebServer
from xmppctl.errors import Exit

LINKS = {"wss": "urn:xmpp:alt-connections:websocket", "https": "urn:xmpp:alt-connections:xbosh"}


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that refuses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


class World:
    """A domain whose SRV record points to a port, and whose web server is another one's.

    The proxy stands for the web of the domain: port 443 is not to be had in a test.
    """

    def __init__(self, xmppctl: Xmppctl, stack: ExitStack) -> None:
        self._xmppctl = xmppctl
        self._stack = stack
        self.proxy: ProxyServer

    def run(
        self, domain: str, srv: int | Fault, web: int, *args: str, connection: dict[str, Any]
    ) -> Result:
        """Run xmppctl in it."""
        name = f"_xmpp-client._tcp.{domain}"
        zone: dict[str, Any] = {"host.test": {"A": ["127.0.0.1"]}}
        zone[name] = srv if isinstance(srv, Fault) else {"SRV": [f"0 0 {srv} host.test."]}
        if isinstance(srv, Fault):
            zone[f"_xmpps-client._tcp.{domain}"] = srv
        names = self._stack.enter_context(NameServer(zone))
        places = {(domain, 443): ("127.0.0.1", web)}
        self.proxy = self._stack.enter_context(ProxyServer("http", places=places))
        env = {"XMPPCTL_NAMESERVER": names.nameserver, "https_proxy": self.proxy.url()}
        return self._xmppctl(*args, env=env, **connection)


@pytest.fixture
def world(xmppctl: Xmppctl) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(xmppctl, stack)


def who(account: Account) -> dict[str, Any]:
    return {
        "jid": account.jid,
        "password": account.password,
        "ca_file": account.server.ca_file,
    }


def told(*urls: str) -> Callable[[WebConnection], None]:
    """A host-meta that names these endpoints."""
    links = [{"rel": LINKS[url.partition(":")[0]], "href": url} for url in urls]

    def script(conn: WebConnection) -> None:
        if conn.request().target.endswith(".json"):
            conn.respond(200, json.dumps({"links": links}).encode())
        else:
            conn.respond(404)

    return script


def over(run: Result, port: int) -> None:
    """The login went to this port."""
    assert re.search(rf"logged in as \S+ at 127\.0\.0\.1:{port} ", run.err), run


# --- TCP does not lead there --------------------------------------------------------------------


@pytest.mark.servers("ejabberd")
def test_a_refused_tcp_gives_way_to_host_meta(
    world: World, alice: Account, server: Server, closed: int
) -> None:
    https = server.ports.https
    run = world.run(server.domain, closed, https, "-v", "ping", connection=who(alice)).expect()
    over(run, https)
    assert "no connection by TCP" in run.err
    assert ("127.0.0.1", https) in world.proxy.asked


@pytest.mark.servers("ejabberd")
def test_a_silent_name_service_gives_way_to_host_meta(
    world: World, alice: Account, server: Server
) -> None:
    https = server.ports.https
    run = world.run(
        server.domain, Fault.SILENCE, https, "-v", "ping", connection=who(alice)
    ).expect()
    over(run, https)
    assert run.seconds < 9


def test_the_next_endpoint_is_tried(
    world: World, authority: Authority, alice: Account, server: Server, closed: int
) -> None:
    urls = (f"wss://127.0.0.1:{closed}/ws", server.bosh_url)
    with WebServer(told(*urls), authority.issue(server.domain)) as web:
        args = ("-v", "--json", "ping")
        run = world.run(server.domain, closed, web.port, *args, connection=who(alice)).expect()
    over(run, server.ports.https)


def test_tcp_is_told_where_nothing_leads_there(
    world: World, authority: Authority, closed: int
) -> None:
    url = f"wss://127.0.0.1:{closed}/ws"
    with WebServer(told(url), authority.issue("fake.test")) as web:
        connection = {"jid": JID, "password": "x", "ca_file": authority.ca_file}
        run = world.run("fake.test", closed, web.port, "--json", "ping", connection=connection)
    error = failure(run, Exit.CONNECT, "tcp", "connection-refused")
    assert f"host.test (127.0.0.1:{closed})" in error["text"]
    assert "nor is there another way" in error["hint"]


def test_a_domain_without_host_meta_fails_as_ever(
    world: World, authority: Authority, closed: int
) -> None:
    with WebServer(lambda conn: conn.respond(404), authority.issue("fake.test")) as web:
        connection = {"jid": JID, "password": "x", "ca_file": authority.ca_file}
        run = world.run("fake.test", closed, web.port, "--json", "ping", connection=connection)
    error = failure(run, Exit.CONNECT, "tcp", "connection-refused")
    assert "--connect" in error["hint"]


# --- TCP answers --------------------------------------------------------------------------------


def test_a_certificate_that_is_not_trusted_is_an_answer(
    world: World, authority: Authority, alice: Account, server: Server
) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.login()

    with (
        FakeServer(server.domain, authority.wrong_name("x.test"), script) as fake,
        WebServer(told(server.websocket_url), authority.issue(server.domain)) as web,
    ):
        port = fake.address[1]
        args = ("--tls", "starttls", "--json", "ping")
        run = world.run(server.domain, port, web.port, *args, connection=who(alice))
        failure(run, Exit.TLS, "tls", "wrong-host-name")
        assert world.proxy.asked == []
        assert web.requests == []


def test_a_refused_login_is_an_answer(
    world: World, authority: Authority, alice: Account, server: Server
) -> None:
    with WebServer(told(server.websocket_url), authority.issue(server.domain)) as web:
        port = server.ports.starttls
        connection = {**who(alice), "password": "wrong"}
        run = world.run(server.domain, port, web.port, "--json", "ping", connection=connection)
        failure(run, Exit.AUTH, "auth", "not-authorized")
        assert web.requests == []


def test_who_names_a_server_means_it(
    world: World, authority: Authority, alice: Account, server: Server, closed: int
) -> None:
    with WebServer(told(server.websocket_url), authority.issue(server.domain)) as web:
        connection = {**who(alice), "connect": ("127.0.0.1", closed)}
        run = world.run(server.domain, closed, web.port, "--json", "ping", connection=connection)
        failure(run, Exit.CONNECT, "tcp", "connection-refused")
        assert web.requests == []


# --- a transport by its name --------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["websocket", "bosh"])
def test_a_transport_is_looked_up(
    world: World, authority: Authority, alice: Account, server: Server, transport: str
) -> None:
    urls = (server.bosh_url, server.websocket_url)
    with WebServer(told(*urls), authority.issue(server.domain)) as web:
        args = ("--transport", transport, "-v", "ping")
        port = server.ports.starttls
        run = world.run(server.domain, port, web.port, *args, connection=who(alice)).expect()
    over(run, server.ports.https)
    name = {"websocket": "WebSocket", "bosh": "BOSH"}[transport]
    assert f"by {name}" in run.err


@pytest.mark.parametrize(
    ("script", "condition"),
    [(lambda conn: conn.respond(404), "service-not-offered"), (told(), "service-not-offered")],
)
def test_a_transport_that_is_not_there(
    world: World, authority: Authority, script: Callable[[WebConnection], None], condition: str
) -> None:
    with WebServer(script, authority.issue("fake.test")) as web:
        args = ("--transport", "websocket", "--json", "ping")
        connection = {"jid": JID, "password": "x", "ca_file": authority.ca_file}
        run = world.run("fake.test", 1, web.port, *args, connection=connection)
    error = failure(run, Exit.CONNECT, "host-meta", condition)
    assert "--endpoint" in error["hint"]


def test_a_host_meta_that_is_not_trusted(world: World, authority: Authority) -> None:
    with WebServer(told(), authority.wrong_name("fake.test")) as web:
        args = ("--transport", "websocket", "--json", "ping")
        connection = {"jid": JID, "password": "x", "ca_file": authority.ca_file}
        run = world.run("fake.test", 1, web.port, *args, connection=connection)
    failure(run, Exit.TLS, "tls", "wrong-host-name")


def test_an_endpoint_that_is_not_trusted(
    world: World, authority: Authority, alice: Account, server: Server
) -> None:
    with (
        WebServer(lambda conn: None, authority.wrong_name("x.test")) as bad,
        WebServer(
            told(bad.url("/ws").replace("https", "wss")), authority.issue(server.domain)
        ) as web,
    ):
        args = ("--transport", "websocket", "--json", "ping")
        run = world.run(server.domain, 1, web.port, *args, connection=who(alice))
    failure(run, Exit.TLS, "tls", "wrong-host-name")
