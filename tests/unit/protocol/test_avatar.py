"""Avatars: what is said about them is not believed."""

import base64
import hashlib
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError, TlsError, UnsupportedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol import avatar, largestanza
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web
from xmppctl.session.xml import parse

PS = "http://jabber.org/protocol/pubsub"
NS = "urn:xmpp:avatar:metadata"
BOB = jid("bob@x.test")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
SHA1 = hashlib.sha1(PNG).hexdigest()
DATA = f"<data xmlns='urn:xmpp:avatar:data'>\n{base64.encodebytes(PNG).decode()}</data>"
INFO = f"<info bytes='9' id='{SHA1}' height='64' type='image/gif' width='64'/>"
CARD = (
    "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/jpeg</TYPE><BINVAL>"
    f"{base64.b64encode(PNG).decode()}</BINVAL></PHOTO></vCard>"
)
WEB = Web(None, 1, 1, Trace())


def get(metadata, data=DATA, card="<vCard xmlns='vcard-temp'/>", source="auto", *, meta=False):
    def answer(iq):
        if iq[0].tag == "{vcard-temp}vCard":
            return card
        node = iq[0][0].get("node")
        inner = data if node == "urn:xmpp:avatar:data" else metadata
        if inner.startswith("!"):
            return inner
        item = f"<item id='x'>{inner}</item>" if inner else ""
        return f"<pubsub xmlns='{PS}'><items node='{node}'>{item}</items></pubsub>"

    return Answering(answer).run(lambda s: avatar.fetch(s, BOB, source, WEB, meta=meta))


def meta(*infos):
    return f"<metadata xmlns='{NS}'>{''.join(infos)}</metadata>"


def refused(condition, *args, **more):
    with pytest.raises(RefusedError) as caught:
        get(*args, **more)
    assert caught.value.condition == condition
    return caught.value


def test_the_bytes_count_and_not_what_is_said_about_them():
    record, data = get(meta(INFO))
    assert data == PNG
    assert (record.source, record.id, record.type) == ("pep", SHA1, "image/png")
    assert (record.bytes, record.width, record.height) == (len(PNG), 1, 1)


def test_only_what_is_said():
    record, data = get(meta(INFO), "!forbidden", meta=True)
    assert data is None
    assert (record.type, record.bytes, record.width) == ("image/gif", 9, 64)


def test_another_picture_than_the_id_tells():
    other = meta(INFO.replace(SHA1, "0" * 40))
    assert "SHA-1" in refused("hash-mismatch", other, card=CARD).text
    refused("hash-mismatch", meta(INFO.replace(SHA1, "Ä")))
    assert get(meta(INFO.replace(SHA1, SHA1.upper())))[1] == PNG


def test_turned_off():
    assert "turned off" in refused("item-not-found", meta(), card=CARD).text
    assert get(meta(), card=CARD, source="vcard")[1] == PNG


@pytest.mark.parametrize(
    "metadata", ["", "!item-not-found", "!forbidden", "!not-authorized", "!service-unavailable"]
)
def test_the_vcard_where_there_is_nothing_else(metadata):
    record, data = get(metadata, card=CARD)
    assert (record.source, record.id, record.type) == ("vcard", SHA1, "image/png")
    assert data == PNG
    assert "has no avatar" in refused("item-not-found", metadata).text
    with pytest.raises((RefusedError, UnsupportedError)):
        get(metadata, card=CARD, source="pep")


def test_metadata_without_data():
    assert get(meta(INFO), "!item-not-found", CARD)[0].source == "vcard"
    assert get(meta(INFO), "", CARD)[0].source == "vcard"
    refused("malformed-answer", meta(INFO), "<data xmlns='urn:xmpp:avatar:data'>?</data>")


def test_a_server_that_cannot_be_reached_is_asked_once():
    refused("remote-server-not-found", "!remote-server-not-found", card=CARD)


def test_urls():
    url = f"<info bytes='9' id='{SHA1}' type='image/gif' url='{{}}'/>"
    both = meta(url.format("https://x.test/a"), INFO)
    record, data = get(both)
    assert (record.source, record.url, data) == ("pep", "https://x.test/a", PNG)
    record, data = get(meta(url.format("https://x.test/a")), meta=True)
    assert (record.source, record.url) == ("url", "https://x.test/a")
    with pytest.raises(TlsError):
        get(meta(url.format("http://x.test/a")))
    refused("item-not-found", meta(url.format("file:///etc/passwd")))
    card = "<vCard xmlns='vcard-temp'><PHOTO><EXTVAL>https://x.test/</EXTVAL></PHOTO></vCard>"
    record = get("", card=card, meta=True)[0]
    assert (record.source, record.url, record.id) == ("url", "https://x.test/", None)


def test_hostile_metadata():
    infos = avatar.infos(fromstring(meta(
        "<info/>", "<info id=''/>", f"<info id='{SHA1}' bytes='-1' width='x' height='{'9' * 99}'/>",
        "<pointer/>", "<info id='2' bytes='٣'/>")))  # fmt: skip
    assert [(each.id, each.bytes, each.width, each.height) for each in infos] == [
        (SHA1, None, None, None), ("2", None, None, None)]  # fmt: skip


