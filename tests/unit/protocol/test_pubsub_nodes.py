"""Which nodes there are and what they tell (XEP-0060 §5); making and configuring them (§8)."""

import pytest

from tests.unit.protocol.pubsubservice import (
    INFO,
    ITEMS,
    NOT_FOUND,
    PS,
    SERVICE,
    Service,
    configuration,
    failure,
    form,
    items,
    offer,
    values,
)
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.protocol.pubsub import configuring, nodes

DEFAULT = {"title": "", "access_model": "open", "max_items": "20", "persist_items": "1", "type": ""}
BOOLEAN = "<field var='pubsub#persist_items' type='boolean'><value>1</value></field>"
CHOICE = (
    "<field var='pubsub#access_model' type='list-single'><value>open</value>"
    "<option><value>open</value></option><option><value>whitelist</value></option></field>"
)


def listed(rows):
    return f"<query xmlns='{ITEMS}'>{rows}</query>"


def listing(rows, told=None, service=SERVICE, parent=None):
    def handle(action, payload):
        return (told or offer()) if action == "disco#info" else rows

    scripted = Service(handle, service)
    return scripted.all(nodes.listing(scripted.session, service, parent))


def test_nodes():
    rows = listed(
        f"<item jid='{SERVICE}' node='blogs' name='Weblog updates'/>"
        f"<item jid='{SERVICE}' node='news'/><item jid='{SERVICE}' name='an item'/>"
        "<item jid='elsewhere.lit' node='other'/>"
    )
    found = listing(rows)
    assert [(each.service, each.node, each.name) for each in found] == [
        (str(SERVICE), "blogs", "Weblog updates"),
        (str(SERVICE), "news", None),
    ]
    # no need to know what it is
    assert listing(rows, told=failure("forbidden")) == found


def test_nodes_of_the_account():
    rows = listed(
        "<item jid='alice@fake.test' node='a'/><item jid='alice@fake.test/r' name='alice'/>"
    )
    assert [each.node for each in listing(rows, service=None)] == ["a"]


def test_no_nodes():
    assert listing(listed("")) == []
    assert listing(listed(""), told=failure("service-unavailable")) == []
    with pytest.raises(UnsupportedError, match="does not offer publish-subscribe"):
        listing(listed(""), told=offer(category="conference", type_="text"))
    with pytest.raises(UnsupportedError, match="XEP-0163"):
        listing(listed(""), told=offer(category="account"), service=None)


def test_a_list_that_is_refused():
    with pytest.raises(RefusedError) as error:
        listing(NOT_FOUND, parent="nowhere")
    assert error.value.condition == "item-not-found"
    with pytest.raises(UnsupportedError):
        listing(failure("service-unavailable"), told=offer(category="server"))
    contact = SERVICE._replace(local="romeo")
    unavailable = failure("service-unavailable")
    with pytest.raises(RefusedError) as error:
        listing(unavailable, told=unavailable, service=contact)
    assert "contacts" in error.value.hint


# --- what a node tells

METADATA = form(
    "meta-data",
    {
        "type": "urn:example:e2ee:bundle",
        "creator": "hamlet@denmark.lit",
        "creation_date": "2003-07-29T22:56:10Z",
        "title": "Princely Musings (Atom)",
        "access_model": "open",
        "publish_model": "publishers",
        "max_items": "120",
        "owner": "<field var='pubsub#owner'><value>hamlet@denmark.lit</value>"
        "<value>ophelia@denmark.lit</value></field>",
        "num_subscribers": "1066",
    },
    type_="result",
)


FORBIDDEN = failure("forbidden", kind="auth")


def info(told, settings=FORBIDDEN):
    service = Service(lambda action, payload: told if action == "disco#info" else settings)
    found = service.run(nodes.info(service.session, SERVICE, "princely_musings"))
    assert service.flights == [2]
    return found


def test_metadata():
    found = info(offer("x", type_="leaf", more=METADATA))
    assert (found.service, found.node, found.type) == (str(SERVICE), "princely_musings", "leaf")
    assert (found.title, found.payload_type) == (
        "Princely Musings (Atom)",
        "urn:example:e2ee:bundle",
    )
    assert found.owners == ["hamlet@denmark.lit", "ophelia@denmark.lit"]
    assert found.created_at.isoformat() == "2003-07-29T22:56:10+00:00"
    assert (found.max_items, found.subscribers, found.persist_items) == ("120", 1066, None)
    assert found.metadata.form_type == f"{PS}#meta-data"
    assert found.configuration is None
    assert found.features == [f"{PS}#x"]


def test_what_the_owner_may_read_besides():
    settings = configuration({"access_model": "whitelist", "persist_items": "0"})
    found = info(offer(type_="leaf"), settings)
    assert (found.access_model, found.persist_items, found.metadata) == ("whitelist", False, None)


