"""XEP-0163, XEP-0222 and XEP-0223: data in a pubsub node (XEP-0060) of the account or a service.

Private data goes only to a node that is proven to be open to nobody else: by publish options that
the server announces to honour (XEP-0223 §5), or by the configuration of the node, read back. The
second way is there because one server refuses half of the options that XEP-0223 asks for
(ejabberd 23.01: "Unknown field 'pubsub#max_items'").

Each item has a request of its own: of several in one request one server keeps the first, another
refuses all.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, disco, forms
from xmppctl.protocol.pubsub import NS, PUBSUB, STEP, Item, items, reserved
from xmppctl.protocol.pubsub import configuring as nodes
from xmppctl.protocol.pubsub.asking import PEP, application, name_of, query, refusal
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import Session

XEPS = (
    Xep("0060", "1.30.0", "partial", "publishes with options, and reads"),
    Xep("0163", "1.2.2", "partial", "publishes and reads items"),
    Xep("0222", "1.0", "complete"),
    Xep("0223", "1.1.1", "complete"),
)

Want = Mapping[str, str | Sequence[str]]
"""What a node has to be: fields of its configuration without the prefix ``pubsub#``."""

_OPTIONS = f"{NS}#publish-options"
_AUTO_CREATE = f"{NS}#auto-create"
_AT_ONCE = 50

PRIVATE: Mapping[str, str] = {
    "persist_items": "1",
    "access_model": "whitelist",
    "max_items": "max",
    "send_last_published_item": "never",
}
"""What a node for private data has to be (XEP-0223 §3); with an item for each thing, of which none
pushes out another."""

PUBLIC: Mapping[str, str] = {
    "persist_items": "1",
    "access_model": "open",
    "send_last_published_item": "never",
}
"""The same for public data (XEP-0222 §3); the access model may also be "presence" or "roster"."""

_REFUSALS = frozenset({"resource-constraint", "conflict", "not-acceptable", "bad-request"})
"""Conditions with which servers refuse publish options, and not the item."""


async def read(session: Session, node: str) -> list[Item]:
    """The items of a node of the own account; none where there is no such node.

    Only the own account's word counts (XEP-0223 §6): the request goes to it, and nobody else may
    answer. Raises RefusedError, UnsupportedError, DeadlineError.
    """
    try:
        return await items.read(session, node, feature=PEP)
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return []


async def publish(
    session: Session,
    node: str,
    content: Sequence[Item],
    want: Want,
    *,
    service: Jid | None = None,
    features: Container[str] | None = None,
    reconfigure: bool = False,
    exact: bool = False,
) -> list[str | None]:
    """Publish ``content`` to a node that is configured as ``want`` says.

    Gives the ids of the items, as the service tells them. ``service``: whose node; None is the
    own account. ``features``: what it offers, where that is known already. ``want``: such as
    ``PRIVATE``; none leave the node alone. A node that does not exist is made so, at a service
    that makes nodes by itself. One whose access model is another is left alone unless
    ``reconfigure``; its other fields are set, unless they have to be ``exact`` too. Raises
    RefusedError (precondition-not-met: the node is another; not-applied: it did not become what
    was wanted; nothing is published then), UnsupportedError, DeadlineError.
    """
    if not content:
        return []
    if not want:
        return await _publish(session, service, node, content, None)
    if features is None:
        features = await offered(session, service)
    refused: RefusedError | None = None
    if _OPTIONS in features:
        try:
            ids = await _publish(session, service, node, content[:1], want)
        except RefusedError as error:
            if error.condition not in _REFUSALS:
                raise
            session.trace.note(f"publish options are not accepted: {error.text}")
            refused = error
        else:
            return ids + await _publish(session, service, node, content[1:], want)
    try:
        await _make(session, service, node, want, features, reconfigure=reconfigure, exact=exact)
    except RefusedError as error:
        if refused is None or error.condition != "forbidden":
            raise
        # of a node of somebody else: what it is not, its service has told
        raise refused from None
    return await _publish(session, service, node, content, None)


async def prepare(
    session: Session,
    node: str,
    want: Want,
    *,
    service: Jid | None = None,
    features: Container[str] | None = None,
    reconfigure: bool = False,
    exact: bool = False,
) -> Want | None:
    """Have a node be as ``want`` says, for what is to be published to it.

    Gives the options that each publication has to have; None where the node is proven to be so.
    As ``publish``, but that nothing is published yet.
    """
    if features is None:
        features = await offered(session, service)
    try:
        await _make(session, service, node, want, features, reconfigure=reconfigure, exact=exact)
    except RefusedError as error:
        if error.condition != "forbidden" or _OPTIONS not in features:
            raise
        return want
    return None


async def offered(session: Session, service: Jid | None) -> frozenset[str]:
    """What the service says of itself: whether publish options count, too (XEP-0223 §5)."""
    try:
        return frozenset((await disco.info(session, name_of(session, service))).features)
    except RefusedError:
        return frozenset()


def holder(identifier: str | None, payload: Element | None) -> Element:
    """The ``<item/>`` of a publication; without id the service chooses one."""
    item = Element(f"{{{NS}}}item", {} if identifier is None else {"id": identifier})
    if payload is not None:
        item.append(payload)
    return item


