"""XEP-0494: Client Access Management: who may use the account, and who may no longer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.clients import Client, ClientRevoked
from xmppctl.protocol import Xep
from xmppctl.protocol.dates import parse_datetime
from xmppctl.session.conditions import stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session
from xmppctl.session.xml import split

XEPS = (Xep("0494", "0.1.0", "complete"),)

NS = "urn:xmpp:cam:0"

_STEP = "clients"
_FEATURE = "a list of the account's clients (XEP-0494)"


async def fetch(session: Session) -> list[Client]:
    """All clients (§3.1). Raises UnsupportedError, RefusedError, DeadlineError."""
    answer = await session.request(
        Element(f"{{{NS}}}list"), step=_STEP, what="the clients of the account", feature=_FEATURE
    )
    if answer is None or answer.tag != f"{{{NS}}}clients":
        error = malformed("it holds no list of clients", session.bare)
        error.step = _STEP
        raise error
    return [_read(each) for each in answer.findall(f"{{{NS}}}client") if each.get("id")]


async def revoke(
    session: Session, ids: Sequence[str], *, if_exists: bool = False
) -> AsyncGenerator[ClientRevoked, None]:
    """End the access of these clients (§3.2), each proven by the list, read again.

    Raises as ``fetch``; what befalls a single one stands in its record.
    """
    there = {each.id for each in await fetch(session)}
    asked = {each: session.ask(_revoking(each), type="set") for each in ids if each in there}
    errors: dict[str, RefusedError | UnsupportedError] = {}
    if asked:
        session.send(*(pending.element for pending in asked.values()))
        for name, pending in asked.items():
            answer = await session.answer(pending, step=_STEP)
            if answer.get("type") == "error":
                errors[name] = _refused(session, answer, name)
        there = {each.id for each in await fetch(session)}
    for name in ids:
        error = errors.get(name)
        if name not in asked and not if_exists:
            error = RefusedError(
                f"there is no client {name}",
                step=_STEP,
                condition="item-not-found",
                by=session.bare,
                hint="xmppctl account clients list shows them; --if-exists takes that for success",
            )
        elif error is None and name in there:
            error = RefusedError(
                f"the server said yes, but the client {name} is still there",
                step=_STEP,
                condition="not-confirmed",
                by=session.bare,
            )
        yield ClientRevoked(name, name not in there, None if error is None else error.info())


def _revoking(name: str) -> Element:
    return Element(f"{{{NS}}}revoke", {"id": name})


def _refused(session: Session, answer: Element, name: str) -> RefusedError:
    error = stanza_error(answer, f"to end the access of {name}")
    assert isinstance(error, RefusedError)
    error.step, error.by = _STEP, error.by or session.bare
    if answer.find(f"*/{{{NS}}}password-reset-required") is not None:
        return RefusedError(
            f"{name} knows the password: only another password ends its access",
            step=_STEP,
            condition="password-reset-required",
            by=error.by,
            hint="xmppctl register passwd sets another one",
        )
    return error


def _read(element: Element) -> Client:
    def text(*path: str) -> str | None:
        found = element.findtext("/".join(f"{{{NS}}}{each}" for each in path))
        return (found or "").strip() or None

    auth, permission = element.find(f"{{{NS}}}auth"), element.find(f"{{{NS}}}permission")
    connected = element.get("connected")
    return Client(
        id=element.get("id", ""),
        type=element.get("type"),
        connected=None if connected is None else connected in ("true", "1"),
        first_seen=_when(text("first-seen")),
        last_seen=_when(text("last-seen")),
        auth=[_method(each) for each in auth] if auth is not None else [],
        permission=permission.get("status") if permission is not None else None,
        software=text("user-agent", "software"),
        uri=text("user-agent", "uri"),
        device=text("user-agent", "device"),
    )


def _method(element: Element) -> str:
    """Those of other namespaces with theirs (§3.1)."""
    namespace, name = split(element.tag)
    return name if namespace == NS else element.tag


def _when(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_datetime(text)
    except ValueError:
        return None
