"""`xmppctl muc rooms, info, create, config, destroy` against real servers."""

import json
import re

import pytest

from tests.integration import muc
from tests.servers.quirks import Feature, Quirk

pytestmark = pytest.mark.in_turn

NS = muc.NS
CONFIG = "muc#roomconfig_"


@pytest.fixture
def room(alice, server):
    """The JID of a room that nobody made yet."""
    return f"room-{alice.local}@{server.conference}"


def test_create_reads_the_configuration_back(xmppctl, alice, room, raw, bob, server):
    wanted = ["membersonly=1", "whois=anyone", "publicroom=0", "roomname=N — <&>"]
    made = muc.create(xmppctl, alice, room, *wanted)
    assert (made["jid"], made["ok"], made["created"]) == (room, True, True)
    assert (made["affiliation"], made["persistent"]) == ("owner", True)
    assert {110, 201} <= set(made["status_codes"])
    for name, value in (pair.split("=", 1) for pair in wanted):
        assert made["config"][CONFIG + name] == [value]
    assert (made["name"], made["differs"]) == ("N — <&>", [])
    assert {NS, "muc_membersonly", "muc_persistent"} <= set(made["features"])
    stored = muc.configuration(raw(alice), room)
    assert stored[f"{CONFIG}membersonly"] == ["1"]
    assert stored[f"{CONFIG}roomname"] == ["N — <&>"]
    outsider = raw(bob)
    assert muc.exists(outsider, room)  # though nobody is in it
    assert muc.enter(outsider, room, "bob").get("type") == "error"
    if Feature.HTTP_API in server.features:
        name, service = room.split("@")
        owners = server.api("get_room_affiliations", name=name, service=service)
        assert [(o["username"], o["affiliation"]) for o in owners] == [(alice.local, "owner")]
        options = server.api("get_room_options", name=name, service=service)
        assert (options["members_only"], options["persistent"]) == ("true", "true")


def test_create_again(xmppctl, alice, bob, room, raw):
    muc.make(raw(alice), room, roomname="One", publicroom="1")
    again = xmppctl("--json", "muc", "create", room, account=alice).expect()
    assert (again.json()["ok"], again.json()["created"]) == (True, False)
    assert (again.json()["status_codes"], again.err) == ([], "")
    run = xmppctl(
        *("--json", "muc", "create", room, "--field", "roomname=Two"),
        *("--field", "publicroom=1"),
        account=alice,
    )
    assert run.expect().json()["differs"] == [f"{CONFIG}roomname"]
    assert run.json()["config"][f"{CONFIG}roomname"] == ["One"]
    assert "stays as it is" in run.err
    run = xmppctl("--json", "muc", "create", room, "--field", "nonsense=1", account=alice)
    assert "nonsense" in run.expect(2).error()["text"]
    error = muc.refused(xmppctl("--json", "muc", "create", room, account=bob), "conflict")
    assert "not its owner" in error["text"]


@pytest.mark.parametrize(
    ("field", "told"),
    [("nonsense=1", "'nonsense'"), ("whois=everybody", "whois"), ("membersonly=perhaps", "nor 0")],
)
def test_what_the_form_does_not_take_makes_no_room(xmppctl, alice, room, raw, field, told):
    run = xmppctl("--json", "muc", "create", room, "--field", field, account=alice)
    error = run.expect(2).error()
    assert told in error["text"]
    assert "nothing was submitted" in error["text"]
    assert not muc.exists(raw(alice), room)


def test_a_field_of_another_server_is_named(xmppctl, alice, room, raw, server):
    run = xmppctl("--json", "muc", "create", room, "--field", "allow_subscription=1", account=alice)
    if Feature.MUC_SUB in server.features:
        assert run.expect().json()["config"]["allow_subscription"] == ["1"]
    else:
        assert "'allow_subscription'" in run.expect(2).error()["text"]
    assert muc.exists(raw(alice), room) is (Feature.MUC_SUB in server.features)


@pytest.mark.parametrize(
    "args",
    [["--instant", "--field", "roomname=x"], ["--field", "roomsecret=x"], ["--field", "x"],
     ["--temporary", "--field", "persistentroom=1"], ["--nick", "a\x07"], ["--form-json", "-"]],
)  # fmt: skip
def test_usage(xmppctl, args):
    run = xmppctl("--json", "muc", "create", "r@c.x.test", *args, jid="a@x.test", input="[]")
    assert run.expect(2).error()["name"] == "USAGE"


def test_a_temporary_room_ends_with_its_last_occupant(xmppctl, alice, room, raw):
    run = xmppctl("--json", "muc", "create", room, "--temporary", account=alice)
    assert run.expect().json()["persistent"] is False
    assert "temporary" in run.err
    assert not muc.exists(raw(alice), room)


