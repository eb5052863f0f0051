"""Files offered by request (XEP-0066 §2), both ways; the other side is slixmpp, or raw XML."""

import signal
import ssl
import threading
import urllib.request

import pytest
import slixmpp
from slixmpp.exceptions import IqError, XMPPError

from tests.integration.fetching import giving
from tests.servers.web import WebServer

pytestmark = pytest.mark.in_turn

DATA = bytes(range(256)) * 300
OOB = "{jabber:iq:oob}query"
CLIENT = "{jabber:client}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


@pytest.fixture
def peer(slix, bob):
    """bob with slixmpp's own plugin; seen by nobody."""
    client = slix(bob)
    client.run(client.client.register_plugin, "xep_0066")
    return client


@pytest.fixture
def listening(xmppctl, alice):
    """A listener on alice that takes files to ``inbox``; its full JID is ``run.jid``."""

    def start(*args, directory="inbox"):
        accept = ["--accept-oob", directory] if directory else []
        run = xmppctl.start("-o", "jsonl", "listen", *accept, *args, account=alice)
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def offer(peer, to, url, desc=None, timeout=20):
    """Offer by slixmpp; None, or condition and type of the error."""

    def work():
        return peer.plugin("xep_0066").send_oob(slixmpp.JID(to), url, desc, timeout=timeout)

    before, peer.timeout = peer.timeout, timeout + 5
    try:
        answer = peer.run(work)
    except IqError as error:
        return error.condition, error.etype
    finally:
        peer.timeout = before
    assert answer["type"] == "result"
    assert len(answer.xml) == 0
    return None


def inbox(xmppctl):
    return sorted(each.name for each in (xmppctl.home / "inbox").iterdir())


# --- taking


def test_a_file_comes(listening, xmppctl, peer, https):
    run = listening("--count", "2")
    with WebServer(giving(DATA, "Content-Type: application/pdf"), https) as web:
        url = web.url("/a/report.pdf?x=1")
        assert offer(peer, run.jid, url, "The figures") is None
        # answered, and so there
        assert (xmppctl.home / "inbox" / "report.pdf").read_bytes() == DATA
        assert offer(peer, run.jid, url) is None
    first, second = xmppctl.finish(run).expect(0).jsonl()
    timestamp, ident = first.pop("timestamp"), first.pop("id")
    assert timestamp
    assert ident
    assert first == {
        "from": peer.jid,
        "to": run.jid,
        "type": "set",
        "direction": "in",
        "stanza": "iq",
        "oob": [{"url": url, "desc": "The figures"}],
        "files": [
            {
                "source": "oob",
                "size": len(DATA),
                "media_type": "application/pdf",
                "urls": [url],
                "path": "inbox/report.pdf",
            }
        ],
    }
    # the same name again replaces nothing
    assert second["files"][0]["path"] == "inbox/report-2.pdf"
    assert inbox(xmppctl) == ["report-2.pdf", "report.pdf"]
    assert [request.target for request in web.requests] == ["/a/report.pdf?x=1"] * 2


def test_no_answer_before_the_file_is_whole(listening, xmppctl, alice, bob, raw, https):
    rest = threading.Event()

    def script(conn):
        conn.request()
        conn.head(200, f"Content-Length: {len(DATA)}")
        conn.send(DATA[:1000])
        assert rest.wait(20)
        conn.send(DATA[1000:])

    run = listening("--count", "2", "--type", "chat")
    client = raw(bob)
    with WebServer(script, https) as web:
        query = f"<query xmlns='jabber:iq:oob'><url>{web.url('/f')}</url></query>"
        client.send(f"<iq type='set' id='o1' to='{run.jid}'>{query}</iq>")
        # meanwhile the listener does all else: its answer to another request comes first
        client.send(f"<iq type='get' id='o2' to='{run.jid}'><x xmlns='u:x'/></iq>")
        client.send(f"<message type='chat' to='{run.jid}'><body>meanwhile</body></message>")
        run.wait_line("meanwhile")
        first = client.expect(lambda e: e.get("id") in ("o1", "o2"))
        assert first.get("id") == "o2"
        assert not [name for name in inbox(xmppctl) if not name.startswith(".")]
        rest.set()
        answer = client.expect(lambda e: e.get("id") == "o1")
    assert answer.get("type") == "result"
    message, file = xmppctl.finish(run).expect(0).jsonl()
    assert message["body"] == "meanwhile"
    assert file["files"][0]["path"] == "inbox/f"
    assert (xmppctl.home / "inbox" / "f").read_bytes() == DATA


def failing(conn):
    target = conn.request().target
    if target == "/none":
        conn.respond(404, b"no")
    elif target == "/half":
        conn.head(200, "Content-Length: 1000")
        conn.send(b"x" * 10)
        conn.cut()
    elif target == "/announced":
        conn.respond(200, b"x" * 5000)
    elif target == "/large":
        conn.head(200, "Connection: close")
        conn.send(b"x" * 5000)
    else:
        conn.cut()


