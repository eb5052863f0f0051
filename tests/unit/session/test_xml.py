"""The stream's XML: whole elements out of any cut of bytes, and nothing that may not be in it."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.session import xml
from xmppctl.session.xml import NS_CLIENT, StreamParser, XmlError, parse, serialise

OPEN = f"<stream:stream xmlns='{NS_CLIENT}' xmlns:stream='{xml.NS_STREAM}' id='7' version='1.0'>"


class Heard:
    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.elements: list[Element] = []
        self.footers = 0
        self.parser = StreamParser(self.headers.append, self.elements.append, self._footer)

    def _footer(self) -> None:
        self.footers += 1

    def feed(self, *parts: str | bytes) -> Heard:
        for part in parts:
            self.parser.feed(part.encode() if isinstance(part, str) else part)
        return self


def test_header_elements_footer() -> None:
    heard = Heard().feed(OPEN, "<message><body>hi</body></message> \n<iq/>", "</stream:stream>")
    assert heard.headers == [{"id": "7", "version": "1.0"}]
    assert [each.tag for each in heard.elements] == [
        f"{{{NS_CLIENT}}}{n}" for n in ("message", "iq")
    ]
    assert heard.elements[0].findtext(f"{{{NS_CLIENT}}}body") == "hi"
    assert heard.footers == 1


def test_any_cut_gives_the_same() -> None:
    whole = (OPEN + "<a xmlns='n:s' b='1'>x<c/>ü&amp;<d>z</d>tail</a></stream:stream>").encode()
    expected = tostring(Heard().feed(whole).elements[0])
    for cut in range(1, len(whole)):
        heard = Heard().feed(whole[:cut], whole[cut:])
        assert tostring(heard.elements[0]) == expected
        assert (len(heard.headers), heard.footers) == (1, 1)


@pytest.mark.parametrize(
    "hostile",
    [
        "<!-- c -->",
        "<?pi x?>",
        "<a><!-- c --></a>",
        "<a><?pi?></a>",
        "<a>&b;</a>",
        "<a></b>",
        "<x:a/>",
        "text",
        "<a>\x00</a>",
        "<a b='1' b='2'/>",
        b"<a>\xff</a>",
        "</stream:stream><a/>",
    ],
)
def test_what_may_not_come(hostile: str | bytes) -> None:
    with pytest.raises(XmlError):
        Heard().feed(OPEN, hostile)


@pytest.mark.parametrize(
    "start",
    [
        "<!DOCTYPE s><stream:stream/>",
        "HTTP/1.1 400 Bad Request\r\n",
        "SSH-2.0-x\r\n",
        f"<stream xmlns='{NS_CLIENT}'>",
        "<!-- c -->" + OPEN,
        b"\xff\xfe<\x00s\x00>\x00",
        "<?xml version='1.0' encoding='x-no-such'?><oops/>",
    ],
)
def test_what_is_no_stream(start: str | bytes) -> None:
    with pytest.raises(XmlError):
        Heard().feed(start)


def test_the_encoding_is_utf_8_whatever_is_declared() -> None:
    heard = Heard().feed("<?xml version='1.0' encoding='ISO-8859-1'?>" + OPEN + "<a>ü</a>")
    assert heard.elements[0].text == "ü"


def test_nesting_up_to_the_limit() -> None:
    depth = xml.MAX_DEPTH
    heard = Heard().feed(OPEN, "<a>" * depth + "</a>" * depth)
    assert len(list(heard.elements[0].iter())) == depth


def test_what_is_nested_too_deep_is_left_out_and_ends_nothing() -> None:
    depth = xml.MAX_DEPTH
    for extra in (1, 20000):
        deep = "<b>" + "<a>" * (depth - 2 + extra) + "x" + "</a>" * (depth - 2 + extra) + "y</b>"
        heard = Heard().feed(OPEN, f"<m>{deep}<c>z</c></m>", "<n>still here</n>")
        first, second = heard.elements
        assert (first.findtext(f"{{{NS_CLIENT}}}c"), second.text) == ("z", "still here")
        assert len(list(first.iter())) == depth + 1
        assert "x" not in "".join(first.itertext())


def test_an_element_that_has_to_be_whole() -> None:
    deep = "<a>" * (xml.MAX_DEPTH + 1) + "</a>" * (xml.MAX_DEPTH + 1)
    with pytest.raises(XmlError, match="deep"):
        xml.parse(deep)
    assert len(list(xml.parse(deep, whole=False).iter())) == xml.MAX_DEPTH


def test_size_of_an_element(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_ELEMENT_BYTES", 1000)
    heard = Heard().feed(OPEN)
    for _ in range(10):  # many small ones, with white space between them
        heard.feed("<a>" + "x" * 500 + "</a>", " " * 400)
    heard.feed("<a>" + "x" * 500)
    with pytest.raises(XmlError, match="1000 bytes"):
        heard.feed("x" * 600)


def test_size_of_a_tag_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_ELEMENT_BYTES", 1000)
    heard = Heard().feed(OPEN)
    with pytest.raises(XmlError, match="1000 bytes"):
        for _ in range(3):
            heard.feed("<a b='" if _ == 0 else "y" * 600)


def test_text_in_many_pieces() -> None:
    heard = Heard().feed(OPEN, "<a>", *["xy"] * 1000, "<b/>", *["z"] * 1000, "</a>")
    assert heard.elements[0].text == "xy" * 1000
    assert heard.elements[0][0].tail == "z" * 1000


# --- writing ------------------------------------------------------------------------------------


def test_the_default_namespace_is_not_repeated() -> None:
    message = Element(f"{{{NS_CLIENT}}}message", {"to": "a'b"})
    SubElement(message, f"{{{NS_CLIENT}}}body").text = "1 < 2 & ]]>"
    SubElement(message, "{urn:x}x", {f"{{{xml.NS_XML}}}lang": "de", "{urn:y}k": "v"})
    SubElement(message, "bare")
    assert serialise(message) == (
        "<message to='a&apos;b'><body>1 &lt; 2 &amp; ]]&gt;</body>"
        "<x xmlns='urn:x' xml:lang='de' xmlns:a1='urn:y' a1:k='v'/><bare xmlns=''/></message>"
    )


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\ud800", "\ufffe", "\uffff"])
def test_characters_that_xml_cannot_carry(bad: str) -> None:
    element = Element("{urn:x}x")
    element.text = f"a{bad}"
    with pytest.raises(XmlError, match=f"U\\+{ord(bad):04X}"):
        serialise(element)
    with pytest.raises(XmlError):
        serialise(Element("{urn:x}x", {"k": bad}))
    assert xml.illegal_character(f"a{bad}") == bad
    assert xml.illegal_character("a\t\r\n🙂") is None


text = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda each: xml.illegal_character(each) is None
)


@given(text, text, text)
def test_what_is_written_is_read_again(inside: str, value: str, tail: str) -> None:
    element = Element("{urn:x}x", {"k": value, "{urn:y}k": inside})
    element.text = inside
    SubElement(element, "{urn:z}z").tail = tail
    found = parse(serialise(element, ""))
    assert found.attrib == element.attrib
    assert (found.text or "") == inside
    assert (found[0].tail or "") == tail


def test_header() -> None:
    heard = Heard().feed(xml.header("a'b.test", "me@b.test"))
    assert heard.headers == [{"version": "1.0", "to": "a'b.test", "from": "me@b.test"}]


@pytest.mark.parametrize(
    "document",
    ["<a/>", b"\xef\xbb\xbf<?xml version='1.0'?>\n<a/>\n", "<?xml version='1.0'?><a></a>"],
)
def test_one_element_from_a_file(document: str | bytes) -> None:
    assert parse(document).tag == "a"


@pytest.mark.parametrize("document", ["", "<a/><b/>", "a", "<a", "</s:stream>", "<!DOCTYPE a><a/>"])
def test_not_one_element(document: str) -> None:
    with pytest.raises(XmlError):
        parse(document)
