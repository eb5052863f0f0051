"""`roster suggest`, `roster apply`; the other side is another client, which is not always kind."""

import json
import os
import pty
import subprocess

import pytest

from tests.peers.process import EXECUTABLE, keeps_unacknowledged, way_options

pytestmark = pytest.mark.in_turn

ROSTER = "<query xmlns='jabber:iq:roster'/>"
ITEM = ".//{jabber:iq:roster}item"
GROUP = "{jabber:iq:roster}group"
NS = "http://jabber.org/protocol/rosterx"
X = f"{{{NS}}}x"
DISCO = "http://jabber.org/protocol/disco#info"


def listed(peer):
    return {
        item.get("jid"): (item.get("name"), sorted(group.text for group in item.findall(GROUP)))
        for item in peer.iq(ROSTER).findall(ITEM)
    }


def put(peer, jid, name, *groups, subscribe=False):
    inner = "".join(f"<group>{group}</group>" for group in groups)
    item = f"<item jid='{jid}' name='{name}'>{inner}</item>"
    peer.iq(f"<query xmlns='jabber:iq:roster'>{item}</query>", type="set")
    if subscribe:
        peer.send(f"<presence to='{jid}' type='subscribe'/>")


def x(*items):
    return f"<x xmlns='{NS}'>{''.join(items)}</x>"


def message(to, inner, kind="normal"):
    return f"<message to='{to}' type='{kind}'>{inner}</message>"


def with_x(stanza):
    return stanza.find(X) is not None


def items(stanza):
    return [
        (i.get("action"), i.get("jid"), i.get("name"), [g.text for g in i]) for i in stanza.find(X)
    ]


