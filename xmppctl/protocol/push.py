"""XEP-0357: Push Notifications: telling the own server which services to tell of messages.

The push service itself is not asked for anything: what a client has to arrange with it is between
the two.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from xml.etree.ElementTree import Element

from xmppctl.errors import (
    RefusedError,
    UnsupportedError,
    UsageError,
    XmppctlError,
    from_info,
)
from xmppctl.model.jid import Jid
from xmppctl.model.push import Push, PushService, PushStatus
from xmppctl.protocol import Xep, disco, forms
from xmppctl.protocol.pubsub import NS as NS_PUBSUB
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import Session

XEPS = (Xep("0357", "0.4.1", "partial", "enables and disables; is no push service itself"),)

NS = "urn:xmpp:push:0"
_STEP = "push"
_OPTIONS = f"{NS_PUBSUB}#publish-options"
_FEATURE = "push notifications (XEP-0357)"


async def status(session: Session) -> PushStatus:
    """Whether the account's server offers push notifications (§4.1). Raises RefusedError."""
    features = (await disco.info(session, session.bare)).features
    return PushStatus(
        jid=session.bare,
        supported=NS in features,
        features=[each for each in features if each.startswith("urn:xmpp:push:")],
    )


async def services(session: Session, domain: Jid | str) -> list[PushService]:
    """The push services that ``domain`` names or is (§4.2). Raises RefusedError, DeadlineError.

    One that does not answer is none.
    """
    is_push = disco.matcher((), "pubsub", "push")
    found: list[PushService] = []
    async for entry in disco.walk(session, domain, depth=1, timeout=session.account.timeout):
        if entry.depth == 0 and entry.error is not None:
            raise from_info(entry.error)
        if is_push(entry):
            names = [each.name for each in entry.identities if each.type == "push" and each.name]
            found.append(PushService(entry.jid, entry.name or next(iter(names), None)))
    return found


async def enable(
    session: Session,
    service: Jid | None,
    node: str | None,
    options: Mapping[str, Sequence[str]],
) -> Push:
    """Have the server publish to ``node`` of ``service``, with these publish options (§5).

    Without a service, the only one that the own server names. It holds for the account, and not
    for this session. Raises UnsupportedError (the server offers no push, or there is no such
    service), UsageError (there are several), RefusedError, DeadlineError.
    """
    _require(session, (await disco.info(session, session.bare)).features)
    if service is None:
        target = _only(await services(session, session.domain), session)
    else:
        target = str(service)
    element = Element(f"{{{NS}}}enable", {"jid": target})
    if node is not None:
        element.set("node", node)
    if options:
        form = forms.submit(_OPTIONS, options)
        for field in form:
            if field.get("var") != "FORM_TYPE":
                field.set("type", "text-private")  # so that a trace knows them for secrets
        element.append(form)
    try:
        await session.request(
            element, type="set", step=_STEP, what=f"enabling push to {_named(target, node)}"
        )
    except RefusedError as error:
        if node is None and error.condition == "feature-not-implemented":
            raise UnsupportedError(
                f"{session.domain} enables push to {target} only with a node of it",
                step=_STEP,
                condition=error.condition,
                by=session.domain,
                hint=f"xmppctl push enable {target} NODE",
            ) from None
        raise
    return Push(target, node, enabled=True)


async def disable(session: Session, service: Jid, node: str | None, *, known: bool) -> None:
    """Have the server publish to ``service`` no more, or to that ``node`` alone (§6).

    It is asked twice: a server that tells what it knows says item-not-found to the second
    request, and to the first where nothing was enabled. One that says yes to both tells nothing;
    then it counts whether it was ``known`` here to be enabled. Raises RefusedError
    (item-not-found), UnsupportedError, DeadlineError.
    """
    element = Element(f"{{{NS}}}disable", {"jid": str(service)})
    if node is not None:
        element.set("node", node)
    features = session.ask(disco.info_request(None), to=session.bare)
    asked = [session.ask(element, type="set"), session.ask(element, type="set")]
    session.send(features.element, *(each.element for each in asked))
    told = await session.answer(features, step=_STEP)
    if told.get("type") == "error":
        raise stanza_error(told, f"disco info of {session.bare}")
    query = disco.check_info(next(iter(told), None), session.bare)
    _require(session, disco.read_info(query, session.bare, None).features)
    answers = [await session.answer(each, step=_STEP) for each in asked]
    errors = [_error(each, session, service, node) for each in answers]
    if errors[0] is not None:
        if errors[0].condition != "item-not-found":
            raise errors[0]
        raise _absent(session, f"push to {_named(service, node)} is not enabled")
    if errors[1] is None and not known:
        raise _absent(
            session,
            f"push to {_named(service, node)} was not enabled here; {session.domain} says yes "
            "whether it was enabled elsewhere or not, and it is disabled now",
        )


def _require(session: Session, features: Container[str]) -> None:
    if NS not in features:
        raise UnsupportedError(
            f"{session.domain} does not offer {_FEATURE} for {session.bare}",
            step=_STEP,
            condition="feature-not-implemented",
            by=session.domain,
        )


def _only(found: list[PushService], session: Session) -> str:
    if not found:
        raise UnsupportedError(
            f"{session.domain} names no push service (identity pubsub/push)",
            step=_STEP,
            condition="item-not-found",
            by=session.domain,
            hint="xmppctl push enable SERVICE NODE, as the push service tells",
        )
    if len(found) > 1:
        raise UsageError(
            f"{session.domain} names several push services: "
            f"{', '.join(each.jid for each in found)}",
            step=_STEP,
            hint="give one of them as SERVICE",
        )
    return found[0].jid


def _error(
    answer: Element, session: Session, service: Jid, node: str | None
) -> XmppctlError | None:
    if answer.get("type") != "error":
        return None
    error = stanza_error(answer, f"disabling push to {_named(service, node)}")
    error.step, error.by = _STEP, error.by or session.domain
    return error


def _absent(session: Session, text: str) -> RefusedError:
    return RefusedError(
        text,
        step=_STEP,
        condition="item-not-found",
        by=session.domain,
        hint="--if-exists takes that for success",
    )


def _named(service: Jid | str, node: str | None) -> str:
    return f"{service}, node {node}" if node is not None else str(service)
