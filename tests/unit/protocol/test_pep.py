"""Private data of the account: it goes nowhere unless the node is proven to be private."""

import asyncio
from xml.etree.ElementTree import Element, fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.protocol import pep
from xmppctl.protocol.pubsub import Item
from xmppctl.session.xml import serialise

PS = "http://jabber.org/protocol/pubsub"
OPTIONS = f"{PS}#publish-options"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
DEFAULT = {
    "persist_items": "1",
    "access_model": "presence",
    "max_items": "1",
    "send_last_published_item": "on_sub_and_presence",
}
UNKNOWN_FIELD = f"<error type='wait'><resource-constraint xmlns='{STANZAS}'/></error>"
CONFLICT = (
    f"<error type='cancel'><conflict xmlns='{STANZAS}'/><precondition-not-met xmlns='{PS}#errors'/>"
    "</error>"
)
NOT_FOUND = f"<error type='cancel'><item-not-found xmlns='{STANZAS}'/></error>"
UNAVAILABLE = f"<error type='cancel'><service-unavailable xmlns='{STANZAS}'/></error>"


class Service:
    """An account's nodes; ``node`` is the configuration of the only one, None without it.

    ``refusal``: the error that publish options get. ``deaf``: configuring is a result, and changes
    nothing. ``fixed``: fields that nobody can change. ``race``: another client makes the node with
    this configuration first.
    """

    def __init__(
        self, node=None, *, announces=True, refusal=None, deaf=False, fixed=None, race=None
    ):
        self.session, self.wire, self.transport = make_session()
        self.node = node
        self.announces = announces
        self.refusal = refusal
        self.deaf = deaf
        self.fixed = fixed or {}
        self.race = race
        self.items = {}
        self.log = []
        self.answer = None

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    assert iq.get("to") in (None, self.session.bare)
                    kind, payload = self._handle(iq[0])
                    come(self.wire, f"<iq type='{kind}' id='{iq.get('id')}'>{payload}</iq>")
            return task.result()

        return asyncio.run(both())

    def _handle(self, payload):
        if payload.tag.endswith("query"):
            self.log.append("disco")
            feature = f"<feature var='{OPTIONS}'/>" if self.announces else ""
            ns = "http://jabber.org/protocol/disco#info"
            return "result", f"<query xmlns='{ns}'>{feature}</query>"
        action = payload[0].tag.rpartition("}")[2]
        form = values(payload)
        if action == "publish":
            return self._publish(payload, form)
        if action == "items":
            if self.answer is None:
                return "error", NOT_FOUND
            return "result", self.answer
        if action == "create":
            self.log.append("create")
            if self.race is not None:
                self.node = self.race
                return "error", f"<error type='cancel'><conflict xmlns='{STANZAS}'/></error>"
            self.node = dict(DEFAULT) if self.deaf else {**DEFAULT, **form, **self.fixed}
            return "result", ""
        if form:
            self.log.append("configure")
            if not self.deaf:
                self.node = {**self.node, **form, **self.fixed}
            return "result", ""
        self.log.append("read")
        if self.node is None:
            return "error", NOT_FOUND
        rows = "".join(
            f"<field var='pubsub#{name}' type='text-single'><value>{value}</value></field>"
            for name, value in self.node.items()
        )
        return "result", (
            f"<pubsub xmlns='{PS}#owner'><configure node='n'><x xmlns='jabber:x:data' type='form'>"
            f"<field var='FORM_TYPE' type='hidden'><value>{PS}#node_config</value></field>{rows}"
            "</x></configure></pubsub>"
        )

    def _publish(self, payload, options):
        (item,) = payload[0]
        self.log.append("publish with options" if options else "publish")
        if options and self.refusal is not None:
            return "error", self.refusal
        if options and self.node is not None and not options.items() <= self.node.items():
            return "error", CONFLICT
        if self.node is None:
            self.node = {**DEFAULT, **options}
        # what no test may ever see
        assert self.node["access_model"] == "whitelist"
        self.items[item.get("id")] = serialise(item[0], "")
        return "result", ""


def values(payload):
    return {
        field.get("var").removeprefix("pubsub#"): field[0].text
        for field in payload.iter("{jabber:x:data}field")
        if field.get("var") != "FORM_TYPE"
    }


def publish(service, *names, **more):
    items = [Item(name, Element("{urn:example}x")) for name in names or ("a",)]
    service.run(pep.publish(service.session, "n", items, pep.PRIVATE, **more))


