"""A command for monitoring systems."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import click

from xmppctl import cli
from xmppctl.errors import ConnectError, UsageError
from xmppctl.model.monitor import Check, Metric, Run, Sample


@dataclass(frozen=True)
class Look:
    """What was seen."""

    size: Annotated[int, "bytes"]


def monitor(looks: Sequence[Look], run: Run) -> tuple[list[Check], list[Metric]]:
    """One check and one metric per look, and whether all was seen."""
    checks = [
        Check("FAKE", "ok" if look.size < 10 else "critical", f"{look.size} bytes")
        for look in looks
    ]
    samples = [Sample({}, look.size) for look in looks]
    success = Sample({"name": run.given["name"] or "", "account": str(run.account or "")},
                     float(run.failure is None))  # fmt: skip
    return checks, [
        Metric("fake_size", "Size of it.", samples=samples),
        Metric("fake_success", "Whether it was looked at.", samples=[success]),
    ]


@cli.command("monitored", section="Services", examples=("fake monitored",), monitor=monitor)
@click.option("--bad", is_flag=True, help="See too much.")
@click.option("--broken", is_flag=True, help="See nothing.")
@click.option("--usage", is_flag=True, help="Be called wrongly.")
@click.option("--halfway", is_flag=True, help="See something first.")
@click.argument("name", required=False)
@cli.pass_app
async def cmd(
    app: cli.App, bad: bool, broken: bool, usage: bool, halfway: bool, name: str | None
) -> AsyncIterator[Look]:
    """Look at things."""
    app.afterwards("a summary")
    if halfway:
        yield Look(7)
    if broken:
        raise ConnectError("refused | \x1b\nhere")
    if usage:
        raise UsageError("wrong")
    yield Look(70 if bad else 7)
