"""XEP-0084: User Avatar, in two nodes of the account, and the vCard's picture (XEP-0153)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.avatar import Avatar
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, disco, largestanza, pep, pictures
from xmppctl.protocol.pubsub import Item, items
from xmppctl.protocol.vcard import Card, data_uri, record, stored, unbase64
from xmppctl.protocol.vcard.edit import apply
from xmppctl.session.download import download
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session
from xmppctl.session.web import Web
from xmppctl.session.weburl import Url, parse_url

XEPS = (
    Xep("0084", "1.1.4", "complete", "pointers to other services are not followed"),
    Xep("0153", "1.1.1", "partial", "reads the vCard's picture where there is no other"),
    Xep("0398", "1.0.0", "complete"),
)

NS_DATA = stored.DATA
NS_METADATA = stored.METADATA
STEP = "avatar"

_CONVERSION = "urn:xmpp:pep-vcard-conversion:0"
_FEATURE = "avatars (XEP-0084)"
_MAX = 8 * 1024 * 1024
"""Most bytes that are fetched from a URL, whatever the avatar says."""

_FINAL = frozenset({"remote-server-not-found", "remote-server-timeout", "hash-mismatch"})
"""Conditions that the vCard cannot help with."""


class Info(NamedTuple):
    """What the metadata say of one form of the picture (§4.2.1)."""

    id: str
    type: str | None
    bytes: int | None
    width: int | None
    height: int | None
    url: str | None


class Found(NamedTuple):
    """An avatar; ``data`` is None where only what is said about it was asked for."""

    record: Avatar
    data: bytes | None


def infos(metadata: Element) -> list[Info]:
    """What ``<metadata/>`` says; what has no id cannot be checked, and is left out."""
    return [
        Info(
            id=(each.get("id") or "").strip().lower(),
            type=each.get("type") or None,
            bytes=_number(each.get("bytes")),
            width=_number(each.get("width")),
            height=_number(each.get("height")),
            url=each.get("url") or None,
        )
        for each in metadata.findall(f"{{{NS_METADATA}}}info")
        if (each.get("id") or "").strip()
    ]


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def sha1(data: bytes) -> str:
    """The id of a picture."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


# --- asking


async def fetch(session: Session, jid: Jid | None, source: str, web: Web, *, meta: bool) -> Found:
    """The avatar of an account; None: of the own.

    ``source``: pep, vcard, or auto: the vCard where there is none in PEP. ``meta``: only what is
    said about it. Raises RefusedError (item-not-found; hash-mismatch: the bytes are not those that
    the id tells), UnsupportedError, DeadlineError, and for a URL ConnectError and TlsError.
    """
    name = str(jid or session.bare)
    refusal: XmppctlError | None = None
    if source != "vcard":
        try:
            told, info, data = await _from_pep(session, jid, name, meta=meta)
        except _DisabledError:
            raise
        except (RefusedError, UnsupportedError) as error:
            if source == "pep" or error.condition in _FINAL:
                raise
            refusal = error
        else:
            if meta:
                return Found(told, None)
            return await _from_url(told, info, web) if data is None else _found(told, data)
    try:
        return await _from_vcard(session, jid, name, web, meta=meta)
    except RefusedError as error:
        if refusal is not None and error.condition == "item-not-found":
            if refusal.condition == "malformed-answer":
                raise refusal from None
            session.trace.note(f"no avatar in PEP: {refusal.text}")
        raise


class _DisabledError(RefusedError):
    """There is an avatar, and it is turned off (§3.5): the vCard is not looked at then."""


def absent(name: str) -> RefusedError:
    """There is no avatar."""
    return RefusedError(f"{name} has no avatar", step=STEP, condition="item-not-found", by=name)


async def _metadata(session: Session, jid: Jid | None) -> Element | None:
    """The ``<metadata/>`` of the current avatar. Raises RefusedError, UnsupportedError."""
    found = await items.read(session, NS_METADATA, service=jid, last=1, feature=_FEATURE)
    wanted = f"{{{NS_METADATA}}}metadata"
    return next((each.payload for each in found if each.payload.tag == wanted), None)


