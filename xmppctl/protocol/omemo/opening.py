"""XEP-0384 §4.6: messages that come for the account's device on this machine.

A key that a message was decrypted with is gone, so that what was read and not handed on yet stays
in the state (``_PENDING``) until it is: a server gives a message that was not acknowledged again,
and a run may be killed between decrypting and printing.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.jid import lenient
from xmppctl.model.payload.content import Encryption
from xmppctl.protocol.encrypting import BODY
from xmppctl.protocol.omemo import ENCRYPTED, NEW, OLD, require
from xmppctl.protocol.opening import Opened, Opener
from xmppctl.protocol.payload.encryption import NAMES
from xmppctl.session.stream import Session
from xmppctl.session.xml import XmlError, serialise

if TYPE_CHECKING:
    from omemo import DeviceInformation
    from omemo.message import Message

    from xmppctl.model.omemostate import State
    from xmppctl.protocol.omemo.library import Manager
    from xmppctl.protocol.omemo.manager import Omemo

_PENDING = "x/pending/"
_FLUSHED = 60.0
"""Seconds in which what was handed on is certainly printed, while a run goes on."""

_KEPT = 30 * 86400.0
"""Seconds that something is kept which was never handed on."""

_IDLE = 1.0
"""Seconds of silence after which what came while nobody listened is dealt with."""

_UNTOLD = float("inf")
_NS_EVENT = "http://jabber.org/protocol/pubsub#event"
_EVENT = f"{{{_NS_EVENT}}}event/{{{_NS_EVENT}}}items"

_BEFORE = "it was decrypted before, and its key is gone"
_EMPTY = "it has no content: it keeps the session going"
_OWN = "it was sent by this device, which encrypts nothing for itself"


def method(session: Session, opener: Opener) -> Opening:
    """See ``protocol.opening.Method``."""
    return Opening(session, opener)


class Opening:
    """``protocol.opening.Opening`` of OMEMO."""

    def __init__(self, session: Session, opener: Opener) -> None:
        self._session = session
        self._opener = opener
        self._state: State | None = opener.omemo_state()
        self._omemo: Omemo | None = None
        self._mine: dict[str, float | None] = {}
        """When each was handed on; ``_UNTOLD`` where nobody says so, None where it was not."""
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        session.at_end.append(self.close)

    async def open(self, stanza: Element, payload: Element) -> Opened:
        """See ``protocol.opening.Opening.open``. What has no content is never news."""
        opened = await self._open(stanza, payload)
        if payload.find(f"{{{ENCRYPTED[payload.tag]}}}payload") is None:
            return replace(opened, silent=True)
        return opened

    async def _open(self, stanza: Element, payload: Element) -> Opened:
        ns = ENCRYPTED[payload.tag]
        if self._state is None:
            return _failed(ns, "this machine has no OMEMO device for the account yet "
                               "(xmppctl omemo init)")  # fmt: skip
        require()
        key = _PENDING + _digest(payload)
        before = self._state.load(key)
        if before is not None:
            self._mine.setdefault(key, _UNTOLD)
            return self._shown(stanza, ns, json.loads(before))
        sender = self._sender(stanza)
        if sender is None:
            return _failed(ns, "the room does not tell whose message it is")
        return await self._decrypted(stanza, payload, ns, sender, key)

    def _sender(self, stanza: Element) -> str | None:
        """The bare JID of the account it is from, in a room the one behind the nickname."""
        sender = stanza.get("from", self._session.bare)
        if stanza.get("type") != "groupchat":
            return str(lenient(sender).bare)
        real = self._opener.occupant(stanza)
        return None if real is None else str(lenient(real).bare)

    async def _decrypted(
        self, stanza: Element, payload: Element, ns: str, sender: str, key: str
    ) -> Opened:
        from omemo import OMEMOException

        from xmppctl.protocol.omemo import trust
        from xmppctl.protocol.omemo.manager import Omemo, own_device
        from xmppctl.protocol.omemo.sealing import name
        from xmppctl.protocol.omemo.wire import MalformedError, guarded, number, version

        state, session = self._state, self._session
        assert state is not None
        if (device := own_device(state)) is None:
            return _failed(ns, "this machine has no OMEMO device for the account yet "
                               "(xmppctl omemo init)")  # fmt: skip
        own = session.bare
        try:
            header = payload.find(f"{{{ns}}}header")
            sid = number(header.get("sid") if header is not None else None, "the sender's device")
        except MalformedError as error:
            return _failed(ns, str(error))
        if (sender, sid) == (own, device):
            return _failed(ns, _OWN, device=sid)
        if self._omemo is None:
            self._omemo = Omemo(session, state)
        found: dict[str, Any] = {}
        new: list[DeviceInformation] = []

        async def action(manager: Manager) -> None:
            found.clear()
            new.clear()
            if (before := state.load(key)) is not None:  # by another run, a moment ago
                found.update(json.loads(before))
                return
            known = await _device(manager, ns, sender, sid)
            if known is not None:
                new.extend(await trust.decide_blindly(manager, sender, [known]))
                level = trust.BLIND if new else known.trust_level_name
                found.update(_about(known, level))
            identity = known.identity_key if known is not None else None
            message: Message = guarded(
                lambda: version(ns).read_encrypted(payload, sender, own, device, identity)
            )
            plain, _, _ = await manager.decrypt(message)
            if plain is not None:
                found["plain"] = plain.decode(errors="replace")
            found["at"] = time.time()
            state.store(key, json.dumps(found))

        try:
            await self._omemo.run(action, fresh=False)
        except OMEMOException as error:
            return _failed(ns, _reason(error), device=sid, **_trust(found))
        except MalformedError as error:
            return _failed(ns, f"the message is malformed: {error}", device=sid)
        except ConnectError:
            raise
        except XmppctlError as error:
            return _failed(ns, error.text, device=sid, **_trust(found))
        for each in new:
            self._opener.tell(f"new OMEMO device, trusted blindly: {name(each)}")
        self._mine.setdefault(key, _UNTOLD)
        self._later()
        return self._shown(stanza, ns, found)

    # --- what is shown

    def _shown(self, stanza: Element, ns: str, found: dict[str, Any]) -> Opened:
        from xmppctl.protocol.omemo import sce
        from xmppctl.protocol.omemo.wire import MalformedError

        known = {"device": found.get("device"), **_trust(found)}
        if "plain" not in found:
            # it keeps the session going and says nothing (§4.5)
            return Opened(
                Encryption(ns, NAMES[ns], "decrypted", _EMPTY, **known), (), ns == NEW, silent=True
            )
        if ns == OLD:
            body = Element(BODY)
            body.text = _printable(found["plain"])
            return Opened(Encryption(ns, NAMES[ns], "decrypted", **known), (body,), whole=False)
        group = stanza.get("type") == "groupchat"
        place = stanza.get("from" if group and not self._is_own(stanza) else "to")
        try:
            content, when = sce.unwrap(
                found["plain"].encode(),
                sender=self._sender(stanza) or "",
                to=str(lenient(place or self._session.bare).bare),
                group=group,
            )
        except MalformedError as error:
            return _failed(ns, str(error), **known)
        except sce.MismatchError as error:
            return Opened(Encryption(ns, NAMES[ns], "rejected", str(error), **known))
        return Opened(Encryption(ns, NAMES[ns], "decrypted", time=when, **known), content)

    def _is_own(self, stanza: Element) -> bool:
        return str(lenient(stanza.get("from", "")).bare) == self._session.bare

    # --- afterwards

    def hides(self, stanza: Element) -> bool:
        """Whether it tells of what this run has published: one server tells the publisher too."""
        if self._omemo is None or stanza.get("from", self._session.bare) != self._session.bare:
            return False
        items = stanza.find(_EVENT)
        return items is not None and items.get("node") in self._omemo.publisher.nodes

    def handed_on(self, payload: Element, *, wanted: bool) -> None:
        """Its record was handed on, or not ``wanted``: then it is for another run."""
        key = _PENDING + _digest(payload)
        if key in self._mine:
            self._mine[key] = time.time() if wanted else None

    def _later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_IDLE, self._begin_settling)

    def _begin_settling(self) -> None:
        async def settle() -> None:
            with suppress(XmppctlError):  # whoever reads is told of the end of the stream
                await self._settle()

        self._task = asyncio.ensure_future(settle())

    async def _settle(self) -> None:
        """What was put off while messages were coming: answers to new sessions, used pre-keys."""
        if self._omemo is None or self._state is None:
            return
        if any(self._state.load(f"/queue/{ns}") not in (None, "[]") for ns in (OLD, NEW)):
            await self._omemo.run(lambda manager: manager.after_history_sync(), fresh=False)
        self._forget(time.time() - _FLUSHED)

    def _forget(self, before: float) -> None:
        """Take out what was handed on before that time, and what nobody ever wanted."""
        state = self._state
        assert state is not None
        done = [key for key, at in self._mine.items() if at is not None and at <= before]
        oldest = time.time() - _KEPT
        done += [
            key for key, text in state.items(_PENDING) if json.loads(text).get("at", 0) < oldest
        ]
        if done:
            with state.transaction():
                for key in done:
                    state.delete(key)
                    self._mine.pop(key, None)

    async def close(self, orderly: bool) -> None:
        """The run is over; when it was ``orderly`` all was handed on and flushed."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            await self._task
        if self._state is None or not self._mine:
            return
        if orderly:
            await self._settle()
        self._forget(_UNTOLD if orderly else time.time())


