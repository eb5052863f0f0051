"""Verbs in modules of their own: what is imported for one of them, and what is not."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest

from xmppctl.cli import Group
from xmppctl.cli._index import VERBS
from xmppctl.cli.tree import Tree

SPREAD = {
    name: command for name in Tree().names if isinstance(command := Tree().load(name), Group)
    and command.home
}  # fmt: skip


def python(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_there_are_such_groups() -> None:
    assert {"muc", "roster", "mam"} <= set(SPREAD)


@pytest.mark.parametrize("name", SPREAD)
def test_every_module_has_verbs_and_every_verb_a_module(name: str) -> None:
    group = SPREAD[name]
    assert group.homes() == VERBS[group.home]
    assert set(group.homes()) == set(group.commands)
    assert set(group.homes().values()) == set(group._modules)


@pytest.mark.parametrize(
    ("words", "needed", "idle"),
    [
        ("muc decline --help", "muc.invite", ["muc.rooms", "muc.join", "muc.people"]),
        ("roster note --help", "roster.notes", ["roster.list", "roster.transfer"]),
        ("mam prefs --help", "mam.prefs", ["mam.query", "mam.export"]),
    ],
)
def test_one_verb_imports_one_module(words: str, needed: str, idle: list[str]) -> None:
    program = (
        "import sys\n"
        "from xmppctl.cli.main import main\n"
        f"assert main({words.split()!r}) == 0\n"
        "print(*(name[17:] for name in sys.modules if name.startswith('xmppctl.commands.')))"
    )
    loaded = python(program)[-1].split()
    assert needed in loaded
    assert not set(idle) & set(loaded)


def test_names_are_completed_without_the_modules() -> None:
    program = (
        "import sys\n"
        "from xmppctl.cli.tree import Tree\n"
        "import click\n"
        "group = Tree().load('muc')\n"
        "print(len(group.list_commands(click.Context(group))))\n"
        "print([name for name in sys.modules if name.startswith('xmppctl.commands.muc.')])\n"
    )
    assert python(program) == [str(len(VERBS["xmppctl.commands.muc"])), "[]"]


@pytest.mark.parametrize("index", [{}, {"decline": "gone"}, {"decline": "rooms"}])
def test_an_index_that_is_wrong_misleads_nobody(index: dict[str, str]) -> None:
    program = (
        "import click, json\n"
        "from xmppctl.cli import _index\n"
        f"_index.VERBS = {{'xmppctl.commands.muc': {index!r}}}\n"
        "from xmppctl.cli.tree import Tree\n"
        "group = Tree().load('muc')\n"
        "context = click.Context(group)\n"
        "print(group.get_command(context, 'decline').name)\n"
        "print(json.dumps(group.list_commands(context)))\n"
        "print(group.get_command(context, 'no-such-verb'))\n"
    )
    first, names, none = python(program)
    assert (first, none) == ("decline", "None")
    assert set(json.loads(names)) == set(VERBS["xmppctl.commands.muc"])


def test_the_order_does_not_depend_on_what_was_called_before() -> None:
    program = (
        "import json, click\n"
        "from xmppctl.cli.tree import Tree\n"
        "group = Tree().load('muc')\n"
        "for name in ('send', 'join', 'avatar'):\n"
        "    assert group.get_command(click.Context(group), name).name == name\n"
        "print(json.dumps(list(group.commands)))\n"
    )
    assert json.loads(python(program)[0]) == list(VERBS["xmppctl.commands.muc"])


def test_a_group_without_modules_is_an_ordinary_one() -> None:
    group = Group("plain")
    group.add_command(click.Command("verb"))
    assert list(group.commands) == group.list_commands(click.Context(group)) == ["verb"]
    assert group.homes() == {}
