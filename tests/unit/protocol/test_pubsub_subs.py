"""Subscriptions and affiliations: the XEP's examples, what is nonsense, what is not to be believed.

The service is scripted: it answers each request by its payload.
"""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.jid import parse
from xmppctl.protocol.pubsub import options, owning, pending, subscribing, subscriptions
from xmppctl.session.xml import serialise

PS = "http://jabber.org/protocol/pubsub"
INFO = "http://jabber.org/protocol/disco#info"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SERVICE = parse("pubsub.shakespeare.lit")
OWN = "alice@fake.test"
NODE = "princely_musings"


def error(condition, application="", type="cancel"):
    inner = f"<{application} xmlns='{PS}#errors'/>" if application else ""
    return f"<error type='{type}'><{condition} xmlns='{STANZAS}'/>{inner}</error>"


class Service:
    """``answers``: by what the request contains, its result or an ``<error/>``; the first fits.

    A list is answered one after the other. ``messages``: what is sent before an answer, likewise.
    """

    def __init__(self, answers, messages=None):
        self.session, self.wire, self.transport = make_session()
        self.answers = answers
        self.messages = messages or {}
        self.log = []

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for stanza in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    self._handle(stanza)
            return task.result()

        return asyncio.run(both())

    def _handle(self, stanza):
        shown = serialise(stanza, "").replace('"', "'")
        self.log.append(shown)
        for key, message in self.messages.items():
            if key in shown:
                come(self.wire, message.replace("ID", stanza.get("id")))
        if not stanza.tag.endswith("iq"):
            return
        found = next((a for key, a in self.answers.items() if key in shown), error("x"))
        if isinstance(found, list):
            found = found.pop(0)
        kind = "error" if found.startswith("<error") else "result"
        sender = f"from='{stanza.get('to')}'" if stanza.get("to") else ""
        come(self.wire, f"<iq type='{kind}' id='{stanza.get('id')}' {sender}>{found}</iq>")

    def sent(self, text):
        return [each for each in self.log if text in each]


def pubsub(inner, owner=False):
    return f"<pubsub xmlns='{PS}{'#owner' if owner else ''}'>{inner}</pubsub>"


def features(*names):
    rows = "".join(f"<feature var='{PS}#{name}'/>" for name in names)
    identity = "<identity category='pubsub' type='service'/>"
    return f"<query xmlns='{INFO}'>{identity}<feature var='{PS}'/>{rows}</query>"


def listed(*rows):
    return pubsub(f"<subscriptions>{''.join(rows)}</subscriptions>")


def row(node=NODE, jid=OWN, state="subscribed", subid=""):
    more = f" subid='{subid}'" if subid else ""
    return f"<subscription node='{node}' jid='{jid}' subscription='{state}'{more}/>"


# --- the own ones


def test_the_list_of_the_example():
    service = Service(
        {
            "<subscriptions": listed(
                row("node1"),
                row("node5", state="unconfigured"),
                row("node6", subid="123-abc"),
                row("node6", subid="004-yyy"),
                row("node7", state="king"),
                "<subscription node='node8' subscription='subscribed'/>",
                "<subscription jid='a@b.c' subscription='subscribed'/>",
            )
        }
    )
    found = service.run(subscriptions.subscriptions(service.session, SERVICE))
    assert [(s.node, s.jid, s.state, s.subid) for s in found] == [
        ("node1", OWN, "subscribed", None),
        ("node5", OWN, "unconfigured", None),
        ("node6", OWN, "subscribed", "123-abc"),
        ("node6", OWN, "subscribed", "004-yyy"),
    ]
    assert found[0].service == "pubsub.shakespeare.lit"


def test_one_node_whose_name_is_not_repeated():
    bare = f"<subscription jid='{OWN}' subscription='subscribed'/>"
    service = Service({"<subscriptions": listed(bare, row("other")), "disco": features()})
    (found,) = service.run(subscriptions.subscriptions(service.session, SERVICE, NODE))
    assert found.node == NODE


