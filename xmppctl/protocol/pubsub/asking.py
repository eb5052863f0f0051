"""XEP-0060: requests to a service or an account, and what their errors mean (§7.1.3, §15)."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.protocol import disco
from xmppctl.protocol.pubsub import FEATURE, NS, NS_ERRORS, OWNER, PUBSUB, STEP
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

PEP = "personal eventing (XEP-0163)"

_HINTS = {
    "closed-node": "only who is on its whitelist may read it: its owner adds you "
    "(xmppctl pubsub affiliations)",
    "precondition-not-met": "--reconfigure changes the node, which its owner may",
    "presence-subscription-required": "a subscription to the owner's presence is needed first "
    "(xmppctl roster add)",
    "not-in-roster-group": "the owner opens the node to some groups of contacts only",
    "not-subscribed": "only subscribers may read it: xmppctl pubsub subscribe",
    "pending-subscription": "the owner has to approve the subscription first",
    "subid-required": "there are several subscriptions: --subid says which one",
    "invalid-subid": "xmppctl pubsub subscriptions shows the ids of subscriptions",
    "nodeid-required": "the service makes no names for nodes: give NODE",
    "payload-required": "the node wants a payload",
    "item-required": "the node wants an item with a payload",
    "item-forbidden": "the node carries no items: --no-payload without --id",
    "payload-too-big": "a smaller payload, or another value of max_payload_size (pubsub config)",
    "max-items-exceeded": "the node is full: retract items, or raise max_items (pubsub config)",
    "max-nodes-exceeded": "the service keeps no more nodes for this account",
}


def name_of(session: Session, service: Jid | None) -> str:
    """The JID of a service; None is the own account."""
    return session.bare if service is None else str(service)


def offer_of(session: Session, service: Jid | None) -> str:
    """What an entity lacks that answers no request of this kind."""
    return PEP if name_of(session, service) == session.bare else FEATURE


def query(action: str, node: str | None = None, *, owner: bool = False) -> tuple[Element, Element]:
    """A ``<pubsub/>`` and the ``<action/>`` in it, of the owner's namespace or the other."""
    whole = Element(OWNER if owner else PUBSUB)
    namespace = whole.tag.partition("}")[0] + "}"
    inner = SubElement(whole, f"{namespace}{action}", {} if node is None else {"node": node})
    return whole, inner


def glance(node: str) -> Element:
    """A request for no more than one item: whether a node exists, and has any."""
    whole, inner = query("items", node)
    inner.set("max_items", "1")
    return whole


async def flight(
    session: Session, service: Jid | None, asked: Iterable[tuple[str, Element]]
) -> list[Element]:
    """The answers to requests (type and payload) that are sent together, in their order.

    An entity processes them in that order (RFC 6120 §10.1).
    """
    pending = [session.ask(payload, to=service, type=kind) for kind, payload in asked]
    session.send(*(each.element for each in pending))
    return [await session.answer(each, step=STEP) for each in pending]


def is_error(answer: Element, *conditions: str) -> bool:
    """Whether an answer is an error, with one of these conditions if there are any."""
    if answer.get("type") != "error":
        return False
    return not conditions or stanza_error(answer, "").condition in conditions


def payload_of(session: Session, service: Jid | None, answer: Element, tag: str) -> Element:
    """The payload of a result. Raises RefusedError (malformed-answer)."""
    found = next(iter(answer), None)
    if found is not None and found.tag == tag:
        return found
    raise unreadable(session, service, f"no <{tag.rpartition('}')[2]}/>")


def unreadable(session: Session, service: Jid | None, text: str) -> RefusedError:
    """An answer that came but cannot be understood."""
    error = malformed(text, name_of(session, service))
    error.step = STEP
    return error


def application(answer: Element) -> Element | None:
    """The condition of this protocol (§15), beside that of the stanza."""
    prefix = f"{{{NS_ERRORS}}}"
    return next((each for each in answer.iter() if each.tag.startswith(prefix)), None)


async def refusal(
    session: Session, service: Jid | None, answer: Element, what: str, *needs: str
) -> XmppctlError:
    """The error that an answer of type error is.

    ``what`` was refused, in words; ``needs``: the features that it takes, by their short names
    such as "publish". UnsupportedError only where the service says that it lacks one, or is no
    publish-subscribe service: what it offers is asked where the answer leaves that open.
    """
    error = stanza_error(answer, what)
    by = error.by = error.by or name_of(session, service)
    error.step = STEP
    found = application(answer)
    condition = "" if found is None else found.tag.rpartition("}")[2]
    if condition == "unsupported" and found is not None and found.get("feature"):
        return _lacking(error, what, by, f"{found.get('feature')} (XEP-0060)")
    error.hint = _HINTS.get(condition, error.hint)
    if error.condition not in UNSUPPORTED:
        return error
    try:
        offer = await disco.info(session, name_of(session, service))
    except XmppctlError:
        # who it is not told to cannot know either: an account shows itself to its contacts only
        if service is not None and service.local is not None:
            error.hint = "it may not exist, or show its nodes to its contacts only"
        return error
    named = [each for each in offer.features if each.startswith(f"{NS}#")]
    if not is_service(offer) or not (named or NS in offer.features):
        return _lacking(error, what, by, offer_of(session, service))
    missing = [each for each in needs if f"{NS}#{each}" not in named]
    if error.condition == "feature-not-implemented":
        missing += needs  # announced, and not there after all
    if missing:
        return _lacking(error, what, by, f"{missing[0]} (XEP-0060)")
    return error


def is_service(offer: DiscoInfo) -> bool:
    """Whether an entity says that it has nodes (§5.1, XEP-0163 §6)."""
    if any(identity.category == "pubsub" for identity in offer.identities):
        return True
    return any(each == NS or each.startswith(f"{NS}#") for each in offer.features)


def unsupported(what: str, by: str, feature: str) -> UnsupportedError:
    """The service lacks what this takes, as its service discovery says."""
    return UnsupportedError(
        f"{what}: {by} does not offer {feature}",
        step=STEP,
        condition="feature-not-implemented",
        type="cancel",
        by=by,
    )


def _lacking(error: XmppctlError, what: str, by: str, feature: str) -> UnsupportedError:
    found = unsupported(what, by, feature)
    found.condition, found.type = error.condition, error.type
    return found


def not_found(session: Session, service: Jid | None, text: str) -> RefusedError:
    """What was asked for is not there, whatever the service answered to that."""
    return RefusedError(
        text, step=STEP, condition="item-not-found", type="cancel", by=name_of(session, service)
    )
