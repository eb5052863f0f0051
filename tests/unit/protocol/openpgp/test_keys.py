"""Which keys of an account are taken, whatever its nodes hold."""

import pytest

from tests.unit.protocol.openpgp.world import BOB, DATE, Store, World, key
from xmppctl.errors import RefusedError, UntrustedError
from xmppctl.model.jid import parse
from xmppctl.model.openpgp import KeyRing, KnownKey
from xmppctl.protocol.openpgp import KEYS_NODE, NS, fingerprint, key_node, keys, trust

ONE, TWO, OTHER = key(BOB).public, key(BOB, 1).public, key("eve@fake.test").public
JID = parse(BOB)


def announced(world, known=None):
    return world.run(keys.announced(world.session, JID, known or {}))


def test_the_keys_that_are_announced():
    world = World()
    world.announce(BOB, ONE, TWO)
    found = announced(world)
    assert [(e.fingerprint, e.date, e.problem) for e in found] == [
        (ONE.fingerprint, DATE, None),
        (TWO.fingerprint, DATE, None),
    ]
    assert found[0].key.data == ONE.data
    nodes = (KEYS_NODE, key_node(ONE.fingerprint), key_node(TWO.fingerprint))
    assert world.asked == [(BOB, "items", node) for node in nodes]


def test_a_key_that_is_known_is_not_asked_for_again_until_it_changes():
    world = World()
    world.announce(BOB, ONE)
    known = {ONE.fingerprint: KnownKey(ONE.data, DATE, "blind")}
    assert announced(world, known)[0].key.data == ONE.data
    assert len(world.asked) == 1
    announced(world, {ONE.fingerprint: KnownKey(ONE.data, "2025-01-01T00:00:00Z", "blind")})
    assert len(world.asked) == 3


def test_no_node_is_no_key():
    assert announced(World()) == []


@pytest.mark.parametrize(
    "listing",
    [
        "<other xmlns='urn:x'/>",
        f"<public-keys-list xmlns='{NS}'/>",
        f"<public-keys-list xmlns='{NS}'><pubkey-metadata/></public-keys-list>",
        f"<public-keys-list xmlns='{NS}'><pubkey-metadata v4-fingerprint='../../x'/>"
        "</public-keys-list>",
    ],
)
def test_a_list_that_says_nothing(listing):
    world = World()
    world.nodes[BOB] = {KEYS_NODE: listing}
    assert announced(world) == []


def test_one_fingerprint_twice_counts_once():
    world = World()
    world.announce(BOB, ONE, ONE)
    assert len(announced(world)) == 1


def problem_of(world):
    (found,) = announced(world)
    assert found.key is None
    return found.problem


def test_another_key_than_its_name_says():
    world = World()
    world.announce(BOB, ONE, TWO)
    nodes = world.nodes[BOB]
    nodes[key_node(ONE.fingerprint)] = nodes[key_node(TWO.fingerprint)]
    first, second = announced(world)
    assert first.key is None
    assert f"another key, {TWO.fingerprint}" in first.problem
    assert second.key is not None


def test_a_key_of_somebody_else():
    world = World()
    world.announce(BOB, OTHER)
    assert "no user id xmpp:bob@fake.test" in problem_of(world)


@pytest.mark.parametrize(
    "payload",
    [
        "<pubkey xmlns='urn:xmpp:openpgp:0'/>",
        "<pubkey xmlns='urn:xmpp:openpgp:0'><data>AAAA</data></pubkey>",
        "<pubkey xmlns='urn:xmpp:openpgp:0'><data>???</data></pubkey>",
        "<x xmlns='urn:x'/>",
    ],
)
def test_a_node_without_a_key(payload):
    world = World()
    world.announce(BOB, ONE)
    world.nodes[BOB][key_node(ONE.fingerprint)] = payload
    assert problem_of(world)


def test_a_key_that_is_announced_and_not_there():
    world = World()
    world.announce(BOB, ONE)
    del world.nodes[BOB][key_node(ONE.fingerprint)]
    assert "not found" in problem_of(world) or "item-not-found" in problem_of(world)


def test_nodes_that_are_not_shown():
    world = World()
    world.refused[BOB] = "forbidden"
    with pytest.raises(RefusedError) as error:
        announced(world)
    assert error.value.condition == "forbidden"


def test_fingerprints_as_people_write_them():
    written = "1357 B018 65B2 503C 1845  3D20 8CAC 2A96 7854 8E35"
    assert fingerprint(written.lower()) == written.replace(" ", "")
    assert fingerprint("0x" + written.replace(" ", "")) == written.replace(" ", "")
    for bad in ("", "1357B018", "G" * 40, "1" * 41):
        with pytest.raises(ValueError, match="no fingerprint"):
            fingerprint(bad)


