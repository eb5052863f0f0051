"""Whose keys are used, and what is told of them."""

import pytest

from tests.unit.protocol.omemo.world import Person, World, body, encryption
from xmppctl.errors import RefusedError, UntrustedError, UsageError
from xmppctl.protocol.omemo import OLD, devices

ALICE, BOB = "alice@fake.test", "bob@else.test"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def alice(world):
    return world.person(ALICE)


@pytest.fixture
def bob(world):
    return world.person(BOB)


def print_of(person):
    return person.init().fingerprint


def decide(person, level, *which, announced=True):
    chosen = [devices.Which(each) for each in which]
    return person.do(
        lambda omemo: devices.set_trust(omemo, BOB, chosen, level, announced=announced)
    )


def reads(person, sealed):
    return encryption(person.open(sealed)[0]).state == "decrypted"


def test_new_keys_are_trusted_blindly_and_told_once(alice, bob):
    alice.seal(BOB)
    (told,) = alice.told
    groups = told.partition(f"{bob.device} of {BOB}, ")[2].split(" ")
    assert len(groups) == 8 and "".join(groups) == print_of(bob)
    alice.seal(BOB)
    assert len(alice.told) == 1


def test_after_a_verification_nothing_new_is_trusted(world, alice, bob):
    (record,) = decide(alice, "verified", print_of(bob).upper())
    assert record.trust == "verified"
    phone = world.person(BOB, 2)
    sealed = alice.seal(BOB)
    assert reads(bob, sealed) and not reads(phone, sealed)
    assert any("gets nothing" in each and str(phone.device) in each for each in alice.told)
    decide(alice, "trusted", str(phone.device))
    assert reads(phone, alice.seal(BOB))


def test_a_decision_by_hand_ends_blind_trust_and_is_less_than_a_verification(world, alice, bob):
    decide(alice, "trusted", str(bob.device))
    phone = world.person(BOB, 2)
    sealed = alice.seal(BOB)
    assert reads(bob, sealed) and not reads(phone, sealed)
    assert reads(bob, alice.seal(BOB, policy="verified"))
    decide(alice, "verified", print_of(bob))
    found = {each.device: each.trust for each in decide(alice, "trusted")}
    assert found == {bob.device: "verified", phone.device: "trusted"}
    assert reads(phone, alice.seal(BOB))


def test_policies(alice, bob):
    with pytest.raises(UntrustedError) as caught:
        alice.seal(BOB, policy="verified")
    assert (int(caught.value.exit), caught.value.condition) == (12, "not-trusted")
    assert reads(bob, alice.seal(BOB, policy="skip"))
    (listed,) = alice.do(lambda omemo: devices.listed(omemo, BOB))
    assert listed.trust == "undecided"  # skip decides nothing
    alice.seal(BOB)
    with pytest.raises(UntrustedError):
        alice.seal(BOB, policy="verified")  # blind trust is not enough
    decide(alice, "verified", print_of(bob))
    assert reads(bob, alice.seal(BOB, policy="verified"))


def test_what_is_distrusted_gets_nothing_and_is_not_read(alice, bob):
    back = bob.seal(ALICE)
    decide(alice, "distrusted", announced=False)
    for policy in ("btbv", "verified", "skip"):
        with pytest.raises(UntrustedError):
            alice.seal(BOB, policy=policy)
    (clear,) = alice.open(back)
    assert (
        encryption(clear).state == "undecryptable" and body(clear) is None
    ) or "not trusted" in (encryption(clear).reason)
    assert encryption(clear).trust == "distrusted" and encryption(clear).trusted is False


def test_distrust_does_not_bring_blind_trust_back(world, alice, bob):
    decide(alice, "verified", print_of(bob))
    decide(alice, "distrusted", print_of(bob), announced=False)
    world.person(BOB, 2)
    with pytest.raises(UntrustedError):
        alice.seal(BOB)


def test_an_unknown_device_changes_nothing(alice, bob):
    with pytest.raises(RefusedError) as caught:
        decide(alice, "verified", print_of(bob), "0" * 64)
    assert caught.value.condition == "item-not-found"
    (listed,) = alice.do(lambda omemo: devices.listed(omemo, BOB))
    assert listed.trust == "undecided"


@pytest.mark.parametrize("text", ["", "12ab", "x" * 64, "0" * 63, "-5", "²"])
def test_what_is_no_fingerprint(text):
    with pytest.raises(UsageError):
        devices.Which(text)


def test_a_fingerprint_may_be_grouped():
    text = ":".join(["ABCDEF01"] * 8)
    assert devices.Which(text).fingerprint == "abcdef01" * 8
    with pytest.raises(UsageError):
        devices.Which("12", fingerprint_only=True)


def test_stale_devices(world, alice, bob):
    listed = world.nodes[BOB, f"{OLD}.devicelist"]
    listed["current"] = listed["current"].replace("</", f"<device id='77' xmlns='{OLD}'/></")
    alice.seal(BOB)
    found = {each.device: each for each in alice.do(lambda omemo: devices.listed(omemo, BOB))}
    assert found[77].state == "stale" and found[77].fingerprint is None
    assert "item-not-found" in found[77].detail
    assert found[bob.device].state == "active" and found[bob.device].unanswered == 1
    for _ in range(devices.SILENT):
        alice.seal(BOB, version="0.3")
    (found,) = [
        each
        for each in alice.do(lambda omemo: devices.listed(omemo, BOB, keys=False))
        if each.device == bob.device
    ]
    assert found.state == "stale"


def test_a_new_session_after_one_that_is_broken(world, alice, bob):
    bob.open(alice.seal(BOB))
    bob.state.values = {
        key: value
        for key, value in bob.state.values.items()
        if "double_ratchet" not in key and "device_ids" not in key
    }
    alice.open(*world.sent)
    assert not reads(bob, alice.seal(BOB))
    (record,) = alice.do(lambda omemo: devices.replace_sessions(omemo, BOB))
    assert record.error is None and record.device == bob.device
    bob.open(*(each for each in world.sent if each.get("to") == BOB))
    assert reads(bob, alice.seal(BOB))


def test_removing_devices(world, alice):
    phone = world.person(ALICE, 2)
    gone, missing = alice.do(lambda omemo: devices.remove(omemo, [phone.device, 99]))
    assert gone.error is None and missing.error.condition == "item-not-found"
    left = alice.do(lambda omemo: devices.listed(omemo, ALICE))
    assert [each.device for each in left if each.state != "gone"] == [alice.device]
    assert str(phone.device) not in world.nodes[ALICE, "urn:xmpp:omemo:2:bundles"]


def test_purging(world, alice, bob):
    from xmppctl.protocol.omemo import purging

    alice.seal(BOB)
    done = alice.do(lambda omemo: purging.forget(omemo, BOB))
    assert (done.jid, done.device, done.devices) == (BOB, None, [bob.device])
    with pytest.raises(RefusedError):
        alice.do(lambda omemo: purging.forget(omemo, BOB))
    alice.do(purging.purge)
    device = str(alice.device)
    assert not any(
        device in text
        for (jid, _), items in world.nodes.items()
        for text in (*items, *items.values())
        if jid == ALICE
    )


def test_listing_makes_no_device(world, bob):
    nobody = Person(world, ALICE)
    (found,) = nobody.do(lambda omemo: devices.listed(omemo, BOB))
    assert found.fingerprint == print_of(bob) and found.trust == "undecided"
    assert not nobody.state.values and not world.published
