"""``xmppctl schema``: the JSON Schema of what a command prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli import completers
from xmppctl.cli.stdout import say
from xmppctl.cli.tree import Tree
from xmppctl.errors import UsageError


@cli.command(
    "schema",
    section="Tools",
    examples=("xmppctl schema", "xmppctl schema roster list"),
)
@click.argument("command", metavar="[COMMAND [VERB]]", nargs=-1,
                shell_complete=completers.commands)  # fmt: skip
@click.pass_context
def cmd(ctx: click.Context, command: tuple[str, ...]) -> None:
    """Print the JSON Schema of a command's output.

    Without COMMAND: one object with the schemas of all, by "command verb".
    """
    import json

    tree = ctx.find_root().command
    if not isinstance(tree, Tree):
        raise TypeError("the root command is no tree")
    found: Any = _one(tree, ctx, command) if command else schemas(tree)
    say(json.dumps(found, indent=2, ensure_ascii=False))


def schemas(tree: Tree) -> dict[str, dict[str, Any]]:
    """The schema of every command that prints records, by its name ("roster list")."""
    return {
        path: _schema(command) for path, command in leaves(tree) if command.contract() is not None
    }


def leaves(tree: Tree) -> Iterator[tuple[str, cli.Command]]:
    """Every command and verb that does something, with its name ("roster list")."""
    for name in tree.names:
        yield from _below(name, tree.load(name))


def _below(path: str, command: click.Command) -> Iterator[tuple[str, cli.Command]]:
    if isinstance(command, cli.Command):
        yield path, command
    elif isinstance(command, cli.Group):
        for verb, inner in command.commands.items():
            yield from _below(f"{path} {verb}", inner)


def _one(tree: Tree, ctx: click.Context, names: Sequence[str]) -> dict[str, Any]:
    place: click.Command = tree
    for number, name in enumerate(names):
        if not isinstance(place, cli.Group):
            raise UsageError(f"{' '.join(names[:number])} has no verbs")
        _, found, _ = place.resolve_command(ctx, [name])
        if found is None:
            raise UsageError(f"there is no {name}")
        place = found
    if isinstance(place, cli.Group):
        raise UsageError(
            f"{' '.join(names)} has verbs, each with a schema of its own",
            hint=", ".join(f"xmppctl schema {' '.join(names)} {v}" for v in place.commands),
        )
    if not isinstance(place, cli.Command) or place.contract() is None:
        raise UsageError(f"{' '.join(names)} prints no records")
    return _schema(place)


def _schema(command: cli.Command) -> dict[str, Any]:
    from xmppctl.output.schema import json_schema

    contract = command.contract()
    if contract is None:
        raise TypeError(f"{command.name} has no contract")
    return json_schema(*contract)
