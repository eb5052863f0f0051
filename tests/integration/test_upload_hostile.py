"""`xmppctl upload` to services and HTTP servers of a script, most of which mean no good."""

import os
import signal
import threading
import time

import pytest

from tests.integration.failing import failure
from tests.integration.uploading import NS, REQUEST, about, giving, serving, slot
from tests.servers.fake import FakeServer
from tests.servers.web import WebServer
from xmppctl.errors import Exit

pytestmark = pytest.mark.in_turn


@pytest.fixture
def made(xmppctl):
    """Makes a file in the home directory, where xmppctl runs."""

    def make(name, data=b"hello\n"):
        (xmppctl.home / name).write_bytes(data)
        return name

    return make


@pytest.fixture
def fake(xmppctl, authority):
    """Runs upload --json against a fake server with these services and this answer."""
    started = []

    def run(infos, answer, *args):
        server = FakeServer("fake.test", authority.issue("fake.test"), serving(infos, answer))
        with server:
            started.append(server)
            options = {"jid": "alice@fake.test", "password": "x", "connect": server.address}
            return xmppctl("--json", "upload", *args, ca_file=authority.ca_file, **options)

    run.asked = lambda: [
        iq.get("to") for s in started for iq in s.received if iq.find(REQUEST) is not None
    ]
    return run


UPLOAD = "upload.fake.test"


def taking(conn):
    request = conn.request()
    body = conn.body(int(request.all("content-length")[0]))
    conn.server.bodies = [*getattr(conn.server, "bodies", []), body]
    conn.respond(201)


def test_only_three_headers_are_sent(fake, made, https):
    headers = (
        "<header name='Authorization'>Bearer a&#10;b</header><header name='X-Evil'>1</header>"
        "<header name='COOKIE'>one=1</header><header name='Host'>evil.test</header>"
        "<header name='Cookie'>two=2&#13;&#10;X-Evil: 2</header><header>none</header>"
        "<header name='Content-Length'>99</header><header name='Ex&#10;pires'>never</header>"
    )
    with WebServer(taking, https) as web:
        payload = slot(web.url("/put?a=b"), "https://get.test/file", headers)
        run = fake({UPLOAD: about(None)}, giving(payload), made("f.txt")).expect()
        (request,) = web.requests
    assert run.json()[0]["get"] == "https://get.test/file"
    assert (request.method, request.target) == ("PUT", "/put?a=b")
    assert web.bodies == [b"hello\n"]
    assert request.all("authorization") == ["Bearer ab"]
    assert request.all("cookie") == ["one=1", "two=2X-Evil: 2"]
    assert request.all("expires") == ["never"]
    assert request.all("x-evil") == []
    assert request.all("content-length") == ["6"]
    assert request.all("content-type") == ["text/plain"]
    assert request.all("host") == [f"127.0.0.1:{web.port}"]


def test_http_only_on_demand(fake, made, authority):
    with WebServer(taking) as web:
        plain, secure = web.url("/x"), "https://get.test/x"
        for put, get in ((plain, secure), (plain, plain), (secure, plain)):
            run = fake({UPLOAD: about(None)}, giving(slot(put, get)), made("f"))
            failure(run, Exit.TLS, "slot", "insecure-url")
        assert web.requests == []
        run = fake({UPLOAD: about(None)}, giving(slot(plain)), "--insecure-http", "f").expect()
        assert run.json()[0]["get"] == plain


@pytest.mark.parametrize(
    "payload",
    [
        "",
        slot("https://x.test/f", "file:///etc/passwd"),
        slot("https://x.test/\nf"),
    ],
)
def test_what_is_no_slot(fake, made, payload):
    run = fake({UPLOAD: about(None)}, giving(payload), made("f"))
    failure(run, Exit.REFUSED, "slot", "malformed-answer")


