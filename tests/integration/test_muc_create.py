"""`xmppctl muc create` in a room that a test writes: what is made is not left behind half-done."""

import signal

import pytest

from tests.integration import muc
from tests.servers.fake import FakeServer

NS = muc.NS
CONFIG = "muc#roomconfig_"
ROOM = "r@conference.fake.test"
MADE = (
    f"<presence from='{ROOM}/alice' to='{{}}'><x xmlns='{NS}#user'>"
    "<item affiliation='owner' role='moderator'/><status code='110'/><status code='201'/>"
    "</x></presence>"
)
GONE = (
    f"<presence from='{ROOM}/alice' to='{{}}' type='unavailable'><x xmlns='{NS}#user'>"
    "<item affiliation='none' role='none'/></x></presence>"
)
QUERY = f"{{{NS}#owner}}query"
INFO = "{http://jabber.org/protocol/disco#info}query"
MISSING = "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"


def form(**fields):
    """A configuration form as text."""
    rows = "".join(
        f"<field var='{CONFIG}{name}' type='boolean'><value>{value}</value></field>"
        for name, value in fields.items()
    )
    return (
        f"<query xmlns='{NS}#owner'><x xmlns='jabber:x:data' type='form'>"
        f"<field var='FORM_TYPE' type='hidden'><value>{NS}#roomconfig</value></field>{rows}"
        "</x></query>"
    )


class Room:
    """A room that does not exist at first, and answers what the test says."""

    def __init__(self, forms, *, destroy="result", features=NS, refuse_join=False):
        self.forms = list(forms)
        self.destroy = destroy
        self.features = features
        self.refuse_join = refuse_join
        self.made = False
        self.seen = []

    async def __call__(self, conn):
        await conn.login()
        while True:
            element = await conn.recv()
            if element.tag == muc.PRESENCE and element.get("type") is None:
                if self.refuse_join:
                    conn.send(
                        f"<presence type='error' from='{ROOM}/alice' id='{element.get('id')}'>"
                        "<error type='cancel'><not-allowed "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
                    )
                    continue
                self.made = True
                conn.send(MADE.format(conn.jid))
            elif element.tag == muc.PRESENCE:
                conn.send(GONE.format(conn.jid))
            elif element.find(INFO) is not None:
                self.info(conn, element)
            elif element.find(f"{QUERY}/{{{NS}#owner}}destroy") is not None:
                self.seen.append("destroy")
                if self.destroy == "result":
                    conn.result(element, "")
                elif self.destroy == "error":
                    self.error(conn, element, MISSING)
            elif element.find(QUERY) is not None:
                self.seen.append(element.get("type"))
                if element.get("type") == "set":
                    conn.result(element, "")
                elif self.forms:
                    conn.result(element, self.forms.pop(0))

    def info(self, conn, iq):
        if not self.made:
            self.error(conn, iq, MISSING)
            return
        features = "".join(f"<feature var='{each}'/>" for each in self.features.split())
        conn.result(iq, f"<query xmlns='http://jabber.org/protocol/disco#info'>{features}</query>")

    def error(self, conn, iq, condition):
        conn.send(
            f"<iq type='error' id='{iq.get('id')}' from='{iq.get('to')}'>"
            f"<error type='cancel'>{condition}</error></iq>"
        )


@pytest.fixture
def fake(against_fake):
    """Run ``muc create`` against such a room."""

    def run(room, *args):
        return against_fake(room, "--json", "--timeout", "2s", "muc", "create", ROOM, *args)

    return run


def test_a_room_that_ignores_its_configuration_is_destroyed(fake):
    room = Room([form(persistentroom=0, membersonly=0), form(persistentroom=1, membersonly=0)])
    error = muc.refused(fake(room, "--field", "membersonly=1"), "not-applied")
    assert f"{CONFIG}membersonly" in error["text"]
    assert room.seen == ["get", "set", "get", "destroy"]


def test_a_room_that_keeps_silent_is_destroyed(fake):
    room = Room([])
    assert fake(room).expect(8).error()["step"] == "config"
    assert room.seen == ["get", "destroy"]


def test_a_room_that_cannot_be_destroyed_is_told(fake):
    error = fake(Room([], destroy="error")).expect(8).error()
    assert f"xmppctl muc destroy {ROOM}" in error["hint"]


def test_a_service_without_persistent_rooms(fake):
    room = Room([form(membersonly=0), form(membersonly=0)])
    assert "persistent" in fake(room).expect(7).error()["text"]
    assert room.seen[-1] == "destroy"
    room = Room([form(membersonly=0), form(membersonly=0)])
    assert fake(room, "--temporary").expect().json()["persistent"] is False
    assert "destroy" not in room.seen


def test_a_service_that_lets_nobody_create(fake):
    error = muc.refused(fake(Room([], refuse_join=True)), "not-allowed")
    assert error["step"] == "create"


def test_a_form_that_is_none(fake):
    room = Room([f"<query xmlns='{NS}#owner'/>"])
    muc.refused(fake(room), "malformed-answer")
    assert room.seen == ["get", "destroy"]


def test_an_interrupt_destroys_what_was_made(authority, xmppctl):
    room = Room([], destroy="silence")
    with FakeServer("fake.test", authority.issue("fake.test"), room) as server:
        run = xmppctl.start(
            *("--debug-xml", "muc", "create", ROOM),
            jid="alice@fake.test",
            password="x",
            connect=server.address,
            ca_file=authority.ca_file,
        )
        run.wait_line("^> .*muc#owner", "err")
        run.signal(signal.SIGINT)
        assert xmppctl.finish(run, 5).code == 130
    assert "destroy" in room.seen
