"""`xmppctl avatar` against real servers; other clients set, see and replace the picture."""

import base64
import hashlib
import io
import os

import pytest
from PIL import Image

from tests.integration.fetching import giving
from tests.servers.web import WebServer

pytestmark = pytest.mark.in_turn

PS = "http://jabber.org/protocol/pubsub"
DATA = "urn:xmpp:avatar:data"
META = "urn:xmpp:avatar:metadata"


def picture(form="PNG", size=(7, 5), color=100):
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, form)
    return out.getvalue()


PNG = picture()
SHA1 = hashlib.sha1(PNG).hexdigest()


@pytest.fixture
def avatar(xmppctl, alice):
    """Runs a verb as alice, or as somebody else."""

    def run(*args, code=0, account=alice, **more):
        return xmppctl("--json", "avatar", *args, account=account, **more).expect(code)

    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "me.png"
    path.write_bytes(PNG)
    return str(path)


def items(peer, node, to=None):
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='{node}' max_items='1'/></pubsub>", to=to)
    return answer.findall(f".//{{{PS}}}item")


def photo(peer, to=None):
    answer = peer.iq("<vCard xmlns='vcard-temp'/>", to=to)
    text = answer.findtext(".//{vcard-temp}PHOTO/{vcard-temp}BINVAL")
    return None if text is None else base64.b64decode(text)


def publish(peer, node, ident, xml):
    answer = peer.iq(f"<pubsub xmlns='{PS}'><publish node='{node}'><item id='{ident}'>{xml}</item>"
                     "</publish></pubsub>", type="set")  # fmt: skip
    assert answer.get("type") == "result"


def test_set_get_remove(avatar, alice, bob, raw, slix, file, tmp_path):
    assert avatar("get", code=6).error()["condition"] == "item-not-found"
    record = {
        "jid": alice.jid, "source": "pep", "id": SHA1, "type": "image/png", "bytes": len(PNG),
        "width": 7, "height": 5, "url": None, "path": None,
    }  # fmt: skip
    assert avatar("set", file).json() == record
    # a stranger, with another client
    peer = slix(bob)
    for plugin in ("xep_0084", "xep_0054"):
        peer.run(peer.client.register_plugin, plugin)
    found = peer.run(peer.plugin("xep_0084").retrieve_avatar, alice.jid, SHA1)
    assert found["pubsub"]["items"]["item"]["avatar_data"]["value"] == PNG
    stranger = raw(bob)
    (item,) = items(stranger, META, alice.jid)
    (info,) = item.iter(f"{{{META}}}info")
    assert item.get("id") == SHA1
    assert info.attrib == {"id": SHA1, "type": "image/png", "bytes": str(len(PNG)), "width": "7",
                           "height": "5"}  # fmt: skip
    # both servers write the vCard
    assert photo(stranger, alice.jid) == PNG
    target = tmp_path / "out.png"
    shown = avatar("get", alice.jid, "--out", str(target), account=bob).json()
    assert shown == {**record, "path": str(target)}
    assert target.read_bytes() == PNG
    shown = avatar("get", alice.jid, "--source=vcard", account=bob).json()
    assert shown == {**record, "source": "vcard"}
    assert avatar("remove").json()["id"] is None
    assert items(stranger, DATA, alice.jid) == []
    assert photo(stranger, alice.jid) is None
    assert avatar("get", alice.jid, account=bob, code=6).error()["condition"] == "item-not-found"
    assert avatar("remove", code=6).error()["condition"] == "item-not-found"
    avatar("remove", "--if-exists")


def test_a_picture_that_is_set_again(avatar, alice, raw, tmp_path, file):
    """Servers keep several items, or one; what was published last counts."""
    other = tmp_path / "other.jpg"
    other.write_bytes(picture("JPEG", (9, 4), 7))
    avatar("set", file)
    record = avatar("set", str(other)).json()
    assert (record["type"], record["width"], record["height"]) == ("image/png", 9, 4)
    assert avatar("set", file).json()["id"] == SHA1
    assert items(raw(alice), META)[0].get("id") == SHA1


