"""The XML of vcard-temp (XEP-0054) and of vCard4 (XEP-0292), and changes that keep the rest."""

import base64
from xml.etree.ElementTree import fromstring

from xmppctl.protocol.vcard import NS_4, Property, edit, is_empty, record, temp, xcard
from xmppctl.session.xml import serialise

PNG = b"\x89PNG\r\n\x1a\nrest"

# XEP-0054, example 2
STPETER = fromstring("""<vCard xmlns='vcard-temp'>
    <FN>Peter Saint-Andre</FN>
    <N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN><MIDDLE/></N>
    <NICKNAME>stpeter</NICKNAME>
    <URL>http://www.xmpp.org/xsf/people/stpeter.shtml</URL>
    <BDAY>1966-08-06</BDAY>
    <ORG><ORGNAME>XMPP Standards Foundation</ORGNAME><ORGUNIT/></ORG>
    <TITLE>Executive Director</TITLE>
    <ROLE>Patron Saint</ROLE>
    <TEL><WORK/><VOICE/><NUMBER>303-308-3282</NUMBER></TEL>
    <TEL><WORK/><FAX/><NUMBER/></TEL>
    <ADR><WORK/><EXTADD>Suite 600</EXTADD><STREET>1899 Wynkoop Street</STREET>
      <LOCALITY>Denver</LOCALITY><REGION>CO</REGION><PCODE>80202</PCODE><CTRY>USA</CTRY></ADR>
    <EMAIL><INTERNET/><PREF/><USERID>stpeter@jabber.org</USERID></EMAIL>
    <JABBERID>stpeter@jabber.org</JABBERID>
    <DESC>More information about me</DESC>
  </vCard>""")

# of XEP-0292, example 2
FOUR = fromstring(f"""<vcard xmlns='{NS_4}'>
  <fn><text>Peter Saint-Andre</text></fn>
  <n><surname>Saint-Andre</surname><given>Peter</given><additional/></n>
  <nickname><text>stpeter</text></nickname><nickname><text>psa</text></nickname>
  <photo><uri>https://stpeter.im/images/stpeter_oscon.jpg</uri></photo>
  <bday><date>1966-08-06</date></bday>
  <adr><parameters><type><text>work</text><text>voice</text></type>
    <pref><integer>1</integer></pref></parameters>
    <ext>Suite 600</ext><street>1899 Wynkoop Street</street></adr>
  <tel><parameters><type><text>work</text></type></parameters><uri>tel:+1-303-308-3282</uri></tel>
  <org><parameters><type><text>work</text></type></parameters><text>XSF</text></org>
  <gender><sex><text>M</text></sex></gender>
  <lang><parameters><pref>1</pref></parameters><language-tag>en</language-tag></lang>
  <impp><uri>xmpp:stpeter@jabber.org</uri></impp>
  <thing xmlns='urn:example'><part/></thing>
</vcard>""")


def shown(card):
    return record.describe(card, "stpeter@jabber.org", 3)


def xml(card, write=temp.write):
    return serialise(write(card), "")


def test_vcard_temp():
    card = shown(temp.read(STPETER))
    assert (card.fn, card.nickname, card.org) == (
        "Peter Saint-Andre", "stpeter", "XMPP Standards Foundation",
    )  # fmt: skip
    assert (card.n.family, card.n.given, card.n.middle) == ("Saint-Andre", "Peter", None)
    assert (card.email, card.tel) == (["stpeter@jabber.org"], ["303-308-3282"])
    assert card.impp == ["xmpp:stpeter@jabber.org"]
    assert (card.note, card.bday) == ("More information about me", "1966-08-06")
    assert card.adr[0].types == ["work"]
    assert str(card.adr[0]) == "1899 Wynkoop Street, Suite 600, Denver, CO, 80202, USA"
    (email,) = (each for each in card.properties if each.name == "email")
    assert email.parameters == {"pref": ["1"]}


def test_vcard4():
    card = record.describe(xcard.read(FOUR), "x", 4)
    assert (card.nickname, card.tel, card.org) == ("stpeter,psa", ["+1-303-308-3282"], "XSF")
    assert card.photo.url == "https://stpeter.im/images/stpeter_oscon.jpg"
    assert card.photo.sha1 is None
    found = {each.name: each for each in card.properties}
    assert found["adr"].parameters == {"type": ["work", "voice"], "pref": ["1"]}
    assert found["lang"].parameters == {"pref": ["1"]}
    assert found["xml"].values == ["<thing xmlns='urn:example'><part/></thing>"]
    assert "gender" not in found  # its part is no text as RFC 6351 has it: it is kept as it is


def test_a_change_leaves_the_rest_alone():
    for source, read, write in ((STPETER, temp.read, temp.write), (FOUR, xcard.read, xcard.write)):
        card = edit.apply(read(source), [("fn", "Peter"), ("email", ["x@x.test"])])
        result = write(card)
        left = [serialise(each, "") for each in source if not each.tag.lower().endswith("}fn")]
        after = [serialise(each, "") for each in result]
        assert {each for each in left if "<email" not in each.lower()} <= set(after)
        assert record.describe(card, "", 4).fn == "Peter"
        assert record.describe(card, "", 4).email == ["x@x.test"]


