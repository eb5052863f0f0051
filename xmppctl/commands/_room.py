"""Arguments and options that are about rooms, of whatever command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from xmppctl.cli.params import NONEMPTY, JidType
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid, parse

F = TypeVar("F", bound=Callable[..., Any])


class RoomType(JidType):
    """The JID of a room: a bare JID with a localpart."""

    name = "room"

    def __init__(self) -> None:
        super().__init__("bare")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Jid:
        """The parsed JID; fails on a domain."""
        jid = super().convert(value, param, ctx)
        if jid.local is None:
            self.fail(f"{str(jid)!r} is a domain, not a room (name@service)", param, ctx)
        return jid


ROOM = RoomType()

nick = click.option("--nick", type=NONEMPTY, help="Nickname in the room; the localpart by default.")


def checked_nick(room: Jid, nick: str | None) -> str | None:
    """The nickname as the room will have it. Raises UsageError for what is none."""
    if nick is None:
        return None
    try:
        return parse(f"{room}/{nick}").resource
    except ValueError as error:
        raise UsageError(f"{nick!r} is not a nickname: {error}") from None


def room_password(callback: F) -> F:
    """``--room-password-file`` and ``--room-password-fd``."""
    by_file = click.option(
        "--room-password-file",
        type=click.Path(),
        metavar="FILE",
        help="File with the room's password; also XMPPCTL_ROOM_PASSWORD.",
    )
    by_fd = click.option(
        "--room-password-fd",
        type=int,
        metavar="FD",
        help="File descriptor to read the room's password from.",
    )
    return by_file(by_fd(callback))