async def _device(manager: Manager, ns: str, sender: str, sid: int) -> DeviceInformation | None:
    """What is known of a device; where it is not, its account is asked."""
    for again in (False, True):
        if again:
            await manager.refresh_device_list(ns, sender)
        for each in await manager.get_device_information(sender):
            if each.device_id == sid:
                return each
    return None


def _about(device: DeviceInformation, level: str) -> dict[str, Any]:
    from xmppctl.protocol.omemo.sealing import fingerprint

    return {
        "device": device.device_id,
        "fingerprint": fingerprint(device),
        "trust": level,
    }


def _trust(found: dict[str, Any]) -> dict[str, Any]:
    level = found.get("trust")
    return {
        "fingerprint": found.get("fingerprint"),
        "trust": level,
        "trusted": None if level is None else level in ("verified", "trusted", "blind"),
    }


def _failed(ns: str, reason: str, **known: Any) -> Opened:
    encryption = Encryption(ns, NAMES[ns], "undecryptable", reason, **known)
    return Opened(encryption, silent=reason == _BEFORE)


def _digest(payload: Element) -> str:
    """Names the same message again, whichever way it comes."""
    copy = Element(payload.tag)
    copy.extend(payload)
    try:
        return sha256(serialise(copy, "").encode()).hexdigest()
    except XmlError:
        return sha256(repr(payload).encode()).hexdigest()


