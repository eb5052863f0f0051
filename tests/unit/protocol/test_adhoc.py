"""Commands without a server: the XEP's stages, what is given for them, and giving up."""

import asyncio
import json

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, UsageError
from xmppctl.model.adhoc import CommandNote
from xmppctl.model.jid import parse as jid
from xmppctl.protocol import adhoc
from xmppctl.protocol.adhoc import Move
from xmppctl.protocol.adhocsteps import Script
from xmppctl.session.xml import LANG, parse

SHOP = jid("responder@domain")
NS = adhoc.NS

# XEP-0050 §2.4.2, examples of the two stages and the end
SERVICE = (
    "<actions execute='next'><next/></actions><x xmlns='jabber:x:data' type='form'>"
    "<title>Configure Service</title><field var='service' label='Service' type='list-single'>"
    "<option><value>httpd</value></option><option><value>jabberd</value></option></field></x>"
)
LEVEL = (
    "<actions execute='complete'><prev/><complete/></actions>"
    "<x xmlns='jabber:x:data' type='form'><field var='runlevel' type='list-multi'><value>3</value>"
    "<option><value>3</value></option><option><value>5</value></option></field>"
    "<field var='state' type='list-single'><required/><option><value>off</value></option>"
    "<option><value>on</value></option></field></x>"
)
DONE = "<note type='info'>Service 'httpd' has been configured.</note>"


