"""What is derived from the code is committed as it is, and is what it says it is."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tools import generate
from tools.gen_reference import anchor
from tools.xep_titles import TITLES
from xmppctl import __version__
from xmppctl.cli import Group
from xmppctl.cli.tree import Tree
from xmppctl.commands.schema import leaves, schemas
from xmppctl.errors import Exit
from xmppctl.model.xep import merge
from xmppctl.protocol import implemented

ROOT = Path(__file__).resolve().parent.parent
TREE = Tree(index={})
DERIVED_PAGES = ("docs/reference.md", "docs/exit-codes.md", "docs/xeps.md")

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DOAP = "{http://usefulinc.com/ns/doap#}"
XMPP = "{https://linkmauve.fr/ns/xmpp-doap#}"

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def wanted() -> dict[str, str]:
    """All of it; not worked out by a process that only collects."""
    return generate.outputs()


def test_nothing_is_out_of_date() -> None:
    assert generate.stale(wanted()) == [], f"mend with: {generate.COMMAND}"


def test_it_is_the_same_everywhere() -> None:
    """Terminal, locale, home directory and the order of sets leave no trace."""
    hostile = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "20",
        "TERM": "dumb",
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "PYTHONHASHSEED": "4711",
        "XMPPCTL_OUTPUT": "json",
    }
    program = (
        "import hashlib, json; from tools import generate; "
        "print(hashlib.sha256(json.dumps(generate.outputs()).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=hostile,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(json.dumps(wanted()).encode()).hexdigest()


@pytest.mark.parametrize("path", schemas(TREE))
def test_schemas_are_valid(path: str) -> None:
    schema = json.loads(wanted()[f"docs/schema/{path.replace(' ', '-')}.json"])
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)


def test_doap_says_what_is_implemented() -> None:
    project = ElementTree.fromstring(wanted()["xmppctl.doap"]).find(f"{DOAP}Project")
    assert project is not None
    found = [
        (
            each.find(f"{XMPP}xep").get(f"{RDF}resource"),  # type: ignore[union-attr]
            each.findtext(f"{XMPP}version"),
            each.findtext(f"{XMPP}status"),
            each.findtext(f"{XMPP}note") or "",
        )
        for each in project.iter(f"{XMPP}SupportedXep")
    ]
    declared = [support.xep for support in merge(implemented())]
    assert found == [
        (f"https://xmpp.org/extensions/xep-{x.number}.html", x.version, x.status, x.note)
        for x in declared
    ]
    assert {x.number for x in declared} == {x.number for x, _ in implemented()}


def test_doap_is_printed_without_the_repository(tmp_path: Path) -> None:
    """The package alone is enough, as an installed one is."""
    (tmp_path / "xmppctl").symlink_to(ROOT / "xmppctl")
    done = subprocess.run(
        [sys.executable, "-m", "xmppctl", "doap"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == wanted()["xmppctl.doap"]


def test_doap_and_package_agree() -> None:
    project = ElementTree.fromstring(wanted()["xmppctl.doap"]).find(f"{DOAP}Project")
    assert project is not None
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.findtext(f"{DOAP}name") == package["name"]
    assert project.findtext(f"{DOAP}shortdesc") == package["description"]
    assert project.findtext(f".//{DOAP}revision") == __version__
    resources = {each.get(f"{RDF}resource") for each in project.iter()}
    assert f"https://spdx.org/licenses/{package['license']}" in resources
    assert set(package["urls"].values()) <= resources


def test_every_declared_xep_has_a_title_and_no_other() -> None:
    numbers = {xep.number for xep, _ in implemented()}
    assert all(re.fullmatch(r"\d{4}", number) for number in numbers)
    assert set(TITLES) == numbers


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(
        r"^\| (\d+) \| (\w+) \| (.+) \|$", wanted()["docs/exit-codes.md"], re.MULTILINE
    )
    assert {(int(code), name) for code, name, _ in rows} == {(int(e), e.name) for e in Exit}


def test_the_reference_has_every_command_option_and_example() -> None:
    reference = wanted()["docs/reference.md"]
    chapters = dict(re.findall(r"^#+ xmppctl (.+)\n((?:(?!^#).*\n)*)", reference, re.MULTILINE))
    for path, command in leaves(TREE):
        if command.hidden or TREE.load(path.partition(" ")[0]).hidden:
            assert path not in chapters
            continue
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                assert f"`{', '.join(param.opts)}" in chapters[path]
        for example in command.examples:
            assert f"\n{example}\n" in chapters[path]


def test_every_derived_page_is_known() -> None:
    assert {name for name in wanted() if name.endswith(".md")} == set(DERIVED_PAGES)


@pytest.mark.parametrize("name", DERIVED_PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Files that are there or will be, and headings of the page itself."""
    directory = (ROOT / name).parent
    page = wanted()[name]
    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    derived = {(ROOT / path).resolve() for path in wanted()}
    for target in re.findall(r"\]\(([^):\s]+)\)", page):
        if target.startswith("#"):
            assert target.removeprefix("#") in anchors
        else:
            path = (directory / target).resolve()
            assert path in derived or path.exists(), f"{name} links to {target}"


