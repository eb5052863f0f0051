"""Status codes of rooms, with the names of XEP-0306."""

import pytest

from xmppctl.model.mucstatus import STATUS, Status
from xmppctl.protocol.muc import status
from xmppctl.session.xml import parse

NS = "http://jabber.org/protocol/muc#user"


def read(*statuses):
    return status.read(parse(f"<presence><x xmlns='{NS}'>{''.join(statuses)}</x></presence>"))


def test_numbers_get_their_names_and_their_order():
    found = read("<status code='210'/>", "<status code='110'/>", "<status code='110'/>")
    assert [(s.code, s.condition) for s in found] == [
        (110, "self-presence"), (210, "nick-assigned"),
    ]  # fmt: skip
    assert status.codes(found) == [110, 210]
    assert str(found[0]) == "110 self-presence"


def test_conditions_of_xep_0306():
    ns = "xmlns='urn:xmpp:muc:conditions:1'"
    # example 1 of the XEP: the number and the element say the same
    assert [s.code for s in read(f"<status code='110'><self-presence {ns}/></status>")] == [110]
    assert [s.code for s in read(f"<status><room-created {ns}/></status>")] == [201]
    (unknown,) = read(f"<status><moon-full {ns}/></status>")
    assert unknown == Status(None, "moon-full")
    assert status.codes([unknown]) == []


def test_every_condition_of_xep_0306_stands_for_its_number():
    for code, (condition, _) in STATUS.items():
        if condition is not None:
            # with the text and the further element that §2 allows
            element = (
                f"<{condition} xmlns='urn:xmpp:muc:conditions:1'><text xml:lang='en'>x</text>"
                f"<more xmlns='urn:example:x'/></{condition}>"
            )
            for given in ("", f"code='{code}'"):
                (found,) = read(f"<status {given}>{element}<more xmlns='urn:example:x'/></status>")
                assert (found.code, found.condition) == (code, condition)


@pytest.mark.parametrize("code", ["", "x", "-1", "١١٠", "99999", "1e2", "110 0"])
def test_what_is_no_number_is_left_out(code):
    assert read(f"<status code='{code}'/>") == []


def test_spaces_around_a_number():
    assert status.codes(read("<status code=' 307 '/>")) == [307]


def test_a_number_without_a_name():
    assert read("<status code='999'/>") == [Status(999)]


def test_only_the_elements_of_the_room_count():
    stanza = parse("<presence><x xmlns='evil'><status code='110'/></x></presence>")
    assert status.read(stanza) == []


def test_every_code_says_what_it_means():
    assert all(text for _, text in STATUS.values())
    assert sorted(STATUS) == list(STATUS)
