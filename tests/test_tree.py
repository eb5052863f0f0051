"""The command tree as a whole: nothing is forgotten, nothing is named twice, nothing is heavy."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import click
import pytest

from xmppctl.cli import Command, Group
from xmppctl.cli.command import SECTIONS
from xmppctl.cli.options import connection_names, connection_options, output_names, output_options
from xmppctl.cli.tree import SHORT_HELP, Tree
from xmppctl.commands.completion import script
from xmppctl.commands.schema import leaves, schemas

TREE = Tree()
TOP = [(name, TREE.load(name)) for name in TREE.names]
LEAVES = list(leaves(TREE))
HEAVY = {"aioxmpp", "asyncio", "lxml", "tabulate", "dns", "ssl", "tomlkit", "keyring"}

every_top = pytest.mark.parametrize(("name", "command"), TOP, ids=[name for name, _ in TOP])
every_leaf = pytest.mark.parametrize(("path", "command"), LEAVES, ids=[path for path, _ in LEAVES])


@every_top
def test_name_section_and_short_help(name: str, command: click.Command) -> None:
    assert isinstance(command, (Command, Group))
    assert command.name == name
    assert command.section in SECTIONS
    text = command.get_short_help_str(SHORT_HELP)
    assert text.endswith("."), "help begins with a sentence"
    assert not text.endswith("..."), f"the first sentence is longer than {SHORT_HELP} characters"


@every_top
def test_a_group_has_verbs_and_no_options(name: str, command: click.Command) -> None:
    if isinstance(command, Group):
        assert command.commands
        assert not command.params, "options stand at the verb"


@every_leaf
def test_help_of_command_and_options(path: str, command: Command) -> None:
    assert command.help
    assert command.get_short_help_str(SHORT_HELP)
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{path} {param.opts[0]} has no help"


@pytest.mark.parametrize(
    "option", [*connection_options(), *output_options()], ids=lambda option: option.opts[-1]
)
def test_shared_options_have_help(option: click.Option) -> None:
    assert option.help
    if option in connection_options():
        name = option.opts[-1].removeprefix("--").replace("-", "_").upper()
        assert f"(XMPPCTL_{name})" in option.help
        assert option.envvar is None, "the environment is read by the settings"


@every_leaf
def test_no_shared_name_is_used_again(path: str, command: Command) -> None:
    taken = connection_names() | output_names() | {"-h", "--help", "--version", "--fail-empty"}
    own = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    # of Jingle's transports, whose values are others: a second name of --via
    allowed = {"--transport"} if path in ("file send", "file receive") else set()
    assert not own & taken - allowed


def test_connection_and_output_options_are_disjoint() -> None:
    assert not connection_names() & output_names()


@every_leaf
def test_no_option_has_an_optional_value(path: str, command: Command) -> None:
    for param in [*command.params, *connection_options(), *output_options()]:
        if isinstance(param, click.Option) and not param.is_flag and not param.count:
            # An option that takes a value and works without one has both of these in Click.
            assert not param._flag_needs_value, param.opts


def example_words(line: str) -> Iterator[list[str]]:
    """The arguments of each call of xmppctl in a shell line."""
    # A command substitution holds a call of its own.
    lexer = shlex.shlex(line.replace('"$(', " ; ").replace(')"', " ; "), punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] | None = None
    for word in [*lexer, ";"]:
        if set(word) <= set("|;&<>()"):
            if words is not None:
                yield words
            words = None
        elif words is not None:
            words.append(shlex.split(word)[0] if shlex.split(word) else "")
        elif word == "xmppctl":
            words = []


@every_leaf
def test_examples_are_calls_of_this_command(path: str, command: Command) -> None:
    assert command.examples, "every command has an example"
    called = set()
    for line in command.examples:
        for words in example_words(line):
            context = TREE.make_context("xmppctl", [*words])
            names = []
            while isinstance(context.command, Group):
                # Click keeps the words after its own options in two places.
                rest = [*context._protected_args, *context.args]
                name, found, rest = context.command.resolve_command(context, rest)
                assert found is not None
                names.append(name)
                context = found.make_context(name, rest, parent=context)
            called.add(" ".join(filter(None, names)))
    assert path in called


def records(record: Any, seen: set[type]) -> set[type]:
    """``record`` and every record inside it."""
    if is_dataclass(record) and isinstance(record, type):
        if record not in seen:
            seen.add(record)
            for hint in get_type_hints(record, include_extras=True).values():
                records(hint, seen)
    else:
        for inner in get_args(record):
            records(inner, seen)
    return seen


@every_leaf
def test_contract_and_described_fields(path: str, command: Command) -> None:
    contract = command.contract()
    if contract is None:
        return
    for record in records(contract[0], set()):
        assert record.__doc__
        assert not record.__doc__.startswith(f"{record.__name__}("), f"{record} has no docstring"
        hints = get_type_hints(record, include_extras=True)
        for field in fields(record):
            described = get_origin(hints[field.name]) is Annotated
            assert described, f"{record.__name__}.{field.name} has no description"


def test_schemas_of_all_commands() -> None:
    found = schemas(TREE)
    assert set(found) == {path for path, command in LEAVES if command.contract()}
    for schema in found.values():
        json.dumps(schema)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    assert "_XMPPCTL_COMPLETE" in script(shell)


def test_help_is_light() -> None:
    """After the help of the root and of every command and verb no heavy module is loaded."""
    calls = [[], *[[name] for name in TREE.names], *[path.split() for path, _ in LEAVES]]
    program = (
        "import io, json, sys\n"
        "from xmppctl.cli.main import main\n"
        f"heavy = {sorted(HEAVY)!r}\n"
        "found, real = {}, sys.stdout\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    sys.stdout = io.StringIO()\n"
        "    code = main([*words, '--help'])\n"
        "    assert code == 0, words\n"
        "    for name in heavy:\n"
        "        if name in sys.modules:\n"
        "            found.setdefault(name, words)\n"
        "print(json.dumps(found), file=real)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(calls)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}
