"""How the texts of messages are shown: options of every verb that prints messages."""

from __future__ import annotations

from typing import Any

import click

from xmppctl.cli.app import App


def display_options(callback: Any) -> Any:
    """Give a verb ``--show-spoilers`` and ``--styling``."""
    callback = click.option(
        "--styling",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Style texts as they ask for (XEP-0393), also where colours are off.",
    )(callback)
    return click.option(
        "--show-spoilers",
        is_flag=True,
        expose_value=False,
        callback=_keep,
        help="Show texts that give something away, not only their hint (XEP-0382).",
    )(callback)


def _keep(context: click.Context, param: click.Parameter, value: bool) -> None:
    if value and param.name is not None:
        context.ensure_object(App).options[param.name] = (True, f"option {param.opts[-1]}")
