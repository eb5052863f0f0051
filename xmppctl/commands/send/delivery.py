"""The ways of a message: to people, to all at once, to rooms, or only onto the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from xmppctl.cli.stdout import say_stanza
from xmppctl.commands.send import present
from xmppctl.commands.send.parts.captcha import solver
from xmppctl.commands.send.text import refusal
from xmppctl.errors import ErrorInfo, from_info
from xmppctl.model.jid import Jid
from xmppctl.model.sent import SendResult

if TYPE_CHECKING:
    from xmppctl.commands.send.request import Request
    from xmppctl.protocol.multicast import Plan
    from xmppctl.protocol.outgoing import Outgoing
    from xmppctl.session import Session

    _Group = Sequence[Outgoing | SendResult]


def show(request: Request) -> None:
    """``--dry-run``: the stanzas, one in a line. Raises the first error when all are out."""
    wrong: list[ErrorInfo] = []
    for each in _to_show(request):
        if isinstance(each, SendResult):
            if each.error is not None:
                wrong.append(each.error)
            continue
        say_stanza(each.stanza)
    if wrong:
        raise from_info(wrong[0])


def _to_show(request: Request) -> Iterator[Outgoing | SendResult]:
    targets = request.recipients.targets
    if request.options["multicast"]:
        from xmppctl.protocol import multicast

        plan = _plan(request)
        template = request.outgoing(plan.recipients[0], request.body).stanza
        yield from request.recipients.refused
        yield from multicast.copies(template, plan)
    elif not request.lines:
        for each in targets:
            yield each if isinstance(each, SendResult) else request.outgoing(each, request.body)
    else:
        yield from request.recipients.refused
        for line in request.app.read_lines():
            yield from _of_line(request, line.text, line.error)


def _of_line(
    request: Request, text: str, error: ErrorInfo | None
) -> Iterator[Outgoing | SendResult]:
    error = error or refusal(text)
    for to in request.recipients.jids:
        message = request.outgoing(to, text)
        yield message if error is None else message.refused(error)


async def to_people(request: Request, session: Session) -> AsyncIterator[SendResult]:
    """Messages to accounts, services and clients, many on their way at once."""
    from xmppctl.protocol import send

    await request.prepare(session, request.recipients.jids)
    results = send.send(
        session,
        _encrypted(request, session),
        wait=request.options["wait"] or "confirmed",
        wait_timeout=request.options["wait_timeout"],
        solve=solver(request.app, request.options["captcha_mode"]),
    )
    async for result in results:
        yield result


async def to_all(request: Request, session: Session) -> AsyncIterator[SendResult]:
    """One message to all recipients together."""
    from xmppctl.protocol import multicast

    await request.prepare(session, request.recipients.jids)
    for refused in request.recipients.refused:
        yield refused
    plan = _plan(request)
    template = request.outgoing(plan.recipients[0], request.body).stanza
    async for result in multicast.spread(session, template, plan):
        yield result


def _plan(request: Request) -> Plan:
    from xmppctl.protocol.multicast import Plan

    options = request.options
    return Plan(
        to=tuple(request.recipients.jids),
        bcc=options["bcc"],
        reply_to=options["reply_to_jid"],
        reply_room=options["reply_room"],
        no_reply=options["no_reply"],
    )


async def to_rooms(request: Request, session: Session) -> AsyncIterator[SendResult]:
    """Messages to rooms, one room after the other; lines go to all of them."""
    from xmppctl.protocol import room
    from xmppctl.protocol.delivery import Attempt, retrying

    nick = request.nick or room.own_nick(session)
    solve = solver(request.app, request.options["captcha_mode"])
    async with AsyncExitStack() as stack:
        here: dict[Jid, room.Joined] = {}
        refused: dict[Jid, ErrorInfo] = {}
        for to in request.recipients.jids:
            try:
                join = room.joined(session, to, nick, password=request.room_password, solve=solve)
                here[to] = await stack.enter_async_context(join)
            except room.JOIN_ERRORS as error:
                refused[to] = error.info()

        if here:  # what is uploaded for a closed room would be there for nobody
            await request.prepare(session, list(here))
        request.options["occupant_ids"] = await present.ids(session, request.options, here.values())

        async def attempt(message: Outgoing) -> Attempt:
            result = await room.speak(session, here[message.to], message)
            # what a room sends back it has given to nobody
            return Attempt(result, result.error is not None and result.error.type == "wait")

        async for message in _encrypted(request, session, refused):
            if isinstance(message, SendResult):
                yield message
            else:
                yield await retrying(session, partial(attempt, message))


def _encrypted(
    request: Request, session: Session, refused: Mapping[Jid, ErrorInfo] | None = None
) -> AsyncIterator[Outgoing | SendResult]:
    """The messages as they go out; those to who is ``refused`` are results with that error."""
    encryptor = request.options.get("encryptor")
    groups = _messages(request, session, refused or {})
    if encryptor is None:
        return _flat(groups)
    from xmppctl.protocol.encrypting import encrypted_together

    return encrypted_together(groups, encryptor)


async def _flat(groups: AsyncIterator[_Group]) -> AsyncIterator[Outgoing | SendResult]:
    async for group in groups:
        for message in group:
            yield message


async def _messages(
    request: Request, session: Session, refused: Mapping[Jid, ErrorInfo]
) -> AsyncIterator[_Group]:
    """The messages; those that say the same to several recipients are together."""
    from xmppctl.protocol.send import until_ended

    def checked(message: Outgoing | SendResult) -> Outgoing | SendResult:
        if isinstance(message, SendResult) or message.to not in refused:
            return message
        return message.refused(refused[message.to])

    if not request.lines:
        yield [
            each if isinstance(each, SendResult) else checked(request.outgoing(each, request.body))
            for each in request.recipients.targets
        ]
        return
    yield request.recipients.refused
    async for line in until_ended(session, request.app.lines()):
        yield [checked(each) for each in _of_line(request, line.text, line.error)]
