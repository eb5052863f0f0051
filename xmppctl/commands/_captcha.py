"""Answering a CAPTCHA (XEP-0158), whatever it stands before: the modes, and a person or a command.

A challenge that nobody answers now is kept, so that a later run can: its picture is looked at in
the meantime.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmppctl import cli
from xmppctl.cli.params import is_text
from xmppctl.cli.stdin import is_terminal
from xmppctl.errors import LocalError, RefusedError, UsageError
from xmppctl.output.escape import safe
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.form import Form, FormField
    from xmppctl.model.register import Challenge
    from xmppctl.protocol import bob
    from xmppctl.protocol.challenge import Posed
    from xmppctl.session import Session

KEPT_SECONDS = 600.0
COMMAND_SECONDS = 300.0
_LONGEST = 2000  # characters of a label or a URL: an environment is limited
_ENDINGS = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
    "audio/x-wav": ".wav", "audio/ogg": ".ogg", "video/mpeg": ".mpg",
}  # fmt: skip


@dataclass(frozen=True)
class Mode:
    """How challenges are answered; ``kind``: auto, ask, url, hashcash or refuse."""

    kind: str
    save: str | None
    answer: str | None
    command: str | None


@dataclass(frozen=True)
class Question:
    """A form with challenges. ``by``: who asks; ``whom``: who has the pictures, None: the server.

    ``about``: the JID that hashcash begins with. ``data``: pictures that came along. ``owner``:
    what the names of files are made of. ``keep`` keeps it, and tells how to answer it later.
    """

    by: str
    form: Form
    challenge: Challenge
    about: str
    data: Mapping[str, bob.Data] = field(repr=False)
    owner: tuple[str, ...]
    keep: Callable[[], str]
    whom: str | None = None


class Unanswered(Exception):  # noqa: N818 - an outcome, reported in the record
    """A challenge that is left to the user; ``challenge`` has the files of its pictures."""

    def __init__(self, challenge: Challenge, error: RefusedError) -> None:
        super().__init__(error.text)
        self.challenge = challenge
        self.error = error


async def answer(
    app: cli.App, session: Session, question: Question, how: Mode, given: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The answers to the challenges of a form that ``given`` does not have, by field name.

    Raises Unanswered where a person is needed and none is there, DeclinedError, RefusedError where
    the challenge is beyond us, UsageError, LocalError.
    """
    from xmppctl.protocol import captcha
    from xmppctl.protocol.challenge import DeclinedError

    challenge = question.challenge
    wanted = captcha.outstanding(question.form, given)
    if not wanted:
        return {}
    session.trace.enter("captcha")
    if how.kind == "refuse":
        raise _refused(question, "which is declined", DeclinedError)
    found: dict[str, list[str]] = {}
    paths: dict[tuple[str, int], str] = {}
    for each in wanted:
        var = each.var or ""
        if var == captcha.HASHCASH and how.kind != "url":
            app.note("solving a hashcash challenge")
            found[var] = [await captcha.hashcash(question.about, each)]
            continue
        if how.kind == "hashcash":
            raise _refused(question, "and hashcash is not enough", DeclinedError)
        if how.kind == "url":
            raise Unanswered(challenge, _refused(question, "to be answered on the web"))
        blind = how.save is None and how.answer not in (None, "-")
        picture = (
            None if blind else await captcha.picture(session, each, question.data, question.whom)
        )
        if picture is not None:
            place, data = picture
            path = _path(app, how, question.owner, var, data.type, first=not paths)
            _write(path, data.content)
            paths[var, place] = str(path)
        seen = captcha.saved(challenge, paths)
        text = await _one(app, how, each, seen, paths)
        if text is None:
            later = question.keep()
            error = _refused(question, f"{_quoted(each)}which nobody answered")
            error.hint = _where(seen, paths) + later
            raise Unanswered(seen, error)
        found[var] = [text]
    return found


def _quoted(field: FormField) -> str:
    label = (field.label or "")[:200]
    return f"{label!r}, " if label and not field.media else ""


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
    import signal

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