def test_what_is_shown():
    ring = KeyRing((), {BOB: {TWO.fingerprint: KnownKey(TWO.data, None, "verified")}})
    there = [keys.Announced(ONE.fingerprint, "nonsense", ONE, None)]
    first, second = keys.shown(JID, there, ring, own=False)
    assert (first.announced, first.usable, first.trust, first.published_at) == (
        True, True, "unknown", None,
    )  # fmt: skip
    assert (second.fingerprint, second.announced, second.usable, second.trust) == (
        TWO.fingerprint, False, False, "verified",
    )  # fmt: skip
    assert second.problem == "it is not announced"


# --- trust

THERE = [keys.Announced(each.fingerprint, DATE, each) for each in (ONE, TWO)]


def chosen(known, policy):
    ring = {
        each.fingerprint: KnownKey(each.data, DATE, how)
        for each, how in zip((ONE, TWO), known, strict=True)
        if how
    }
    try:
        found = trust.chosen(BOB, THERE, ring, policy)
    except UntrustedError:
        return None
    return [(ONE, TWO).index(each) for each in found]


@pytest.mark.parametrize(
    ("known", "policy", "taken"),
    [
        ((None, None), "btbv", [0, 1]),  # all announced keys are used (XEP-0374 §2.3)
        (("blind", None), "btbv", [0, 1]),
        (("verified", None), "btbv", [0]),
        (("verified", "blind"), "btbv", [0]),
        (("distrusted", "blind"), "btbv", [1]),
        (("distrusted", None), "btbv", None),  # a new one, after something was wrong
        (("distrusted", "undecided"), "btbv", None),
        (("undecided", "verified"), "btbv", [1]),
        (("undecided", None), "skip", [0, 1]),
        (("distrusted", "distrusted"), "btbv", None),
        ((None, None), "verified", None),
        (("blind", "blind"), "verified", None),
        (("blind", "verified"), "verified", [1]),
        ((None, "blind"), "skip", [0, 1]),
        (("verified", None), "skip", [0, 1]),
        (("distrusted", "verified"), "skip", [1]),
        (("distrusted", "distrusted"), "skip", None),
    ],
)
def test_whose_keys_are_used(known, policy, taken):
    assert chosen(known, policy) == taken


def test_a_verified_key_that_is_not_announced_any_more_protects_all_the_same():
    ring = {OTHER.fingerprint: KnownKey(OTHER.data, DATE, "verified")}
    with pytest.raises(UntrustedError) as error:
        trust.chosen(BOB, THERE, ring, "btbv")
    assert error.value.condition == "untrusted"
    assert f"openpgp trust {BOB} {ONE.fingerprint}" in error.value.hint


@pytest.mark.parametrize("there", [[], [keys.Announced(ONE.fingerprint, DATE, ONE, "expired")]])
def test_no_key_that_can_be_used(there):
    with pytest.raises(UntrustedError) as error:
        trust.chosen(BOB, there, {}, "skip")
    assert (error.value.condition, int(error.value.code)) == ("no-key", 12)


def test_what_is_new_is_kept_and_told_once():
    store, told = Store(), []
    ring = trust.learn(store, store.read(), {BOB: THERE}, told.append)
    assert [each.trust for each in ring.of(BOB).values()] == ["blind", "blind"]
    assert len(told) == 2
    assert ONE.fingerprint in told[0]
    assert trust.learn(store, ring, {BOB: THERE}, told.append) == ring
    assert (store.written, len(told)) == (1, 2)


def test_what_was_decided_stays_when_a_key_is_published_again():
    store = Store(contacts={BOB: {ONE.fingerprint: KnownKey(ONE.data, "before", "distrusted")}})
    ring = trust.learn(store, store.read(), {BOB: THERE[:1]}, pytest.fail)
    assert ring.of(BOB)[ONE.fingerprint] == KnownKey(ONE.data, DATE, "distrusted")


@pytest.mark.parametrize("decided", ["verified", "distrusted"])
def test_a_new_key_behind_one_that_the_user_decided_about(decided):
    store = Store(contacts={BOB: {ONE.fingerprint: KnownKey(ONE.data, DATE, decided)}})
    told = []
    ring = trust.learn(store, store.read(), {BOB: THERE}, told.append)
    assert ring.of(BOB)[TWO.fingerprint].trust == "undecided"
    assert told == [f"new OpenPGP key of {BOB}: {TWO.fingerprint} (not trusted)"]


def test_an_own_key_is_no_new_one():
    store = Store(key(BOB))
    trust.learn(store, store.read(), {BOB: THERE[:1]}, pytest.fail)
    assert store.written == 0


def test_a_key_is_made_where_there_is_none():
    store, told = Store(), []
    made = keys.own_or_new(store, BOB, told.append)
    assert [each.fingerprint for each in store.ring.secrets] == [made.fingerprint]
    assert told == [f"made a new key for {BOB}: {made.fingerprint}"]
    assert keys.own_or_new(store, BOB, pytest.fail).fingerprint == made.fingerprint


def test_another_run_makes_the_key_meanwhile():
    """What was read before the lock is held does not count."""
    store = Store(key(BOB))
    store.read = pytest.fail
    assert keys.own_or_new(store, BOB, pytest.fail).fingerprint == key(BOB).fingerprint
    assert len(store.ring.secrets) == 1