class Account(Answering):
    """Takes what is published; ``converts``: says that it writes the vCard by itself."""

    def __init__(self, *nodes, converts=True, deaf=False, pep=True):
        super().__init__(self._answer)
        self.nodes = nodes
        self.features = ["urn:xmpp:pep-vcard-conversion:0"] if converts else []
        self.features.append(f"{PS}#publish-options")
        self.deaf = deaf
        self.pep = pep
        self.items = {}
        self.log = []
        self.options = {}
        self.card = "<vCard xmlns='vcard-temp'><FN>A</FN></vCard>"

    def _answer(self, iq):
        payload = iq[0]
        name = payload.tag.rpartition("}")[2]
        if payload.tag == "{vcard-temp}vCard":
            if iq.get("type") == "set":
                self.log.append("vCard")
                self.card = _text(payload)
                return ""
            return self.card
        if payload.tag.startswith("{http://jabber.org/protocol/disco#info"):
            rows = "".join(f"<feature var='{each}'/>" for each in self.features)
            rows += "<identity category='pubsub' type='pep'/>" if self.pep else ""
            return f"<query xmlns='http://jabber.org/protocol/disco#info'>{rows}</query>"
        if name == "query":
            rows = "".join(f"<item jid='a@x' node='{each}'/>" for each in self.nodes)
            return f"<query xmlns='http://jabber.org/protocol/disco#items'>{rows}</query>"
        action = payload[0]
        node = action.get("node")
        if action.tag.endswith("publish"):
            self.log.append(node)
            values = [each.text for each in payload.iter("{jabber:x:data}value")]
            self.options[node] = values
            if not self.deaf:
                self.items[node] = (action[0].get("id"), _text(action[0][0]))
            return ""
        if action.tag.endswith("retract"):
            self.log.append("retract")
            return "" if self.items.pop(node, None) else "!item-not-found"
        if node not in self.items:
            return "!item-not-found"
        id, text = self.items[node]
        items = f"<items node='{node}'><item id='{id}'>{text}</item></items>"
        return f"<pubsub xmlns='{PS}'>{items}</pubsub>"

    def publish(self, **more):
        options = {"url": None, "access": None, "reconfigure": False, "vcard": True, **more}
        return self.run(lambda s: avatar.publish(s, PNG, **options))


def _text(element):
    from xmppctl.session.xml import serialise

    return serialise(element, "")


def test_data_come_before_metadata():
    account = Account()
    record = account.publish()
    assert account.log == [avatar.NS_DATA, avatar.NS_METADATA]
    assert (record.id, record.source, record.width) == (SHA1, "pep", 1)
    assert {id for id, _ in account.items.values()} == {SHA1}
    (info,) = parse(account.items[avatar.NS_METADATA][1])
    assert info.attrib == {"bytes": str(len(PNG)), "id": SHA1, "type": "image/png", "height": "1",
                           "width": "1"}  # fmt: skip
    assert "open" in account.options[avatar.NS_DATA]


def test_nodes_that_are_there_stay_as_they_are():
    account = Account(avatar.NS_DATA, avatar.NS_METADATA)
    account.publish()
    assert account.options == {avatar.NS_DATA: [], avatar.NS_METADATA: []}
    account.publish(access="presence")
    assert "presence" in account.options[avatar.NS_METADATA]


def test_the_vcard_is_written_where_the_server_does_not_do_it():
    account = Account(converts=False)
    account.publish()
    assert account.log == [avatar.NS_DATA, avatar.NS_METADATA, "vCard"]
    assert base64.b64encode(PNG).decode() in account.card
    assert "<FN>A</FN>" in account.card
    account = Account(converts=False)
    account.publish(vcard=False)
    assert "vCard" not in account.log


def test_a_picture_that_is_at_a_url_too():
    account = Account()
    assert account.publish(url=("https://x.test/a.gif", b"GIF89a\x02\x00\x03\x00")).url
    here, there = parse(account.items[avatar.NS_METADATA][1])
    assert "url" not in here.attrib
    assert (there.get("url"), there.get("type")) == ("https://x.test/a.gif", "image/gif")
    assert (there.get("width"), there.get("height"), there.get("bytes")) == ("2", "3", "10")
    assert there.get("id") != SHA1


def test_an_avatar_that_is_not_kept():
    with pytest.raises(RefusedError) as caught:
        Account(deaf=True).publish()
    assert caught.value.condition in ("not-applied", "item-not-found")


def test_a_server_without_avatars():
    account = Account(pep=False)
    with pytest.raises(UnsupportedError):
        account.publish()
    assert account.log == []


def test_removing():
    account = Account()
    account.publish()
    account.card = CARD
    record = account.run(lambda s: avatar.remove(s, if_exists=False))
    assert (record.source, record.id) == (None, None)
    assert account.log[2:] == [avatar.NS_METADATA, "retract", "vCard"]
    assert len(parse(account.items[avatar.NS_METADATA][1])) == 0
    assert "PHOTO" not in account.card
    with pytest.raises(RefusedError) as caught:
        account.run(lambda s: avatar.remove(s, if_exists=False))
    assert caught.value.condition == "item-not-found"
    account.run(lambda s: avatar.remove(s, if_exists=True))


def test_a_limit_that_the_server_tells():
    account = Account()
    account.session.features = parse(
        "<f xmlns='x'><limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>1050</max-bytes>"
        "</limits></f>"
    )
    with pytest.raises(RefusedError) as caught:
        account.publish()
    assert (caught.value.condition, caught.value.limit) == ("file-too-large", 1050)
    assert account.log == []
    with largestanza.explained(account.session, 10, "it", "x"):
        pass
