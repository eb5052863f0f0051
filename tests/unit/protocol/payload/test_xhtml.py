"""XEP-0071: what a fragment may have, and what markup says as plain text."""

from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.protocol import xhtml
from xmppctl.protocol.payload import xhtml as payload
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import parse, serialise

IM = "http://jabber.org/protocol/xhtml-im"


def html(inside, attributes=""):
    return f"<html xmlns='{IM}'><body xmlns='{xhtml.NS}' {attributes}>{inside}</body></html>"


def text(inside):
    return read(html(inside)).xhtml_text


# --- reading


def test_the_examples_of_the_xep():
    found = read(
        "<body>Wow, I&apos;m green with envy!</body>"
        + html(
            "<p style='font-size:large'>\n  <em>Wow</em>, I&apos;m "
            "<span style='color:green'>green</span>\n  with <strong>envy</strong>!\n</p>"
        )
    )
    assert found.xhtml_text == "Wow, I'm green with envy!"
    assert found.extensions == []
    assert text(
        "<p>As Emerson said in his essay <em><cite>Self-Reliance</cite></em>:</p>"
        "<blockquote>&quot;A foolish consistency is the hobgoblin of little minds.&quot;"
        "</blockquote>"
    ) == (
        "As Emerson said in his essay Self-Reliance:\n"
        '> "A foolish consistency is the hobgoblin of little minds."'
    )
    assert (
        text(
            "<p>Here&apos;s my .plan for today:</p><ol><li>Add the following:\n <ul>"
            "<li>2 ounces Macchu Pichu</li></ul></li><li>Do <strong>it</strong></li></ol>"
        )
        == "Here's my .plan for today:\n1. Add the following:\n* 2 ounces Macchu Pichu\n2. Do it"
    )


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("a<br/>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("  a  \n b <span> c</span> ", "a b c"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("<ul><li><p>x</p></li><li/></ul>", "* x\n*"),
        ("<script>steal()</script>a<style>p{}</style><object>b</object>", "ab"),
        ("<x xmlns='evil'>hidden</x>a", "a"),
        ("<img src='https://x.example/a.png' alt='A juggler'/>", "A juggler "
         "<https://x.example/a.png>"),
        ("<img src='cid:sha1+00@bob.xmpp.org' alt='A kitten'/>", "A kitten"),
        ("<a href='https://evil.example/'>https://bank.example/</a>",
         "https://bank.example/ <https://evil.example/>"),
        ("<a href='https://x.example/'>https://x.example</a>", "https://x.example"),
        ("<a href='mailto:a@x.example'>a@x.example</a>", "a@x.example"),
        ("<a href='javascript:alert(1)'>here</a>", "here"),
        ("<a href='java&#9;script:alert(1)'>here</a>", "here"),
    ],
)  # fmt: skip
def test_what_markup_says(inside, said):
    assert text(inside) == said


def test_the_language_of_the_text_that_is_shown():
    found = read(
        f"<body xml:lang='en'>yes</body><body xml:lang='de'>ja</body><html xmlns='{IM}'>"
        f"<body xmlns='{xhtml.NS}' xml:lang='de'>ja!</body>"
        f"<body xmlns='{xhtml.NS}' xml:lang='en'>yes!</body></html>"
    )
    assert (found.body, found.xhtml_text) == ("yes", "yes!")


@pytest.mark.parametrize(
    "inside", [f"<html xmlns='{IM}'/>", html(""), html("<script>x</script>"),
               f"<html xmlns='{IM}'><body>not XHTML</body></html>"]
)  # fmt: skip
def test_what_says_nothing_stays_an_extension(inside):
    found = read(inside)
    assert found.xhtml_text is None
    assert found.extensions == [f"{{{IM}}}html"]


def test_deep_and_wide_markup_is_read_in_bounded_space():
    deep = "<blockquote>" * 100 + "<br/>" * 10000 + "x" + "</blockquote>" * 100
    assert len(text(deep)) < 500_000


# --- what goes out


