"""Completion of what only the configuration or the tree of commands knows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def accounts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the accounts of the configuration file; none where it cannot be read."""
    from click.shell_completion import CompletionItem

    from xmppctl.config import paths, profiles
    from xmppctl.errors import XmppctlError

    table: object = None
    with suppress(OSError, XmppctlError):
        path = paths.config_file()
        table = profiles.decode(path.read_bytes(), path).get("accounts")
    names = table if isinstance(table, dict) else {}
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def commands(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names that may stand behind those of ``param``: a command, then its verb."""
    from click.shell_completion import CompletionItem

    place: click.Command | None = ctx.find_root().command
    for name in ctx.params.get(param.name or "") or ():
        place = place.get_command(ctx, name) if isinstance(place, click.Group) else None
    names = place.list_commands(ctx) if isinstance(place, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
