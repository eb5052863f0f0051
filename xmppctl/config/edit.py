"""Changes to ``config.toml`` that keep what a person wrote: comments, order, blank lines.

Each change happens under a lock, on the file as it is at that moment, and is written whole. The
result is read back by the same rules as any configuration before it takes the file's place, so
that no change leaves a file that the next run refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmppctl.config import paths, profiles
from xmppctl.errors import LocalError, UsageError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def add(
    name: str, table: Mapping[str, Any], *, default: bool = False, path: Path | None = None
) -> profiles.Config:
    """Add the account ``name``; the first account becomes the default. UsageError if it exists.

    ``table``: the keys of ``[accounts.NAME]`` with TOML values.
    """
    _check_name(name)

    def change(document: TOMLDocument) -> None:
        import tomlkit

        if name in document.get("accounts", {}):
            raise _conflict(name)
        if "accounts" not in document:
            document["accounts"] = tomlkit.table(is_super_table=True)
        first = not document["accounts"]
        entry = tomlkit.table()
        entry.update(table)
        document["accounts"][name] = entry
        if default or first:
            document["default_account"] = name

    return _edit(change, path)


def use(name: str, *, path: Path | None = None) -> profiles.Config:
    """Make ``name`` the default account. UsageError where there is no such account."""

    def change(document: TOMLDocument) -> None:
        _require(document, name)
        document["default_account"] = name

    return _edit(change, path)


def remove(name: str, *, path: Path | None = None) -> profiles.Config:
    """Remove the account ``name``, and the default where it was that. UsageError if missing."""

    def change(document: TOMLDocument) -> None:
        _require(document, name)
        del document["accounts"][name]
        if document.get("default_account") == name:
            del document["default_account"]

    return _edit(change, path)


def set_password(name: str, password: str, *, path: Path | None = None) -> profiles.Config:
    """Change the stored password of the account ``name``. UsageError where it has none."""

    def change(document: TOMLDocument) -> None:
        _require(document, name)
        if "password" not in document["accounts"][name]:
            raise UsageError(f"the account {name!r} stores no password", step="config")
        document["accounts"][name]["password"] = password

    return _edit(change, path)


def check_new(config: profiles.Config, name: str) -> None:
    """Raise UsageError where ``name`` cannot be added, before anything is asked for it."""
    _check_name(name)
    if name in config.profiles:
        raise _conflict(name)


def _check_name(name: str) -> None:
    if not name or not name.isprintable() or name.startswith("-") or " " in name:
        raise UsageError(f"{name!r} cannot be the name of an account", step="config")


def _conflict(name: str) -> UsageError:
    return UsageError(
        f"there is an account {name!r} already",
        step="config",
        condition="conflict",
        hint=f"xmppctl account remove {name} --yes",
    )


def _require(document: TOMLDocument, name: str) -> None:
    accounts = document.get("accounts", {})
    if name not in accounts:
        raise UsageError(
            f"there is no account {name!r}",
            step="config",
            condition="item-not-found",
            hint=f"accounts: {', '.join(accounts) or 'none'}",
        )


def _edit(change: Callable[[TOMLDocument], None], path: Path | None) -> profiles.Config:
    import tomlkit

    path = path or paths.config_file()
    paths.ensure_private_dir(path.parent)
    with paths.locked(path):
        try:
            data = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise LocalError(f"cannot read {path}: {error.strerror}", step="config") from None
        if profiles.holds_password(profiles.check(profiles.decode(data, path), path)):
            paths.check_private(path)
        document = tomlkit.parse(data.decode("utf-8"))
        change(document)
        text = tomlkit.dumps(document).encode()
        config = profiles.check(profiles.decode(text, path), path)
        paths.write_private(path, text)
    return config
