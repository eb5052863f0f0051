"""RFC 6121 §5: messages, from the stream into records.

Reading never fails: what does not fit is left out, whatever the network sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args
from xml.etree.ElementTree import Element

from xmppctl.errors import ErrorInfo
from xmppctl.model.jid import lenient
from xmppctl.model.message import Delay, Message, MessageType, Occupant, StanzaId
from xmppctl.protocol import Xep
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.muc import status
from xmppctl.session.conditions import stanza_error
from xmppctl.session.xml import LANG, NS_CLIENT, serialise

XEPS = (
    Xep("0203", "2.0", "partial", "in archived messages"),
    Xep("0297", "1.0", "partial", "as the envelope of archived messages"),
    Xep("0359", "0.7.0", "complete"),
)

NS_DELAY = "urn:xmpp:delay"
NS_STANZA_ID = "urn:xmpp:sid:0"
NS_MUC_USER = "http://jabber.org/protocol/muc#user"

_TYPES = get_args(MessageType)
_BODY, _SUBJECT, _THREAD = (f"{{{NS_CLIENT}}}{name}" for name in ("body", "subject", "thread"))
_STANZA_ID = f"{{{NS_STANZA_ID}}}stanza-id"
_ORIGIN_ID = f"{{{NS_STANZA_ID}}}origin-id"
_DELAY = f"{{{NS_DELAY}}}delay"
_READ = frozenset(
    {
        *(_BODY, _SUBJECT, _THREAD, f"{{{NS_CLIENT}}}error"),
        *(_STANZA_ID, _ORIGIN_ID, _DELAY),
        # a forerunner of stanza ids that one server still writes beside them
        "{urn:xmpp:mam:tmp}archived",
    }
)
_READ_IN_ROOMS = _READ | {f"{{{NS_MUC_USER}}}x"}

Children = Mapping[str, Sequence[Element]]
"""The child elements of a stanza by tag."""


def read(
    stanza: Element,
    *,
    own: str,
    archive_id: str | None = None,
    delay: Element | None = None,
    trusted: frozenset[str] = frozenset(),
    raw: bool = False,
) -> Message:
    """The record of a ``<message/>``.

    ``own`` is the own bare JID; ``delay`` the delay that the archive itself put beside the
    message; ``trusted`` the JIDs (besides the own account) whose stanza ids and delays count:
    anybody can write such elements (XEP-0359 §6, XEP-0203 §5).
    """
    return Message(
        **facts(stanza, own=own, archive_id=archive_id, delay=delay, trusted=trusted, raw=raw)
    )


def facts(
    stanza: Element,
    *,
    own: str,
    archive_id: str | None = None,
    delay: Element | None = None,
    trusted: frozenset[str] = frozenset(),
    raw: bool = False,
) -> dict[str, Any]:
    """As ``read``, by the names of the fields of ``Message``."""
    sender, to = stanza.get("from"), stanza.get("to")
    outgoing = sender is not None and sender.partition("/")[0].lower() == own
    kind, lang = stanza.get("type", "normal"), stanza.get(LANG)
    children = by_tag(stanza)
    bodies, subjects = _texts(children, _BODY, lang), _texts(children, _SUBJECT, lang)
    believed = trusted | {own}
    stamp = _delay(delay) if delay is not None else _trusted_delay(children, believed)
    origin, thread = children.get(_ORIGIN_ID), children.get(_THREAD)
    return {
        "id": stanza.get("id"),
        "archive_id": archive_id,
        "origin_id": origin[0].get("id") if origin else None,
        "stanza_ids": _stanza_ids(children, believed),
        "from_": sender,
        # what is addressed to nobody is for the own account (RFC 6120 §10.3.1)
        "to": own if outgoing and to is None else to,
        "type": kind if kind in _TYPES else "normal",
        "direction": "out" if outgoing else "in",
        "timestamp": stamp.stamp if stamp is not None else None,
        "delay": stamp,
        "lang": lang,
        "subject": _choose(subjects, lang),
        "body": _choose(bodies, lang),
        "bodies": bodies if len(bodies) > 1 else {},
        "thread": (thread[0].text or None) if thread else None,
        "error_": _error(stanza) if kind == "error" else None,
        "muc": occupant(stanza) if kind == "groupchat" else None,
        "extensions": _extensions(stanza, read_muc=kind == "groupchat"),
        "raw_xml": serialise(stanza, "") if raw else None,
    }


def by_tag(stanza: Element) -> Children:
    """The children of a stanza, looked at once."""
    found: dict[str, list[Element]] = {}
    for child in stanza:
        tag = child.tag
        if tag in found:
            found[tag].append(child)
        else:
            found[tag] = [child]
    return found


def _texts(children: Children, tag: str, lang: str | None) -> dict[str, str]:
    """Texts by language, the stanza's where they have none; the first of each counts."""
    own = lang or ""
    found: dict[str, str] = {}
    for element in children.get(tag, ()):
        found.setdefault(element.get(LANG, own), element.text or "")
    return found


