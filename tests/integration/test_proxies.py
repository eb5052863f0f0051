"""Proxies by the usual variables: the XMPP connection by all_proxy, HTTP by those of its URLs."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.failing import JID, PASSWORD, answer_ping, failure
from tests.integration.fetching import files, giving
from tests.integration.uploading import look
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.ca import Authority, Certificate
from tests.servers.dns import Fault, NameServer
from tests.servers.fake import FakeServer
from tests.servers.proxies import ProxyServer
from tests.servers.web import WebServer
from xmppctl.errors import Exit

pytestmark = [pytest.mark.own_connection, pytest.mark.in_turn]

USER, SECRET = "pröxy user", "p@ss:w/rd %41 geheim"
KINDS = ["http", "https", "socks5", "socks5h"]


@contextmanager
def proxy_of(kind: str, authority: Authority, **more: object) -> Iterator[ProxyServer]:
    """A proxy with TLS of its own, or one that wants a password, which covers both."""
    certificate = authority.issue("proxy.test") if kind == "https" else None
    family = "http" if kind.startswith("http") else "socks5"
    with ProxyServer(family, certificate=certificate, **more) as proxy:
        yield proxy


def told_without_secrets(run: Result) -> None:
    for text in (run.out, run.err):
        for secret in (SECRET, "geheim", "w/rd", USER):
            assert secret not in text


# --- the XMPP connection


@pytest.mark.parametrize("kind", KINDS)
def test_ping(
    xmppctl: Xmppctl, server: Server, alice: Account, authority: Authority, kind: str
) -> None:
    with proxy_of(kind, authority, user=USER, password=SECRET) as proxy:
        run = xmppctl(
            *("-v", "ping", "--json", "--debug-xml"),
            account=alice,
            env={"all_proxy": proxy.url(kind)},
        )
    assert run.expect().json()[0]["ok"]
    assert proxy.asked == [server.starttls]
    told_without_secrets(run)


@pytest.mark.sampled
@pytest.mark.parametrize("transport", ["websocket", "bosh"])
@pytest.mark.parametrize("kind", ["http", "socks5h"])
def test_ping_by_the_web(
    xmppctl: Xmppctl,
    server: Server,
    alice: Account,
    authority: Authority,
    kind: str,
    transport: str,
) -> None:
    with proxy_of(kind, authority, user=USER, password=SECRET) as proxy:
        run = xmppctl(
            *("-v", "ping", "--json", "--debug-xml"),
            account=alice,
            transport=transport,
            env={"all_proxy": proxy.url(kind)},
        )
    assert run.expect().json()[0]["ok"]
    url = server.websocket_url if transport == "websocket" else server.bosh_url
    port = urlsplit(url).port
    assert proxy.asked
    assert {asked[1] for asked in proxy.asked} == {port}
    told_without_secrets(run)


@pytest.mark.parametrize("kind", ["https", "socks5"])
def test_ping_by_direct_tls_without_a_password(
    xmppctl: Xmppctl, server: Server, alice: Account, authority: Authority, kind: str
) -> None:
    with proxy_of(kind, authority) as proxy:
        run = xmppctl(
            *("--tls", "direct", "ping", "--json"),
            account=alice,
            connect=server.direct_tls,
            env={"ALL_PROXY": proxy.url(kind)},
        )
    assert run.expect().json()[0]["ok"]
    assert proxy.asked == [server.direct_tls]


def test_a_message_and_its_proof_by_tls_inside_tls(
    xmppctl: Xmppctl, slix: Callable[..., object], server: Server, alice: Account, bob: Account,
    authority: Authority,
) -> None:  # fmt: skip
    peer = slix(bob)
    peer.send_presence()
    with proxy_of("https", authority) as proxy:
        xmppctl(
            *("send", bob.jid, "-"),
            account=alice,
            input="x" * 50_000,
            env={"all_proxy": proxy.url()},
        ).expect()
    assert peer.wait_message(lambda message: len(message["body"]) == 50_000)


def test_the_proxy_looks_up_the_name(xmppctl: Xmppctl, authority: Authority) -> None:
    """Nothing but the proxy knows where the domain is: no DNS answers."""
    with (
        FakeServer("fake.test", authority.issue("fake.test"), answer_ping) as fake,
        ProxyServer("socks5", places={("fake.test", 5222): fake.address}) as proxy,
        NameServer(
            {
                "_xmpp-client._tcp.fake.test": Fault.SILENCE,
                "_xmpps-client._tcp.fake.test": Fault.SERVFAIL,
            }
        ) as names,
    ):
        run = xmppctl(
            *("--connect-timeout", "3", "ping", "--json"),
            jid=JID,
            password=PASSWORD,
            ca_file=authority.ca_file,
            env={"all_proxy": proxy.url("socks5h"), "XMPPCTL_NAMESERVER": names.nameserver},
        )
        assert run.expect().json()[0]["ok"]
        assert ("fake.test", 5222) in proxy.asked  # host-meta may be asked for, too
        assert {"A", "AAAA"}.isdisjoint(kind for _, kind, _ in names.queries)
        # one that takes addresses alone leaves the name to us, and so the same is a failure
        run = xmppctl(
            *("--connect-timeout", "1", "ping", "--json"),
            jid=JID,
            password=PASSWORD,
            ca_file=authority.ca_file,
            env={"all_proxy": proxy.url("socks5"), "XMPPCTL_NAMESERVER": names.nameserver},
        )
        failure(run, Exit.CONNECT, "dns", "servfail")


def test_srv_records_count_behind_a_proxy_too(xmppctl: Xmppctl, authority: Authority) -> None:
    with (
        FakeServer("fake.test", authority.issue("fake.test"), answer_ping) as fake,
        ProxyServer("http", places={("xmpp.else.test", 5299): fake.address}) as proxy,
        NameServer({"_xmpp-client._tcp.fake.test": {"SRV": ["0 0 5299 xmpp.else.test."]}}) as names,
    ):
        run = xmppctl(
            *("ping", "--json"),
            jid=JID,
            password=PASSWORD,
            ca_file=authority.ca_file,
            env={"all_proxy": proxy.url(), "XMPPCTL_NAMESERVER": names.nameserver},
        )
    assert run.expect().json()[0]["ok"]
    assert proxy.asked == [("xmpp.else.test", 5299)]


def test_the_name_in_the_certificate_is_still_the_domain(
    xmppctl: Xmppctl, authority: Authority
) -> None:
    with (
        FakeServer("fake.test", authority.wrong_name("fake.test"), answer_ping) as fake,
        ProxyServer("http") as proxy,
    ):
        run = xmppctl(
            *("ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
            env={"all_proxy": proxy.url()},
        )
    failure(run, Exit.TLS, "tls", "wrong-host-name")


@pytest.mark.servers("prosody")
@pytest.mark.parametrize(
    "variables",
    [
        {"https_proxy": "@"},
        {"http_proxy": "@", "HTTP_PROXY": "@", "HTTPS_PROXY": "@"},
        {"all_proxy": "@", "no_proxy": "127.0.0.0/8"},
        {"ALL_PROXY": "@", "NO_PROXY": "*"},
        {"ALL_PROXY": "@", "all_proxy": ""},
    ],
)
def test_what_is_not_for_the_xmpp_connection(
    xmppctl: Xmppctl, alice: Account, variables: dict[str, str]
) -> None:
    with ProxyServer("http") as proxy:
        env = {name: value.replace("@", proxy.url()) for name, value in variables.items()}
        xmppctl("ping", account=alice, env=env).expect()
    assert proxy.connections == 0


# --- proxies that fail


def run_by(xmppctl: Xmppctl, url: str, *args: str) -> Result:
    return xmppctl(
        *("--connect-timeout", "1", *args, "ping", "--json"),
        jid=JID,
        password=PASSWORD,
        connect=("198.51.100.1", 5222),
        env={"all_proxy": url},
    )


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("login", ["wrong", "none"])
def test_a_wrong_password(xmppctl: Xmppctl, kind: str, login: str) -> None:
    with ProxyServer(kind, user="somebody", password="right") as proxy:
        wrong = proxy.url(user=USER, password=SECRET)
        run = run_by(
            xmppctl, wrong if login == "wrong" else f"{kind}://127.0.0.1:{proxy.address[1]}"
        )
    error = failure(run, Exit.CONNECT, "proxy", "proxy-authentication-required")
    assert f"{kind}://127.0.0.1:{proxy.address[1]}" in error["text"]
    assert ("refuses" if login == "wrong" else "wants a user name") in error["text"]
    assert error["by"] == f"127.0.0.1:{proxy.address[1]}"
    told_without_secrets(run)


@pytest.mark.parametrize("scheme", KINDS)
def test_a_dead_proxy(xmppctl: Xmppctl, scheme: str) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        run = run_by(xmppctl, f"{scheme}://me:geheim@127.0.0.1:{sock.getsockname()[1]}")
    error = failure(run, Exit.CONNECT, "proxy", "connection-refused")
    assert "all_proxy" in error["hint"]
    told_without_secrets(run)


def test_a_proxy_that_does_not_exist(xmppctl: Xmppctl) -> None:
    run = run_by(xmppctl, "socks5h://no.such.proxy.invalid:1080")
    failure(run, Exit.CONNECT, "proxy", "host-not-found")


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h"])
def test_a_silent_proxy(xmppctl: Xmppctl, scheme: str) -> None:
    with ProxyServer("http", answer=b"") as proxy:
        run = run_by(xmppctl, proxy.url(scheme))
    error = failure(run, Exit.TIMEOUT, "proxy", "timeout")
    # of the second that the whole way has, what is left for this step
    assert re.search(r"198\.51\.100\.1:5222 within (1|0\.\d+) s", error["text"])
    assert run.seconds < 5


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "malformed-answer"),
        (b"\x00" * 300, "malformed-answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nand more", "malformed-answer"),
        (b"HTTP/1.1 999999 \x1b[31m\r\n\r\n", "malformed-answer"),
    ],
)
def test_a_proxy_that_answers_garbage(
    xmppctl: Xmppctl, scheme: str, answer: bytes, condition: str
) -> None:
    with ProxyServer("http", answer=answer) as proxy:
        run = run_by(xmppctl, proxy.url(scheme))
    failure(run, Exit.CONNECT, "proxy", condition)
    assert "\x1b" not in run.err


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_place_that_the_proxy_cannot_reach(xmppctl: Xmppctl, kind: str) -> None:
    with ProxyServer(kind) as proxy:
        run = run_by(xmppctl, proxy.url())
    condition = {"http": "proxy-failed", "socks5": "connection-refused"}[kind]
    error = failure(run, Exit.CONNECT, "proxy", condition)
    assert "198.51.100.1:5222" in error["text"]


def test_a_proxy_that_allows_web_ports_alone(xmppctl: Xmppctl) -> None:
    with ProxyServer("http", answer=b"HTTP/1.1 403 Port denied\r\n\r\n<html>") as proxy:
        run = run_by(xmppctl, proxy.url())
    error = failure(run, Exit.CONNECT, "proxy", "forbidden")
    assert "403" in error["text"]
    assert "443" in error["hint"]


@pytest.mark.parametrize(
    ("made", "condition"),
    [("untrusted", "certificate-not-trusted"), ("wrong_name", "wrong-host-name")],
)
def test_the_certificate_of_a_proxy(
    xmppctl: Xmppctl, authority: Authority, made: str, condition: str
) -> None:
    certificate = getattr(authority, made)("proxy.test")
    with ProxyServer("http", certificate=certificate, user=USER, password=SECRET) as proxy:
        run = run_by(xmppctl, proxy.url(), "--ca-file", str(authority.ca_file))
    error = failure(run, Exit.TLS, "proxy", condition)
    assert "proxy" in error["text"]
    assert proxy.heads == []
    told_without_secrets(run)


@pytest.mark.parametrize("text", ["socks4://me:geheim@127.0.0.1:1", "http://me:ge#heim@127.0.0.1"])
def test_a_variable_that_names_no_proxy(xmppctl: Xmppctl, text: str) -> None:
    run = run_by(xmppctl, text)
    error = failure(run, Exit.USAGE, "proxy", "bad-proxy")
    assert "all_proxy" in error["text"]
    assert "heim" not in run.err


# --- HTTP


@pytest.mark.sampled
@pytest.mark.parametrize("kind", KINDS)
def test_fetch(
    fetch: Callable[..., Result], xmppctl: Xmppctl, authority: Authority, https: Certificate,
    kind: str,
) -> None:  # fmt: skip
    body = bytes(range(256)) * 2000
    with (
        WebServer(giving(body), https) as web,
        proxy_of(kind, authority, user=USER, password=SECRET) as proxy,
    ):
        run = fetch(
            *("-v", web.url("/f")),
            env={"HTTPS_PROXY": proxy.url(kind), "all_proxy": "http://127.0.0.1:1"},
        )
        assert proxy.asked == [("127.0.0.1", web.port)]
    assert (xmppctl.home / "f").read_bytes() == body
    assert "through the proxy" in run.expect().err
    told_without_secrets(run)


@pytest.mark.sampled
@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
def test_fetch_by_http(
    fetch: Callable[..., Result], xmppctl: Xmppctl, authority: Authority, kind: str
) -> None:
    """An HTTP proxy is asked for the whole URL: many allow CONNECT for port 443 alone."""
    with (
        WebServer(giving(b"bytes")) as web,
        proxy_of(kind, authority, user=USER, password=SECRET) as proxy,
    ):
        fetch(
            *("--insecure-http", web.url("/f?x=%20y")),
            env={"http_proxy": proxy.url(kind), "HTTP_PROXY": "http://127.0.0.1:1"},
        ).expect()
        assert proxy.asked == [("127.0.0.1", web.port)]
        assert web.requests[0].target == "/f?x=%20y"
        assert web.requests[0].all("proxy-authorization") == []
    assert all(head.startswith("GET http://127.0.0.1:") for head in proxy.heads)


def test_fetch_without_the_proxy(fetch: Callable[..., Result], https: Certificate) -> None:
    with WebServer(giving(b"x"), https) as web, ProxyServer("http") as proxy:
        for number, env in enumerate(
            [
                {"https_proxy": proxy.url(), "no_proxy": "example.org, 127.0.0.1"},
                {"http_proxy": proxy.url()},
                {"HTTP_PROXY": proxy.url()},
            ]
        ):
            fetch(web.url(f"/{number}"), env=env).expect()
    assert proxy.connections == 0


@pytest.mark.parametrize("secure", [True, False])
def test_fetch_with_a_wrong_password(
    fetch: Callable[..., Result], xmppctl: Xmppctl, https: Certificate, secure: bool
) -> None:
    with (
        WebServer(giving(b"x"), https if secure else None) as web,
        ProxyServer("http", user="somebody", password="right") as proxy,
    ):
        run = fetch(
            *("--insecure-http", web.url("/f")),
            env={"all_proxy": proxy.url(user=USER, password=SECRET)},
        )
        assert web.requests == []
    failure(run, Exit.CONNECT, "proxy", "proxy-authentication-required")
    told_without_secrets(run)
    assert files(xmppctl.home) == []


def test_fetch_by_a_dead_or_silent_proxy(
    fetch: Callable[..., Result], xmppctl: Xmppctl, authority: Authority
) -> None:
    for url in ("https://web.test/x", "http://web.test/x"):
        run = fetch("--insecure-http", url, env={"all_proxy": "http://127.0.0.1:1"})
        failure(run, Exit.CONNECT, "proxy", "connection-refused")
    with ProxyServer("http", answer=b"") as proxy:
        run = xmppctl(
            *("--connect-timeout", "1", "--json", "fetch", "https://web.test/x"),
            env={"all_proxy": proxy.url()},
        )
        failure(run, Exit.TIMEOUT, "proxy", "timeout")


def test_a_name_that_only_the_proxy_knows(
    fetch: Callable[..., Result], xmppctl: Xmppctl, https: Certificate
) -> None:
    with (
        WebServer(giving(b"bytes"), https) as web,
        ProxyServer("http", places={("web.test", 443): ("127.0.0.1", web.port)}) as proxy,
    ):
        fetch("https://web.test/f", env={"https_proxy": proxy.url()}).expect()
    assert proxy.asked == [("web.test", 443)]
    assert (xmppctl.home / "f").read_bytes() == b"bytes"


@pytest.mark.sampled
@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
def test_upload(
    xmppctl: Xmppctl, server: Server, alice: Account, authority: Authority, kind: str
) -> None:
    body = bytes(range(256)) * 1000
    path = xmppctl.home / "file.bin"
    path.write_bytes(body)
    with proxy_of(kind, authority) as proxy:
        run = xmppctl(
            "upload", "--json", str(path), account=alice, env={"https_proxy": proxy.url(kind)}
        )
    url = run.expect().json()[0]["get"]
    assert proxy.asked == [("127.0.0.1", server.ports.https)]
    assert look(url, authority.ca_file)[0] == body


# --- proxies of others


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def foreign(name: str, directory: Path) -> Iterator[str]:
    assert shutil.which(name), f"{name} is not installed: tools/debian.sh sees to that"
    port = free_port()
    if name == "tinyproxy":
        config = directory / "tinyproxy.conf"
        config.write_text(f"Port {port}\nListen 127.0.0.1\nBasicAuth me geheim\nTimeout 60\n")
        command, scheme = ["tinyproxy", "-d", "-c", str(config)], "http"
    else:
        command = ["microsocks", "-i", "127.0.0.1", "-p", str(port), "-u", "me", "-P", "geheim"]
        scheme = "socks5h"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield f"{scheme}://me:geheim@127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.servers("prosody")
@pytest.mark.parametrize("name", ["tinyproxy", "microsocks"])
def test_proxies_of_others(
    xmppctl: Xmppctl, server: Server, alice: Account, tmp_path: Path, name: str
) -> None:
    path = xmppctl.home / "file.txt"
    path.write_text("contents")
    with foreign(name, tmp_path) as url:
        xmppctl("ping", account=alice, env={"all_proxy": url}).expect()
        run = xmppctl("upload", "--json", str(path), account=alice, env={"all_proxy": url})
        assert run.expect().json()[0]["get"]
        wrong = url.replace("geheim", "falsch")
        run = xmppctl("ping", "--json", account=alice, env={"all_proxy": wrong})
        failure(run, Exit.CONNECT, "proxy", "proxy-authentication-required")
