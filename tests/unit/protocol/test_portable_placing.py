"""Nodes of a file: what was private is never published to a node that others may read."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element, fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.protocol import forms
from xmppctl.protocol.portable.nodes import NODE_CONFIG, Node
from xmppctl.protocol.portable.placing import place
from xmppctl.session.xml import serialise

PS = "http://jabber.org/protocol/pubsub"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
OPENNESS = {"whitelist": 0, "authorize": 1, "roster": 2, "presence": 3, "open": 4}
DEFAULT = {"access_model": "presence", "max_items": "1", "title": ""}


def refusal(condition):
    return "error", f"<error type='cancel'><{condition} xmlns='{STANZAS}'/></error>"


class Service:
    """One node. ``deaf``: configuring is a result and changes nothing; ``refuses``: fields that
    are not taken; ``eats``: publishing is a result and stores nothing."""

    def __init__(self, config=None, items=None, *, limit, deaf=False, refuses=(), eats=False):
        self.session, self.wire, self.transport = make_session()
        self.config = config
        self.items = dict(items or {})
        self.affiliations = {}
        self.limit = OPENNESS[limit]
        self.deaf, self.refuses, self.eats = deaf, refuses, eats

    def place(self, node, **more):
        operation = place(
            self.session, node, was="old@x.test", **{"replacing": False, "dry_run": False, **more}
        )

        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    assert iq.get("to") is None
                    kind, payload = self._handle(iq.get("type"), iq[0])
                    come(self.wire, f"<iq type='{kind}' id='{iq.get('id')}'>{payload}</iq>")
            return task.result()

        return asyncio.run(both())

    def _handle(self, kind, payload):
        action = payload[0].tag.rpartition("}")[2]
        form = {
            field.get("var").removeprefix("pubsub#"): field[0].text or ""
            for field in payload.iter("{jabber:x:data}field")
            if field.get("var") != "FORM_TYPE" and len(field)
        }
        if action == "create":
            self.config = dict(DEFAULT) if self.deaf else {**DEFAULT, **form}
            self.config.pop("persist_items", None)
            return "result", ""
        if self.config is None:
            return refusal("item-not-found")
        if action == "publish":
            assert OPENNESS[self.config["access_model"]] <= self.limit  # what no test may see
            (item,) = payload[0]
            if not self.eats:
                self.items[item.get("id")] = serialise(item[0], "")
            return "result", ""
        if action == "items":
            rows = "".join(f"<item id='{name}'>{xml}</item>" for name, xml in self.items.items())
            return "result", f"<pubsub xmlns='{PS}'><items node='n'>{rows}</items></pubsub>"
        if action == "affiliations":
            if kind == "set":
                self.affiliations |= {e.get("jid"): e.get("affiliation") for e in payload[0]}
                return "result", ""
            return "result", f"<pubsub xmlns='{PS}#owner'><affiliations/></pubsub>"
        if kind == "set":
            changed = {name for name in form if form[name] != self.config.get(name)}
            if changed & set(self.refuses):
                return refusal("not-acceptable")
            if not self.deaf:
                self.config = {**self.config, **form}
            return "result", ""
        rows = "".join(
            f"<field var='pubsub#{name}' type='text-single'><value>{value}</value></field>"
            for name, value in self.config.items()
        )
        return "result", (
            f"<pubsub xmlns='{PS}#owner'><configure><x xmlns='jabber:x:data' type='form'>"
            f"<field var='FORM_TYPE' type='hidden'><value>{NODE_CONFIG}</value></field>{rows}"
            "</x></configure></pubsub>"
        )


def node(*names, **config):
    found = Node("n")
    if config:
        found.form = forms.submit(NODE_CONFIG, {f"pubsub#{k}": [v] for k, v in config.items()})
    for name in names:
        item = Element(f"{{{PS}}}item", {"id": name})
        item.append(fromstring(f"<x xmlns='urn:example'>{name}</x>"))
        found.items.append(item)
    return found


def xml(name):
    return f"<x xmlns='urn:example'>{name}</x>"


def test_a_node_is_made_as_it_was():
    service = Service(limit="whitelist")
    found = service.place(node("a", "b", access_model="whitelist", max_items="5", title="t"))
    assert (found.total, found.done, found.skipped, found.error) == (2, 2, 0, None)
    assert service.config == {"access_model": "whitelist", "max_items": "5", "title": "t"}
    assert list(service.items) == ["a", "b"]
    again = service.place(node("a", "b", access_model="whitelist", max_items="5", title="t"))
    assert (again.done, again.skipped, again.error) == (0, 2, None)


@pytest.mark.parametrize("config", [{}, {"title": "t"}, {"access_model": "everybody"}])
def test_what_the_file_does_not_say_is_private(config):
    service = Service(limit="whitelist")
    found = service.place(node("a", **config))
    assert found.done == 1
    assert "does not say" in found.reason


@pytest.mark.parametrize("there", ["open", "presence", "unheard-of"])
def test_nothing_goes_where_more_can_read(there):
    service = Service({"access_model": there, "max_items": "9"}, limit="whitelist")
    found = service.place(node("a", access_model="authorize"))
    assert found.error.condition == "precondition-not-met"
    assert service.items == {}
    # the same is found out without doing it
    found = service.place(node("a", access_model="authorize"), dry_run=True)
    assert found.error.condition == "precondition-not-met"


def test_a_server_that_does_not_make_it_private():
    service = Service(limit="whitelist", deaf=True)
    assert service.place(node("a", access_model="whitelist")).error.condition
    assert service.items == {}
    service = Service({"access_model": "open", "max_items": "9"}, limit="whitelist", deaf=True)
    found = service.place(node("a", access_model="whitelist"), replacing=True)
    assert found.error.condition == "precondition-not-met"
    assert service.items == {}


def test_a_narrower_node_takes_it():
    service = Service({"access_model": "whitelist", "max_items": "9"}, limit="whitelist")
    found = service.place(node("a", access_model="open"))
    assert (found.done, found.error) == (1, None)
    assert service.config["access_model"] == "whitelist"


def test_what_is_there_is_kept_or_replaced():
    mine = {"a": "<x xmlns='urn:example'>mine</x>"}
    config = {"access_model": "open", "max_items": "9"}
    service = Service(config, mine, limit="open")
    found = service.place(node("a", "b", access_model="open"))
    assert (found.done, found.skipped) == (1, 1)
    assert service.items == {**mine, "b": xml("b")}
    found = service.place(node("a", "b", access_model="open"), replacing=True)
    assert (found.done, found.skipped) == (1, 1)
    assert service.items["a"] == xml("a")


def test_the_only_item_is_not_pushed_out():
    service = Service({"access_model": "open", "max_items": "1"}, {"m": xml("m")}, limit="open")
    found = service.place(node("a", access_model="open"))
    assert (found.done, found.skipped, found.error) == (0, 1, None)
    assert "--replace" in found.reason
    assert list(service.items) == ["m"]


def test_a_node_that_is_too_small_takes_the_newest():
    service = Service({"access_model": "open", "max_items": "2"}, limit="open")
    found = service.place(node("a", "b", "c", access_model="open"))
    assert list(service.items) == ["b", "c"]
    assert (found.done, found.skipped) == (2, 1)
    assert "no room for 1" in found.error.text


def test_settings_that_the_server_refuses_are_told():
    service = Service(limit="open", refuses=("title",))
    found = service.place(node("a", access_model="open", max_items="7", title="t", lang="x"))
    assert (found.done, found.error) == (1, None)
    assert found.reason == "settings that the server does not take: title"
    assert service.config["max_items"] == "7"


def test_members_are_members_again():
    service = Service(limit="whitelist")
    given = node("a", access_model="whitelist")
    given_to = (
        ("old@x.test", "owner"),
        ("b@x.test", "member"),
        ("m@x.test", "owner"),
        ("", "member"),
    )
    for jid, kind in given_to:
        attributes = {"jid": jid, "affiliation": kind}
        given.affiliations.append(Element(f"{{{PS}#owner}}affiliation", attributes))
    given.subscriptions.append(Element(f"{{{PS}#owner}}subscription", {"jid": "c@x.test"}))
    found = service.place(given)
    assert service.affiliations == {"b@x.test": "member"}
    assert "1 subscriptions" in found.reason
    assert "m@x.test" in found.reason


def test_a_server_that_only_says_yes():
    found = Service(limit="open", eats=True).place(node("a", access_model="open"))
    assert (found.done, found.error.condition) == (0, "not-applied")


def test_a_move_is_not_repeated():
    service = Service(limit="open")
    given = node("current", access_model="open")
    given.name = "urn:xmpp:moved:1"
    found = service.place(given)
    assert (found.done, found.skipped, found.error) == (0, 1, None)
    assert service.config is None


def test_a_dry_run_changes_nothing():
    service = Service(limit="whitelist")
    assert service.place(node("a", access_model="whitelist"), dry_run=True).done == 1
    assert service.config is None
