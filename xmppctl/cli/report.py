"""Every failure as text or JSON on standard error, and its exit code; the one place for both."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

import click

from xmppctl.cli.app import PROGRAM, App
from xmppctl.cli.stdout import say
from xmppctl.errors import (
    ErrorInfo,
    Exit,
    InternalError,
    SignalError,
    UsageError,
    XmppctlError,
    missing_aioxmpp,
)
from xmppctl.output.escape import safe

_SHORT_OUTPUT = re.compile(r"-[qvh]*o(.*)", re.DOTALL)


def report(error: BaseException, app: App, args: Sequence[str]) -> int:
    """Tell ``error`` to the user; the exit code of the run.

    ``args``: the command line, which decides on the form where it could not be parsed.
    """
    if os.environ.get("XMPPCTL_DEBUG") == "1" and not isinstance(error, click.ClickException):
        import traceback

        _write(safe("".join(traceback.format_exception(error)), newlines=True))
    failure, usage = translate(error, app.command)
    if failure.exit is Exit.PIPE:
        return int(Exit.PIPE)
    chosen = form(app, args)
    info = failure.info()
    if chosen == "nagios":
        return _nagios(info)
    if chosen in ("json", "jsonl"):
        _write(as_json(info))
    elif isinstance(error, click.exceptions.NoArgsIsHelpError):
        _write(error.format_message())
    else:
        _write("\n".join(as_text(info, usage)))
    return info.code


def translate(error: BaseException, command: str) -> tuple[XmppctlError, str | None]:
    """``error`` as one of ours, and the usage line where the command line was at fault."""
    from xmppctl.cli.run import Interrupted

    match error:
        case XmppctlError():
            return error, None
        case Interrupted():
            return error.reason, None
        case KeyboardInterrupt() | click.Abort():
            return SignalError(Exit.SIGINT, "interrupted"), None
        case BrokenPipeError():
            return SignalError(Exit.PIPE, "the reader of standard output has gone"), None
        case click.ClickException():
            return _from_click(error)
        case ModuleNotFoundError() if (error.name or "").partition(".")[0] == "aioxmpp":
            return missing_aioxmpp(), None
        case _:
            return _internal(error, command), None


def as_text(info: ErrorInfo, usage: str | None) -> list[str]:
    """One to three lines: what failed; step, condition and peer; what to try."""
    details = [f"step {info.step}"] if info.step else []
    if info.condition:
        kind = f" ({info.type})" if info.type else ""
        details.append(f"condition {info.condition}{kind}")
    if info.by:
        details.append(f"from {info.by}")
    if info.limit is not None:
        details.append(f"limit {info.limit} bytes")
    lines = [usage] if usage else []
    lines.append(f"{PROGRAM}: {info.text or info.condition or info.name}")
    if details:
        lines.append(f"  {', '.join(details)}")
    if info.hint:
        lines.append(f"  try: {info.hint}")
    return [safe(line) for line in lines]


def as_json(info: ErrorInfo) -> str:
    """The error as one line of JSON, ASCII only: nothing in it can drive a terminal."""
    import json
    from dataclasses import asdict

    return json.dumps({"error": asdict(info)})


def _from_click(error: click.ClickException) -> tuple[XmppctlError, str | None]:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return UsageError("a command is missing", hint=f"{PROGRAM} --help"), _usage(error.ctx)
    context = getattr(error, "ctx", None)
    text = error.format_message()
    if context is None:
        return UsageError(text), None
    return UsageError(text, hint=f"{context.command_path} --help"), _usage(context)


def _usage(context: click.Context) -> str:
    # Click wraps it to the width of the terminal; as part of an error it is one line.
    return " ".join(context.get_usage().split())


def _internal(error: BaseException, command: str) -> InternalError:
    from xmppctl.cli import crash

    what = f"internal error: {type(error).__name__}"
    try:
        return InternalError(f"{what}; the trace is in {crash.record(error, command)}")
    except XmppctlError as second:
        return InternalError(
            f"{what}; the trace could not be written: {second.text}",
            hint="XMPPCTL_DEBUG=1 shows it",
        )


def form(app: App, args: Sequence[str] = ()) -> str:
    """The output format, as far as it can be known."""
    if not app.parsed:
        return prescan(args) or os.environ.get("XMPPCTL_OUTPUT", "")
    try:
        return app.format
    except XmppctlError:
        # The settings themselves are at fault: what stands above the file still counts.
        return str(app.option("output") or os.environ.get("XMPPCTL_OUTPUT", ""))


def prescan(args: Sequence[str]) -> str | None:
    """The output format that an unparsed command line asks for; the last one wins."""
    found = None
    words = iter(args)
    for word in words:
        short = _SHORT_OUTPUT.fullmatch(word)
        if word == "--":
            break
        if word == "--json":
            found = "json"
        elif word.startswith("--output="):
            found = word.partition("=")[2]
        elif word == "--output" or (short and not short[1]):
            found = next(words, None)
        elif short:
            found = short[1]
    return found


def _nagios(info: ErrorInfo) -> int:
    from xmppctl.output.monitor import failed, render_nagios

    text, code = render_nagios([failed(info)])
    try:
        say(text)
    except XmppctlError as failure:
        _write("\n".join(as_text(failure.info(), None)))
    return code


def _write(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        click.echo(text, file=sys.stderr)
    except OSError:
        # Nobody reads it: the exit code still tells.
        return