def test_a_room_password_is_never_told(xmppctl, alice, bob, room, raw, tmp_path, server):
    secret = tmp_path / "secret"
    secret.write_text("s3 cret\n")
    secret.chmod(0o600)
    option = ("--room-password-file", str(secret))
    run = xmppctl("--debug-xml", "--json", "muc", "create", room, *option, account=alice)
    shown = xmppctl("--json", "muc", "config", room, "--get", account=alice).expect()
    assert "s3 cret" not in run.expect().out + run.err + shown.out + shown.err
    owner = raw(alice)
    assert muc.configuration(owner, room)[f"{CONFIG}roomsecret"] == ["s3 cret"]
    assert muc.enter(raw(bob), room, "bob").find(".//{*}not-authorized") is not None
    # what was shown is a valid input, and leaves the password alone
    run = xmppctl("muc", "config", room, "--form-json", "-", account=alice, input=shown.out)
    run.expect()
    assert muc.configuration(owner, room)[f"{CONFIG}roomsecret"] == ["s3 cret"]
    # one of the environment may be meant for entering: it is set only where one is asked for
    env = {"XMPPCTL_ROOM_PASSWORD": "other"}
    change = ("--field", "roomname=X")
    xmppctl("muc", "config", room, *change, account=alice, env=env).expect()
    assert muc.configuration(owner, room)[f"{CONFIG}roomsecret"] == ["s3 cret"]
    secret.write_text("chang3d\n")
    run = xmppctl("--debug-xml", "muc", "config", room, *option, account=alice).expect()
    assert "chang3d" not in run.out + run.err
    assert muc.configuration(owner, room)[f"{CONFIG}roomsecret"] == ["chang3d"]


def test_config_shows_and_changes(xmppctl, alice, bob, room, raw):
    muc.make(raw(alice), room, roomname="One", moderatedroom="0")
    run = xmppctl(
        *("--json", "muc", "config", room, "--field", "moderatedroom=yes"),
        *("--field", f"{CONFIG}roomdesc=About"),
        account=alice,
    )
    values = {field["var"]: field["values"] for field in run.expect().json()["fields"]}
    assert values[f"{CONFIG}moderatedroom"] == ["1"]
    text = json.dumps({"roomname": "Three", "moderatedroom": False})
    xmppctl("muc", "config", room, "--form-json", "-", account=alice, input=text).expect()
    stored = muc.configuration(raw(alice), room)
    assert stored[f"{CONFIG}roomname"] == ["Three"]
    assert stored[f"{CONFIG}roomdesc"] == ["About"]
    assert stored[f"{CONFIG}moderatedroom"] in ([], ["0"])
    found = xmppctl("--json", "muc", "config", room, "--show-form", account=alice).expect().json()
    assert found["form_type"] == f"{NS}#roomconfig"
    run = xmppctl("--json", "muc", "config", room, "--get", "--field", "roomname=x", account=alice)
    run.expect(2)
    run = xmppctl("--json", "muc", "config", room, "--field", "roomname=x", account=bob)
    muc.refused(run, "forbidden")


def test_destroy(xmppctl, alice, bob, room, raw, server):
    muc.make(raw(alice), room)
    peer = raw(bob)
    muc.enter(peer, room, "bob")
    xmppctl("--json", "muc", "destroy", room, account=alice).expect(2)
    muc.refused(xmppctl("--json", "muc", "destroy", room, "--yes", account=bob), "forbidden")
    assert muc.exists(peer, room)
    new = f"new-{room}"
    args = ("--yes", "--alternate", f"xmpp:{new}?join", "--reason", "done & <over>")
    run = xmppctl("--json", "muc", "destroy", room, *args, account=alice).expect()
    record = run.json()
    assert (record["room"], record["ok"], record["alternate"]) == (room, True, new)
    told = muc.away(peer, room, "bob").find(f"{muc.USER}/{{{NS}#user}}destroy")
    assert told is not None
    assert told.get("jid") == new
    assert told.findtext(f"{{{NS}#user}}reason") == "done & <over>"
    gone = Quirk.MUC_DESTROYED_ROOM_GONE in server.quirks
    condition = "gone" if gone else "item-not-found"
    error = muc.refused(xmppctl("--json", "muc", "info", room, account=bob), condition)
    assert (new in (error["hint"] or "")) is gone
    args = ("--json", "muc", "destroy", room, "--yes")
    muc.refused(xmppctl(*args, account=alice), condition)
    xmppctl(*args, "--if-exists", account=alice).expect()


VERBS = [
    ["info"], ["config"], ["config", "--field", "roomname=x"], ["destroy", "--yes"],
    ["ban", "a@x.test"], ["kick", "nick"], ["voice", "request"], ["register"], ["avatar"],
    ["subscribe"],
]  # fmt: skip


