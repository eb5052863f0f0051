"""`xmppctl muc avatar` against real servers; the room's vCard is read by another client."""

import base64
import hashlib

import pytest

from tests.integration import muc
from tests.servers.quirks import Quirk

pytestmark = pytest.mark.in_turn

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


@pytest.fixture
def room(raw, alice, server):
    """A room of alice's."""
    name = f"avatar-{alice.local}@{server.conference}"
    muc.make(raw(alice), name)
    return name


def run(xmppctl, account, *args, code=0):
    return xmppctl("--json", "muc", "avatar", *args, account=account).expect(code)


def photo(peer, room):
    """Type and bytes in the room's vCard; None without them."""
    answer = peer.iq("<vCard xmlns='vcard-temp'/>", to=room)
    found = answer.find(".//{vcard-temp}PHOTO")
    if found is None:
        return None
    data = base64.b64decode(found.findtext("{vcard-temp}BINVAL"))
    return found.findtext("{vcard-temp}TYPE"), data


def test_set_get_remove(xmppctl, alice, bob, room, raw, tmp_path, server):
    muc.refused(run(xmppctl, alice, room, code=6), "item-not-found")
    peer = raw(bob)
    muc.enter(peer, room, "bob")
    file = tmp_path / "logo.png"
    file.write_bytes(PNG)
    record = run(xmppctl, alice, room, str(file)).json()
    sha1 = hashlib.sha1(PNG).hexdigest()
    told = None if Quirk.MUC_AVATAR_HASH_NOT_IN_DISCO in server.quirks else True
    assert record == {
        "room": room, "present": True, "type": "image/png", "size": len(PNG), "sha1": sha1,
        "advertised": told, "path": None,
    }  # fmt: skip
    if told:  # the occupants hear of it
        peer.expect(
            lambda e: e.get("from") == room and e.findtext(".//{vcard-temp:x:update}photo") == sha1
        )
    assert photo(peer, room) == ("image/png", PNG)
    target = tmp_path / "out.png"
    assert run(xmppctl, bob, room, "--out", str(target)).json()["path"] == str(target)
    assert target.read_bytes() == PNG
    hashes = xmppctl("--json", "muc", "info", room, account=bob).expect().json()["avatar_hashes"]
    assert hashes == ([sha1] if told else [])
    file.write_bytes(GIF)
    assert run(xmppctl, alice, room, str(file)).json()["type"] == "image/gif"
    assert photo(peer, room) == ("image/gif", GIF)
    assert run(xmppctl, alice, room, "--remove").json()["present"] is False
    assert photo(peer, room) is None
    muc.refused(run(xmppctl, alice, room, "--remove", code=6), "item-not-found")
    run(xmppctl, alice, room, "--remove", "--if-exists")


def test_the_rest_of_the_card_stays(xmppctl, alice, room, raw, tmp_path):
    owner = raw(alice)
    card = "<vCard xmlns='vcard-temp'><FN>The &lt;room&gt;</FN><URL>https://x.test/</URL></vCard>"
    assert owner.iq(card, type="set", to=room).get("type") == "result"
    file = tmp_path / "logo.png"
    file.write_bytes(PNG)
    run(xmppctl, alice, room, str(file))
    run(xmppctl, alice, room, "--remove")
    found = owner.iq("<vCard xmlns='vcard-temp'/>", to=room)
    assert found.findtext(".//{vcard-temp}FN") == "The <room>"
    assert found.findtext(".//{vcard-temp}URL") == "https://x.test/"


def test_refusals(xmppctl, alice, bob, room, raw, tmp_path):
    file = tmp_path / "logo.png"
    file.write_bytes(PNG)
    muc.refused(run(xmppctl, bob, room, str(file), code=6), "forbidden")
    assert photo(raw(alice), room) is None
    run(xmppctl, alice, room, str(file))
    run(xmppctl, alice, room, "--out", str(tmp_path / "no" / "where.png"), code=11)


def test_files_that_are_no_pictures(xmppctl, tmp_path):
    file = tmp_path / "text.png"
    file.write_text("no picture")
    for path, code in ((file, 2), (tmp_path / "none.png", 11)):
        run = xmppctl("muc", "avatar", "r@x.test", str(path), jid="a@x.test", password="x")
        assert run.expect(code).out == ""
