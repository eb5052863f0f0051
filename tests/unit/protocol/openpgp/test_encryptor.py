"""What goes out: nothing in clear that says something, and nothing at all without a key."""

from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.protocol.openpgp.world import ALICE, BOB, CAROL, DATE, Store, World, key
from xmppctl.errors import LocalError, UntrustedError, XmppctlError
from xmppctl.model.jid import parse
from xmppctl.model.openpgp import KnownKey
from xmppctl.protocol import outgoing
from xmppctl.protocol.encrypting import encrypted
from xmppctl.protocol.openpgp import (
    KEYS_NODE,
    OPENPGP,
    content,
    encryptor,
    key_node,
    packets,
    sequoia,
)
from xmppctl.session.xml import serialise

TEXT = "the secret text"


def message(to=BOB, inside="<request xmlns='urn:xmpp:receipts'/>", body=TEXT):
    made = outgoing.compose(parse(to), id="i1", body=body, subject=body and "a subject",
                            thread=body and "t")  # fmt: skip
    made.stanza.extend(fromstring(f"<x xmlns='jabber:client'>{inside}</x>"))
    return made


def prepared(world, store, *to, mode="signcrypt", sign_key=None, trust="btbv", told=None):
    jids = [parse(each) for each in to or (BOB,)]
    tell = [].append if told is None else told.append
    return world.run(
        encryptor.prepare(
            world.session, store, jids, mode=mode, sign_key=sign_key, trust=trust, tell=tell
        )
    )


def ready(*announcing, mode="signcrypt", **more):
    """An encryptor in a world where alice and these announce a key."""
    world, store = World(), Store(key(ALICE))
    for jid in (ALICE, BOB, *announcing):
        world.announce(jid, key(jid).public)
    return world, prepared(world, store, *more.pop("to", ()), mode=mode, **more)


def sealed(world, method, made):
    return world.run(method.encrypt(made))


def opened(stanza, secret):
    data = content.decode(stanza.findtext(OPENPGP))
    return content.read(sequoia.decrypt(data, secret))


def test_signcrypt_for_the_recipient_and_for_oneself():
    world, method = ready()
    made = sealed(world, method, message(inside="<x xmlns='urn:said'>said too</x>"))
    for jid in (BOB, ALICE):
        found = opened(made.stanza, key(jid))
        assert (found.mode, found.to) == ("signcrypt", {BOB})
        names = [each.tag.rpartition("}")[2] for each in found.payload]
        assert names == ["subject", "body", "thread", "x"]
        assert found.payload[1].text == TEXT
    data = content.decode(made.stanza.findtext(OPENPGP))
    assert sequoia.signer_of(data, key(BOB), [key(ALICE).public]) == key(ALICE).fingerprint


def test_for_all_own_machines_that_are_trusted():
    other = key(ALICE, 1)
    world, store, told = World(), Store(key(ALICE)), []
    world.announce(ALICE, key(ALICE).public, other.public)
    world.announce(BOB, key(BOB).public)
    made = sealed(world, prepared(world, store, told=told), message())
    assert opened(made.stanza, other).payload[1].text == TEXT
    assert any(other.fingerprint in each and ALICE in each for each in told)
    # it is kept, and of the own key nothing but the name is asked for
    asked = [node for to, action, node in world.asked if to == ALICE]
    assert sorted(asked) == sorted([KEYS_NODE, key_node(other.fingerprint)])
    assert opened(sealed(world, prepared(world, store, mode="crypt"), message()).stanza, other)
    known = store.ring.of(ALICE)[other.fingerprint]
    for trust, policy in (("distrusted", "btbv"), ("blind", "verified")):
        kept = {other.fingerprint: known._replace(trust=trust)}
        contacts = {ALICE: kept, BOB: {key(BOB).fingerprint: verified(BOB)}}
        method = prepared(world, Store(key(ALICE), contacts=contacts), trust=policy)
        with pytest.raises(ValueError):
            opened(sealed(world, method, message()).stanza, other)