def _printable(text: str) -> str:
    """What XML could not have carried is replaced: nothing else is ready for it."""
    from xmppctl.session.xml import illegal_character

    while (bad := illegal_character(text)) is not None:
        text = text.replace(bad, "\ufffd")
    return text


def _reason(error: Exception) -> str:
    """Why a message cannot be decrypted, in words."""
    import omemo
    from doubleratchet import DuplicateMessageException

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, DuplicateMessageException):
            return _BEFORE
        cause = cause.__cause__
    for kind, text in (
        (omemo.MessageNotForUs, "it is not encrypted for this device"),
        (omemo.SenderNotFound, "its sender does not announce the device that it is from"),
        (omemo.SenderDistrusted, "the key of the device that it is from is not trusted"),
        (omemo.NoSession, "there is no session with the device that it is from: it may have been "
         "decrypted before, or be for an earlier device"),
        (omemo.PublicDataInconsistency, "it is signed with another key than its sender announces"),
        (omemo.KeyExchangeFailed, "the pre-key that it is for is gone: it may have been decrypted "
         "before"),
        (omemo.TooManySkippedMessageKeys, "too many messages before it are missing"),
        (omemo.DeviceListDownloadFailed, "the devices of its sender cannot be asked for"),
    ):  # fmt: skip
        if isinstance(error, kind):
            return text
    if isinstance(error, omemo.DecryptionFailed):
        return (
            "it does not fit the session with the device that it is from (if that stays so: "
            "xmppctl omemo refresh JID --new-session)"
        )
    return f"it cannot be decrypted ({type(error).__name__})"
