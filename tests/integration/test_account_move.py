"""`xmppctl account move` and `verify-move`: to another address, and whether that is true."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.in_turn

MOVED = "urn:xmpp:moved:1"
PS = "http://jabber.org/protocol/pubsub"
CAM = "urn:xmpp:cam:0"


@pytest.fixture
def new(server):
    """alice's new account."""
    return server.account("new")


@pytest.fixture
def befriended(raw, alice, bob):
    """bob sees alice's presence and she sees his; both as clients that are there."""
    one, other = raw(alice, "old"), raw(bob, "friend")
    for client in (one, other):
        client.iq("<query xmlns='jabber:iq:roster'/>")  # else one server tells less
        client.send("<presence/>")
        client.expect(lambda e: e.tag == "{jabber:client}presence")

    def is_(kind):
        return lambda e: e.tag == "{jabber:client}presence" and e.get("type") == kind

    one.send(f"<presence type='subscribe' to='{bob.jid}'/>")
    other.expect(is_("subscribe"))
    other.send(f"<presence type='subscribed' to='{alice.jid}'/>")
    other.send(f"<presence type='subscribe' to='{alice.jid}'/>")
    one.expect(is_("subscribe"))
    one.send(f"<presence type='subscribed' to='{bob.jid}'/>")
    other.expect(is_("subscribed"))
    return one, other


def statement(client, jid):
    answer = client.iq(
        f"<pubsub xmlns='{PS}'><items node='{MOVED}'><item id='current'/></items></pubsub>", to=jid
    )
    return answer.get("type"), next((e.text for e in answer.iter(f"{{{MOVED}}}new-jid")), None)


def test_an_account_moves_with_its_contacts(
    xmppctl, alice, bob, new, befriended, raw, server, tmp_path
):
    _, friend = befriended
    run = xmppctl("--json", "account", "move", "--to", new.jid, account=alice).expect()
    assert run.json() == {"old_jid": alice.jid, "new_jid": new.jid, "published": True}
    # a contact reads it, and nobody else does
    assert statement(friend, alice.jid) == ("result", new.jid)
    stranger = raw(server.account("carol"), "x")
    assert statement(stranger, alice.jid)[0] == "error"

    (tmp_path / "contacts").write_text(f"{bob.jid}\n")
    args = ("--json", "account", "move", "--from", alice.jid)
    run = xmppctl(*args, "--contacts", str(tmp_path / "contacts"), account=new).expect()
    (record,) = run.json()
    assert (record["jid"], record["ask"], record["error"]) == (bob.jid, "subscribe", None)
    request = friend.expect(lambda e: e.get("type") == "subscribe")
    assert request.get("from") == new.jid
    assert request.findtext(f"{{{MOVED}}}moved/{{{MOVED}}}old-jid") == alice.jid

    # bob checks it, by the new address, by the old one, and by what the request says
    known = {
        "old_jid": alice.jid, "new_jid": new.jid, "verified": True,
        "reason": f"{alice.jid} says so itself", "error": None,
    }  # fmt: skip
    for words in ([new.jid], [alice.jid], [new.jid, "--old", alice.jid]):
        run = xmppctl("--json", "account", "verify-move", *words, account=bob).expect()
        assert run.json() == known
    mallory = f"mallory@{server.domain}"
    run = xmppctl(
        "--json", "account", "verify-move", mallory, "--old", alice.jid, account=bob
    ).expect(6)
    assert run.error()["condition"] == "not-verified"
    assert new.jid in run.json()["reason"]


def test_a_statement_is_taken_back(xmppctl, alice, bob, new, befriended):
    _, friend = befriended
    xmppctl("account", "move", "--undo", "--if-exists", account=alice).expect()
    xmppctl("account", "move", "--to", f"xmpp:{new.jid}", "--access", "open",
            account=alice).expect()  # fmt: skip
    assert statement(friend, alice.jid) == ("result", new.jid)
    # the old account says another address: nobody is told a lie
    run = xmppctl("--json", "account", "move", "--from", alice.jid, account=bob).expect(6)
    assert run.error()["condition"] == "not-verified"
    run = xmppctl("--json", "account", "move", "--undo", account=alice).expect()
    assert run.json() == {"old_jid": alice.jid, "new_jid": None, "published": False}
    assert statement(friend, alice.jid)[1] is None
    xmppctl("account", "move", "--undo", account=alice).expect(6)


