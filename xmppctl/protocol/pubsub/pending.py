"""XEP-0060 §8.6-§8.7: subscriptions that wait for the approval of an owner.

A service tells of them by messages to the account, which only an available client gets. One hides
them in the owner's list of subscriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.pubsubsub import NodeSubscriber
from xmppctl.protocol import Xep, disco, flights, forms, presence, subscription
from xmppctl.protocol.pubsub import FEATURE, NS, STEP, asking
from xmppctl.protocol.pubsub.owning import subscribers
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, Session

XEPS = (Xep("0060", "1.30.0", "partial", "owners approve and deny subscriptions"),)

_NS_COMMANDS = "http://jabber.org/protocol/commands"
_COMMAND = f"{{{_NS_COMMANDS}}}command"
_GET_PENDING = f"{NS}#get-pending"
_AUTHORIZATION = f"{NS}#subscribe_authorization"
_NODE, _WHO, _SUBID, _ALLOW = (
    f"pubsub#{name}" for name in ("node", "subscriber_jid", "subid", "allow")
)
_DELAY = "{urn:xmpp:delay}delay"


async def pending(session: Session, service: Jid | None, node: str | None) -> list[NodeSubscriber]:
    """Subscriptions that wait for approval: to ``node``, or to all nodes that the account owns.

    The account is available for a moment where there are some. Raises RefusedError
    (item-not-found, forbidden), UnsupportedError, DeadlineError.
    """
    offline = subscription.asking_for_offline(session)
    session.send(*session.enabling(), offline.element)
    offer = await _offer(session, service)
    if _GET_PENDING not in offer.features:
        return await _listed(session, service, node, offer)
    first = await _command(session, service)
    nodes = _nodes(first) if node is None else [node]
    if not nodes:
        return []
    await session.answer(offline, step=STEP)
    told: list[NodeSubscriber] = []
    with session.inbox(_requests(session, service)) as box:
        session.send(presence.compose(priority=0))
        for number, each in enumerate(nodes):
            step = first if number == 0 else await _command(session, service)
            await _command(session, service, each, step.get("sessionid"))
        barrier = flights.barrier(session)
        session.send(barrier.element)
        await session.answer(barrier, step=STEP)
        told += _read(session, service, box, nodes)
    found = {(each.node, each.jid): each for each in told}
    return sorted(found.values(), key=lambda each: (each.node or "", each.jid or ""))


async def decide(
    session: Session,
    service: Jid | None,
    node: str,
    decisions: Mapping[Jid, bool],
    *,
    if_exists: bool = False,
) -> list[NodeSubscriber]:
    """Approve (True) or deny subscriptions to a node (§8.6); a record for each, with its error.

    item-not-found for who does not wait, unless ``if_exists``. What was approved is read back.
    Raises UnsupportedError, DeadlineError.
    """
    by = asking.name_of(session, service)
    offer = await _offer(session, service)
    if not {_GET_PENDING, f"{NS}#access-authorize"} & set(offer.features):
        raise asking.unsupported(
            "approving subscriptions", by, "get-pending or access-authorize (XEP-0060)"
        )
    messages = {
        Session.new_id(): (jid, _decision(node, jid, allow)) for jid, allow in decisions.items()
    }
    for identifier, (_, message) in messages.items():
        message.set("id", identifier)
        message.set("to", by)
    refused: dict[str, Element] = {}
    with session.inbox(_bounces(session, service, messages)) as box:
        barrier = session.ask(disco.info_request(node), to=by)  # bounces come before its answer
        session.send(*(message for _, message in messages.values()), barrier.element)
        await session.answer(barrier, step=STEP)
        refused.update((bounce.get("id", ""), bounce) for bounce in box.drain())
    after = {lenient(s.jid or ""): s for s in await subscribers(session, service, node)}
    records = []
    for identifier, (jid, _) in messages.items():
        allow = decisions[jid]
        record = NodeSubscriber(by, node, str(jid), "subscribed" if allow else "none")
        now = after.get(jid)
        error: XmppctlError | None = None
        if identifier in refused:
            error = await _refusal(session, service, refused[identifier], node, jid)
            state = "none" if now is None else now.state
            record = replace(record, state=state)
            if error.condition == "item-not-found" and if_exists:
                error = None
        elif allow and (now is None or now.state != "subscribed"):
            error = _not_applied(by, f"{jid} was approved, but is not listed as subscribed")
        elif not allow and now is not None and now.state == "pending":
            record = now
            error = _not_applied(by, f"{jid} was denied, but waits for approval still")
        elif now is not None and allow:
            record = now
        records.append(replace(record, error=None if error is None else error.info()))
    return records


async def _offer(session: Session, service: Jid | None) -> DiscoInfo:
    by = asking.name_of(session, service)
    offer = await disco.info(session, by)
    if not asking.is_service(offer):
        raise asking.unsupported("pending subscriptions", by, FEATURE)
    return offer


async def _listed(
    session: Session, service: Jid | None, node: str | None, offer: DiscoInfo
) -> list[NodeSubscriber]:
    """What the owner's list of a node has, where the service has no command for it."""
    by = asking.name_of(session, service)
    if node is None or f"{NS}#manage-subscriptions" not in offer.features:
        raise asking.unsupported("pending subscriptions", by, "get-pending (XEP-0060)")
    return [each for each in await subscribers(session, service, node) if each.state == "pending"]


