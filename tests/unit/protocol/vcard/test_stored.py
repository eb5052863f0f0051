"""Cards as servers keep them, and what they do to them."""

from xml.etree.ElementTree import tostring

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.vcard import NS_4, edit, record, stored
from xmppctl.session.xml import parse

PS = "http://jabber.org/protocol/pubsub"
BOB = jid("bob@x.test")
INFO = "<info xmlns='urn:xmpp:avatar:metadata' id='11' bytes='3' type='image/png' {}/>"
URL = f"<metadata xmlns='urn:xmpp:avatar:metadata'>{INFO.format('url=' + repr('https://x/'))}</metadata>"
HERE = f"<metadata xmlns='urn:xmpp:avatar:metadata'>{INFO.format('')}</metadata>"
DATA = "<data xmlns='urn:xmpp:avatar:data'>AAAA</data>"


class Server(Answering):
    """Keeps a vCard and nodes; ``on_set`` does what a server does with a vCard that is set."""

    def __init__(self, card="<vCard xmlns='vcard-temp'/>", on_set=None, **nodes):
        super().__init__(self._answer)
        self.card = card
        self.on_set = on_set
        self.nodes = {stored.METADATA: None, stored.NODE: None, stored.DATA: None}
        self.nodes |= {getattr(stored, name): text for name, text in nodes.items()}
        self.log = []

    def _answer(self, iq):
        payload = iq[0]
        if payload.tag == "{vcard-temp}vCard":
            if iq.get("type") == "get":
                return self.card
            self.log.append("vCard")
            self.card = tostring(payload, encoding="unicode")
            if self.on_set is not None:
                self.on_set(self)
            return ""
        if payload.tag != f"{{{PS}}}pubsub":
            return "!service-unavailable"
        node = payload[0].get("node")
        if payload[0].tag == f"{{{PS}}}publish":
            self.log.append(node)
            self.nodes[node] = tostring(payload[0][0][0], encoding="unicode")
            return ""
        if self.nodes[node] is None:
            return "!item-not-found"
        items = f"<items node='{node}'><item id='1'>{self.nodes[node]}</item></items>"
        return f"<pubsub xmlns='{PS}'>{items}</pubsub>"

    def change(self, *changes, **more):
        return self.run(lambda s: stored.change(s, lambda c: edit.apply(c, changes), **more))


def test_the_card_of_somebody():
    card = "<vCard xmlns='vcard-temp'><FN>Bob</FN></vCard>"
    server = Server(card)
    (found,) = server.run(lambda s: stored.fetch(s, BOB, 3))
    assert (found.name, found.text) == ("fn", "Bob")
    assert server.sent[0].get("to") == "bob@x.test"
    for nothing in ("", "<vCard xmlns='vcard-temp'/>", "!item-not-found",
                    "<vCard xmlns='vcard-temp'><FN/><N><FAMILY/></N></vCard>"):  # fmt: skip
        with pytest.raises(RefusedError) as caught:
            Server(nothing).run(lambda s: stored.fetch(s, BOB, 3))
        assert caught.value.condition == "item-not-found"
    with pytest.raises(RefusedError) as caught:
        Server("<other xmlns='x'/>").run(lambda s: stored.fetch(s, BOB, 3))
    assert caught.value.condition == "malformed-answer"


def test_who_has_no_vcards():
    with pytest.raises(UnsupportedError):
        Server("!service-unavailable").run(lambda s: stored.fetch(s, None, 3))
    with pytest.raises(RefusedError):  # it may as well be an account that does not exist
        Server("!service-unavailable").run(lambda s: stored.fetch(s, BOB, 3))


@pytest.mark.parametrize(
    ("pep", "iq", "name"),
    [("p", "!service-unavailable", "p"), ("!forbidden", "i", "i"), ("p", "i", "p"),
     ("!forbidden", "!item-not-found", None), ("", "!service-unavailable", None),
     ("!service-unavailable", "!service-unavailable", "unsupported")],
)  # fmt: skip
def test_a_vcard4_by_pep_or_by_a_request(pep, iq, name):
    def text(fn):
        return f"<vcard xmlns='{NS_4}'><fn><text>{fn}</text></fn></vcard>"

    def answer(stanza):
        by_iq = stanza[0].tag == f"{{{NS_4}}}vcard"
        told = iq if by_iq else pep
        if told.startswith("!"):
            return told
        if by_iq:
            return text(told)
        items = f"<item id='1'>{text(told)}</item>" if told else ""
        return f"<pubsub xmlns='{PS}'><items node='{stored.NODE}'>{items}</items></pubsub>"

    def ask():
        return Answering(answer).run(lambda s: stored.fetch(s, BOB, 4))

    if name is None:
        with pytest.raises(RefusedError) as caught:
            ask()
        assert caught.value.condition == "item-not-found"
    elif name == "unsupported":
        with pytest.raises(UnsupportedError):
            ask()
    else:
        assert ask()[0].text == name


