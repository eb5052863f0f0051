"""The options that say how a CAPTCHA is answered, and the answering (XEP-0158).

A challenge that nobody answers now is kept, so that the next run can: its picture is looked at in
the meantime.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY, is_text
from xmppctl.cli.stdin import is_terminal
from xmppctl.errors import LocalError, RefusedError, UsageError
from xmppctl.output.escape import safe
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.form import FormField
    from xmppctl.model.jid import Jid
    from xmppctl.model.register import Challenge
    from xmppctl.protocol.registration import Offer
    from xmppctl.session import Session

F = TypeVar("F", bound=Callable[..., Any])

KEPT_SECONDS = 600.0
COMMAND_SECONDS = 300.0
_LONGEST = 2000  # characters of a label or a URL: an environment is limited
_MODES = ("ask", "url", "hashcash", "refuse")
_PREFIXES = ("save", "command")
_ENDINGS = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
    "audio/x-wav": ".wav", "audio/ogg": ".ogg", "video/mpeg": ".mpg",
}  # fmt: skip


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


_OPTIONS = (
    click.option("--captcha", "captcha_mode", type=NONEMPTY, metavar="MODE",
                 callback=_parse_mode, shell_complete=_complete_mode,
                 help="ask, save:FILE, command:CMD, url, hashcash or refuse; by default what"
                 " needs nobody, then the terminal."),
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


@dataclass(frozen=True)
class Mode:
    """How challenges are answered; ``kind``: auto, ask, url, hashcash or refuse."""

    kind: str
    save: str | None
    answer: str | None
    command: str | None


class Unanswered(Exception):  # noqa: N818 - an outcome, reported in the record
    """A challenge that is left to the user; ``challenge`` has the files of its pictures."""

    def __init__(self, challenge: Challenge, error: RefusedError) -> None:
        super().__init__(error.text)
        self.challenge = challenge
        self.error = error


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
    """The answers to the challenges of a form that ``given`` does not have, by field name.

    Raises Unanswered where a person is needed and none is there, RefusedError where the challenge
    is declined or beyond us, UsageError, LocalError.
    """
    from xmppctl.protocol import captcha

    challenge = offer.challenge
    wanted = captcha.outstanding(offer.known, given) if challenge is not None else []
    if challenge is None or not wanted:
        return {}
    session.trace.enter("captcha")
    if how.kind == "refuse":
        raise _refused(offer, challenge, "which is declined")
    found: dict[str, list[str]] = {}
    paths: dict[tuple[str, int], str] = {}
    for field in wanted:
        var = field.var or ""
        if var == captcha.HASHCASH and how.kind != "url":
            app.note("solving a hashcash challenge")
            found[var] = [await captcha.hashcash(session.domain, field)]
            continue
        if how.kind == "hashcash":
            raise _refused(offer, challenge, "and hashcash is not enough")
        if how.kind == "url":
            raise Unanswered(challenge, _refused(offer, challenge, "to be answered on the web"))
        blind = how.save is None and how.answer not in (None, "-")
        picture = None if blind else await captcha.picture(session, field, offer.data, None)
        if picture is not None:
            place, data = picture
            path = _path(app, how, jid, var, data.type, first=not paths)
            _write(path, data.content)
            paths[var, place] = str(path)
        seen = captcha.saved(challenge, paths)
        text = await _one(app, how, field, seen, paths)
        if text is None:
            _keep(app, jid, offer)
            error = _refused(offer, seen, "which nobody answered")
            error.hint = _where(seen, paths) + "run this again with --captcha-answer TEXT"
            raise Unanswered(seen, error)
        found[var] = [text]
    return found


async def _one(
    app: cli.App, how: Mode, field: FormField, seen: Challenge, paths: Mapping[tuple[str, int], str]
) -> str | None:
    """The answer to one challenge; None where nobody can be asked."""
    label = (field.label or field.desc or field.var or "")[:_LONGEST]
    mine = next((path for (var, _), path in paths.items() if var == field.var), "")
    if how.answer is not None and how.answer != "-":
        return how.answer
    if how.command is not None:
        text = await _run(app, how.command, mine, label, (seen.url or "")[:_LONGEST])
        if text:
            return text
        if app.no_input or not is_terminal(app.stdin):
            raise UsageError("the captcha command printed no answer", step="captcha")
    if how.answer == "-":
        app.status(f"{_where(seen, paths)}give the answer: {label}")
        with app.blocking():
            line = next(app.read_lines(), None)
        if line is None or line.error is not None or not line.text.strip():
            raise UsageError("standard input has no answer to the captcha", step="captcha")
        return line.text.strip()
    if app.no_input or not is_terminal(app.stdin):
        return None
    app.stderr.write(f"{safe(_where(seen, paths))}give the answer.\n{safe(label)}: ")
    app.stderr.flush()
    with app.blocking():
        return app.stdin.readline().strip() or None


async def _run(app: cli.App, command: str, path: str, label: str, url: str) -> str:
    """The first line that the command prints. Raises UsageError where it fails.

    The label and the URL come from the network: they are variables of its environment, where no
    shell reads them as a command.
    """
    import asyncio
    import shlex

    terminal = is_terminal(app.stdin)
    process = await asyncio.create_subprocess_shell(
        command.replace("%f", shlex.quote(path)),
        stdin=None if terminal else asyncio.subprocess.DEVNULL,
        # a group of its own can be ended as a whole, but may not read from the terminal
        process_group=None if terminal else 0,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "CAPTCHA_FILE": path, "CAPTCHA_LABEL": label, "CAPTCHA_URL": url},
    )
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError:
        raise UsageError(
            f"the captcha command took longer than {COMMAND_SECONDS:g} s", step="captcha"
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                if terminal:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise UsageError(
            f"the captcha command ended with status {process.returncode}", step="captcha"
        )
    text = printed.decode(errors="surrogateescape").partition("\n")[0].strip()
    if not is_text(text):
        raise UsageError("the captcha command printed no UTF-8", step="captcha")
    return text


def _refused(offer: Offer, challenge: Challenge, how: str) -> RefusedError:
    return RefusedError(
        f"{offer.by} asks for a CAPTCHA, {how}",
        step="captcha",
        condition="captcha-required",
        by=offer.by,
        hint=f"open {challenge.url}" if challenge.url else None,
    )


def _where(challenge: Challenge, paths: Mapping[tuple[str, int], str]) -> str:
    places = [*paths.values(), *([challenge.url] if challenge.url else [])]
    return f"look at {' or '.join(places)}, then " if places else ""


def _path(app: cli.App, how: Mode, jid: Jid, var: str, kind: str, *, first: bool) -> Path:
    """Where the picture goes. The name has nothing in it that a stranger chose."""
    from xmppctl.config import paths

    if how.save is not None and first:
        try:
            return paths.expand(how.save)
        except ValueError as error:
            raise UsageError(f"--captcha-save: {error}") from None
    folder = paths.ensure_private_dir(paths.cache_dir(app.env) / "captcha")
    ending = _ENDINGS.get(kind.partition(";")[0].strip().lower(), ".bin")
    return folder / f"{_name(jid, var)}{ending}"


def _write(path: Path, content: bytes) -> None:
    from xmppctl.config import paths

    try:
        paths.write_private(path, content)
    except LocalError as error:
        error.step = "captcha"
        raise


def _name(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def _kept(app: cli.App, jid: Jid) -> Path:
    from xmppctl.config import paths

    return paths.state_dir(app.env) / "captcha" / f"{_name(jid.bare)}.xml"


def _keep(app: cli.App, jid: Jid, offer: Offer) -> None:
    """Keep the challenge for the next run, which ``--captcha-answer`` answers it in."""
    from xmppctl.config import paths
    from xmppctl.session.xml import serialise

    path = _kept(app, jid)
    paths.ensure_private_dir(path.parent)
    paths.write_private(path, serialise(offer.query, "").encode())


def kept(app: cli.App, jid: Jid) -> Offer | None:
    """The challenge that the run before left for ``jid``, once; None where there is none."""
    from xmppctl.protocol import registration
    from xmppctl.session.xml import XmlError, parse

    path = _kept(app, jid)
    try:
        age = time.time() - path.stat().st_mtime
        data = path.read_bytes()
        path.unlink()
    except OSError:
        return None
    if not 0 <= age <= KEPT_SECONDS:
        return None
    with suppress(XmlError):
        return registration.read(parse(data), jid.domain)
    return None
