"""What runs leave for later ones, in files: the guess about a server, and the state of a login.

``CACHE/servers/`` holds a file for every JID and way to its server. It is replaced without fsync:
one that is lost, damaged or of another format is as if it were not there. ``STATE/logins/`` holds
a file of mode 0600 for every bare JID. It is changed under a lock, on what it contains at that
moment, and replaced durably, so that runs at the same time lose nothing of each other. Each of
them has a device of its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from xmppctl.config import logins, paths, starts
from xmppctl.config.logins import Device, Login
from xmppctl.errors import LocalError
from xmppctl.model.memory import PLACE_SECONDS, Known, Token

_FORMAT = 1
_OLD = PLACE_SECONDS + 60.0
"""Seconds after which a guess is written again: so much later, the login did not begin by it."""

_LOCK_SECONDS = 5.0


class FileMemory:
    """``model.memory.Memory`` in files.

    ``jid``: the bare JID, or the domain of an anonymous login. ``way``: what else a guess depends
    on, as texts. ``state``: whether there is a login whose state is kept.
    """

    def __init__(
        self, jid: str, way: Sequence[str], env: Mapping[str, str] = os.environ, *, state: bool
    ) -> None:
        self._jid = jid
        self._way = list(way)
        self._env = env
        self._state = state
        self._looked = False
        self._known: Known | None = None
        self._login: Login | None = None
        self._dropped: set[str] = set()
        self._writable = state
        self._asked = not state
        self._held: logins.Held | None = None
        self._device: str | None = None

    def known(self) -> Known | None:
        """See ``Memory.known``; what another run learns meanwhile is for the next one."""
        if not self._looked:
            self._looked, self._known = True, self._read_known()
        return self._known

    def learn(self, known: Known) -> None:
        """See ``Memory.learn``; the time is the one of now, whatever ``known.seen`` is."""
        now = time.time()
        before = self.known()
        known = known._replace(seen=now)
        if (
            before is not None
            and before._replace(seen=now) == known
            and 0 <= now - before.seen < _OLD
        ):
            return
        self._looked, self._known = True, known
        import json

        data = {"format": _FORMAT, "jid": self._jid, "way": self._way, "known": known._asdict()}
        with suppress(OSError, LocalError):
            paths.write_cache(self._cache(), json.dumps(data, ensure_ascii=False).encode())

    def forget(self) -> None:
        """See ``Memory.forget``."""
        self._looked, self._known = True, None
        with suppress(OSError):
            self._cache().unlink(missing_ok=True)

    def strongest(self) -> str | None:
        """See ``Memory.strongest``."""
        return self._read().strongest

    def authenticated(
        self, mechanism: str, order: Sequence[str], *, accepted: bool = False
    ) -> None:
        """See ``Memory.authenticated``."""

        def stronger(login: Login) -> Login:
            old = login.strongest
            known = old is not None and old in order
            if not accepted and known and order.index(mechanism) <= order.index(str(old)):
                return login
            return login._replace(strongest=mechanism)

        # looked at before the lock is asked for: nearly every login finds nothing to change
        if mechanism in order and stronger(self._read()) != self._read():
            self._update(stronger)

    def device(self) -> str | None:
        """See ``Memory.device``; it is taken when it is asked for first."""
        if not self._asked:
            self._asked = True
            self._device = self._take()
        return self._device

    def close(self) -> None:
        """Let another run have the device; the end of the process does that too."""
        if self._held is not None:
            self._held.release()
        self._held = self._device = None

    def keeps_tokens(self) -> bool:
        """See ``Memory.keeps_tokens``."""
        path = logins.file(self._jid, self._env)
        return self.device() is not None and os.access(path.parent, os.W_OK | os.X_OK)

    def token(self) -> Token | None:
        """See ``Memory.token``; no device is taken where none has a token."""
        if not self._asked and not any(map(self._usable, self._read().tokens)):
            return None
        device = self.device()
        usable = (each for each in self._read().tokens if each.device == device)
        return next(filter(self._usable, usable), None)

    def keep_token(self, token: Token) -> bool:
        """See ``Memory.keep_token``."""
        written = self._update(lambda login: logins.with_token(login, token))
        return written and token in self._read().tokens

    def drop_token(self, token: Token) -> None:
        """See ``Memory.drop_token``."""
        self._dropped.add(token.token)
        self._update(lambda login: logins.without_token(login, token))

    def drop_tokens(self) -> None:
        """See ``Memory.drop_tokens``."""
        with suppress(LocalError):
            self._dropped.update(each.token for each in self._read().tokens)
        self._update(logins.without_tokens)

    def _take(self) -> str | None:
        """The id of a device that no other run has, made where there is none."""
        devices = self._read().devices
        places = sorted(
            range(logins.DEVICES),
            # stable: those without a token come behind, in order, and the new ones last
            key=lambda place: not any(map(self._usable, _tokens(devices, place))),
        )
        self._held = logins.hold(self._jid, places, self._env)
        if self._held is None:
            return None
        place = self._held.place
        self._login = None  # whoever had it until now may have changed it
        if place >= len(self._read().devices):
            self._update(lambda login: logins.with_devices(login, place + 1))
        devices = self._read().devices
        if place < len(devices):
            return devices[place].id
        self.close()
        return None

    def _usable(self, token: Token) -> bool:
        return token.token not in self._dropped and not logins.expired(token)

    def _read_known(self) -> Known | None:
        import json

        try:
            data = json.loads(self._cache().read_bytes())
            if (data["format"], data["jid"], data["way"]) != (_FORMAT, self._jid, self._way):
                return None
            return _known(data["known"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def _cache(self) -> Path:
        from binascii import crc32

        code = crc32("\0".join([self._jid, *self._way]).encode())
        return servers_dir(self._env) / f"{logins.file_name(self._jid)[:180]}-{code:08x}.json"

    def _read(self) -> Login:
        if self._login is None:
            self._login = logins.read(self._jid, self._env) if self._state else Login()
        return self._login

    def _update(self, change: Callable[[Login], Login]) -> bool:
        """Change the file; False where that failed, and then nothing more is tried."""
        self._login = None
        if self._writable:
            try:
                self._login = logins.update(self._jid, change, self._env, seconds=_LOCK_SECONDS)
            except LocalError:
                self._writable = False
        return self._writable


def servers_dir(env: Mapping[str, str] = os.environ) -> Path:
    """Where the guesses about servers are."""
    return paths.cache_dir(env) / "servers"


def forget(jid: str, env: Mapping[str, str] = os.environ) -> bool:
    """Remove all that is kept of logins of the bare ``jid``, and of its servers; whether any was.

    Raises LocalError.
    """
    found = logins.remove(jid, env)
    starts.forget(env)
    name = logins.file_name(jid)[:180]
    with suppress(OSError):
        for path in servers_dir(env).glob("*.json"):
            if path.name[: -len("-00000000.json")] == name:
                path.unlink(missing_ok=True)
                found = True
    return found


def _known(data: Any) -> Known:
    place = data["place"]
    if place is not None:
        host, address, port, direct = place
        place = (_text(host), _text(address), _number(port), bool(direct))
    bindings = data["bindings"]
    return Known(
        mechanisms=_texts(data["mechanisms"]),
        sasl2=_texts(data["sasl2"]),
        fast=_texts(data["fast"]),
        inline=_texts(data["inline"]),
        bindings=None if bindings is None else _texts(bindings),
        features=_text(data["features"]),
        place=place,
        archive=data["archive"] is True,
        unbound=data["unbound"] is True,
        patience=float(data["patience"]),
        seen=float(data["seen"]),
    )


def _tokens(devices: Sequence[Device], place: int) -> tuple[Token, ...]:
    return devices[place].tokens if place < len(devices) else ()


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return tuple(_text(each) for each in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 < value < 65536:
        raise ValueError("no port")
    return value
