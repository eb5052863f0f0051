"""What is done about a challenge that comes back for a message (XEP-0158)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.protocol.challenge import Posed, Solve
    from xmppctl.session import Session

_MODES = ("ask", "url", "hashcash", "refuse")
_PREFIXES = ("save", "command")


def _parse_mode(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, str] | None:
    if value is None:
        return None
    kind, colon, rest = value.partition(":")
    if (not colon and kind in _MODES) or (kind in _PREFIXES and rest):
        return kind, rest
    raise click.BadParameter(
        f"{value!r} is none of ask, save:FILE, command:CMD, url, hashcash, refuse", ctx, param
    )


def _complete_mode(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    words = (*_MODES, *(f"{prefix}:" for prefix in _PREFIXES))
    return [word for word in words if word.startswith(incomplete)]


mode_option = click.option(
    "--captcha",
    "captcha_mode",
    type=NONEMPTY,
    metavar="MODE",
    callback=_parse_mode,
    shell_complete=_complete_mode,
    help="ask, save:FILE, command:CMD, url, hashcash or refuse; by default what needs nobody, then"
    " the terminal.",
)


def solver(app: cli.App, given: tuple[str, str] | None) -> Solve:
    """What answers challenges as the option says (``given``, as it was parsed)."""

    async def solve(session: Session, posed: Posed) -> dict[str, list[str]]:
        from xmppctl.commands import _captcha  # few runs meet a challenge

        return await _captcha.solve(app, given, session, posed)

    return solve


def _check(values: Values) -> None:
    if values["captcha_mode"] is not None and values.get("multicast"):
        raise UsageError(
            "--captcha and --multicast exclude each other: a challenge goes to the service"
        )


def _attach(stanza: Element, values: Values) -> None:
    """The message itself is the same."""


PARTS = (Part(heading="Delivery", options=(mode_option,), check=_check, attach=_attach),)
