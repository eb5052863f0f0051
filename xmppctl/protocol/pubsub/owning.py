"""XEP-0060 §5.7, §8.8-§8.9: affiliations, and what owners do about them and about subscriptions.

What an owner sets is read back: one service refuses what it does, another answers with success
to what it does not do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast, get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.pubsubsub import (
    Affiliation,
    NodeAffiliate,
    NodeAffiliation,
    NodeSubscriber,
    State,
)
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.pubsub import NS, NS_OWNER, OWNER, PUBSUB, STEP, asking
from xmppctl.protocol.pubsub.subscriptions import at_all, read, refusal
from xmppctl.session.stream import Session

XEPS = (Xep("0060", "1.30.0", "partial", "owners see and set affiliations and subscriptions"),)

_MANAGE = "manage-subscriptions"
_MODIFY = "modify-affiliations"


# --- what the account itself may do


async def affiliations(
    session: Session, service: Jid | None, node: str | None = None
) -> list[NodeAffiliation]:
    """The own affiliations at a service, with ``node`` or with all of its nodes (§5.7).

    Raises RefusedError (item-not-found: no such node), UnsupportedError, DeadlineError.
    """
    by = asking.name_of(session, service)
    asked = [("get", asking.query("affiliations", node)[0])]
    if node is not None:
        asked.append(("get", disco.info_request(node)))
    answer, *more = await asking.flight(session, service, asked)
    if asking.is_error(answer):
        what = f"the affiliations at {by}" + ("" if node is None else f", with the node {node}")
        raise await refusal(session, service, answer, what, "retrieve-affiliations")
    whole = asking.payload_of(session, service, answer, PUBSUB)
    found = []
    for element in whole.iterfind(f"{{{NS}}}affiliations/{{{NS}}}affiliation"):
        name, given = element.get("node") or node, element.get("affiliation")
        if name and node in (None, name) and given in get_args(Affiliation):
            found.append(NodeAffiliation(by, name, session.bare, cast(Affiliation, given)))
    if node is not None and not found and asking.is_error(more[0], "item-not-found"):
        raise asking.not_found(session, service, f"{by} has no node {node}")
    return found


async def everywhere(session: Session) -> list[NodeAffiliation]:
    """The own affiliations at all places. Raises as ``subscriptions.at_all``."""
    return await at_all(
        session, affiliations, lambda by, error: NodeAffiliation(by, None, error=error)
    )


# --- what owners see and do


async def affiliates(session: Session, service: Jid | None, node: str) -> list[NodeAffiliate]:
    """Everybody's affiliation with a node, for its owner (§8.9.1).

    Raises RefusedError (item-not-found, forbidden), UnsupportedError, DeadlineError.
    """
    (answer,) = await asking.flight(session, service, [("get", _listing("affiliations", node))])
    return await _affiliates(session, service, answer, node)


async def subscribers(session: Session, service: Jid | None, node: str) -> list[NodeSubscriber]:
    """Everybody's subscriptions to a node, for its owner (§8.8.1); some hide pending ones.

    Raises RefusedError (item-not-found, forbidden), UnsupportedError, DeadlineError.
    """
    (answer,) = await asking.flight(session, service, [("get", _listing("subscriptions", node))])
    return await _subscribers(session, service, answer, node)


async def set_affiliations(
    session: Session,
    service: Jid | None,
    node: str,
    wanted: Mapping[Jid, Affiliation],
    *,
    if_exists: bool = False,
) -> list[NodeAffiliate]:
    """Set the affiliation of each JID (§8.9.2); what it is afterwards, with an error if not that.

    "none" for who has none is item-not-found, unless ``if_exists``. Raises what ``affiliates``
    raises.
    """
    by = asking.name_of(session, service)
    before = {lenient(a.jid or ""): a for a in await affiliates(session, service, node)}
    idle = [jid for jid, what in wanted.items() if what == "none" and jid not in before]
    changes = [(str(jid), what) for jid, what in wanted.items() if jid not in idle]
    errors, answer = await _set(session, service, "affiliation", node, changes, _MODIFY)
    after: dict[Jid, NodeAffiliate] | None = None
    if answer is not None and not _given_up(session, wanted, answer):
        told = await _affiliates(session, service, answer, node)
        after = {lenient(each.jid or ""): each for each in told}
    records = []
    for jid, what in wanted.items():
        record = NodeAffiliate(by, node, str(jid), what)
        error: XmppctlError | None = errors.get(str(jid))
        if jid in idle:
            text = f"{jid} has no affiliation with the node {node} of {by}"
            error = None if if_exists else asking.not_found(session, service, text)
        elif after is not None:
            found = after[jid].affiliation if jid in after else "none"
            record = replace(record, affiliation=found)
            error = None if found == what else error or _not_applied(by, str(jid), found, what)
        records.append(replace(record, error=None if error is None else error.info()))
    return records


async def set_subscriptions(
    session: Session,
    service: Jid | None,
    node: str,
    wanted: Mapping[Jid, State],
    *,
    if_exists: bool = False,
) -> list[NodeSubscriber]:
    """Set the subscription of each JID (§8.8.2); what it is afterwards, with an error if not that.

    "none" for who has none is item-not-found, unless ``if_exists``. Raises what ``subscribers``
    raises.
    """
    by = asking.name_of(session, service)
    changes = [(str(jid), what) for jid, what in wanted.items()]
    errors, answer = await _set(session, service, "subscription", node, changes, _MANAGE)
    told = [] if answer is None else await _subscribers(session, service, answer, node)
    records = []
    for jid, what in wanted.items():
        states = [each for each in told if lenient(each.jid or "") == jid]
        record = next(iter(states), NodeSubscriber(by, node, str(jid), "none"))
        error: XmppctlError | None = errors.get(str(jid))
        if states and record.state == what:
            error = None
        elif error is not None:
            absent = what == "none" and error.condition == "item-not-found"
            error = None if absent and if_exists else error
        elif not states and what == "pending":
            record = replace(record, state="pending")  # some do not list those
        elif record.state != what:
            error = _not_applied(by, str(jid), record.state, what)
        records.append(replace(record, error=None if error is None else error.info()))
    return records


def _listing(name: str, node: str) -> Element:
    return asking.query(name, node, owner=True)[0]


async def _affiliates(
    session: Session, service: Jid | None, answer: Element, node: str
) -> list[NodeAffiliate]:
    by = asking.name_of(session, service)
    if asking.is_error(answer):
        what = f"the affiliations with the node {node} of {by}"
        raise await refusal(session, service, answer, what, _MODIFY)
    whole = asking.payload_of(session, service, answer, OWNER)
    found = []
    for element in whole.iterfind(f"{{{NS_OWNER}}}affiliations/{{{NS_OWNER}}}affiliation"):
        jid, given = element.get("jid"), element.get("affiliation")
        if jid and given in get_args(Affiliation):
            found.append(NodeAffiliate(by, node, jid, cast(Affiliation, given)))
    return sorted(found, key=lambda each: each.jid or "")


async def _subscribers(
    session: Session, service: Jid | None, answer: Element, node: str
) -> list[NodeSubscriber]:
    by = asking.name_of(session, service)
    if asking.is_error(answer):
        what = f"the subscriptions to the node {node} of {by}"
        raise await refusal(session, service, answer, what, _MANAGE)
    whole = asking.payload_of(session, service, answer, OWNER)
    found = []
    for element in whole.iterfind(f"{{{NS_OWNER}}}subscriptions/{{{NS_OWNER}}}subscription"):
        each = read(element, by, node)
        if each is not None and each.node == node:
            found.append(NodeSubscriber(by, node, each.jid, each.state, each.subid, each.expiry))
    return sorted(found, key=lambda each: (each.jid or "", each.subid or ""))


async def _set(
    session: Session,
    service: Jid | None,
    kind: str,
    node: str,
    changes: Sequence[tuple[str, str]],
    needs: str,
) -> tuple[dict[str, XmppctlError], Element | None]:
    """Set each of ``changes`` by a request of its own, as some services end at the first error.

    Gives the errors by JID, and the answer to the list that was asked for behind them.
    """
    if not changes:
        return {}, None
    asked = []
    for jid, what in changes:
        whole, inner = asking.query(f"{kind}s", node, owner=True)
        SubElement(inner, f"{{{NS_OWNER}}}{kind}", {"jid": jid, kind: what})
        asked.append(("set", whole))
    *answers, last = await asking.flight(
        session, service, [*asked, ("get", _listing(f"{kind}s", node))]
    )
    errors = {}
    for (jid, what), answer in zip(changes, answers, strict=True):
        if asking.is_error(answer):
            words = f"the {kind} {what} of {jid} at the node {node}"
            errors[jid] = await refusal(session, service, answer, words, needs)
    return errors, last


def _given_up(session: Session, wanted: Mapping[Jid, Affiliation], answer: Element) -> bool:
    """Whether the list is closed to the account because it gave its own ownership up."""
    given = wanted.get(session.jid.bare, "owner") != "owner"
    return given and asking.is_error(answer, "forbidden")


def _not_applied(by: str, jid: str, found: str | None, wanted: str) -> RefusedError:
    return RefusedError(
        f"{jid} did not become {wanted}: it is {found}", step=STEP, condition="not-applied", by=by
    )
