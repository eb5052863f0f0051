"""Hats without a server: both vocabularies, lists in disorder, commands that come to no end."""

import asyncio

import pytest

from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.jid import parse as jid
from xmppctl.model.occupant import RoomHat
from xmppctl.protocol import hats
from xmppctl.protocol.hatcommands import Desk
from xmppctl.session.xml import parse, serialise

ROOM = jid("physicsforpoets@courses.example.edu")
COMMANDS = "http://jabber.org/protocol/commands"
ASSISTANT = "http://tech.example.edu/hats#TeacherAssistant"

ASSIGN = (
    "<x xmlns='jabber:x:data' type='form'><title>Assigning a Hat</title>"
    "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:hats:commands</value></field>"
    "<field label='User Address' type='jid-single' var='hats#jid'><required/></field>"
    "<field label='The role' type='list-single' var='hats#uri'>"
    f"<option label='Assistant'><value>{ASSISTANT}</value></option></field></x>"
)
OLD_ADD = (
    "<x xmlns='jabber:x:data' type='form'><field var='jid' type='jid-single'><required/></field>"
    "<field var='hat_title'/><field var='hat_uri'><required/></field></x>"
)


class Room:
    """Answers each step of a command with the next of ``answers``."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def request(self, payload, **_):
        self.asked.append(payload)
        status, inner = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status is None:
            return None
        head = f"<command xmlns='{COMMANDS}' node='n' sessionid='s1' status='{status}'>"
        return parse(f"{head}{inner}</command>")


def run(room, action="assign", optional=None, **answers):
    desk = Desk(room, ROOM, {action: "n"})
    return asyncio.run(desk.run(action, answers, optional or {}))


def values(element):
    return {
        field.get("var"): field.findtext("{jabber:x:data}value")
        for field in element.iter("{jabber:x:data}field")
    }


def test_the_form_of_the_xep_is_filled_in():
    room = Room(("executing", ASSIGN), ("completed", ""))
    # the hat has its title already: the form does not ask for one
    run(room, jid="terry.anderson@example.edu", uri=ASSISTANT, optional={"title": "x"})
    first, second = room.asked
    assert (first.get("node"), first.get("action"), len(first)) == ("n", "execute", 0)
    assert (second.get("sessionid"), second.get("action")) == ("s1", "complete")
    assert values(second) == {
        "FORM_TYPE": "urn:xmpp:hats:commands",
        "hats#jid": "terry.anderson@example.edu",
        "hats#uri": ASSISTANT,
    }


def test_the_form_of_the_forerunner_is_filled_in():
    actions = f"<actions xmlns='{COMMANDS}' execute='complete'><complete/></actions>"
    room = Room(("executing", actions + OLD_ADD), ("completed", ""))
    run(room, jid="t@example.edu", uri=ASSISTANT, optional={"title": "Assistant"})
    assert room.asked[1].get("action") == "complete"
    assert values(room.asked[1]) == {
        "jid": "t@example.edu", "hat_title": "Assistant", "hat_uri": ASSISTANT
    }  # fmt: skip


def test_a_hat_that_the_room_does_not_have():
    with pytest.raises(RefusedError) as info:
        run(Room(("executing", ASSIGN)), jid="t@example.edu", uri="urn:x:other")
    assert info.value.condition == "item-not-found"


@pytest.mark.parametrize(
    ("answers", "condition"),
    [
        ([(None, "")], "malformed-answer"),
        ([("executing", "")], "malformed-answer"),
        ([("executing", OLD_ADD)], "malformed-answer"),  # again and again
        ([("canceled", "")], "malformed-answer"),
        ([("executing", "<x xmlns='jabber:x:data' type='form'/>")], "malformed-answer"),
        ([("completed", "<note type='error'>no</note>")], "undefined-condition"),
    ],
)
def test_commands_that_do_not_do_it(answers, condition):
    room = Room(*answers)
    with pytest.raises(RefusedError) as info:
        run(room, jid="t@example.edu", uri=ASSISTANT)
    assert info.value.condition == condition
    assert len(room.asked) <= 6


def test_a_value_that_the_form_does_not_take():
    form = OLD_ADD.replace("var='hat_uri'", "var='hat_uri' type='boolean'")
    with pytest.raises(UsageError):
        run(Room(("executing", form)), jid="t@example.edu", uri=ASSISTANT)


def test_a_command_that_is_not_offered():
    with pytest.raises(UnsupportedError, match="does not offer to create hats"):
        asyncio.run(Desk(Room(), ROOM, {}).run("create"))


def lists(**forms_by_action):
    class Lists:
        async def request(self, payload, **_):
            inner = forms_by_action[payload.get("node").replace("-", "_").partition(":")[0]]
            form = f"<x xmlns='jabber:x:data' type='result'>{inner}</x>"
            return parse(f"<command xmlns='{COMMANDS}' status='completed'>{form}</command>")

    return Lists()


def item(**fields):
    inner = "".join(f"<field var='{n}'><value>{v}</value></field>" for n, v in fields.items())
    return f"<item>{inner}</item>"


def hat_item(**fields):
    return item(**fields).replace("var='", "var='hats#")


def test_both_lists_are_put_together():
    room = lists(
        list=hat_item(uri="urn:h", title="Host", hue="327.255249") + hat_item(title="no uri"),
        list_assigned=hat_item(uri="urn:h", jid="a@x.test/r")
        + hat_item(uri="urn:h", jid="b@x.test")
        + hat_item(uri="urn:p", title="Presenter", jid="a@x.test", hue="blue"),
    )  # fmt: skip
    desk = Desk(room, ROOM, {"list": "list", "list-assigned": "list-assigned"})
    assert asyncio.run(hats._hats(desk)) == {
        "urn:h": RoomHat("urn:h", "Host", 327.255249, ["a@x.test", "b@x.test"]),
        "urn:p": RoomHat("urn:p", "Presenter", None, ["a@x.test"]),
    }


@pytest.mark.parametrize(
    ("title", "uri"), [("urn:h", "Host"), ("Host", "urn:h"), ("urn:h", "a: b"), ("urn:h", "")]
)
def test_the_list_of_the_forerunner_may_be_the_wrong_way_round(title, uri):
    room = lists(p1=item(jid="a@x.test", hat_title=title, hat_uri=uri))
    desk = Desk(room, ROOM, {"list-assigned": "p1:hats#list"})
    (found,) = asyncio.run(hats._hats(desk))
    assert found == "urn:h"


def test_the_request_shows_no_more_than_was_given():
    room = Room(("executing", OLD_ADD), ("completed", ""))
    run(room, jid="t@example.edu", uri=ASSISTANT)
    assert "hat_title" not in serialise(room.asked[1], "")