class Responder:
    """Answers each request with the next of ``answers``: (status, inner XML) or an error."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def request(self, payload, **_):
        self.asked.append(payload)
        if payload.get("action") == "cancel":
            return command("canceled", "")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if answer is None else command(*answer)

    @property
    def said(self):
        return [(each.get("action"), each.get("sessionid")) for each in self.asked]


def command(status, inner, attributes=""):
    head = f"<command xmlns='{NS}' sessionid='s{status[0]}' node='config' {attributes}"
    return parse(f"{head} status='{status}'>{inner}</command>")


def run(responder, script=None, **more):
    script = script or Script({})
    decide = script if callable(script) else script.decide
    return asyncio.run(adhoc.run(responder, SHOP, "config", decide, what="it", **more))


def submitted(element):
    return {
        field.get("var"): [value.text for value in field.findall("{jabber:x:data}value")]
        for field in element.iter("{jabber:x:data}field")
    }


def test_the_stages_of_the_xep():
    shop = Responder(("executing", SERVICE), ("executing", LEVEL), ("completed", DONE))
    script = Script({"service": ["httpd"], "runlevel": ["5", "3"], "state": ["on"]})
    stage = run(shop, script, lang="de")
    script.check(stage)
    assert shop.said == [("execute", None), ("next", "se"), ("complete", "se")]
    assert {each.get(LANG) for each in shop.asked} == {"de"}
    assert submitted(shop.asked[1]) == {"service": ["httpd"]}
    assert submitted(shop.asked[2]) == {"runlevel": ["5", "3"], "state": ["on"]}
    record = adhoc.record(stage)
    assert (record.status, record.actions, record.default_action) == ("completed", [], None)
    assert record.notes == [CommandNote("info", "Service 'httpd' has been configured.")]
    assert record.error is None


def test_values_stage_by_stage():
    shop = Responder(("executing", SERVICE), ("executing", LEVEL), ("completed", DONE))
    run(shop, Script({"state": ["off"]}, [{"service": ["jabberd"]}, {"state": ["on"]}]))
    assert submitted(shop.asked[1]) == {"service": ["jabberd"]}
    # what was given for this very stage counts
    assert submitted(shop.asked[2]) == {"runlevel": ["3"], "state": ["on"]}


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (Script({"service": ["httpd"], "nix": ["1"], "state": ["on"]}), "no field 'nix'"),
        (Script({"service": ["httpd"]}), "needs a value for: state"),
        (Script({"service": ["sshd"]}), "none of httpd, jabberd"),
        (Script({}, [{"state": ["on"]}]), "no field 'state'"),
        (Script({"state": ["on"]}, [{"service": ["httpd"]}, {}, {"x": ["1"]}]), "not next"),
        (Script({}, action="prev"), "not prev"),
        (Script({"service": ["httpd"], "runlevel": ["9"]}), "none of 3, 5"),
    ],
)
def test_what_does_not_fit_cancels_the_command(script, text):
    shop = Responder(("executing", SERVICE), ("executing", LEVEL), ("completed", DONE))
    with pytest.raises(UsageError, match=text) as info:
        run(shop, script)
    assert "nothing was submitted" not in info.value.text
    assert shop.said[-1] == ("cancel", "se")
    assert "complete" not in dict(shop.said)


def test_a_secret_among_the_arguments():
    form = "<x xmlns='jabber:x:data' type='form'><field var='p' type='text-private'/></x>"
    shop = Responder(("executing", form), ("completed", ""))
    with pytest.raises(UsageError, match="p is a secret"):
        run(shop, Script({"p": ["x"]}, exposed={"p"}))
    run(Responder(("executing", form), ("completed", "")), Script({"p": ["x"]}))
    (shown,) = adhoc.record(adhoc.read(command("executing", form.replace(
        "/></x>", "><value>x</value></field></x>")), "a", "b")).form.fields  # fmt: skip
    assert shown.values == []


@pytest.mark.parametrize(
    ("script", "said", "shown", "status"),
    [
        (Script({}, show=True), ["execute", "cancel"], "service", "canceled"),
        (
            Script({}, [{"service": ["httpd"]}], show=True),
            ["execute", "next", "cancel"], "runlevel", "canceled",
        ),
        (Script({}, action="cancel"), ["execute", "cancel"], "service", "canceled"),
        (
            Script({}, [{"service": ["httpd"]}], action="prev"),
            ["execute", "next", "prev", "cancel"], "service", "canceled",
        ),
    ],
)  # fmt: skip
def test_stopping_on_the_way(script, said, shown, status):
    shop = Responder(("executing", SERVICE), ("executing", LEVEL), ("executing", SERVICE))
    stage = run(shop, script)
    assert stage.status == status
    assert [each[0] for each in shop.said] == said
    assert script.shown.form.fields[0].var == shown
    assert adhoc.record(stage, canceled=True).error is None
    assert adhoc.record(stage).error.name == "REFUSED"


def test_show_form_never_completes():
    shop = Responder(("executing", LEVEL), ("completed", ""))
    script = Script({}, [{"state": ["on"]}], show=True)
    run(shop, script)
    assert [each[0] for each in shop.said] == ["execute", "cancel"]
    assert script.shown is not None


@pytest.mark.parametrize(
    ("actions", "allowed", "default"),
    [
        ("", ["complete"], "complete"),
        ("<actions execute='next'><prev/><next/><complete/></actions>",
         ["prev", "next", "complete"], "next"),
        ("<actions><next/><complete/></actions>", ["next", "complete"], "next"),
        ("<actions><complete/></actions>", ["complete"], "complete"),  # invalid, and sent
        ("<actions execute='complete'/>", ["complete"], "complete"),
        ("<actions execute='prev'><prev/><complete/></actions>",
         ["prev", "complete"], "complete"),
        ("<actions execute='complete'><next/></actions>", ["next"], "next"),
        ("<actions/>", ["next"], "next"),
    ],
)  # fmt: skip
def test_the_usual_action(actions, allowed, default):
    stage = adhoc.read(command("executing", actions), "a", "b")
    assert (list(stage.actions), stage.default) == (allowed, default)


def test_the_action_that_was_asked_for():
    both = SERVICE.replace("<next/>", "<next/><complete/>")
    for action, expected in (("complete", "complete"), ("next", "next"), (None, "next")):
        shop = Responder(("executing", both), ("completed", ""))
        run(shop, Script({}, action=action))
        assert shop.said[1][0] == expected


@pytest.mark.parametrize(
    ("answers", "condition"),
    [
        ([None], "malformed-answer"),
        ([("running", "")], "malformed-answer"),
        ([("executing", "")], "malformed-answer"),  # again and again
        ([("executing", SERVICE)], "malformed-answer"),
        ([("executing", SERVICE + "<note type='error'>no such service</note>")],
         "undefined-condition"),
        ([("executing", SERVICE), RefusedError("", condition="bad-request")], "bad-request"),
    ],
)  # fmt: skip
def test_responders_that_come_to_no_end(answers, condition):
    shop = Responder(*answers)
    shop.ask = lambda payload, **_: shop.asked.append(payload) or type("P", (), {"element": None})
    shop.send = lambda *_: None
    with pytest.raises(RefusedError) as info:
        run(shop, Script({"service": ["httpd"]} if SERVICE in str(answers) else {}))
    assert info.value.condition == condition
    assert len(shop.asked) <= 4
    if len(shop.asked) > 1:
        assert shop.said[-1][0] == "cancel"


def test_a_command_that_goes_on_and_on_differently():
    class Endless(Responder):
        async def request(self, payload, **_):
            self.answers = [("executing", SERVICE.replace("httpd", f"h{len(self.asked)}"))]
            return await super().request(payload)

    endless = Endless(())
    with pytest.raises(RefusedError, match="does not come to an end"):
        run(endless)
    assert len(endless.asked) == adhoc._STAGES + 2


def test_a_failure_that_is_told_in_a_note():
    stage = run(Responder(("completed", "<note type='error'>No</note><note>by the way</note>")))
    record = adhoc.record(stage)
    assert (record.error.name, record.error.text) == ("REFUSED", "responder@domain: No")
    assert [note.type for note in record.notes] == ["error", "info"]
    with pytest.raises(RefusedError, match="No"):
        adhoc.completed(stage)


def test_a_result_of_whatever_type_and_urls():
    result = (
        "<x xmlns='jabber:x:data' type='form'><field var='a'><value>1</value></field></x>"
        "<x xmlns='jabber:x:oob'><url>https://a.test/</url></x>"
    )
    record = adhoc.record(run(Responder(("completed", result))))
    assert record.form is None
    assert record.result.fields[0].values == ["1"]
    assert record.urls == ["https://a.test/"]
    assert str(record.result) == "a: 1"


def test_values_that_nobody_asked_for():
    script = Script({"nix": ["1"]}, action="next")
    both = SERVICE.replace("<next/>", "<next/><complete/>")
    stage = run(Responder(("executing", both), ("completed", "")), script)
    with pytest.raises(UsageError, match="without asking for nix"):
        script.check(stage)


# --- on a stream


def executing(ident):
    inner = f"<command xmlns='{NS}' sessionid='s1' node='config' status='executing'>{SERVICE}"
    return f"<iq type='result' id='{ident}' from='{SHOP}'>{inner}</command></iq>"


def test_who_is_interrupted_cancels():
    async def scenario():
        session, wire, transport = make_session()

        async def decide(stage):
            return Move("next", {"service": ["httpd"]})

        task = asyncio.ensure_future(adhoc.run(session, SHOP, "config", decide, what="it"))
        await asyncio.sleep(0)
        first = parse(transport.text)
        come(wire, executing(first.get("id")))
        await asyncio.sleep(0.01)
        assert "action='next'" in transport.text
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return transport.text

    text = asyncio.run(scenario())
    assert "action='cancel'" in text
    assert "sessionid='s1'" in text


def test_silence_is_a_reason_to_cancel():
    async def scenario():
        session, wire, transport = make_session()

        async def decide(stage):
            return Move("next", {})

        task = asyncio.ensure_future(adhoc.run(session, SHOP, "config", decide, what="it"))
        await asyncio.sleep(0)
        come(wire, executing(parse(transport.text).get("id")))
        with pytest.raises(DeadlineError):
            await task
        return transport.text

    assert "action='cancel'" in asyncio.run(scenario())


# --- lists

DISCO = "http://jabber.org/protocol/disco"


class Entity:
    """Answers disco with these payloads, or errors."""

    def __init__(self, info, items):
        self.answers = {"info": info, "items": items}
        self.trace = make_session()[0].trace

    async def request(self, payload, **_):
        answer = self.answers[payload.tag.partition("#")[2].partition("}")[0]]
        if isinstance(answer, Exception):
            raise answer
        return parse(answer)


def info(*features):
    inner = "".join(f"<feature var='{each}'/>" for each in features)
    return f"<query xmlns='{DISCO}#info'><identity category='a' type='b'/>{inner}</query>"


def items(*pairs):
    inner = "".join(f"<item jid='{who}' node='{node}' name='N'/>" for who, node in pairs)
    return f"<query xmlns='{DISCO}#items' node='{NS}'>{inner}</query>"


def refused(condition):
    return RefusedError(condition, condition=condition)


def test_commands_of_others_are_left_out():
    entity = Entity(info(), items((SHOP, "list"), ("other@domain", "evil"), (SHOP, "list")))
    (found,) = asyncio.run(adhoc.listed(entity, SHOP))
    assert (found.jid, found.node, found.name) == (str(SHOP), "list", "N")


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (Entity(info(NS), items()), None),
        (Entity(info(), items()), UnsupportedError),
        (Entity(info(), refused("item-not-found")), UnsupportedError),
        (Entity(info(NS), refused("item-not-found")), RefusedError),
        (Entity(info(), refused("forbidden")), RefusedError),
        (Entity(refused("service-unavailable"), items()), RefusedError),
    ],
)
def test_no_commands(entity, expected):
    if expected is None:
        assert asyncio.run(adhoc.listed(entity, SHOP)) == []
        return
    with pytest.raises(expected):
        asyncio.run(adhoc.listed(entity, SHOP))


@pytest.mark.parametrize(
    ("entity", "condition", "kind"),
    [
        (Entity(info(NS), items((SHOP, "other"))), "item-not-found", RefusedError),
        (Entity(info(NS), items((SHOP, "config"))), "first", RefusedError),
        (Entity(info(), items()), "feature-not-implemented", UnsupportedError),
        (Entity(refused("forbidden"), items()), "first", RefusedError),
    ],
)
def test_what_a_refusal_to_begin_means(entity, condition, kind):
    first = refused("first")
    found = asyncio.run(adhoc.missing(entity, SHOP, "config", first))
    assert (found.condition, type(found)) == (condition, kind)


def test_info_of_what_is_no_command():
    with pytest.raises(RefusedError) as caught:
        asyncio.run(adhoc.info(Entity(info("x"), ""), SHOP, "config"))
    assert caught.value.condition == "item-not-found"


def test_the_record_is_what_the_form_option_reads(tmp_path):
    from xmppctl.cli import forms

    form = {"fields": [{"var": "a", "type": "text-single", "values": ["1"]}]}
    assert forms._from_json(json.dumps({"status": "executing", "form": form}).encode(), "f") == {
        "a": ["1"]
    }
    path = tmp_path / "steps.json"
    path.write_text('[{"a": 1}, {"b": ["x", true]}, {}]')
    app = type("App", (), {"read_file": staticmethod(lambda path: path.read_bytes())})
    assert forms.steps(app, path) == [{"a": ["1"]}, {"b": ["x", "1"]}, {}]
    for wrong in ("{}", "[1]", "x", '[{"a": {}}]'):
        path.write_text(wrong)
        with pytest.raises(UsageError, match="--step-json"):
            forms.steps(app, path)