def test_the_first_service_that_takes_it(fake, made, https):
    def answer(conn, iq):
        conn.result(iq, slot(web.url("/x")))

    with WebServer(taking, https) as web:
        small, large = made("small", b"x" * 10), made("large", b"x" * 1000)
        infos = {"a.test": about(100), "b.test": about("nonsense"), "c.test": about(None)}
        run = fake(infos, answer, small, large).expect()
        assert [r["service"] for r in run.json()] == ["a.test", "b.test"]
        # the domain itself may be the service; one that keeps silent keeps nobody waiting
        run = fake({"fake.test": about(5000), "z.test": None}, answer, small).expect()
        assert run.json()[0]["service"] == "fake.test"
        run = fake({"a.test": None, "b.test": about(5000)}, answer, small).expect()
        assert run.json()[0]["service"] == "b.test"
        assert run.seconds < 10
        run = fake({"a.test": about(100), "b.test": about(500)}, answer, large)
        assert failure(run, Exit.REFUSED, "slot", "file-too-large")["limit"] == 500
        purpose = "urn:xmpp:http:upload:purpose:0#permanent"
        infos = {"a.test": about(None), "b.test": about(None, purpose)}
        run = fake(infos, answer, "--purpose", "permanent", small).expect()
        assert run.json()[0]["service"] == "b.test"
        run = fake({"a.test": None}, answer, "--timeout", "1", small)
        failure(run, Exit.TIMEOUT, "disco#info", "timeout")
        failure(fake({}, answer, small), Exit.UNSUPPORTED, "disco#info")
    assert fake.asked() == ["a.test", "b.test", "fake.test", "b.test", "b.test"]


def test_purposes(fake, made, https):
    seen = []

    def answer(conn, iq):
        seen.append(iq.find(REQUEST)[0])
        conn.result(iq, slot(web.url("/x")))

    names = ("message", "profile", "ephemeral", "permanent")
    info = about(None, *(f"urn:xmpp:http:upload:purpose:0#{name}" for name in names))
    with WebServer(taking, https) as web:
        for purpose in ("profile", "ephemeral=2100-01-01T00:00:00Z"):
            fake({UPLOAD: info}, answer, "--purpose", purpose, made("f")).expect()
        run = fake({UPLOAD: info}, answer, "--info").expect()
    assert run.json()[0]["purposes"] == list(names)
    profile, ephemeral = seen
    assert profile.tag == "{urn:xmpp:http:upload:purpose:0}profile"
    assert ephemeral.tag == "{urn:xmpp:http:upload:purpose:0}ephemeral"
    assert ephemeral.get("expire-before") == "2100-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("error", "condition", "limit", "hint"),
    [
        ("<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><file-too-large "
         f"xmlns='{NS}'><max-file-size>3</max-file-size></file-too-large>",
         "file-too-large", 3, None),
        ("<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
         f"<retry xmlns='{NS}' stamp='2099-12-03T23:42:05Z'/>",
         "resource-constraint", None, "2099-12-03T23:42:05Z"),
        ("<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", "forbidden", None, None),
    ],
)  # fmt: skip
def test_no_slot(fake, made, error, condition, limit, hint):
    def answer(conn, iq):
        conn.send(f"<iq type='error' id='{iq.get('id')}' from='{UPLOAD}'>"
                  f"<error type='modify'>{error}</error></iq>")  # fmt: skip

    run = fake({UPLOAD: about(None)}, answer, made("f"))
    told = failure(run, Exit.REFUSED, "slot", condition)
    assert told["limit"] == limit == run.json()[0]["max_size"]
    assert hint is None or hint in told["hint"]


@pytest.mark.parametrize(
    ("how", "status"),
    [("reads on", 413), ("stops reading", 403), ("closes", 413), ("resets", 404)],
)
def test_an_early_no_is_heard(fake, made, https, how, status):
    size = 30_000_000

    def script(conn):
        conn.request()
        conn.body(100_000)
        conn.respond(status, b"no")
        if how == "reads on":
            conn.wait()
        elif how == "stops reading":
            conn.server.over.wait(20)
        elif how == "resets":
            conn.cut()

    with WebServer(script, https) as web:
        web.over = threading.Event()
        payload = giving(slot(web.url("/x")))
        run = fake({UPLOAD: about(None)}, payload, "--timeout", "8", made("big", bytes(size)))
        web.over.set()
    condition = {413: "file-too-large", 403: "forbidden", 404: "item-not-found"}[status]
    error = failure(run, Exit.REFUSED, "put", condition)
    assert str(status) in error["text"]
    assert run.json()[0]["put_status"] == status
    assert run.json()[0]["get"] is None
    assert run.seconds < 8


def test_interim_answers_are_none(fake, made, https):
    data = os.urandom(3_000_000)

    def script(conn):
        conn.request()
        conn.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n")
        conn.server.body = conn.body(len(data))
        conn.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        conn.respond(201)

    with WebServer(script, https) as web:
        run = fake({UPLOAD: about(None)}, giving(slot(web.url("/x"))), made("f", data)).expect()
        assert web.body == data
    assert run.json()[0]["put_status"] == 201


