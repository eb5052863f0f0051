"""A command for monitoring systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import click

from xmppctl import cli
from xmppctl.errors import ConnectError, UsageError
from xmppctl.model.monitor import Check, Metric, Sample


@dataclass(frozen=True)
class Look:
    """What was seen."""

    size: Annotated[int, "bytes"]


def monitor(looks: Sequence[Look]) -> tuple[list[Check], list[Metric]]:
    """One check and one metric per look."""
    checks = [
        Check("FAKE", "ok" if look.size < 10 else "critical", f"{look.size} bytes")
        for look in looks
    ]
    samples = [Sample({}, look.size) for look in looks]
    return checks, [Metric("fake_size", "Size of it.", samples=samples)]


@cli.command("monitored", section="Services", examples=("fake monitored",), monitor=monitor)
@click.option("--bad", is_flag=True, help="See too much.")
@click.option("--broken", is_flag=True, help="See nothing.")
@click.option("--usage", is_flag=True, help="Be called wrongly.")
async def cmd(bad: bool, broken: bool, usage: bool) -> list[Look]:
    """Look at things."""
    if broken:
        raise ConnectError("refused | \x1b\nhere")
    if usage:
        raise UsageError("wrong")
    return [Look(70 if bad else 7)]
