"""The XML of both versions: what the libraries' own reading and writing makes of it."""

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, fromstring, tostring

import oldmemo.etree
import pytest
import twomemo.etree

from tests.unit.protocol.omemo.world import World
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.omemo import NEW, OLD, sce, wire
from xmppctl.protocol.omemo.wire import MalformedError

ALICE, BOB = "alice@fake.test", "bob@else.test"
THEIRS = {OLD: oldmemo.etree, NEW: twomemo.etree}


@pytest.fixture(scope="module")
def world():
    world = World()
    world.alice, world.bob = world.person(ALICE), world.person(BOB)
    return world


@pytest.mark.parametrize("ns", [OLD, NEW])
def test_bundles(world, ns):
    node, item = wire.bundle_place(ns, world.bob.device)
    element = fromstring(world.nodes[BOB, node][item])
    ours = wire.read_bundle(ns, element, BOB, world.bob.device)
    theirs = THEIRS[ns].parse_bundle(element, BOB, world.bob.device)
    assert ours == theirs
    written = THEIRS[ns].serialize_bundle(theirs)
    assert wire.read_bundle(ns, written, BOB, world.bob.device) == ours
    assert len(ours.pre_key_ids) == 100


@pytest.mark.parametrize("ns", [OLD, NEW])
def test_lists(ns):
    element = wire.devices_element(ns, {7: None, 8: None})
    assert THEIRS[ns].parse_device_list(element).keys() == {7, 8}
    assert wire.read_devices(ns, element) == {7: None, 8: None}


def test_hostile_lists():
    many = "".join(f"<device id='{n}'/>" for n in range(1, 1000))
    odd = "<device/><device id='-1'/><device id='x'/><device id='0'/><device id='9999999999'/>"
    for ns, name in ((OLD, "list"), (NEW, "devices")):
        element = fromstring(f"<{name} xmlns='{ns}'>{odd}{many}</{name}>")
        assert len(wire.read_devices(ns, element)) == 100
        with pytest.raises(MalformedError):
            wire.read_devices(ns, fromstring("<list xmlns='x'/>"))


def test_labels_need_a_signature():
    text = (
        f"<devices xmlns='{NEW}'><device id='1' label='a'/><device id='2' label='b' labelsig='?'/>"
    )
    assert wire.read_devices(NEW, fromstring(text + "</devices>")) == {1: None, 2: None}


@pytest.mark.parametrize(("version", "ns"), [("0.3", OLD), ("2", NEW)])
def test_messages(world, version, ns):
    sealed = world.alice.seal(BOB, version=version).find(f"{{{ns}}}encrypted")
    device = world.bob.device
    ours = wire.version(ns).read_encrypted(sealed, ALICE, BOB, device, None)
    if ns == NEW:
        theirs = twomemo.etree.parse_message(sealed, ALICE)
        assert {(k.bare_jid, k.device_id) for k, _ in theirs.keys} == {(BOB, device)}
        assert theirs.content.ciphertext == ours.content.ciphertext
        again = twomemo.etree.serialize_message(theirs)
        assert wire.version(ns).read_encrypted(again, ALICE, BOB, device, None).device_id == (
            ours.device_id
        )
    ((material, exchange),) = ours.keys
    assert (material.bare_jid, material.device_id) == (BOB, device)
    assert exchange is not None and ours.device_id == world.alice.device


@pytest.mark.parametrize("ns", [OLD, NEW])
@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<header/>",
        "<header sid='x'/>",
        "<header sid='1'><key rid='{device}'>?</key><iv>AAAA</iv></header>",
        "<header sid='1'><key rid='{device}' prekey='true'>AAAA</key><iv>AAAA</iv></header>",
        "<header sid='1'><keys jid='bob@else.test'><key rid='{device}' kex='1'>AAAA</key></keys>"
        "<key rid='{device}'>MwAA</key><iv>AAAA</iv></header><payload/>",
    ],
)
def test_malformed_messages(world, ns, inner):
    inner = inner.replace("{device}", str(world.bob.device))
    stanza = fromstring(
        f"<message xmlns='jabber:client' from='{ALICE}/r' type='chat'>"
        f"<encrypted xmlns='{ns}'>{inner}</encrypted></message>"
    )
    (clear,) = world.bob.open(stanza)
    assert clear[0].encryption.state == "undecryptable" and clear[0].encryption.reason