def test_nothing_is_sent_where_it_is_so_already():
    server = Server("<vCard xmlns='vcard-temp'><FN>A</FN></vCard>")
    assert server.change(("fn", "A")).lost == []
    assert server.log == []


def test_what_the_server_does_not_keep_is_told():
    def forgets(server):
        server.card = "<vCard xmlns='vcard-temp'><FN>A</FN></vCard>"

    server = Server("<vCard xmlns='vcard-temp'><UID>7</UID></vCard>", forgets)
    found = server.change(("fn", "A"), ("nickname", "N"))
    assert found.lost == ["uid", "nickname"]
    assert record.unkept(found.wanted, found.card, found.lost, {"fn", "nickname"}) == ["nickname"]
    assert record.unkept(found.wanted, found.card, found.lost, {"fn"}) == []


def test_an_avatar_that_the_server_takes_away_is_put_back():
    """As both servers do where the vCard has no picture."""

    def purge(server):
        server.nodes[stored.METADATA] = server.nodes[stored.DATA] = None

    for before, log in ((URL, [stored.METADATA]), (HERE, [stored.DATA, stored.METADATA])):
        server = Server(on_set=purge, METADATA=before, DATA=DATA)
        server.change(("fn", "A"))
        assert server.log == ["vCard", *log]
        assert parse(server.nodes[stored.METADATA])[0].get("id") == "11"
        if before is HERE:
            assert parse(server.nodes[stored.DATA]).text == "AAAA"


def test_an_avatar_is_not_put_back_where_another_picture_is_wanted():
    def purge(server):
        server.nodes[stored.METADATA] = "<metadata xmlns='urn:xmpp:avatar:metadata'/>"

    server = Server(on_set=purge, METADATA=HERE)
    server.change(("photo", "data:image/png;base64,AAAA"))
    server.change(("photo", ""))
    assert server.log == ["vCard", "vCard"]
    server = Server(on_set=purge, METADATA=HERE)
    server.change(("fn", "A"), whole=True)
    assert server.log == ["vCard"]


def test_a_vcard4_that_the_server_makes_anew_keeps_what_it_had():
    def convert(server):
        server.nodes[stored.NODE] = (
            f"<vcard xmlns='{NS_4}'><fn><text>B</text></fn>"
            "<tel><parameters><type/></parameters><uri>tel:1</uri></tel></vcard>"
        )

    old = (
        f"<vcard xmlns='{NS_4}'><fn><text>A</text></fn><tel><parameters><type><text>cell</text>"
        "</type></parameters><uri>tel:1</uri></tel><thing xmlns='urn:x'/></vcard>"
    )
    server = Server("<vCard xmlns='vcard-temp'><FN>A</FN></vCard>", convert, NODE=old)
    server.change(("fn", "B"))
    kept = parse(server.nodes[stored.NODE])
    assert kept.find("{urn:x}thing") is not None
    assert kept.findtext(f".//{{{NS_4}}}fn/{{{NS_4}}}text") == "B"
    assert kept.findtext(f".//{{{NS_4}}}type/{{{NS_4}}}text") == "cell"
    # where nothing is lost, nothing is published
    plain = f"<vcard xmlns='{NS_4}'><fn><text>A</text></fn><tel><uri>tel:1</uri></tel></vcard>"
    server = Server("<vCard xmlns='vcard-temp'><FN>A</FN></vCard>", convert, NODE=plain)
    server.change(("fn", "B"))
    assert server.log == ["vCard"]


def test_a_card_that_stays():
    def stubborn(server):
        server.card = "<vCard xmlns='vcard-temp'><FN>A</FN></vCard>"

    with pytest.raises(RefusedError) as caught:
        Server("<vCard xmlns='vcard-temp'><FN>A</FN></vCard>", stubborn).run(
            lambda s: stored.remove(s, 3, if_exists=False)
        )
    assert caught.value.condition == "not-applied"
