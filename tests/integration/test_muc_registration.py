"""`xmppctl muc register, unregister, nick`: rooms of one server register nicknames, the service of
the other does so for all its rooms."""

import pytest

from tests.integration import muc
from tests.servers.quirks import Quirk

pytestmark = pytest.mark.in_turn


@pytest.fixture
def room(raw, alice, server):
    """A room of alice's."""
    name = f"register-{alice.local}@{server.conference}"
    muc.make(raw(alice), name)
    return name


@pytest.fixture
def where(room, server):
    """Where nicknames of that room are registered."""
    return server.conference if Quirk.MUC_SERVICE_REGISTERS_NICKS in server.quirks else room


def run(xmppctl, account, verb, *args, code=0, **more):
    return xmppctl("--json", "muc", verb, *args, account=account, **more).expect(code)


def registered(peer, where):
    """The nickname that is registered, as the server says."""
    answer = peer.iq("<query xmlns='jabber:iq:register'/>", to=where)
    if answer.find(".//{jabber:iq:register}registered") is None:
        return None
    names = ("{jabber:iq:register}username", "{jabber:iq:register}nick")
    return next(e.text for name in names for e in answer.iter(name))


def test_register_and_unregister(xmppctl, alice, bob, room, where, raw):
    nick = f"Nick {alice.local}"  # the service of one server keeps it beyond the test
    record = run(xmppctl, alice, "register", where, "--nick", nick).json()
    assert record == {"jid": where, "registered": True, "nick": nick, "form": None}
    peer = raw(alice)
    assert registered(peer, where) == nick
    assert run(xmppctl, alice, "register", where, "--nick", nick).json() == record
    assert run(xmppctl, alice, "nick", room).json() == record
    other = raw(bob)
    assert muc.enter(other, room, nick).find(".//{*}conflict") is not None
    changed = run(xmppctl, alice, "register", where, "--field", f"roomnick={nick}2").json()
    assert changed["nick"] == registered(peer, where) == f"{nick}2"
    record = run(xmppctl, alice, "unregister", where).json()
    assert record == {"jid": where, "registered": False, "nick": None, "form": None}
    assert registered(peer, where) is None
    assert muc.affiliations(peer, room, "owner") == {alice.jid}  # never an ownership
    assert run(xmppctl, alice, "nick", room).json()["registered"] is False
    muc.refused(run(xmppctl, alice, "unregister", where, code=6), "item-not-found")
    assert run(xmppctl, alice, "unregister", where, "--if-exists").json() == record
    assert 110 in muc.codes(muc.enter(other, room, nick))


def test_a_nickname_of_somebody_else(xmppctl, alice, bob, room, where, raw):
    run(xmppctl, alice, "affiliation", room, bob.jid, "member")
    nick = f"Taken {alice.local}"
    run(xmppctl, alice, "register", where, "--nick", nick)
    muc.refused(run(xmppctl, bob, "register", where, "--nick", nick, code=6), "conflict")
    assert run(xmppctl, bob, "register", where).json()["nick"] == bob.local
    assert registered(raw(bob), where) == bob.local


def test_the_form(xmppctl, alice, where, raw):
    form = run(xmppctl, alice, "register", where, "--show-form").json()["form"]
    assert form["form_type"] == f"{muc.NS}#register"
    (field,) = form["fields"]
    assert (field["var"], field["required"]) == ("muc#register_roomnick", True)
    error = run(xmppctl, alice, "register", where, "--field", "email=x", code=2).error()
    assert "'email'" in error["text"]
    assert registered(raw(alice), where) is None


def test_who_is_no_member(xmppctl, bob, room, where, raw):
    if where == room:
        error = muc.refused(run(xmppctl, bob, "register", room, code=6), "registration-required")
        assert "membership" in error["hint"]
        muc.refused(run(xmppctl, bob, "unregister", room, code=6), "item-not-found")
    else:
        run(xmppctl, bob, "register", where)
    assert registered(raw(bob), where) == (None if where == room else bob.local)


def test_where_there_is_no_registration(xmppctl, alice, room, where, server):
    other = server.conference if where == room else room
    for verb in ("register", "unregister"):
        error = run(xmppctl, alice, verb, other, code=7).error()
        assert "jabber:iq:register" in error["text"]
    assert run(xmppctl, alice, "nick", room).json()["nick"] is None
