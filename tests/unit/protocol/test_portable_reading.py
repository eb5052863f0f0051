"""Files of XEP-0227: the XEP's own examples, those of servers, and such as nobody should write."""

from __future__ import annotations

import pytest

from xmppctl.model.portable import Wanted
from xmppctl.model.rosterfile import BadEntry
from xmppctl.protocol.portable import nodes, reading, writing
from xmppctl.protocol.portable.content import Content
from xmppctl.protocol.portable.reading import Account, Include, Piece, Place, Reader
from xmppctl.session.xml import MAX_DEPTH, MAX_ELEMENT_BYTES, XmlError, parse

PIE = "urn:xmpp:pie:0"
XI = "xmlns:xi='http://www.w3.org/2001/XInclude'"
JULIET = Place("capulet.com", "juliet")

EXAMPLE = b"""<?xml version='1.0' encoding='UTF-8'?>
<server-data xmlns='urn:xmpp:pie:0'>
  <other xmlns='urn:example'><user/></other>
  <host jid='montague.net'><user name='romeo' password='secret'><vCard xmlns='vcard-temp'>
    <FN>Romeo</FN></vCard></user></host>
  <host jid='capulet.com'>
    <!-- a comment -->
    <user name='juliet'>
      <scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'/>
      <offline-messages>
        <message xmlns='jabber:client' from='romeo@montague.net/orchard' type='chat'>
          <body>Neither, fair saint, if either thee dislike.</body></message>
        <message xmlns='jabber:client'/>
      </offline-messages>
      <query xmlns='jabber:iq:roster'>
        <item jid='romeo@montague.net' name='Romeo' subscription='both'>
          <group>Friends</group></item>
        <item jid='nurse@capulet.com'/>
        <item jid='@'/>
        <item jid='x@y' subscription='remove'/>
      </query>
      <query xmlns='jabber:iq:private'>
        <exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus></query>
      <vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN></vCard>
      <query xmlns='jabber:iq:privacy'>
        <default name='public'/>
        <list name='public'>
          <item type='jid' value='tybalt@example.com' action='deny' order='1'/>
          <item type='jid' value='half@example.com' action='deny' order='2'><message/></item>
          <item action='allow' order='3'/>
        </list>
        <list name='private'><item type='jid' value='a@b' action='deny' order='1'/></list>
      </query>
      <presence xmlns='jabber:client' type='subscribe' from='mercutio@montague.net'/>
      <pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>
        <configure node='urn:xmpp:bookmarks:1'><x xmlns='jabber:x:data' type='form'>
          <field var='FORM_TYPE' type='hidden'>
            <value>http://jabber.org/protocol/pubsub#node_config</value></field>
          <field var='pubsub#access_model'><value>whitelist</value></field></x></configure>
        <affiliations node='urn:xmpp:bookmarks:1'>
          <affiliation jid='mercutio@example.net' affiliation='member'/></affiliations>
        <subscriptions node='urn:xmpp:bookmarks:1'>
          <subscription jid='mercutio@example.net' subscription='subscribed'/></subscriptions>
        <configure/>
      </pubsub>
      <pubsub xmlns='http://jabber.org/protocol/pubsub'>
        <items node='urn:xmpp:bookmarks:1'><item id='theplay@conference.shakespeare.lit'>
          <conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'><nick>Romeo</nick></conference>
        </item></items>
      </pubsub>
      <archive xmlns='urn:xmpp:pie:0#mam'>
        <result xmlns='urn:xmpp:mam:2' id='28482-98726-73623'/>
        <result xmlns='urn:xmpp:mam:2' id='5d398-28273-f7382'/>
      </archive>
      <new xmlns='urn:example'/>
    </user>
  </host>
</server-data>
"""


def events(data, wants=lambda place: place == JULIET, place=None, step=None):
    reader = Reader(wants, place)
    found = []
    for begin in range(0, len(data), step or len(data) or 1):
        found += reader.feed(data[begin : begin + (step or len(data))])
    return found + reader.feed(b"", last=True)


