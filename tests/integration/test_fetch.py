"""`xmppctl fetch`: files of real upload services, and of servers that mean no good."""

import hashlib
import os
import re

import pytest

from tests.integration.failing import failure
from tests.integration.fetching import files, giving
from tests.integration.uploading import look
from tests.servers.web import WebServer
from xmppctl.errors import Exit

DATA = bytes(range(256)) * 1000


# --- what is well


def test_what_another_client_uploaded(xmppctl, alice, fetch, tmp_path):
    source = tmp_path / "report 1.bin"
    source.write_bytes(DATA)
    url = xmppctl("-o", "plain", "upload", str(source), account=alice).expect().out.strip()
    assert look(url, alice.server.ca_file)[0] == DATA
    digest = hashlib.sha256(DATA).hexdigest()
    # without account, connection or JID; --connect is no business of HTTP
    run = fetch("--verify", f"sha-256:{digest}", url, connect=("127.0.0.1", 1)).expect()
    record = run.json()
    name = record["file"]
    assert re.fullmatch(r"report[ _]1\.bin", name)
    assert (xmppctl.home / name).read_bytes() == DATA
    assert record == {
        "url": url,
        "file": name,
        "size": len(DATA),
        "type": "application/octet-stream",
        "sha256": digest,
        "verified": "sha-256",
    }
    assert run.err == ""
    assert files(xmppctl.home) == [name]
    assert (xmppctl.home / name).stat().st_mode & 0o777 == 0o666 & ~_umask()
    out = xmppctl("fetch", "--out", "-", url, ca_file=alice.server.ca_file).expect()
    assert out.raw_out == DATA


def _umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def test_chunks_and_bodies_without_length(fetch, xmppctl, https):
    def script(conn):
        if conn.request().target == "/chunked":
            conn.head(200, "Transfer-Encoding: chunked")
            conn.send(b"3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\n\r\n")
        else:
            conn.head(200, "Connection: close")
            conn.send(b"abcdef")

    with WebServer(script, https) as web:
        for name in ("chunked", "closed"):
            assert fetch(web.url(f"/{name}")).expect().json()["size"] == 6
            assert (xmppctl.home / name).read_bytes() == b"abcdef"


