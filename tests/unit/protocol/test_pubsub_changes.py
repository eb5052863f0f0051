"""Publishing to, retracting from, emptying and deleting nodes (XEP-0060 §7, §8.4, §8.5)."""

import pytest

from tests.unit.protocol.pubsubservice import (
    NOT_FOUND,
    PS,
    SERVICE,
    Service,
    configuration,
    failure,
    items,
    offer,
    values,
)
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.protocol import pep
from xmppctl.protocol.pubsub import Item, atom, publishing, removing
from xmppctl.session.xml import parse, serialise

X = parse("<x xmlns='urn:x'/>")


class Node:
    """A service with the node n of bob; ``odd``: what it does not do, or does not say.

    ``config``: its configuration, None where alice is no owner; ``there``: whether there is one.
    """

    def __init__(self, *names, there=True, config=None, odd=(), features=("publish-options",)):
        self.names = list(names)
        self.there = there
        self.config = config
        self.odd = odd
        self.features = features
        self.options = []

    def __call__(self, action, payload):
        if action == "disco#info":
            return offer(*self.features)
        if action == "create":
            self.there, self.config = True, {n: v[0] for n, v in values(payload).items()}
            return ""
        if not self.there:
            return NOT_FOUND
        if action in self.odd:
            return failure("forbidden", kind="auth")
        return getattr(self, action.replace(" ", "_"))(payload[0], payload)

    def items(self, element, payload):
        wanted = [each.get("id") for each in element]
        if element.get("max_items") is not None:
            return items(*self.names[-int(element.get("max_items")) :])
        return items(*[each for each in self.names if each in wanted])

    def retract(self, element, payload):
        name = element[0].get("id")
        if name in self.names and "keeps" not in self.odd:
            self.names.remove(name)
        return ""  # also where it was not there

    def owner_purge(self, element, payload):
        if "keeps" not in self.odd:
            self.names.clear()
        return ""

    def owner_delete(self, element, payload):
        if "keeps" not in self.odd:
            self.there = False
        return ""

    def owner_configure(self, element, payload):
        if self.config is None:
            return failure("forbidden", kind="auth")
        if len(element):
            self.config.update({n: v[0] for n, v in values(payload).items() if v})
            return ""
        return configuration(self.config)

    def publish(self, element, payload):
        options = {name: each[0] for name, each in values(payload).items()}
        self.options.append(options)
        if self.config is not None and not options.items() <= self.config.items():
            return failure("conflict", "precondition-not-met")
        name = element[0].get("id", "chosen") if len(element) else None
        if name == "bad":
            return failure("not-acceptable", "payload-too-big")
        self.names.append(name)
        if name is None:
            return ""
        return f"<pubsub xmlns='{PS}'><publish node='n'><item id='{name}'/></publish></pubsub>"


# --- retracting


def retract(node, *names, notify=True):
    service = Service(node)
    found = service.all(removing.retract(service.session, SERVICE, "n", names, notify=notify))
    return [(each.id, each.error and each.error.condition) for each in found], service


def test_retracting():
    node = Node("a", "b", "c")
    found, service = retract(node, "a", "nope", "c", "a")
    assert found == [("a", None), ("nope", "item-not-found"), ("c", None)]
    assert node.names == ["b"]
    assert service.flights == [5]
    assert "notify='true'" in service.sent[1]
    _, service = retract(node, "b", notify=False)
    assert "notify" not in service.sent[1]


def test_retracting_what_stays():
    assert retract(Node("a", odd=("keeps",)), "a")[0] == [("a", "not-applied")]
    assert retract(Node("a", odd=("retract",)), "a")[0] == [("a", "forbidden")]
    # who may not read may retract
    assert retract(Node("a", odd=("items",)), "a")[0] == [("a", None)]


def test_retracting_from_no_node():
    found, _ = retract(Node(there=False), "a")
    assert found == [("a", "item-not-found")]


# --- emptying and deleting


def remove(node, operation, **more):
    service = Service(node)
    more = {"if_exists": False, **more}
    return service.run(operation(service.session, SERVICE, "n", **more)), service


def delete(node, **more):
    return remove(node, removing.delete, **{"redirect": None, **more})