@pytest.mark.parametrize(
    "data",
    [
        b"<p style='font-weight: bold; color:#f00'>hi <em>you</em></p><p>and<br/>more</p>",
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE html>\n<html xmlns="
        b"'http://www.w3.org/1999/xhtml'><head><title>t</title></head><body>x</body></html>",
        b"<html><body><p>x</p></body></html>",
        b"<body style='margin-left: 5%'><ul><li>x</li></ul></body>",
        b"<html xmlns='http://jabber.org/protocol/xhtml-im'>"
        b"<body xmlns='http://www.w3.org/1999/xhtml'>x</body></html>",
        b"<a href='xmpp:a@x.example' type='text/html'>x</a><img src='cid:x' alt='' width='5'/>",
        "ä <span style=\"font-family: 'Liberation', serif; color: rgb(1, 2)\">x</span>".encode(),
        b"plain &amp; simple",
    ],
)
def test_what_may_be_sent(data):
    body = xhtml.load(data)
    assert body.tag == xhtml.BODY
    assert xhtml.plain(body)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"<script>x</script>", "<script/>"),
        (b"<p onclick='x()'>x</p>", "the attribute onclick of <p/>"),
        (b"<p class='x'>x</p>", "the attribute class of <p/>"),
        (b"<p xml:lang='de'>x</p>", "the attribute lang of <p/>"),
        (b"<table><tr/></table>", "<table/>, <tr/>"),
        (b"<p style='position: fixed'>x</p>", "the style 'position'"),
        (b"<p style='color: url(http://x)'>x</p>", "the style 'color: url(http://x)'"),
        (b"<p style='color: expression(1)'>x</p>", "the style"),
        (b"<p style='color'>x</p>", "the style 'color'"),
        (b"<a href='javascript:x()'>x</a>", "the link 'javascript:x()'"),
        (b"<a href=' JaVaScRiPt:x()'>x</a>", "the link"),
        (b"<a href='/relative'>x</a>", "the link '/relative'"),
        (b"<a href='data:text/html,x'>x</a>", "the link 'data:text/html,x'"),
        (b"<a>x</a>", "<a/> without href"),
        (b"<img src='data:image/png;base64,AA==' alt='x'/>", "the picture"),
        (b"<img src='http://x.example/a.png'/>", "<img/> without alt"),
        (b"<img src='http://x.example/a.png' alt='' height='1e9'/>", "the height '1e9'"),
        (b"<a href='http://x.example' type='x'>x</a>", "the type 'x'"),
        (b"<p>x<body>y</body></p>", "<body/>"),
        (b"<x xmlns='evil'>y</x>", "<x/>"),
        (b"<html><head><style>x</style></head><body>x</body></html>", "<style/>"),
        (b"<html><body>x</body><body>y</body></html>", "2 bodies"),
        (b"<html><body>x</body><script/></html>", "<script/>"),
        (b"x</body><body>", "no XHTML"),
        (b"x</body></s:stream>", "no XHTML"),
        (b"<p>x", "no XHTML"),
        (b"&nbsp;", "no XHTML"),
        (b"<!-- x -->", "no XHTML"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>&a;", "no XHTML"),
        (b"\xff", "no XHTML"),
    ],
)
def test_what_would_have_to_be_removed_is_named(data, named):
    with pytest.raises(ValueError) as caught:
        xhtml.load(data)
    assert named in str(caught.value)


def test_the_element_and_the_plain_text():
    stanza = Element(MESSAGE)
    payload.attach(stanza, xhtml.load(b"<p>hi <strong>you</strong></p>"))
    assert serialise(stanza) == (
        "<message><body>hi you</body>"
        f"<html xmlns='{IM}'><body xmlns='{xhtml.NS}'><p>hi <strong>you</strong></p></body></html>"
        "</message>"
    )


def test_a_text_that_was_given_stays_alone():
    stanza = parse("<message xmlns='jabber:client'><body>given</body></message>")
    payload.attach(stanza, xhtml.load(b"<p>hi</p>"))
    assert [e.text for e in stanza.findall("{jabber:client}body")] == ["given"]
    stanza = parse("<message xmlns='jabber:client'><body xml:lang='de'>da</body></message>")
    payload.attach(stanza, xhtml.load(b"<p>hi</p>"))
    assert [e.text for e in stanza.findall("{jabber:client}body")] == ["da", "hi"]