async def _command(
    session: Session, service: Jid | None, node: str | None = None, step: str | None = None
) -> Element:
    """The first step of the command, or with ``node`` the second one for that (§8.7)."""
    by = asking.name_of(session, service)
    command = Element(_COMMAND, {"node": _GET_PENDING, "action": "execute"})
    if step is not None:
        command.set("sessionid", step)
    if node is not None:
        command.append(forms.submit(_AUTHORIZATION, {_NODE: [node]}))
    (answer,) = await asking.flight(session, service, [("set", command)])
    if asking.is_error(answer):
        what = f"the pending subscriptions at {by}" + (f" to the node {node}" if node else "")
        raise await asking.refusal(session, service, answer, what, "get-pending")
    return asking.payload_of(session, service, answer, _COMMAND)


def _nodes(command: Element) -> list[str]:
    """The nodes that the form of the first step offers, each once."""
    element = forms.find(command)
    fields = [] if element is None else forms.read(element).fields
    options = [option.value for field in fields if field.var == _NODE for option in field.options]
    return list(dict.fromkeys(filter(None, options)))


def _requests(session: Session, service: Jid | None) -> Callable[[Element], bool]:
    """Whether a message is a request for approval, sent now: what was stored stays stored."""
    by = lenient(asking.name_of(session, service))

    def matches(stanza: Element) -> bool:
        return (
            stanza.tag == MESSAGE
            and stanza.get("type") != "error"
            and lenient(stanza.get("from", session.bare)) == by
            and stanza.find(_DELAY) is None
            and _form(stanza) is not None
        )

    return matches


def _form(stanza: Element) -> Form | None:
    element = forms.find(stanza)
    form = None if element is None else forms.read(element)
    return form if form is not None and form.form_type == _AUTHORIZATION else None


def _read(
    session: Session, service: Jid | None, box: Inbox, nodes: Collection[str]
) -> list[NodeSubscriber]:
    found = []
    for stanza in box.drain():
        form = _form(stanza)
        fields = {} if form is None else {f.var: f.values[0] for f in form.fields if f.values}
        node, who = fields.get(_NODE), fields.get(_WHO)
        if node in nodes and who:
            by = asking.name_of(session, service)
            found.append(NodeSubscriber(by, node, who, "pending", fields.get(_SUBID) or None))
    return found


def _decision(node: str, jid: Jid, allow: bool) -> Element:
    message = Element(MESSAGE)
    answers = {_NODE: [node], _WHO: [str(jid)], _ALLOW: ["1" if allow else "0"]}
    message.append(forms.submit(_AUTHORIZATION, answers))
    return message


def _bounces(
    session: Session, service: Jid | None, ids: Collection[str]
) -> Callable[[Element], bool]:
    by = lenient(asking.name_of(session, service))

    def matches(stanza: Element) -> bool:
        return (
            stanza.tag == MESSAGE
            and stanza.get("type") == "error"
            and stanza.get("id") in ids
            and lenient(stanza.get("from", session.bare)) == by
        )

    return matches


async def _refusal(
    session: Session, service: Jid | None, bounce: Element, node: str, jid: Jid
) -> XmppctlError:
    error = await asking.refusal(session, service, bounce, f"the decision about {jid}")
    if error.condition in ("unexpected-request", "not-acceptable", "item-not-found"):
        by = asking.name_of(session, service)
        text = f"{jid} does not wait for approval at the node {node} of {by}"
        return asking.not_found(session, service, text)
    return error


def _not_applied(by: str, text: str) -> RefusedError:
    return RefusedError(text, step=STEP, condition="not-applied", by=by)
