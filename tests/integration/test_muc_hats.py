"""`xmppctl muc hats` and `muc hat` (XEP-0317).

One server has a forerunner's commands, once a room is told to; the other has none at all. What
the XEP itself says is played by a component.
"""

import threading

import pytest

from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

NS = "http://jabber.org/protocol/muc"
HOST = "https://example.org/hats#host"


@pytest.fixture
def room(bob, server):
    """A room of bob's that has hats, if the server knows any; bob stays in it as "host"."""
    return f"room-{bob.local}@{server.conference}"


@pytest.fixture
def host(slix, bob, room, server):
    peer = slix(bob, "host")
    peer.create_muc(room, "host")
    fields = f"<field var='FORM_TYPE'><value>{NS}#roomconfig</value></field>"
    if Feature.HATS in server.features:
        fields += "<field var='enable_hats'><value>1</value></field>"
    form = f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"
    peer.send_raw(
        f"<iq type='set' id='c1' to='{room}'><query xmlns='{NS}#owner'>{form}</query></iq>"
    )
    assert peer.wait(lambda s: s.name == "iq" and s["id"] == "c1")["type"] == "result"
    return peer


def test_hats_are_given_seen_listed_and_taken(xmppctl, alice, bob, host, slix, room, server):
    def hat(verb, *args, account=bob, name="hat"):
        return xmppctl("--json", "muc", name, *([verb] if verb else []), room, *args,
                       account=account)  # fmt: skip

    own = (alice.jid, "--uri", HOST)
    if Feature.HATS not in server.features:
        for run in (
            hat(None, name="hats"),
            hat("list"),
            hat("add", *own),
            hat("remove", *own),
            hat("create", "--uri", HOST, "--title", "Host"),
            hat("destroy", "--uri", HOST, "--yes"),
        ):
            assert "XEP-0317" in run.expect(7).error()["text"]
        return
    guest = slix(alice, "guest")
    guest.join_muc(room, "guest")
    assert hat("list").expect().json() == []
    given = hat("add", *own, "--title", "Host").expect().json()
    assert given == {
        "room": room, "uri": HOST, "title": "Host", "hue": None, "jid": alice.jid, "ok": True
    }  # fmt: skip
    worn = host.wait_xml("{xmpp:prosody.im/protocol/hats:1}hat")
    assert (worn.get("uri"), worn.get("title")) == (HOST, "Host")
    # title and URI stand in the wrong places in this server's list
    absent = f"carol@{server.domain}"
    assert hat("add", absent, "--uri", HOST).expect().json()["title"] == "Host"
    (listed,) = hat("list").expect().json()
    assert (listed["uri"], listed["title"]) == (HOST, "Host")
    assert sorted(listed["jids"]) == sorted([alice.jid, absent])
    (wearer,) = hat(None, name="hats").expect().json()
    assert (wearer["nick"], wearer["hats"][0]["uri"]) == ("guest", HOST)
    # the room tells nobody but its owners that it has hats
    assert hat(None, name="hats", account=alice).expect(7).out == ""
    assert hat("add", *own, account=alice).expect(7).error()["name"] == "UNSUPPORTED"

    assert hat("remove", *own).expect().json()["jid"] == alice.jid
    again = hat("remove", *own).expect(6).error()
    assert again["condition"] == "item-not-found"
    hat("remove", *own, "--if-exists").expect()
    assert hat(None, name="hats").expect().json() == []
    assert hat("create", "--uri", HOST, "--title", "Host").expect(7).out == ""
    assert hat("destroy", "--uri", HOST, "--yes").expect(7).out == ""


def test_what_is_destroyed_is_asked_about(xmppctl, alice, server):
    args = ("muc", "hat", "destroy", f"r@{server.conference}", "--uri", HOST)
    assert "--yes" in xmppctl("--json", *args, account=alice).expect(2).error()["hint"]


def test_a_room_that_is_not_there(xmppctl, alice, server):
    run = xmppctl("--json", "muc", "hat", "list", f"no@{server.conference}", account=alice)
    assert run.expect(6).error()["condition"] == "item-not-found"


# --- a room with the commands of the XEP ---------------------------------------------------------

COMMANDS = "http://jabber.org/protocol/commands"
HATS = "urn:xmpp:hats:commands"
DISCO = "http://jabber.org/protocol/disco"
DATA = "jabber:x:data"


