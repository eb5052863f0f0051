"""Suggestions of contacts: the XEP's examples and rules, and hostile ones."""

from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.model.jid import parse as jid
from xmppctl.model.roster import Contact
from xmppctl.model.rosterx import Suggested
from xmppctl.protocol import rosterapply, rosterx
from xmppctl.session.xml import serialise

ADD = """<x xmlns='http://jabber.org/protocol/rosterx'>
    <item action='add' jid='rosencrantz@denmark.lit' name='Rosencrantz'>
      <group>Visitors</group>
    </item>
    <item action='add' jid='guildenstern@denmark.lit' name='Guildenstern'>
      <group>Visitors</group>
    </item>
  </x>"""


def x(items):
    return fromstring(f"<x xmlns='http://jabber.org/protocol/rosterx'>{items}</x>")


def test_the_example():
    found = list(rosterx.read(fromstring(ADD)))
    assert found == [
        Suggested("add", "rosencrantz@denmark.lit", "Rosencrantz", ["Visitors"]),
        Suggested("add", "guildenstern@denmark.lit", "Guildenstern", ["Visitors"]),
    ]
    assert list(rosterx.read(fromstring(serialise(rosterx.write(found), "")))) == found


def test_no_action_or_an_unknown_one_is_add():
    found = list(rosterx.read(x("<item jid='a@x.test'/><item action='nuke' jid='b@x.test'/>")))
    assert [each.action for each in found] == ["add", "add"]


@pytest.mark.parametrize("given", ["", " ", "@@", "a@x.test/r", "a b@x.test", "a@\u202e.test"])
def test_what_cannot_be_a_contact_is_left_out(given):
    assert list(rosterx.read(x(f"<item action='add' jid='{given}'/><item/>"))) == []


def test_never_two_actions_in_one_stanza_and_never_too_much():
    items = [
        Suggested(action, f"c{n}@x.test", "N" * 50, ["g"])
        for n in range(150)
        for action in ("delete", "add", "modify")
    ]
    portions = list(rosterx.portions(items))
    assert all(len({item.action for item in portion}) == 1 for portion in portions)
    assert all(len(portion) <= 100 for portion in portions)
    assert all(len(serialise(rosterx.write(portion))) < 9000 for portion in portions)
    sent = [item for portion in portions for item in portion]
    assert sorted(map(str, sent)) == sorted(map(str, items))


BOTH = Contact("c@x.test", "C", groups=["g", "h"])


@pytest.mark.parametrize(
    ("item", "contact", "outcome", "name", "groups"),
    [
        (("add", None, []), None, "added", None, []),
        (("add", "N", ["g"]), None, "added", "N", ["g"]),
        (("add", "N", []), BOTH, "unchanged", None, None),
        (("add", "N", ["g"]), BOTH, "unchanged", None, None),
        (("add", "N", ["i"]), BOTH, "changed", "C", ["g", "h", "i"]),
        (("delete", None, []), None, "unchanged", None, None),
        (("delete", None, []), BOTH, "removed", None, None),
        (("delete", None, ["i"]), BOTH, "ignored", None, None),
        (("delete", None, ["g"]), BOTH, "changed", "C", ["h"]),
        (("delete", None, ["h", "g"]), BOTH, "removed", None, None),
        (("modify", "N", ["g"]), None, "ignored", None, None),
        (("modify", "C", ["g", "h"]), BOTH, "unchanged", None, None),
        (("modify", None, []), BOTH, "unchanged", None, None),
        (("modify", None, ["i"]), BOTH, "changed", "C", ["i"]),
        (("modify", "N", []), BOTH, "changed", "N", ["g", "h"]),
    ],
)
def test_what_is_done(item, contact, outcome, name, groups):
    action, given, into = item
    decision = rosterapply.decide(Suggested(action, "c@x.test", given, into), contact, trusted=True)
    assert decision.outcome == outcome
    if groups is None:
        assert decision.contact is None
    else:
        assert (decision.contact.name, decision.contact.groups) == (name, groups)


def test_a_stranger_removes_nobody():
    decision = rosterapply.decide(Suggested("delete", "c@x.test"), BOTH, trusted=False)
    assert (decision.outcome, decision.contact) == ("ignored", None)


@pytest.mark.parametrize(
    ("sender", "found", "holds"),
    [
        ("a@x.test", "a@x.test", True),
        ("a@x.test", "A@x.test/r", True),
        ("a@x.test/r", "a@x.test/r", True),
        ("a@x.test/r", "a@x.test", False),
        ("a@x.test/r", "a@x.test/R", False),
        ("x.test", "x.test", True),
        ("x.test", "x.test/r", True),
        ("x.test", "a@x.test", False),
        ("a@x.test", "a@x.test.evil", False),
    ],
)
def test_whose_word_it_is(sender, found, holds):
    assert rosterapply.comes_from(jid(sender), found) is holds
