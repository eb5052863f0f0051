"""Uploads (XEP-0363): a slot, a real PUT of some hundred bytes, the GET, and CORS.

The file stays on the server for as long as that keeps files: there is no way to delete it.
"""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.protocol import upload
from xmppctl.protocol.check import cors
from xmppctl.protocol.check.facts import Facts, judge, took, untested
from xmppctl.session import http
from xmppctl.session.http import Answer, Write
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web

CHECKS = ("upload.slot", "upload.put", "upload.get", "upload.cors")

_NAME = "xmppctl-check.txt"
_TYPE = "application/octet-stream"
"""Not one of those that a browser sends without asking."""

_ADVICE = "look at the log of the upload service, and at its URL from outside"


class _Place(NamedTuple):
    """A slot, what goes there, and how to reach it."""

    web: Web
    slot: upload.Slot
    wanted: upload.Wanted
    content: bytes

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What a PUT has beside its length, as a browser would send it."""
        return [("Content-Type", _TYPE), *self.slot.headers]


async def service(facts: Facts, info: DiscoInfo) -> None:
    """All checks of one upload service; does nothing for an entity that is none."""
    found = upload.service_of(info)
    if found is None:
        return
    content = f"made by xmppctl server check {secrets.token_hex(120)}\n".encode()[: found.max_size]
    wanted = upload.Wanted(found, _NAME, len(content), _TYPE)
    slots: list[upload.Slot] = []

    async def work() -> None:
        begin = time.perf_counter()
        (slot,) = await upload.slots(facts.session, [wanted], insecure=False)
        if isinstance(slot, XmppctlError):
            slot.hint = None  # which is about a command
            raise slot
        slots.append(slot)
        _timed(facts, "upload.slot", found.jid, begin, "gives a slot")

    if not await judge(facts, "upload.slot", found.jid, work(), advice=_ADVICE):
        for check in CHECKS[1:]:
            untested(facts, check, found.jid, "no slot")
        return
    # its steps are none of the session's
    account = facts.session.account
    web = Web(account.ca_file, account.connect_timeout, account.timeout, Trace(), pins=account.pins)
    if facts.context.wants(*CHECKS[1:]):
        await _transfer(facts, found.jid, _Place(web, slots[0], wanted, content))


async def _transfer(facts: Facts, target: str, place: _Place) -> None:
    names = [name for name, _ in place.headers]
    first = facts.begin(http.options(place.web, place.slot.put, cors.preflight("PUT", names)))
    put = await _put(facts, target, place)
    if put is None:
        untested(facts, "upload.get", target, "nothing was uploaded")
        untested(facts, "upload.cors", target, "nothing was uploaded")
        return
    # not before there is something at that URL
    second = facts.begin(http.options(place.web, place.slot.get, cors.preflight("GET", ["range"])))
    get = await _get(facts, target, place)
    if get is None:
        untested(facts, "upload.cors", target, "the file does not come back")
        return

    async def work() -> None:
        before_put, before_get = await first, await second
        verdict = cors.judge(
            cors.read("PUT", put.status, put.headers, before=False),
            cors.read("GET", get.status, get.headers, before=False),
            cors.read("OPTIONS before PUT", before_put.status, before_put.headers, before=True),
            cors.read("OPTIONS before GET", before_get.status, before_get.headers, before=True),
            names,
        )
        status, value, detail, advice = verdict
        facts.context.tell("upload.cors", target, status, detail, value=value, advice=advice)

    await judge(facts, "upload.cors", target, work(), advice=_ADVICE)


async def _put(facts: Facts, target: str, place: _Place) -> Answer | None:
    answers: list[Answer] = []

    async def work() -> None:
        begin = time.perf_counter()
        headers = [*place.headers, ("Origin", cors.ORIGIN)]
        size = len(place.content)
        answer = await http.put(place.web, place.slot.put, headers, size, [place.content])
        if answer.status not in upload.DONE:
            raise http.refused(answer, f"putting a file to {place.slot.put.peer}", "put")
        answers.append(answer)
        _timed(facts, "upload.put", target, begin, f"{size} bytes were uploaded")

    await judge(facts, "upload.put", target, work(), advice=_ADVICE)
    return next(iter(answers), None)


async def _get(facts: Facts, target: str, place: _Place) -> Answer | None:
    answers: list[Answer] = []
    body = bytearray()

    def begin_with(answer: Answer) -> Write:
        body.clear()
        return take

    def take(block: bytes) -> None:
        body.extend(block)
        if len(body) > len(place.content):
            raise _another(place)

    async def work() -> None:
        begin = time.perf_counter()
        headers = [("Origin", cors.ORIGIN)]
        answer = await http.get(place.web, place.slot.get, begin_with, headers)
        answers.append(answer)
        if bytes(body) != place.content:
            raise _another(place)
        _timed(facts, "upload.get", target, begin, "the file comes back as it was")

    await judge(facts, "upload.get", target, work(), advice=_ADVICE)
    return next(iter(answers), None)


def _another(place: _Place) -> RefusedError:
    return RefusedError(
        f"what comes back from {place.slot.get.peer} is not what was uploaded",
        step="get",
        condition="hash-mismatch",
        by=place.slot.get.peer,
    )


def _timed(facts: Facts, check: str, target: str, begin: float, words: str) -> None:
    seconds = time.perf_counter() - begin
    status = facts.context.limits.of_time(seconds)
    facts.context.tell(check, target, status, words, value=took(seconds), unit="ms")