def publication(node: str, item: Element | None, options: Want | None) -> Element:
    """A request to publish an ``<item/>`` (§7.1), or none to a node that carries no items.

    With publish options (§7.1.5), if there are any. Raises UsageError as ``reserved.check``.
    """
    whole, inner = query("publish", node)
    if item is not None:
        for payload in item:
            reserved.check(node, payload)
        inner.append(item)
    if options:
        form = forms.submit(_OPTIONS, _answers(options))
        SubElement(whole, f"{{{NS}}}publish-options").append(form)
    return whole


def published(answer: Element, identifier: str | None) -> str | None:
    """The id of what was published, as the service tells it, or that it was given."""
    told = answer.find(f"{PUBSUB}/{{{NS}}}publish/{{{NS}}}item")
    return identifier if told is None else told.get("id", identifier)


async def _publish(
    session: Session,
    service: Jid | None,
    node: str,
    content: Sequence[Item],
    want: Want | None,
) -> list[str | None]:
    ids: list[str | None] = []
    for begin in range(0, len(content), _AT_ONCE):
        now = content[begin : begin + _AT_ONCE]
        pending = [
            session.ask(
                publication(node, holder(item.id, item.payload), want), to=service, type="set"
            )
            for item in now
        ]
        session.send(*(each.element for each in pending))
        answers = [await session.answer(each, step=STEP) for each in pending]
        for item, answer in zip(now, answers, strict=True):
            if answer.get("type") == "error":
                raise await refused(session, service, node, answer)
            ids.append(published(answer, item.id))
    return ids


async def _make(
    session: Session,
    service: Jid | None,
    node: str,
    want: Want,
    features: Container[str],
    *,
    reconfigure: bool,
    exact: bool,
) -> None:
    """Make the node, or set it, so that it is as ``want`` says; proven by what it is then."""
    answers = _answers(want)
    found = await _configuration(session, service, node)
    if found is None:
        if service is not None and str(service) != session.bare and _AUTO_CREATE not in features:
            raise _no_node(session, service, node)
        asked, _ = query("create", node)
        configure = SubElement(asked, f"{{{NS}}}configure")
        configure.append(forms.submit(nodes.NODE_CONFIG, answers))
        pending = session.ask(asked, to=service, type="set")
        session.send(pending.element)
        answer = await session.answer(pending, step=STEP)
        if answer.get("type") == "error":
            error = await refusal(session, service, answer, f"making the node {node}")
            if error.condition != "conflict":  # another client was faster
                raise error
        found = await _configuration(session, service, node)
    elif different := nodes.differences(found, answers):
        if not reconfigure and (exact or f"{nodes.PREFIX}access_model" in different):
            raise _another(session, service, node, different, answers)
        known = {field.var for field in found.fields}
        setting, inner = query("configure", node, owner=True)
        inner.append(forms.fill(found, {k: v for k, v in answers.items() if k in known}))
        what = f"configuring the node {node}"
        await session.request(setting, to=service, type="set", step=STEP, what=what)
        found = await _configuration(session, service, node)
    left: Mapping[str, object] = answers
    if found is not None:
        left = nodes.differences(found, answers)
    if left:
        names = ", ".join(each.removeprefix(nodes.PREFIX) for each in left)
        raise RefusedError(
            f"the node {node} did not become what was asked for ({names}): nothing was published",
            step=STEP,
            condition="not-applied",
            by=name_of(session, service),
        )


async def _configuration(session: Session, service: Jid | None, node: str) -> Form | None:
    """The configuration as the owner gets it; None where there is no node."""
    try:
        return await nodes.fetch(session, service, node)
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return None


def _answers(want: Want) -> dict[str, list[str]]:
    return {
        f"{nodes.PREFIX}{name}": [value] if isinstance(value, str) else list(value)
        for name, value in want.items()
    }


def _told(values: object) -> str:
    return ", ".join(map(str, values)) if isinstance(values, list) and values else "none"


def _another(
    session: Session,
    service: Jid | None,
    node: str,
    different: Mapping[str, object],
    answers: Mapping[str, object],
) -> RefusedError:
    hint = "--reconfigure changes the node"
    if f"{nodes.PREFIX}access_model" in different:
        narrower = answers[f"{nodes.PREFIX}access_model"] == ["whitelist"]
        hint += "; what is in it " + (
            "may have been seen by others" if narrower else "is then for others too"
        )
    told = "; ".join(
        f"{name.removeprefix(nodes.PREFIX)} {_told(value)}, not {_told(answers[name])}"
        for name, value in different.items()
    )
    return RefusedError(
        f"the node {node} has {told}: nothing was published",
        step=STEP,
        condition="precondition-not-met",
        by=name_of(session, service),
        hint=hint,
    )


def _no_node(session: Session, service: Jid | None, node: str) -> RefusedError:
    by = name_of(session, service)
    return RefusedError(
        f"{by} has no node {node}, and makes none by itself: nothing was published",
        step=STEP,
        condition="item-not-found",
        by=by,
        hint=f"xmppctl pubsub create {by} {node}",
    )


async def refused(
    session: Session, service: Jid | None, node: str, answer: Element
) -> XmppctlError:
    """The error that the answer to a publication is."""
    what = f"publishing to the node {node}"
    if service is not None or application(answer) is not None:
        return await refusal(session, service, answer, what, "publish")
    error = stanza_error(answer, what, feature=PEP)
    error.step, error.by = STEP, error.by or session.bare
    if isinstance(error, UnsupportedError):
        error.hint = "a server that has it announces the identity pubsub/pep"
    return error
