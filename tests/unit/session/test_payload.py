"""aioxmpp's XSO objects from and to elements."""

from __future__ import annotations

import pytest

from xmppctl.errors import RefusedError
from xmppctl.session import lean
from xmppctl.session.payload import from_element, to_element
from xmppctl.session.xml import parse, serialise

lean.install()

INFO = "http://jabber.org/protocol/disco#info"
QUERY = (
    f"<query xmlns='{INFO}' node='n'><identity category='client' type='pc' name='x'/>"
    "<feature var='a'/><feature var='b'/></query>"
)


def test_there_and_back() -> None:
    import aioxmpp.disco.xso as disco

    query = from_element(parse(QUERY), disco.InfoQuery)
    assert query.node == "n"
    assert query.features == {"a", "b"}
    again = from_element(to_element(query), disco.InfoQuery)
    assert (again.node, again.features) == (query.node, query.features)
    assert serialise(to_element(query), "").startswith(f"<query xmlns='{INFO}' node='n'>")


def test_text_before_and_behind_children() -> None:
    import aioxmpp.ping.xso as ping

    element = to_element(ping.Ping())
    assert element.tag == "{urn:xmpp:ping}ping"
    assert len(element) == 0


@pytest.mark.parametrize(
    "xml",
    [
        "<other xmlns='urn:x'/>",
        f"<query xmlns='{INFO}'><identity/></query>",
        f"<query xmlns='{INFO}'><feature/></query>",
        f"<query xmlns='{INFO}' surprise='1'/>",
    ],
)
def test_answers_that_do_not_fit(xml: str) -> None:
    import aioxmpp.disco.xso as disco

    try:
        found = from_element(parse(xml), disco.InfoQuery, by="x@y.test")
    except RefusedError as error:
        assert error.condition == "malformed-answer"
        assert error.by == "x@y.test"
    else:  # what the class is lenient about
        assert "surprise" in xml
        assert found.node is None