def refused(service, condition, **more):
    with pytest.raises(RefusedError) as error:
        publish(service, **more)
    assert error.value.condition == condition
    assert service.items == {}
    return error.value


def test_options_where_they_are_honoured():
    service = Service()
    publish(service, "a", "b")
    assert service.log == ["disco", "publish with options", "publish with options"]
    assert list(service.items) == ["a", "b"]
    assert service.node == pep.PRIVATE


def test_options_that_are_not_announced_are_not_relied_on():
    service = Service(announces=False)
    publish(service)
    assert service.log == ["disco", "read", "create", "read", "publish"]


def test_options_that_are_refused():
    service = Service(refusal=UNKNOWN_FIELD)
    publish(service, "a", "b")
    assert service.log == [
        "disco", "publish with options", "read", "create", "read", "publish", "publish",
    ]  # fmt: skip
    assert service.node == pep.PRIVATE
    publish(service, "c")
    assert service.log[-3:] == ["publish with options", "read", "publish"]
    assert list(service.items) == ["a", "b", "c"]


def test_a_private_node_is_completed():
    service = Service({**DEFAULT, "access_model": "whitelist", "title": "mine"})
    publish(service)
    assert service.log[-4:] == ["read", "configure", "read", "publish"]
    assert service.node == {**pep.PRIVATE, "title": "mine"}


@pytest.mark.parametrize("refusal", [None, UNKNOWN_FIELD])
def test_a_node_that_others_can_read(refusal):
    service = Service(dict(DEFAULT), refusal=refusal)
    error = refused(service, "precondition-not-met")
    assert "presence" in error.text
    assert service.node == DEFAULT
    publish(service, reconfigure=True)
    assert service.node == pep.PRIVATE


@pytest.mark.parametrize(
    "service",
    [
        Service(refusal=UNKNOWN_FIELD, deaf=True),
        Service(refusal=UNKNOWN_FIELD, fixed={"access_model": "open"}),
        Service(refusal=UNKNOWN_FIELD, fixed={"persist_items": "0"}),
        Service(refusal=UNKNOWN_FIELD, fixed={"max_items": "1"}),
        Service(refusal=UNKNOWN_FIELD, race=dict(DEFAULT)),
        Service({**pep.PRIVATE, "max_items": "1"}, deaf=True),
    ],
)
def test_a_node_that_does_not_become_private(service):
    refused(service, "not-applied")


def test_even_when_it_was_asked_for():
    refused(Service(dict(DEFAULT), deaf=True), "not-applied", reconfigure=True)


def test_a_race_that_ends_well():
    service = Service(refusal=UNKNOWN_FIELD, race=dict(pep.PRIVATE))
    publish(service)
    assert list(service.items) == ["a"]


def test_a_limit_in_the_place_of_max_will_do():
    service = Service(refusal=UNKNOWN_FIELD, fixed={"max_items": "256"})
    publish(service)
    assert list(service.items) == ["a"]


def test_other_errors_are_told():
    with pytest.raises(UnsupportedError, match="XEP-0163"):
        publish(Service(refusal=UNAVAILABLE))
    forbidden = f"<error type='auth'><forbidden xmlns='{STANZAS}'/></error>"
    refused(Service(refusal=forbidden), "forbidden")


def test_nothing_to_publish_asks_nothing():
    service = Service()
    service.run(pep.publish(service.session, "n", [], pep.PRIVATE))
    assert service.log == []


def read(service):
    return service.run(pep.read(service.session, "n"))


def test_items():
    service = Service()
    assert read(service) == []
    service.answer = (
        f"<pubsub xmlns='{PS}'><items node='n'><item id='a'><x xmlns='u'/></item><item id='b'/>"
        "<item><y xmlns='u'/><z xmlns='u'/></item></items></pubsub>"
    )
    assert [(item.id, item.payload.tag) for item in read(service)] == [
        ("a", "{u}x"),
        (None, "{u}y"),
    ]
    service.answer = "<other xmlns='u'/>"
    with pytest.raises(RefusedError, match="no items"):
        read(service)


def test_features_that_are_known_are_not_asked_for():
    service = Service(announces=False)
    publish(service, features={OPTIONS})
    assert service.log == ["publish with options"]
    service = Service()
    publish(service, features=())
    assert service.log == ["read", "create", "read", "publish"]
