"""`xmppctl fetch` from servers that break off, keep silent, or are not to be trusted."""

import signal
import subprocess
import time

import pytest

from tests.integration.failing import failure
from tests.integration.fetching import files, giving
from tests.servers.web import WebServer
from xmppctl.errors import Exit


@pytest.mark.parametrize("kind", ["length", "chunked", "tls", "head", "garbage", "nothing"])
def test_what_is_not_complete_is_not_there(fetch, xmppctl, https, kind):
    def script(conn):
        conn.request()
        if kind == "length":
            conn.head(200, "Content-Length: 1000")
            conn.send(b"x" * 999)
        elif kind == "chunked":
            conn.head(200, "Transfer-Encoding: chunked")
            conn.send(b"5\r\nabcde\r\n5\r\nab")
        elif kind == "tls":  # without length only TLS tells where the end is
            conn.head(200)
            conn.send(b"x" * 1000)
            conn.cut()
        elif kind == "head":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-")
        elif kind == "garbage":
            conn.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    with WebServer(script, https) as web:
        run = fetch(web.url("/f"))
        failure(run, Exit.CONNECT, "get", "connection-closed")
    assert files(xmppctl.home) == []


@pytest.mark.parametrize("when", ["handshake", "answer", "middle"])
def test_silence(fetch, xmppctl, authority, https, when):
    def script(conn):
        if when != "handshake":
            conn.request()
        if when == "middle":
            conn.head(200, "Content-Length: 1000")
            conn.send(b"x" * 10)
        conn.wait()

    # without TLS of its own it says nothing to the handshake
    with WebServer(script, None if when == "handshake" else https) as web:
        url = web.url("/f").replace("http://", "https://")
        args = ("--connect-timeout", "1") if when == "handshake" else ()
        run = xmppctl(*args, "--json", "fetch", "--timeout", "1", url, ca_file=authority.ca_file)
        failure(run, Exit.TIMEOUT, "tls" if when == "handshake" else "get", "timeout")
        assert run.seconds < 10
    assert files(xmppctl.home) == []


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        ("untrusted", "certificate-not-trusted"),
        ("wrong_name", "wrong-host-name"),
    ],
)
def test_certificates(fetch, xmppctl, authority, kind, condition):
    with WebServer(giving(b"x"), getattr(authority, kind)("web.test")) as web:
        error = failure(fetch(web.url("/f")), Exit.TLS, "tls", condition)
        assert "--pin" not in str(error)
        assert "--tls" not in str(error)
        assert web.requests == []
    assert files(xmppctl.home) == []


def test_a_pinned_key(xmppctl, authority):
    certificate = authority.self_signed("web.test")
    with WebServer(giving(b"x"), certificate) as web:
        pin = ("--pin", f"sha256:{certificate.pin}")
        run = xmppctl(*pin, "-v", "fetch", web.url("/f")).expect()
        assert "pinned key" in run.err
        wrong = ("--pin", f"sha256:{authority.issue('web.test').pin}", "--json")
        failure(xmppctl(*wrong, "fetch", web.url("/g")), Exit.TLS, "tls")
        run = xmppctl(*pin, "--json", "fetch", web.url("/g"), ca_file=authority.ca_file)
        failure(run, Exit.TLS, "tls", "self-signed")
        assert len(web.requests) == 1
    assert files(xmppctl.home) == ["f"]


@pytest.mark.parametrize(
    ("status", "condition"),
    [(404, "item-not-found"), (206, "http-error")],
)
def test_statuses(fetch, xmppctl, https, status, condition):
    def script(conn):
        conn.request()
        conn.respond(status, b"no")

    with WebServer(script, https) as web:
        error = failure(fetch(web.url("/secret-path")), Exit.REFUSED, "get", condition)
        assert str(status) in error["text"]
        assert "secret-path" not in str(error)
    assert files(xmppctl.home) == []


def test_hosts_that_are_not_there(fetch, xmppctl):
    failure(fetch("https://no.such.host.invalid/x"), Exit.CONNECT, "dns")
    failure(fetch("https://127.0.0.1:1/x"), Exit.CONNECT, "tcp", "connection-refused")


def test_an_interrupted_run_leaves_nothing(xmppctl, authority, https):
    def script(conn):
        conn.request()
        conn.head(200, "Content-Length: 1000")
        conn.send(b"x" * 10)
        conn.wait()

    with WebServer(script, https) as web:
        run = xmppctl.start("fetch", web.url("/f"), ca_file=authority.ca_file)
        deadline = time.monotonic() + 10
        while not any(name.startswith(".xmppctl-") for name in files(xmppctl.home)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        run.signal(signal.SIGINT)
        xmppctl.finish(run).expect(130)
    assert files(xmppctl.home) == []


def test_a_reader_that_goes_away(xmppctl, authority, https):
    def script(conn):
        conn.request()
        conn.head(200)
        while True:
            conn.send(b"x" * 65536)

    with WebServer(script, https) as web:
        command = f"{xmppctl.executable} --ca-file {authority.ca_file} fetch --out - {web.url('/')}"
        done = subprocess.run(
            ["bash", "-c", f"{command} | head -c 3; echo ${{PIPESTATUS[0]}}"],
            env=xmppctl.environment(),
            capture_output=True,
            timeout=20,
        )
    assert done.stdout == b"xxx141\n"