def purge(node, **more):
    return remove(node, removing.purge, **more)


@pytest.mark.parametrize("operation", [purge, delete])
def test_removing(operation):
    node = Node("a", "b")
    found, service = operation(node)
    assert (found.service, found.node, found.existed) == (str(SERVICE), "n", True)
    assert service.flights == [3]
    assert node.names == [] or not node.there


@pytest.mark.parametrize("operation", [purge, delete])
def test_removing_what_is_not_there(operation):
    with pytest.raises(RefusedError) as error:
        operation(Node(there=False))
    assert error.value.condition == "item-not-found"
    found, _ = operation(Node(there=False), if_exists=True)
    assert not found.existed


@pytest.mark.parametrize("operation", [purge, delete])
def test_what_is_said_to_be_removed_and_stays(operation):
    with pytest.raises(RefusedError) as error:
        operation(Node("a", odd=("keeps",)))
    assert error.value.condition == "not-applied"


@pytest.mark.parametrize("operation", [purge, delete])
def test_removing_is_refused(operation):
    node = Node("a", odd=("owner purge", "owner delete"))
    with pytest.raises(RefusedError) as error:
        operation(node)
    assert error.value.condition == "forbidden"
    with pytest.raises(RefusedError):  # also where what is not there is forbidden
        operation(node, if_exists=True)


def test_purging_what_keeps_no_items():
    node = Node()
    node.owner_purge = lambda *_: failure(
        "feature-not-implemented", "unsupported feature='persistent-items'"
    )
    with pytest.raises(UnsupportedError, match="persistent-items"):
        purge(node)


def test_a_new_place():
    node = Node()
    found, service = delete(node, redirect="xmpp:hamlet@denmark.lit?;node=blog")
    assert found.redirect == "xmpp:hamlet@denmark.lit?;node=blog"
    assert "<redirect uri='xmpp:hamlet@denmark.lit?;node=blog'/>" in service.sent[1]


# --- publishing


def test_publishing_many():
    node = Node()
    service = Service(node)
    drafts = [publishing.Draft(name, X) for name in ("a", "bad", None, "b")]
    found = service.all(publishing.publish(service.session, SERVICE, "n", drafts))
    assert [each.id for each in found] == ["a", "bad", "chosen", "b"]
    assert [each.error and each.error.condition for each in found] == [
        None, "not-acceptable", None, None,
    ]  # fmt: skip
    assert "payload-too-big" in found[1].error.text
    assert service.flights == [4]


def test_publishing_nothing():
    node = Node()
    service = Service(node)
    drafts = [publishing.Draft(None, None, item=False), publishing.Draft("e", None)]
    found = service.all(publishing.publish(service.session, SERVICE, "n", drafts))
    assert [each.id for each in found] == [None, "e"]
    assert service.sent[0] == f"<pubsub xmlns='{PS}'><publish node='n'/></pubsub>"
    assert "<item id='e'/>" in service.sent[1]


def publish(node, want, **more):
    service = Service(node)
    content = [Item("a", X)]
    operation = pep.publish(service.session, "n", content, want, service=SERVICE, **more)
    return service.run(operation), service


OPEN = {"access_model": "open", "max_items": "5"}
WISH = {"access_model": "open", "max_items": "10"}


def test_options_are_preconditions():
    node = Node(config=dict(OPEN))
    with pytest.raises(RefusedError, match="max_items 5, not 10") as error:
        publish(node, WISH, exact=True)
    assert error.value.condition == "precondition-not-met"
    assert error.value.hint == "--reconfigure changes the node"
    assert (node.names, node.config) == ([], OPEN)
    publish(node, WISH, exact=True, reconfigure=True)
    assert (node.names, node.config) == (["a"], WISH)
    publish(node, WISH, exact=True)
    assert node.names == ["a", "a"]


def test_a_profile_is_completed():
    node = Node(config=dict(OPEN))
    publish(node, WISH)
    assert (node.names, node.config) == (["a"], WISH)


