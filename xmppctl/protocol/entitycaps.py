"""XEP-0115, XEP-0390: the capabilities that one entity announces, checked against what it says.

The own server announces them in its stream features, everybody else in presence: that of a
contact, or of another client of the own account, comes upon the own first presence.
"""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model import digest
from xmppctl.model.entity import AnnouncedHash, Capabilities
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol import caps, disco, presence
from xmppctl.session.stream import PRESENCE, Session
from xmppctl.session.xml import LANG

_STEP = "caps"


async def fetch(session: Session, jid: Jid) -> Capabilities:
    """What ``jid`` announces, and whether it is true.

    ``jid``: a full JID, a bare one of which one client is online, or a domain. Raises RefusedError
    (it is not online, does not show its presence, or does not answer), UnsupportedError (it
    announces nothing), UsageError (several clients are online), DeadlineError.
    """
    entity, announced = await _announced(session, jid)
    # the nodes of both kinds, in one flight
    nodes = [each for each in (announced.info_node, _hash_node(announced)) if each is not None]
    asked = [session.ask(disco.info_request(node), to=entity) for node in nodes or (None,)]
    session.send(*(pending.element for pending in asked))
    answers = [await session.answer(pending, step="disco#info") for pending in asked]
    first, last = answers[0], answers[-1]
    if first.get("type") == "error":  # the node is of an announcement that is no longer true
        again = session.ask(disco.info_request(None), to=entity)
        session.send(again.element)
        first = await session.answer(again, step="disco#info")
    query = disco.answered(first, str(entity))
    hashed = query if last.get("type") == "error" else disco.answered(last, str(entity))
    lang = last.get(LANG, "")
    found = disco.read_info(query, str(entity), None)
    computed, problem = _computed(query, announced.hash)
    listed = [_checked(hashed, algorithm, value, lang) for algorithm, value in announced.hashes]
    return Capabilities(
        jid=str(entity),
        hash=announced.hash,
        node=announced.node,
        ver=announced.ver,
        computed=computed,
        match=_verdict(announced, computed, problem, listed),
        problem=problem or next((each.problem for each in listed if each.problem), None),
        hashes=listed,
        identities=found.identities,
        features=found.features,
        forms=found.forms,
    )


def _hash_node(announced: caps.Announced) -> str | None:
    known = (pair for pair in announced.hashes if pair[0] in digest.ALGORITHMS)
    return next((caps.hash_node(*pair) for pair in known), None)


def _computed(query: Element, algorithm: str | None) -> tuple[str | None, str | None]:
    """The ``ver`` that the answer should have, and why there is none."""
    if algorithm is None:
        return None, None
    if algorithm not in caps.ALGORITHMS:
        return None, f"the hash function {algorithm} is not known here"
    try:
        return caps.verification(query, algorithm), None
    except caps.IllFormedError as error:
        return None, f"the answer is ill-formed: {error}"


def _checked(query: Element, algorithm: str, value: str, lang: str) -> AnnouncedHash:
    if algorithm not in digest.ALGORITHMS:
        problem = f"the hash function {algorithm} is not known here"
        return AnnouncedHash(algorithm, value, problem=problem)
    try:
        computed = caps.hash_value(query, algorithm)
        if computed != value:  # languages may be inherited from the stanza
            computed = caps.hash_value(query, algorithm, lang)
    except caps.IllFormedError as error:
        problem = f"the answer is ill-formed: {error}"
        return AnnouncedHash(algorithm, value, match=False, problem=problem)
    return AnnouncedHash(algorithm, value, computed, computed == value)


def _verdict(
    announced: caps.Announced,
    computed: str | None,
    problem: str | None,
    listed: list[AnnouncedHash],
) -> bool | None:
    verdicts = [each.match for each in listed]
    if announced.hash in caps.ALGORITHMS:
        verdicts.append(problem is None and computed == announced.ver)
    known = [verdict for verdict in verdicts if verdict is not None]
    return all(known) if known else None


def verified(found: Capabilities) -> Capabilities:
    """The same, with ``error`` where they do not stand the test, or cannot be tested."""
    if found.match:
        return found
    if found.match is None:
        why = found.problem or "they are in the form before 2007, without a hash"
        text, condition = f"cannot be verified: {why}", "not-verifiable"
    else:
        why = found.problem or "the hash is another than that of what it says"
        text, condition = f"are not those that it announces: {why}", "hash-mismatch"
    error = RefusedError(
        f"the capabilities of {found.jid} {text}", step=_STEP, condition=condition, by=found.jid
    )
    return replace(found, error=error.info())


# --- what is announced


async def _announced(session: Session, jid: Jid) -> tuple[Jid, caps.Announced]:
    if str(jid) == session.domain:
        await session.settled()
        found = caps.read(session.features)
        if found is None:
            raise _nothing(jid, "in its stream features")
        return jid, found
    with session.inbox(lambda stanza: stanza.tag == PRESENCE) as box:
        await _probe(session, jid)
        latest = {str(lenient(stanza.get("from", ""))): stanza for stanza in box.drain()}
    online = {
        sender: stanza
        for sender, stanza in latest.items()
        if stanza.get("type") is None
        and presence.covers(jid, sender)
        and sender != str(lenient(str(session.jid)))
    }
    if not online:
        raise RefusedError(
            f"{jid} is not online",
            step=_STEP,
            condition="service-unavailable",
            by=str(jid),
        )
    if len(online) > 1:
        raise UsageError(
            f"{jid} has several clients online",
            step=_STEP,
            hint=f"name one of {', '.join(sorted(online))}",
        )
    sender, stanza = next(iter(online.items()))
    found = caps.read(stanza)
    if found is None:
        raise _nothing(lenient(sender), "in its presence")
    return lenient(sender), found


async def _probe(session: Session, jid: Jid) -> None:
    try:
        await presence.probe(session, jid)
    except RefusedError as error:
        if error.condition != "subscription-required" or jid.local is not None:
            raise
        # a service in nobody's roster has no presence
        raise _nothing(jid, "to this account") from None


def _nothing(jid: Jid, where: str) -> UnsupportedError:
    return UnsupportedError(
        f"{jid} announces no capabilities {where} (XEP-0115)",
        step=_STEP,
        condition="feature-not-implemented",
        by=str(jid),
        hint=f"xmppctl disco info {jid}",
    )