async def _from_pep(
    session: Session, jid: Jid | None, name: str, *, meta: bool
) -> tuple[Avatar, Info, bytes | None]:
    """What is said about the avatar, and its bytes; None where they are at a URL."""
    metadata = await _metadata(session, jid)
    if metadata is None:
        raise absent(name)
    known = infos(metadata)
    if not known:
        raise _DisabledError(
            f"{name} shows no avatar: it is turned off",
            step=STEP,
            condition="item-not-found",
            by=name,
        )
    here = [each for each in known if each.url is None]
    there = [each for each in known if each.url is not None]
    url = there[0].url if there else None
    info = here[0] if here else there[0]
    told = Avatar(name, "pep" if here else "url", *info[:5], url)
    if meta or not here:
        return told, info, None
    data = await _data(session, jid, name, info.id)
    _verify(data, info.id, name)
    return told, info, data


async def _data(session: Session, jid: Jid | None, name: str, id: str) -> bytes:
    found = await items.read(session, NS_DATA, service=jid, ids=[id], feature=_FEATURE)
    for item in found:
        if item.payload.tag == f"{{{NS_DATA}}}data":
            try:
                return unbase64(item.payload.text or "")
            except ValueError as error:
                raise _malformed(f"the avatar: {error}", name) from None
    raise absent(name)


def _verify(data: bytes, id: str, by: str) -> None:
    if not hmac.compare_digest(sha1(data), id.encode("ascii", "replace").decode()):
        raise RefusedError(
            f"the avatar of {by} is not the picture that it is said to be: its SHA-1 is "
            f"{sha1(data)}, not {id}",
            step=STEP,
            condition="hash-mismatch",
            by=by,
        )


def _found(told: Avatar, data: bytes) -> Found:
    """With what the bytes say, whatever was said about them."""
    size = pictures.size(data)
    return Found(
        Avatar(
            jid=told.jid,
            source=told.source,
            id=sha1(data),
            type=pictures.kind_of(data) or told.type,
            bytes=len(data),
            width=size.width if size is not None else told.width,
            height=size.height if size is not None else told.height,
            url=told.url,
        ),
        data,
    )


async def _from_url(told: Avatar, info: Info | None, web: Web) -> Found:
    """The bytes at a URL: https, no more of them than was announced."""
    try:
        url = parse_url(told.url or "")
    except ValueError as error:
        raise RefusedError(
            f"the avatar of {told.jid} is at a URL that cannot be fetched: {error}",
            step=STEP,
            condition="item-not-found",
            by=told.jid,
        ) from None
    limit = _MAX if info is None or info.bytes is None else min(_MAX, info.bytes)
    data = await _download(web, url, limit)
    if info is not None:
        _verify(data, info.id, told.jid)
    return _found(told, data)


async def _download(web: Web, url: Url, limit: int) -> bytes:
    buffer = bytearray()
    await download(web, url, lambda _: buffer.extend, max_size=limit)
    return bytes(buffer)


async def _from_vcard(
    session: Session, jid: Jid | None, name: str, web: Web, *, meta: bool
) -> Found:
    try:
        card = await stored.fetch(session, jid, 3)
    except RefusedError as error:
        if error.condition == "item-not-found":
            raise absent(name) from None
        raise
    data = record.photo(card)
    if data is not None:
        return _found(Avatar(name, "vcard", type=_kind(card, name)), data)
    photo = record.describe(card, name, 3).photo
    if photo is None or photo.url is None:
        raise absent(name)
    told = Avatar(name, "url", url=photo.url)
    return Found(told, None) if meta else await _from_url(told, None, web)


def _kind(card: Card, name: str) -> str | None:
    photo = record.describe(card, name, 3).photo
    return photo.type if photo is not None else None


# --- changing


async def publish(
    session: Session,
    data: bytes,
    *,
    url: tuple[str, bytes] | None,
    access: str | None,
    reconfigure: bool,
    vcard: bool,
) -> Avatar:
    """Make ``data``, a PNG, the own avatar, and read it back.

    ``url``: where it can be fetched too, and what is there. ``access``: the nodes' access model;
    None leaves that alone, and makes new nodes open. ``vcard``: write the vCard too, unless the
    server does that (XEP-0398). Raises what ``pep.publish`` raises.
    """
    id = sha1(data)
    info, nodes = await _account(session)
    payload = Element(f"{{{NS_DATA}}}data")
    payload.text = base64.b64encode(data).decode("ascii")
    metadata = Element(f"{{{NS_METADATA}}}metadata")
    _describe(metadata, data, None)
    if url is not None:
        _describe(metadata, url[1], url[0])
    with largestanza.explained(session, len(data), "a picture", STEP):
        for node, item in ((NS_DATA, Item(id, payload)), (NS_METADATA, Item(id, metadata))):
            want: Mapping[str, str] = {}
            if access is not None or node not in nodes:
                want = {"persist_items": "1", "access_model": access or "open"}
            await pep.publish(session, node, [item], want, reconfigure=reconfigure)
    if vcard and _CONVERSION not in info:
        photo = data_uri(data, "image/png")
        await stored.change(session, lambda card: apply(card, [("photo", photo)]), size=len(data))
    stored_metadata = await _metadata(session, None)
    known = infos(stored_metadata) if stored_metadata is not None else []
    if [each.id for each in known if each.url is None] != [id] or (
        await _data(session, None, session.bare, id) != data
    ):
        raise _not_applied(session, "the server accepted the avatar, but it is another one")
    told = Avatar(session.bare, "pep", url=None if url is None else url[0])
    return _found(told, data).record


