"""The command line: tree, shared options, help, suggestions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from tests.unit.cli.conftest import PACKAGE, ROOT, Result
from xmppctl import __version__
from xmppctl.cli.command import SECTIONS, command, group
from xmppctl.cli.tree import Tree, build_index
from xmppctl.commands.schema import leaves

Fake = Callable[..., Result]


def test_root_help_has_sections_in_order(fake: Fake) -> None:
    result = fake("--help")
    assert result.code == 0
    found = [line[:-1] for line in result.out.splitlines() if line[:-1] in SECTIONS]
    assert found == ["Messages", "Data", "Services", "Tools"]
    assert "long-wait  Wait for a signal." in result.out
    assert "Connection options (before the command only):" in result.out
    assert "XMPPCTL_PASSWORD_COMMAND" in result.out.replace("\n", " ")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_at_every_level(fake: Fake, option: str) -> None:
    for words in ((), ("things",), ("things", "list"), ("say",)):
        result = fake(*words, option)
        assert (result.code, result.err) == (0, "")
        assert "Output options" in result.out
        assert ("Connection options" in result.out) is (words == ())


def test_verbs_stand_under_their_headings_without_hidden_ones(fake: Fake) -> None:
    out = fake("things", "-h").out
    places = [out.index(text) for text in ("Verbs:", "\n  list ", "Changes:", "\n  add ")]
    assert places == sorted(places)
    assert "library" not in out


def test_a_verb_may_have_verbs_of_its_own(fake: Fake) -> None:
    assert "\n  box " in fake("things", "-h").out
    assert "Show the box." in fake("things", "box", "-h").out
    assert json.loads(fake("things", "box", "get", "--json").out)["name"] == "box"
    assert json.loads(fake("--json", "things", "box", "-q", "get").out)["name"] == "box"
    wrong = fake("things", "box", "gat")
    assert (wrong.code, "'get'" in wrong.err) == (2, True)
    inside = fake("things", "box", "--jid", "a@b", "get")
    assert "connection options stand before the command" in inside.err
    assert "things box get" in [path for path, _ in leaves(Tree(PACKAGE))]


def test_examples_are_in_the_help(fake: Fake) -> None:
    assert "Examples:\n  fake things add a@b c@d\n" in fake("things", "add", "-h").out


def test_version_is_not_v(fake: Fake) -> None:
    assert fake("--version").out == f"xmppctl {__version__}\n"
    assert fake("-v", "things", "get", "x").err.startswith("* looking for x")


def test_no_arguments(fake: Fake) -> None:
    result = fake()
    assert (result.code, result.out) == (2, "")
    assert "Messages:" in result.err


def test_only_the_called_command_is_imported() -> None:
    program = (
        "import sys; from xmppctl.cli.main import main; "
        f"main(['things', 'list', '-h'], package={PACKAGE!r}); "
        "print([m for m in sys.modules if m.startswith("
        f"{PACKAGE + '.'!r})], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == f"['{PACKAGE}.things']\n"


def test_index_is_used_ignored_and_completed() -> None:
    index = {"say": ("Rooms", "From the index.", False), "gone": ("Rooms", "No more.", False)}
    tree = Tree(PACKAGE, index=index)
    context = click.Context(tree, info_name="x")
    text = tree.get_help(context)
    assert "From the index." in text
    assert "gone" not in text
    assert "List, add and remove things." in text


def test_built_index() -> None:
    namespace: dict[str, dict[str, object]] = {}
    exec(build_index(PACKAGE), namespace)  # the text is what is committed
    assert namespace["INDEX"] == {
        "long-wait": ("Tools", "Wait for a signal.", False),
        "monitored": ("Services", "Look at things.", False),
        "say": ("Messages", "Say something.", False),
        "things": ("Data", "List, add and remove things.", False),
    }


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["thnigs"], "'things'"),
        (["long-wiat"], "'long-wait'"),
        (["things", "lst"], "'list'"),
        (["things", "list", "--nnoe"], "'--none'"),
        (["things", "list", "--jsno"], "'--json'"),
        (["--acount", "x", "things"], "'--account'"),
    ],
)
def test_did_you_mean(fake: Fake, words: list[str], meant: str) -> None:
    result = fake(*words)
    assert (result.code, result.out) == (2, "")
    assert "Did you mean" in result.err
    assert meant in result.err
    assert result.err.startswith("Usage: xmppctl")
    assert len(result.err.splitlines()) == 3


@pytest.mark.parametrize(
    "words",
    [
        ("things", "--jid", "a@b", "list"),
        ("things", "list", "--jid", "a@b"),
        ("things", "list", "--jid=a@b"),
        ("things", "list", "-ja@b"),
        ("say", "--password-command", "touch x", "text"),
        ("say", "text", "--connect=h:1"),
        ("say", "text", "--pin", "sha256:00"),
    ],
)
def test_connection_options_stand_before_the_command(fake: Fake, words: tuple[str, ...]) -> None:
    result = fake(*words)
    assert (result.code, result.out) == (2, "")
    assert "connection options stand before the command: xmppctl -" in result.err


def test_after_two_dashes_everything_is_text(fake: Fake) -> None:
    for text in ("--jid=x@y", "-o", "--password-command", "--", "--json"):
        assert fake("say", "-o", "plain", "--", text).out == f"{text}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "things", "list"),
        ("things", "--json", "list"),
        ("things", "list", "--json"),
        ("-o", "csv", "things", "list", "--json"),
        ("-o", "csv", "things", "-o", "plain", "list", "-o", "tsv", "-o", "json"),
        ("things", "list", "-ojsonl", "--json"),
    ],
)
def test_output_options_at_every_level_the_later_wins(fake: Fake, words: tuple[str, ...]) -> None:
    assert fake(*words).out.startswith("[")


def test_later_format_wins_over_json(fake: Fake) -> None:
    assert fake("--json", "things", "list", "-o", "plain").out == "one\ntwo\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--jid", "a b@c", "say", "x"),
        ("--connect", "nowhere", "say", "x"),
        ("--tls", "off", "say", "x"),
        ("--retry", "-1", "say", "x"),
        ("say", "x", "-o", "xml"),
        ("say", "x", "--timeout", "soon"),
        ("say", "x", "--json=1"),
        ("say", "x", "y"),
        ("things", "add"),
        ("things", "add", "@@"),
    ],
)
def test_bad_values_are_usage_errors(fake: Fake, words: tuple[str, ...]) -> None:
    result = fake(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: xmppctl")


def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(ValueError, match="'Misc'"):
        group("x", section="Misc", help="X.")
    with pytest.raises(ValueError, match="'Misc'"):
        command("x", section="Misc", examples=("x",))(lambda: None)


def test_a_callback_without_contract_is_refused() -> None:
    def callback():  # type: ignore[no-untyped-def]
        """Do it."""

    with pytest.raises(TypeError, match="no return annotation"):
        command("x", section="Tools", examples=("x",))(callback).contract()

    def wrong() -> int:
        """Do it."""
        return 1

    with pytest.raises(TypeError, match="no contract"):
        command("x", section="Tools", examples=("x",))(wrong).contract()
