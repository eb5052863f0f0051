"""`xmppctl muc` affiliations, roles, kick, ban, voice; a raw client is the one concerned."""

import pytest

from tests.integration import muc
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn


@pytest.fixture
def room(raw, alice, server):
    """A room of alice's, in which everybody sees the real JIDs."""
    name = f"people-{alice.local}@{server.conference}"
    muc.make(raw(alice), name, whois="anyone", moderatedroom="0")
    return name


def run(xmppctl, account, verb, *args, code=0, **more):
    return xmppctl("--json", "muc", verb, *args, account=account, **more).expect(code)


def test_ban_and_unban(xmppctl, alice, bob, room, raw, server):
    peer = raw(bob)
    muc.enter(peer, room, "bob")
    record = run(xmppctl, alice, "ban", room, bob.jid, "--reason", "spam & <more>").json()
    assert (record["ok"], record["jid"], record["affiliation"]) == (True, bob.jid, "outcast")
    told = muc.away(peer, room, "bob")
    assert 301 in muc.codes(told)
    assert muc.item(told).get("affiliation") == "outcast"
    assert muc.reason(told) == "spam & <more>"
    assert muc.enter(peer, room, "bob").find(".//{*}forbidden") is not None
    run(xmppctl, alice, "ban", room, bob.jid)  # again: banned it is
    (listed,) = run(xmppctl, alice, "affiliations", room, "outcast").json()
    assert (listed["jid"], listed["affiliation"]) == (bob.jid, "outcast")
    if Feature.HTTP_API in server.features:
        name, service = room.split("@")
        found = server.api("get_room_affiliation", name=name, service=service, jid=bob.jid)
        assert found == {"affiliation": "outcast"} or found == "outcast"
    record = run(xmppctl, alice, "unban", room, bob.jid).json()
    assert (record["jid"], record["affiliation"]) == (bob.jid, "none")
    assert 110 in muc.codes(muc.enter(peer, room, "bob"))
    muc.refused(run(xmppctl, alice, "unban", room, bob.jid, code=6), "item-not-found")
    assert run(xmppctl, alice, "unban", room, bob.jid, "--if-exists").json()["affiliation"] is None


def test_unban_leaves_members_alone(xmppctl, alice, bob, room, raw):
    run(xmppctl, alice, "affiliation", room, bob.jid, "member")
    muc.refused(run(xmppctl, alice, "unban", room, bob.jid, code=6), "item-not-found")
    assert muc.affiliations(raw(alice), room, "member") == {bob.jid}


def test_a_domain_and_what_looks_like_a_nickname(xmppctl, alice, room, raw):
    assert run(xmppctl, alice, "ban", room, "spam.example").err == ""
    assert "whole domain" in run(xmppctl, alice, "ban", room, "bob").err
    assert muc.affiliations(raw(alice), room, "outcast") == {"spam.example", "bob"}


def test_affiliations(xmppctl, alice, bob, room, raw):
    for jid, affiliation in (
        ("c@x.test", "admin"),
        ("m@x.test", "member"),
        ("o@x.test", "outcast"),
    ):
        args = (room, jid, affiliation, "--reason", "because")
        (record,) = run(xmppctl, alice, "affiliation", *args).json()
        assert (record["jid"], record["affiliation"], record["ok"]) == (jid, affiliation, True)
        assert (record["room"], record["reason"], record["error"]) == (room, "because", None)
    found = run(xmppctl, alice, "affiliations", room).json()
    rows = [(record["affiliation"], record["jid"]) for record in found]
    assert rows == [
        ("owner", alice.jid), ("admin", "c@x.test"), ("member", "m@x.test"),
        ("outcast", "o@x.test"),
    ]  # fmt: skip
    assert {record["reason"] for record in found} <= {None, "because"}
    owner = raw(alice)
    for affiliation, jid in rows:
        assert muc.affiliations(owner, room, affiliation) == {jid}
    error = run(xmppctl, bob, "affiliation", room, bob.jid, "owner", code=6).error()
    assert error["condition"] in ("forbidden", "not-allowed")
    assert muc.affiliations(owner, room, "owner") == {alice.jid}