def test_suggestions_to_a_bare_jid(xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.send("<presence/>")
    run = xmppctl(
        *("--json", "roster", "suggest", bob.jid, "--add", "c@x.test,Carl,g,h"),
        *("--delete", "d@x.test", "--add", "e@x.test", "--text", "hi"),
        account=alice,
    ).expect()
    first, second = run.json()
    assert list(first) == ["to", "kind", "id", "items", "acked", "confirmed", "error"]
    assert (first["kind"], first["acked"], first["confirmed"]) == ("message", True, True)
    assert [item["action"] for item in second["items"]] == ["delete"]
    stanza = peer.expect(with_x)
    assert stanza.get("id") == first["id"]
    assert items(stanza) == [
        ("add", "c@x.test", "Carl", ["g", "h"]),
        ("add", "e@x.test", None, []),
    ]
    # a body and nothing else (XEP-0144 §3.1), but for what servers add
    added = ("archived", "stanza-id", "delay")
    ours = [child.tag for child in stanza if child.tag.rpartition("}")[2] not in added]
    assert sorted(ours) == [X, "{jabber:client}body"]
    assert items(peer.expect(with_x)) == [("delete", "d@x.test", None, [])]


def test_a_client_that_announces_it_is_asked(xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.send("<presence/>")
    full = peer.jid
    run = xmppctl.start(
        *("--json", "roster", "suggest", full, "--modify", "c@x.test,N"), account=alice
    )
    question = peer.expect(lambda e: e.find(f"{{{DISCO}}}query") is not None)
    peer.send(
        f"<iq type='result' to='{question.get('from')}' id='{question.get('id')}'>"
        f"<query xmlns='{DISCO}'><identity category='client' type='pc'/><feature var='{NS}'/>"
        "</query></iq>"
    )
    request = peer.expect(with_x)
    assert (request.get("type"), items(request)) == ("set", [("modify", "c@x.test", "N", [])])
    peer.send(f"<iq type='result' to='{request.get('from')}' id='{request.get('id')}'/>")
    (record,) = xmppctl.finish(run).expect().json()
    assert (record["kind"], record["confirmed"]) == ("iq", True)


def test_a_client_that_does_not_know_it_gets_a_message(xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.send("<presence/>")
    run = xmppctl.start("roster", "suggest", peer.jid, "--add", "c@x.test", account=alice)
    question = peer.expect(lambda e: e.find(f"{{{DISCO}}}query") is not None)
    peer.send(
        f"<iq type='error' to='{question.get('from')}' id='{question.get('id')}'><error "
        "type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        "</iq>"
    )
    assert peer.expect(with_x).tag == "{jabber:client}message"
    xmppctl.finish(run).expect()


def test_what_an_export_holds_is_suggested(xmppctl, alice, bob, raw, tmp_path):
    put(raw(alice), "c@x.test", "Carl", "g")
    path = tmp_path / "contacts.json"
    xmppctl("roster", "export", "--out", str(path), account=alice).expect()
    xmppctl("roster", "suggest", bob.jid, "--file", str(path), account=alice).expect()
    peer = raw(bob)
    peer.send("<presence/>")  # it was kept for who comes later
    assert items(peer.expect(with_x)) == [("add", "c@x.test", "Carl", ["g"])]


def test_suggestions_that_cannot_be_sent(xmppctl, alice):
    args = ["--json", "roster", "suggest", f"nobody@{alice.domain}", "--add", "c@x.test"]
    run = xmppctl(*args, account=alice).expect(6)
    assert run.json()[0]["error"]["condition"] == run.error()["condition"]
    elsewhere = {"jid": "a@no.such.host.invalid", "password": "x"}
    for args in (
        [],
        ["--add", "@@"],
        ["--add", "c@x.test/r"],
        ["--add", "c@x.test,\x07"],
        ["--add", "c@x.test", "--text", "\x07"],
        ["--file", "-"],
    ):
        run = xmppctl("roster", "suggest", "b@x.test", *args, input="@@\n", **elsewhere)
        run.expect(2)


class Applying:
    """A run of `roster apply` that waits, and what it printed."""

    def __init__(self, xmppctl, account, sender, *args):
        self.xmppctl = xmppctl
        self.run = xmppctl.start(
            *("--json", "roster", "apply", "--yes", "--from", sender, *args), account=account
        )
        self.jid = self.run.wait_line(r"listening as (\S+)", "err")[1]

    def end(self, code=0):
        return self.xmppctl.finish(self.run).expect(code).json()


def outcomes(records):
    return [(r["action"], r["jid"], r["outcome"]) for r in records]


def test_suggestions_are_applied(xmppctl, alice, bob, raw):
    carol = alice.server.account("carol")
    mine, peer = raw(alice), raw(bob)
    put(mine, "old@x.test", "Old", "g")
    carols = raw(carol)
    carols.send("<presence/>")
    applying = Applying(xmppctl, alice, bob.jid, "--count", "2", "--for", "30s")
    peer.send(
        message(
            alice.jid,
            "<body>look</body>"
            + x(
                f"<item action='add' jid='{carol.jid}' name='Carol'><group>new</group></item>",
                "<item action='add' jid='old@x.test' name='Other'><group>g</group></item>",
                "<item action='delete' jid='old@x.test'/>",
                "<item action='modify' jid='nobody@x.test' name='N'/>",
                "<item jid='@@'/>",
            ),
        )
    )
    answer = peer.iq(x("<item action='modify' jid='old@x.test' name='New'/>"), type="set",
                     to=applying.jid)  # fmt: skip
    assert answer.get("type") == "result"
    records = applying.end()
    assert outcomes(records) == [
        ("add", carol.jid, "added"),
        ("add", "old@x.test", "unchanged"),
        ("delete", "old@x.test", "ignored"),  # by a stranger
        ("modify", "nobody@x.test", "ignored"),
        ("modify", "old@x.test", "changed"),
    ]
    assert records[0]["from"] == peer.jid
    assert (records[0]["asked"], records[0]["groups"]) == (True, ["new"])
    assert "no subscription" in records[2]["reason"]
    assert listed(mine) == {carol.jid: ("Carol", ["new"]), "old@x.test": ("New", ["g"])}
    request = carols.expect(lambda e: e.get("type") == "subscribe")
    assert request.get("from") == alice.jid


def test_who_has_a_subscription_may_suggest_removals(xmppctl, alice, bob, raw):
    mine, peer = raw(alice), raw(bob)
    for each in (mine, peer):
        each.iq(ROSTER)
        each.send("<presence/>")
    peer.send(f"<presence to='{alice.jid}' type='subscribe'/>")
    mine.expect(lambda e: e.get("type") == "subscribe")
    mine.send(f"<presence to='{bob.jid}' type='subscribed'/>")
    peer.expect(lambda e: e.get("type") == "subscribed")
    put(mine, "one@x.test", "One", "g", "h")
    put(mine, "two@x.test", "Two", "g")
    mine.send("<presence type='unavailable'/>")
    applying = Applying(xmppctl, alice, bob.jid)
    wish = "<item action='delete' jid='{}@x.test'><group>g</group></item>"
    peer.send(message(alice.jid, x(wish.format("one"), wish.format("two"))))
    assert outcomes(applying.end()) == [
        ("delete", "one@x.test", "changed"),
        ("delete", "two@x.test", "removed"),
    ]
    left = listed(mine)
    assert left.pop(bob.jid)
    assert left == {"one@x.test": ("One", ["h"])}


def test_hostile_suggestions_change_nothing(xmppctl, alice, bob, raw):
    eve = raw(alice.server.account("eve"))
    peer, mine = raw(bob), raw(alice)
    put(mine, "kept@x.test", "Kept", "g")
    applying = Applying(xmppctl, alice, bob.jid)
    full = applying.jid
    evil = x("<item action='add' jid='evil@x.test'/>", "<item action='delete' jid='kept@x.test'/>")
    # by somebody else: as a message, as a request, and in the name of bob
    eve.send(message(alice.jid, evil))
    assert eve.iq(evil, type="set", to=full).get("type") == "error"
    asked = eve.iq(f"<query xmlns='{DISCO}'/>", to=full)
    assert asked.get("type") == "error"
    forwarded = f"<forwarded xmlns='urn:xmpp:forward:0'>{message(alice.jid, evil)}</forwarded>"
    carbon = f"<received xmlns='urn:xmpp:carbons:2'>{forwarded}</received>"
    eve.send(message(alice.jid, carbon))
    # by bob, but in what is no suggestion
    peer.send(message(alice.jid, evil, "error"))
    peer.send(message(full, f"<y xmlns='other'>{evil}</y>"))
    many = x(*(f"<item jid='c{n}@x.test'/>" for n in range(201)))
    refused = peer.iq(many, type="set", to=full)
    assert refused.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}not-acceptable") is not None
    # only the sender is told that suggestions are taken
    features = peer.iq(f"<query xmlns='{DISCO}'/>", to=full)
    assert NS in {each.get("var") for each in features.iter(f"{{{DISCO}}}feature")}
    peer.send(message(full, many))
    records = applying.end()
    assert {(r["outcome"], r["from"]) for r in records} == {("ignored", peer.jid)}
    assert len(records) == 201
    assert listed(mine) == {"kept@x.test": ("Kept", ["g"])}


@keeps_unacknowledged
def test_what_others_sent_is_left_for_the_next_client(xmppctl, alice, bob, raw):
    eve, peer = raw(alice.server.account("eve")), raw(bob)
    eve.send(message(alice.jid, "<body>for later</body>", "chat"))
    peer.send(message(alice.jid, "<body>look</body>" + x(f"<item jid='c@{alice.domain}'/>")))
    peer.iq(ROSTER)
    eve.iq(ROSTER)
    applying = Applying(xmppctl, alice, bob.jid)
    assert outcomes(applying.end()) == [("add", f"c@{alice.domain}", "added")]
    mine = raw(alice)
    mine.send("<presence/>")
    assert mine.wait_message().findtext("{jabber:client}body") == "for later"


def test_nothing_comes(xmppctl, alice, bob):
    args = ["--json", "roster", "apply", "--from", bob.jid, "--for", "200ms"]
    assert xmppctl(*args, "--yes", account=alice).expect().json() == []
    run = xmppctl(*args, "--count", "1", "--yes", account=alice).expect(8)
    assert run.error()["condition"] == "timeout"


def test_nothing_without_being_asked(xmppctl):
    elsewhere = {"jid": "a@no.such.host.invalid", "password": "x"}
    args = ["roster", "apply", "--from", "b@x.test"]
    for more in ([], ["--no-input"], ["--file", "-"]):
        run = xmppctl(*args, *more, input="[]", **elsewhere).expect(2)
        assert "--yes" in run.err
    for more in (["--file", "-", "--for", "1s"], ["--file", "-", "--count", "1"]):
        xmppctl(*args, "--yes", *more, input="[]", **elsewhere).expect(2)
    xmppctl("roster", "apply", "--yes", **elsewhere).expect(2)


def test_a_file_of_suggestions(xmppctl, alice, bob, raw):
    mine, contact = raw(alice), f"c@{alice.domain}"
    data = [
        {"from": bob.jid, "items": [{"action": "add", "jid": contact, "groups": ["g"]}]},
        {"from": "eve@x.test", "items": [{"action": "add", "jid": "evil@x.test"}]},
        {"action": "modify", "jid": contact, "name": "Carl"},
        {"jid": 1},
    ]
    args = ["--json", "roster", "apply", "--from", bob.jid, "--file", "-", "--yes"]
    run = xmppctl(*args, account=alice, input=json.dumps(data))
    records = run.expect(9).json()
    by_jid = {r["jid"]: r for r in records}
    assert "evil@x.test" not in by_jid
    assert "1 suggestions are not by" in run.err
    assert [r["outcome"] for r in records if r["jid"] == contact] == ["added", "changed"]
    assert listed(mine) == {contact: ("Carl", ["g"])}
    printed = xmppctl(*args, account=alice, input=json.dumps(records[1:])).expect().json()
    assert [r["outcome"] for r in printed] == ["unchanged", "unchanged"]


def test_what_listen_printed_is_applied(xmppctl, alice, bob, raw):
    run = xmppctl.start(
        *("-o", "jsonl", "--raw-xml", "listen", "--count", "1", "--for", "30s"), account=alice
    )
    run.wait_line("listening as", "err")
    raw(bob).send(message(alice.jid, "<body>look</body>" + x(f"<item jid='c@{alice.domain}'/>")))
    out = xmppctl.finish(run).expect().out
    args = ["--json", "roster", "apply", "--from", bob.jid, "--file", "-", "--yes"]
    records = xmppctl(*args, account=alice, input=out).expect().json()
    assert outcomes(records) == [("add", f"c@{alice.domain}", "added")]
    assert list(listed(raw(alice))) == [f"c@{alice.domain}"]


@pytest.mark.parametrize(("answer", "outcome"), [(b"y\n", "added"), (b"n\n", "declined")])
def test_a_person_is_asked(xmppctl, alice, raw, tmp_path, answer, outcome):
    path = tmp_path / "suggestions.json"
    contact = f"c@{alice.domain}"
    items = [{"jid": contact, "name": "C\u202e"}]
    path.write_text(json.dumps({"from": "b@x.test", "items": items}))
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [
                *(EXECUTABLE, "-j", alice.jid, *way_options(alice.server)),
                *("--json", "roster", "apply"),
                *("--from", "b@x.test", "--file", path),
            ],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**xmppctl.environment(), "XMPPCTL_PASSWORD": alice.password},
        )
        os.write(ours, answer)
        out, err = process.communicate(timeout=30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert [record["outcome"] for record in json.loads(out)] == [outcome]
    assert f"b@x.test suggests to add {contact}: add it (name C\\u202e)?" in err.decode()
    assert list(listed(raw(alice))) == ([contact] if outcome == "added" else [])
