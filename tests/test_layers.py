"""Who may import whom, and what nobody imports before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("aioxmpp", "asyncio", "lxml", "tabulate", "dns", "ssl", "tomlkit", "keyring")


def python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    """The heavy modules that are there after ``statement``."""
    found = f"[name for name in {HEAVY!r} if name in sys.modules]"
    return set(json.loads(python(f"import json, sys\n{statement}\nprint(json.dumps({found}))")))


def test_the_contracts_of_the_layers_are_kept() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
    assert " 0 kept" not in done.stdout


def light_modules() -> list[str]:
    """Every module on the way of ``--help`` and completion."""
    found = ["xmppctl.errors", "xmppctl.output", "xmppctl.config", "xmppctl.session"]
    for package in ("model", "cli", "commands"):
        for path in sorted((ROOT / "xmppctl" / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found.append(name.removesuffix(".__init__"))
    return found


def test_light_modules_load_nothing_heavy() -> None:
    names = light_modules()
    assert "xmppctl.commands.ping" in names
    program = (
        "import importlib, json, sys\n"
        "found = {}\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    for heavy in {HEAVY!r}:\n"
        "        if heavy in sys.modules:\n"
        "            found.setdefault(heavy, name)\n"
        "print(json.dumps(found))\n"
    )
    assert json.loads(python(program)) == {}


def test_the_trace_alone_is_light() -> None:
    assert loaded_by("from xmppctl.session import Trace; Trace()") == set()
    assert loaded_by("from xmppctl.session.trace import Trace") == set()


def test_the_connection_itself_needs_no_xmpp_library() -> None:
    """The stream is our own; aioxmpp comes with the first payload."""
    loaded = loaded_by("from xmppctl.session import open_session")
    assert "ssl" in loaded
    assert not loaded & {"aioxmpp", "lxml", "dns"}


@pytest.mark.parametrize("name", ["Inbox", "Pending", "Session", "open_session", "open_stream"])
def test_the_names_of_the_session_package(name: str) -> None:
    import xmppctl.session

    assert name in xmppctl.session.__all__
    assert getattr(xmppctl.session, name).__name__ == name


def test_a_name_that_the_session_package_has_not() -> None:
    import xmppctl.session

    with pytest.raises(AttributeError, match="no_such_name"):
        _ = xmppctl.session.no_such_name


@pytest.mark.parametrize("name", ["dns", "dnsweb"])
def test_the_dns_is_looked_at_without_xmpp(name: str) -> None:
    assert "aioxmpp" not in loaded_by(f"import xmppctl.protocol.server.{name}")