def test_the_last_owner_stays(xmppctl, alice, bob, room, raw):
    owner = raw(alice)
    for affiliation in ("none", "member"):
        error = run(xmppctl, alice, "affiliation", room, alice.jid, affiliation, code=6).error()
        assert error["condition"] in ("conflict", "not-allowed")
        assert muc.affiliations(owner, room, "owner") == {alice.jid}
    run(xmppctl, alice, "affiliation", room, bob.jid, "owner")
    run(xmppctl, alice, "affiliation", room, alice.jid, "none")
    assert muc.affiliations(raw(bob), room, "owner") == {bob.jid}


def test_affiliations_of_standard_input(xmppctl, alice, room, raw):
    text = (
        b"a@x.test member\n\nb@x.test outcast because of <this>\nz@x.test boss\n@@ member\n\xff\n"
    )
    text += b"c@x.test\tadmin\n"
    records = run(xmppctl, alice, "affiliation", room, "-", input=text, code=9).json()
    assert [record["ok"] for record in records] == [True, True, False, False, False, True]
    assert records[1]["reason"] == "because of <this>"
    assert "line 4" in records[2]["error"]["text"]
    assert {record["error"]["name"] for record in records[2:5]} == {"USAGE"}
    owner = raw(alice)
    assert muc.affiliations(owner, room, "outcast") == {"b@x.test"}
    assert muc.affiliations(owner, room, "admin") == {"c@x.test"}
    again = run(xmppctl, alice, "affiliation", room, "-", "none", input="a@x.test\nb@x.test\n")
    assert [record["affiliation"] for record in again.json()] == ["none", "none"]
    assert muc.affiliations(owner, room, "member") == muc.affiliations(owner, room, "outcast")


def test_hundreds_of_affiliations_in_order(xmppctl, alice, room, raw):
    jids = [f"user-{n:03}@x.test" for n in range(200)]
    args = ("muc", "affiliation", room, "-", "member")
    out = xmppctl("-o", "plain", *args, account=alice, input="\n".join(jids), timeout=60)
    assert out.expect().out.split() == jids
    assert muc.affiliations(raw(alice), room, "member") == set(jids)


def test_affiliations_of_a_room_that_is_not_there(xmppctl, alice, room):
    lines = "a@x.test member\nb@x.test admin\n"
    again = run(xmppctl, alice, "affiliation", f"no-{room}", "-", input=lines, code=6)
    assert {record["error"]["condition"] for record in again.json()} == {"item-not-found"}
    muc.refused(run(xmppctl, alice, "affiliations", f"no-{room}", code=6), "item-not-found")


def test_kick(xmppctl, alice, bob, room, raw):
    peer = raw(bob)
    muc.enter(peer, room, "Bob ☃")
    record = run(xmppctl, alice, "kick", room, "Bob ☃", "--reason", "out").json()
    assert (record["ok"], record["nick"], record["role"]) == (True, "Bob ☃", "none")
    assert (record["jid"], record["status_codes"]) == (bob.jid, [307])
    assert [status["condition"] for status in record["status"]] == ["kicked"]
    told = muc.away(peer, room, "Bob ☃")
    assert {110, 307} <= muc.codes(told)
    assert muc.reason(told) == "out"
    actor = muc.item(told).find(f"{{{muc.NS}#user}}actor")
    assert actor.get("nick") == alice.local
    error = muc.refused(run(xmppctl, alice, "kick", room, "Bob ☃", code=6), "item-not-found")
    assert "nobody" in error["text"]
    # an affiliation is kept, and so is the way back
    assert 110 in muc.codes(muc.enter(peer, room, "Bob ☃"))


def test_kick_by_whom_and_of_whom(xmppctl, alice, bob, room, raw):
    owner = raw(alice)
    muc.enter(owner, room, bob.local)  # the nickname that bob would have
    error = run(xmppctl, bob, "kick", room, bob.local, code=6).error()
    assert error["condition"] in ("forbidden", "not-allowed")
    run(xmppctl, bob, "kick", room, bob.local, "--nick", bob.local, code=6)
    assert bob.jid not in muc.affiliations(owner, room, "owner")


