"""Configuring a room: what is submitted, and what counts as taken over."""

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.muc import config

ROOM = jid("coven@chat.shakespeare.lit")
NS = "http://jabber.org/protocol/muc"
OWNER = f"{{{NS}#owner}}query"
DATA = "{jabber:x:data}"
P = "muc#roomconfig_"

FIELDS = {
    "roomname": ("text-single", ["A Dark Cave"]),
    "membersonly": ("boolean", ["0"]),
    "moderatedroom": ("boolean", []),
    "passwordprotectedroom": ("boolean", ["0"]),
    "roomsecret": ("text-private", []),
    "presencebroadcast": ("list-multi", ["visitor", "moderator"]),
    "roomadmins": ("jid-multi", ["a@x.test", "b@x.test"]),
    "roomdesc": ("text-multi", ["one", "two"]),
}


def form(**changed):
    rows = [f"<field var='FORM_TYPE' type='hidden'><value>{NS}#roomconfig</value></field>"]
    for name, (kind, values) in FIELDS.items():
        values = changed.get(name, values)
        text = "".join(f"<value>{value}</value>" for value in values)
        rows.append(f"<field var='{P}{name}' type='{kind}'>{text}</field>")
    rows.append("<field type='fixed'><value>Only text</value></field>")
    data = f"<x xmlns='jabber:x:data' type='form'>{''.join(rows)}</x>"
    return f"<query xmlns='{NS}#owner'>{data}</query>"


def configured(answers, *forms, password=None):
    """What was submitted, by short name, and the outcome."""
    answering = list(forms)

    def answer(iq):
        if iq.find("{http://jabber.org/protocol/disco#info}query") is not None:
            return (
                "<query xmlns='http://jabber.org/protocol/disco#info'>"
                f"<feature var='{NS}'/></query>"
            )
        return answering.pop(0) if iq.get("type") == "get" else ""

    server = Answering(answer)
    try:
        outcome = server.run(lambda s: config.configure(s, ROOM, answers, password=password))
    except (RefusedError, UsageError) as error:
        outcome = error
    sent = [iq for iq in server.sent if iq.get("type") == "set"]
    submitted = {
        field.get("var").removeprefix(P): [value.text or "" for value in field]
        for iq in sent
        for field in iq.iter(f"{DATA}field")
    }
    return submitted, outcome


def test_all_other_fields_keep_their_values():
    submitted, outcome = configured({"roomname": ["New"]}, form(), form(roomname=["New"]))
    assert submitted["FORM_TYPE"] == [f"{NS}#roomconfig"]
    assert submitted["roomname"] == ["New"]
    assert submitted["roomdesc"] == ["one", "two"]
    assert submitted["roomadmins"] == ["a@x.test", "b@x.test"]
    assert outcome.form_type == f"{NS}#roomconfig"


@pytest.mark.parametrize(
    ("answers", "after"),
    [
        ({"membersonly": ["yes"]}, {"membersonly": ["true"]}),
        ({"moderatedroom": ["0"]}, {"moderatedroom": []}),
        ({"presencebroadcast": ["moderator", "participant"]},
         {"presencebroadcast": ["participant", "moderator"]}),
        ({"roomdesc": ["x\ny"]}, {"roomdesc": ["x", "y"]}),
        ({"roomdesc": ["x", "y"]}, {"roomdesc": ["x\ny"]}),
    ],
)  # fmt: skip
def test_values_that_are_the_same_in_another_form(answers, after):
    _, outcome = configured(answers, form(), form(**after))
    assert not isinstance(outcome, Exception)


def test_what_is_not_taken_over_is_told():
    answers = {"membersonly": ["1"], "roomname": ["X"]}
    _, outcome = configured(answers, form(), form(roomname=["X"]))
    assert outcome.condition == "not-applied"
    assert f"{P}membersonly" in outcome.text
    assert "roomname" not in outcome.text


def test_a_password_comes_with_its_switch_and_need_not_be_told():
    after = form(passwordprotectedroom=["1"])
    submitted, outcome = configured({}, form(), after, password="s3cret")
    assert submitted["roomsecret"] == ["s3cret"]
    assert submitted["passwordprotectedroom"] == ["1"]
    assert not isinstance(outcome, Exception)
    _, outcome = configured({}, form(), form(), password="s3cret")
    assert outcome.condition == "not-applied"
    assert "s3cret" not in outcome.text
    told = form(passwordprotectedroom=["1"], roomsecret=["other"])
    assert "roomsecret" in configured({}, form(), told, password="s3cret")[1].text


def test_a_room_is_not_closed_by_an_empty_password():
    submitted, outcome = configured({"passwordprotectedroom": ["1"]}, form())
    assert isinstance(outcome, UsageError)
    assert submitted == {}
    known = form(roomsecret=["s3cret"])
    submitted, _ = configured({"passwordprotectedroom": ["1"]}, known, known)
    assert (submitted["roomsecret"], submitted["passwordprotectedroom"]) == (["s3cret"], ["1"])


def test_an_empty_password_opens_the_room():
    closed = form(passwordprotectedroom=["1"], roomsecret=["s3cret"])
    submitted, _ = configured({}, closed, form(), password="")
    assert (submitted["roomsecret"], submitted["passwordprotectedroom"]) == ([""], ["0"])


def test_a_configuration_that_was_printed_keeps_the_password():
    closed = form(passwordprotectedroom=["1"], roomsecret=["s3cret"])
    submitted, _ = configured({"roomsecret": [], "roomname": ["X"]}, closed, closed)
    assert submitted["roomsecret"] == ["s3cret"]


def test_nothing_is_submitted_for_an_unknown_field():
    submitted, outcome = configured({"allow_subscription": ["1"]}, form())
    assert isinstance(outcome, UsageError)
    assert "'allow_subscription'" in outcome.text
    assert submitted == {}


@pytest.mark.parametrize("answer", ["", "<query xmlns='http://jabber.org/protocol/muc#owner'/>"])
def test_an_answer_without_a_form(answer):
    _, outcome = configured({"roomname": ["X"]}, answer)
    assert outcome.condition == "malformed-answer"