@pytest.mark.parametrize("step", [None, 1, 7])
def test_an_account_among_several(step):
    found = events(EXAMPLE, step=step)
    assert [each.place for each in found if isinstance(each, Account)] == [
        Place("montague.net", "romeo"),
        JULIET,
    ]
    content = Content("juliet@capulet.com")
    for each in found:
        if isinstance(each, Piece):
            assert each.place == JULIET
            content.take(each)
    assert (content.offline, content.archived, content.requests) == (2, 2, 1)
    good = [each for each in content.entries() if not isinstance(each, BadEntry)]
    assert [(each.jid, each.name, each.groups, each.subscription) for each in good] == [
        ("romeo@montague.net", "Romeo", ("Friends",), "both"),
        ("nurse@capulet.com", None, None, "none"),
    ]
    assert [each.text for each in content.entries() if isinstance(each, BadEntry)] == ["@"]
    assert [each.tag for each in content.private] == ["{exodus:prefs}exodus"]
    assert content.vcard is not None
    assert content.vcard[0].text == "Juliet Capulet"
    assert (content.blocked, content.rules) == (["tybalt@example.com"], 3)
    assert dict(content.others) == {
        "{urn:example}new": 1,
        "{http://jabber.org/protocol/pubsub#owner}configure": 1,
    }
    node = content.nodes["urn:xmpp:bookmarks:1"]
    assert nodes.value(node.configuration(), "access_model") == "whitelist"
    assert (len(node.items), len(node.affiliations), len(node.subscriptions)) == (1, 1, 1)


def test_nothing_is_kept_of_others():
    assert not [each for each in events(EXAMPLE, lambda _: False) if isinstance(each, Piece)]


def test_the_layout_of_several_files():
    main = f"<server-data xmlns='{PIE}' {XI}><xi:include href='capulet.com.xml'/></server-data>"
    assert events(main.encode()) == [Include(Place(), "capulet.com.xml")]
    host = (
        f"<host xmlns='{PIE}' {XI} jid='capulet.com'><xi:include href='capulet.com/juliet.xml'/>"
        "</host>"
    )
    assert events(host.encode(), place=Place()) == [
        Include(Place("capulet.com"), "capulet.com/juliet.xml")
    ]
    user = (
        f"<user xmlns='{PIE}' {XI} name='juliet'><vCard xmlns='vcard-temp'><FN>J</FN>"
        "<xi:include href='opaque'/></vCard><xi:include href='more.xml'/></user>"
    )
    account, card, include = events(user.encode(), place=Place("capulet.com"))
    assert account == Account(JULIET)
    # what is deeper is the user's own (§4)
    assert card.element[1].tag == "{http://www.w3.org/2001/XInclude}include"
    assert include == Include(JULIET, "more.xml")
    (piece,) = events(b"<vCard xmlns='vcard-temp'><FN>J</FN></vCard>", place=JULIET)
    assert (piece.place, piece.element.tag) == (JULIET, "{vcard-temp}vCard")
    # a host's file is a file too
    assert events(host.encode()) == [Include(Place("capulet.com"), "capulet.com/juliet.xml")]


def inside(text):
    return (
        f"<server-data xmlns='{PIE}' {XI}><host jid='capulet.com'><user name='juliet'>{text}"
        "</user></host></server-data>"
    ).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE server-data SYSTEM 'http://x.test/'><server-data xmlns='urn:xmpp:pie:0'/>",
        b"<!DOCTYPE s [<!ENTITY a 'aaaaaaaaaa'>]><server-data xmlns='urn:xmpp:pie:0'>&a;"
        b"</server-data>",
        b"<?xml version='1.0' encoding='x-unknown'?><server-data xmlns='urn:xmpp:pie:0'/>",
        b"<?xml version='1.0' encoding='shift_jis'?><server-data xmlns='urn:xmpp:pie:0'/>",
        b"<server-data/>",
        b"<user xmlns='urn:xmpp:pie:0' name='x'/>",
        b"",
        b"<server-data xmlns='urn:xmpp:pie:0'>",
        inside("<a>" * (MAX_DEPTH + 1)),
        inside("<xi:include href='a' parse='text'/>"),
        inside("<xi:include href='a' xpointer='b'/>"),
        inside("<xi:include/>"),
        inside("<a>&undeclared;</a>"),
    ],
)
def test_what_is_no_such_file(data):
    with pytest.raises(XmlError):
        events(data)


