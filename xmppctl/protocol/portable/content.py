"""XEP-0227 §3: what a file has of one account, gathered from its pieces."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from xmppctl.model.jid import parse
from xmppctl.model.rosterfile import BadEntry, Entry
from xmppctl.protocol.portable import (
    ARCHIVE,
    CONFIGURATIONS,
    NODES,
    NS_PRIVACY,
    NS_ROSTER,
    OFFLINE,
    PRIVACY,
    PRIVATE,
    REQUEST,
    ROSTER,
    VCARD,
)
from xmppctl.protocol.portable.nodes import (
    AFFILIATIONS,
    CONFIGURE,
    ITEM,
    ITEMS,
    SUBSCRIPTIONS,
    Node,
)
from xmppctl.protocol.portable.reading import Piece

_CREDENTIALS = "{urn:xmpp:pie:0#scram}scram-credentials"
_ITEM = f"{{{NS_ROSTER}}}item"
_LIST = f"{{{NS_PRIVACY}}}list"
_DEFAULT = f"{{{NS_PRIVACY}}}default"
_RULE = f"{{{NS_PRIVACY}}}item"


@dataclass
class Content:
    """An account in a file; of messages and requests only how many there are."""

    jid: str
    contacts: list[Element] = field(default_factory=list)
    vcard: Element | None = None
    private: list[Element] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    rules: int = 0
    offline: int = 0
    archived: int = 0
    requests: int = 0
    others: Counter[str] = field(default_factory=Counter)

    def take(self, piece: Piece) -> None:
        """One more piece of the account."""
        element, tag = piece.element, piece.element.tag
        if piece.holder == OFFLINE:
            self.offline += 1
        elif piece.holder == ARCHIVE:
            self.archived += 1
        elif piece.holder in (CONFIGURATIONS, NODES):
            self._take_node(element)
        elif tag == ROSTER:
            self.contacts += element.findall(_ITEM)
        elif tag == VCARD:
            self.vcard = element if len(element) else self.vcard
        elif tag == PRIVATE:
            self.private += list(element)
        elif tag == PRIVACY:
            self._take_privacy(element)
        elif tag == REQUEST and element.get("type") == "subscribe":
            self.requests += 1
        elif tag != _CREDENTIALS:  # which are the server's
            self.others[tag] += 1

    def _take_node(self, element: Element) -> None:
        name = element.get("node")
        if not name:
            self.others[element.tag] += 1
            return
        node = self.nodes.setdefault(name, Node(name))
        if element.tag == CONFIGURE:
            node.form = element.find("{jabber:x:data}x")
        elif element.tag == AFFILIATIONS:
            node.affiliations += list(element)
        elif element.tag == SUBSCRIPTIONS:
            node.subscriptions += list(element)
        elif element.tag == ITEMS:
            node.items += element.findall(ITEM)
        else:
            self.others[element.tag] += 1

    def _take_privacy(self, element: Element) -> None:
        """Who is blocked by the default list (XEP-0191 §5); other rules have no counterpart."""
        default = element.find(_DEFAULT)
        name = default.get("name") if default is not None else None
        for each in element.findall(_LIST):
            for rule in each.findall(_RULE):
                plain = rule.get("type") == "jid" and rule.get("action") == "deny" and not len(rule)
                if each.get("name") == name and plain and rule.get("value"):
                    self.blocked.append(rule.get("value", ""))
                else:
                    self.rules += 1

    def entries(self) -> list[Entry | BadEntry]:
        """The contacts, as other imports have them."""
        return [_entry(each) for each in self.contacts if each.get("subscription") != "remove"]


def _entry(item: Element) -> Entry | BadEntry:
    text = item.get("jid", "")
    try:
        jid = parse(text)
    except ValueError as error:
        from xmppctl.errors import UsageError

        failure = UsageError(f"{text!r} is not a JID: {error}", step="roster import")
        return BadEntry(text, failure.info())
    groups = tuple(each.text for each in item.findall(f"{{{NS_ROSTER}}}group") if each.text)
    return Entry(
        str(jid.bare),
        item.get("name") or None,
        groups or None,
        item.get("subscription", "none"),
        item.get("ask"),
    )