def test_an_empty_list_of_a_node_that_is_not_there():
    service = Service({"<subscriptions": listed(), "disco": error("item-not-found")})
    with pytest.raises(RefusedError) as raised:
        service.run(subscriptions.subscriptions(service.session, SERVICE, NODE))
    assert raised.value.condition == "item-not-found"
    service = Service({"<subscriptions": listed(), "disco": features()})
    assert service.run(subscriptions.subscriptions(service.session, SERVICE, NODE)) == []


@pytest.mark.parametrize("answer", ["", "<query xmlns='x'/>"])
def test_an_answer_that_is_none(answer):
    service = Service({"<subscri": answer})
    for operation in (
        subscriptions.subscriptions(service.session, SERVICE),
        subscribing.subscribe(service.session, SERVICE, NODE, None, {}),
    ):
        with pytest.raises(RefusedError) as raised:
            service.run(operation)
        assert raised.value.condition == "malformed-answer"


@pytest.mark.parametrize("state", ["subscribed", "pending", "unconfigured"])
def test_subscribing(state):
    answer = pubsub(
        f"<subscription node='{NODE}' jid='{OWN}' subid='ba49' subscription='{state}' "
        "expiry='2026-02-28T11:59:59Z'/>"
    )
    service = Service({"<subscribe ": answer})
    found = service.run(subscribing.subscribe(service.session, SERVICE, NODE, None, {}))
    assert (found.state, found.subid, found.jid) == (state, "ba49", OWN)
    assert found.expiry.year == 2026
    (sent,) = service.log
    assert f"<subscribe node='{NODE}' jid='{OWN}'/>" in sent


def test_a_subscription_without_a_state_is_malformed():
    service = Service({"<subscribe ": pubsub(f"<subscription node='{NODE}' jid='{OWN}'/>")})
    with pytest.raises(RefusedError) as raised:
        service.run(subscribing.subscribe(service.session, SERVICE, NODE, None, {}))
    assert raised.value.condition == "malformed-answer"


def test_only_an_own_jid_is_subscribed():
    service = Service({})
    with pytest.raises(UsageError):
        service.run(
            subscribing.subscribe(service.session, SERVICE, NODE, parse("bob@fake.test"), {})
        )
    assert service.log == []


@pytest.mark.parametrize(
    ("condition", "application", "text"),
    [
        ("not-authorized", "presence-subscription-required", "presence-subscription-required"),
        ("not-allowed", "closed-node", "closed-node"),
        ("payment-required", "", "payment-required"),
        ("not-acceptable", "configuration-required", "configuration-required"),
    ],
)
def test_refused_with_the_condition_of_the_protocol(condition, application, text):
    service = Service({"<subscribe ": error(condition, application)})
    with pytest.raises(RefusedError) as raised:
        service.run(subscribing.subscribe(service.session, SERVICE, NODE, None, {}))
    assert raised.value.condition == condition
    assert text in raised.value.text


def test_subscribing_where_that_is_not_offered():
    service = Service({"<subscribe ": error("feature-not-implemented"), "disco": features()})
    with pytest.raises(UnsupportedError) as raised:
        service.run(subscribing.subscribe(service.session, SERVICE, NODE, None, {}))
    assert "subscribe (XEP-0060)" in raised.value.text


# --- which one


def test_the_id_goes_along():
    service = Service({"<subscriptions": listed(row(subid="a1")), "<unsubscribe": ""})
    found = service.run(subscribing.unsubscribe(service.session, SERVICE, NODE, None, None))
    assert (found.state, found.subid) == ("none", "a1")
    assert "subid='a1'" in service.sent("<unsubscribe")[0]


def test_several_subscriptions_need_an_id():
    both = listed(row(subid="123-abc"), row(subid="004-yyy"))
    service = Service({"<subscriptions": both, "<unsubscribe": "", "disco": features()})
    with pytest.raises(RefusedError) as raised:
        service.run(subscribing.unsubscribe(service.session, SERVICE, NODE, None, None))
    assert raised.value.condition == "subid-required"
    assert "123-abc, 004-yyy" in raised.value.hint
    assert not service.sent("<unsubscribe")
    found = service.run(subscribing.unsubscribe(service.session, SERVICE, NODE, None, "004-yyy"))
    assert found.subid == "004-yyy"
    with pytest.raises(RefusedError) as raised:
        service.run(subscribing.unsubscribe(service.session, SERVICE, NODE, None, "other"))
    assert raised.value.condition == "item-not-found"


