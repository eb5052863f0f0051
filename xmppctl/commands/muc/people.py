"""Verbs of ``xmppctl muc``: who may do what in a room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, DURATION, NONEMPTY, choice
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.muc import (
    Affiliated,
    Affiliation,
    AffiliationResult,
    Listed,
    OccupantAction,
    Role,
    UserAction,
)

if TYPE_CHECKING:
    from xmppctl.cli.stdin import Line
    from xmppctl.protocol.muc.admin import Change
    from xmppctl.protocol.muc.roles import Entry

F = TypeVar("F", bound=Callable[..., Any])


@cmd.command(
    "affiliations",
    examples=(
        "xmppctl muc affiliations ops@conference.example.org",
        "xmppctl -o plain muc affiliations ops@conference.example.org outcast",
    ),
)
@arguments.room
@click.argument("affiliation", metavar="[AFF]", type=choice(Listed), required=False)
@cli.pass_app
async def affiliations(app: cli.App, room: Jid, affiliation: Listed | None) -> list[Affiliated]:
    """List owners, admins, members and outcasts, or one of these."""
    from xmppctl.protocol.muc import admin

    which = () if affiliation is None else (affiliation,)
    async with app.session() as session:
        return await admin.affiliations(session, room, which)


@cmd.command(
    "affiliation",
    examples=(
        "xmppctl muc affiliation ops@conference.example.org bob@example.org admin",
        "xmppctl muc affiliation ops@conference.example.org - member < jids.txt",
        "xmppctl -o jsonl muc affiliation ops@conference.example.org - < changes.txt",
    ),
    targets=True,
)
@arguments.room
@click.argument("jid", metavar="JID|-")
@click.argument("affiliation", metavar="[AFF]", type=choice(Affiliation), required=False)
@arguments.reason
@cli.pass_app
async def affiliation(
    app: cli.App, room: Jid, jid: str, affiliation: Affiliation | None, reason: str | None
) -> AsyncIterator[AffiliationResult]:
    """Set the affiliation of a user, or of many.

    AFF is owner, admin, member, outcast or none. With - the JIDs come from standard input, one in
    a line; without AFF each line is a JID, an affiliation and, if wanted, a reason.
    """
    if jid != "-":
        if affiliation is None:
            raise UsageError("no affiliation was given: owner, admin, member, outcast or none")
        user = BARE_JID.convert(jid, None, click.get_current_context())
        arguments.warn_of_domain(app, user)
        jid = str(user)
    from xmppctl.protocol.muc import admin
    from xmppctl.protocol.send import until_ended

    async with app.session() as session:

        async def changes() -> AsyncIterator[Change]:
            if jid != "-":
                yield admin.Change(jid, affiliation, reason)
                return
            async for line in until_ended(session, app.lines()):
                yield parse_line(line, affiliation, reason)

        async for result in admin.change_all(session, room, changes()):
            yield result


def parse_line(line: Line, affiliation: Affiliation | None, reason: str | None) -> Change:
    """A change from a line of the input, with an error where the line is none."""
    from xmppctl.model.jid import parse
    from xmppctl.protocol.muc.admin import Change
    from xmppctl.session.xml import illegal_character

    if line.error is not None:
        return Change(line.text, affiliation, reason, line.error)
    words = line.text.strip().split(None, 2) if affiliation is None else [line.text.strip()]
    try:
        jid = parse(words[0] if words else "")
        if jid.is_full:
            raise ValueError(f"{str(jid)!r} has a resource, a bare JID is needed")
        if affiliation is None:
            if len(words) < 2 or words[1] not in get_args(Affiliation):
                raise ValueError("behind the JID stands owner, admin, member, outcast or none")
            affiliation = cast(Affiliation, words[1])
            reason = words[2] if len(words) > 2 else reason
        if reason is not None and illegal_character(reason) is not None:
            raise ValueError("the reason contains a control character")
    except ValueError as error:
        refusal = UsageError(f"line {line.number} of standard input: {error}", step="input")
        return Change(line.text, affiliation, reason, refusal.info())
    return Change(str(jid), affiliation, reason)


@cmd.command(
    "ban", examples=("xmppctl muc ban ops@conference.example.org troll@example.org --reason spam",)
)
@arguments.room
@click.argument("jid", type=BARE_JID)
@arguments.reason
@cli.pass_app
async def ban(app: cli.App, room: Jid, jid: Jid, reason: str | None) -> UserAction:
    """Ban a user, or a whole domain, from a room."""
    from xmppctl.protocol.muc import admin

    arguments.warn_of_domain(app, jid)
    async with app.session() as session:
        return await admin.change(session, room, str(jid), "outcast", reason)


@cmd.command("unban", examples=("xmppctl muc unban ops@conference.example.org troll@example.org",))
@arguments.room
@click.argument("jid", type=BARE_JID)
@arguments.reason
@arguments.if_exists
@cli.pass_app
async def unban(
    app: cli.App, room: Jid, jid: Jid, reason: str | None, if_exists: bool
) -> UserAction:
    """Take a user off the ban list of a room."""
    from xmppctl.protocol.muc import admin

    async with app.session() as session:
        return await admin.unban(session, room, jid, reason, if_exists=if_exists)


def _entering(callback: F) -> F:
    """The options of a verb that enters the room as an occupant of its own."""
    own_nick = click.option(
        "--nick", "own_nick", type=NONEMPTY, help="Own nickname meanwhile; the localpart."
    )
    return own_nick(arguments.room_password(callback))


def _entry(app: cli.App, room: Jid, options: Mapping[str, Any]) -> Entry:
    own_nick = arguments.checked_nick(room, options["own_nick"])
    password = app.room_password(file=options["room_password_file"], fd=options["room_password_fd"])
    from xmppctl.protocol.muc.roles import Entry

    return Entry(own_nick, password)


@cmd.command(
    "kick", examples=("xmppctl muc kick ops@conference.example.org bob --reason 'be kind'",)
)
@arguments.room
@click.argument("nick", type=NONEMPTY)
@arguments.reason
@_entering
@cli.pass_app
async def kick(
    app: cli.App, /, room: Jid, nick: str, reason: str | None, **options: Any
) -> OccupantAction:
    """Kick an occupant out of a room; it is entered for that."""
    return await _set_role(app, room, nick, "none", reason, options)


@cmd.command("role", examples=("xmppctl muc role ops@conference.example.org bob moderator",))
@arguments.room
@click.argument("nick", type=NONEMPTY)
@click.argument("role", metavar="ROLE", type=choice(Role))
@arguments.reason
@_entering
@cli.pass_app
async def role(
    app: cli.App, /, room: Jid, nick: str, role: Role, reason: str | None, **options: Any
) -> OccupantAction:
    """Give an occupant a role; the room is entered for that.

    ROLE is moderator, participant, visitor, or none, which is a kick. It ends with the visit; an
    affiliation stays.
    """
    return await _set_role(app, room, nick, role, reason, options)


@cmd.command(
    "voice",
    examples=(
        "xmppctl muc voice ops@conference.example.org grant bob",
        "xmppctl muc voice ops@conference.example.org request --for 5m",
    ),
)
@arguments.room
@click.argument("action", type=click.Choice(["request", "grant"]))
@click.argument("nick", type=NONEMPTY, required=False)
@click.option("--for", "wait", type=DURATION, metavar="D",
              help="request: stay so long until it is granted.")  # fmt: skip
@_entering
@cli.pass_app
async def voice(
    app: cli.App, /, room: Jid, action: str, nick: str | None, wait: float | None, **options: Any
) -> OccupantAction:
    """Ask for voice in a moderated room, or grant it to NICK.

    The room is entered for that. A grant holds for one visit.
    """
    if action == "grant":
        if nick is None:
            raise UsageError("grant needs the nickname of an occupant")
        if wait is not None:
            raise UsageError("--for is for request")
        return await _set_role(app, room, nick, "participant", None, options)
    if nick is not None:
        raise UsageError("request is for the own account: no nickname")
    entry = _entry(app, room, options)
    from xmppctl.protocol.muc import roles

    async with app.session() as session:
        return await roles.request_voice(session, room, wait=wait, entry=entry)


async def _set_role(
    app: cli.App,
    /,
    room: Jid,
    nick: str,
    role: Role,
    reason: str | None,
    options: Mapping[str, Any],
) -> OccupantAction:
    whom = arguments.checked_nick(room, nick) or nick
    entry = _entry(app, room, options)
    from xmppctl.protocol.muc import roles

    async with app.session() as session:
        return await roles.set_role(session, room, whom, role, reason=reason, entry=entry)
