"""The state of logins, a file for every bare JID: strongest mechanism, devices, their FAST tokens.

The files hold secrets. They are read only where nobody else can, changed under a lock, and
replaced durably. One that cannot be understood is an error and not overwritten: with it the
protection against weaker mechanisms would be lost without a word.

Runs at the same time are different devices to the server, which ends what the same one bound
before (XEP-0386 §3.2) and the tokens it had before (XEP-0484 §3.5). Beside the file is a lock for
the place of each device: who holds it is the only one to use that device.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from xmppctl.config import paths
from xmppctl.errors import LocalError
from xmppctl.model.memory import Token

DEVICES = 16
"""Devices of a bare JID: so many runs at once have one."""

_FORMAT = 2
_BEFORE_DEVICES = 1
_TOKENS = 2
"""Tokens that are kept for a device: the newest, and the one before until that is used."""

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789.@_-")


class Device(NamedTuple):
    """A user agent (XEP-0388 §2.4) and its tokens, the best one first."""

    id: str
    tokens: tuple[Token, ...] = ()


class Login(NamedTuple):
    """What is kept for a bare JID; the place of a device in ``devices`` is that of its lock."""

    strongest: str | None = None
    devices: tuple[Device, ...] = ()

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Those of all devices."""
        return tuple(token for device in self.devices for token in device.tokens)


def file(jid: str, env: Mapping[str, str] = os.environ) -> Path:
    """The file of the bare ``jid``, which need not exist."""
    name = file_name(jid)
    if len(name) > 200:
        # a JID may be longer than a file name
        from hashlib import sha256

        name = f"{name[:100]}-{sha256(jid.encode()).hexdigest()[:32]}"
    return _directory(env) / f"{name}.json"


def file_name(jid: str) -> str:
    """``jid`` as a part of a file name: one that a person can read, where that is possible."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in jid.encode())


def read(jid: str, env: Mapping[str, str] = os.environ) -> Login:
    """What is kept for the bare ``jid``.

    Raises LocalError where the file is open to others, cannot be read, or not understood.
    """
    return _read(file(jid, env), jid)


def update(
    jid: str,
    change: Callable[[Login], Login],
    env: Mapping[str, str] = os.environ,
    *,
    seconds: float = paths.LOCK_SECONDS,
) -> Login:
    """Replace what is kept by what ``change`` makes of it; the result. Raises LocalError."""
    path = file(jid, env)
    _make_directory(path)
    with paths.locked(path, seconds):
        before = _read(path, jid)
        after = change(before)
        if after != before:
            _sweep(path)
            paths.write_private(path, _encode(jid, after))
    return after


def remove(jid: str, env: Mapping[str, str] = os.environ) -> bool:
    """Remove the file; whether there was one. Raises LocalError."""
    path = file(jid, env)
    if not os.path.lexists(path):
        return False
    with paths.locked(path):
        _sweep(path)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise LocalError(f"cannot remove {path}: {error.strerror}", step="state") from None
    return True


def kept(env: Mapping[str, str] = os.environ) -> list[tuple[str, Login]]:
    """Every bare JID that something is kept for, in order. Raises LocalError."""
    directory = _directory(env)
    try:
        found = sorted(directory.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LocalError(f"cannot read {directory}: {error.strerror}", step="state") from None
    files = [path for path in found if path.suffix == ".json" and path.name[0] != "."]
    both = [(path, _decode(path, data)) for path in files if (data := _bytes(path)) is not None]
    return [(jid, login) for path, (jid, login) in both if file(jid, env) == path]


def hold(jid: str, places: Iterable[int], env: Mapping[str, str] = os.environ) -> Held | None:
    """Take the first of ``places`` that nobody else holds; None where none can be had."""
    import fcntl

    path = file(jid, env)
    for place in places:
        descriptor = _open_lock(path, place)
        if descriptor is None:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        except OSError:
            # a file system without locks: nothing tells that a device is nobody else's
            os.close(descriptor)
            return None
        else:
            return Held(place, descriptor)
    return None


class Held:
    """The lock of a device's place; it ends with this object or the process, however that ends."""

    def __init__(self, place: int, descriptor: int) -> None:
        self.place = place
        self.release = weakref.finalize(self, os.close, descriptor)
        self.release.atexit = False


def with_devices(login: Login, count: int) -> Login:
    """``login`` with at least ``count`` devices: the ones it has, and new ones."""
    new = (Device(_new_id()) for _ in range(count - len(login.devices)))
    return login._replace(devices=(*login.devices, *new))


