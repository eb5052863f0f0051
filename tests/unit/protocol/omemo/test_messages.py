"""Messages between devices, from the text of one to the record of another."""

import asyncio
import copy
from xml.etree.ElementTree import fromstring, tostring

import pytest

from tests.unit.protocol.omemo.world import Memory, Person, World, body, encryption
from xmppctl.errors import LocalError, RefusedError, UnsupportedError, UntrustedError, UsageError
from xmppctl.protocol.omemo import NEW, OLD, devices

ALICE, BOB, CAROL, ROOM = "alice@fake.test", "bob@else.test", "carol@fake.test", "ops@muc.test"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def people(world):
    return world.person(ALICE), world.person(BOB)


def test_init_announces_keys_before_the_device_in_both_versions(world):
    alice = Person(world, ALICE)
    made = alice.init()
    assert made.state == "this" and made.versions == ["0.3", "2"] and made.device == alice.device
    assert [node for _, node in world.published] == [
        f"{OLD}.bundles:{made.device}", f"{NEW}:bundles", f"{OLD}.devicelist", f"{NEW}:devices",
    ]  # fmt: skip
    published = len(world.published)
    assert alice.init() == made
    assert len(world.published) == published  # one device, however often


def test_a_text_in_both_versions(people):
    alice, bob = people
    for version, ns, name in (("0.3", OLD, "OMEMO"), ("2", NEW, "OMEMO 2")):
        sealed = alice.seal(BOB, f"hello {version}", version=version)
        assert f"hello {version}" not in tostring(sealed).decode()
        assert sealed.find(f"{{{ns}}}encrypted") is not None
        assert sealed.find("{urn:xmpp:eme:0}encryption").get("namespace") == ns
        assert sealed.find("{urn:xmpp:hints}store") is not None
        (clear,) = bob.open(sealed)
        assert body(clear) == f"hello {version}"
        told = encryption(clear)
        assert (told.state, told.name, told.device, told.trust, told.trusted) == (
            "decrypted", name, alice.device, "blind", True,
        )  # fmt: skip
        assert len(told.fingerprint) == 64
    # the answer uses the same session the other way round
    assert body(alice.open(bob.seal(ALICE, "back"))[0]) == "back"


def test_auto_takes_the_old_version_and_everything_goes_into_the_new_one(people):
    alice, bob = people
    sealed = alice.seal(BOB)
    assert sealed.find(f"{{{OLD}}}encrypted") is not None
    assert sealed.find(f"{{{NEW}}}encrypted") is None
    oob = "<x xmlns='jabber:x:oob'><url>https://secret/</url></x>"
    with pytest.raises(UsageError) as caught:
        alice.seal(BOB, inside=[oob])
    assert "would go in clear" in caught.value.text
    sealed = alice.seal(BOB, version="2", inside=[oob])
    assert "secret" not in tostring(sealed).decode() and body(sealed) is None
    (clear,) = bob.open(sealed)
    assert clear.findtext("{jabber:x:oob}x/{jabber:x:oob}url") == "https://secret/"
    assert encryption(clear).time is not None


def test_a_device_that_knows_one_version_gets_that(world, people):
    alice, bob = people
    world.nodes[BOB, f"{OLD}.devicelist"] = {"current": f"<list xmlns='{OLD}'/>"}
    sealed = alice.seal(BOB)
    assert sealed.find(f"{{{NEW}}}encrypted") is not None
    assert sealed.find(f"{{{OLD}}}encrypted") is None
    assert body(bob.open(sealed)[0]) == "hello"


def test_each_message_once_and_nothing_is_kept(people):
    alice, bob = people
    first, second = alice.seal(BOB, "one"), alice.seal(BOB, "two")
    assert [body(each) for each in bob.open(second, first)] == ["two", "one"]  # out of order
    assert not list(bob.state.items("x/pending/"))
    (again,) = bob.open(first)
    assert encryption(again).state == "undecryptable"
    assert encryption(again).reason == "it was decrypted before, and its key is gone"
    assert bob.silent  # which is no news for who listens


