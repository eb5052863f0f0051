"""XEP-0394: ranges of a text, and those that no text can have."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.content import Markup

NS = "urn:xmpp:markup:0"


def markup(body, inside, attributes=""):
    return read(f"<body>{body}</body><markup xmlns='{NS}' {attributes}>{inside}</markup>")


def test_the_examples_of_the_xep():
    found = markup(
        "There is really no reason to worry.", "<span start='9' end='15'><emphasis/></span>"
    )
    assert found.markup == [Markup("span", 9, 15, styles=["emphasis"])]
    assert found.body[9:15] == "really"
    body = "Just run this command:\n$ cowsay XMPP is awesome."
    found = markup(body, "<bcode start='23' end='48' language='bash'/>")
    assert found.markup == [Markup("bcode", 23, 48, language="bash")]
    body = (
        "This XEP supports many things:\n* inline markup\n* code blocks\n* lists\n"
        "* and possibly more!"
    )
    found = markup(
        body,
        "<list start='31' end='89' ordered='false'><li start='31'/><li start='47'/>"
        "<li start='61'/><li start='69'/></list>",
    )
    assert found.markup == [
        Markup("list", 31, 89, ordered=False),
        Markup("li", 31, 47), Markup("li", 47, 61), Markup("li", 61, 69), Markup("li", 69, 89),
    ]  # fmt: skip
    body = (
        "&gt; He said:\n&gt;&gt; Thou shalt not pass!\n&gt; and raised his hand.\n\n"
        "Isn't this from some famous movie?"
    )
    found = markup(body, "<bquote start='0' end='57'/><bquote start='11' end='34'/>")
    assert found.markup == [Markup("bquote", 0, 57), Markup("bquote", 11, 34)]


def test_positions_are_code_points():
    found = markup("\U0001f600\u0301 ok", "<span start='3' end='5'><strong/><blink/></span>")
    assert found.markup == [Markup("span", 3, 5, styles=["strong"])]
    assert found.body[3:5] == "ok"


@pytest.mark.parametrize(
    "inside",
    [
        "<span start='0' end='99'><emphasis/></span>",
        "<span start='3' end='2'><emphasis/></span>",
        "<span start='3' end='3'><emphasis/></span>",
        "<span start='-1' end='2'><emphasis/></span>",
        "<span start='٠' end='٢'><emphasis/></span>",
        "<span start='0'><emphasis/></span>",
        "<span end='1'><emphasis/></span>",
        f"<span start='0' end='{'9' * 5000}'><emphasis/></span>",
        "<span start='0' end='1'><blink/></span>",
        "<span start='0' end='1'/>",
        "<x start='0' end='1'/>",
        "<span xmlns='other' start='0' end='1'><emphasis/></span>",
        "<list start='0' end='5'/>",
        "<list start='0' end='5'><li start='1'/></list>",
        "<list start='0' end='5'><li start='0'/><li start='0'/></list>",
        "<list start='0' end='5'><li start='0'/><li start='9'/></list>",
        "<list start='0' end='5'><li start='0'/><li/></list>",
        "",
    ],
)
def test_ranges_that_cannot_be(inside):
    found = markup("0123456789", inside)
    assert found.markup == []
    assert found.extensions == [f"{{{NS}}}markup"]


@pytest.mark.parametrize(
    ("second", "allowed"),
    [
        ("<span start='4' end='6'><code/></span>", True),
        ("<span start='3' end='6'><code/></span>", False),
        ("<bquote start='0' end='8'/>", True),
        ("<bquote start='3' end='8'/>", False),
    ],
)
def test_nothing_reaches_across_an_end(second, allowed):
    found = markup("0123456789", "<span start='2' end='4'><emphasis/></span>" + second)
    assert len(found.markup) == 1 + allowed


@pytest.mark.parametrize(
    ("start", "end", "allowed"), [(1, 9, True), (3, 5, True), (1, 5, False), (4, 9, False)]
)
def test_blocks_are_inside_of_each_other_or_apart(start, end, allowed):
    inside = f"<bquote start='2' end='6'/><bcode start='{start}' end='{end}'/>"
    assert len(markup("0123456789", inside).markup) == 1 + allowed


def test_it_belongs_to_the_text_of_its_language():
    spans = [f"<span start='0' end='{n}'><emphasis/></span>" for n in (2, 3)]
    found = read(
        "<body xml:lang='de'>ja</body><body xml:lang='en'>yes</body>"
        f"<markup xmlns='{NS}' xml:lang='en'>{spans[1]}</markup>"
        f"<markup xmlns='{NS}' xml:lang='de'>{spans[0]}</markup>"
    )
    assert found.markup == [Markup("span", 0, 2, styles=["emphasis"])]
    assert read(f"<markup xmlns='{NS}'>{spans[0]}</markup>").markup == []
    assert markup("yes", spans[1], "xml:lang='fr'").markup == []


def test_there_is_a_most():
    spans = "".join(f"<span start='{n}' end='{n + 1}'><code/></span>" for n in range(3000))
    assert len(markup("x" * 3000, spans).markup) == 200
