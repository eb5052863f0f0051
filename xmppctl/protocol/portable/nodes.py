"""The nodes of the own account (XEP-0163, XEP-0060 §8): all of them, with whom they are open to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ErrorInfo, RefusedError, UnsupportedError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.form import Form
from xmppctl.protocol import disco, forms
from xmppctl.protocol.pubsub import NS, NS_OWNER, OWNER, PUBSUB
from xmppctl.session.conditions import stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Pending, Session

NODE_CONFIG = f"{NS}#node_config"
CONFIGURE = f"{{{NS_OWNER}}}configure"
AFFILIATIONS = f"{{{NS_OWNER}}}affiliations"
AFFILIATION = f"{{{NS_OWNER}}}affiliation"
SUBSCRIPTIONS = f"{{{NS_OWNER}}}subscriptions"
SUBSCRIPTION = f"{{{NS_OWNER}}}subscription"
ITEMS = f"{{{NS}}}items"
ITEM = f"{{{NS}}}item"
FEATURE = "personal eventing (XEP-0163)"

_STEP = "pep"
_AT_ONCE = 8
_PAGE = "{http://jabber.org/protocol/rsm}set"
_MOST_PAGES = 1000


@dataclass
class Node:
    """A node with what it holds; ``form`` is its configuration, None where that is not known."""

    name: str
    form: Element | None = None
    affiliations: list[Element] = field(default_factory=list)
    subscriptions: list[Element] = field(default_factory=list)
    items: list[Element] = field(default_factory=list)

    def owner_elements(self) -> list[Element]:
        """What only its owner knows: configuration, affiliations, subscriptions (§3.9.1)."""
        configure = Element(CONFIGURE, {"node": self.name})
        if self.form is not None:
            configure.append(_compact(self.form))
        found = [configure]
        for tag, children in (
            (AFFILIATIONS, self.affiliations),
            (SUBSCRIPTIONS, self.subscriptions),
        ):
            if children:
                holder = Element(tag, {"node": self.name})
                holder.extend(children)
                found.append(holder)
        return found

    def items_element(self) -> Element:
        """Its items (§3.9.2)."""
        element = Element(ITEMS, {"node": self.name})
        element.extend(self.items)
        return element

    def configuration(self) -> Form | None:
        """The configuration as a form."""
        return None if self.form is None else forms.read(self.form)


def value(form: Form | None, name: str) -> str | None:
    """The first value of the field ``pubsub#name``."""
    var = f"pubsub#{name}"
    fields = form.fields if form is not None else ()
    return next((each.values[0] for each in fields if each.var == var and each.values), None)


async def names(session: Session) -> list[str]:
    """The names of the own account's nodes (XEP-0060 §5.2).

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    told: DiscoInfo | BaseException
    listed: list[str] | BaseException
    told, listed = await asyncio.gather(
        disco.info(session, session.bare), _listed(session), return_exceptions=True
    )
    for each in (told, listed):
        if isinstance(each, BaseException) and not isinstance(each, RefusedError):
            raise each
    if isinstance(listed, list) and listed:
        return listed
    if not isinstance(told, DiscoInfo) or not any(
        (each.category, each.type) == ("pubsub", "pep") for each in told.identities
    ):
        raise UnsupportedError(
            f"{session.bare} does not offer {FEATURE}",
            step=_STEP,
            condition="feature-not-implemented",
            by=session.bare,
        )
    if isinstance(listed, RefusedError):
        raise listed
    return []


async def _listed(session: Session) -> list[str]:
    found: dict[str, None] = {}
    async for item in disco.items(session, session.bare):
        if item.node and item.jid == session.bare:
            found[item.node] = None
    return list(found)


async def read_all(session: Session, wanted: Sequence[str]) -> tuple[list[Node], list[ErrorInfo]]:
    """These nodes, several asked for at once, and why others cannot be read.

    Of a node without its configuration nothing is given: nobody could tell whom it was open to.
    """
    found: list[Node] = []
    errors: list[ErrorInfo] = []
    for begin in range(0, len(wanted), _AT_ONCE):
        asked = [
            (name, _owner(session, CONFIGURE, name), _owner(session, AFFILIATIONS, name),
             _owner(session, SUBSCRIPTIONS, name), _asking_items(session, name))
            for name in wanted[begin : begin + _AT_ONCE]
        ]  # fmt: skip
        session.send(*(pending.element for _, *questions in asked for pending in questions))
        for name, *questions in asked:
            configure, affiliations, subscriptions, items = [
                await session.answer(pending, step=_STEP) for pending in questions
            ]
            try:
                node = Node(name, _form(session, configure, name))
                node.items = await _items(session, items, name)
            except RefusedError as error:
                if error.condition != "item-not-found":  # else it is gone meanwhile
                    errors.append(error.info())
                continue
            if affiliations.get("type") == "error":
                errors.append(_refused(session, affiliations, name, "the affiliations").info())
            node.affiliations = affiliations.findall(f"{OWNER}/{AFFILIATIONS}/{AFFILIATION}")
            # one server does not let owners of such nodes see subscriptions
            node.subscriptions = subscriptions.findall(f"{OWNER}/{SUBSCRIPTIONS}/{SUBSCRIPTION}")
            found.append(node)
    return found, errors


async def configuration(session: Session, node: str) -> Form | None:
    """The configuration as the owner gets it (XEP-0060 §8.2); None where there is no node.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    pending = _owner(session, CONFIGURE, node)
    session.send(pending.element)
    answer = await session.answer(pending, step=_STEP)
    try:
        return forms.read(_form(session, answer, node))
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return None