@pytest.mark.parametrize(
    "args",
    [
        ["move"],
        ["move", "--to", "a@x.test", "--undo"],
        ["move", "--to", "a@x.test/full"],
        ["move", "--to", "a@x.test", "--contacts", "f"],
        ["move", "--from", "a@x.test", "--if-exists"],
        ["move", "--to", "a@no.such.host.invalid", "--from", "b@x.test"],
        ["verify-move"],
        ["verify-move", "a@x.test/full"],
        ["clients", "revoke", "id"],
        ["clients", "revoke", "\x07", "--yes"],
    ],
)
def test_bad_arguments_are_refused_without_a_connection(xmppctl, args):
    xmppctl("account", *args, jid="a@no.such.host.invalid", password="x").expect(2)


STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


# --- who has access; no server of the tests tells ------------------------------------------------

CLIENTS = {
    "one": "<client connected='true' id='one' type='session'>"
    "<first-seen>2023-04-06T14:26:08Z</first-seen><last-seen>2023-04-06T14:37:25Z</last-seen>"
    "<auth><password/></auth><permission status='unrestricted'/><user-agent>"
    "<software>Gajim\u202e</software><uri>https://gajim.org/</uri>"
    "<device>Juliet's laptop</device></user-agent></client>",
    "two": "<client connected='false' id='two' type='access'><auth><grant/>"
    "<x xmlns='urn:example'/></auth><permission status='normal'/></client>",
    "odd": "<client id='odd'><last-seen>never</last-seen></client>",
}


def managing(there, *, deaf=False):
    async def script(conn):
        await conn.login()
        while True:
            iq = await conn.recv()
            name = iq[0].get("id")
            if iq[0].tag == f"{{{CAM}}}list":
                conn.result(iq, f"<clients xmlns='{CAM}'>{''.join(there.values())}</clients>")
            elif name == "one":
                conn.send(
                    f"<iq type='error' id='{iq.get('id')}'><error type='cancel'>"
                    f"<service-unavailable xmlns='{STANZAS}'/><password-reset-required "
                    f"xmlns='{CAM}'/></error></iq>"
                )
            else:
                if not deaf:
                    del there[name]
                conn.result(iq)

    return script


def test_clients_are_listed(against_fake):
    run = against_fake(managing(dict(CLIENTS)), "--json", "account", "clients", "list").expect()
    assert run.json() == [
        {
            "id": "one", "type": "session", "connected": True,
            "first_seen": "2023-04-06T14:26:08Z", "last_seen": "2023-04-06T14:37:25Z",
            "auth": ["password"], "permission": "unrestricted", "software": "Gajim\u202e",
            "uri": "https://gajim.org/", "device": "Juliet's laptop",
        },
        {
            "id": "two", "type": "access", "connected": False, "first_seen": None,
            "last_seen": None, "auth": ["grant", "{urn:example}x"], "permission": "normal",
            "software": None, "uri": None, "device": None,
        },
        {
            "id": "odd", "type": None, "connected": None, "first_seen": None, "last_seen": None,
            "auth": [], "permission": None, "software": None, "uri": None, "device": None,
        },
    ]  # fmt: skip
    run = against_fake(managing(dict(CLIENTS)), "account", "clients", "list").expect()
    assert "\u202e" not in run.out


def test_access_is_ended(against_fake):
    there = dict(CLIENTS)
    command = ("--json", "account", "clients", "revoke", "--yes")
    run = against_fake(managing(there), *command, "one", "two", "none").expect(9)
    found = {each["id"]: each for each in run.json()}
    assert {name: each["revoked"] for name, each in found.items()} == {
        "one": False,
        "two": True,
        "none": True,
    }
    assert found["one"]["error"]["condition"] == "password-reset-required"
    assert found["none"]["error"]["condition"] == "item-not-found"
    assert list(there) == ["one", "odd"]
    run = against_fake(managing(there, deaf=True), *command, "odd").expect(6)
    assert run.error()["condition"] == "not-confirmed"
    against_fake(managing(there), *command, "none", "--if-exists").expect()


def test_no_list_of_clients(xmppctl, alice):
    run = xmppctl("--json", "account", "clients", "list", account=alice).expect(7)
    assert "XEP-0494" in run.error()["text"]