@pytest.mark.parametrize("condition", ["not-subscribed", "invalid-subid"])
def test_what_is_gone_meanwhile_is_not_there(condition):
    refused = error("unexpected-request", condition)
    answers = {"<subscriptions": listed(row()), "<unsubscribe": refused}
    service = Service(answers)
    with pytest.raises(RefusedError) as raised:
        service.run(subscribing.unsubscribe(service.session, SERVICE, NODE, None, None))
    assert raised.value.condition == "item-not-found"
    gone = service.run(
        subscribing.unsubscribe(service.session, SERVICE, NODE, None, None, if_exists=True)
    )
    assert gone.state == "none"


def test_a_service_that_lists_nothing_is_asked_all_the_same():
    answers = {
        "<subscriptions": error("feature-not-implemented"),
        "disco": features("subscribe"),
        "<unsubscribe": "",
    }
    service = Service(answers)
    found = service.run(subscribing.unsubscribe(service.session, SERVICE, NODE, None, "x1"))
    assert found.state == "none"
    assert "subid='x1'" in service.sent("<unsubscribe")[0]


# --- options


def form(value, node=NODE):
    return pubsub(
        f"<options node='{node}' jid='{OWN}'><x xmlns='jabber:x:data' type='form'>"
        f"<field var='FORM_TYPE' type='hidden'><value>{PS}#subscribe_options</value></field>"
        f"<field var='pubsub#deliver' type='boolean'><value>{value}</value></field>"
        "<field var='pubsub#show-values' type='list-multi'><option><value>chat</value></option>"
        "<option><value>online</value></option><value>chat</value></field></x></options>"
    )


OFFERED = features("subscribe", "subscription-options")


def test_options_are_set_and_read_back():
    answers = {
        "disco": OFFERED,
        "<subscriptions": listed(row(subid="a1")),
        "type='submit'": "",
        "<options": [form("1"), form("0")],
    }
    service = Service(answers)
    found = service.run(
        options.options(service.session, SERVICE, NODE, None, None, {"deliver": ["no"]})
    )
    assert found.fields[0].values == ["0"]
    (sent,) = service.sent("type='submit'")
    assert "subid='a1'" in sent
    assert "<value>chat</value>" in sent  # what was not named keeps its value


def test_options_that_did_not_become_so():
    answers = {
        "disco": OFFERED,
        "<subscriptions": listed(row()),
        "type='submit'": "",
        "<options": [form("1"), form("1")],
    }
    service = Service(answers)
    with pytest.raises(RefusedError) as raised:
        service.run(options.options(service.session, SERVICE, NODE, None, None, {"deliver": ["0"]}))
    assert raised.value.condition == "not-applied"


def test_an_unknown_option_is_told_before_anything_happens():
    service = Service(
        {"disco": OFFERED, "<options": form("1"), "<default": error("item-not-found")}
    )
    with pytest.raises(UsageError):
        service.run(subscribing.subscribe(service.session, SERVICE, NODE, None, {"nope": ["1"]}))
    assert not service.sent("<subscribe ")


def test_subscribing_with_options_that_are_shown_only_afterwards():
    made = pubsub(row(state="unconfigured", subid="a1"))
    answers = {
        "disco": OFFERED,
        "<default": error("feature-not-implemented"),
        "<subscribe ": made,
        "<unsubscribe": "",
        "type='submit'": "",
        "<options": [error("unexpected-request", "not-subscribed"), form("1"), form("0")],
    }
    service = Service(answers)
    found = service.run(
        subscribing.subscribe(service.session, SERVICE, NODE, None, {"deliver": ["0"]})
    )
    assert (found.state, found.subid) == ("subscribed", "a1")
    answers["<options"] = [error("unexpected-request", "not-subscribed"), form("1")]
    with pytest.raises(UsageError):
        service.run(subscribing.subscribe(service.session, SERVICE, NODE, None, {"nope": ["0"]}))
    assert service.sent("<unsubscribe")