@every_page
def test_command_lines_exist(page: Path) -> None:
    for words in calls(page.read_text()):
        assert problem(words) is None, f"{page.name}: {' '.join(words)}: {problem(words)}"


_BLOCK = re.compile(r"^ *```(sh|bash|console)\b.*\n((?:.*\n)*?) *```$", re.MULTILINE)
_BEFORE_COMMAND = re.compile(r"[|;&(){}]+|if|then|else|while|until|do|!|time|\$|\w+=.*")


def calls(text: str) -> Iterator[list[str]]:
    """The arguments of each call of xmppctl in the shell blocks of a page."""
    for kind, block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if kind != "console" or line.lstrip().startswith("$ "):
                yield from _calls(line)


def _calls(line: str) -> Iterator[list[str]]:
    text = re.sub(r"(^|\s)#.*", "", re.sub(r'"?\$\(', " ; ", line).replace(')"', " ) "))
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = ["", *lexer, ";"]
    except ValueError:  # a quotation of several lines
        return
    call: list[str] | None = None
    for before, word in pairwise(words):
        if re.fullmatch(r"[|;&<>()]+", word):
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(word)
        elif word == "xmppctl" and (not before or _BEFORE_COMMAND.fullmatch(before)):
            call = []


def problem(words: list[str]) -> str | None:
    """Why there can be no such call; None where commands and options exist."""
    place: click.Command = TREE
    while words and words[0] != "--":
        word, *words = words
        if word.startswith("-") and word != "-":
            options = {
                name: param
                for param in place.get_params(
                    click.Context(place, help_option_names=["-h", "--help"])
                )
                if isinstance(param, click.Option)
                for name in (*param.opts, *param.secondary_opts)
            }
            name = word.partition("=")[0]
            if name not in options:
                return f"no option {name}"
            takes_value = not options[name].is_flag and not options[name].count
            if takes_value and "=" not in word:
                words = words[1:]
        elif word == "$@":  # of a function of the shell: it is read where that is called
            return None
        elif isinstance(place, Group):
            found = place.get_command(click.Context(place), word)
            if found is None:
                return f"no command {word}"
            place = found
    return None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-o json roster list --group x", None),
        ("--jid a@example.org send bob@example.org -- --nonsense", None),
        ("frobnicate", "no command frobnicate"),
        ("roster frobnicate", "no command frobnicate"),
        ("send --nonsense bob@example.org", "no option --nonsense"),
        ("roster --jid a@example.org list", "no option --jid"),
    ],
)
def test_problem(line: str, expected: str | None) -> None:
    assert problem(line.split()) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("xmppctl ping", [["ping"]]),
        ("$ df | xmppctl send a@b -  # now", [["send", "a@b", "-"]]),
        ("X=1 xmppctl send a@b 'c d' && xmppctl ping", [["send", "a@b", "c d"], ["ping"]]),
        (
            'if test "$(xmppctl -o plain roster list)" = x; then',
            [["-o", "plain", "roster", "list"]],
        ),
        ("pipx runpip xmppctl install x", []),
    ],
)
def test_calls(line: str, expected: list[list[str]]) -> None:
    assert list(calls(f"```sh\n{line}\n```\n")) == expected