def test_what_is_there_keeps_its_parameters():
    card = edit.apply(temp.read(STPETER), [
        ("email", ["a@x.test", "stpeter@jabber.org"]), ("tel", ["303 308 3282"])])  # fmt: skip
    assert "<EMAIL><INTERNET/><PREF/><USERID>stpeter@jabber.org</USERID></EMAIL>" in xml(card)
    assert "<EMAIL><INTERNET/><USERID>a@x.test</USERID></EMAIL>" in xml(card)
    assert "<TEL><WORK/><VOICE/><NUMBER>303-308-3282</NUMBER></TEL>" in xml(card)
    assert "FAX" not in xml(card)


def test_names_titles_and_notes():
    card = edit.apply(temp.read(STPETER), [("given", "P."), ("note", "new"), ("title", "")])
    assert shown(card).n.given == "P."
    assert shown(card).n.family == "Saint-Andre"
    assert "<DESC>new</DESC>" in xml(card)
    assert "TITLE" not in xml(card)
    assert shown(edit.apply([], [("family", "F")])).n.family == "F"
    assert edit.apply(temp.read(STPETER), [("org", "XMPP Standards Foundation")]) == temp.read(
        STPETER
    )


def test_a_card_that_says_nothing():
    # what Prosody answers after one was removed
    text = "<vCard xmlns='vcard-temp'><FN/><N><FAMILY/><GIVEN/></N><PHOTO/></vCard>"
    assert is_empty(temp.read(fromstring(text)))
    assert not is_empty(temp.read(STPETER))


def test_a_picture():
    lines = base64.encodebytes(PNG * 20).decode()
    text = f"<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>\n {lines} </BINVAL></PHOTO>"
    card = temp.read(fromstring(f"<vCard xmlns='vcard-temp'>{text}</vCard>"))
    assert record.photo(card) == PNG * 20
    photo = shown(card).photo
    assert (photo.type, photo.bytes) == ("image/png", len(PNG) * 20)
    assert shown(card).properties[0].values is None
    for text in ("<PHOTO><BINVAL>no base64!</BINVAL></PHOTO>",
                 "<PHOTO><EXTVAL>https://x.test/</EXTVAL></PHOTO>", "<PHOTO/>"):  # fmt: skip
        card = temp.read(fromstring(f"<vCard xmlns='vcard-temp'>{text}</vCard>"))
        assert record.photo(card) is None
        assert serialise(temp.write(card)[0], "vcard-temp") == text
    four = f"<photo><uri>data:image/png;base64,{lines}</uri></photo>"
    assert record.photo(xcard.read(fromstring(f"<vcard xmlns='{NS_4}'>{four}</vcard>"))) == PNG * 20


def test_what_vcard_temp_has_in_another_way():
    card = [
        Property("impp", ("xmpp:a@x.test",), "uri"), Property("geo", ("geo:1.5,-2",), "uri"),
        Property("categories", ("a", "b")), Property("class", ("public",)),
        Property("label", ("one\ntwo",)), Property("key", ("abc",), "text"),
        Property("sound", ("data:audio/basic;base64,AAAA",), "uri"),
        Property("tel", ("tel:+1-2",), "uri", {"type": ["cell"], "pref": ["1"]}),
    ]  # fmt: skip
    assert xml(card) == (
        "<vCard xmlns='vcard-temp'><JABBERID>a@x.test</JABBERID>"
        "<GEO><LAT>1.5</LAT><LON>-2</LON></GEO>"
        "<CATEGORIES><KEYWORD>a</KEYWORD><KEYWORD>b</KEYWORD></CATEGORIES>"
        "<CLASS><PUBLIC/></CLASS><LABEL><LINE>one</LINE><LINE>two</LINE></LABEL>"
        "<KEY><CRED>abc</CRED></KEY><SOUND><BINVAL>AAAA</BINVAL></SOUND>"
        "<TEL><CELL/><PREF/><NUMBER>+1-2</NUMBER></TEL></vCard>"
    )


def test_numbers_and_dates_of_vcard4():
    card = [Property("tel", ("+49 30 1",)), Property("bday", ("1966-08-06",), "date-and-or-time"),
            Property("desc", ("d",))]  # fmt: skip
    assert xml(card, xcard.write) == (
        f"<vcard xmlns='{NS_4}'><tel><uri>tel:+49-30-1</uri></tel>"
        "<bday><date>1966-08-06</date></bday><note><text>d</text></note></vcard>"
    )


def test_merging():
    text = "<FN>a</FN><X><Y/></X><PHOTO><EXTVAL>u</EXTVAL></PHOTO><EMAIL><USERID>a</USERID></EMAIL>"
    old = temp.read(fromstring(f"<vCard xmlns='vcard-temp'>{text}</vCard>"))
    new = [Property("email", ("b",)), Property("email", ("c",)), Property("note", ("n",))]
    merged = edit.merge(old, new)
    assert [(each.name, each.text[:1]) for each in merged] == [
        ("fn", "a"), ("xml", "<"), ("photo", "u"), ("email", "b"), ("email", "c"), ("note", "n"),
    ]  # fmt: skip
    assert edit.merge(old, [old[1]]) == [old[0], old[2], old[3], old[1]]


def test_a_picture_that_cannot_be_read_is_told_as_that():
    card = [Property("photo", ("data:image/png;base64,@@@",), "uri")]
    photo = record.describe(card, "a@b.test", 4).photo
    assert (str(photo), photo.bytes) == ("unreadable", None)
