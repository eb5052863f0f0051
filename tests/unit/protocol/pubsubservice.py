"""A session with a publish-subscribe service behind it that answers what a test says."""

import asyncio
from xml.etree.ElementTree import fromstring

from tests.unit.session.streams import come, make_session
from xmppctl.model.jid import parse
from xmppctl.session.xml import serialise

PS = "http://jabber.org/protocol/pubsub"
RSM = "http://jabber.org/protocol/rsm"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
SERVICE = parse("pubsub.shakespeare.lit")


def failure(condition, application="", kind="cancel"):
    """An error; ``application``: its condition of XEP-0060, with attributes if need be."""
    more = f"<{application} xmlns='{PS}#errors'/>" if application else ""
    return f"<error type='{kind}'><{condition} xmlns='{STANZAS}'/>{more}</error>"


NOT_FOUND = failure("item-not-found")


def form(kind, fields, type_="form"):
    """A form of this kind; ``fields``: values by name without prefix, or whole elements."""
    rows = "".join(
        value
        if value.startswith("<")
        else f"<field var='pubsub#{name}' type='text-single'><value>{value}</value></field>"
        for name, value in fields.items()
    )
    return (
        f"<x xmlns='jabber:x:data' type='{type_}'><field var='FORM_TYPE' type='hidden'>"
        f"<value>{PS}#{kind}</value></field>{rows}</x>"
    )


def items(*names, node="n", more=""):
    """A result with these items."""
    rows = "".join(f"<item id='{each}'><x xmlns='urn:x'>{each}</x></item>" for each in names)
    return f"<pubsub xmlns='{PS}'><items node='{node}'>{rows}</items>{more}</pubsub>"


def configuration(fields, tag="configure", node="n"):
    """A result with a configuration."""
    inner = f"<{tag} node='{node}'>{form('node_config', fields)}</{tag}>"
    return f"<pubsub xmlns='{PS}#owner'>{inner}</pubsub>"


def offer(*features, category="pubsub", type_="service", more=""):
    """What an entity is and can do."""
    rows = "".join(f"<feature var='{PS}#{each}'/>" for each in features)
    identity = f"<identity category='{category}' type='{type_}'/>"
    return f"<query xmlns='{INFO}'>{identity}{rows}{more}</query>"


def values(payload):
    """The values of the form in a request by name without prefix."""
    return {
        field.get("var").removeprefix("pubsub#"): [value.text for value in field]
        for field in payload.iter("{jabber:x:data}field")
        if field.get("var") != "FORM_TYPE"
    }


class Service:
    """``handle(action, payload)`` gives the answer to a request: a payload, or an error.

    ``action``: disco#info, disco#items, or the name of the element in ``<pubsub/>``, the owner's
    with "owner " before it. ``asked`` keeps the actions, ``sent`` the requests as text.
    """

    def __init__(self, handle, service=SERVICE):
        self.session, self.wire, self.transport = make_session()
        self.service = service
        self.handle = handle
        self.asked = []
        self.flights = []
        self.sent = []

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                if not text:
                    continue
                flight = [
                    self._answer(iq) for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>")
                ]
                self.flights.append(len(flight))
            return task.result()

        return asyncio.run(both())

    def all(self, records):
        """The records of a generator."""

        async def collect():
            return [record async for record in records]

        return self.run(collect())

    def _answer(self, iq):
        target = iq.get("to")
        assert (
            target in (None, self.session.bare)
            if self.service is None
            else target == str(self.service)
        )
        payload = iq[0]
        space, _, name = payload.tag[1:].partition("}")
        if name == "query":
            action = space.rpartition("/")[2]
        else:
            action = ("owner " if space.endswith("#owner") else "") + payload[0].tag.rpartition(
                "}"
            )[2]
        self.asked.append(action)
        self.sent.append(serialise(payload, ""))
        answer = self.handle(action, payload)
        kind = "error" if answer.startswith("<error") else "result"
        sender = "" if target is None else f" from='{target}'"
        come(self.wire, f"<iq type='{kind}' id='{iq.get('id')}'{sender}>{answer}</iq>")
