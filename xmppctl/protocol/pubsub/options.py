"""XEP-0060 §6.3-§6.4: the options of a subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid
from xmppctl.model.pubsubsub import NodeSubscription
from xmppctl.protocol import disco, forms
from xmppctl.protocol.pubsub import FEATURE, NS, PUBSUB, STEP, asking
from xmppctl.protocol.pubsub.subscriptions import choose, known, own_jid, refusal
from xmppctl.session.stream import Session

Answers = Mapping[str, Sequence[str]]


async def options(
    session: Session,
    service: Jid | None,
    node: str,
    jid: Jid | None,
    subid: str | None,
    answers: Answers,
) -> Form:
    """The options of a subscription (§6.3), after ``answers`` were set where there are some.

    Raises UsageError for an option that the service does not have, RefusedError (item-not-found,
    subid-required, not-applied), UnsupportedError, DeadlineError.
    """
    who = own_jid(session, jid)
    able, there = await asyncio.gather(
        require(session, service), known(session, service, node), return_exceptions=True
    )
    for told in (able, there):
        if isinstance(told, BaseException):
            raise told
    assert not isinstance(there, BaseException)
    found = NodeSubscription(asking.name_of(session, service), node, str(who), None, subid)
    if there is not None:
        found = choose(session, service, there, node, who, subid)
    if answers:
        return await change(session, service, found, node, answers)
    return await fetch(session, service, found, node)


async def require(session: Session, service: Jid | None) -> None:
    """A service without them may ignore them without a word. Raises UnsupportedError."""
    by = asking.name_of(session, service)
    offer = await disco.info(session, by)
    if f"{NS}#subscription-options" in offer.features:
        return
    what = "options of a subscription"
    if not asking.is_service(offer):
        raise asking.unsupported(what, by, FEATURE)
    raise asking.unsupported(what, by, "subscription-options (XEP-0060)")


def _asking(node: str, jid: str, subid: str | None) -> tuple[Element, Element]:
    whole, inner = asking.query("options", node)
    inner.set("jid", jid)
    if subid is not None:
        inner.set("subid", subid)
    return whole, inner


async def form_beforehand(
    session: Session, service: Jid | None, node: str, who: Jid
) -> Form | None:
    """The options before there is a subscription (§6.4), None where they are not told.

    Some services also show those of a subscription that there is not.
    """
    asked = [
        ("get", _asking(node, str(who), None)[0]),
        ("get", asking.query("default", node)[0]),
    ]
    for answer in await asking.flight(session, service, asked):
        form = None if asking.is_error(answer) else answer.find(f".//{forms.FORM}")
        if form is not None:
            return forms.read(form)
    return None


async def fetch(
    session: Session, service: Jid | None, subscription: NodeSubscription, node: str
) -> Form:
    """The options of a subscription. Raises RefusedError, UnsupportedError."""
    jid = subscription.jid or ""
    asked = _asking(node, jid, subscription.subid)[0]
    (answer,) = await asking.flight(session, service, [("get", asked)])
    return await _read(session, service, answer, node)


async def _read(session: Session, service: Jid | None, answer: Element, node: str) -> Form:
    if asking.is_error(answer):
        what = f"the options of the subscription to the node {node}"
        raise await refusal(session, service, answer, what, "subscription-options")
    whole = asking.payload_of(session, service, answer, PUBSUB)
    form = whole.find(f"{{{NS}}}options/{forms.FORM}")
    if form is None:
        raise asking.unreadable(session, service, "no options in it")
    return forms.read(form)


async def change(
    session: Session,
    service: Jid | None,
    subscription: NodeSubscription,
    node: str,
    answers: Answers,
) -> Form:
    """Set options of a subscription; what they are afterwards. Raises what ``options`` raises."""
    form = await fetch(session, service, subscription, node)
    jid, subid = subscription.jid or "", subscription.subid
    whole, inner = _asking(node, jid, subid)
    inner.append(forms.fill(form, answers))
    done, after = await asking.flight(
        session, service, [("set", whole), ("get", _asking(node, jid, subid)[0])]
    )
    if asking.is_error(done):
        what = f"the options of the subscription to the node {node}"
        raise await refusal(session, service, done, what, "subscription-options")
    found = await _read(session, service, after, node)
    check(session, service, found, forms.resolved(form, answers))
    return found


def check(
    session: Session, service: Jid | None, form: Form, wanted: Mapping[str, Sequence[str]]
) -> None:
    """Raise RefusedError where options are not as they were ``wanted``, by their full names."""
    fields = {field.var: field for field in form.fields}
    left = [var for var, values in wanted.items() if not _same(fields.get(var), values)]
    if left:
        raise RefusedError(
            f"the options did not become what was asked for: {', '.join(left)}",
            step=STEP,
            condition="not-applied",
            by=asking.name_of(session, service),
        )


def _same(field: FormField | None, wanted: Sequence[str]) -> bool:
    if field is None:
        return False
    if field.type == "boolean":
        yes = {"1", "true", "yes", "on"}
        found = [value.lower() in yes for value in field.values] or [False]
        return found == [value.lower() in yes for value in wanted]
    return sorted(filter(None, field.values)) == sorted(filter(None, wanted))
