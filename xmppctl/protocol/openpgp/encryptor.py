"""XEP-0374: messages that go out, encrypted for all keys of their recipients and for oneself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from xmppctl.errors import RefusedError, UnsupportedError, UntrustedError, XmppctlError, from_info
from xmppctl.model.jid import Jid
from xmppctl.model.openpgp import KeyRing, KeyStore, KnownKey
from xmppctl.protocol.encrypting import put_encrypted, take_content
from xmppctl.protocol.openpgp import NS, STEP
from xmppctl.protocol.openpgp.content import Mode, compose, wrap
from xmppctl.protocol.openpgp.keys import (
    Announced,
    announced,
    entries,
    listed,
    looked_up,
    secrets,
)
from xmppctl.protocol.openpgp.sequoia import PublicKey, SecretKey, encrypt, sign
from xmppctl.protocol.openpgp.trust import Policy, chosen, is_trusted, learn
from xmppctl.protocol.outgoing import Outgoing
from xmppctl.session.stream import Session

_AT_ONCE = 50
_INSTEAD = {
    "signcrypt": "This message is encrypted with OpenPGP (XEP-0373).",
    "crypt": "This message is encrypted with OpenPGP (XEP-0373).",
    "sign": "This message is signed with OpenPGP (XEP-0373).",
}


async def prepare(
    session: Session,
    store: KeyStore,
    recipients: Sequence[Jid],
    *,
    mode: Mode,
    sign_key: str | None,
    trust: Policy,
    tell: Callable[[str], None],
) -> Encryptor:
    """All that is needed to encrypt for ``recipients``, whose keys are asked for at once.

    A recipient without a key that is trusted is an error of its messages. ``tell`` is told of new
    keys. Raises UntrustedError where the messages cannot be signed, LocalError, and what ends the
    stream.
    """
    ring = store.read()
    jids = list(dict.fromkeys(each.bare for each in recipients))
    failed: dict[str, XmppctlError] = {}
    found: dict[str, Sequence[Announced]] = {}
    looking = asyncio.ensure_future(_of_own_account(session, ring, mode))

    async def ask(jid: Jid) -> None:
        try:
            found[str(jid)] = await announced(session, jid, ring.of(str(jid)))
        except (RefusedError, UnsupportedError) as error:
            failed[str(jid)] = _no_keys(str(jid), error)
        except XmppctlError as error:
            failed[str(jid)] = error

    try:
        if mode != "sign":
            for begin in range(0, len(jids), _AT_ONCE):
                await asyncio.gather(*map(ask, jids[begin : begin + _AT_ONCE]))
        mine, elsewhere = await looking
    finally:
        looking.cancel()
    ring = learn(store, ring, {session.bare: elsewhere, **found}, tell)
    keys: dict[str, list[PublicKey]] = {}
    for jid, there in found.items():
        own = _secrets(ring) if jid == session.bare else frozenset()
        try:
            keys[jid] = chosen(jid, there, ring.of(jid), trust, own)
        except UntrustedError as error:
            failed[jid] = error
    if jids and len(failed) == len(jids):
        signer = None  # nothing will be signed
    else:
        signer = _signer(session, ring, sign_key, mine) if mode != "crypt" else None
    own_keys = [*_own(ring), *_trusted(elsewhere, ring.of(session.bare), trust)]
    return Encryptor(mode, keys, failed, own_keys, signer)


async def _of_own_account(
    session: Session, ring: KeyRing, mode: Mode
) -> tuple[dict[str, str | None], list[Announced]]:
    """The own keys that are announced, and those of other machines among them.

    What is not signed goes out whether the account tells of its keys or not. Raises as ``listed``.
    """
    try:
        there = entries(await listed(session, None))
    except (RefusedError, UnsupportedError):
        if mode != "crypt":
            raise
        return {}, []
    if mode == "sign":
        return there, []
    mine = _secrets(ring)
    others = {name: date for name, date in there.items() if name not in mine}
    known = ring.of(session.bare)
    return there, await looked_up(session, session.jid.bare, others, known)


def _trusted(
    there: Sequence[Announced], known: Mapping[str, KnownKey], trust: Policy
) -> list[PublicKey]:
    return [
        each.key
        for each in there
        if each.key is not None
        and each.problem is None
        and is_trusted(known, each.fingerprint, trust)
    ]


class Encryptor:
    """Encrypts for the recipients that were prepared. See ``encrypting.Encryptor``."""

    def __init__(
        self,
        mode: Mode,
        keys: dict[str, list[PublicKey]],
        failed: dict[str, XmppctlError],
        own: Sequence[PublicKey],
        signer: SecretKey | None,
    ) -> None:
        self._mode = mode
        self._keys = keys
        self._failed = failed
        self._own = own
        self._signer = signer

    async def encrypt(self, message: Outgoing) -> Outgoing:
        """See ``encrypting.Encryptor``."""
        to = str(message.to.bare)
        if to in self._failed:
            raise from_info(self._failed[to].info())
        content = compose(self._mode, [to], take_content(message.stanza))
        try:
            if self._mode == "sign":
                assert self._signer is not None
                sealed = sign(content, self._signer)
            else:
                # for oneself too, on all machines: so it can be read in the archive (§3.1)
                sealed = encrypt(content, [*self._keys[to], *self._own], self._signer)
        except ValueError as error:
            raise UntrustedError(
                f"the message to {to} could not be encrypted ({error}): nothing was sent",
                step=STEP,
            ) from None
        put_encrypted(message.stanza, wrap(sealed), NS, _INSTEAD[self._mode])
        return message

    async def close(self) -> None:
        """See ``encrypting.Encryptor``."""


def _secrets(ring: KeyRing) -> frozenset[str]:
    return frozenset(each.fingerprint for each in ring.secrets)


def _own(ring: KeyRing) -> list[PublicKey]:
    """The own keys of this machine that can be encrypted for."""
    return [each.public for each in secrets(ring) if each.public.problem is None]


def _signer(
    session: Session, ring: KeyRing, wanted: str | None, mine: dict[str, str | None]
) -> SecretKey:
    """The key to sign with: one that others can find, or nobody could tell whose it is (§3.2)."""
    there = [each for each in secrets(ring) if wanted in (None, each.fingerprint)]
    if not there:
        if wanted is not None:
            raise _unsigned(f"the secret key {wanted} is not on this machine", "no-key")
        raise _unsigned(f"{session.bare} has no OpenPGP key on this machine", "no-key")
    problems = []
    for key in there:
        problem = key.public.problem
        if key.fingerprint not in mine:
            problem = problem or "it is not announced"
        try:
            if problem is None and key.signer:
                return key
        except ValueError as error:
            problem = str(error)
        problems.append(f"{key.fingerprint}: {problem}")
    raise _unsigned(
        f"no OpenPGP key of {session.bare} can sign ({'; '.join(problems)})", "untrusted"
    )


def _unsigned(text: str, condition: str) -> UntrustedError:
    return UntrustedError(
        f"{text}: nothing was sent",
        step=STEP,
        condition=condition,
        hint="xmppctl openpgp publish makes a key where there is none, and announces it; restore "
        "gets it from a backup",
    )


def _no_keys(jid: str, error: XmppctlError) -> XmppctlError:
    """What it means that the keys of ``jid`` cannot be read."""
    if error.condition in ("remote-server-not-found", "remote-server-timeout"):
        return error
    return UntrustedError(
        f"{jid} shows no OpenPGP keys ({error.condition}): nothing was sent",
        step=STEP,
        condition="no-key",
        type=error.type,
        by=error.by,
        hint="the recipient has to announce a key, and to show it to you",
    )