def test_roles(xmppctl, alice, bob, room, raw):
    peer = raw(bob)
    muc.enter(peer, room, "bob")
    for role in ("moderator", "participant", "visitor"):
        record = run(xmppctl, alice, "role", room, "bob", role, "--reason", "so").json()
        assert (record["nick"], record["role"], record["jid"]) == ("bob", role, bob.jid)
        mine = peer.expect(
            lambda e: (
                e.tag == muc.PRESENCE and e.get("from") == f"{room}/bob" and 110 in muc.codes(e)
            )
        )
        assert muc.item(mine).get("role") == role
    run(xmppctl, alice, "role", room, "bob", "none")
    assert 307 in muc.codes(muc.away(peer, room, "bob"))


def test_a_room_with_a_password(xmppctl, alice, bob, server, raw):
    room = f"closed-{alice.local}@{server.conference}"
    env = {"XMPPCTL_ROOM_PASSWORD": "s3 cret"}
    run(xmppctl, alice, "create", room, env=env)
    peer = raw(bob)
    peer.send(
        f"<presence to='{room}/bob'><x xmlns='{muc.NS}'><password>s3 cret</password></x></presence>"
    )
    peer.expect(lambda e: e.tag == muc.PRESENCE and 110 in muc.codes(e))
    again = run(xmppctl, alice, "kick", room, "bob", "--nick", "op", env=env)
    assert "s3 cret" not in again.out + again.err
    told = muc.away(peer, room, "bob")
    assert muc.item(told).find(f"{{{muc.NS}#user}}actor").get("nick") == "op"


# --- voice


@pytest.fixture
def moderated(raw, alice, server):
    """A room in which strangers have no voice."""
    name = f"quiet-{alice.local}@{server.conference}"
    # moderation alone silences nobody on one server
    muc.make(raw(alice), name, whois="anyone", moderatedroom="1", members_by_default="0")
    return name


def asked(peer):
    """The form that a moderator gets."""
    found = peer.expect(lambda e: e.tag == muc.MESSAGE and e.find("{jabber:x:data}x") is not None)
    fields = found.find("{jabber:x:data}x").findall("{jabber:x:data}field")
    return {f.get("var"): f.findtext("{jabber:x:data}value") or "" for f in fields}


def test_voice_is_asked_for_and_granted(xmppctl, alice, bob, moderated, raw):
    owner = raw(alice)
    muc.enter(owner, moderated, "boss")
    again = xmppctl.start(
        *("--json", "muc", "voice", moderated, "request", "--for", "20s"), account=bob
    )
    form = asked(owner)
    assert form["FORM_TYPE"] == f"{muc.NS}#request"
    assert form["muc#jid"].partition("/")[0] == bob.jid
    assert (form["muc#role"], form["muc#roomnick"]) == ("participant", bob.local)
    fields = "".join(
        f"<field var='{var}'><value>{value}</value></field>"
        for var, value in {**form, "muc#request_allow": "1"}.items()
    )
    owner.send(
        f"<message to='{moderated}'><x xmlns='jabber:x:data' type='submit'>{fields}</x></message>"
    )
    record = xmppctl.finish(again).expect().json()
    assert (record["nick"], record["role"], record["ok"]) == (bob.local, "participant", True)


def test_voice_without_an_answer(xmppctl, alice, bob, moderated, raw):
    owner = raw(alice)
    muc.enter(owner, moderated, "boss")
    error = run(xmppctl, bob, "voice", moderated, "request", "--for", "300ms", code=8).error()
    assert (error["step"], error["by"]) == ("voice", moderated)
    assert asked(owner)["muc#roomnick"] == bob.local


def test_voice_that_is_there_is_not_asked_for(xmppctl, alice, room):
    record = run(xmppctl, alice, "voice", room, "request", "--for", "10s").json()
    assert record["role"] == "moderator"


def test_grant(xmppctl, alice, bob, moderated, raw):
    peer = raw(bob)
    assert muc.item(muc.enter(peer, moderated, "bob")).get("role") == "visitor"
    record = run(xmppctl, alice, "voice", moderated, "grant", "bob").json()
    assert (record["nick"], record["role"]) == ("bob", "participant")
    mine = peer.expect(lambda e: e.get("from") == f"{moderated}/bob" and 110 in muc.codes(e))
    assert muc.item(mine).get("role") == "participant"


@pytest.mark.parametrize(
    "args", [["grant"], ["request", "nick"], ["grant", "n", "--for", "1s"], ["grant", "a\x07"]]
)
def test_usage_of_voice(xmppctl, args):
    xmppctl("muc", "voice", "r@c.x.test", *args, jid="a@x.test").expect(2)