def test_without_the_own_list_nothing_is_signed_and_the_rest_goes_out():
    world, store = World(), Store(key(ALICE))
    world.announce(BOB, key(BOB).public)
    world.refused[ALICE] = "service-unavailable"
    assert opened(sealed(world, prepared(world, store, mode="crypt"), message()).stanza, key(BOB))
    with pytest.raises(XmppctlError):
        prepared(world, store)


def verified(jid):
    return KnownKey(key(jid).public.data, DATE, "verified")


def test_what_is_seen_by_everybody():
    world, method = ready()
    made = sealed(world, method, message(inside="<x xmlns='urn:said'>said too</x>"))
    text = serialise(made.stanza)
    for secret in (TEXT, "said too", "a subject"):
        assert secret not in text
    names = [each.tag for each in made.stanza]
    assert names == [
        "{jabber:client}body",
        "{urn:xmpp:sid:0}origin-id",
        OPENPGP,
        "{urn:xmpp:eme:0}encryption",
        "{urn:xmpp:hints}store",
    ]
    assert made.stanza[3].get("namespace") == "urn:xmpp:openpgp:0"
    assert (made.id, str(made.to)) == ("i1", BOB)


def test_what_is_for_servers_stays_outside():
    inside = (
        "<request xmlns='urn:xmpp:receipts'/><no-store xmlns='urn:xmpp:hints'/>"
        "<markable xmlns='urn:xmpp:chat-markers:0'/><private xmlns='urn:xmpp:carbons:2'/>"
    )
    world, method = ready()
    made = sealed(world, method, message(inside=inside))
    names = {each.tag.rpartition("}")[2] for each in made.stanza}
    assert {"request", "no-store", "markable", "private", "origin-id"} <= names
    assert "store" not in names  # the message says the contrary
    found = opened(made.stanza, key(BOB))
    assert [each.tag.rpartition("}")[2] for each in found.payload] == ["subject", "body", "thread"]


def test_crypt_is_signed_by_nobody_and_for_nobody_by_name():
    world, method = ready(mode="crypt")
    made = sealed(world, method, message())
    found = opened(made.stanza, key(BOB))
    assert (found.mode, found.to) == ("crypt", frozenset())
    data = content.decode(made.stanza.findtext(OPENPGP))
    assert sequoia.signer_of(data, key(BOB), [key(ALICE).public]) is None


def test_sign_is_not_encrypted_and_needs_no_key_of_the_recipient():
    world, store = World(), Store(key(ALICE))
    world.announce(ALICE, key(ALICE).public)
    made = sealed(world, prepared(world, store, mode="sign"), message())
    data = content.decode(made.stanza.findtext(OPENPGP))
    assert not packets.is_encrypted(data)
    found = content.read(sequoia.signed(data, [key(ALICE).public]))
    assert (found.mode, found.to) == ("sign", {BOB})
    assert made.stanza[0].text == "This message is signed with OpenPGP (XEP-0373)."


def results(world, method, *messages):
    async def all_of_them():
        async def source():
            for each in messages:
                yield each

        return [each async for each in encrypted(source(), method)]

    return world.run(all_of_them())


@pytest.mark.parametrize("condition", [None, "forbidden", "service-unavailable"])
def test_a_recipient_without_a_key_gets_nothing(condition):
    world, store = World(), Store(key(ALICE))
    world.announce(ALICE, key(ALICE).public)
    if condition is not None:
        world.refused[BOB] = condition
    (result,) = results(world, prepared(world, store), message())
    assert (result.error.code, result.error.condition) == (12, "no-key")
    assert "nothing was sent" in result.error.text
    assert (result.to, result.id, result.origin_id) == (BOB, "i1", "i1")


def test_each_recipient_has_a_fate_of_its_own():
    world, method = ready(to=(BOB, CAROL))
    first, second = results(world, method, message(CAROL), message(BOB))
    assert first.error.condition == "no-key"
    assert TEXT not in serialise(second.stanza)


