"""Which keys are taken for those of somebody (XEP-0373 §9 leaves that to us).

Blind trust before verification: what an account announces is taken as it comes, and told, until the
user has decided about one of its keys. What comes then is undecided; and where one was verified, no
others count.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Literal

from xmppctl.errors import UntrustedError
from xmppctl.model.openpgp import KeyRing, KeyStore, KnownKey
from xmppctl.protocol.openpgp import STEP
from xmppctl.protocol.openpgp.keys import Announced, merged
from xmppctl.protocol.openpgp.sequoia import PublicKey

Policy = Literal["btbv", "verified", "skip"]


def chosen(
    jid: str,
    there: Sequence[Announced],
    known: Mapping[str, KnownKey],
    policy: Policy,
    own: Container[str] = (),
) -> list[PublicKey]:
    """The keys of ``jid`` that a message is encrypted for, with those that are ``own`` ones.

    Raises UntrustedError where there is none.
    """
    if not there:
        raise _none(f"{jid} announces no OpenPGP key", "no-key")
    usable = [each for each in there if each.key is not None and each.problem is None]
    if not usable:
        told = "; ".join(f"{each.fingerprint}: {each.problem}" for each in there)
        raise _none(f"{jid} announces no OpenPGP key that can be used ({told})", "no-key")
    trusted = [
        each.key
        for each in usable
        if each.key is not None
        and (each.fingerprint in own or is_trusted(known, each.fingerprint, policy))
    ]
    if trusted:
        return trusted
    names = ", ".join(each.fingerprint for each in usable)
    raise _none(
        f"no OpenPGP key of {jid} is trusted (announced: {names})",
        "untrusted",
        f"compare the fingerprint with {jid}, then: xmppctl openpgp trust {jid} "
        f"{usable[0].fingerprint}",
    )


def is_trusted(known: Mapping[str, KnownKey], fingerprint: str, policy: Policy = "btbv") -> bool:
    """Whether that key counts; one that the user distrusts never does."""
    have = known.get(fingerprint)
    trust = _at_first(known) if have is None else have.trust
    if trust in ("verified", "distrusted"):
        return trust == "verified"
    if policy != "btbv":
        return policy == "skip"
    return trust == "blind" and all(each.trust != "verified" for each in known.values())


def _at_first(known: Mapping[str, KnownKey]) -> Literal["blind", "undecided"]:
    """What a new key is, beside those that are ``known`` of its account."""
    decided = any(each.trust in ("verified", "distrusted") for each in known.values())
    return "undecided" if decided else "blind"


def learn(
    store: KeyStore,
    ring: KeyRing,
    found: Mapping[str, Sequence[Announced]],
    tell: Callable[[str], None],
) -> KeyRing:
    """Keep the keys that are announced by bare JIDs, and tell of those that are new.

    Raises LocalError.
    """
    if not any(_changes(ring, jid, there) for jid, there in found.items()):
        return ring

    def change(before: KeyRing) -> KeyRing:
        for jid, there in found.items():
            if new := _changes(before, jid, there):
                before = before.with_keys(jid, new)
        return before

    after = store.update(change)
    for jid, there in found.items():
        known = ring.of(jid)
        for name in _changes(ring, jid, there):
            if name not in known:
                how = "trusted as it came" if is_trusted(after.of(jid), name) else "not trusted"
                tell(f"new OpenPGP key of {jid}: {name} ({how})")
    return after


def _changes(ring: KeyRing, jid: str, there: Sequence[Announced]) -> dict[str, KnownKey]:
    known = ring.of(jid)
    own = {each.fingerprint for each in ring.secrets}
    new = {
        each.fingerprint: merged(known.get(each.fingerprint), each, _at_first(known))
        for each in there
        if each.key is not None and each.fingerprint not in own
    }
    return {name: each for name, each in new.items() if known.get(name) != each}


def _none(text: str, condition: str, hint: str | None = None) -> UntrustedError:
    return UntrustedError(f"{text}: nothing was sent", step=STEP, condition=condition, hint=hint)