def test_a_private_node_of_a_service():
    node = Node(config=dict(OPEN))
    with pytest.raises(RefusedError) as error:
        publish(node, pep.PRIVATE)
    assert error.value.condition == "precondition-not-met"
    assert "seen by others" in error.value.hint
    assert node.names == []
    node = Node(config={**OPEN, "access_model": "whitelist"})
    with pytest.raises(RefusedError) as error:
        publish(node, OPEN)
    assert "for others too" in error.value.hint


def test_publishing_to_a_node_of_somebody_else():
    """Its configuration cannot be read; the service says that a condition is not met."""
    node = Node()
    node.publish = lambda *_: failure("conflict", "precondition-not-met")
    with pytest.raises(RefusedError) as error:
        publish(node, WISH, exact=True)
    assert error.value.condition == "conflict"
    assert "--reconfigure" in error.value.hint
    # and without a service that looks at options nothing is proven
    deaf = Node(features=())
    with pytest.raises(RefusedError) as error:
        publish(deaf, pep.PRIVATE)
    assert error.value.condition == "forbidden"
    assert deaf.names == []


def test_nodes_are_made_where_the_service_makes_nodes():
    with pytest.raises(RefusedError) as error:
        publish(Node(there=False, features=()), WISH)
    assert error.value.condition == "item-not-found"
    assert "pubsub create" in error.value.hint
    node = Node(there=False, features=("auto-create",))
    publish(node, WISH)
    assert node.config == WISH


def prepare(node, want):
    service = Service(node)
    return service.run(pep.prepare(service.session, "n", want, service=SERVICE)), service


def test_before_many_items():
    options, service = prepare(Node(config=dict(WISH)), WISH)
    assert options is None
    assert service.asked == ["disco#info", "owner configure"]
    # of somebody else: each publication has to have the options
    options, _ = prepare(Node(), WISH)
    assert options == WISH
    node = Node()
    drafts = [publishing.Draft("a", X), publishing.Draft("b", X)]
    service = Service(node)
    service.all(publishing.publish(service.session, SERVICE, "n", drafts, options))
    assert node.options == [WISH, WISH]
    with pytest.raises(RefusedError):
        prepare(Node(features=()), WISH)


def test_options_with_several_values():
    service = Service(Node())
    want = {"roster_groups_allowed": ["a", "b"]}
    text = serialise(pep.publication("n", None, want), "")
    assert "<value>a</value><value>b</value>" in text
    assert service.asked == []


def options(answer, given):
    service = Service(lambda action, payload: answer)
    return service.run(publishing.options(service.session, SERVICE, given))


def test_options_are_checked_before_anything_is_published():
    known = configuration({"max_items": "1", "type": ""}, "default")
    assert options(known, {"max_items": ["3"]}) == {"max_items": ["3"]}
    assert options(known, {"pubsub#type": ["u"]}) == {"type": ["u"]}
    with pytest.raises(UsageError) as error:
        options(known, {"foo": ["1"]})
    assert error.value.text == "the form has no field 'foo'; nothing was published"
    untold = failure("feature-not-implemented")
    assert options(untold, {"pubsub#foo": ["1"]}) == {"foo": ["1"]}


def test_an_entry():
    service = Service(Node())
    made = serialise(
        atom.entry(service.session, "7", title="T <1>", content="B", alternate="https://x.test/"),
        "",
    )
    assert made.startswith(
        "<entry xmlns='http://www.w3.org/2005/Atom'><title type='text'>T &lt;1&gt;</title>"
        "<content type='text'>B</content><link rel='alternate' href='https://x.test/'/>"
        "<id>tag:fake.test,"
    )
    assert ":posts-7</id><author><name>alice</name><uri>xmpp:alice@fake.test</uri></author>" in made
    assert made.count("Z</") == 2
    bare = serialise(atom.entry(service.session, "7", title="T"), "")
    assert "content" not in bare
    assert "link" not in bare
    more = atom.entry(
        service.session, "7", title="T", author="A", related=["u:1"], tags=["t"], lang="de"
    )
    told = serialise(more, "")
    assert told.startswith("<entry xmlns='http://www.w3.org/2005/Atom' xml:lang='de'>")
    assert "<link rel='related' href='u:1'/><category term='t'/>" in told
    assert "<author><name>A</name>" in told
    assert atom.new_id() != atom.new_id()