def test_the_avatar_of_another_client(avatar, alice, raw):
    peer = raw(alice)
    lines = base64.encodebytes(PNG).decode()
    publish(peer, DATA, SHA1, f"<data xmlns='{DATA}'>\n {lines}</data>")
    info = f"<info id='{SHA1}' type='image/gif' bytes='3'/>"
    publish(peer, META, SHA1, f"<metadata xmlns='{META}'>{info}</metadata>")
    record = avatar("get").json()
    assert (record["type"], record["bytes"], record["width"]) == ("image/png", len(PNG), 7)
    told = avatar("get", "--meta").json()
    assert (told["type"], told["bytes"], told["width"]) == ("image/gif", 3, None)
    # one whose bytes are others
    fake = "0" * 40
    publish(peer, DATA, fake, f"<data xmlns='{DATA}'>{lines}</data>")
    publish(peer, META, fake, f"<metadata xmlns='{META}'>{info.replace(SHA1, fake)}</metadata>")
    assert avatar("get", code=6).error()["condition"] == "hash-mismatch"


def test_who_may_see_it(avatar, alice, bob, raw, file):
    """A server makes the nodes for contacts only when a vCard is set; that stays unless asked."""
    stranger = raw(bob)
    avatar("set", file, "--access=presence")
    assert items(stranger, META, alice.jid) == []
    error = avatar("set", file, "--access=open", code=6).error()
    assert error["condition"] == "precondition-not-met"
    assert "--reconfigure" in error["hint"]
    avatar("set", file)
    assert items(stranger, DATA, alice.jid) == []
    avatar("set", file, "--access=open", "--reconfigure")
    assert [each.get("id") for each in items(stranger, META, alice.jid)] == [SHA1]
    assert [each.get("id") for each in items(stranger, DATA, alice.jid)] == [SHA1]


def test_the_picture_of_a_vcard(avatar, alice, bob, raw):
    card = base64.b64encode(PNG).decode()
    answer = raw(alice).iq(
        f"<vCard xmlns='vcard-temp'><FN>A</FN><PHOTO><TYPE>image/x</TYPE><BINVAL>{card}</BINVAL>"
        "</PHOTO></vCard>", type="set")  # fmt: skip
    assert answer.get("type") == "result"
    record = avatar("get", alice.jid, account=bob).json()
    assert (record["id"], record["type"], record["width"]) == (SHA1, "image/png", 7)


def test_one_that_is_at_a_url(avatar, alice, raw, https, file):
    large = picture(size=(50, 40))
    with WebServer(giving(large), https) as web:
        url = web.url("/large.png")
        assert avatar("set", file, "--url", url).json()["url"] == url
        peer = raw(alice)
        here, there = items(peer, META)[0].iter(f"{{{META}}}info")
        assert here.get("id") == SHA1
        assert (there.get("url"), there.get("width")) == (url, "50")
        assert there.get("id") == hashlib.sha1(large).hexdigest()
        for size, code in ((len(large), 0), (len(large) - 1, 6)):
            publish(peer, META, "x",
                    f"<metadata xmlns='{META}'><info id='{there.get('id')}' type='image/png'"
                    f" bytes='{size}' url='{url}'/></metadata>")  # fmt: skip
            run = avatar("get", code=code)
            if code:
                assert run.error()["condition"] == "file-too-large"
            else:
                assert (run.json()["source"], run.json()["width"]) == ("url", 50)
    with WebServer(giving(b"text"), https) as web:
        avatar("set", file, "--url", web.url("/"), code=6)


@pytest.mark.own_connection  # over HTTP a server may take more
def test_one_that_is_too_large(avatar, alice, raw, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(PNG + os.urandom(600_000))
    error = avatar("set", str(path), code=6).error()
    assert error["condition"] == "file-too-large"
    assert items(raw(alice), META) == []
