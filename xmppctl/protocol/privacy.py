"""XEP-0016: Privacy Lists, as they are: which there are, their rules, and which is the default.

The active list of a session ends with it (§2.2), so one run can choose the default alone.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.privacy import PrivacyDefault, PrivacyList, PrivacyRule
from xmppctl.protocol import Xep, disco
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session
from xmppctl.session.xml import split

XEPS = (Xep("0016", "1.7", "partial", "lists are shown and chosen as default, not edited"),)

NS = "jabber:iq:privacy"
QUERY = f"{{{NS}}}query"
_LIST, _ITEM = f"{{{NS}}}list", f"{{{NS}}}item"
_STEP = "privacy"
_HINTS = {
    "conflict": "another client of the account uses the present one: end it first",
    "item-not-found": "xmppctl privacy list shows those that there are",
}
_STANZAS = ("message", "iq", "presence-in", "presence-out")


async def lists(session: Session) -> list[PrivacyList]:
    """The lists of the account (§2.3). Raises UnsupportedError, RefusedError, DeadlineError."""
    return _lists(await _asked(session, Element(QUERY), "the privacy lists"))


async def rules(session: Session, name: str) -> list[PrivacyRule]:
    """The rules of a list, in their order (§2.3). Raises as ``lists``; item-not-found."""
    query = Element(QUERY)
    SubElement(query, _LIST, {"name": name})
    answer = await _asked(session, query, f"the privacy list {name}")
    found = next((each for each in answer.findall(_LIST) if each.get("name") == name), None)
    if found is None:
        raise _malformed(session, f"no privacy list {name}")
    read = (_rule(session, item) for item in found.findall(_ITEM))
    return sorted(read, key=lambda rule: rule.order)


async def choose(session: Session, name: str | None) -> PrivacyDefault:
    """Make a list the default (§2.5), None: no list; proven by the lists, read again.

    Raises as ``rules``; RefusedError (conflict: another client is under the old one).
    """
    before = _default(await lists(session))
    if before == name:
        return PrivacyDefault(name, changed=False)
    query = Element(QUERY)
    SubElement(query, f"{{{NS}}}default", {} if name is None else {"name": name})
    what = "to use no privacy list" if name is None else f"to use the privacy list {name}"
    # in one flight, handled in order (RFC 6120 §10.1)
    chosen, read = await asyncio.gather(
        session.request(query, type="set", step=_STEP, what=what),
        session.request(Element(QUERY), step=_STEP, what="the privacy lists"),
        return_exceptions=True,
    )
    if isinstance(chosen, BaseException):
        if isinstance(chosen, RefusedError) and chosen.condition in _HINTS:
            chosen.hint = _HINTS[chosen.condition]
        raise chosen
    if isinstance(read, BaseException):
        raise read
    if read is None or _default(_lists(read)) != name:
        raise RefusedError(
            f"the server said yes, but the default privacy list is not {name or 'none'}",
            step=_STEP,
            condition="not-applied",
            by=session.domain,
        )
    return PrivacyDefault(name, changed=True)


class _Told(NamedTuple):
    info: DiscoInfo | BaseException
    answer: Element | BaseException | None


async def _asked(session: Session, query: Element, what: str) -> Element:
    """The answer of a server that announces the feature (§3), asked in the same flight."""
    question = session.request(query, step=_STEP, what=what)
    told = _Told(
        *await asyncio.gather(disco.info(session, session.domain), question, return_exceptions=True)
    )
    if isinstance(told.info, BaseException):
        raise told.info
    if NS not in told.info.features:
        raise UnsupportedError(
            f"{session.domain} does not offer privacy lists (XEP-0016)",
            step=_STEP,
            condition="feature-not-implemented",
            by=session.domain,
            hint="xmppctl block blocks JIDs",
        )
    if isinstance(told.answer, BaseException):
        raise told.answer
    if told.answer is None or told.answer.tag != QUERY:
        raise _malformed(session, f"no answer about {what}")
    return told.answer


def _lists(answer: Element) -> list[PrivacyList]:
    active, default = (_named(answer.find(f"{{{NS}}}{kind}")) for kind in ("active", "default"))
    names = [name for each in answer.findall(_LIST) if (name := _named(each)) is not None]
    return [PrivacyList(name, default=name == default, active=name == active) for name in names]


def _named(element: Element | None) -> str | None:
    return None if element is None else element.get("name")


def _default(found: list[PrivacyList]) -> str | None:
    return next((each.name for each in found if each.default), None)


def _rule(session: Session, item: Element) -> PrivacyRule:
    order, action = (item.get("order") or "").strip(), item.get("action")
    if not (order.isascii() and order.isdigit() and len(order) < 11) or not action:
        raise _malformed(session, "a rule of the privacy list has no order or no action")
    stanzas = {split(child.tag) for child in item}
    return PrivacyRule(
        order=int(order),
        action=action,
        type=item.get("type") or None,
        value=item.get("value"),
        stanzas=[name for name in _STANZAS if (NS, name) in stanzas],
    )


def _malformed(session: Session, text: str) -> RefusedError:
    error = malformed(text, session.bare)
    error.step = _STEP
    return error
