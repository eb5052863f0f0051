"""XEP-0486: MUC Avatars, in the room's vCard (XEP-0054)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ConnectError, RefusedError, UnsupportedError
from xmppctl.model.jid import Jid
from xmppctl.model.muc import Room, RoomAvatar
from xmppctl.protocol import Xep, pictures
from xmppctl.protocol.muc import rooms
from xmppctl.protocol.vcard import NS_TEMP, unbase64
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (Xep("0486", "0.1.0", "complete"),)

_NS = NS_TEMP
_VCARD = f"{{{_NS}}}vCard"
_PHOTO = f"{{{_NS}}}PHOTO"


async def _vcard(session: Session, room: Jid) -> Element:
    """The room's vCard, an empty one where it has none."""
    try:
        answer = await session.request(
            Element(_VCARD), to=room, step="avatar", what=f"the vCard of {room}"
        )
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        answer = None
    return answer if answer is not None and answer.tag == _VCARD else Element(_VCARD)


def photo(vcard: Element, by: str) -> bytes | None:
    """The bytes of the first picture; None without one. Raises RefusedError (malformed-answer)."""
    for element in vcard.findall(_PHOTO):
        text = element.findtext(f"{{{_NS}}}BINVAL")
        if text and text.strip():
            try:
                return unbase64(text)
            except ValueError:
                raise malformed("the picture is not base64", by) from None
    return None


async def _opened(session: Session, room: Jid) -> tuple[Room, Element]:
    """What the room tells of itself, and its vCard. Raises UnsupportedError where it has none."""
    found, vcard = await asyncio.gather(
        rooms.facts(session, room), _vcard(session, room), return_exceptions=True
    )
    if isinstance(found, BaseException):
        raise found
    if _NS not in found.features:
        raise UnsupportedError(
            f"{room} does not offer avatars ({_NS})",
            step="avatar",
            condition="feature-not-implemented",
            by=str(room),
        )
    if isinstance(vcard, BaseException):
        raise vcard
    return rooms.describe(found), vcard


def _record(room: Room, data: bytes, kind: str | None) -> RoomAvatar:
    sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return RoomAvatar(
        room=room.jid,
        present=True,
        type=kind,
        size=len(data),
        sha1=sha1,
        advertised=sha1 in room.avatar_hashes if room.avatar_hashes else None,
    )


async def fetch(session: Session, room: Jid) -> tuple[RoomAvatar, bytes]:
    """The picture. Raises RefusedError (item-not-found where there is none), UnsupportedError."""
    found, vcard = await _opened(session, room)
    data = photo(vcard, str(room))
    if data is None:
        raise _absent(room)
    # the told one is anybody's guess (XEP-0153 §4)
    kind = pictures.kind_of(data) or vcard.findtext(f"{_PHOTO}/{{{_NS}}}TYPE") or None
    return _record(found, data, kind), data


async def publish(session: Session, room: Jid, data: bytes) -> RoomAvatar:
    """Set the picture, leaving the rest of the vCard alone, and read it back."""
    kind = pictures.media_type(data)
    _, vcard = await _opened(session, room)
    _remove_photos(vcard)
    element = SubElement(vcard, _PHOTO)
    SubElement(element, f"{{{_NS}}}TYPE").text = kind
    SubElement(element, f"{{{_NS}}}BINVAL").text = base64.b64encode(data).decode("ascii")
    return _record(await _store(session, room, vcard, data), data, kind)


async def remove(session: Session, room: Jid, *, if_exists: bool) -> RoomAvatar:
    """Remove the picture, leaving the rest of the vCard alone, and read it back.

    Raises RefusedError (item-not-found where there is none, unless ``if_exists``).
    """
    _, vcard = await _opened(session, room)
    if photo(vcard, str(room)) is not None:
        _remove_photos(vcard)
        await _store(session, room, vcard, None)
    elif not if_exists:
        raise _absent(room)
    return RoomAvatar(str(room), False)


def _remove_photos(vcard: Element) -> None:
    for element in vcard.findall(_PHOTO):
        vcard.remove(element)


async def _store(session: Session, room: Jid, vcard: Element, data: bytes | None) -> Room:
    """Set the vCard and read it back: its picture is ``data`` then. What the room tells now."""
    what = f"the avatar of {room}"
    try:
        await session.request(vcard, to=room, type="set", step="avatar", what=what)
    except ConnectError as error:
        if error.condition == "policy-violation" and data is not None:
            error.hint = f"a picture of {len(data)} bytes may be too much for one stanza"
        raise
    found, stored = await _opened(session, room)
    if photo(stored, str(room)) != data:
        raise RefusedError(
            f"{room} accepted the change, but its avatar is another one",
            step="avatar",
            condition="not-applied",
            by=str(room),
        )
    return found


def _absent(room: Jid) -> RefusedError:
    return RefusedError(
        f"{room} has no avatar", step="avatar", condition="item-not-found", by=str(room)
    )
