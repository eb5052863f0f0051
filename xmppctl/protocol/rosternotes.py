"""XEP-0145: Annotations: notes about contacts, in the account's private storage."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.rosterdata import Note
from xmppctl.protocol import Xep, privatexml
from xmppctl.protocol.dates import format_datetime, parse_datetime
from xmppctl.session.stream import Session

XEPS = (Xep("0145", "1.0", "complete"),)

NS = "storage:rosternotes"
STORAGE = f"{{{NS}}}storage"
NOTE = f"{{{NS}}}note"
_STEP = "notes"


async def fetch(session: Session) -> list[Note]:
    """All notes, sorted by JID; one for each. Raises RefusedError, UnsupportedError, DeadlineError.

    There must not be two for a JID (§2). Where a client left some, the last modified counts.
    """
    storage = await privatexml.get(session, STORAGE, step=_STEP)
    found: dict[str, Note] = {}
    for element in storage.iterfind(NOTE):
        if element.get("jid"):
            note = _note(element)
            other = found.get(note.jid)
            if other is None or _age(note) >= _age(other):
                found[note.jid] = note
    return [found[jid] for jid in sorted(found)]


async def get(session: Session, jid: Jid) -> Note:
    """The note about ``jid``. Raises as ``fetch``; RefusedError (item-not-found) without one."""
    for note in await fetch(session):
        if note.jid == str(jid):
            return note
    raise _missing(session, jid)


async def put(session: Session, jid: Jid, text: str, *, now: datetime | None = None) -> Note:
    """Make ``text`` the note about ``jid``; the note as it is stored.

    All else in the storage stays as it is. Raises as ``fetch``, and RefusedError (not-confirmed).
    """
    moment = now or datetime.now(UTC).replace(microsecond=0)

    def change(storage: Element) -> bool:
        found = _about(storage, jid)
        for each in found[1:]:
            storage.remove(each)
        if found and found[0].text == text:
            return len(found) > 1
        stamp = format_datetime(moment)
        note = found[0] if found else SubElement(storage, NOTE, {"jid": str(jid), "cdate": stamp})
        note.text = text
        note.set("mdate", stamp)
        return True

    base = await privatexml.get(session, STORAGE, step=_STEP)
    stored = await privatexml.update(session, base, change, step=_STEP)
    return _note(_about(stored, jid)[0])


async def remove(session: Session, jid: Jid, *, if_exists: bool = False) -> Note:
    """Remove the note about ``jid``; a record without text.

    Raises as ``fetch``; where there is no note RefusedError (item-not-found), unless
    ``if_exists``.
    """

    def change(storage: Element) -> bool:
        found = _about(storage, jid)
        for each in found:
            storage.remove(each)
        return bool(found)

    base = await privatexml.get(session, STORAGE, step=_STEP)
    if _about(base, jid):
        await privatexml.update(session, base, change, step=_STEP)
    elif not if_exists:
        raise _missing(session, jid, "--if-exists takes that for success")
    return Note(str(jid))


def _about(storage: Element, jid: Jid) -> list[Element]:
    """The notes about a JID, the last modified first."""
    found = [each for each in storage.findall(NOTE) if lenient(each.get("jid", "")) == jid]
    return sorted(found, key=lambda each: _age(_note(each)), reverse=True)


def _note(element: Element) -> Note:
    return Note(
        jid=str(lenient(element.get("jid", ""))),
        note=element.text or "",
        created=_moment(element.get("cdate")),
        modified=_moment(element.get("mdate")),
    )


def _moment(text: str | None) -> datetime | None:
    with suppress(ValueError):
        return parse_datetime(text or "")
    return None


def _age(note: Note) -> datetime:
    return note.modified or note.created or datetime.min.replace(tzinfo=UTC)


def _missing(session: Session, jid: Jid, hint: str | None = None) -> RefusedError:
    return RefusedError(
        f"there is no note about {jid}",
        step=_STEP,
        condition="item-not-found",
        by=session.bare,
        hint=hint,
    )
