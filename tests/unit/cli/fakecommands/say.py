"""A top-level command that takes text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import click

from xmppctl import cli
from xmppctl.errors import ErrorInfo


@dataclass(frozen=True)
class Said:
    """What was said."""

    text: Annotated[str, "the text"]
    error: Annotated[ErrorInfo | None, "why it was not said"] = None


@cli.command("say", section="Messages", examples=("fake say -- hello",))
@click.argument("text", required=False)
@click.option("--stdin-lines", is_flag=True, help="One text per line.")
@cli.pass_app
async def cmd(app: cli.App, text: str | None, stdin_lines: bool) -> AsyncIterator[Said]:
    """Say something."""
    if stdin_lines:
        for line in app.read_lines():
            yield Said(line.text, line.error)
    else:
        yield Said(app.read_text(text))