def test_odd_metadata():
    odd = form("meta-data", {"num_subscribers": "many", "creation_date": "long ago"})
    found = info(offer(type_="collection", more=odd))
    assert (found.type, found.subscribers, found.created_at) == ("collection", None, None)


def test_a_node_that_is_not_there():
    with pytest.raises(RefusedError) as error:
        info(NOT_FOUND)
    assert error.value.condition == "item-not-found"
    # one server tells of the account then
    with pytest.raises(RefusedError, match="no node princely_musings") as error:
        info(offer(category="account", type_="registered"))
    assert error.value.condition == "item-not-found"


@pytest.mark.parametrize("told", ["", "<x xmlns='u'/>", f"<query xmlns='{ITEMS}'/>"])
def test_a_node_that_tells_nonsense(told):
    with pytest.raises(RefusedError) as error:
        info(told)
    assert error.value.condition == "malformed-answer"


# --- configuring


class Nodes:
    """A service with nodes; ``drops``: names of fields that it takes and forgets."""

    def __init__(self, *, drops=(), features=("create-nodes", "collections"), default=None):
        self.nodes = {}
        self.drops = drops
        self.features = features
        self.default = DEFAULT if default is None else default
        self.flat = False

    def __call__(self, action, payload):
        node = payload.get("node") if action.startswith("disco") else payload[0].get("node")
        if action == "disco#info":
            if node is None:
                return offer(*self.features)
            if node not in self.nodes:
                return NOT_FOUND
            kind = "leaf" if self.flat else self.nodes[node].get("node_type", "leaf")
            return offer(type_=kind)
        if action == "owner default":
            if self.default == {}:
                return failure("feature-not-implemented")
            return configuration(self.default, "default")
        if action == "create":
            node = node or "25e3d37d"
            if node in self.nodes:
                return failure("conflict")
            self.nodes[node] = {**self.default, **self._taken(payload)}
            return f"<pubsub xmlns='{PS}'><create node='{node}'/></pubsub>"
        if node not in self.nodes:
            return NOT_FOUND
        if action == "owner delete":
            del self.nodes[node]
            return ""
        assert action == "owner configure"
        if not len(payload[0]):
            known = {k: v for k, v in self.nodes[node].items() if k != "node_type"}
            return configuration(known)
        self.nodes[node].update(self._taken(payload))
        return ""

    def _taken(self, payload):
        given = {name: each[0] or "" for name, each in values(payload).items() if each}
        return {name: value for name, value in given.items() if name not in self.drops}


def create(nodes, node="n", answers=None, **more):
    service = Service(nodes)
    made = service.run(configuring.create(service.session, SERVICE, node, answers or {}, **more))
    return made, service


def test_a_node_is_made_in_one_flight():
    nodes = Nodes()
    made, service = create(nodes)
    assert (made.service, made.node, made.type) == (str(SERVICE), "n", "leaf")
    assert service.flights == [3]
    assert {each.var for each in made.configuration.fields} == {f"pubsub#{k}" for k in DEFAULT}


def test_a_node_that_the_service_names():
    made, service = create(Nodes(), node=None)
    assert made.node == "25e3d37d"
    assert service.flights == [1, 2]


def test_a_node_with_a_configuration():
    nodes = Nodes()
    create(nodes, answers={"access_model": ["whitelist"], "pubsub#title": ["News"]})
    assert nodes.nodes["n"] == {**DEFAULT, "access_model": "whitelist", "title": "News"}
    # not one of notification_type, node_type, ...
    create(nodes, node="m", answers={"type": ["urn:x"]})
    assert nodes.nodes["m"]["type"] == "urn:x"


def test_what_the_service_does_not_know_is_not_sent():
    nodes = Nodes()
    for answers, reason in [
        ({"nonsense": ["1"]}, "no field 'nonsense'"),
        ({"title": ["a"], "pubsub#title": ["b"]}, "two names"),
        ({"title": ["a", "b"]}, "one value"),
    ]:
        with pytest.raises(UsageError, match=reason):
            create(nodes, answers=answers)
    with pytest.raises(UsageError, match="none of open, whitelist"):
        create(Nodes(default={"access_model": CHOICE}), answers={"access_model": ["x"]})
    assert nodes.nodes == {}


def test_without_a_default_configuration_the_node_tells():
    nodes = Nodes(default={})
    create(nodes, answers={"title": ["a"]})
    assert nodes.nodes["n"] == {"title": "a"}
    dropping = Nodes(default={}, drops={"title"})
    with pytest.raises(RefusedError):
        create(dropping, answers={"title": ["a"]})
    assert dropping.nodes == {}


def test_a_node_that_is_not_what_was_asked_for_is_deleted():
    nodes = Nodes(drops={"max_items"})
    with pytest.raises(RefusedError) as error:
        create(nodes, answers={"max_items": ["3"]})
    assert error.value.condition == "not-applied"
    assert nodes.nodes == {}


