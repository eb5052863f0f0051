"""Files as other programs write them: vCard 2.1, 3.0 and 4.0."""

import base64

import pytest

from xmppctl.protocol.vcard import Property, forms, record, temp, text
from xmppctl.session.xml import serialise

PNG = b"\x89PNG\r\n\x1a\nrest"


def read(*lines, end="\r\n"):
    return text.read(end.join(["BEGIN:VCARD", *lines, "END:VCARD", ""]).encode())


def test_rfc_6350():
    card = read(
        "VERSION:4.0", "FN:Simon Perreault", "N:Perreault;Simon;;;ing. jr,M.Sc.",
        "BDAY:--0203", "GENDER:M", "LANG;PREF=1:fr", "ORG;TYPE=work:Viagenie",
        "ADR;TYPE=work:;Suite D2-630;2875 Laurier;", " Quebec;QC;G1V 2M2;Canada",
        'TEL;VALUE=uri;TYPE="work,voice";PREF=1:tel:+1-418-656-9254;ext=102',
        "EMAIL;TYPE=work:simon.perreault@viagenie.ca", "GEO;TYPE=work:geo:46.772673,-71.282945",
        "item1.KEY;TYPE=work;VALUE=uri:", "  http://www.viagenie.ca/simon.perreault/simon.asc",
    )  # fmt: skip
    found = {each.name: each for each in card}
    assert found["n"].values == (["Perreault", "Simon", "", "", ["ing. jr", "M.Sc."]],)
    assert found["tel"] == Property(
        "tel", ("tel:+1-418-656-9254;ext=102",), "uri", {"type": ["work", "voice"], "pref": ["1"]}
    )
    assert found["adr"].values == (
        ["", "Suite D2-630", "2875 Laurier", "Quebec", "QC", "G1V 2M2", "Canada"],
    )
    assert found["key"].group == "item1"
    assert found["key"].text == "http://www.viagenie.ca/simon.perreault/simon.asc"
    (email,) = (each for each in card if each.name == "email")
    assert serialise(temp.write([email])[0], "vcard-temp") == (
        "<EMAIL><WORK/><INTERNET/><USERID>simon.perreault@viagenie.ca</USERID></EMAIL>"
    )
    shown = record.describe(card, "a@x.test", 4)
    assert (shown.fn, shown.org, shown.bday) == ("Simon Perreault", "Viagenie", "--0203")
    assert shown.tel == ["+1-418-656-9254;ext=102"]
    assert shown.adr[0].types == ["work"]
    assert str(shown.n) == "Simon Perreault ing. jr,M.Sc."


def test_version_3():
    photo = base64.b64encode(PNG * 9).decode()
    card = read(
        "VERSION:3.0", "fn:Frank\\, Dawson", "TEL;TYPE=VOICE,MSG,WORK,PREF:+1-919-676-9515",
        "NOTE:one\\ntwo\\; three\\\\", f"PHOTO;ENCODING=b;TYPE=JPEG:{photo[:20]}",
        f" {photo[20:]}", "GEO:37.386013;-122.082932", "X-ABLabel:_$!<HomePage>!$_",
        end="\n",
    )  # fmt: skip
    found = {each.name: each for each in card}
    assert found["fn"].text == "Frank, Dawson"
    assert found["note"].text == "one\ntwo; three\\"
    assert found["tel"].params == {"type": ["voice", "msg", "work"], "pref": ["1"]}
    assert found["geo"].text == "geo:37.386013,-122.082932"
    assert record.photo(card) == PNG * 9
    assert record.describe(card, "", 3).photo.type == "image/png"  # whatever it says
    assert found["x-ablabel"] == Property("x-ablabel", ("_$!<HomePage>!$_",), "unknown")
    assert forms.read(text.write(card, 3).encode()) == card
    assert "TEL;TYPE=voice,msg,work,pref:+1-919-676-9515\r\n" in text.write(card, 3)


def test_version_2_1():
    lines = ["BEGIN:VCARD", "VERSION:2.1", "N;CHARSET=ISO-8859-1:M\xfcller;J\xf6rg",
             "FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:J=C3=B6rg =", "M=C3=BCller",
             "TEL;HOME;VOICE:123", "PHOTO;JPEG;BASE64:", f" {base64.b64encode(PNG).decode()}", "",
             "END:VCARD"]  # fmt: skip
    card = text.read("\r\n".join(lines).encode("latin-1"))
    assert card[0].parts[:2] == ["Müller", "Jörg"]
    assert card[1].text == "Jörg Müller"
    assert card[2].params == {"type": ["home", "voice"]}
    assert record.photo(card) == PNG


