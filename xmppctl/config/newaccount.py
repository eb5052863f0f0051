"""Puts together what ``account add`` writes: settings from options, and where the password is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from xmppctl.config import keys, secrets, sendxmpprc
from xmppctl.config.paths import expand
from xmppctl.config.profiles import did_you_mean
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.records import dataclass

Table = dict[str, bool | int | float | str | list[str]]

_SECRETS = ("password_command", "password_file", "password")


@dataclass(frozen=True)
class Wanted:
    """Where the password of a new account is to be.

    ``command`` and ``file``: it is asked there. ``keyring``: it is kept in the keyring. ``fd``: it
    is read now, ``prompt``: it is asked for now, and stored in the keyring or else in the file.
    """

    command: str | None = None
    file: str | None = None
    fd: int | None = None
    keyring: bool = False
    prompt: bool = False

    def check(self) -> None:
        """Raise UsageError where they contradict each other."""
        places = [self.command is not None, self.file is not None, self.keyring]
        values = [self.fd is not None, self.prompt]
        if sum(places) > 1 or sum(values) > 1 or (any(values) and any(places[:2])):
            raise UsageError(
                "several places are named for one password",
                step="config",
                hint="name one; --secret-keyring goes with --secret-prompt or --password-fd",
            )


def from_options(options: Mapping[str, tuple[object, str]]) -> tuple[Table, Wanted]:
    """The connection options of the command line as keys of an account."""
    table: Table = {}
    given: dict[str, object] = {}
    for name, (raw, origin) in options.items():
        key = keys.KEYS.get(name)
        if name == "account":
            raise UsageError(f"{origin} does not go with account add", step="config")
        if name == "allow_downgrade":
            raise UsageError(f"{origin} holds for one run and is not stored", step="config")
        if name == "jid" or key is None or raw is None or raw == ():
            continue
        value = _convert(key, raw, origin)
        if name.startswith("password_"):
            given[name] = value.value
        elif key.account:
            table[name] = keys.as_toml(key, value)
    command, file, fd = (given.get(f"password_{kind}") for kind in ("command", "file", "fd"))
    return table, Wanted(
        None if command is None else str(command),
        None if file is None else str(file),
        fd if isinstance(fd, int) else None,
    )


def from_pairs(pairs: Iterable[str]) -> Table:
    """The ``NAME=VALUE`` of ``--set`` as keys of an account. Raises UsageError."""
    table: Table = {}
    allowed = [
        key.name
        for key in keys.KEYS.values()
        if key.account and key.name != "jid" and not key.name.startswith("password_")
    ]
    for pair in pairs:
        name, equals, text = pair.partition("=")
        # What follows the sign is not repeated: somebody may have put a password there.
        if not equals:
            raise UsageError("option --set needs NAME=VALUE", step="config")
        if name not in allowed:
            raise UsageError(
                f"option --set: there is no setting {name!r} to be set in this way",
                step="config",
                hint=did_you_mean(name, allowed),
            )
        key = keys.KEYS[name]
        table[name] = keys.as_toml(key, _convert(key, text, f"option --set {name}"))
    return table


def imported(text: str) -> tuple[Table, tuple[str, ...]]:
    """The account in the file ``text`` of sendxmpp, and its settings that are not taken over."""
    found = sendxmpprc.load(file_path(text, "option --from-sendxmpprc"))
    return dict(found.table), found.ignored


def file_path(text: str, origin: str) -> Path:
    """``text`` as an absolute path, UsageError that names ``origin`` where it is none."""
    try:
        return expand(text)
    except ValueError as error:
        raise UsageError(f"{origin}: {error}", step="config") from None


def with_jid(table: Table, jid: Jid | None) -> Table:
    """``table`` with the JID first, where ``jid`` is given; UsageError where no JID is usable."""
    if jid is not None:
        table = {"jid": str(jid), **table}
    if "jid" not in table:
        raise UsageError("no JID was given", step="config", hint="account add NAME JID")
    if jid is not None and jid.local is None and table.get("anonymous") is not True:
        raise UsageError(
            f"{jid} is a domain, not an account",
            step="config",
            hint="give USER@DOMAIN, or --anonymous before the command",
        )
    return table


def with_secret(table: Table, wanted: Wanted, jid: Jid, *, no_input: bool) -> Table:
    """``table`` with the place of the password; what ``table`` had is replaced, if any is named.

    Reads, asks for and stores the password in the keyring where that is wanted. Raises UsageError
    and LocalError.
    """
    wanted.check()
    if wanted == Wanted():
        return table
    table = {name: value for name, value in table.items() if name not in _SECRETS}
    password = None
    if wanted.prompt or wanted.fd is not None:
        source = None
        if wanted.fd is not None:
            source = secrets.make("fd", "option --password-fd", wanted.fd)
        purpose = replace(secrets.PASSWORD, prompt=2)
        password = secrets.provider(purpose, source, whose=str(jid.bare), no_input=no_input)()
    if wanted.keyring:
        if password is not None:
            secrets.keyring_set(str(jid.bare), password)
        return {**table, "keyring": True}
    if password is not None:
        return {**table, "password": password}
    if wanted.command is not None:
        return {**table, "password_command": wanted.command}
    return {**table, "password_file": str(wanted.file)}


def _convert(key: keys.Key, raw: object, origin: str) -> keys.Value:
    try:
        return keys.convert(key, raw, origin)
    except ValueError as error:
        raise UsageError(f"{origin}: {error}", step="config") from None
