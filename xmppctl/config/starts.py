"""How runs began that reached their server: the same words may connect before they are understood.

It takes 40 ms to import Click, to parse a command line and to resolve its settings. A run that did
so and logged in leaves in ``CACHE/starts`` what its connection needed, under a digest of all that
decided on it: the words up to the verb, the options behind it, the environment, the working
directory; and beside it, when the configuration file was changed. Nothing here knows what a word
means. It is a guess, and the digest is short: whoever uses it compares it with the account that
comes out in the end (``xmppctl.headstart``). The words themselves are not kept.

Each line of the file is a start, with NUL between its parts: neither JSON nor anything else is
imported here that the first byte of a run would have to wait for.
"""

from __future__ import annotations

import os
import sys
from binascii import crc32
from collections import namedtuple

from xmppctl.model.aim import Aim, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NAME = "starts"
_FORMAT = b"1"
_PARTS = 12
"""Of a line."""

_MOST = 16
"""Starts that are kept; the one that was written first goes first."""

_DECIDING = ("home", "all_proxy", "xdg_config_home", "xdg_cache_home")
"""Variables that bear upon where a run connects, beside those with XMPPCTL_ in their names."""


class Start(namedtuple("Start", ("digest", "verb", "config", "stamp", "aim"))):
    """One of them.

    ``digest`` is of a line whose verb is its word number ``verb``, from 1 on. ``config``: the
    configuration file, ``stamp`` what tells that it has not changed, "" where there is none.
    """

    __slots__ = ()


def digest(words: Sequence[str], verb: int, env: Mapping[str, str] = os.environ) -> int:
    """The digest of a command line up to its verb, and of what kind the words behind that are."""
    around = sorted(f"{name}={_value(name, env[name])}" for name in env if _decides(name))
    text = "\0".join([*words[:verb], "", *_kinds(words[verb:]), "", *around, _here()])
    return crc32(os.fsencode(text))


def match(words: Sequence[str], env: Mapping[str, str] = os.environ) -> Start | None:
    """The start that is kept for these words, where all is as it was."""
    digests: dict[int, int] = {}
    for line in _lines(env):
        start = _start(line)
        if start is None or not 0 < start.verb <= len(words):
            continue
        if start.verb not in digests:
            digests[start.verb] = digest(words, start.verb, env)
        if digests[start.verb] == start.digest:
            return start if stamp(start.config) == start.stamp else None
    return None


def stamp(config: str) -> str:
    """What changes with a file; empty where there is none."""
    try:
        found = os.stat(config)  # noqa: PTH116  # pathlib is not there yet
    except (OSError, ValueError):
        return ""
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"


def keep(start: Start, env: Mapping[str, str] = os.environ) -> None:
    """Keep one more, in the place of the one that has its digest."""
    from pathlib import Path

    from xmppctl.config import paths
    from xmppctl.errors import LocalError

    line = _line(start)
    if b"\n" in line or line.count(b"\0") != _PARTS - 1:  # a path like no other
        return
    key = line.split(b"\0", 2)[:2]
    others = [each for each in _lines(env) if each.split(b"\0", 2)[:2] != key]
    try:
        paths.write_cache(Path(_file(env)), b"\n".join([line, *others][:_MOST]))
    except (OSError, LocalError):
        return


def forget(env: Mapping[str, str] = os.environ) -> None:
    """Keep none of them any more: whose they are cannot be told from a digest."""
    try:
        os.unlink(_file(env))  # noqa: PTH108
    except OSError:
        return


def _file(env: Mapping[str, str]) -> str:
    """Its path, without platformdirs (10 ms with all that it imports) where that would say so."""
    folder = env.get("XMPPCTL_CACHE_DIR", "")
    if not folder and sys.platform == "linux":
        base = env.get("XDG_CACHE_HOME") or env.get("HOME", "") + "/.cache"
        folder = f"{base}/xmppctl" if base != "/.cache" else ""
    if folder.startswith("/"):
        return f"{folder}/{_NAME}"
    from xmppctl.config import paths

    return str(paths.cache_dir(env) / _NAME)


def _lines(env: Mapping[str, str]) -> list[bytes]:
    """The newest first; none where there is no file."""
    try:
        with open(_file(env), "rb", buffering=0) as file:  # noqa: PTH123
            return file.read().split(b"\n")
    except OSError:
        return []


def _kinds(words: Sequence[str]) -> Iterator[str]:
    """The options as they stand there without their values, and that there are other words."""
    before = None
    for place, word in enumerate(words):
        kind = word.partition("=")[0] if word.startswith("-") and word != "-" else "*"
        if kind != "*" or before != "*":
            yield kind
        before = kind
        if word == "--":
            yield from "*"[: len(words) - place - 1]
            return


def _decides(name: str) -> bool:
    return "XMPPCTL_" in name or name.lower() in _DECIDING


def _value(name: str, value: str) -> str:
    """A value; of a secret, which may be in a variable itself, only that there is one."""
    return "" if name.endswith("PASSWORD") and value else value


def _here() -> str:
    try:
        return os.getcwd()  # noqa: PTH109  # as text
    except OSError:
        return ""


def _line(start: Start) -> bytes:
    aim, place = start.aim, start.aim.place
    ca_file, until = aim.ca_file or "", "" if aim.until is None else aim.until
    parts = (*start[:4], *place[:3], int(place.direct_tls), aim.domain, ca_file, until)
    return b"\0".join([_FORMAT, *(os.fsencode(str(part)) for part in parts)])


def _start(line: bytes) -> Start | None:
    """None where it is damaged, or was written by another version."""
    format, *parts = line.split(b"\0")
    if format != _FORMAT or len(parts) != _PARTS - 1:
        return None
    code, verb, config, changed, host, address, port, direct_tls, domain, ca_file, until = map(
        os.fsdecode, parts
    )
    try:
        place = Place(host, address, int(port), direct_tls == "1")
        aim = Aim(place, domain, ca_file or None, until=float(until) if until else None)
        return Start(int(code), int(verb), config, changed, aim)
    except ValueError:
        return None
