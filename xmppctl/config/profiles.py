"""Reads ``config.toml``: accounts and preferences, every key and value checked.

    default_account = "work"
    [accounts.work]
    jid = "alice@example.org"
    password_command = "pass show xmpp/work"

Of ``password_command``, ``password_file``, ``keyring = true`` and ``password`` an account has at
most one. The other keys are the connection options by their names with underscores (``keys``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from xmppctl import standins
from xmppctl.config import keys, paths, way
from xmppctl.config.secrets import Source
from xmppctl.errors import LocalError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.records import dataclass

_SECRET_KEYS = ("password_command", "password_file", "keyring", "password")


@dataclass(frozen=True)
class Profile:
    """One ``[accounts.NAME]``: its settings by name, and the source of its password, if any."""

    name: str
    jid: Jid
    settings: Mapping[str, keys.Value]
    secret: Source | None = None


@dataclass(frozen=True)
class Config:
    """The whole file; empty where there is none."""

    path: Path
    default_account: str | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    settings: Mapping[str, keys.Value] = field(default_factory=dict)

    def profile(self, name: str, origin: str) -> Profile:
        """The account ``name``; UsageError, which lists the accounts, where there is none."""
        found = self.profiles.get(name)
        if found is None:
            known = ", ".join(self.profiles) or "none"
            raise UsageError(
                f"{origin}: there is no account {name!r} in {self.path}",
                step="config",
                hint=f"accounts: {known}",
            )
        return found

    def default(self) -> tuple[Profile, str] | None:
        """The account used where none is named, and why: the default, or the only one."""
        if self.default_account is not None:
            origin = f"default_account in {self.path}"
            return self.profile(self.default_account, origin), origin
        if len(self.profiles) == 1:
            [profile] = self.profiles.values()
            return profile, f"the only account in {self.path}"
        return None


def load(path: Path | None = None) -> Config:
    """The configuration of ``path`` (by default ``config_file()``); empty where there is no file.

    Raises UsageError for what is malformed, with file, account and key; LocalError where the file
    cannot be read, or holds a password and is open to others.
    """
    path = path or paths.config_file()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Config(path)
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}", step="config") from None
    config = check(decode(data, path), path)
    if holds_password(config):
        paths.check_private(path)
    return config


def decode(data: bytes, path: Path) -> dict[str, Any]:
    """The TOML document in ``data``; UsageError with the line where it is malformed."""
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}: line {line} is not UTF-8", step="config") from None
    except tomllib.TOMLDecodeError as error:
        end = f"at line {len(data.splitlines())}, the end of the file"
        told = str(error).replace("at end of document", end)
        raise UsageError(f"{path} is not TOML: {told}", step="config") from None


def check(document: Mapping[str, Any], path: Path) -> Config:
    """``document`` as a Config; UsageError names file, account and key of what is wrong."""
    top = {name for name, key in keys.KEYS.items() if key.top}
    _known(document, {"default_account", "accounts", *top}, str(path))
    default = document.get("default_account")
    if default is not None and (not isinstance(default, str) or not default):
        raise UsageError(f"{path}: default_account must be the name of an account", step="config")
    accounts = document.get("accounts", {})
    if not isinstance(accounts, dict):
        raise UsageError(f"{path}: accounts must be a table", step="config")
    return Config(
        path,
        default,
        {name: _profile(name, table, path) for name, table in accounts.items()},
        {name: _value(name, document[name], str(path), path) for name in top if name in document},
    )


def holds_password(config: Config) -> bool:
    """Whether the file itself contains a password."""
    return any(
        profile.secret is not None and profile.secret.kind == "config"
        for profile in config.profiles.values()
    )


def _profile(name: str, table: object, path: Path) -> Profile:
    where = f"account {name} in {path}"
    if not name or not isinstance(table, dict):
        raise UsageError(f"{where}: it must be a table [accounts.NAME]", step="config")
    allowed = {key.name for key in keys.KEYS.values() if key.account}
    _known(table, {*allowed, *_SECRET_KEYS}, where)
    settings = {
        key: _value(key, raw, where, path) for key, raw in table.items() if key in keys.KEYS
    }
    jid = settings["jid"].value if "jid" in settings else None
    if not isinstance(jid, Jid):
        raise UsageError(f"{where}: it has no jid", step="config")
    if why := way.contradiction(settings):
        raise UsageError(f"{where}: {why}", step="config")
    return Profile(name, jid, settings, _secret(table, settings, jid, where))


def _secret(
    table: Mapping[str, Any], settings: Mapping[str, keys.Value], jid: Jid, where: str
) -> Source | None:
    if not isinstance(table.get("keyring", False), bool):
        raise UsageError(f"{where}: keyring must be true or false", step="config")
    given = [key for key in _SECRET_KEYS if table.get(key, False) is not False]
    if len(given) > 1:
        raise UsageError(f"{where}: {' and '.join(given)} exclude each other", step="config")
    if not given:
        return None
    [key] = given
    if key == "keyring":
        return Source("keyring", where, str(jid.bare))
    if key == "password":
        if not isinstance(table[key], str) or not table[key]:
            raise UsageError(f"{where}: password must be a text", step="config")
        return Source("config", where, table[key])
    if key == "password_file":
        return Source("file", where, Path(str(settings[key].value)))
    return Source("command", where, str(settings[key].value))


def _value(name: str, raw: object, where: str, path: Path) -> keys.Value:
    key = keys.KEYS[name]
    items = raw if key.kind == "list" and isinstance(raw, list) else [raw]
    # A TOML boolean is an int to Python.
    wrong = isinstance(raw, bool) and key.kind != "switch"
    if wrong or not all(isinstance(item, key.toml_types) for item in items):
        expected = {"switch": "true or false", "number": "a number or a text"}
        raise UsageError(
            f"{where}: {name} must be {expected.get(key.kind, 'a text')}", step="config"
        )
    try:
        return keys.convert(key, raw, where, path.parent)
    except ValueError as error:
        raise UsageError(f"{where}: {name}: {error}", step="config") from None


def _known(table: Iterable[str], allowed: set[str], where: str) -> None:
    for name in table:
        if name not in allowed:
            raise UsageError(
                f"{where}: there is no setting {name!r}",
                step="config",
                hint=did_you_mean(name, allowed),
            )


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """A hint that names the settings nearest to ``name``, or all of them."""
    near = standins.real("difflib").get_close_matches(name.replace("-", "_"), sorted(allowed), n=2)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"settings: {', '.join(sorted(allowed))}"
