"""Options that sending and receiving have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from xmppctl.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

transport = click.option(
    "--via", "--transport", "via", type=click.Choice(("auto", "ibb", "s5b")), default="auto",
    show_default=True,
    help="Way of the bytes: s5b is beside the stream, directly or by a proxy (SOCKS5), ibb inside "
    "of it, slow and sure; auto tries s5b first.",
)  # fmt: skip

_proxy_only = click.option(
    "--proxy-only", is_flag=True,
    help="Tell the own address to nobody; contacts get it otherwise.",
)  # fmt: skip
_direct = click.option(
    "--direct", is_flag=True,
    help="Tell the own address also to who is not in the roster.",
)  # fmt: skip

progress = click.option(
    "--progress", is_flag=True, help="Also a record for each step on the way, not only the last."
)


def addresses(callback: F) -> F:
    """``--proxy-only`` and ``--direct``."""
    return _proxy_only(_direct(callback))


def direct(options: dict[str, Any]) -> bool | None:
    """Whether the own address may be told: None to contacts. Raises UsageError."""
    if options["proxy_only"] and options["direct"]:
        raise UsageError("--proxy-only and --direct exclude each other")
    return False if options["proxy_only"] else (True if options["direct"] else None)
