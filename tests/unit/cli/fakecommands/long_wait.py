"""A command that goes on until it is ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import click

from xmppctl import cli


@dataclass(frozen=True)
class Tick:
    """One step."""

    number: Annotated[int, "its number"]


@asynccontextmanager
async def stream(app: cli.App, stuck: bool) -> AsyncIterator[None]:
    """Something that must be closed."""
    import asyncio

    try:
        yield
    finally:
        if stuck:
            app.status("stuck")
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        app.status("closed")


@cli.command("long-wait", section="Tools", examples=("fake long-wait",))
@click.option("--stuck", is_flag=True, help="Never finish closing.")
@click.option("--block", is_flag=True, help="Read standard input inside the loop.")
@click.option("--thread", is_flag=True, help="Leave a thread behind that never ends.")
@click.option("--endless", is_flag=True, help="Print without end.")
@cli.pass_app
async def cmd(
    app: cli.App, stuck: bool, block: bool, thread: bool, endless: bool
) -> AsyncIterator[Tick]:
    """Wait for a signal."""
    import asyncio

    app.trace.enter("waiting")
    async with stream(app, stuck):
        yield Tick(1)
        if thread:
            import threading

            asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
            return
        app.status("ready")
        if block:
            app.read_text("-")
        number = 1
        while endless:
            number += 1
            yield Tick(number)
            await asyncio.sleep(0)
        await asyncio.Event().wait()