def _choose(texts: dict[str, str], lang: str | None) -> str | None:
    if not texts:
        return None
    return texts[lang or ""] if (lang or "") in texts else next(iter(texts.values()))


def _stanza_ids(children: Children, believed: frozenset[str]) -> list[StanzaId]:
    return [
        StanzaId(element.get("id", ""), element.get("by", ""))
        for element in children.get(_STANZA_ID, ())
        if element.get("id") and element.get("by") in believed
    ]


def _trusted_delay(children: Children, believed: frozenset[str]) -> Delay | None:
    delays = children.get(_DELAY)
    if not delays:
        return None
    domains = {str(lenient(jid).domain) for jid in believed}
    for element in delays:
        by = element.get("from")
        if by in believed or by in domains:
            return _delay(element)
    return None


def _delay(element: Element) -> Delay | None:
    stamp = parse_stamp(element.get("stamp"))
    if stamp is None:
        return None
    return Delay(stamp, element.get("from"), (element.text or "").strip() or None)


def parse_stamp(text: str | None) -> datetime | None:
    """A date of XEP-0082, None where it is none."""
    try:
        return parse_datetime(text or "")
    except ValueError:
        return None


def occupant(stanza: Element) -> Occupant:
    """Who sent it, or whom it is about, as the room says in its ``<x/>`` (XEP-0045 §15.1)."""
    sender = stanza.get("from")
    item = stanza.find(f"{{{NS_MUC_USER}}}x/{{{NS_MUC_USER}}}item")
    destroyed = stanza.find(f"{{{NS_MUC_USER}}}x/{{{NS_MUC_USER}}}destroy")
    told = destroyed if destroyed is not None else item
    actor = item.find(f"{{{NS_MUC_USER}}}actor") if item is not None else None
    shown = status.read(stanza)
    return Occupant(
        nick=lenient(sender).resource if sender else None,
        real_jid=_attribute(item, "jid"),
        affiliation=_attribute(item, "affiliation"),
        role=_attribute(item, "role"),
        status_codes=status.codes(shown),
        status=shown,
        new_nick=_attribute(item, "nick") if 303 in status.codes(shown) else None,
        actor=_attribute(actor, "nick") or _attribute(actor, "jid"),
        reason=(told.findtext(f"{{{NS_MUC_USER}}}reason") if told is not None else None) or None,
        destroyed=True if destroyed is not None else None,
        alternate=_attribute(destroyed, "jid"),
    )


def _error(stanza: Element) -> ErrorInfo:
    error = stanza_error(stanza, "the message")
    error.by = error.by or stanza.get("from")
    return error.info()


def _extensions(stanza: Element, *, read_muc: bool) -> list[str]:
    known = _READ_IN_ROOMS if read_muc else _READ
    return [child.tag for child in stanza if child.tag not in known and child.tag[0] == "{"]


def _attribute(element: Element | None, name: str) -> str | None:
    return element.get(name) if element is not None else None
