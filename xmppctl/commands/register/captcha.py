"""The options that say how a CAPTCHA before a registration is answered (XEP-0158 §4).

A challenge that nobody answers now is kept, so that the next run can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands import _captcha
from xmppctl.commands._captcha import Mode, Unanswered
from xmppctl.commands.send.parts.captcha import mode_option
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xmppctl.model.jid import Jid
    from xmppctl.protocol.registration import Offer
    from xmppctl.session import Session

__all__ = ["Mode", "Unanswered", "answer", "kept", "mode", "options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    mode_option,
    click.option("--captcha-save", type=click.Path(dir_okay=False), metavar="FILE",
                 help="Write the picture of a CAPTCHA to this file."),
    click.option("--captcha-answer", type=NONEMPTY, metavar="TEXT",
                 help="Answer to the CAPTCHA that the run before showed, or to this one's; - reads"
                 " a line of standard input after the picture was written."),
    click.option("--captcha-command", type=NONEMPTY, metavar="CMD",
                 help="Shell command that prints the answer; %f is the file of the picture."),
)  # fmt: skip


def options(callback: F) -> F:
    """The options of ``mode``."""
    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


def mode(
    captcha_mode: tuple[str, str] | None,
    captcha_save: str | None,
    captcha_answer: str | None,
    captcha_command: str | None,
) -> Mode:
    """What the options say. Raises UsageError where they contradict each other."""
    kind, value = captcha_mode or ("auto", "")
    if kind == "save":
        if captcha_save is not None:
            raise UsageError("--captcha save: and --captcha-save are the same: give one")
        kind, captcha_save = "auto", value
    elif kind == "command":
        if captcha_command is not None:
            raise UsageError("--captcha command: and --captcha-command are the same: give one")
        kind, captcha_command = "auto", value
    if captcha_answer is not None and captcha_command is not None:
        raise UsageError("--captcha-answer and --captcha-command exclude each other")
    answered = captcha_answer is not None or captcha_command is not None
    if kind not in ("auto", "ask") and (answered or captcha_save is not None):
        raise UsageError(f"--captcha {kind} answers no picture: the other options contradict it")
    if kind == "ask" and answered:
        raise UsageError("--captcha ask asks a person: give it without an answer or a command")
    return Mode(kind, captcha_save, captcha_answer, captcha_command)


async def answer(
    app: cli.App, session: Session, offer: Offer, how: Mode, given: Mapping[str, Any], jid: Jid
) -> dict[str, list[str]]:
    """The answers to the challenges of an offer that ``given`` does not have, by field name.

    Raises as ``_captcha.answer``.
    """
    challenge = offer.challenge
    if challenge is None:
        return {}

    def keep() -> str:
        _keep(app, jid, offer)
        return "run this again with --captcha-answer TEXT"

    question = _captcha.Question(
        offer.by, offer.known, challenge, session.domain, offer.data, (str(jid),), keep
    )
    return await _captcha.answer(app, session, question, how, given)


def _keep(app: cli.App, jid: Jid, offer: Offer) -> None:
    """Keep the challenge for the next run, which ``--captcha-answer`` answers it in."""
    from xmppctl.session.xml import serialise

    _captcha.write_kept(_captcha.kept_path(app, str(jid.bare)), serialise(offer.query, ""))


def kept(app: cli.App, jid: Jid) -> Offer | None:
    """The challenge that the run before left for ``jid``, once; None where there is none."""
    from xmppctl.protocol import registration
    from xmppctl.session.xml import XmlError, parse

    path = _captcha.kept_path(app, str(jid.bare))
    data = _captcha.read_kept(path)
    with suppress(OSError):
        path.unlink()
    if data is None:
        return None
    with suppress(XmlError):
        return registration.read(parse(data), jid.domain)
    return None