def test_utf_16_and_a_mark_of_utf_8():
    data = "BEGIN:VCARD\r\nFN:Zoë\r\nEND:VCARD\r\n"
    for coding in ("utf-16", "utf-8-sig"):
        assert forms.read(data.encode(coding))[0].text == "Zoë"


def test_a_line_that_is_folded_inside_a_character():
    data = "BEGIN:VCARD\r\nFN:Zoë\r\nEND:VCARD\r\n".encode()
    place = data.index("ë".encode()) + 1
    assert text.read(data[:place] + b"\r\n " + data[place:])[0].text == "Zoë"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"), (b"hello", "property 1 is none"), (b"FN:x\n", "does not begin"),
        (b"BEGIN:VCARD\nFN:x\n", "END:VCARD is missing"),
        (b"BEGIN:VCARD\nFN:a\nEND:VCARD\nBEGIN:VCARD\nFN:b\nEND:VCARD\n", "more than one"),
        (b"BEGIN:VCARD\nFN:\xff\nEND:VCARD\n", "not written in utf-8"),
        (b"BEGIN:VCARD\nFN;CHARSET=klingon:x\nEND:VCARD\n", "not written in klingon"),
        (b"BEGIN:VCARD\nPHOTO;ENCODING=b:@@@\nEND:VCARD\n", "not base64"),
        (b"BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n", "nothing in the card"),
        (b"BEGIN:VCARD\nXML:<a>\nEND:VCARD\n", "XML property"),
        (b"<a/>", "neither"), (b"<a", "no XML"), (b"<!DOCTYPE x><a/>", "no XML"),
        (b"<vcards xmlns='urn:ietf:params:xml:ns:vcard-4.0'><vcard/><vcard/></vcards>", "2 vCards"),
        (b"{", "no JSON"), (b"[]", "no jCard"), (b'["vcard", [["fn"]]]', "array of name"),
        (b'["vcard", [["f n", {}, "text", "x"]]]', "no name"),
        (b'["vcard", [["fn", {}, "t<", "x"]]]', "no type"),
        (b'["vcard", [["fn", {"a b": "c"}, "text", "x"]]]', "parameter"),
        (b'["vcard", [["fn", {}, "text", {}]]]', "where text should"),
        (b'{"fun": 1}', "no field 'fun'"), (b'{"fn": 1}', "fn is no text"),
        (b'{"email": "a"}', "email is no array"), (b'{"n": {"x": "y"}}', "other parts"),
    ],
)  # fmt: skip
def test_what_is_no_card(data, says):
    with pytest.raises(ValueError, match=says):
        forms.read(data)


def test_the_fields_of_a_record_are_enough():
    data = b'{"fn": "A", "n": {"given": "B"}, "email": ["a@x", "b@x"], "adr": [{"types": ["home"],'
    data += b'"locality": "C"}], "photo": {"url": "https://x.test/"}, "note": null}'
    card = record.describe(forms.read(data), "", 4)
    assert (card.fn, card.n.given, card.email) == ("A", "B", ["a@x", "b@x"])
    assert (card.adr[0].types, card.adr[0].locality) == (["home"], "C")
    assert card.photo.url == "https://x.test/"


def test_a_field_that_was_edited_counts():
    card = [Property("email", ("a@x",), "text", {"type": ["work"]}), Property("fn", ("A",)),
            Property("x-own", ("1",), "unknown")]  # fmt: skip
    data = forms.write(card, "json", "", 4).replace('"fn": "A"', '"fn": "B"')
    found = forms.read(data.encode())
    assert [each.text for each in found] == ["a@x", "B", "1"]
    assert found[0].params == {"type": ["work"]}


def test_a_record_without_the_bytes_of_its_picture_leaves_it_alone():
    data = b'{"fn": "A", "properties": [{"name": "photo", "values": null}]}'
    assert [each.name for each in forms.read(data, whole=False)] == ["fn"]
    with pytest.raises(ValueError, match="bytes of its picture"):
        forms.read(data)
