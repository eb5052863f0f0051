"""XEP-0060 §6.1-§6.2: subscribing to a node, and the end of it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.pubsubsub import NodeSubscription
from xmppctl.protocol import forms
from xmppctl.protocol.pubsub import NS, PUBSUB, STEP, asking, options
from xmppctl.protocol.pubsub.options import Answers
from xmppctl.protocol.pubsub.subscriptions import choose, known, own_jid, read, refusal
from xmppctl.session.stream import Session


def subscribing(node: str, jid: str, form: Element | None = None) -> Element:
    """A request to subscribe ``jid``, with options where there is a ``form`` (§6.1, §6.3.7)."""
    whole, inner = asking.query("subscribe", node)
    inner.set("jid", jid)
    if form is not None:
        SubElement(whole, f"{{{NS}}}options").append(form)
    return whole


async def subscribed(
    session: Session, service: Jid | None, answer: Element, node: str
) -> tuple[NodeSubscription, bool]:
    """What became of a request to subscribe, and whether options have to be set first.

    Raises RefusedError, UnsupportedError.
    """
    by = asking.name_of(session, service)
    if asking.is_error(answer):
        what = f"the subscription to the node {node} of {by}"
        raise await refusal(session, service, answer, what, "subscribe")
    whole = asking.payload_of(session, service, answer, PUBSUB)
    element = whole.find(f"{{{NS}}}subscription")
    found = None if element is None else read(element, by, node)
    if element is None or found is None:
        raise asking.unreadable(session, service, "no subscription in it")
    if found.state == "none":
        raise RefusedError(
            f"{by} did not subscribe {found.jid} to the node {node}",
            step=STEP,
            condition="not-applied",
            by=by,
        )
    required = element.find(f"{{{NS}}}subscribe-options/{{{NS}}}required") is not None
    return found, required


async def subscribe(
    session: Session, service: Jid | None, node: str, jid: Jid | None, answers: Answers
) -> NodeSubscription:
    """Subscribe ``jid`` (None: the own bare JID); where there are ``answers``, with these options.

    The state may be "pending" or "unconfigured". Options are read back. Raises UsageError for an
    option that the service does not have, RefusedError (not-applied: the options did not become
    what was wanted), UnsupportedError, DeadlineError.
    """
    who = own_jid(session, jid)
    if not answers:
        (answer,) = await asking.flight(session, service, [("set", subscribing(node, str(who)))])
        return (await subscribed(session, service, answer, node))[0]
    await options.require(session, service)
    form = await options.form_beforehand(session, service, node, who)
    request = subscribing(node, str(who), None if form is None else forms.fill(form, answers))
    (answer,) = await asking.flight(session, service, [("set", request)])
    found, _ = await subscribed(session, service, answer, node)
    if form is not None:
        after = await options.fetch(session, service, found, node)
        options.check(session, service, after, forms.resolved(form, answers))
        return found
    try:
        await options.change(session, service, found, node, answers)
    except UsageError:  # nothing is to have been done then
        await asking.flight(session, service, [("set", unsubscribing(found, node))])
        raise
    return found if found.state != "unconfigured" else replace(found, state="subscribed")


def unsubscribing(subscription: NodeSubscription, node: str) -> Element:
    """A request to end a subscription (§6.2)."""
    whole, inner = asking.query("unsubscribe", node)
    inner.set("jid", subscription.jid or "")
    if subscription.subid is not None:
        inner.set("subid", subscription.subid)
    return whole


async def unsubscribe(
    session: Session,
    service: Jid | None,
    node: str,
    jid: Jid | None,
    subid: str | None,
    *,
    if_exists: bool = False,
) -> NodeSubscription:
    """End a subscription of ``jid`` (None: the own bare JID).

    Raises RefusedError (item-not-found: there is none, or no such node, no error where
    ``if_exists``; subid-required: there are several), UnsupportedError, DeadlineError.
    """
    who, by = own_jid(session, jid), asking.name_of(session, service)
    gone = NodeSubscription(by, node, str(who), "none", subid)
    try:
        there = await known(session, service, node)
        found = gone if there is None else choose(session, service, there, node, who, subid)
        (answer,) = await asking.flight(session, service, [("set", unsubscribing(found, node))])
        if asking.is_error(answer):
            what = f"the end of the subscription to the node {node} of {by}"
            raise await refusal(session, service, answer, what, "subscribe")
    except RefusedError as error:
        if error.condition == "item-not-found" and if_exists:
            return gone
        raise
    return replace(found, state="none")
