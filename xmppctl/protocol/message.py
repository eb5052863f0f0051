"""RFC 6121 §5: messages, from the stream into records.

Reading never fails: what does not fit is left out, whatever the network sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, get_args
from xml.etree.ElementTree import Element

from xmppctl.errors import ErrorInfo
from xmppctl.model.jid import lenient
from xmppctl.model.message import Delay, Message, MessageType, Occupant, StanzaId
from xmppctl.protocol import Xep, payload
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.muc import status
from xmppctl.protocol.payload import Children, Context, by_tag
from xmppctl.protocol.payload.encryption import PAYLOADS
from xmppctl.session.conditions import stanza_error
from xmppctl.session.xml import LANG, NS_CLIENT, serialise

if TYPE_CHECKING:
    from xmppctl.model.payload.content import Encryption

XEPS = (
    Xep("0091", "1.4", "partial", "read, in messages"),
    Xep("0203", "2.0", "complete"),
    Xep("0245", "1.0", "complete"),
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
_LEGACY_DELAY = "{jabber:x:delay}x"
_READ = frozenset(
    {
        *(_BODY, _SUBJECT, _THREAD, f"{{{NS_CLIENT}}}error"),
        *(_STANZA_ID, _ORIGIN_ID, _DELAY),
        # a forerunner of stanza ids that one server still writes beside them
        "{urn:xmpp:mam:tmp}archived",
    }
)
_READ_IN_ROOMS = _READ | {f"{{{NS_MUC_USER}}}x"}
_ME = "/me "


def read(
    stanza: Element,
    context: Context,
    *,
    archive_id: str | None = None,
    delay: Element | None = None,
    raw: bool = False,
) -> Message:
    """The record of a ``<message/>``.

    ``context`` says who may be believed; ``delay`` is the delay that the archive itself put beside
    the message.
    """
    return Message(**facts(stanza, context, archive_id=archive_id, delay=delay, raw=raw))


def facts(
    stanza: Element,
    context: Context,
    *,
    archive_id: str | None = None,
    delay: Element | None = None,
    raw: bool = False,
) -> dict[str, Any]:
    """As ``read``, by the names of the fields of ``Message``; all of them are there."""
    own = context.own
    sender, to = stanza.get("from"), stanza.get("to")
    outgoing = sender is not None and sender.partition("/")[0].lower() == own
    kind, lang = stanza.get("type", "normal"), stanza.get(LANG)
    children = by_tag(stanza)
    bodies, subjects = _texts(children, _BODY, lang), _texts(children, _SUBJECT, lang)
    stamp = _delay(delay) if delay is not None else _trusted_delay(children, context)
    origin, thread = children.get(_ORIGIN_ID), children.get(_THREAD)
    body = _choose(bodies, lang)
    found, understood = payload.read(stanza, children, context)
    legacy = children.get(_LEGACY_DELAY, ())
    if any(_may_tell(each, context) and _delay(each) is not None for each in legacy):
        understood |= {_LEGACY_DELAY}
    speaker = _speaker(stanza, context) if kind == "groupchat" or context.room else None
    if speaker is not None and speaker.real_jid is not None:
        outgoing = outgoing or str(lenient(speaker.real_jid).bare) == own
    known = dict(_absent())
    known.update(
        id=stanza.get("id"),
        archive_id=archive_id,
        origin_id=origin[0].get("id") if origin else None,
        stanza_ids=_stanza_ids(children, context),
        from_=sender,
        # what is addressed to nobody is for the own account (RFC 6120 §10.3.1)
        to=own if outgoing and to is None else to,
        type=kind if kind in _TYPES else "normal",
        direction="out" if outgoing else "in",
        timestamp=stamp.stamp if stamp is not None else None,
        delay=stamp,
        lang=lang,
        subject=_choose(subjects, lang),
        body=body,
        bodies=bodies if len(bodies) > 1 else {},
        thread=(thread[0].text or None) if thread else None,
        error_=_error(stanza) if kind == "error" else None,
        muc=speaker,
        me=True if body is not None and body.startswith(_ME) else None,
        extensions=_extensions(children, understood, read_muc=speaker is not None),
        raw_xml=_raw(stanza) if raw else None,
    )
    known.update(found)
    if not PAYLOADS.isdisjoint(children) and _is_hidden(known["encryption"]):
        known.update(body=None, bodies={}, me=None)
    return known


def _is_hidden(encryption: Encryption | None) -> bool:
    return encryption is not None and encryption.state != "decrypted"


@cache
def _absent() -> Mapping[str, Any]:
    """The fields of a message that has nothing; the lists in it are never changed."""
    return {
        each.name: each.default if each.default_factory is MISSING else each.default_factory()
        for each in fields(Message)
    }


def _raw(stanza: Element) -> str:
    from xmppctl.protocol.payload.encryption import as_it_came

    return serialise(as_it_came(stanza), "")


def _speaker(stanza: Element, context: Context) -> Occupant:
    """Of who speaks only the nickname is known, unless a room vouches for the rest."""
    found = occupant(stanza)
    return found if context.room is not None else Occupant(nick=found.nick)


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


def _stanza_ids(children: Children, context: Context) -> list[StanzaId]:
    """Those by who may give them (XEP-0359 §6).

    Each gives one, and puts it behind what is there: one server leaves in what a sender wrote in
    its name.
    """
    found: dict[str, StanzaId] = {}
    for element in children.get(_STANZA_ID, ()):
        id, by = element.get("id"), element.get("by") or ""
        if not id or by not in context.believed:
            context.note(f"ignored a stanza id by {by}: only the own account and the room count")
            continue
        if by in found:
            context.note(f"ignored the stanza id {found[by].id}: {by} gave another one behind it")
        found[by] = StanzaId(id, by)
    return list(found.values())


def _trusted_delay(children: Children, context: Context) -> Delay | None:
    """The first by who may tell (XEP-0203 §5), else the first such one of XEP-0091."""
    for element in (*children.get(_DELAY, ()), *children.get(_LEGACY_DELAY, ())):
        if not _may_tell(element, context):
            by = element.get("from")
            context.note(
                f"ignored a delay that {by} tells of: only the own server and the room count"
            )
        elif (found := _delay(element)) is not None:
            return found
    return None


def _may_tell(element: Element, context: Context) -> bool:
    """Whether that delay is by who may tell of one."""
    by, believed = element.get("from"), context.believed
    return by in believed or by in {str(lenient(jid).domain) for jid in believed}


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


def _extensions(children: Children, understood: frozenset[str], *, read_muc: bool) -> list[str]:
    """What was not understood, each once; what has no namespace is no extension."""
    known = _READ_IN_ROOMS if read_muc else _READ
    return [tag for tag in children if tag not in known and tag not in understood and tag[0] == "{"]


def _attribute(element: Element | None, name: str) -> str | None:
    return element.get(name) if element is not None else None
