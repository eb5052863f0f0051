"""XEP-0373 §3.2, XEP-0374: messages that come in, decrypted, and believed by their signature."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.jid import lenient, parse
from xmppctl.model.openpgp import KeyStore, KnownKey
from xmppctl.model.payload.content import Encryption
from xmppctl.protocol.opening import Opened, Opener
from xmppctl.protocol.openpgp import NS, keys, packets, sequoia, trust
from xmppctl.protocol.openpgp.content import Content, check, decode, read
from xmppctl.session.stream import Session

NAME = "ox"
_PATIENCE = 10.0
"""Seconds for the server of a sender to give its keys, while other messages wait."""
_FRESH, _AGAIN, _SILENT = 60.0, 1.0, 600.0
"""So many seconds old the keys of a sender may be: before a message, where none of them signed it,
and where nobody told. A run can last for days."""


class _RejectedError(ValueError):
    """It was opened, and must not be believed."""

    def __init__(self, reason: str, found: Content | None = None) -> None:
        super().__init__(reason)
        self.found = found


class Opening:
    """See ``opening.Opening``; the keys of a sender are asked for once, as long as they are fresh.

    What other runs change on this machine, keys and trust, is seen too.
    """

    def __init__(self, session: Session, opener: Opener, store: KeyStore) -> None:
        self._session = session
        self._opener = opener
        self._store = store
        self._ring = store.read()
        self._own = keys.secrets(self._ring)
        self._read_at = monotonic()
        self._asked: dict[str, tuple[float, frozenset[str] | None]] = {}

    async def open(self, stanza: Element, payload: Element) -> Opened:
        """See ``opening.Opening``."""
        self._look()
        own = self._session.bare
        sender = str(lenient(stanza.get("from") or own).bare)
        try:
            if stanza.get("type") == "groupchat":
                raise ValueError("in a room nobody can tell whose keys are meant")
            message = decode(payload.text)
            key, found = await self._read(message, sender)
            self._check(found, stanza, sender)
            signer = None
            if found.mode != "crypt":
                signer = await self._signer(message, key, sender)
                if signer is None:
                    raise _RejectedError(self._not_signed(sender), found)
        except _RejectedError as error:
            return Opened(_told("rejected", str(error), error.found))
        except ValueError as error:
            return Opened(_told("undecryptable", str(error)))
        how, trusted = self._trust(sender, signer)
        if how == "distrusted":
            reason = f"it is signed by the key {signer} of {sender}, which is distrusted here"
            return Opened(_told("rejected", reason, found, signer, how))
        return Opened(_told("decrypted", None, found, signer, how, trusted), found.payload)

    async def _read(self, message: bytes, sender: str) -> tuple[sequoia.SecretKey | None, Content]:
        """What is in a message, and the own key that opened it. Raises ValueError."""
        if not packets.is_encrypted(message):
            if await self._signer(message, None, sender) is None:
                raise _RejectedError(self._not_signed(sender))
            found = read(sequoia.signed(message, await self._keys(sender)))
            if found.mode != "sign":
                raise _RejectedError(f"it says {found.mode}, and is not encrypted", found)
            return None, found
        key, text = self._decrypted(message)
        found = read(text)
        if found.mode == "sign":
            raise _RejectedError("it says sign, and is encrypted", found)
        return key, found

    def _decrypted(self, message: bytes) -> tuple[sequoia.SecretKey, bytes]:
        if not self._own:
            raise ValueError(f"no secret key of {self._session.bare} is on this machine")
        reason = ""
        for key in self._own:
            try:
                return key, sequoia.decrypt(message, key)
            except ValueError as error:
                reason = str(error)
        raise ValueError(f"no key on this machine opens it ({reason})")

    def _check(self, found: Content, stanza: Element, sender: str) -> None:
        own = self._session.bare
        try:
            check(
                found,
                to=stanza.get("to") or own,
                own=own,
                sent=sender == own,
                when=self._opener.when or datetime.now(UTC),
            )
        except ValueError as error:
            raise _RejectedError(str(error), found) from None

    def _look(self) -> None:
        """See what other runs changed meanwhile. Raises LocalError."""
        if monotonic() - self._read_at > _AGAIN:
            before, self._ring = self._ring, self._store.read()
            if self._ring.secrets != before.secrets:
                self._own = keys.secrets(self._ring)
            self._read_at = monotonic()

    async def _signer(
        self, message: bytes, key: sequoia.SecretKey | None, sender: str
    ) -> str | None:
        """The key of ``sender`` that signed; one that is new may be announced since they came."""
        for age in (_FRESH, _AGAIN):
            if signer := sequoia.signer_of(message, key, await self._keys(sender, age)):
                return signer
        return None

    async def _keys(self, sender: str, age: float = _FRESH) -> Sequence[sequoia.PublicKey]:
        """The keys that may sign for ``sender``: announced ones, and those the user verified."""
        when, names = self._asked.get(sender, (None, None))
        if when is None or monotonic() - when > (_SILENT if names is None else age):
            names = await self._ask(sender)
            self._asked[sender] = (monotonic(), names)
        found = [
            sequoia.PublicKey(known.data)
            for name, known in self._ring.of(sender).items()
            # where nobody could be asked, what was learned before counts
            if names is None or name in names or known.trust == "verified"
        ]
        if sender == self._session.bare:
            found += [each.public for each in self._own]
        return found

    async def _ask(self, sender: str) -> frozenset[str] | None:
        """What ``sender`` announces now, which is kept; None where nobody tells.

        Raises what ended the stream, LocalError.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                there = await keys.announced(self._session, parse(sender), self._ring.of(sender))
        except ConnectError:
            raise
        except (TimeoutError, ValueError, XmppctlError) as error:
            self._session.trace.note(f"the OpenPGP keys of {sender} are not to be had: {error}")
            return None
        self._ring = trust.learn(self._store, self._ring, {sender: there}, self._opener.tell)
        # what was kept of a key does not count where it is no key of the sender any more
        return frozenset(each.fingerprint for each in there if each.key is not None)

    def _not_signed(self, sender: str) -> str:
        if sender in self._asked and self._asked[sender][1] is None:
            return f"the keys of {sender} could not be asked for, to know who signed it"
        return f"it is not signed by a key that {sender} announces"

    def _trust(self, sender: str, signer: str | None) -> tuple[str | None, bool]:
        """How far the key is trusted, and whether that is enough."""
        if signer is None:
            return None, False
        if sender == self._session.bare and any(each.fingerprint == signer for each in self._own):
            return "own", True
        known: Mapping[str, KnownKey] = self._ring.of(sender)
        have = known.get(signer)
        return None if have is None else have.trust, trust.is_trusted(known, signer)


def _told(
    state: str,
    reason: str | None = None,
    found: Content | None = None,
    signer: str | None = None,
    how: str | None = None,
    trusted: bool = False,
) -> Encryption:
    return Encryption(
        NS,
        NAME,
        state,
        reason,
        mode=None if found is None else found.mode,
        trust=how,
        # where nothing was opened, nothing is known of who wrote it
        trusted=None if found is None and state == "undecryptable" else trusted,
        signer=signer,
        valid=None if found is None and state == "undecryptable" else signer is not None,
        time=None if found is None else found.time,
    )
