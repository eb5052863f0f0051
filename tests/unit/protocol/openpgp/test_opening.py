"""What comes in: decrypted, and believed only as far as a key of its sender signed it."""

import copy
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.protocol.openpgp.world import ALICE, BOB, CAROL, DATE, Store, World, key
from xmppctl.model.openpgp import KnownKey
from xmppctl.protocol import listen, openpgp
from xmppctl.protocol.opening import Opener
from xmppctl.protocol.openpgp import OPENPGP, content, key_node, opening, sequoia
from xmppctl.protocol.payload import Context
from xmppctl.session.xml import parse, serialise

TEXT = "the secret text"
INSIDE = f"<body xmlns='jabber:client'>{TEXT}</body>"


def wrapped(
    mode="signcrypt", by=BOB, to=(ALICE,), readers=(ALICE, BOB), inside=INSIDE, age=0, number=()
):
    """``<openpgp/>`` as text."""
    payload = parse(f"<p>{inside}</p>")
    data = content.compose(mode, to, payload)
    if age:
        now = datetime.now(UTC)
        data = data.replace(
            now.strftime("%Y-%m-%d").encode(),
            (now - timedelta(days=age)).strftime("%Y-%m-%d").encode(),
        )
    if mode == "sign":
        message = sequoia.sign(data, key(by, *number))
    else:
        signer = None if mode == "crypt" else key(by, *number)
        message = sequoia.encrypt(data, [key(each).public for each in readers], signer)
    return serialise(content.wrap(message), "jabber:client")


def message(payload, by=BOB, to=ALICE, kind="chat", more=""):
    return parse(
        f"<message xmlns='jabber:client' type='{kind}' from='{by}/r' to='{to}/r' id='i'>"
        f"<body>not this</body>{payload}<encryption xmlns='urn:xmpp:eme:0' "
        f"namespace='urn:xmpp:openpgp:0'/>{more}</message>"
    )


class Reader:
    """alice with a key; bob announces his."""

    def __init__(self, *secrets, bob=(BOB,), contacts=None):
        self.world = World()
        self.world.announce(BOB, *(key(each).public for each in bob))
        self.store = Store(*(secrets or (key(ALICE),)), contacts=contacts)
        self.told = []
        self.opener = Opener(
            self.world.session, state=pytest.fail, keys=lambda: self.store, tell=self.told.append
        )

    def read(self, stanza, **more):
        before = serialise(stanza)
        opened = self.world.run(self.opener.open(stanza, **more))
        assert serialise(stanza) == before
        return listen.read(opened, Context(ALICE), raw=True)


def test_signed_and_encrypted():
    reader = Reader()
    found = reader.read(message(wrapped()))
    told = found.encryption
    assert (found.body, told.state, told.name, told.mode) == (TEXT, "decrypted", "ox", "signcrypt")
    assert (told.signer, told.valid, told.trust, told.trusted) == (
        key(BOB).fingerprint, True, "blind", True,
    )  # fmt: skip
    assert abs(told.time - datetime.now(UTC)) < timedelta(seconds=5)
    assert reader.told == [f"new OpenPGP key of {BOB}: {key(BOB).fingerprint} (trusted as it came)"]
    assert found.extensions == []
    assert "not this" in found.raw_xml  # as it came
    assert TEXT not in found.raw_xml


def test_the_keys_of_a_sender_are_asked_for_once():
    reader = Reader()
    for _ in range(3):
        assert reader.read(message(wrapped())).body == TEXT
    assert [action for _, action, _ in reader.world.asked] == ["items", "items"]


@pytest.fixture
def later(monkeypatch):
    """Lets seconds pass."""
    passed = []
    monkeypatch.setattr(opening, "monotonic", lambda: sum(passed))
    return passed.append


@pytest.mark.parametrize("mode", ["signcrypt", "sign"])
def test_a_key_that_is_new_while_messages_come(later, mode):
    reader = Reader()
    assert reader.read(message(wrapped())).body == TEXT
    reader.world.announce(BOB, key(BOB, 1).public)
    later(2)
    found = reader.read(message(wrapped(mode, number=[1])))
    assert (found.body, found.encryption.signer) == (TEXT, key(BOB, 1).fingerprint)


def test_a_key_that_is_withdrawn_while_messages_come(later):
    reader = Reader()
    assert reader.read(message(wrapped())).body == TEXT
    reader.world.announce(BOB)
    later(61)
    rejected(reader, message(wrapped()), "not signed by a key that bob@")


def test_what_another_run_does_while_messages_come(later):
    reader = Reader(key(CAROL))
    undecryptable(reader, message(wrapped()), "no key on this machine opens it")
    reader.store.ring = reader.store.ring.with_secrets({key(ALICE).fingerprint: key(ALICE).data})
    later(2)
    assert reader.read(message(wrapped())).body == TEXT
    known = reader.store.ring.of(BOB)[key(BOB).fingerprint]
    distrusted = {key(BOB).fingerprint: known._replace(trust="distrusted")}
    reader.store.ring = reader.store.ring.with_keys(BOB, distrusted)
    later(2)
    rejected(reader, message(wrapped()), "distrusted here")


