"""The lean start of aioxmpp: real classes, little loaded, and what is said where it is missing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from xmppctl.errors import UsageError
from xmppctl.session import lean


def python(program: str, **env: str) -> list[str]:
    import os

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "XMPPCTL_STOCK_AIOXMPP": "0", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_little_is_loaded() -> None:
    program = (
        "import json, sys\n"
        "from xmppctl.session import lean\n"
        "lean.install(); lean.install()\n"
        "import aioxmpp.disco.xso, aioxmpp.ping.xso\n"
        "names = ['OpenSSL', 'babel', 'tzlocal', 'dns', 'aioxmpp.service', 'aioxmpp.node']\n"
        "print(json.dumps([name for name in names if name in sys.modules]))\n"
    )
    assert json.loads(python(program)[0]) == []


def test_deferred_modules_are_the_real_ones_when_touched() -> None:
    program = (
        "from xmppctl.session import lean\n"
        "lean.install()\n"
        "import aioxmpp, aioxmpp.stanza, pytz\n"
        "print(type(pytz).__name__, pytz.utc.zone)\n"
        "print(aioxmpp.JID.fromstr('a@b/c'), aioxmpp.Message is aioxmpp.stanza.Message)\n"
        "from aioxmpp.errors import XMPPCancelError\n"
        "print(XMPPCancelError.__name__)\n"
        "try:\n    aioxmpp.no_such_thing\nexcept AttributeError as e:\n    print('no', e)\n"
    )
    lines = python(program)
    assert lines[0].endswith("UTC")
    assert lines[1] == "a@b/c True"
    assert lines[2] == "XMPPCancelError"
    assert lines[3].startswith("no ")


def test_stock(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected in (("", False), ("0", False), ("1", True)):
        monkeypatch.setenv("XMPPCTL_STOCK_AIOXMPP", value)
        assert lean.stock() is expected
    program = (
        "from xmppctl.session import lean\nlean.install()\nimport aioxmpp\n"
        "print(type(aioxmpp).__name__, 'aioxmpp.node' in __import__('sys').modules)\n"
    )
    assert python(program, XMPPCTL_STOCK_AIOXMPP="1") == ["module True"]


def test_without_aioxmpp(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "aioxmpp"]:
        monkeypatch.delitem(sys.modules, name)
    finders = [each for each in sys.meta_path if not isinstance(each, lean._Finder)]
    monkeypatch.setattr(sys, "meta_path", finders)
    monkeypatch.setattr("importlib.machinery.PathFinder.find_spec", lambda *_: None)
    with pytest.raises(UsageError) as caught:
        lean.install()
    assert "--no-deps aioxmpp==" in (caught.value.hint or "")


@pytest.mark.parametrize("module", ["ping", "send", "flights"])
def test_operations_without_payload_classes_load_nothing_of_it(module: str) -> None:
    program = (
        f"import sys, xmppctl.protocol.{module}\n"
        "print(sorted(name for name in sys.modules if name.startswith('aioxmpp')))\n"
        "import aioxmpp.rsm.xso\n"
        "print(type(sys.modules['aioxmpp']).__name__)\n"
    )
    assert python(program) == ["[]", "_Root"]
