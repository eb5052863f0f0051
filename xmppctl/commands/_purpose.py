"""What a file is uploaded for (XEP-0363 §4), as an option."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import click

from xmppctl.cli.params import _Type
from xmppctl.model.upload import Purpose, PurposeName


class PurposeType(_Type):
    """``message``, ``profile``, ``permanent``, or ``ephemeral=`` with a time."""

    name = "purpose"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Purpose:
        """The purpose; fails on anything else, and on a time that has passed."""
        if isinstance(value, Purpose):
            return value
        name, sign, time = str(value).partition("=")
        if name not in get_args(PurposeName):
            self.fail(f"{value!r} is none of {', '.join(get_args(PurposeName))}=TIME", param, ctx)
        if bool(sign) is not (name == "ephemeral"):
            self.fail("a time belongs to ephemeral and to nothing else", param, ctx)
        return Purpose(name, self._until(time, param, ctx) if sign else None)  # type: ignore[arg-type]

    def _until(
        self, text: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        from xmppctl.config.values import duration

        now = datetime.now(UTC)
        try:
            until = now + timedelta(seconds=duration(text))
        except (ValueError, OverflowError):
            try:
                until = datetime.fromisoformat(text).astimezone(UTC)
            except (ValueError, OverflowError):
                self.fail(f"{text!r} is neither a duration such as 2h nor a date", param, ctx)
        if until <= now:
            self.fail(f"{text!r} has passed", param, ctx)
        return until.replace(microsecond=0)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The names."""
        names = ("message", "profile", "permanent", "ephemeral=")
        return [
            click.shell_completion.CompletionItem(name)
            for name in names
            if name.startswith(incomplete)
        ]