def test_encrypted_by_nobody_knows_whom():
    told = Reader().read(message(wrapped("crypt"))).encryption
    assert (told.state, told.valid, told.signer, told.trusted) == ("decrypted", False, None, False)


def test_signed_alone():
    found = Reader().read(message(wrapped("sign")))
    assert (found.body, found.encryption.mode, found.encryption.valid) == (TEXT, "sign", True)


def test_signed_alone_by_somebody_else():
    found = Reader().read(message(wrapped("sign", by=CAROL)))
    assert (found.encryption.state, found.encryption.valid) == ("rejected", False)
    assert found.body is None


def rejected(reader, stanza, reason):
    found = reader.read(stanza)
    assert found.encryption.state == "rejected"
    assert reason in found.encryption.reason
    assert TEXT not in str(found)
    return found


def test_signed_by_a_key_that_the_sender_does_not_announce():
    found = rejected(Reader(), message(wrapped(by=CAROL)), "not signed by a key that bob@")
    assert (found.encryption.signer, found.encryption.valid) == (None, False)


def test_nothing_is_found_in_the_text_of_what_was_forged():
    wanted = listen.Filter(matching=re.compile("this|secret"))
    assert wanted.accepts(Reader().read(message(wrapped())))
    assert not wanted.accepts(Reader().read(message(wrapped(by=CAROL))))


def test_somebody_passes_on_what_was_written_to_him():
    stanza = message(wrapped(by=BOB, to=(CAROL,)))
    rejected(Reader(), stanza, f"not written to {ALICE}")


def test_the_sender_is_another_than_the_signer():
    """carol sends what bob signed for alice: her keys are asked for, and did not sign."""
    reader = Reader()
    reader.world.announce(CAROL, key(CAROL).public)
    rejected(reader, message(wrapped(by=BOB), by=CAROL), "not signed by a key that carol@")


def test_written_long_ago_and_sent_again():
    rejected(Reader(), message(wrapped(age=3)), "and came at")


def test_written_long_ago_and_stored_then():
    reader, when = Reader(), datetime.now(UTC) - timedelta(days=3)
    assert reader.read(message(wrapped(age=3)), when=when).body == TEXT
    stamp = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    for by in ("fake.test", ALICE):
        delay = f"<delay xmlns='urn:xmpp:delay' stamp='{stamp}' from='{by}'/>"
        assert reader.read(message(wrapped(age=3), more=delay)).body == TEXT
    for by in ("", "from='bob@fake.test'", "from='other.test'"):  # who sends it again
        delay = f"<delay xmlns='urn:xmpp:delay' stamp='{stamp}' {by}/>"
        rejected(reader, message(wrapped(age=3), more=delay), "and came at")


def test_a_key_that_is_distrusted():
    known = {BOB: {key(BOB).fingerprint: KnownKey(key(BOB).public.data, DATE, "distrusted")}}
    found = rejected(Reader(contacts=known), message(wrapped()), "distrusted here")
    assert found.encryption.signer == key(BOB).fingerprint


def test_a_key_that_is_new_beside_a_verified_one():
    known = {BOB: {"A" * 40: KnownKey(key(BOB, 1).public.data, DATE, "verified")}}
    told = Reader(contacts=known).read(message(wrapped())).encryption
    assert (told.state, told.valid, told.trust, told.trusted) == (
        "decrypted", True, "undecided", False,
    )  # fmt: skip


def test_a_key_that_is_not_announced_any_more():
    for trust, state in (("blind", "rejected"), ("verified", "decrypted")):
        known = {BOB: {key(BOB).fingerprint: KnownKey(key(BOB).public.data, DATE, trust)}}
        reader = Reader(bob=(), contacts=known)
        assert reader.read(message(wrapped())).encryption.state == state


def test_a_key_that_is_no_key_of_the_sender_any_more():
    known = {BOB: {key(BOB).fingerprint: KnownKey(key(BOB).public.data, "2001-01-01", "blind")}}
    reader = Reader(contacts=known)
    reader.world.nodes[BOB][key_node(key(BOB).fingerprint)] = "<other xmlns='urn:x'/>"
    rejected(reader, message(wrapped()), "not signed by a key that bob@")


def test_nobody_tells_which_keys_are_announced():
    known = {BOB: {key(BOB).fingerprint: KnownKey(key(BOB).public.data, DATE, "blind")}}
    for contacts, state in ((known, "decrypted"), (None, "rejected")):
        reader = Reader(contacts=contacts)
        reader.world.refused[BOB] = "remote-server-timeout"
        told = reader.read(message(wrapped())).encryption
        assert told.state == state
        assert (told.reason is None) == (state == "decrypted")
    assert "could not be asked for" in told.reason


