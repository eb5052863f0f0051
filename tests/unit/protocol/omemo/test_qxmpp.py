"""What QXmpp 1.10.3 wrote before it got an answer, as recorded; the keys are used up."""

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

from tests.unit.protocol.omemo.world import Memory, Person, World, body, encryption
from xmppctl.protocol.omemo import NEW

ALICE, BOB = "alice@prosody.test", "bob@prosody.test"
RECORDED = json.loads(Path(__file__).with_name("qxmpp.json").read_text())


def test_what_qxmpp_writes_is_read_and_its_device_written_to():
    world = World()
    device = fromstring(RECORDED["devices"])[0].get("id")
    world.nodes[BOB, f"{NEW}:devices"] = {"current": RECORDED["devices"]}
    world.nodes[BOB, f"{NEW}:bundles"] = {device: RECORDED["bundle"]}
    alice = Person(world, ALICE, Memory(RECORDED["state"]))
    messages = [fromstring(f"<s xmlns='jabber:client'>{each}</s>")[0]
                for each in RECORDED["messages"]]  # fmt: skip
    for each in messages:
        each.set("from", f"{BOB}/qxmpp")
    marked = [key.get("kex") for each in messages for key in each.iter(f"{{{NEW}}}key")]
    assert marked == ["true", None, None]
    opened = alice.open(*messages)
    assert [body(each) for each in opened] == ["first 0", "first 1", "first 2"]
    told = encryption(opened[0])
    assert (told.device, told.trust, told.time is not None) == (int(device), "blind", True)
    assert alice.seal(BOB, "back").find(f"{{{NEW}}}encrypted") is not None