@pytest.mark.parametrize("ns", [OLD, NEW])
def test_malformed_bundles(world, ns):
    node, item = wire.bundle_place(ns, world.bob.device)
    good = world.nodes[BOB, node][item]
    for place in range(len(fromstring(good))):
        for change in ("remove", "empty", "short"):
            broken = fromstring(good)
            if change == "remove":
                broken.remove(broken[place])
            elif change == "empty":
                tail = Element(broken[place].tag)
                broken[place] = tail
            else:
                broken[place].text = "AAAA"
                for child in broken[place]:
                    child.text = "AAAA"
            with pytest.raises(MalformedError):
                wire.read_bundle(ns, broken, BOB, 1)


# --- XEP-0420


def unwrap(plain, *, sender=ALICE, to=BOB, group=False):
    return sce.unwrap(plain, sender=sender, to=to, group=group)


def envelope(inner):
    return f"<envelope xmlns='{sce.NS}'>{inner}</envelope>".encode()


def test_an_envelope_and_its_padding():
    body = fromstring("<body xmlns='jabber:client'>hello</body>")
    plain = [sce.wrap([body], sender=ALICE, to=BOB) for _ in range(20)]
    assert len({len(each) for each in plain}) > 5
    ((found,), when) = unwrap(plain[0])
    assert tostring(found) == tostring(body)
    assert abs(when - datetime.now(UTC)) < timedelta(minutes=1)


def test_envelopes_of_others():
    with pytest.raises(sce.MismatchError):
        unwrap(sce.wrap([], sender="eve@fake.test", to=BOB))
    with pytest.raises(sce.MismatchError):
        unwrap(sce.wrap([], sender=ALICE, to="eve@fake.test"))
    # whom it is for need not be said, but in a room (XEP-0384 §4.4)
    assert unwrap(envelope("<content/>")) == ([], None)
    with pytest.raises(sce.MismatchError):
        unwrap(envelope(f"<content/><from jid='{ALICE}'/>"), group=True)


@pytest.mark.parametrize(
    "plain",
    [b"", b"text", b"<a/>", b"<a", b"<!DOCTYPE a><a/>", envelope(""), b"\xff",
     envelope("<content/><time stamp='yesterday'/>")],
)  # fmt: skip
def test_what_is_no_envelope(plain):
    with pytest.raises(MalformedError):
        unwrap(plain)


def test_what_servers_vouch_for_is_not_taken_out_of_an_envelope(world):
    inside = ["<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='bob@else.test'/>"]
    sealed = world.alice.seal(BOB, version="2", inside=inside)
    assert sealed.find("{urn:xmpp:sid:0}stanza-id") is not None  # which stayed outside
    content = f"<content><body xmlns='jabber:client'>x</body>{inside[0]}</content>"

    async def forged(self, recipients, plain):
        return await real(self, recipients, {**plain, NEW: envelope(content)})

    from xmppctl.protocol.omemo.sealing import Sealer

    real = Sealer._sealed
    Sealer._sealed = forged
    try:
        sealed = world.alice.seal(BOB, version="2")
    finally:
        Sealer._sealed = real
    (clear,) = world.bob.open(sealed)
    assert clear.findtext("{jabber:client}body") == "x"
    assert clear.find("{urn:xmpp:sid:0}stanza-id") is None


def test_jids_are_compared_as_jids():
    assert str(jid("Alice@FAKE.test")) == ALICE
    plain = envelope("<content/><from jid='Alice@FAKE.test'/>")
    assert unwrap(plain) == ([], None)