async def affiliations(session: Session, node: str) -> dict[str, str]:
    """Who has which affiliation with the node (XEP-0060 §8.9.1). Raises as ``configuration``."""
    pending = _owner(session, AFFILIATIONS, node)
    session.send(pending.element)
    answer = await session.answer(pending, step=_STEP)
    if answer.get("type") == "error":
        raise _refused(session, answer, node, "the affiliations")
    return {
        each.get("jid", ""): each.get("affiliation", "none")
        for each in answer.findall(f"{OWNER}/{AFFILIATIONS}/{AFFILIATION}")
    }


async def items(session: Session, node: str) -> list[Element]:
    """All ``<item/>`` of a node, payload or not. Raises as ``configuration``."""
    pending = _asking_items(session, node)
    session.send(pending.element)
    return await _items(session, await session.answer(pending, step=_STEP), node)


def _owner(session: Session, tag: str, node: str) -> Pending:
    query = Element(OWNER)
    SubElement(query, tag, {"node": node})
    return session.ask(query)


def _asking_items(session: Session, node: str, after: str | None = None) -> Pending:
    query = Element(PUBSUB)
    SubElement(query, ITEMS, {"node": node})
    if after is not None:
        page = SubElement(query, _PAGE)
        SubElement(page, "{http://jabber.org/protocol/rsm}after").text = after
    return session.ask(query)


async def _items(session: Session, answer: Element, node: str) -> list[Element]:
    """The items of an answer, and those of further pages where it says that there are some."""
    found: dict[str, Element] = {}
    for _ in range(_MOST_PAGES):
        if answer.get("type") == "error":
            raise _refused(session, answer, node, "the items")
        holder = answer.find(f"{PUBSUB}/{ITEMS}")
        if holder is None:
            raise _malformed(session, f"no items of the node {node}")
        before = len(found)
        for number, item in enumerate(holder.findall(ITEM)):
            found.setdefault(item.get("id") or f"\0{before + number}", item)
        count = answer.findtext(f"{PUBSUB}/{_PAGE}/{{http://jabber.org/protocol/rsm}}count") or ""
        last = answer.findtext(f"{PUBSUB}/{_PAGE}/{{http://jabber.org/protocol/rsm}}last")
        if not count.isdecimal() or len(count) > 9 or int(count) <= len(found) or not last:
            return list(found.values())
        if len(found) == before:
            raise _malformed(session, f"the pages of the node {node} do not end")
        pending = _asking_items(session, node, last)
        session.send(pending.element)
        answer = await session.answer(pending, step=_STEP)
    raise _malformed(session, f"the pages of the node {node} do not end")


def _form(session: Session, answer: Element, node: str) -> Element:
    if answer.get("type") == "error":
        raise _refused(session, answer, node, "the configuration")
    inner = answer.find(f"{OWNER}/{CONFIGURE}")
    form = None if inner is None else forms.find(inner)
    if form is None:
        raise _malformed(session, f"no configuration of the node {node}")
    return form


def _compact(form: Element) -> Element:
    """The fields with their values: labels and choices say nothing about the node."""
    compact = Element(form.tag, {"type": "form"})
    for each in form.findall(f"{{{forms.NS}}}field"):
        values = each.findall(f"{{{forms.NS}}}value")
        if each.get("var") and values:
            kept = {name: each.get(name, "") for name in ("var", "type") if each.get(name)}
            SubElement(compact, each.tag, kept).extend(values)
    return compact


def _refused(session: Session, answer: Element, node: str, what: str) -> RefusedError:
    error = stanza_error(answer, f"{what} of the node {node}")
    assert isinstance(error, RefusedError)
    error.step, error.by = _STEP, error.by or session.bare
    return error


def _malformed(session: Session, text: str) -> RefusedError:
    error = malformed(text, session.bare)
    error.step = _STEP
    return error