def test_what_was_not_handed_on_comes_again(people):
    alice, bob = people
    sealed = alice.seal(BOB, "wanted by another")
    bob.open(sealed, handed=False)
    # a run that was killed before it had printed leaves the same
    crashed = bob.state.copy()
    assert body(bob.open(sealed)[0]) == "wanted by another"
    assert encryption(bob.open(sealed)[0]).state == "undecryptable"
    bob.state = crashed
    bob.open(sealed, orderly=False, handed=None)
    assert body(bob.open(sealed, orderly=False)[0]) == "wanted by another"
    assert encryption(bob.open(sealed)[0]).state == "undecryptable"


def test_a_new_session_is_answered_and_its_key_replaced(world, people):
    alice, bob = people
    sealed = alice.seal(BOB)
    old = dict(world.nodes[BOB, f"{OLD}.bundles:{bob.device}"])
    bob.open(sealed)
    assert world.nodes[BOB, f"{OLD}.bundles:{bob.device}"] != old
    (empty,) = world.sent
    assert empty.get("to") == ALICE and body(empty) is None
    assert empty.find(f"{{{OLD}}}encrypted/{{{OLD}}}payload") is None
    (clear,) = alice.open(empty)
    assert alice.silent and encryption(clear).state == "decrypted" and body(clear) is None
    key = alice.seal(BOB).find(f"{{{OLD}}}encrypted/{{{OLD}}}header/{{{OLD}}}key")
    assert key.get("prekey") is None  # it is known to be there now


@pytest.mark.parametrize("condition", ["item-not-found", "forbidden", "service-unavailable"])
def test_nobody_without_a_device_gets_anything(world, condition):
    alice = Person(world, ALICE)
    world.refusals[BOB] = condition
    with pytest.raises(UntrustedError) as caught:
        alice.seal(BOB)
    error = caught.value
    assert (int(error.exit), error.condition, error.by) == (12, "no-device", BOB)
    assert ("roster add" in (error.hint or "")) is (condition == "forbidden")
    assert not world.sent


def test_what_would_keep_a_message_back_is_told_before_there_is_one(world, people):
    alice, bob = people
    before, published = dict(alice.state.values), len(world.published)
    alice.check(BOB)
    for check, condition in (
        (lambda: alice.check(BOB, CAROL), "no-device"),
        (lambda: alice.check(BOB, policy="verified"), "not-trusted"),
    ):
        with pytest.raises(UntrustedError) as caught:
            check()
        assert caught.value.condition == condition
    room(world, BOB, features=["muc_nonanonymous"])
    with pytest.raises(UnsupportedError):
        alice.check(ROOM, rooms=True)
    room(world, BOB, CAROL)
    with pytest.raises(UntrustedError):
        alice.check(ROOM, rooms=True)
    assert alice.state.values == before
    assert len(world.published) == published and not world.sent
    assert body(bob.open(alice.seal(BOB))[0]) == "hello"


def test_a_server_that_cannot_be_reached_is_not_an_account_without_devices(world):
    alice = Person(world, ALICE)
    world.refusals[BOB] = "remote-server-not-found"
    with pytest.raises(RefusedError) as caught:
        alice.seal(BOB)
    assert caught.value.condition == "remote-server-not-found"


def test_a_device_without_keys_is_left_out(world, people):
    alice, bob = people
    listed = world.nodes[BOB, f"{OLD}.devicelist"]
    listed["current"] = listed["current"].replace("</", "<device id='77' xmlns='" + OLD + "'/></")
    assert body(bob.open(alice.seal(BOB))[0]) == "hello"
    del world.nodes[BOB, f"{OLD}.bundles:{bob.device}"]
    carol = Person(world, CAROL)
    with pytest.raises(UntrustedError) as caught:
        carol.seal(BOB, version="0.3")
    assert "can be written to" in caught.value.text