def test_interim_answers(fetch, xmppctl, https):
    def script(conn):
        target = conn.request().target
        conn.send(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")
        if target == "/endless":
            while True:
                conn.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        conn.respond(200, b"x")

    with WebServer(script, https) as web:
        fetch(web.url("/f")).expect()
        failure(fetch(web.url("/endless")), Exit.CONNECT, "get", "connection-closed")
    assert (xmppctl.home / "f").read_bytes() == b"x"


def test_request_and_host(fetch, https):
    with WebServer(giving(b"x"), https) as web:
        fetch("--out", "x", web.url("/ä b?q=ü#frag", host="localhost")).expect()
        (request,) = web.requests
        assert (request.method, request.target) == ("GET", "/%C3%A4%20b?q=%C3%BC")
        assert request.all("host") == [f"localhost:{web.port}"]
        assert request.all("user-agent") == ["xmppctl"]


def test_the_url_from_standard_input_and_a_directory(fetch, xmppctl, https):
    (xmppctl.home / "inbox").mkdir()
    with WebServer(giving(b"x"), https) as web:
        record = fetch("--out", "inbox", "-", input=web.url("/a.txt") + "\n").expect().json()
    assert record["file"] == "inbox/a.txt"
    assert (xmppctl.home / "inbox/a.txt").read_bytes() == b"x"


def test_an_empty_file(fetch, xmppctl, https):
    with WebServer(giving(b""), https) as web:
        assert fetch(web.url("/nothing")).expect().json()["size"] == 0
    assert (xmppctl.home / "nothing").read_bytes() == b""


def test_redirects(fetch, https, xmppctl):
    def script(conn):
        target = conn.request().target
        if target == "/a":
            conn.respond(302, b"", "Location: b/c")
        elif target == "/b/c":
            conn.respond(307, b"moved", "Location: /file?x")
        elif target == "/loop":
            conn.respond(301, b"", "Location: /loop")
        elif target == "/ftp":
            conn.respond(301, b"", "Location: ftp://127.0.0.1/x")
        elif target == "/nowhere":
            conn.respond(301)
        else:
            conn.respond(200, b"found")

    with WebServer(script, https) as web:
        assert fetch(web.url("/a")).expect().json()["url"] == web.url("/a")
        assert (xmppctl.home / "a").read_bytes() == b"found"
        failure(fetch(web.url("/ftp")), Exit.REFUSED, "get", "redirect")
        begun = len(web.requests)
        failure(fetch(web.url("/loop")), Exit.REFUSED, "get", "redirect")
        assert len(web.requests) - begun == 6
        failure(fetch(web.url("/nowhere")), Exit.REFUSED, "get", "redirect")


def test_never_from_https_to_http(fetch, https, xmppctl):
    with WebServer(giving(b"plain")) as plain:

        def script(conn):
            conn.request()
            conn.respond(302, b"", f"Location: {plain.url('/x')}")

        with WebServer(script, https) as web:
            for args in ([], ["--insecure-http"]):
                run = fetch(*args, web.url("/x"))
                failure(run, Exit.TLS, "get", "insecure-redirect")
        assert plain.requests == []
        failure(fetch(plain.url("/x")), Exit.TLS, "get", "insecure-url")
        assert plain.requests == []
        assert fetch("--insecure-http", plain.url("/x")).expect().json()["size"] == 5
    assert files(xmppctl.home) == ["x"]


# --- local files


def test_nothing_is_overwritten(fetch, xmppctl, https):
    path = xmppctl.home / "a.txt"
    path.write_text("mine")
    (xmppctl.home / "link").symlink_to(path)
    os.mkfifo(xmppctl.home / "pipe")
    with WebServer(giving(b"theirs"), https) as web:
        failure(fetch(web.url("/a.txt")), Exit.LOCAL, "output", "file-exists")
        failure(fetch("--out", "a.txt", web.url("/b")), Exit.LOCAL, "output", "file-exists")
        failure(fetch("--out", "link", web.url("/b")), Exit.LOCAL, "output", "file-exists")
        for force in ([], ["--force"]):
            run = fetch("--out", "pipe", *force, web.url("/b"))
            failure(run, Exit.LOCAL, "output", "file-exists")
        assert len(web.requests) == 1  # a name that was given is checked before
        assert path.read_text() == "mine"
        fetch("--force", web.url("/a.txt")).expect()
        assert path.read_bytes() == b"theirs"
        failure(fetch("--out", "no/such", web.url("/b")), Exit.LOCAL, "output")
        path.write_text("mine")
        fetch("--out", "link", "--force", web.url("/b")).expect()
        assert path.read_text() == "mine"  # the link is replaced, not what it points to
    assert files(xmppctl.home) == ["a.txt", "link", "pipe"]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ('filename="../../etc/cron.d/evil"', "evil"),
        ('filename=".bashrc"', "bashrc"),
        ('filename="a\tb\x1b[2Jc.txt"', "a_b_[2Jc.txt"),
        ("filename*=UTF-8''..%2F..%2F%2E%2Essh%2Fid%E2%80%AEgpj.exe", "id_gpj.exe"),
        (f'filename="{"x" * 400}.tar"', f"{'x' * 196}.tar"),
        ("filename*=nosuch''%ff%ff", None),
    ],
)
def test_hostile_names(fetch, xmppctl, https, told, name):
    header = f"Content-Disposition: attachment; {told}"
    with WebServer(giving(b"x", header), https) as web:
        record = fetch(web.url("/a/served.bin")).expect().json()
    assert name is None or record["file"] == name
    assert files(xmppctl.home) == [record["file"]]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/", "download"), ("/x/%2e%2e%2f.profile", "profile")],
)
def test_hostile_paths(fetch, xmppctl, https, path, name):
    with WebServer(giving(b"x"), https) as web:
        assert fetch(web.url(path)).expect().json()["file"] == name
    assert files(xmppctl.home) == [name]


def test_a_hash_that_is_not_the_one(fetch, xmppctl, https):
    digest = hashlib.sha256(b"other").hexdigest()
    good = hashlib.sha3_256(b"bytes").hexdigest()
    with WebServer(giving(b"bytes"), https) as web:
        failure(
            fetch("--verify", f"sha-256:{digest}", web.url("/f")),
            Exit.REFUSED,
            "verify",
            "hash-mismatch",
        )
        run = fetch("--out", "-", "--verify", f"sha256:{digest}", web.url("/f"))
        failure(run, Exit.REFUSED, "verify", "hash-mismatch")
        assert run.out == ""
        assert files(xmppctl.home) == []
        run = fetch("--out", "-", "--verify", f"sha3-256:{good.upper()}", web.url("/f")).expect()
        assert run.raw_out == b"bytes"


def test_too_much(fetch, xmppctl, https):
    def script(conn):
        if conn.request().target == "/announced":
            conn.head(200, "Content-Length: 5000000000")
            conn.wait()
        else:
            conn.head(200)
            while True:
                conn.send(b"x" * 65536)

    with WebServer(script, https) as web:
        for path in ("/announced", "/endless"):
            run = fetch("--max-size", "100K", web.url(path))
            error = failure(run, Exit.REFUSED, "get", "file-too-large")
            assert error["limit"] == 102400
            assert run.seconds < 15
    assert files(xmppctl.home) == []