def test_no_other_verb_makes_a_room(xmppctl, alice, bob, room, raw):
    peer = raw(bob)
    for verb, *rest in VERBS:
        run = xmppctl("--json", "muc", verb, room, *rest, account=alice)
        error = muc.refused(run, "item-not-found")
        assert error["text"] == f"the room {room} does not exist"
        removing = verb == "destroy"
        hint = "--if-exists makes this no error" if removing else "xmppctl muc create makes rooms"
        assert error["hint"] == hint
        assert not muc.exists(peer, room)


@pytest.mark.parametrize("args", [["create"], ["affiliations"]])
def test_what_is_no_room(xmppctl, alice, bob, args):
    run = xmppctl("--json", "muc", *args, bob.jid, account=alice)
    assert "is no room" in run.expect(7).error()["text"]


def test_info(xmppctl, alice, bob, room, raw):
    owner = raw(alice)
    muc.make(owner, room, roomname="A name", roomdesc="About it")
    muc.enter(owner, room, "boss")
    found = xmppctl("--json", "muc", "info", room, account=bob).expect().json()
    assert (found["jid"], found["name"], found["occupants"]) == (room, "A name", 1)
    assert found["description"] == found["roominfo"]["description"] == "About it"
    assert found["roominfo"]["occupants"] == "1"
    assert found["features"] == sorted(found["features"])
    assert (found["message_activity"], found["avatar_hashes"]) == (None, [])
    assert "muc_public" in found["features"]


def listed(xmppctl, account, *args):
    return xmppctl("-o", "plain", "muc", "rooms", *args, account=account).expect().out.split()


def test_rooms_lists_public_rooms(xmppctl, alice, bob, room, raw, server):
    hidden = f"hidden-{room}"
    owner = raw(alice)
    muc.make(owner, room, roomname="Seen")
    muc.make(owner, hidden, publicroom="0")
    found = xmppctl("--json", "muc", "rooms", account=bob).expect().json()
    assert [r["name"].startswith("Seen") for r in found if r["jid"] == room] == [True]
    assert hidden not in [r["jid"] for r in found]
    assert room in listed(xmppctl, bob, server.conference)
    assert len(listed(xmppctl, bob, "--limit", "1")) == 1
    for args, code in (
        ([server.pubsub], 7), ([room], 2), (["--all", "--limit", "1"], 2),
        (["--max", "1", "--count"], 2), (["--after", "x", "--before", ""], 2),
    ):  # fmt: skip
        xmppctl("muc", "rooms", *args, account=bob).expect(code)


def test_pages_of_rooms(xmppctl, alice, bob, room, raw, server):
    owner = raw(alice)
    rooms = [f"{n}-{room}" for n in "123"]
    for each in rooms:
        muc.make(owner, each)
    everything = listed(xmppctl, bob, server.conference)
    assert set(rooms) <= set(everything)
    counted = xmppctl("--json", "muc", "rooms", "--count", account=bob).expect().json()
    assert (counted["jid"], counted["node"]) == (server.conference, None)
    assert counted["count"] >= len(everything)  # hidden ones may count
    first = xmppctl("-v", "-o", "plain", "muc", "rooms", "--max", "2", account=bob).expect()
    assert first.out.split() == everything[:2]
    if Quirk.MUC_ROOMS_IN_ONE_PIECE in server.quirks:
        error = xmppctl("--json", "muc", "rooms", "--before", "", account=bob).expect(7).error()
        assert error["by"] == server.conference
        return
    uid = re.findall(r"last=(\S+)", first.err)[-1]
    assert listed(xmppctl, bob, "--after", uid, "--max", "1") == everything[2:3]
    assert listed(xmppctl, bob, "--before", "", "--max", "2") == everything[-2:]
    assert xmppctl("muc", "rooms", "--index", "1", account=bob).code == 7  # nor does it count


@pytest.mark.servers("ejabberd")
def test_hundreds_of_rooms_in_pages(xmppctl, alice, server):
    service = {"service": server.conference, "host": server.domain}
    names = [f"page-{n:03}" for n in range(260)]
    for name in names:
        server.api("create_room", name=name, **service)
    try:
        run = xmppctl("--debug-xml", "-o", "plain", "muc", "rooms", account=alice).expect()
        found = run.out.split()
        assert {f"{name}@{server.conference}" for name in names} <= set(found)
        assert len(found) == len(set(found))
        asked = [
            line
            for line in run.err.splitlines()
            if line.startswith("> ") and f"to='{server.conference}'" in line and "<max>" in line
        ]
        assert 3 <= len(asked) <= len(found) // 100 + 2  # the last page may be an empty one
        # more than it gives at once
        assert listed(xmppctl, alice, "--limit", "150") == found[:150]
        assert listed(xmppctl, alice, "--max", "150") == found[:150]
        assert listed(xmppctl, alice, "--max", "150", "--before", "") == found[-150:]
    finally:
        for name in names:
            server.api("destroy_room", name=name, service=server.conference)
