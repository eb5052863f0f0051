"""XEP-0060 §8.1, §8.2, §8.3: making nodes and setting what they are, with XEP-0248."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UsageError, XmppctlError
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid
from xmppctl.model.pubsub import NodeCreation
from xmppctl.protocol import disco, forms
from xmppctl.protocol.pubsub import NS, NS_OWNER, OWNER, PUBSUB, STEP
from xmppctl.protocol.pubsub.asking import (
    flight,
    glance,
    is_error,
    name_of,
    not_found,
    payload_of,
    query,
    refusal,
    unreadable,
    unsupported,
)
from xmppctl.session.stream import Session

NODE_CONFIG = f"{NS}#node_config"
PREFIX = "pubsub#"
COLLECTIONS = "collections (XEP-0248)"


async def fetch(session: Session, service: Jid | None, node: str) -> Form:
    """The configuration of a node, as its owner gets it (§8.2.1).

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    what = f"the configuration of the node {node}"
    asked, _ = query("configure", node, owner=True)
    (answer,) = await flight(session, service, [("get", asked)])
    if is_error(answer, "forbidden"):
        # one server says that first, of whatever node
        (look,) = await flight(session, service, [("get", glance(node))])
        if is_error(look, "item-not-found"):
            raise not_found(session, service, f"{name_of(session, service)} has no node {node}")
    if is_error(answer):
        raise await refusal(session, service, answer, what, "config-node")
    return form_of(session, service, answer, "configure", what)


async def default(session: Session, service: Jid | None) -> Form:
    """What a new node is configured as (§8.3). Raises as ``fetch``."""
    what = "the default configuration of nodes"
    asked, _ = query("default", owner=True)
    (answer,) = await flight(session, service, [("get", asked)])
    if is_error(answer):
        raise await refusal(session, service, answer, what, "retrieve-default", "config-node")
    return form_of(session, service, answer, "default", what)


def form_of(session: Session, service: Jid | None, answer: Element, tag: str, what: str) -> Form:
    """The form in a result of the owner's namespace. Raises RefusedError (malformed-answer)."""
    inner = payload_of(session, service, answer, OWNER).find(f"{{{NS_OWNER}}}{tag}")
    form = None if inner is None else forms.find(inner)
    if form is None:
        raise unreadable(session, service, f"no form in {what}")
    return forms.read(form)


def named(form: Form, answers: forms.Answers) -> dict[str, list[str]]:
    """The answers by the names of the form's fields, their values as the fields want them.

    A name may go without ``pubsub#``, and be short as for every form. Raises UsageError for an
    unknown name and a value that the field does not take.
    """
    known = {field.var for field in form.fields}
    full: dict[str, Sequence[str]] = {}
    for name, values in answers.items():
        var = PREFIX + name if PREFIX + name in known else name
        if var in full:
            raise UsageError(f"the field {var} was given by two names", step="form")
        full[var] = values
    resolved = forms.resolved(form, full)
    if len(resolved) != len(full):
        raise UsageError("a field was given by two names", step="form")
    filled = {each.var: each.values for each in forms.read(forms.fill(form, resolved)).fields}
    return {var: filled.get(var, []) for var in resolved}


async def configure(
    session: Session, service: Jid | None, node: str, answers: forms.Answers
) -> Form:
    """Set fields of a node's configuration (§8.2.4); what it is afterwards, read back.

    Fields that are not named keep their values. Raises UsageError for an unknown field or value
    (nothing was submitted then), RefusedError (not-applied: the service took it and did not do
    it), UnsupportedError, DeadlineError.
    """
    before = await fetch(session, service, node)
    wanted = named(before, answers)
    return await submit(session, service, node, before, wanted)


async def submit(
    session: Session, service: Jid | None, node: str, before: Form, wanted: forms.Answers
) -> Form:
    """As ``configure``, for full names and a configuration that was read already."""
    what = f"configuring the node {node}"
    setting, inner = query("configure", node, owner=True)
    inner.append(forms.fill(before, wanted))
    asking, _ = query("configure", node, owner=True)
    done, told = await flight(session, service, [("set", setting), ("get", asking)])
    if is_error(done):
        raise await refusal(session, service, done, what, "config-node")
    if is_error(told):
        raise await refusal(session, service, told, what, "config-node")
    after = form_of(session, service, told, "configure", "the configuration")
    left = differences(after, wanted)
    if left:
        raise not_applied(session, service, f"the node {node}", left)
    return after


def not_applied(
    session: Session, service: Jid | None, what: str, left: Mapping[str, object]
) -> RefusedError:
    """The service accepted a configuration and did something else."""
    names = ", ".join(each.removeprefix(PREFIX) for each in left)
    return RefusedError(
        f"{what}: {name_of(session, service)} took the configuration, but not over: {names}",
        step=STEP,
        condition="not-applied",
        by=name_of(session, service),
    )


def differences(form: Form, wanted: forms.Answers) -> dict[str, list[str] | None]:
    """The fields that are not as ``wanted``, by their full names, with what they are.

    None where the form has no such field.
    """
    fields = {field.var: field for field in form.fields}
    found = {var: fields.get(var) for var in wanted}
    return {
        var: None if field is None else field.values
        for var, field in found.items()
        if not _fits(var, field, wanted[var])
    }


