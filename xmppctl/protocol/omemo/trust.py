"""How far the keys of devices are trusted, by bare JID and key, whatever the version.

Blind trust before verification (``btbv``): a new key is used as long as nothing was decided by hand
about one of its account. What was decided by hand is never changed by anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from omemo import DeviceInformation, SessionManager, TrustLevel

Trust = Literal["verified", "trusted", "blind", "undecided", "distrusted"]
Policy = Literal["btbv", "verified", "skip"]

LEVELS: tuple[str, ...] = get_args(Trust)
BY_HAND = frozenset({"verified", "trusted", "distrusted"})
UNDECIDED, BLIND = "undecided", "blind"

_USABLE: dict[Policy, frozenset[str]] = {
    "btbv": frozenset({"verified", "trusted", "blind"}),
    "verified": frozenset({"verified", "trusted"}),
    "skip": frozenset({"verified", "trusted", "blind", "undecided"}),
}


def usable(policy: Policy, level: str) -> bool:
    """Whether something is encrypted for a key of that level."""
    return level in _USABLE[policy]


def core(policy: Policy | None, level: str) -> TrustLevel:
    """What that is to the library: None for reading, which only distrust forbids."""
    if policy is None:
        return TrustLevel.DISTRUSTED if level == "distrusted" else TrustLevel.UNDECIDED
    return TrustLevel.TRUSTED if usable(policy, level) else TrustLevel.DISTRUSTED


async def decide_blindly(
    manager: SessionManager, jid: str, devices: Iterable[DeviceInformation]
) -> list[DeviceInformation]:
    """Trust the undecided ones among ``devices`` of ``jid``, if nothing speaks against it.

    Gives those that were new.
    """
    every = await manager.get_device_information(jid)
    if any(each.trust_level_name in BY_HAND for each in every):
        return []
    new = [each for each in devices if each.trust_level_name == UNDECIDED]
    for each in new:
        await manager.set_trust(jid, each.identity_key, BLIND)
    return new
