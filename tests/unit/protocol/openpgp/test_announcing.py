"""The own keys on the server: announced, removed, and kept under a code."""

import pytest

from tests.unit.protocol.openpgp.world import ALICE, DATE, World, key
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.protocol.openpgp import (
    KEYS_NODE,
    NS,
    SECRET_NODE,
    announcing,
    backup,
    key_node,
    keys,
    sequoia,
)
from xmppctl.session.xml import parse

ONE, TWO = key(ALICE).public, key(ALICE, 1).public


def publish(world, *which, **more):
    given = {"access": "open", "reconfigure": False, **more}
    return world.run(announcing.publish(world.session, which, **given))


def listed(world):
    return keys.entries(parse(world.nodes[ALICE][KEYS_NODE]))


@pytest.mark.parametrize("options", [True, False])
def test_the_key_is_there_before_it_is_announced(options):
    world = World(options)
    dates = publish(world, ONE)
    published = [node for _, action, node in world.asked if action == "publish"]
    assert published == [key_node(ONE.fingerprint), KEYS_NODE]
    assert listed(world) == dates
    assert world.config[KEYS_NODE]["access_model"] == "open"
    assert world.config[key_node(ONE.fingerprint)]["access_model"] == "open"
    assert world.run(keys.published(world.session, None, ONE.fingerprint)) == ONE.data


def test_others_stay_and_one_fingerprint_stands_there_once():
    world = World()
    world.nodes[ALICE] = {
        KEYS_NODE: f"<public-keys-list xmlns='{NS}'><later xmlns='urn:x'/>"
        f"<pubkey-metadata v4-fingerprint='{TWO.fingerprint}' date='{DATE}' more='x'/>"
        f"<pubkey-metadata v4-fingerprint='{ONE.fingerprint.lower()}' date='{DATE}'/>"
        "</public-keys-list>"
    }
    dates = publish(world, ONE)
    assert listed(world) == {TWO.fingerprint: DATE, **dates}
    text = world.nodes[ALICE][KEYS_NODE]
    assert "more=" in text
    assert "urn:x" in text
    assert text.count("v4-fingerprint") == 2


def test_who_may_see_it_is_not_changed_by_the_way():
    world = World(options=False)
    publish(world, ONE)
    world.config[KEYS_NODE]["access_model"] = "whitelist"
    with pytest.raises(RefusedError) as error:
        publish(world, ONE)
    assert error.value.condition == "precondition-not-met"
    assert "--reconfigure" in error.value.hint


def test_no_personal_eventing():
    world = World()
    world.info = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    with pytest.raises(UnsupportedError, match="XEP-0163"):
        publish(world, ONE)
    assert world.asked == []


def test_a_server_that_forgets_at_once():
    world = World()
    handle = world.serving._handler

    def forget(iq):
        answer = handle(iq)
        world.nodes.get(ALICE, {}).pop(key_node(ONE.fingerprint), None)
        return answer

    world.serving._handler = forget
    with pytest.raises(RefusedError) as error:
        publish(world, ONE)
    assert error.value.condition == "not-applied"


def test_removed():
    world = World()
    publish(world, ONE)
    publish(world, TWO)
    world.asked.clear()
    assert world.run(announcing.withdraw(world.session, ONE.fingerprint))
    assert list(listed(world)) == [TWO.fingerprint]
    assert key_node(ONE.fingerprint) not in world.nodes[ALICE]
    changed = [action for _, action, _ in world.asked if action in ("publish", "delete")]
    assert changed == ["publish", "delete"]  # nothing is announced that is not there
    assert not world.run(announcing.withdraw(world.session, ONE.fingerprint))


# --- the backup


def test_codes():
    code = backup.new_code()
    groups = code.split("-")
    assert [len(each) for each in groups] == [4] * 6
    assert set(code) - {"-"} <= set("123456789ABCDEFGHIJKLMNPQRSTUVWXYZ")
    assert len({backup.new_code() for _ in range(20)}) == 20
    assert backup.normal_code("twnk kd5y mt3t e1gs drdb kvtw") == "TWNK-KD5Y-MT3T-E1GS-DRDB-KVTW"
    for bad in ("", "TWNK", "TWNK-KD5Y-MT3T-E1GS-DRDB-KVT0", "TWNK-KD5Y-MT3T-E1GS-DRDB-KVTO"):
        assert backup.normal_code(bad) is None


CODE = "TWNK-KD5Y-MT3T-E1GS-DRDB-KVTW"


def store(world, **more):
    given = {"reconfigure": False, **more}
    return world.run(backup.store(world.session, [key(ALICE), key(ALICE, 1)], CODE, **given))


@pytest.mark.parametrize("options", [True, False])
def test_there_and_back(options):
    world = World(options)
    assert world.run(backup.fetch(world.session)) is None
    store(world)
    assert world.config[SECRET_NODE]["access_model"] == "whitelist"
    actions = [action for _, action, _ in world.asked]
    assert actions.index("create") < actions.index("publish")  # it is private before
    sealed = world.run(backup.fetch(world.session))
    for typed in (CODE, CODE.lower().replace("-", "")):
        found = backup.opened(sealed, typed)
        assert [each.data for each in found] == [key(ALICE).data, key(ALICE, 1).data]
    with pytest.raises(UsageError) as error:
        backup.opened(sealed, backup.new_code())
    assert error.value.condition == "wrong-code"


def test_a_node_that_others_may_read_gets_nothing():
    world = World()
    world.config[SECRET_NODE] = {**world.DEFAULT, "access_model": "open"}
    with pytest.raises(RefusedError) as error:
        store(world)
    assert error.value.condition == "precondition-not-met"
    assert SECRET_NODE not in world.nodes.get(ALICE, {})
    store(world, reconfigure=True)
    assert world.config[SECRET_NODE]["access_model"] == "whitelist"


def test_a_backup_by_another_program_with_a_passphrase_of_its_own():
    sealed = sequoia.encrypt_by_code(key(ALICE).data, "correct horse")
    assert backup.opened(sealed, "correct horse")[0].data == key(ALICE).data


@pytest.mark.parametrize("text", ["", "???"])
def test_a_backup_that_cannot_be_read(text):
    world = World()
    world.nodes[ALICE] = {SECRET_NODE: f"<secretkey xmlns='{NS}'>{text}</secretkey>"}
    with pytest.raises(RefusedError) as error:
        world.run(backup.fetch(world.session))
    assert error.value.condition == "malformed"