@pytest.mark.parametrize("again", [True, False])
def test_a_slot_that_expired_while_others_went_first(fake, made, https, again):
    numbers = iter(range(10))

    def script(conn):
        request = conn.request()
        conn.body(6)
        late = request.target == "/1" or not again
        conn.respond(410 if late and request.target != "/0" else 201)

    def answer(conn, iq):
        conn.result(iq, slot(web.url(f"/{next(numbers)}")))

    with WebServer(script, https) as web:
        run = fake({UPLOAD: about(None)}, answer, made("a"), made("b"))
        targets = [request.target for request in web.requests]
    assert targets == ["/0", "/1", "/2"]
    if again:
        assert [r["put_status"] for r in run.expect().json()] == [201, 201]
        assert run.json()[1]["get"].endswith("/2")
    else:
        assert [r["put_status"] for r in run.expect(9).json()] == [201, 410]


@pytest.mark.parametrize("how", ["early yes", "closes", "silent", "redirect", "not found"])
def test_a_put_that_fails(fake, made, https, how):
    def script(conn):
        request = conn.request()
        if how == "early yes":
            conn.respond(201)
            return
        conn.body(int(request.all("content-length")[0]))
        if how == "silent":
            conn.wait()
        elif how == "redirect":
            conn.respond(307, b"", "Location: /y")
        elif how == "not found":
            conn.respond(404)

    expected = {
        "early yes": (Exit.CONNECT, "connection-closed"),
        "closes": (Exit.CONNECT, "connection-closed"),
        "silent": (Exit.TIMEOUT, "timeout"),
        "redirect": (Exit.REFUSED, "http-error"),
        "not found": (Exit.REFUSED, "item-not-found"),
    }
    with WebServer(script, https) as web:
        payload = giving(slot(web.url("/secret")))
        run = fake({UPLOAD: about(None)}, payload, "--timeout", "1", made("f", bytes(3_000_000)))
    code, condition = expected[how]
    error = failure(run, code, "put", condition)
    assert "secret" not in str(error)
    assert run.json()[0]["get"] is None


def test_certificate_of_the_http_server(fake, made, authority):
    with WebServer(taking, authority.wrong_name("web.test")) as web:
        run = fake({UPLOAD: about(None)}, giving(slot(web.url("/x"))), made("f"))
    failure(run, Exit.TLS, "tls", "wrong-host-name")


@pytest.mark.parametrize("change", ["shrinks", "grows", "is written"])
def test_a_file_that_changes_meanwhile(fake, made, https, xmppctl, change):
    path = xmppctl.home / made("f", bytes(20_000_000))

    def script(conn):
        conn.request()
        conn.body(1000)
        if change == "shrinks":
            os.truncate(path, 1000)
        else:
            with path.open("r+b" if change == "is written" else "ab") as stream:
                stream.write(b"x")
        conn.wait()

    with WebServer(script, https) as web:
        run = fake({UPLOAD: about(None)}, giving(slot(web.url("/x"))), "f")
    failure(run, Exit.LOCAL, "input", "file-changed")
    assert (run.json()[0]["put_status"], run.json()[0]["get"]) == (None, None)


def test_an_interrupted_run(authority, xmppctl, made, https):
    def script(conn):
        conn.request()
        conn.server.begun.set()
        conn.wait()

    with WebServer(script, https) as web:
        web.begun = threading.Event()
        answer = giving(slot(web.url("/x")))
        info = serving({UPLOAD: about(None)}, answer)
        with FakeServer("fake.test", authority.issue("fake.test"), info) as server:
            run = xmppctl.start("upload", made("f"), jid="alice@fake.test", password="x",
                                connect=server.address, ca_file=authority.ca_file)  # fmt: skip
            assert web.begun.wait(10)
            run.signal(signal.SIGINT)
            begun = time.monotonic()
            xmppctl.finish(run).expect(130)
    assert time.monotonic() - begun < 3


def test_slots_of_small_files_are_asked_for_together(fake, made, https):
    waiting = []

    def answer(conn, iq):
        waiting.append(iq)
        if len(waiting) == 3:
            for each in waiting:
                conn.result(each, slot(web.url("/x")))

    with WebServer(taking, https) as web:
        run = fake({UPLOAD: about(None)}, answer, made("a"), made("b"), made("c"))
    assert [record["put_status"] for record in run.expect().json()] == [201] * 3
