"""The App where no command line is needed."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys

import pytest

from xmppctl.cli import App
from xmppctl.errors import UsageError


@pytest.mark.parametrize(
    ("present", "command"),
    [
        ({"pip"}, "{python} -m pip install --no-deps aioxmpp==0.13.3"),
        (set(), "uv pip install --python {python} --no-deps aioxmpp==0.13.3"),
    ],
)
def test_a_session_needs_the_library(
    monkeypatch: pytest.MonkeyPatch, present: set[str], command: str
) -> None:
    importlib.import_module("xmppctl.session.lean")
    for name in [name for name in sys.modules if name.partition(".")[0] == "aioxmpp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [importlib.machinery.PathFinder])
    monkeypatch.setattr(importlib.machinery.PathFinder, "find_spec", lambda *_: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in present or None)
    with pytest.raises(UsageError) as caught:
        App().session()
    assert caught.value.hint == command.format(python=sys.executable)


def test_nothing_is_resolved_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XMPPCTL_TLS", "off")
    app = App()
    assert (app.fields, app.deadline, app.step) == (None, None, "start")
    with pytest.raises(UsageError, match="XMPPCTL_TLS"):
        _ = app.format


def test_fields_are_split_at_commas() -> None:
    app = App()
    app.options["fields"] = ("a, b,c", "option --fields")
    assert app.fields == ["a", "b", "c"]


def test_the_password_of_the_account_is_asked_once_and_may_be_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XMPPCTL_JID", "a@example.org")
    monkeypatch.setenv("XMPPCTL_PASSWORD", "secret")
    account = App().account
    assert account.password is not None
    assert account.password() == "secret"
    assert "secret" not in repr(account)