def test_options_where_there_are_none():
    service = Service({"disco": features("subscribe")})
    with pytest.raises(UnsupportedError) as raised:
        service.run(subscribing.subscribe(service.session, SERVICE, NODE, None, {"a": ["1"]}))
    assert "subscription-options" in raised.value.text
    assert not service.sent("<subscribe ")


# --- owners


def owned(kind, rows):
    cells = "".join(f"<{kind} jid='{jid}' {kind}='{what}'/>" for jid, what in rows.items())
    return pubsub(f"<{kind}s node='{NODE}'>{cells}</{kind}s>", owner=True)


HAMLET, OPHELIA = "hamlet@denmark.lit", "ophelia@denmark.lit"


def test_affiliations_are_read_back():
    before, after = {HAMLET: "owner"}, {HAMLET: "owner", OPHELIA: "outcast"}
    answers = {
        "type='set'": error("forbidden"),  # one server says so, and does it
        "<affiliations": [owned("affiliation", before), owned("affiliation", after)],
    }
    service = Service(answers)
    wanted = {parse(OPHELIA): "outcast", parse("x@y.z"): "member"}
    done, failed = service.run(owning.set_affiliations(service.session, SERVICE, NODE, wanted))
    assert (done.jid, done.affiliation, done.error) == (OPHELIA, "outcast", None)
    assert (failed.affiliation, failed.error.condition) == ("none", "forbidden")


def test_success_that_is_none():
    """The last owner, whom one server keeps with a result."""
    same = owned("affiliation", {HAMLET: "owner"})
    service = Service({"type='set'": "", "<affiliations": same})
    wanted = {parse(HAMLET): "none", parse(OPHELIA): "none"}
    kept, absent = service.run(owning.set_affiliations(service.session, SERVICE, NODE, wanted))
    assert (kept.affiliation, kept.error.condition) == ("owner", "not-applied")
    assert absent.error.condition == "item-not-found"
    assert len(service.sent("type='set'")) == 1
    *_, absent = service.run(
        owning.set_affiliations(service.session, SERVICE, NODE, wanted, if_exists=True)
    )
    assert absent.error is None


def test_subscribers_and_their_states():
    answers = {
        "hamlet@denmark.lit' subscription='none'": error("bad-request", "not-subscribed"),
        "type='set'": "",
        "<subscriptions": owned("subscription", {OPHELIA: "subscribed"}),
    }
    service = Service(answers)
    wanted = {
        parse(OPHELIA): "subscribed",
        parse(HAMLET): "none",
        parse("p@q.r"): "pending",
        parse("u@q.r"): "unconfigured",
    }
    found = service.run(owning.set_subscriptions(service.session, SERVICE, NODE, wanted))
    assert [(s.jid, s.state, s.error and s.error.condition) for s in found] == [
        (OPHELIA, "subscribed", None),
        (HAMLET, "none", "item-not-found"),
        ("p@q.r", "pending", None),
        ("u@q.r", "none", "not-applied"),
    ]


def test_a_list_that_is_not_for_everybody():
    service = Service({"<affiliations": error("forbidden"), "<subscriptions": error("forbidden")})
    for operation in (owning.affiliates, owning.subscribers):
        with pytest.raises(RefusedError) as raised:
            service.run(operation(service.session, SERVICE, NODE))
        assert raised.value.condition == "forbidden"
    service = Service({"<subscriptions": error("feature-not-implemented"), "disco": features()})
    with pytest.raises(UnsupportedError) as raised:
        service.run(owning.subscribers(service.session, SERVICE, NODE))
    assert "manage-subscriptions" in raised.value.text


# --- what waits