def test_a_second_device_of_the_own_account_reads_too(world, people):
    alice, bob = people
    phone = world.person(ALICE, 2)
    assert phone.device != alice.device
    sealed = alice.seal(BOB)
    assert body(phone.open(sealed)[0]) == body(bob.open(sealed)[0]) == "hello"
    found = {each.device: each.state for each in alice.do(lambda o: devices.listed(o, ALICE))}
    assert found == {alice.device: "this", phone.device: "active"}
    (own,) = alice.open(sealed)
    assert "sent by this device" in encryption(own).reason


def test_the_own_id_is_put_back_into_the_list(world, people):
    alice, _ = people
    world.nodes[ALICE, f"{OLD}.devicelist"] = {"current": f"<list xmlns='{OLD}'/>"}
    alice.seal(BOB)
    assert str(alice.device) in world.nodes[ALICE, f"{OLD}.devicelist"]["current"]


def test_what_a_killed_run_did_not_publish_the_next_one_does(world):
    alice = Person(world, ALICE)
    alice.init()
    for place in list(world.nodes):
        del world.nodes[place]
    with alice.state.transaction():
        alice.state.store("x/unpublished", f'["bundle {OLD}", "bundle {NEW}", "list {OLD}"]')
    alice.init()
    assert world.nodes[ALICE, f"{OLD}.bundles:{alice.device}"]
    assert alice.state.load("x/unpublished") == "[]"


# --- rooms


def room(world, *members, features=("muc_nonanonymous", "muc_membersonly")):
    world.features[ROOM] = ["http://jabber.org/protocol/muc", *features]
    world.affiliations = {"owner": [ALICE], "member": members}


def in_room(stanza, real=ALICE):
    stanza = copy.deepcopy(stanza)
    stanza.set("from", f"{ROOM}/nick")
    if real:
        stanza.append(fromstring(
            f"<x xmlns='http://jabber.org/protocol/muc#user'><item jid='{real}/r'/></x>"
        ))  # fmt: skip
    return stanza


@pytest.mark.parametrize("version", ["0.3", "2"])
def test_a_room_is_all_its_members(world, people, version):
    alice, bob = people
    carol = world.person(CAROL)
    room(world, BOB, CAROL)
    sealed = in_room(alice.seal(ROOM, kind="groupchat", version=version))
    assert body(bob.open(sealed)[0]) == body(carol.open(sealed)[0]) == "hello"


def test_a_room_that_is_not_for_members_alone_is_refused(world, people):
    alice, _ = people
    room(world, BOB, features=["muc_nonanonymous"])
    with pytest.raises(UnsupportedError) as caught:
        alice.seal(ROOM, kind="groupchat")
    assert "not members-only" in caught.value.text


def test_a_member_without_a_device_keeps_the_message_from_all(world, people):
    alice, _ = people
    room(world, BOB, CAROL)
    with pytest.raises(UntrustedError) as caught:
        alice.seal(ROOM, kind="groupchat")
    assert caught.value.by == CAROL


def test_in_a_room_somebody_else_is_not_believed_to_be_the_sender(world, people):
    alice, bob = people
    room(world, BOB)
    sealed = alice.seal(ROOM, kind="groupchat")
    (clear,) = bob.open(in_room(sealed, real=None))
    assert encryption(clear).reason == "the room does not tell whose message it is"
    (clear,) = bob.open(in_room(sealed, real=CAROL))
    assert encryption(clear).state == "undecryptable"


def test_a_message_for_one_does_not_become_one_for_a_room(world, people):
    alice, bob = people
    private = alice.seal(BOB, version="2")
    private.set("type", "groupchat")
    (clear,) = bob.open(in_room(private))
    told = encryption(clear)
    assert told.state == "rejected" and "is for" in told.reason
    assert body(clear) is None


# --- hostile


