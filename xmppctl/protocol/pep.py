"""XEP-0163 and XEP-0223: data of the own account, kept in a pubsub node (XEP-0060) of its own.

Private data goes only to a node that is proven to be open to nobody else: by publish options that
the server announces to honour (XEP-0223 §5), or by the configuration of the node, read back. The
second way is there because one server refuses half of the options that XEP-0223 asks for
(ejabberd 23.01: "Unknown field 'pubsub#max_items'").

Each item has a request of its own: of several in one request one server keeps the first, another
refuses all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.form import Form
from xmppctl.protocol import Xep, disco, forms
from xmppctl.session.conditions import stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (
    Xep("0060", "1.30.0", "partial", "nodes of the own account: publishes and reads items"),
    Xep("0163", "1.2.2", "partial", "publishes and reads items"),
    Xep("0223", "1.1.1", "complete"),
)

NS = "http://jabber.org/protocol/pubsub"
_OWNER = f"{NS}#owner"
_OPTIONS = f"{NS}#publish-options"
_NODE_CONFIG = f"{NS}#node_config"
_PUBSUB = f"{{{NS}}}pubsub"
_STEP = "pubsub"
_FEATURE = "personal eventing (XEP-0163)"
_AT_ONCE = 50

PRIVATE: Mapping[str, str] = {
    "persist_items": "1",
    "access_model": "whitelist",
    "max_items": "max",
    "send_last_published_item": "never",
}
"""What a node for private data has to be (XEP-0223 §3), as ``pubsub#`` fields without the prefix;
with an item for each thing, of which none pushes out another."""

_REFUSALS = frozenset({"resource-constraint", "conflict", "not-acceptable", "bad-request"})
"""Conditions with which servers refuse publish options, and not the item."""


class Item(NamedTuple):
    """An item of a node; ``id`` None leaves it to the server to choose one."""

    id: str | None
    payload: Element


async def read(session: Session, node: str) -> list[Item]:
    """The items of a node of the own account; none where there is no such node.

    Only the own account's word counts (XEP-0223 §6): the request goes to it, and nobody else may
    answer. Raises RefusedError, UnsupportedError, DeadlineError.
    """
    query = Element(_PUBSUB)
    SubElement(query, f"{{{NS}}}items", {"node": node})
    try:
        answer = await session.request(
            query, step=_STEP, what=f"the items of the node {node}", feature=_FEATURE
        )
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return []
    if answer is None or answer.tag != _PUBSUB:
        raise _malformed(session, f"no items of the node {node}")
    return [
        Item(item.get("id"), item[0])
        for item in answer.findall(f"{{{NS}}}items/{{{NS}}}item")
        if len(item)
    ]


async def publish(
    session: Session,
    node: str,
    items: Sequence[Item],
    want: Mapping[str, str],
    *,
    reconfigure: bool = False,
) -> None:
    """Publish ``items`` to a node of the own account that is configured as ``want`` says.

    ``want``: fields of its configuration without the prefix ``pubsub#``, such as ``PRIVATE``. A
    node that does not exist is made so. One whose access model is another is left alone unless
    ``reconfigure``; its other fields are set. Raises RefusedError (precondition-not-met: the
    access model is another; not-applied: it did not become what was wanted; nothing is published
    then), UnsupportedError, DeadlineError.
    """
    if not items:
        return
    if await _honours_options(session):
        try:
            await _publish(session, node, items[:1], want)
        except RefusedError as error:
            if error.condition not in _REFUSALS:
                raise
            session.trace.note(f"publish options are not accepted: {error.text}")
        else:
            await _publish(session, node, items[1:], want)
            return
    await _make(session, node, want, reconfigure=reconfigure)
    await _publish(session, node, items, None)


async def _honours_options(session: Session) -> bool:
    """Whether the server says that publish options count (XEP-0223 §5); it may ignore them else."""
    try:
        return _OPTIONS in (await disco.info(session, session.bare)).features
    except RefusedError:
        return False


async def _publish(
    session: Session, node: str, items: Sequence[Item], want: Mapping[str, str] | None
) -> None:
    """Publish, with the publish options (XEP-0060 §7.1.5) that ``want`` says."""
    for begin in range(0, len(items), _AT_ONCE):
        pending = []
        for item in items[begin : begin + _AT_ONCE]:
            query = Element(_PUBSUB)
            inner = SubElement(query, f"{{{NS}}}publish", {"node": node})
            holder = SubElement(inner, f"{{{NS}}}item", {} if item.id is None else {"id": item.id})
            holder.append(item.payload)
            if want is not None:
                options = SubElement(query, f"{{{NS}}}publish-options")
                options.append(forms.submit(_OPTIONS, _answers(want)))
            pending.append(session.ask(query, type="set"))
        session.send(*(each.element for each in pending))
        answers = [await session.answer(each, step=_STEP) for each in pending]
        for answer in answers:
            if answer.get("type") == "error":
                raise _refused(session, answer, f"publishing to the node {node}")


async def _make(session: Session, node: str, want: Mapping[str, str], *, reconfigure: bool) -> None:
    """Make the node, or set it, so that it is as ``want`` says; proven by what it is then."""
    found = await _configuration(session, node)
    if found is None:
        query = Element(_PUBSUB)
        SubElement(query, f"{{{NS}}}create", {"node": node})
        configure = SubElement(query, f"{{{NS}}}configure")
        configure.append(forms.submit(_NODE_CONFIG, _answers(want)))
        try:
            await session.request(
                query, type="set", step=_STEP, what=f"making the node {node}", feature=_FEATURE
            )
        except RefusedError as error:
            if error.condition != "conflict":  # another client was faster
                raise
        found = await _configuration(session, node)
    elif _differences(found, want):
        if "access_model" in _differences(found, want) and not reconfigure:
            raise _open(session, node, _value(found, "access_model"), want)
        await _configure(session, node, found, want)
        found = await _configuration(session, node)
    left = dict(want) if found is None else _differences(found, want)
    if left:
        raise RefusedError(
            f"the node {node} did not become what was asked for "
            f"({', '.join(f'{name}: {value}' for name, value in left.items())}): "
            "nothing was published",
            step=_STEP,
            condition="not-applied",
            by=session.bare,
        )


async def _configuration(session: Session, node: str) -> Form | None:
    """The configuration as the owner gets it (XEP-0060 §8.2); None where there is no node."""
    query = Element(f"{{{_OWNER}}}pubsub")
    SubElement(query, f"{{{_OWNER}}}configure", {"node": node})
    try:
        answer = await session.request(
            query, step=_STEP, what=f"the configuration of the node {node}", feature=_FEATURE
        )
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return None
    inner = None if answer is None else answer.find(f"{{{_OWNER}}}configure")
    form = None if inner is None else forms.find(inner)
    if form is None:
        raise _malformed(session, f"no configuration of the node {node}")
    return forms.read(form)


async def _configure(session: Session, node: str, found: Form, want: Mapping[str, str]) -> None:
    known = {field.var for field in found.fields}
    answers = {name: values for name, values in _answers(want).items() if name in known}
    query = Element(f"{{{_OWNER}}}pubsub")
    inner = SubElement(query, f"{{{_OWNER}}}configure", {"node": node})
    inner.append(forms.fill(found, answers))
    await session.request(query, type="set", step=_STEP, what=f"configuring the node {node}")


def _answers(want: Mapping[str, str]) -> dict[str, list[str]]:
    return {f"pubsub#{name}": [value] for name, value in want.items()}


def _value(form: Form, name: str) -> str | None:
    var = f"pubsub#{name}"
    return next((each.values[0] for each in form.fields if each.var == var and each.values), None)


def _differences(form: Form, want: Mapping[str, str]) -> dict[str, str | None]:
    """The fields of a node that are not as they should be, with what they are."""
    found = {name: _value(form, name) for name in want}
    return {name: value for name, value in found.items() if not _fits(name, value, want[name])}


def _fits(name: str, value: str | None, wanted: str) -> bool:
    if name == "access_model":
        return value == wanted
    if value is None:  # a field that the server does not have
        return name == "send_last_published_item"
    if name == "max_items" and wanted == "max":
        # a server may put its own limit in the place of "max"; one item only is none
        return value == "max" or (value.isdecimal() and len(value) < 10 and int(value) > 1)
    same = {"true": "1", "false": "0"}
    return same.get(value, value) == same.get(wanted, wanted)


def _open(session: Session, node: str, found: str | None, want: Mapping[str, str]) -> RefusedError:
    return RefusedError(
        f"the node {node} has the access model {found}, not {want['access_model']}: "
        "nothing was published",
        step=_STEP,
        condition="precondition-not-met",
        by=session.bare,
        hint="--reconfigure changes the node; what is in it may have been seen by others",
    )


def _refused(session: Session, answer: Element, what: str) -> XmppctlError:
    error = stanza_error(answer, what, feature=_FEATURE)
    error.step, error.by = _STEP, error.by or session.bare
    if isinstance(error, UnsupportedError):
        error.hint = "a server that has it announces the identity pubsub/pep"
    return error


def _malformed(session: Session, text: str) -> RefusedError:
    error = malformed(text, session.bare)
    error.step = _STEP
    return error