def request(node=NODE, jid=OPHELIA, sender="pubsub.shakespeare.lit", more=""):
    """The example of §8.6."""
    return (
        f"<message from='{sender}' id='approve1'><x xmlns='jabber:x:data' type='form'>"
        f"<field var='FORM_TYPE' type='hidden'><value>{PS}#subscribe_authorization</value></field>"
        "<field var='pubsub#subid' type='hidden'><value>123-abc</value></field>"
        f"<field var='pubsub#node'><value>{node}</value></field>"
        f"<field var='pubsub#subscriber_jid' type='jid-single'><value>{jid}</value></field>"
        f"<field var='pubsub#allow' type='boolean'><value>false</value></field></x>{more}</message>"
    )


def command(*nodes):
    rows = "".join(f"<option><value>{node}</value></option>" for node in nodes)
    return (
        "<command xmlns='http://jabber.org/protocol/commands' sessionid='s1' status='executing' "
        f"node='{PS}#get-pending'><x xmlns='jabber:x:data' type='form'>"
        f"<field type='list-single' var='pubsub#node'>{rows}</field></x></command>"
    )


DONE = f"<command xmlns='http://jabber.org/protocol/commands' node='{PS}#get-pending'/>"


def test_requests_are_told_by_messages_of_the_service_alone():
    delayed = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"
    messages = "".join(
        [
            request(),
            request(),
            request(jid="forged@x.y", sender="eve@evil.lit"),
            request(jid="stored@x.y", more=delayed),
            request(node="other", jid="other@x.y"),
            "<message from='pubsub.shakespeare.lit'><body>hi</body></message>",
        ]
    )
    answers = {
        "offline": error("service-unavailable"),
        "disco": features("get-pending"),
        "jabber:x:data": DONE,
        "get-pending": command(NODE, NODE),
        "ping": "",
    }
    service = Service(answers, {"jabber:x:data": messages})
    (found,) = service.run(pending.pending(service.session, SERVICE, None))
    assert (found.node, found.jid, found.state, found.subid) == (
        NODE,
        OPHELIA,
        "pending",
        "123-abc",
    )
    assert "sessionid='s1'" in service.sent("jabber:x:data")[0]


def test_nobody_becomes_available_where_nothing_waits():
    answers = {"offline": "", "disco": features("get-pending"), "get-pending": command()}
    service = Service(answers)
    assert service.run(pending.pending(service.session, SERVICE, None)) == []
    assert not service.sent("<presence")


def test_the_list_of_a_service_without_the_command():
    both = owned("subscription", {OPHELIA: "pending", HAMLET: "subscribed"})
    answers = {"offline": "", "disco": features("manage-subscriptions"), "<subscriptions": both}
    service = Service(answers)
    (found,) = service.run(pending.pending(service.session, SERVICE, NODE))
    assert found.jid == OPHELIA
    with pytest.raises(UnsupportedError):
        service.run(pending.pending(service.session, SERVICE, None))


def bounce(condition, sender="pubsub.shakespeare.lit"):
    return f"<message type='error' id='ID' from='{sender}'>{error(condition)}</message>"


def test_decisions():
    answers = {
        f"info' node='{NODE}'": features(),
        "disco": features("get-pending"),
        "<subscriptions": owned("subscription", {OPHELIA: "subscribed", HAMLET: "pending"}),
    }
    messages = {
        "nobody@x.y": bounce("unexpected-request"),
        "ophelia": bounce("forbidden", "eve@evil.lit"),
    }
    service = Service(answers, messages)
    decisions = {parse(OPHELIA): True, parse(HAMLET): False, parse("nobody@x.y"): True}
    found = service.run(pending.decide(service.session, SERVICE, NODE, decisions))
    assert [(s.jid, s.state, s.error and s.error.condition) for s in found] == [
        (OPHELIA, "subscribed", None),
        (HAMLET, "pending", "not-applied"),
        ("nobody@x.y", "none", "item-not-found"),
    ]
    (sent,) = service.sent(f"<value>{OPHELIA}</value>")
    assert "<field var='pubsub#allow'><value>1</value></field>" in sent