class Room:
    """A room of a component; ``hats``: URI -> title, hue, wearers."""

    def __init__(self, component, jid):
        self.jid = jid
        self.hats = {}
        self.seen = []
        self.session = 0
        self._component = component
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                iq = self._component.recv(60)
            except (StreamClosed, OSError):
                return
            inner = self._answer(iq[0])
            kind = "error" if inner.startswith("<error") else "result"
            self._component.send(
                f"<iq type='{kind}' id='{iq.get('id')}' from='{self.jid}' to='{iq.get('from')}'>"
                f"{inner}</iq>"
            )

    def _answer(self, payload):
        if payload.tag == f"{{{DISCO}#info}}query":
            return (
                f"<query xmlns='{DISCO}#info'><identity category='conference' type='text'/>"
                f"<feature var='{NS}'/><feature var='urn:xmpp:hats:0'/></query>"
            )
        if payload.tag == f"{{{DISCO}#items}}query":
            names = ("create", "destroy", "list", "assign", "unassign", "list-assigned")
            items = "".join(f"<item jid='{self.jid}' node='{HATS}:{name}'/>" for name in names)
            return f"<query xmlns='{DISCO}#items' node='{COMMANDS}'>{items}</query>"
        name = payload.get("node").removeprefix(f"{HATS}:")
        form = payload.find(f"{{{DATA}}}x")
        if form is None:
            return self._first(name)
        values = {
            field.get("var"): field.findtext(f"{{{DATA}}}value")
            for field in form.findall(f"{{{DATA}}}field")
        }
        self.seen.append((name, payload.get("sessionid"), values))
        return self._done(name, values)

    def _first(self, name):
        if name.startswith("list"):
            rows = [(uri, None, *hat[:2]) for uri, hat in self.hats.items()]
            if name == "list-assigned":
                rows = [(uri, jid, *hat[:2]) for uri, hat in self.hats.items() for jid in hat[2]]
            items = "".join(
                f"<item>{field('uri', uri)}{field('jid', jid) if jid else ''}"
                f"{field('title', title)}{field('hue', hue) if hue else ''}</item>"
                for uri, jid, title, hue in rows
            )
            return self._command(name, "completed", f"<x xmlns='{DATA}' type='result'>{items}</x>")
        self.session += 1
        options = "".join(f"<option><value>{uri}</value></option>" for uri in self.hats)
        choice = f"<field var='hats#uri' type='list-single'>{options}</field>"
        fields = {
            "create": "<field var='hats#title'><required/></field>"
            "<field var='hats#uri'><required/></field><field var='hats#hue'/>",
            "destroy": choice.replace("hats#uri", "hat"),  # as the example of the XEP has it
            "assign": f"<field var='hats#jid' type='jid-single'><required/></field>{choice}",
            "unassign": f"<field var='hats#jid' type='jid-single'><required/></field>{choice}",
        }[name]
        kind = f"<field type='hidden' var='FORM_TYPE'><value>{HATS}</value></field>"
        return self._command(name, "executing", f"<x xmlns='{DATA}' type='form'>{kind}{fields}</x>")

    def _done(self, name, values):
        uri = values.get("hats#uri") or values.get("hat")
        if name == "create":
            self.hats[uri] = (values["hats#title"], values.get("hats#hue"), [])
        elif name == "destroy":
            del self.hats[uri]
        elif name == "assign":
            if values["hats#jid"].startswith("nobody@"):
                return self._command(name, "completed", "<note type='error'>no such user</note>")
            self.hats[uri][2].append(values["hats#jid"])
        else:
            self.hats[uri][2].remove(values["hats#jid"])
        return self._command(name, "completed", "")

    def _command(self, name, status, inner):
        return (
            f"<command xmlns='{COMMANDS}' node='{HATS}:{name}' status='{status}' "
            f"sessionid='s{self.session}'>{inner}</command>"
        )


def field(name, value):
    return f"<field var='hats#{name}'><value>{value}</value></field>"


@pytest.mark.servers("prosody")  # the room is a component's own: the server only carries it
def test_the_commands_of_the_xep(xmppctl, alice, bob, server):
    with RawComponent.attach(server) as component:
        room = Room(component, f"physics@{server.component}")

        def hat(verb, *args, code=0):
            run = xmppctl("--json", "muc", "hat", verb, room.jid, *args, account=alice)
            return run.expect(code).json() if code == 0 else run.expect(code).error()

        uri = ("--uri", HOST)
        made = hat("create", *uri, "--title", "Host", "--hue", "327.25")
        assert (made["uri"], made["title"], made["hue"]) == (HOST, "Host", 327.25)
        assert room.seen[-1][1] == "s1"
        assert room.seen[-1][2]["FORM_TYPE"] == HATS
        assert room.hats[HOST] == ("Host", "327.25", [])
        assert hat("add", bob.jid, *uri)["title"] == "Host"
        assert room.hats[HOST][2] == [bob.jid]
        assert hat("list") == [{"uri": HOST, "title": "Host", "hue": 327.25, "jids": [bob.jid]}]
        assert hat("add", bob.jid, "--uri", "urn:x:no", code=6)["condition"] == "item-not-found"
        assert "no such user" in hat("add", f"nobody@{bob.domain}", *uri, code=6)["text"]
        hat("remove", bob.jid, *uri)
        assert room.hats[HOST][2] == []
        assert hat("remove", bob.jid, *uri, code=6)["condition"] == "item-not-found"
        hat("destroy", *uri, "--yes")
        assert room.hats == {}
        assert hat("destroy", *uri, "--yes", code=6)["condition"] == "item-not-found"
        hat("destroy", *uri, "--yes", "--if-exists")
