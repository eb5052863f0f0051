"""Nodes for tests: made, published to and read by a client that sends raw XML."""

from __future__ import annotations

from itertools import count
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.peers.rawxml import RawClient

PS = "http://jabber.org/protocol/pubsub"
OWNER = f"{PS}#owner"
EVENT = f"{PS}#event"
PING = "<ping xmlns='urn:xmpp:ping'/>"
_numbers = count(1)


class Nodes:
    """The nodes of a service (None: of the account) as their owner has them."""

    def __init__(self, client: RawClient, service: str | None) -> None:
        self.client = client
        self.service = service

    def ask(self, payload: str, *, owner: bool = False, type: str = "get") -> Element:
        """The answer to a request, result or error."""
        ns = OWNER if owner else PS
        query = f"<pubsub xmlns='{ns}'>{payload}</pubsub>"
        return self.client.iq(query, type=type, to=self.service)

    def set(self, payload: str, *, owner: bool = False) -> None:
        """Do something that has to work."""
        answer = self.ask(payload, owner=owner, type="set")
        assert answer.get("type") == "result", payload

    def make(self, **config: str) -> str:
        """A new node; its name."""
        name = f"node-{next(_numbers)}-{id(self):x}"
        fields = "".join(
            f"<field var='pubsub#{var}'><value>{value}</value></field>"
            for var, value in config.items()
        )
        form = (
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
            f"<value>{PS}#node_config</value></field>{fields}</x>"
        )
        self.set(f"<create node='{name}'/><configure>{form}</configure>")
        return name

    def publish(self, node: str, ident: str, text: str = "x") -> None:
        """Publish an item ``<note xmlns='urn:example'>text</note>``."""
        item = f"<item id='{ident}'><note xmlns='urn:example'>{text}</note></item>"
        self.set(f"<publish node={quoteattr(node)}>{item}</publish>")

    def subscribers(self, node: str) -> dict[str, str]:
        """State by JID, as the owner gets it."""
        answer = self.ask(f"<subscriptions node='{node}'/>", owner=True)
        return {
            each.get("jid", ""): each.get("subscription", "")
            for each in answer.iter(f"{{{OWNER}}}subscription")
        }

    def affiliations(self, node: str) -> dict[str, str]:
        """Affiliation by JID, as the owner gets it."""
        answer = self.ask(f"<affiliations node='{node}'/>", owner=True)
        return {
            each.get("jid", ""): each.get("affiliation", "")
            for each in answer.iter(f"{{{OWNER}}}affiliation")
        }

    def own(self, node: str) -> dict[str, str]:
        """The client's own subscriptions to a node: state by JID."""
        answer = self.ask(f"<subscriptions node='{node}'/>")
        return {
            each.get("jid", ""): each.get("subscription", "")
            for each in answer.iter(f"{{{PS}}}subscription")
        }
