"""XEP-0382 spoilers and XEP-0393 unstyled texts."""

from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.content import Spoiler
from xmppctl.protocol.payload import spoiler, unstyled
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import serialise

NS = "urn:xmpp:spoiler:0"


@pytest.mark.parametrize(
    ("inside", "hint"),
    [
        (f"<body>x</body><spoiler xmlns='{NS}'/>", None),
        (f"<body>x</body><spoiler xmlns='{NS}'>Love story end</spoiler>", "Love story end"),
        # examples 5 and 6: in two languages
        (f"<body>holidays.png</body><spoiler xml:lang='en' xmlns='{NS}'>Trip</spoiler>"
         f"<spoiler xml:lang='ca' xmlns='{NS}'>Viatge</spoiler>", "Trip"),
        (f"<body xml:lang='ca'>x</body><body xml:lang='en'>y</body>"
         f"<spoiler xml:lang='en' xmlns='{NS}'>end</spoiler>"
         f"<spoiler xml:lang='CA' xmlns='{NS}'>Fi</spoiler>", "Fi"),
        (f"<spoiler xmlns='{NS}'>  </spoiler>", None),
        (f"<spoiler xmlns='{NS}'>{'x' * 5000}</spoiler>", None),
    ],
)  # fmt: skip
def test_spoilers(inside, hint):
    found = read(inside)
    assert found.spoiler == Spoiler(hint)
    assert found.extensions == []


def test_a_spoiler_goes_out():
    stanza = Element(MESSAGE)
    spoiler.attach(stanza, "the end", "en")
    assert serialise(stanza) == (
        f"<message><spoiler xmlns='{NS}' xml:lang='en'>the end</spoiler></message>"
    )
    stanza = Element(MESSAGE)
    spoiler.attach(stanza, None, "en")
    spoiler.attach(stanza)
    assert serialise(stanza) == f"<message><spoiler xmlns='{NS}'/></message>"


def test_unstyled():
    stanza = Element(MESSAGE)
    unstyled.attach(stanza)
    unstyled.attach(stanza)
    inside = serialise(stanza).removeprefix("<message>").removesuffix("</message>")
    assert inside == "<unstyled xmlns='urn:xmpp:styling:0'/>"
    assert read(f"<body>*x*</body>{inside}").unstyled is True
    assert read(f"<body>*x*</body>{inside}").body == "*x*"
    assert read("<body>*x*</body>").unstyled is None