def test_a_recipient_whose_server_is_not_there():
    world, store = World(), Store(key(ALICE))
    world.refused[BOB] = "remote-server-not-found"
    (result,) = results(world, prepared(world, store), message())
    assert (result.error.code, result.error.condition) == (6, "remote-server-not-found")


def test_a_new_key_is_told_and_kept():
    world, store, told = World(), Store(key(ALICE)), []
    for jid in (ALICE, BOB):
        world.announce(jid, key(jid).public)
    prepared(world, store, told=told)
    assert told == [f"new OpenPGP key of {BOB}: {key(BOB).fingerprint} (trusted as it came)"]
    assert store.ring.of(BOB)[key(BOB).fingerprint].trust == "blind"


def test_verified_keys_alone():
    world, store = World(), Store(key(ALICE))
    for jid in (ALICE, BOB):
        world.announce(jid, key(jid).public)
    (result,) = results(world, prepared(world, store, trust="verified"), message())
    assert (result.error.code, result.error.condition) == (12, "untrusted")
    known = {key(BOB).fingerprint: KnownKey(key(BOB).public.data, DATE, "verified")}
    store.update(lambda ring: ring.with_keys(BOB, known))
    (sent,) = results(world, prepared(world, store, trust="verified"), message())
    assert sent.stanza.find(OPENPGP) is not None


@pytest.mark.parametrize(
    ("secrets", "announced", "wanted", "told"),
    [
        ((), True, None, "has no OpenPGP key on this machine"),
        ((ALICE,), False, None, "it is not announced"),
        ((ALICE,), True, "A" * 40, "is not on this machine"),
    ],
)
def test_nobody_could_tell_who_wrote_it(secrets, announced, wanted, told):
    world, store = World(), Store(*map(key, secrets))
    world.announce(BOB, key(BOB).public)
    if announced:
        world.announce(ALICE, key(ALICE).public)
    with pytest.raises(UntrustedError, match=told) as error:
        prepared(world, store, sign_key=wanted)
    assert "openpgp publish" in error.value.hint


def test_the_key_that_was_chosen_signs():
    world, store = World(), Store(key(ALICE), key(ALICE, 1))
    world.announce(ALICE, key(ALICE).public, key(ALICE, 1).public)
    world.announce(BOB, key(BOB).public)
    second = key(ALICE, 1)
    made = sealed(world, prepared(world, store, sign_key=second.fingerprint), message())
    data = content.decode(made.stanza.findtext(OPENPGP))
    keys = [key(ALICE).public, second.public]
    assert sequoia.signer_of(data, key(BOB), keys) == second.fingerprint


def test_to_oneself_with_verified_keys_alone():
    world, store = World(), Store(key(ALICE))
    world.announce(ALICE, key(ALICE).public)
    made = sealed(world, prepared(world, store, ALICE, trust="verified"), message(ALICE))
    assert opened(made.stanza, key(ALICE)).to == {ALICE}


def test_nothing_that_could_be_encrypted():
    world, method = ready()
    made = message(body=None, inside="<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>")
    (result,) = results(world, method, made)
    assert result.error.code == 2
    assert "nothing was sent" in result.error.text


def test_keys_are_asked_for_in_one_flight():
    world, _ = ready(CAROL, to=(BOB, CAROL))
    nodes = [node for _, _, node in world.asked]
    assert nodes[:3] == ["urn:xmpp:openpgp:0:public-keys"] * 3
    assert len(nodes) == 5


def test_a_key_of_this_machine_that_cannot_be_read():
    world, store = World(), Store()
    store.update(lambda ring: ring.with_secrets({"A" * 40: b"nonsense"}))
    for jid in (ALICE, BOB):
        world.announce(jid, key(jid).public)
    with pytest.raises(LocalError) as error:
        prepared(world, store)
    assert error.value.condition == "damaged"
