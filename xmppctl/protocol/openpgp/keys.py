"""XEP-0373 §4: the keys that an account announces, each looked at before it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import LocalError, RefusedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.openpgp import KeyRing, KeyStore, KnownKey, OpenPgpKey
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.openpgp import KEYS_NODE, NS, STEP, fingerprint, key_node, user_id
from xmppctl.protocol.openpgp.content import decode
from xmppctl.protocol.openpgp.sequoia import PublicKey, SecretKey, generate
from xmppctl.protocol.pubsub import items
from xmppctl.records import dataclass
from xmppctl.session.stream import Session

LIST = f"{{{NS}}}public-keys-list"
ENTRY = f"{{{NS}}}pubkey-metadata"
FINGERPRINT = "v4-fingerprint"

_MOST = 20
"""So many keys of one account are looked at."""

_FEATURE = "keys for OpenPGP (personal eventing, XEP-0163)"


@dataclass(frozen=True)
class Announced:
    """A key that an account announces; ``key`` is None where it cannot be used as its key.

    ``problem``: why it is not to be used for encryption.
    """

    fingerprint: str
    date: str | None
    key: PublicKey | None
    problem: str | None = None


def service(session: Session, bare: Jid) -> Jid | None:
    """Who is asked for the keys of ``bare``; None is the own account."""
    return None if str(bare) == session.bare else bare


async def listed(session: Session, of: Jid | None) -> Element | None:
    """The list of the metadata node (§4.2); None where there is none.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    try:
        found = await items.read(session, KEYS_NODE, service=of, last=1, feature=_FEATURE)
    except RefusedError as error:
        error.step = STEP
        if error.condition != "item-not-found":
            raise
        return None
    return next((each.payload for each in reversed(found) if each.payload.tag == LIST), None)


def entries(listing: Element | None) -> dict[str, str | None]:
    """Fingerprints, in their order, with the date of each; what is none is left out."""
    found: dict[str, str | None] = {}
    for entry in () if listing is None else listing.findall(ENTRY):
        try:
            found.setdefault(fingerprint(entry.get(FINGERPRINT, "")), entry.get("date"))
        except ValueError:
            continue
    return found


