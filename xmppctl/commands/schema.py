"""``xmppctl schema``: the JSON Schema of what a command prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.tree import Tree
from xmppctl.errors import UsageError


@cli.command(
    "schema",
    section="Tools",
    examples=("xmppctl schema", "xmppctl schema roster list"),
)
@click.argument("command", required=False)
@click.argument("verb", required=False)
@click.pass_context
def cmd(ctx: click.Context, command: str | None, verb: str | None) -> None:
    """Print the JSON Schema of a command's output.

    Without COMMAND: one object with the schemas of all, by "command verb".
    """
    import json

    tree = ctx.find_root().command
    if not isinstance(tree, Tree):
        raise TypeError("the root command is no tree")
    if command is None:
        found: Any = schemas(tree)
    else:
        found = _one(tree, ctx, [command] if verb is None else [command, verb])
    click.echo(
        json.dumps(found, indent=2, ensure_ascii=False), file=ctx.ensure_object(cli.App).stdout
    )


def schemas(tree: Tree) -> dict[str, dict[str, Any]]:
    """The schema of every command that prints records, by its name ("roster list")."""
    return {
        path: _schema(command) for path, command in leaves(tree) if command.contract() is not None
    }


def leaves(tree: Tree) -> Iterator[tuple[str, cli.Command]]:
    """Every command and verb that does something, with its name ("roster list")."""
    for name in tree.names:
        top = tree.load(name)
        if isinstance(top, cli.Command):
            yield name, top
        elif isinstance(top, cli.Group):
            for verb, command in top.commands.items():
                if isinstance(command, cli.Command):
                    yield f"{name} {verb}", command


def _one(tree: Tree, ctx: click.Context, names: list[str]) -> dict[str, Any]:
    place: click.Command = tree
    for name in names:
        if not isinstance(place, cli.Group):
            raise UsageError(f"{names[0]} has no verbs")
        _, found, _ = place.resolve_command(ctx, [name])
        if found is None:
            raise UsageError(f"there is no {name}")
        place = found
    if isinstance(place, cli.Group):
        raise UsageError(
            f"{names[0]} has verbs, each with a schema of its own",
            hint=", ".join(f"xmppctl schema {names[0]} {verb}" for verb in place.commands),
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