def with_token(login: Login, token: Token) -> Login:
    """``login`` with one more token: those that last longest come first, the new one of equals.

    Unchanged where the token's device is not there any more.
    """

    def change(device: Device) -> Device:
        if device.id != token.device:
            return device
        stay = (each for each in device.tokens if each.token != token.token and not expired(each))
        tokens = sorted([token, *stay], key=_end, reverse=True)
        return device._replace(tokens=tuple(tokens[:_TOKENS]))

    return login._replace(devices=tuple(change(each) for each in login.devices))


def without_token(login: Login, token: Token) -> Login:
    """``login`` without this very token."""
    return _of_tokens(login, lambda each: each.token != token.token)


def without_tokens(login: Login) -> Login:
    """``login`` with its devices and without any of their tokens."""
    return _of_tokens(login, lambda each: False)


def expired(token: Token) -> bool:
    """Whether the token's time is over; never where its end is not known."""
    return _end(token) <= time.time()


def _of_tokens(login: Login, stays: Callable[[Token], bool]) -> Login:
    devices = (Device(each.id, tuple(filter(stays, each.tokens))) for each in login.devices)
    return login._replace(devices=tuple(devices))


def _new_id() -> str:
    """A UUIDv4, without the import of uuid."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _open_lock(path: Path, place: int) -> int | None:
    name = f"{path}.{place}.lock"
    flags = os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(name, os.O_RDWR | flags, 0o600)
    except FileNotFoundError:
        try:
            _make_directory(path)
            return os.open(name, os.O_RDWR | flags, 0o600)
        except (OSError, LocalError):
            return None
    except OSError:
        pass
    try:
        # of a file system that is read-only: a lock that is there can be held all the same
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None


def _make_directory(path: Path) -> None:
    paths.ensure_private_dir(paths.ensure_private_dir(path.parent.parent) / path.parent.name)


def _end(token: Token) -> float:
    """The end of the token's time in seconds since the epoch, infinite where it is not known."""
    from datetime import UTC, datetime

    try:
        end = datetime.fromisoformat(token.expiry or "")
        return (end if end.tzinfo else end.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("inf")


def _directory(env: Mapping[str, str]) -> Path:
    return paths.state_dir(env) / "logins"


def _bytes(path: Path) -> bytes | None:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}", step="state") from None
    return paths.read_private(path)


def _sweep(path: Path) -> None:
    """Remove what a run that was killed left beside ``path``; the lock is held."""
    with suppress(OSError):
        for each in path.parent.iterdir():
            if each.name.startswith(f".{path.name}."):
                each.unlink(missing_ok=True)


def _read(path: Path, jid: str) -> Login:
    data = _bytes(path)
    if data is None:
        return Login()
    whose, login = _decode(path, data)
    if whose != jid:
        raise _odd(path, f"it is about {whose}")
    return login


def _encode(jid: str, login: Login) -> bytes:
    import json

    devices = [
        {"id": device.id, "tokens": [_without_device(token) for token in device.tokens]}
        for device in login.devices
    ]
    data = {"format": _FORMAT, "jid": jid, "strongest": login.strongest, "devices": devices}
    return json.dumps(data, ensure_ascii=False, indent=1).encode()


def _without_device(token: Token) -> dict[str, str | None]:
    return {name: value for name, value in token._asdict().items() if name != "device"}


def _decode(path: Path, data: bytes) -> tuple[str, Login]:
    import json

    try:
        found = json.loads(data)
        if found["format"] not in (_FORMAT, _BEFORE_DEVICES):
            raise _odd(path, "another version of xmppctl wrote it")
        # the one device of the older format is left behind: only this must not be lost
        devices = found["devices"] if found["format"] == _FORMAT else []
        login = Login(_text(found["strongest"]), tuple(_device(each) for each in devices))
        return _required(found["jid"]), login
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _odd(path, "it is damaged") from None


def _device(data: Any) -> Device:
    name = _required(data["id"])
    tokens = (
        Token(
            mechanism=_required(each["mechanism"]),
            token=_required(each["token"]),
            expiry=_text(each["expiry"]),
            device=name,
            issued=_required(each["issued"]),
        )
        for each in data["tokens"]
    )
    return Device(name, tuple(tokens))


def _text(value: Any) -> str | None:
    return None if value is None else _required(value)


def _required(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _odd(path: Path, why: str) -> LocalError:
    import shlex

    return LocalError(
        f"{path} cannot be used: {why}",
        step="state",
        condition="malformed",
        hint=f"remove it, and log in by password again: rm {shlex.quote(str(path))}",
    )