def test_a_message_that_is_changed_or_not_for_us_says_why(world, people):
    alice, bob = people
    carol = world.person(CAROL)
    sealed = alice.seal(BOB)
    reasons = set()
    (clear,) = carol.open(sealed)
    reasons.add(encryption(clear).reason)
    for path, text in (("payload", "AAAA"), ("payload", "?"), ("header/key", "AAAA")):
        broken = copy.deepcopy(sealed)
        tags = "/".join(f"{{{OLD}}}{name}" for name in ("encrypted", *path.split("/")))
        broken.find(tags).text = text
        (clear,) = bob.open(broken)
        assert encryption(clear).state == "undecryptable"
        reasons.add(encryption(clear).reason)
    assert len(reasons) >= 3
    assert body(bob.open(sealed)[0]) == "hello"  # what was broken has broken nothing


def test_a_sender_that_does_not_announce_the_device_is_not_believed(world, people):
    alice, bob = people
    sealed = alice.seal(BOB)
    for place in list(world.nodes):
        if place[0] == ALICE:
            del world.nodes[place]
    (clear,) = bob.open(sealed)
    assert "does not announce" in encryption(clear).reason


def test_another_account_cannot_pass_a_message_on_as_its_own(world, people):
    alice, bob = people
    world.person("eve@fake.test")
    stolen = alice.seal(BOB)
    stolen.set("from", "eve@fake.test/r")
    (clear,) = bob.open(stolen)
    assert encryption(clear).state == "undecryptable" and body(clear) != "hello"


def test_no_device_on_this_machine(people):
    alice, _ = people
    nobody = Person(alice.world, BOB)
    nobody.state = None
    (clear,) = nobody.open(alice.seal(BOB))
    assert "omemo init" in encryption(clear).reason


@pytest.mark.parametrize(
    ("place", "value"), [("/own_device_id", '"x"'), ("/own_device_id", "{"), ("identity_key", "{")]
)
def test_a_damaged_state_is_told(people, place, value):
    alice, _ = people
    broken = {key: value for key in alice.state.values if place in key}
    assert broken
    damaged = Person(alice.world, ALICE, Memory({**alice.state.values, **broken}))
    for use in (lambda: damaged.seal(BOB), lambda: damaged.do(lambda o: devices.listed(o, ALICE))):
        with pytest.raises(LocalError) as caught:
            use()
        assert "damaged" in caught.value.text


def test_a_bundle_that_another_key_signed_is_not_used(world, people):
    alice, bob = people
    other = world.person(CAROL)
    for ns, path in ((OLD, f"{{{OLD}}}signedPreKeySignature"), (NEW, f"{{{NEW}}}spks")):
        mine, theirs = (
            next(
                node
                for (jid, name), node in world.nodes.items()
                if jid == whose and name in (f"{ns}.bundles:{device}", f"{ns}:bundles")
            )
            for whose, device in ((BOB, bob.device), (CAROL, other.device))
        )
        name = next(iter(mine))
        bundle, foreign = fromstring(mine[name]), fromstring(next(iter(theirs.values())))
        bundle.find(path).text = foreign.find(path).text
        mine[name] = tostring(bundle).decode()
    with pytest.raises(UntrustedError) as caught:
        alice.seal(BOB)
    assert (int(caught.value.exit), caught.value.by) == (12, BOB)
    assert not world.sent


def test_a_list_of_a_thousand_devices_costs_no_more_than_a_hundred(world, people):
    alice, bob = people
    rows = "".join(f"<device id='{number}'/>" for number in (bob.device, *range(1000, 2000)))
    world.nodes[BOB, f"{OLD}.devicelist"] = {"current": f"<list xmlns='{OLD}'>{rows}</list>"}
    asked = []
    handle = world._handle
    world._handle = lambda *about: (asked.append(about[:2]), handle(*about))[1]
    assert body(bob.open(alice.seal(BOB))[0]) == "hello"
    lists, of_the_new_version = 2, 1
    assert asked.count((ALICE, BOB)) == 100 + lists + of_the_new_version