async def announced(session: Session, bare: Jid, known: Mapping[str, KnownKey]) -> list[Announced]:
    """The keys that ``bare`` announces. One of ``known`` with the same date is not asked for.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    return await looked_up(
        session, bare, entries(await listed(session, service(session, bare))), known
    )


async def looked_up(
    session: Session, bare: Jid, wanted: Mapping[str, str | None], known: Mapping[str, KnownKey]
) -> list[Announced]:
    """Those keys among them that ``bare`` announces, by their fingerprints. As ``announced``."""
    of = service(session, bare)
    found = list(wanted.items())
    if len(found) > _MOST:
        session.trace.note(f"{bare} announces {len(found)} keys: the first {_MOST} are looked at")

    async def one(name: str, date: str | None) -> Announced:
        have = known.get(name)
        try:
            if have is not None and date is not None and have.date == date:
                data = have.data
            else:
                data = await published(session, of, name)
            return Announced(name, date, *_looked_at(data, name, bare))
        except (ValueError, RefusedError) as error:
            return Announced(name, date, None, str(error))

    return list(await asyncio.gather(*(one(*each) for each in found[:_MOST])))


async def published(session: Session, of: Jid | None, name: str) -> bytes:
    """The key in its data node (§4.1); its newest item counts.

    Raises RefusedError where there is none, ValueError where it cannot be read.
    """
    found = await items.read(session, key_node(name), service=of, last=1, feature=_FEATURE)
    for item in reversed(found):
        if item.payload.tag == f"{{{NS}}}pubkey":
            return decode(item.payload.findtext(f"{{{NS}}}data"))
    raise ValueError("it is announced, and not there")


def _looked_at(data: bytes, name: str, bare: Jid) -> tuple[PublicKey | None, str | None]:
    """The key, where it is the one that its name says and a key of ``bare`` (§3.2, §8.4)."""
    try:
        key = PublicKey(data)
    except ValueError as error:
        return None, f"it cannot be read ({error})"
    if key.fingerprint != name:
        return None, f"what is there is another key, {key.fingerprint}"
    if user_id(str(bare)) not in key.user_ids:
        return None, f"it has no user id {user_id(str(bare))}"
    return key, key.problem


def secrets(ring: KeyRing) -> list[SecretKey]:
    """The own keys of this machine, the newest first. Raises LocalError."""
    found = []
    for each in ring.secrets:
        try:
            found.append(SecretKey(each.data))
        except ValueError as error:
            raise LocalError(
                f"the secret key {each.fingerprint} of this machine cannot be read: {error}",
                step=STEP,
                condition="damaged",
                hint="xmppctl openpgp restore gets it from a backup",
            ) from None
    return found


def own_or_new(store: KeyStore, bare: str, tell: Callable[[str], None]) -> SecretKey:
    """The newest own key of this machine; where there is none, one that is made and told.

    Runs at the same time make one key together. Raises LocalError.
    """
    made: list[SecretKey] = []

    def change(before: KeyRing) -> KeyRing:
        if before.secrets:
            return before
        made.append(generate(user_id(bare)))
        return before.with_secrets({made[0].fingerprint: made[0].data})

    ring = store.update(change)
    if made:
        tell(f"made a new key for {bare}: {made[0].fingerprint}")
    return secrets(ring)[0]


def merged(
    old: KnownKey | None, new: Announced, trust: Literal["blind", "undecided"] = "blind"
) -> KnownKey:
    """What is kept of an announced key; ``trust`` is that of a new one."""
    assert new.key is not None
    return KnownKey(new.key.data, new.date, trust if old is None else old.trust)


def shown(bare: Jid, there: Sequence[Announced], ring: KeyRing, *, own: bool) -> list[OpenPgpKey]:
    """The keys that ``bare`` announces, and behind them those that are only kept here.

    ``own``: it is the own account.
    """
    found = [record(str(bare), each, ring) for each in there]
    told = {each.fingerprint for each in there}
    kept: dict[str, bytes] = {name: each.data for name, each in ring.of(str(bare)).items()}
    if own:
        kept.update((each.fingerprint, each.data) for each in ring.secrets)
    for name in kept:
        if name not in told:
            key, problem = _looked_at(kept[name], name, bare)
            found.append(_record(str(bare), name, key, problem or "it is not announced", ring))
    return found


def record(bare: str, each: Announced, ring: KeyRing) -> OpenPgpKey:
    """What is shown of an announced key."""
    return _record(
        bare, each.fingerprint, each.key, each.problem, ring, is_announced=True, date=each.date
    )


def failed(bare: str, error: XmppctlError) -> OpenPgpKey:
    """What is shown where nothing can be told."""
    return OpenPgpKey(bare, problem=error.text, error=error.info())


def _record(
    bare: str,
    name: str,
    key: PublicKey | None,
    problem: str | None,
    ring: KeyRing,
    *,
    is_announced: bool = False,
    date: str | None = None,
) -> OpenPgpKey:
    secret = any(each.fingerprint == name for each in ring.secrets)
    known = ring.of(bare).get(name)
    return OpenPgpKey(
        jid=bare,
        fingerprint=name,
        user_ids=None if key is None else key.user_ids,
        announced=is_announced,
        published_at=_stamp(date),
        expires_at=None if key is None else key.expires_at,
        revoked=None if key is None else key.revoked,
        usable=problem is None,
        problem=problem,
        trust="own" if secret else "unknown" if known is None else known.trust,
        secret=secret,
    )


def _stamp(date: str | None) -> datetime | None:
    try:
        return None if date is None else parse_datetime(date)
    except ValueError:
        return None