def test_a_piece_has_a_limit():
    reader = Reader(lambda _: True)
    reader.feed(inside("<a>")[: -len("</user></host></server-data>")])
    with pytest.raises(XmlError, match="bytes"):
        for _ in range(MAX_ELEMENT_BYTES // 65536 + 2):
            reader.feed(b"x" * 65536)


def test_what_prosody_writes():
    """As mod_storage_xep0227 of Prosody 0.12 does: fields without values, no owner element."""
    data = (
        b"<server-data xmlns='urn:xmpp:pie:0'><host jid='capulet.com'><user name='juliet' "
        b"xmlns:ns1='http://prosody.im/protocol/extended-xep0227' ns1:created='1' password='x'>"
        b"<query xmlns='jabber:iq:roster' version='3'><item jid='romeo@montague.net' "
        b"subscription='none' ask='subscribe'/></query>"
        b"<presence type='subscribe' xmlns='jabber:client' from='mercutio@montague.net'/>"
        b"<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='n'>"
        b"<x type='submit' xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>"
        b"http://jabber.org/protocol/pubsub#node_config</value></field>"
        b"<field var='pubsub#title'/></x></configure></pubsub>"
        b"<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='m'><item id='i'/></items>"
        b"</pubsub></user></host></server-data>"
    )
    content = Content("juliet@capulet.com")
    for each in events(data):
        if isinstance(each, Piece):
            content.take(each)
    assert content.requests == 1
    assert content.entries()[0].ask == "subscribe"
    assert nodes.value(content.nodes["n"].configuration(), "access_model") is None
    assert content.nodes["m"].configuration() is None
    assert dict(content.others) == {}


def test_what_is_written_is_read():
    message = parse(
        "<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client'><body>&lt;&amp;'\"\u00e4</body></message></forwarded>"
        "</result>"
    )
    text = (
        writing.begin("o'neill@x.test")
        + writing.element(parse("<vCard xmlns='vcard-temp'><FN>a</FN></vCard>"))
        + writing.container(reading.OFFLINE, [parse("<message xmlns='jabber:client'/>")])
        + writing.BEGIN_ARCHIVE
        + writing.result(message)
        + writing.END_ARCHIVE
        + writing.END
    )
    found = [each for each in events(text.encode(), lambda _: True) if isinstance(each, Piece)]
    assert found[0].place == Place("x.test", "o'neill")
    assert [each.element.tag.rpartition("}")[2] for each in found] == ["vCard", "message", "result"]
    assert found[2].element.attrib == {"id": "1"}
    assert message.get("queryid") == "q"
    assert found[2].element[0][0][0].text == "<&'\"\u00e4"


def test_which_parts_are_wanted():
    everything = Wanted()
    assert everything.private("storage:bookmarks")
    assert everything.node("urn:xmpp:bookmarks:1")
    assert everything.whole
    bookmarks = Wanted(frozenset({"bookmarks"}))
    assert bookmarks.has("private")
    assert bookmarks.has("pep")
    assert not bookmarks.has("roster")
    assert bookmarks.private("storage:bookmarks")
    assert not bookmarks.private("storage:rosternotes")
    assert not bookmarks.node("urn:xmpp:avatar:data")
    without = Wanted(frozenset({"private", "pep"}), frozenset({"bookmarks"}))
    assert without.private("storage:rosternotes")
    assert not without.private("storage:bookmarks")
    assert Wanted(frozenset({"private"})).private("storage:bookmarks")