def _fits(var: str, field: FormField | None, wanted: Sequence[str]) -> bool:
    if field is None:
        # a service that never sends it on its own has no need of the field
        return var == f"{PREFIX}send_last_published_item" and list(wanted) == ["never"]
    values = [_plain(each) for each in field.values if each]
    asked = [_plain(each) for each in wanted if each]
    if field.type in ("jid-multi", "list-multi"):
        return set(values) == set(asked)
    if field.type == "boolean":
        return (values or ["0"]) == (asked or ["0"])
    if asked == ["max"] and len(values) == 1:
        # a service may put its own limit in the place of "max"; one item only is none
        return values == ["max"] or (
            values[0].isdecimal() and len(values[0]) < 10 and int(values[0]) > 1
        )
    return values == asked


def _plain(value: str) -> str:
    return {"true": "1", "false": "0"}.get(value, value)


# --- making


async def create(
    session: Session,
    service: Jid | None,
    node: str | None,
    answers: forms.Answers,
    *,
    collection: bool = False,
) -> NodeCreation:
    """Make a node (§8.1), one that the service names without ``node``; proven by reading it back.

    What was made is deleted again when it did not become what was asked for. Raises UsageError
    for an unknown field or value, RefusedError (conflict: there is such a node; not-applied),
    UnsupportedError, DeadlineError.
    """
    wanted: dict[str, list[str]] = {}
    what = "making a node" if node is None else f"making the node {node}"
    if answers or collection:
        wanted = await _allowed(session, service, answers, what, collection=collection)
    asked, _ = query("create", node)
    if wanted:
        SubElement(asked, f"{{{NS}}}configure").append(forms.submit(NODE_CONFIG, wanted))
    requests = [("set", asked)]
    if node is not None:
        requests += [("get", each) for each in _look(node)]
    made, *told = await flight(session, service, requests)
    if is_error(made):
        needs = ("create-nodes",) if node is not None else ("create-nodes", "instant-nodes")
        raise await refusal(session, service, made, what, *needs)
    chosen = made.find(f"{PUBSUB}/{{{NS}}}create")
    name = node if chosen is None else chosen.get("node", node)
    if name is None:
        raise unreadable(session, service, "the new node has no name")
    if name != node:
        told = await flight(session, service, [("get", each) for each in _look(name)])
    return await _proven(session, service, name, told, wanted, collection=collection)


def _look(node: str) -> tuple[Element, Element]:
    return query("configure", node, owner=True)[0], disco.info_request(node)


async def _proven(
    session: Session,
    service: Jid | None,
    node: str,
    told: Sequence[Element],
    wanted: forms.Answers,
    *,
    collection: bool,
) -> NodeCreation:
    """The record of a new node; what is not as it was asked for is set, or the node deleted."""
    settings, described = told
    by = name_of(session, service)
    try:
        kind = _kind(described)
        if collection and kind != "collection":
            raise unsupported(f"making the collection {node}", by, COLLECTIONS)
        form = None
        if not is_error(settings):
            form = form_of(session, service, settings, "configure", "the configuration")
        fields = {each: wanted[each] for each in wanted if each != f"{PREFIX}node_type"}
        if fields and form is None:
            raise await refusal(session, service, settings, f"reading the node {node}")
        left = {} if form is None else differences(form, fields)
        if any(values is None for values in left.values()):  # it has no such field
            raise not_applied(session, service, f"the node {node}", left)
        if form is not None and left:
            form = await submit(session, service, node, form, fields)
    except XmppctlError:
        await flight(session, service, [("set", query("delete", node, owner=True)[0])])
        raise
    return NodeCreation(by, node, "collection" if kind == "collection" else "leaf", form)


def _kind(answer: Element) -> str | None:
    if is_error(answer):
        return None
    types = (
        {
            each.type
            for each in disco.read_info(answer[0], "", None).identities
            if each.category == "pubsub"
        }
        if len(answer)
        else set()
    )
    return next((each for each in ("collection", "leaf") if each in types), None)


async def _allowed(
    session: Session,
    service: Jid | None,
    answers: forms.Answers,
    what: str,
    *,
    collection: bool,
) -> dict[str, list[str]]:
    """The fields of a new node, checked: one server drops what it does not know in silence."""
    by = name_of(session, service)
    wanted = {f"{PREFIX}node_type": ["collection"]} if collection else {}
    offer, form = await flight(
        session,
        service,
        [("get", disco.info_request(None)), ("get", query("default", owner=True)[0])],
    )
    if collection and not is_error(offer):
        found = disco.read_info(disco.check_info(next(iter(offer), None), by), by, None)
        if f"{NS}#collections" not in found.features:
            raise unsupported(what, by, COLLECTIONS)
    if is_error(form):  # a service need not tell it: reading the node back shows what it took
        return wanted | {_full(name): list(values) for name, values in answers.items()}
    told = form_of(session, service, form, "default", "the default configuration")
    return wanted | named(told, answers)


def _full(name: str) -> str:
    return name if "#" in name else PREFIX + name