def test_configuring_ignored_when_making_is_done_afterwards():
    """§8.1.3: a service without create-and-configure ignores the configuration."""
    nodes = Nodes()
    takes = nodes._taken
    nodes._taken = lambda payload: {} if payload[0].tag.endswith("create") else takes(payload)
    create(nodes, answers={"max_items": ["3"]})
    assert nodes.nodes["n"]["max_items"] == "3"


def test_a_node_that_is_there():
    with pytest.raises(RefusedError) as error:
        nodes = Nodes()
        nodes.nodes["n"] = dict(DEFAULT)
        create(nodes)
    assert error.value.condition == "conflict"
    assert nodes.nodes == {"n": DEFAULT}


def test_collections():
    nodes = Nodes()
    made, _ = create(nodes, collection=True)
    assert made.type == "collection"
    assert nodes.nodes["n"]["node_type"] == "collection"
    with pytest.raises(UnsupportedError, match="collections"):
        create(Nodes(features=("create-nodes",)), collection=True)
    flat = Nodes()
    flat.flat = True
    with pytest.raises(UnsupportedError, match="collections"):
        create(flat, collection=True)
    assert flat.nodes == {}


def test_making_nodes_is_refused():
    with pytest.raises(RefusedError) as error:
        create(lambda action, payload: FORBIDDEN)
    assert error.value.condition == "forbidden"
    with pytest.raises(UnsupportedError, match="instant-nodes"):
        create(
            lambda action, payload: failure(
                "not-acceptable", "unsupported feature='instant-nodes'"
            ),
            node=None,
        )
    with pytest.raises(RefusedError) as error:
        create(lambda action, payload: failure("not-acceptable", "nodeid-required"), node=None)
    assert "NODE" in error.value.hint


def configure(nodes, answers):
    service = Service(nodes)
    found = service.run(configuring.configure(service.session, SERVICE, "n", answers))
    return found, service


def test_configuring():
    nodes = Nodes()
    nodes.nodes["n"] = {**DEFAULT, "title": "old"}
    found, service = configure(nodes, {"max_items": ["max"], "access_model": ["whitelist"]})
    assert service.flights == [1, 2]
    assert nodes.nodes["n"] == {
        **DEFAULT, "title": "old", "max_items": "max", "access_model": "whitelist",
    }  # fmt: skip
    assert {each.var: each.values for each in found.fields}["pubsub#max_items"] == ["max"]
    with pytest.raises(UsageError, match="no field 'foo'"):
        configure(nodes, {"foo": ["1"]})


@pytest.mark.parametrize(
    ("look", "condition"), [(NOT_FOUND, "item-not-found"), (items("a"), "forbidden")]
)
def test_a_service_that_forbids_before_it_looks(look, condition):
    service = Service(lambda action, payload: look if action == "items" else FORBIDDEN)
    with pytest.raises(RefusedError) as error:
        service.run(configuring.fetch(service.session, SERVICE, "n"))
    assert (error.value.condition, service.asked) == (condition, ["owner configure", "items"])


def test_a_configuration_that_is_taken_and_not_done():
    nodes = Nodes(drops={"max_items"})
    nodes.nodes["n"] = dict(DEFAULT)
    with pytest.raises(RefusedError, match="max_items") as error:
        configure(nodes, {"max_items": ["3"]})
    assert error.value.condition == "not-applied"


@pytest.mark.parametrize(
    ("field", "wanted", "fits"),
    [
        (BOOLEAN, ["true"], True),
        (BOOLEAN, ["0"], False),
        ("<field var='pubsub#x' type='boolean'/>", ["0"], True),
        ("<field var='pubsub#x'><value>256</value></field>", ["max"], True),
        ("<field var='pubsub#x'><value>1</value></field>", ["max"], False),
        ("<field var='pubsub#x' type='list-multi'><value>a</value><value>b</value></field>",
         ["b", "a"], True),
        ("<field var='pubsub#x' type='list-multi'><value>a</value></field>", ["b", "a"], False),
        ("<field var='pubsub#y'/>", ["a"], False),
    ],
)  # fmt: skip
def test_what_fits(field, wanted, fits):
    from xmppctl.protocol import forms
    from xmppctl.session.xml import parse

    found = forms.read(parse(form("node_config", {"x": field})))
    var = "pubsub#persist_items" if "persist" in field else "pubsub#x"
    assert (configuring.differences(found, {var: wanted}) == {}) is fits


@pytest.mark.parametrize(
    "answer", ["", f"<pubsub xmlns='{PS}#owner'/>", f"<query xmlns='{INFO}'/>"]
)
def test_configurations_that_cannot_be_read(answer):
    service = Service(lambda action, payload: answer)
    for operation in (configuring.fetch(service.session, SERVICE, "n"),
                      configuring.default(service.session, SERVICE)):  # fmt: skip
        with pytest.raises(RefusedError) as error:
            service.run(operation)
        assert error.value.condition == "malformed-answer"
