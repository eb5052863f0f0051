"""`xmppctl block` against real servers; the other side is another client."""

import pytest

from tests.peers.rawxml import RawComponent
from tests.servers.fake import FakeServer

pytestmark = pytest.mark.in_turn

LIST = "<blocklist xmlns='urn:xmpp:blocking'/>"


def blocked(xmppctl, account):
    return [r["jid"] for r in xmppctl("block", "list", "--json", account=account).expect().json()]


def test_add_list_remove(xmppctl, alice, raw):
    villain = f"villain@{alice.domain}"
    run = xmppctl("--json", "block", "add", villain, account=alice).expect()
    assert run.seconds < 10  # it waits for the result, not for a push that may never come
    assert run.json() == [{"jid": villain, "blocked": True, "reported": None, "error": None}]
    peer = raw(alice)
    item = peer.iq(LIST).find(".//{urn:xmpp:blocking}item")
    assert item.get("jid") == villain
    assert peer.iq("<query xmlns='jabber:iq:roster'/>").find(".//{jabber:iq:roster}item") is None
    assert blocked(xmppctl, alice) == [villain]
    xmppctl("block", "add", villain, account=alice).expect()  # again: blocked it is
    run = xmppctl("--json", "block", "remove", villain, account=alice).expect()
    assert run.json() == [{"jid": villain, "blocked": False, "reported": None, "error": None}]
    assert blocked(xmppctl, alice) == []


def test_domains_and_resources(xmppctl, alice):
    jids = ["a@x.test", "a@x.test/Phone 1", "spam.test", "gate.test/res"]
    out = xmppctl("-o", "plain", "block", "add", *jids, account=alice).expect().out
    assert out.splitlines() == jids
    assert blocked(xmppctl, alice) == sorted(jids)
    xmppctl("block", "remove", "a@x.test", account=alice).expect()
    assert "a@x.test/Phone 1" in blocked(xmppctl, alice)


def test_what_is_not_blocked_cannot_be_removed(xmppctl, alice):
    xmppctl("block", "add", "a@x.test", "b@x.test", account=alice).expect()
    run = xmppctl("--json", "block", "remove", "c@x.test", account=alice).expect(6)
    assert run.error()["condition"] == "item-not-found"
    run = xmppctl("--json", "block", "remove", "a@x.test", "c@x.test", account=alice).expect(9)
    assert [r["error"] and r["error"]["condition"] for r in run.json()] == [None, "item-not-found"]
    xmppctl("block", "remove", "--if-exists", "c@x.test", account=alice).expect()
    assert blocked(xmppctl, alice) == ["b@x.test"]


def test_clear_only_with_yes(xmppctl, alice):
    xmppctl("block", "add", "a@x.test", "b@x.test", account=alice).expect()
    xmppctl("block", "clear", account=alice).expect(2)
    assert len(blocked(xmppctl, alice)) == 2
    run = xmppctl("--json", "block", "clear", "--yes", account=alice).expect()
    assert run.json() == []
    assert blocked(xmppctl, alice) == []
    xmppctl("block", "clear", "--yes", account=alice).expect()


@pytest.mark.parametrize("args", [[], [""]])
def test_nothing_never_unblocks_all(xmppctl, alice, args):
    xmppctl("block", "add", "a@x.test", account=alice).expect()
    xmppctl("block", "remove", *args, account=alice).expect(2)
    assert (
        xmppctl("--json", "block", "remove", "-", account=alice, input="\n").expect().json() == []
    )
    assert blocked(xmppctl, alice) == ["a@x.test"]


def test_lines_of_standard_input(xmppctl, alice):
    text = b"a@x.test\n\nnot a jid@@\n  b@x.test  \n\xff\na@x.test\n"
    run = xmppctl("--json", "block", "add", "-", account=alice, input=text).expect(9)
    records = run.json()
    assert [r["blocked"] for r in records] == [True, None, True, None]
    assert "line 3" in records[1]["error"]["text"]
    assert records[3]["error"]["code"] == 2
    assert blocked(xmppctl, alice) == ["a@x.test", "b@x.test"]


def test_thousands(xmppctl, alice):
    jids = [f"villain-{n:05}@spam.example" for n in range(5000)]
    text = "\n".join(jids)
    run = xmppctl("-o", "plain", "block", "add", "-", account=alice, input=text, timeout=120)
    assert run.expect().out.split() == jids
    assert blocked(xmppctl, alice) == jids
    run = xmppctl("-o", "plain", "block", "remove", "-", account=alice, input=text, timeout=120)
    run.expect()
    assert blocked(xmppctl, alice) == []


def test_a_report_that_the_server_ignores(xmppctl, alice):
    args = ["--report", "spam", "--text", "<b>&\u202e", "--stanza-id", "s1", "--third-party"]
    run = xmppctl("--json", "block", "add", "a@x.test", *args, account=alice).expect()
    assert run.json() == [{"jid": "a@x.test", "blocked": True, "reported": False, "error": None}]
    assert "report is ignored" in run.err
    assert blocked(xmppctl, alice) == ["a@x.test"]


