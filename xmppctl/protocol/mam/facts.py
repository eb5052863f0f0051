"""XEP-0313 §4.1.3, §5: single messages, how many there are, where the archive begins and ends."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.mam import ArchiveCount, ArchivedMessage, ArchiveEnd, ArchiveMetadata
from xmppctl.protocol import rsm
from xmppctl.protocol.mam.query import NS, STEP, Archive, Filter
from xmppctl.protocol.mam.selection import form, locate, select, unknown
from xmppctl.protocol.mam.walk import forwards
from xmppctl.protocol.message import parse_stamp

_PAGE = 100
_METADATA = f"{{{NS}}}metadata"
_UNKNOWN = ("bad-request", "service-unavailable", "feature-not-implemented")


async def count(archive: Archive, wanted: Filter) -> ArchiveCount:
    """How many messages match, with the ids of the first and the last.

    Asked with ``max`` 0 (XEP-0059 §2.7); counted one by one where the archive tells no number, or
    cannot sort out what is wanted. Raises RefusedError, UnsupportedError, DeadlineError.
    """
    selection = await select(archive, wanted)
    if selection.is_local:
        return await _counted(archive, wanted)
    number, first, last = await asyncio.gather(
        archive.page(selection.fields, rsm.request(maximum=0)),
        archive.page(selection.fields, rsm.request(maximum=1)),
        archive.page(selection.fields, rsm.request(maximum=1, before="")),
    )
    if number.bounds.count is None:
        return await _counted(archive, wanted)
    if not number.bounds.count:
        return ArchiveCount(archive.name, 0, True)
    return ArchiveCount(
        archive.name, number.bounds.count, True, first.bounds.first, last.bounds.last
    )


async def _counted(archive: Archive, wanted: Filter) -> ArchiveCount:
    number, first, last = 0, None, None
    async for message in forwards(archive, wanted, page_size=_PAGE):
        number += 1
        first, last = first or message.archive_id, message.archive_id
    return ArchiveCount(archive.name, number, True, first, last)


async def metadata(archive: Archive) -> ArchiveMetadata:
    """The two ends of the archive (§5). Raises RefusedError, UnsupportedError, DeadlineError."""
    what = f"the metadata of the archive of {archive.name}"
    try:
        answer = await archive.session.request(
            Element(_METADATA), to=archive.to, step=STEP, what=what
        )
    except RefusedError as error:
        # a question without parameters cannot be wrong: who says so does not know it
        if error.condition not in _UNKNOWN:
            raise
        raise UnsupportedError(
            f"the archive of {archive.name} does not offer metadata (urn:xmpp:mam:2#extended)",
            step=STEP,
            condition=error.condition,
            type=error.type,
            by=error.by,
            hint="xmppctl mam count tells number, first and last",
        ) from None
    if answer is None or answer.tag != _METADATA:
        raise RefusedError(
            f"{what}: the answer is something else",
            step=STEP,
            condition="malformed-answer",
            by=archive.name,
        )
    return ArchiveMetadata(archive.name, _end(answer, "start"), _end(answer, "end"))


def _end(answer: Element, name: str) -> ArchiveEnd | None:
    element = answer.find(f"{{{NS}}}{name}")
    if element is None or not element.get("id"):
        return None
    return ArchiveEnd(element.get("id", ""), parse_stamp(element.get("timestamp")))


async def fetch(archive: Archive, ids: list[str]) -> dict[str, ArchivedMessage | XmppctlError]:
    """The messages with these archive ids, or why each is not given.

    Several at once where the archive's form has the field ``ids`` (§4.1.3), else one by one.
    Raises UnsupportedError, DeadlineError, and RefusedError where the archive itself is closed.
    """
    found: dict[str, ArchivedMessage | XmppctlError] = {}
    if len(ids) > 1 and any(field.var == "ids" for field in (await form(archive)).fields):
        for begin in range(0, len(ids), _PAGE):
            await _together(archive, ids[begin : begin + _PAGE], found)
    for uid in ids:
        if uid not in found:
            found[uid] = await _alone(archive, uid)
    return found


async def _together(
    archive: Archive, ids: list[str], found: dict[str, ArchivedMessage | XmppctlError]
) -> None:
    guard = rsm.Guard()
    after: str | None = None
    while True:
        try:
            page = await archive.page({"ids": ids}, rsm.request(maximum=_PAGE, after=after))
        except RefusedError as error:
            # one that is missing is a no to all of them (§4.1.3)
            if error.condition != "item-not-found":
                raise
            return
        guard.check(page.bounds, by=archive.name)
        for result in page.results:
            if result.id in ids and result.message is not None:
                found[result.id] = result.message
        after = page.bounds.last
        if page.is_end or after is None:
            return


async def _alone(archive: Archive, uid: str) -> ArchivedMessage | XmppctlError:
    try:
        result = await locate(archive, uid)
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return error
    return result.message if result.message is not None else unknown(archive, uid)
