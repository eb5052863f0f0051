"""A group: arrays, objects, streams, many targets, confirmation, failures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import click

from xmppctl import cli
from xmppctl.cli.params import JID
from xmppctl.errors import ErrorInfo, RefusedError

if TYPE_CHECKING:
    from xmppctl.model.jid import Jid


@dataclass(frozen=True)
class Thing:
    """A thing."""

    name: Annotated[str, "its name"]
    size: Annotated[int | None, "bytes"] = None


@dataclass(frozen=True)
class Target:
    """What became of one target."""

    to: Annotated[str, "the target"]
    error: Annotated[ErrorInfo | None, "why it failed"] = None


@dataclass(frozen=True)
class Number:
    """How many things there are."""

    number: Annotated[int, "their number"]


cmd = cli.group("things", section="Data", help="List, add and remove things.")


@cmd.command("list", examples=("fake things list",))
@click.option("--none", is_flag=True, help="Find nothing.")
@click.option("--number", is_flag=True, help="Only how many there are.")
def list_(none: bool, number: bool) -> list[Thing]:
    """List all things."""
    return [] if none else [Thing("one", 1), Thing("two", 2)]


@list_.instead("number")
def _number(none: bool, number: bool) -> Number:
    return Number(0 if none else 2)


@cmd.command("get", examples=("fake things get one",))
@click.argument("name")
@cli.pass_app
async def get(app: cli.App, name: str) -> Thing:
    """Show one thing."""
    app.note(f"looking for {name}")
    app.status("getting")
    return Thing(name)


@cmd.command("add", section="Changes", examples=("fake things add a@b c@d",))
@click.argument("targets", type=JID, nargs=-1, required=True)
async def add(targets: tuple[Jid, ...]) -> AsyncIterator[Target]:
    """Add things; a domain fails, "boom" breaks everything."""
    for jid in targets:
        if jid.domain == "boom":
            raise RefusedError("boom \x1b[31mred", condition="conflict", by="x@boom", hint="less")
        failed = RefusedError(f"no {jid}", condition="item-not-found") if jid.is_domain else None
        yield Target(str(jid), failed.info() if failed else None)


@cmd.command("remove", section="Changes", examples=("fake things remove --yes",))
@cli.pass_app
def remove(app: cli.App) -> Thing:
    """Remove everything."""
    app.confirm("remove everything?")
    return Thing("removed")


@cmd.command("crash", section="Changes", examples=("fake things crash",))
def crash() -> None:
    """Have a bug."""
    raise ZeroDivisionError("secret text")


@cmd.command("library", section="Changes", examples=("fake things library",), hidden=True)
def library() -> None:
    """Miss the library."""
    raise ModuleNotFoundError("No module named 'aioxmpp'", name="aioxmpp.stream")


box = cmd.group("box", section="Changes", help="The box of things.")


@box.command("get", examples=("fake things box get",))
def box_get() -> Thing:
    """Show the box."""
    return Thing("box")