def undecryptable(reader, stanza, reason):
    found = reader.read(stanza)
    told = found.encryption
    assert (told.state, told.valid, told.trusted, told.name) == ("undecryptable", None, None, "ox")
    assert reason in told.reason
    return found


def test_not_for_a_key_of_this_machine():
    undecryptable(Reader(key(CAROL)), message(wrapped()), "no key on this machine opens it")


def test_no_key_at_all():
    reader = Reader()
    reader.store = Store()
    undecryptable(reader, message(wrapped()), f"no secret key of {ALICE}")


@pytest.mark.parametrize("text", ["", "?", "AAAA", "-----BEGIN PGP MESSAGE-----"])
def test_no_message_of_openpgp(text):
    payload = f"<openpgp xmlns='urn:xmpp:openpgp:0'>{text}</openpgp>"
    undecryptable(Reader(), message(payload), "")


def test_in_a_room_nobody_knows_whose_keys():
    undecryptable(Reader(), message(wrapped(), kind="groupchat"), "in a room")


@pytest.mark.parametrize("mode", ["signcrypt", "sign"])
def test_what_it_says_of_itself_is_not_true(mode):
    data = content.compose(mode, [ALICE], parse(f"<p>{INSIDE}</p>"))
    if mode == "sign":
        data = sequoia.encrypt(data, [key(ALICE).public], key(BOB))
    else:
        data = sequoia.sign(data, key(BOB))
    payload = serialise(content.wrap(data), "jabber:client")
    rejected(Reader(), message(payload), "it says")


def test_who_wrote_it_speaks_for_no_server():
    """Servers take forged ids and delays out of what they see, and do not see this."""
    inside = (
        INSIDE + f"<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='{ALICE}'/>"
        f"<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z' from='{ALICE}'/>"
        "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='a@b'/></x>"
        "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:x'/>"
    )
    found = Reader().read(message(wrapped(inside=inside)))
    assert (found.body, found.stanza_ids, found.delay) == (TEXT, [], None)
    assert found.encryption.name == "ox"


def test_what_stands_beside_it_in_clear_says_nothing():
    more = (
        "<subject>forged</subject><replace xmlns='urn:xmpp:message-correct:0' id='x'/>"
        "<request xmlns='urn:xmpp:receipts'/>"
    )
    found = Reader().read(message(wrapped(), more=more))
    assert (found.body, found.subject, found.replace_id) == (TEXT, None, None)
    assert found.receipt.requested


def carbon(inner, by=ALICE):
    return parse(
        f"<message xmlns='jabber:client' from='{by}' to='{ALICE}/r'>"
        "<sent xmlns='urn:xmpp:carbons:2'>"
        f"<forwarded xmlns='urn:xmpp:forward:0'>{serialise(inner, '')}</forwarded></sent></message>"
    )


def test_a_copy_of_what_another_client_sent():
    inner = message(wrapped(by=ALICE, to=(BOB,)), by=ALICE, to=BOB)
    found = Reader().read(carbon(inner))
    assert (found.carbon, found.body, found.direction) == ("sent", TEXT, "out")
    assert (found.encryption.trust, found.encryption.trusted) == ("own", True)


def test_a_forged_copy_is_not_opened():
    inner = message(wrapped(by=ALICE, to=(BOB,)), by=ALICE, to=BOB)
    reader = Reader()
    assert reader.read(carbon(inner, by=CAROL)) is None
    assert reader.world.asked == []


def test_what_is_not_encrypted_is_left_alone():
    reader = Reader()
    stanza = parse("<message xmlns='jabber:client' from='b@c' type='chat'><body>x</body></message>")
    assert reader.world.run(reader.opener.open(stanza)) is stanza
    error = message(wrapped(), kind="error")
    assert reader.world.run(reader.opener.open(error)) is error


def test_without_the_extra(monkeypatch):
    monkeypatch.setattr(openpgp, "is_installed", lambda: False)
    reader = Reader()
    told = reader.read(message(wrapped())).encryption
    assert told.state == "unsupported"
    assert "pip install 'xmppctl[openpgp]'" in told.reason
    assert reader.opener.features() == frozenset()


def test_a_client_says_what_it_understands():
    assert Reader().opener.features() == {"urn:xmpp:openpgp:im:0"}
    reader = Reader()
    reader.store = Store()
    assert reader.opener.features() == frozenset()


def test_what_became_of_it_cannot_be_forged():
    """The element that tells of it is of a class that nothing from the network has."""
    reader = Reader()
    opened = reader.world.run(reader.opener.open(message(wrapped())))
    again = copy.deepcopy(parse(serialise(opened)))
    assert again.find(OPENPGP) is None
    assert listen.read(again, Context(ALICE)).encryption.state == "unsupported"