def test_what_fails_is_told(listening, xmppctl, peer, https):
    missing, refused = ("item-not-found", "cancel"), ("not-acceptable", "modify")
    with WebServer(failing, https) as web, WebServer(giving(b"x")) as plain:
        nobody = web.url("/x", host="no.such.host.invalid")
        cases = [
            (web.url("/none"), missing, "item-not-found"),
            (web.url("/half"), missing, "connection-closed"),
            (web.url("/cut"), missing, "connection-closed"),
            (nobody, missing, None),
            (web.url("/announced"), refused, "file-too-large"),
            (web.url("/large"), refused, "file-too-large"),
            (plain.url("/x"), refused, "insecure-url"),
            ("ftp://127.0.0.1/x", refused, "unsupported-url"),
        ]
        run = listening("--count", str(len(cases)), "--max-size", "4K")
        for url, answer, _ in cases:
            assert offer(peer, run.jid, url) == answer, url
        assert plain.requests == []
    records = xmppctl.finish(run).expect(0).jsonl()
    assert [record["oob"][0]["url"] for record in records] == [url for url, _, _ in cases]
    for record, (_, _, condition) in zip(records, cases, strict=True):
        assert "files" not in record
        if condition is not None:
            assert record["error"]["condition"] == condition
    assert inbox(xmppctl) == []


def test_a_certificate_that_is_not_trusted(listening, xmppctl, peer, authority):
    run = listening("--count", "1")
    with WebServer(giving(DATA), authority.untrusted("web.test")) as web:
        assert offer(peer, run.jid, web.url("/x")) == ("item-not-found", "cancel")
        assert web.requests == []
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert record["error"]["name"] == "TLS"
    assert inbox(xmppctl) == []


def test_http_where_it_is_allowed(listening, xmppctl, peer):
    run = listening("--count", "1", "--insecure-http")
    with WebServer(giving(b"x")) as web:
        assert offer(peer, run.jid, web.url("/x")) is None
    xmppctl.finish(run).expect(0)
    assert inbox(xmppctl) == ["x"]


def test_who_is_not_wanted(listening, xmppctl, alice, peer, https):
    run = listening("--from", f"{alice.jid}")
    with WebServer(giving(DATA), https) as web:
        assert offer(peer, run.jid, web.url("/x")) == ("not-acceptable", "modify")
        assert web.requests == []
    run.signal(signal.SIGINT)
    assert xmppctl.finish(run).expect(130).out == ""
    assert inbox(xmppctl) == []


def test_in_a_room_only_from_there(listening, xmppctl, alice, host, room, https):
    host.run(host.client.register_plugin, "xep_0066")
    host.create_muc(room, "host")
    run = listening("--room", room, "--nick", "logger", "--count", "1")
    with WebServer(giving(b"x"), https) as web:
        assert offer(host, run.jid, web.url("/direct")) == ("not-acceptable", "modify")
        assert offer(host, f"{room}/logger", web.url("/inside")) is None
        assert [request.target for request in web.requests] == ["/inside"]
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert record["from"] == f"{room}/host"
    assert inbox(xmppctl) == ["inside"]


def test_a_table_says_what_came(listening, xmppctl, alice, peer, https):
    run = xmppctl.start("listen", "--accept-oob", "inbox", "--count", "2", account=alice)
    jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
    with WebServer(giving(b"x"), https) as web:
        assert offer(peer, jid, web.url("/a\u202eb.txt")) is None
        assert offer(peer, jid, "ftp://x.test/c") == ("not-acceptable", "modify")
    out = xmppctl.finish(run).expect(0).out
    assert "gave the file inbox/a_b.txt" in out
    assert "offered ftp://x.test/c: unsupported-url" in out


def test_without_the_option_nothing_is_fetched(listening, xmppctl, peer, https):
    run = listening(directory=None)
    with WebServer(giving(DATA), https) as web:
        assert offer(peer, run.jid, web.url("/x")) == ("service-unavailable", "cancel")
        assert web.requests == []
    run.signal(signal.SIGINT)
    assert xmppctl.finish(run).expect(130).out == ""


def test_what_is_under_way_at_the_end_is_given_up(listening, xmppctl, bob, raw, https):
    begun = threading.Event()

    def script(conn):
        conn.request()
        conn.head(200, "Content-Length: 1000")
        conn.send(b"x" * 10)
        begun.set()
        conn.wait()

    run = listening()
    client = raw(bob)
    with WebServer(script, https) as web:
        query = f"<query xmlns='jabber:iq:oob'><url>{web.url('/f')}</url></query>"
        client.send(f"<iq type='set' id='o1' to='{run.jid}'>{query}</iq>")
        assert begun.wait(20)
        run.signal(signal.SIGINT)
        answer = client.expect(lambda e: e.get("id") == "o1")
        assert answer.find(f"{CLIENT}error/{STANZAS}recipient-unavailable") is not None
        result = xmppctl.finish(run).expect(130)
    assert result.out == ""
    assert inbox(xmppctl) == []


