"""Reads the account file of sendxmpp (Perl) and of go-sendxmpp.

Two forms, told apart line by line:

- ``key: value`` with username, jserver, port, password, component (sendxmpp 1.24) or username,
  jserver, port, password, eval_password, alias (go-sendxmpp), of which the user name may be a
  whole JID;
- one line ``USER@DOMAIN[;HOST][:PORT] PASSWORD [COMPONENT]`` (sendxmpp up to 1.23).

In both, ``component`` is the JID's domain where that is not the host connected to.
"""

from __future__ import annotations

import re
from pathlib import Path

from xmppctl.config import paths, values
from xmppctl.errors import UsageError
from xmppctl.records import dataclass

_KEY = re.compile(r"([a-z_]+):\s*(.*)")
_LINE = re.compile(r"(\S+)@([^\s@]+)\s+(\S+)(?:\s+(\S+))?")
_PLACE = re.compile(r"(?:([^;]+);)?(\[[^\]]*\]|[^:;]+)(?::(\d+))?")


@dataclass(frozen=True)
class Imported:
    """What such a file says, as keys of ``[accounts.NAME]``.

    ``table`` has jid, and where given connect and password or password_command; ``ignored`` are
    the names of the settings that have no counterpart.
    """

    table: dict[str, str]
    ignored: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Imported(jid={self.table.get('jid')!r})"


def load(path: Path) -> Imported:
    """The account in ``path``.

    Raises LocalError where the file cannot be read or is open to others (both programs demand
    0600), UsageError with the line where it is malformed.
    """
    data = paths.read_private(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8", step="config") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if match := _KEY.fullmatch(line):
            found[match[1]] = match[2]
        elif match := _LINE.fullmatch(line):
            found = {"username": match[1], "jserver": match[2], "password": match[3]}
            if match[4]:
                found["component"] = match[4]
        else:
            # The line is not repeated: it may hold the password.
            raise UsageError(f"{path}: line {number} is not a setting of sendxmpp", step="config")
    return _account(path, {key: value for key, value in found.items() if value})


def _account(path: Path, found: dict[str, str]) -> Imported:
    user = found.pop("username", "")
    if not user:
        raise UsageError(f"{path}: it names no user", step="config")
    domain, host, port = _place(path, found.pop("jserver", ""))
    port = found.pop("port", None) or port
    component = found.pop("component", None)
    try:
        if "@" not in user:
            user = f"{user}@{component or domain or host}"
        jid = values.jid(user)
        table = {"jid": str(jid)}
        if host and (port or host.lower() != jid.domain):
            connect = f"{host}:{port or 5222}"
            values.host_port(connect)
            table["connect"] = connect
    except ValueError as error:
        raise UsageError(f"{path}: {error}", step="config") from None
    password = found.pop("password", None)
    command = found.pop("eval_password", None)
    if password:
        table["password"] = password
    elif command:
        table["password_command"] = command
    return Imported(table, tuple(found))


def _place(path: Path, jserver: str) -> tuple[str | None, str, str | None]:
    """Domain (where it is not the host), host and port of ``[DOMAIN;]HOST[:PORT]``."""
    if not jserver:
        return None, "", None
    match = _PLACE.fullmatch(jserver)
    if match is None:
        raise UsageError(f"{path}: {jserver!r} is not a server", step="config")
    return match[1], match[2], match[3]