async def _account(session: Session) -> tuple[list[str], set[str]]:
    """Features and nodes of the own account, asked in one flight. Raises UnsupportedError."""
    asked = session.ask(disco.info_request(None), to=session.bare)
    nodes = session.ask(Element("{http://jabber.org/protocol/disco#items}query"), to=session.bare)
    session.send(asked.element, nodes.element)
    answers = [await session.answer(each, step=STEP) for each in (asked, nodes)]
    kinds = answers[0].findall(".//{http://jabber.org/protocol/disco#info}identity")
    if ("pubsub", "pep") not in ((each.get("category"), each.get("type")) for each in kinds):
        raise UnsupportedError(
            f"{session.domain} does not offer {_FEATURE}: it has no personal eventing (XEP-0163)",
            step=STEP,
            condition="feature-not-implemented",
            by=session.domain,
        )
    features = answers[0].findall(".//{http://jabber.org/protocol/disco#info}feature")
    found = answers[1].findall(".//{http://jabber.org/protocol/disco#items}item")
    return [each.get("var", "") for each in features], {each.get("node", "") for each in found}


def _describe(metadata: Element, data: bytes, url: str | None) -> None:
    attributes = {
        "bytes": str(len(data)),
        "id": sha1(data),
        "type": pictures.kind_of(data) or "image/png",
    }
    size = pictures.size(data)
    if size is not None:
        attributes |= {"height": str(size.height), "width": str(size.width)}
    if url is not None:
        attributes["url"] = url
    SubElement(metadata, f"{{{NS_METADATA}}}info", attributes)


async def hosted(web: Web, url: Url) -> bytes:
    """The picture that is at a URL which is to be published. Raises RefusedError, ..."""
    data = await _download(web, url, _MAX)
    if pictures.kind_of(data) is None:
        raise RefusedError(
            f"there is no picture at {url.text}", step=STEP, condition="not-acceptable", by=url.peer
        )
    return data


async def remove(session: Session, *, if_exists: bool) -> Avatar:
    """Turn the own avatar off, and take it out of the vCard; read back.

    Raises RefusedError (item-not-found where there is none, unless ``if_exists``).
    """
    known = await _own(session)
    if known is not None:
        off = Item(None, Element(f"{{{NS_METADATA}}}metadata"))
        await pep.publish(session, NS_METADATA, [off], {})
        for id in {each.id for each in known if each.url is None}:
            try:
                await items.retract(session, NS_DATA, id, notify=False)
            except RefusedError as error:
                if error.condition != "item-not-found":
                    raise
    in_vcard = await _photo_there(session)
    if known is None and not in_vcard:
        if not if_exists:
            raise absent(session.bare)
        return Avatar(session.bare, None)
    if in_vcard:
        await stored.change(session, lambda card: apply(card, [("photo", "")]))
    if await _own(session) is not None or await _photo_there(session):
        raise _not_applied(session, "the server accepted the removal, but the avatar is there")
    return Avatar(session.bare, None)


async def _own(session: Session) -> list[Info] | None:
    """What the own metadata say; None where there is no avatar."""
    try:
        found = await _metadata(session, None)
    except (RefusedError, UnsupportedError) as error:
        if error.condition not in ("item-not-found", "service-unavailable"):
            raise
        return None
    return (infos(found) or None) if found is not None else None


async def _photo_there(session: Session) -> bool:
    try:
        card = await stored.fetch(session, None, 3)
    except (RefusedError, UnsupportedError) as error:
        if error.condition not in ("item-not-found", "service-unavailable"):
            raise
        return False
    return any(each.name == "photo" and not each.empty for each in card)


def _not_applied(session: Session, text: str) -> RefusedError:
    return RefusedError(text, step=STEP, condition="not-applied", by=session.bare)


def _malformed(text: str, by: str) -> RefusedError:
    error = malformed(text, by)
    error.step = STEP
    return error