def test_a_peer_that_begins_anew_is_understood_in_both_directions(people):
    alice, bob = people
    assert body(bob.open(alice.seal(BOB, "one"))[0]) == "one"
    assert body(alice.open(bob.seal(ALICE, "two"))[0]) == "two"
    # bob's sessions are gone, his device is not
    for key in [key for key in bob.state.values if "session" in key]:
        del bob.state.values[key]
    assert body(alice.open(bob.seal(ALICE, "three"))[0]) == "three"
    assert body(bob.open(alice.seal(BOB, "four"))[0]) == "four"


def test_two_runs_that_open_the_same_message_at_once(world, people):
    from xmppctl.protocol.opening import Opener

    alice, bob = people
    sealed = alice.seal(BOB)

    async def work():
        openers = []
        for _ in range(2):
            session = bob.connect().session
            openers.append(Opener(session, state=None, omemo_state=lambda: bob.state))
        return await asyncio.gather(*(each.open(sealed) for each in openers))

    assert [body(each) for each in world.run(work())] == ["hello", "hello"]


def test_members_of_a_room_in_another_spelling(world, people):
    alice, bob = people
    room(world, "Bob@ELSE.test")
    sealed = in_room(alice.seal(ROOM, kind="groupchat"))
    assert body(bob.open(sealed)[0]) == "hello"


# --- what is no news


def test_what_has_no_content_is_no_news_even_if_it_is_for_another_device(world, people):
    alice, bob = people
    bob.open(alice.seal(BOB))
    (empty,) = world.sent
    carol = world.person(CAROL)
    carol.open(empty)
    assert carol.silent
    carol.open(alice.seal(BOB))
    assert not carol.silent  # it says why it cannot be read


def test_what_the_run_has_published_itself_is_hidden(world, people):
    from xmppctl.protocol.opening import Opener

    alice, bob = people
    sealed = alice.seal(BOB)
    event = fromstring(
        f"<message xmlns='jabber:client' from='{BOB}' type='headline'>"
        "<event xmlns='http://jabber.org/protocol/pubsub#event'>"
        f"<items node='{OLD}.bundles:{bob.device}'><item id='current'/></items></event></message>"
    )

    async def work():
        session = bob.connect().session
        opener = Opener(session, state=None, omemo_state=lambda: bob.state)
        before = opener.hides(event)
        await opener.open(sealed)
        event_of_others = copy.deepcopy(event)
        event_of_others.set("from", ALICE)
        return before, opener.hides(event), opener.hides(event_of_others)

    assert world.run(work()) == (False, True, False)


def test_who_speaks_in_a_room_is_known_by_the_presence(world, people):
    from xmppctl.protocol.opening import Opener

    alice, bob = people
    room(world, BOB)
    sealed = in_room(alice.seal(ROOM, kind="groupchat"), real=None)
    presence = fromstring(
        f"<presence xmlns='jabber:client' from='{ROOM}/nick'>"
        "<x xmlns='http://jabber.org/protocol/muc#user'>"
        f"<item jid='{ALICE}/r'/></x></presence>"
    )

    async def work():
        session = bob.connect().session
        opener = Opener(session, state=None, omemo_state=lambda: bob.state)
        assert await opener.open(presence) is presence
        return await opener.open(sealed)

    assert body(world.run(work())) == "hello"


def test_an_exchange_of_keys_that_is_not_marked_is_read_and_nothing_else_is_taken_for_one(people):
    alice, bob = people
    # before an answer comes all have the exchange; QXmpp marks the first one alone
    first, second = (alice.seal(BOB, text, version="2") for text in ("one", "two"))
    for key in second.iter(f"{{{NEW}}}key"):
        assert key.attrib.pop("kex") == "true"
    assert [body(each) for each in bob.open(first, second)] == ["one", "two"]
    answer = bob.seal(ALICE, "three", version="2")
    assert all(key.get("kex") is None for key in answer.iter(f"{{{NEW}}}key"))
    assert body(alice.open(answer)[0]) == "three"