def test_more_than_four_at_once_are_to_wait(listening, xmppctl, bob, raw, https):
    free = threading.Event()

    def script(conn):
        conn.request()
        assert free.wait(20)
        conn.respond(200, b"x")

    run = listening("--count", "4")
    client = raw(bob)
    with WebServer(script, https) as web:
        query = f"<query xmlns='jabber:iq:oob'><url>{web.url('/f')}</url></query>"
        for number in range(5):
            client.send(f"<iq type='set' id='o{number}' to='{run.jid}'>{query}</iq>")
        error = client.expect(lambda e: e.get("id") == "o4").find(f"{CLIENT}error")
        assert error.get("type") == "wait"
        assert error.find(f"{STANZAS}resource-constraint") is not None
        free.set()
        answers = [client.expect(lambda e: (e.get("id") or "").startswith("o")) for _ in range(4)]
    assert {each.get("type") for each in answers} == {"result"}
    assert len(xmppctl.finish(run).expect(0).jsonl()) == 4
    assert inbox(xmppctl) == ["f", "f-2", "f-3", "f-4"]


@pytest.mark.parametrize("accepting", [True, False])
def test_what_a_listener_announces(listening, xmppctl, alice, slix, accepting):
    run = listening(directory="inbox" if accepting else None)
    other = slix(alice)
    info = other.run(other.plugin("xep_0030").get_info, jid=slixmpp.JID(run.jid))
    features = info["disco_info"]["features"]
    assert "jabber:x:oob" in features
    assert ("jabber:iq:oob" in features) is accepting


# --- offering


def urllib_fetch(url, ca_file):
    context = ssl.create_default_context(cafile=ca_file)
    with urllib.request.urlopen(url, context=context, timeout=10) as answer:
        return answer.read()


def test_an_offer_that_is_fetched(xmppctl, alice, peer, https):
    got = []

    def handler(iq):
        transfer = iq["oob_transfer"]
        got.append((transfer["url"], transfer["desc"], str(iq["from"].bare)))
        got.append(urllib_fetch(transfer["url"], alice.server.ca_file))

    peer.run(peer.plugin("xep_0066").register_url_handler, handler=handler)
    with WebServer(giving(DATA), https) as web:
        url = web.url("/r.pdf")
        run = xmppctl(
            "--json", "send", peer.jid, "--oob-url", url, "--oob-desc", "figures", "--oob-iq",
            account=alice,
        )  # fmt: skip
    (record,) = run.expect(0).json()
    assert got == [(url, "figures", alice.jid), DATA]
    assert record.pop("id")
    assert record == {
        "to": peer.jid,
        "origin_id": None,
        "stanza_id": None,
        "acked": True,
        "confirmed": True,
        "received_at": None,
        "displayed_at": None,
        "error": None,
    }


def test_offers_that_are_refused(xmppctl, alice, bob, peer):
    def send(to):
        run = xmppctl(
            "--json", "send", to, "--oob-url", "https://x.test/a", "--oob-iq", account=alice
        )
        (record,) = run.expect(6).json()
        assert (record["acked"], record["confirmed"]) == (True, False)
        assert run.error()["condition"] == record["error"]["condition"]
        return record["error"]["condition"]

    for condition in ("item-not-found", "not-acceptable"):

        def handler(iq, condition=condition):
            raise XMPPError(condition)

        peer.run(peer.plugin("xep_0066").register_url_handler, handler=handler)
        assert send(peer.jid) == condition
    peer.run(peer.plugin("xep_0066").register_url_handler)
    assert send(peer.jid) == "service-unavailable"  # slixmpp's default
    assert send(f"{bob.jid}/nobody") == "service-unavailable"


def test_a_peer_that_never_answers(xmppctl, alice, bob, raw):
    client = raw(bob)
    run = xmppctl(
        "--json", "send", client.jid, "--oob-url", "https://x.test/a", "--oob-iq",
        "--wait-timeout", "1s", account=alice,
    )  # fmt: skip
    (record,) = run.expect(8).json()
    assert (record["acked"], record["confirmed"]) == (True, False)
    assert record["error"]["step"] == "offer"
    iq = client.expect(lambda e: e.find(OOB) is not None)
    assert (iq.get("type"), iq.get("id")) == ("set", record["id"])


def test_several_clients(xmppctl, alice, bob, peer, raw, https):
    got = []
    peer.run(peer.plugin("xep_0066").register_url_handler, handler=got.append)
    silent = raw(bob)
    run = xmppctl(
        "--json", "send", silent.jid, peer.jid, "--oob-url", "https://x.test/a", "--oob-iq",
        "--timeout", "2s", account=alice,
    )  # fmt: skip
    first, second = run.expect(9).json()
    assert (first["to"], first["error"]["name"]) == (silent.jid, "TIMEOUT")
    assert (second["to"], second["confirmed"]) == (peer.jid, True)
    assert len(got) == 1


def test_from_xmppctl_to_xmppctl(listening, xmppctl, alice, bob, https):
    run = listening("--from", bob.jid, "--count", "1")
    with WebServer(giving(DATA), https) as web:
        sent = xmppctl(
            "send", run.jid, "--oob-url", web.url("/r.pdf"), "--oob-iq", account=bob
        )  # fmt: skip
        sent.expect(0)
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert (xmppctl.home / record["files"][0]["path"]).read_bytes() == DATA