@pytest.mark.parametrize(
    "args",
    [
        ["--text", "x"],
        ["--report", "spam", "--stanza-id", "s", "b@x.test"],
        ["--report", "spam", "--text", "\x1b[31m"],
        ["@@"],
        ["-", "-"],
    ],
)
def test_bad_arguments_change_nothing(xmppctl, alice, args):
    xmppctl("block", "add", "a@x.test", *args, account=alice).expect(2)
    assert blocked(xmppctl, alice) == []


def test_a_blocked_jid_cannot_be_written_to(xmppctl, alice, bob, raw):
    xmppctl("block", "add", bob.jid, account=alice).expect()
    run = xmppctl("--json", "send", bob.jid, "hi", account=alice).expect(6)
    assert run.error()["condition"] == "not-acceptable"
    peer = raw(bob)  # and bob does not reach alice
    peer.send(f"<message to='{alice.jid}' type='chat' id='m1'><body>hi</body></message>")
    bounce = peer.expect(lambda e: e.get("id") == "m1")
    assert bounce.get("type") == "error"


def test_who_is_blocked_and_pardoned_as_the_others_see_it(xmppctl, alice, bob, raw, server):
    """An account, a resource, a domain: each keeps away what it names and nothing else."""
    mine = raw(alice)
    mine.send("<presence/>")
    mine.iq("<ping xmlns='urn:xmpp:ping'/>")
    phone, desk = raw(bob, "phone"), raw(bob, "desk")

    def write(client, **attributes):
        extra = "".join(f" {name}='{value}'" for name, value in attributes.items())
        client.send(f"<message to='{alice.jid}' type='chat' id='m'{extra}><body>x</body></message>")

    with RawComponent.attach(server) as component:
        gate = f"x@{server.component}"
        jids = [phone.jid, server.component]
        xmppctl("block", "add", *jids, account=alice).expect()
        write(phone)
        assert phone.expect(lambda e: e.get("id") == "m").get("type") == "error"
        write(component, **{"from": gate})
        assert component.expect(lambda e: e.get("id") == "m").get("type") == "error"
        write(desk)
        assert mine.wait_message().get("from") == desk.jid
        xmppctl("block", "remove", *jids, account=alice).expect()
        write(phone)
        assert mine.wait_message().get("from") == phone.jid
        write(component, **{"from": gate})
        assert mine.wait_message().get("from") == gate
        xmppctl("block", "add", bob.jid, account=alice).expect()
        write(desk)
        assert desk.expect(lambda e: e.get("id") == "m").get("type") == "error"
        xmppctl("block", "clear", "--yes", account=alice).expect()
        write(desk)
        assert mine.wait_message().get("from") == desk.jid


@pytest.mark.servers("prosody")
def test_privacy_lists_are_no_block_list(xmppctl, prosody):
    account = prosody.account("alice", prosody.hosts["privacy"])
    run = xmppctl("--json", "block", "add", "a@x.test", account=account).expect(7)
    assert "XEP-0191" in run.error()["text"]


def test_another_client_gets_the_push(xmppctl, alice, raw):
    peer = raw(alice)
    peer.iq(LIST)
    xmppctl("block", "add", "a@x.test", account=alice).expect()
    push = peer.expect(lambda e: e.find("{urn:xmpp:blocking}block") is not None)
    assert push[0][0].get("jid") == "a@x.test"


def test_a_server_that_only_says_yes(against_fake):
    async def script(conn):
        await conn.login()
        conn.result(await conn.recv(), LIST)
        conn.result(await conn.recv())
        conn.result(await conn.recv(), LIST)
        await conn.until_closed()

    run = against_fake(script, "--json", "block", "add", "a@x.test").expect(6)
    assert run.error()["condition"] == "not-confirmed"
    assert run.json()[0]["blocked"] is False


def test_a_report_to_a_server_that_takes_it(authority, xmppctl):
    async def script(conn):
        await conn.login()
        conn.result(await conn.recv(), LIST)
        conn.result(await conn.recv(), "<query xmlns='http://jabber.org/protocol/disco#info'>"
                    "<feature var='urn:xmpp:reporting:1'/></query>")  # fmt: skip
        conn.result(await conn.recv())
        conn.result(await conn.recv(), LIST.replace("/>", "><item jid='a@x.test'/></blocklist>"))
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        run = xmppctl(
            *("--json", "block", "add", "a@x.test", "--report", "abuse", "--text", "<b>"),
            *("--stanza-id", "s1", "--report-origin"),
            jid="alice@fake.test",
            password="x",
            connect=server.address,
            ca_file=authority.ca_file,
        ).expect()
        (item,) = (i for e in server.received for i in e.iter("{urn:xmpp:blocking}item"))
    assert run.json()[0]["reported"] is True
    assert "ignored" not in run.err
    (report,) = item
    ns = "{urn:xmpp:reporting:1}"
    assert (report.tag, report.get("reason")) == (f"{ns}report", "urn:xmpp:reporting:abuse")
    assert report.findtext(f"{ns}text") == "<b>"
    assert report.find(f"{ns}report-origin") is not None
    assert report.find(f"{ns}third-party") is None
    stanza = report.find("{urn:xmpp:sid:0}stanza-id")
    assert (stanza.get("id"), stanza.get("by")) == ("s1", "alice@fake.test")