def _refused(question: Question, how: str, kind: type[RefusedError] = RefusedError) -> RefusedError:
    url = question.challenge.url
    return kind(
        f"{question.by} asks for a CAPTCHA (XEP-0158), {how}",
        step="captcha",
        condition="captcha-required",
        by=question.by,
        hint=f"open {url}" if url else None,
    )


def _where(challenge: Challenge, paths: Mapping[tuple[str, int], str]) -> str:
    places = [*paths.values(), *([challenge.url] if challenge.url else [])]
    return f"look at {' or '.join(places)}, then " if places else ""


def _path(
    app: cli.App, how: Mode, owner: tuple[str, ...], var: str, kind: str, *, first: bool
) -> Path:
    """Where the picture goes. The name has nothing in it that a stranger chose."""
    from xmppctl.config import paths

    if how.save is not None and first:
        try:
            return paths.expand(how.save)
        except ValueError as error:
            raise UsageError(f"--captcha-save: {error}") from None
    folder = paths.ensure_private_dir(paths.cache_dir(app.env) / "captcha")
    ending = _ENDINGS.get(kind.partition(";")[0].strip().lower(), ".bin")
    return folder / f"{name(*owner, var)}{ending}"


def _write(path: Path, content: bytes) -> None:
    from xmppctl.config import paths

    try:
        paths.write_private(path, content)
    except LocalError as error:
        error.step = "captcha"
        raise


def name(*parts: object) -> str:
    """A file name that is made of ``parts``, and has nothing of them in it."""
    import hashlib  # no run without a challenge needs it

    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


# --- challenges by message


async def solve(
    app: cli.App, given: tuple[str, str] | None, session: Session, posed: Posed
) -> dict[str, list[str]]:
    """The answers to a challenge, as ``--captcha`` says (``given``, as it was parsed).

    Raises as ``answer``, but RefusedError in the place of Unanswered.
    """
    kind, value = given or ("auto", "")
    how = Mode(
        "auto" if kind in ("save", "command") else kind,
        value if kind == "save" else None,
        None,
        value if kind == "command" else None,
    )
    identifier = posed.challenge.challenge or posed.id or ""

    def keep() -> str:
        import shlex

        from xmppctl.session.xml import serialise

        write_kept(_message(app, session.bare, identifier), serialise(posed.stanza, ""))
        return f"xmppctl captcha answer -- {shlex.quote(identifier)} TEXT"

    question = Question(
        by=posed.by,
        form=posed.form,
        challenge=posed.challenge,
        about=posed.challenge.from_ or "",
        data=posed.data,
        owner=(session.bare, posed.by, identifier),
        keep=keep,
        whom=posed.by,
    )
    try:
        return await answer(app, session, question, how, {})
    except Unanswered as left:
        raise left.error from None


def kept(app: cli.App, account: str, identifier: str) -> Posed | None:
    """The challenge with that id which an earlier run of the account left; None without."""
    from xmppctl.protocol import challenge
    from xmppctl.session.xml import XmlError, parse

    data = read_kept(_message(app, account, identifier))
    if data is None:
        return None
    with suppress(XmlError):
        return challenge.read(parse(data))
    return None


def forget(app: cli.App, account: str, identifier: str) -> None:
    """It was answered, and is of no use any more."""
    with suppress(OSError):
        _message(app, account, identifier).unlink()


def _message(app: cli.App, account: str, identifier: str) -> Path:
    return kept_path(app, "message", account, identifier)


def kept_path(app: cli.App, *parts: str) -> Path:
    """Where a challenge is kept that ``parts`` say which it is."""
    from xmppctl.config import paths

    return paths.state_dir(app.env) / "captcha" / f"{name(*parts)}.xml"


def write_kept(path: Path, text: str) -> None:
    """Keep a challenge for a later run. Raises LocalError."""
    from xmppctl.config import paths

    paths.ensure_private_dir(path.parent)
    paths.write_private(path, text.encode())


def read_kept(path: Path) -> bytes | None:
    """What was kept there, unless it is too old."""
    try:
        age = time.time() - path.stat().st_mtime
        data = path.read_bytes()
    except OSError:
        return None
    return data if 0 <= age <= KEPT_SECONDS else None
