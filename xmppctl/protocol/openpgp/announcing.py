"""XEP-0373 §4: the own keys, published before they are announced, and removed behind that."""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.protocol import pep
from xmppctl.protocol.dates import format_datetime
from xmppctl.protocol.openpgp import KEYS_NODE, NS, SECRET_NODE, STEP, fingerprint, key_node
from xmppctl.protocol.openpgp.keys import ENTRY, FINGERPRINT, LIST, entries, listed, published
from xmppctl.protocol.openpgp.sequoia import PublicKey
from xmppctl.protocol.pubsub import Item, removing
from xmppctl.session.stream import Session

_ITEM = "current"


async def publish(
    session: Session, keys: Sequence[PublicKey], *, access: str, reconfigure: bool
) -> dict[str, str]:
    """Publish keys and announce them beside those that are announced already.

    ``access``: who may see them, "open" or "presence". Gives the dates of publication by
    fingerprint. What the server has then is read back. Raises RefusedError
    (precondition-not-met: others may see the nodes), UnsupportedError, DeadlineError.
    """
    features = await offered(session, "keys")
    want = {**pep.PUBLIC, "access_model": access}
    now = format_datetime(datetime.now(UTC).replace(microsecond=0))
    for key in keys:
        element = Element(f"{{{NS}}}pubkey")
        SubElement(element, f"{{{NS}}}data").text = base64.b64encode(key.data).decode()
        await pep.publish(
            session,
            key_node(key.fingerprint),
            [Item(now, element)],
            want,
            features=features,
            reconfigure=reconfigure,
        )
    before = await listed(session, None)
    listing = Element(LIST) if before is None else copy.deepcopy(before)
    new = {key.fingerprint: now for key in keys}
    for entry in listing.findall(ENTRY):
        if _name(entry) in new:  # a fingerprint stands in the list once (§4.2)
            listing.remove(entry)
    for name, date in new.items():
        SubElement(listing, ENTRY, {FINGERPRINT: name, "date": date})
    await _announce(session, listing, want, features, reconfigure=reconfigure)
    await _prove(session, keys, new)
    return new


async def _prove(session: Session, keys: Sequence[PublicKey], new: dict[str, str]) -> None:
    there = entries(await listed(session, None))
    for key in keys:
        try:
            data = await published(session, None, key.fingerprint)
        except (ValueError, RefusedError):
            data = b""
        if there.get(key.fingerprint) != new[key.fingerprint] or data != key.data:
            raise RefusedError(
                f"{session.bare} took the key {key.fingerprint}, and does not have it",
                step=STEP,
                condition="not-applied",
                by=session.bare,
            )


async def withdraw(session: Session, name: str) -> bool:
    """Announce a key no more, and remove it; whether there was one.

    Who is not to see it may change in between: the nodes stay as they are. Raises RefusedError,
    UnsupportedError, DeadlineError.
    """
    before = await listed(session, None)
    there = name in entries(before)
    if before is not None and there:
        listing = copy.deepcopy(before)
        for entry in listing.findall(ENTRY):
            if _name(entry) == name:
                listing.remove(entry)
        await pep.publish(session, KEYS_NODE, [Item(_ITEM, listing)], {})
        if name in entries(await listed(session, None)):
            raise RefusedError(
                f"{session.bare} goes on announcing {name}",
                step=STEP,
                condition="not-applied",
                by=session.bare,
            )
    gone = await removing.delete(session, None, key_node(name), redirect=None, if_exists=True)
    return there or gone.existed


async def remove_backup(session: Session) -> bool:
    """Remove the backup of secret keys from the server; whether there was one."""
    gone = await removing.delete(session, None, SECRET_NODE, redirect=None, if_exists=True)
    return gone.existed


async def _announce(
    session: Session,
    listing: Element,
    want: pep.Want,
    features: frozenset[str],
    *,
    reconfigure: bool,
) -> None:
    await pep.publish(
        session,
        KEYS_NODE,
        [Item(_ITEM, listing)],
        want,
        features=features,
        reconfigure=reconfigure,
    )


async def offered(session: Session, what: str) -> frozenset[str]:
    """What the account offers. Raises UnsupportedError where that is no personal eventing."""
    features = await pep.offered(session, None)
    if not any(each.startswith("http://jabber.org/protocol/pubsub#") for each in features):
        raise UnsupportedError(
            f"{session.domain} does not offer personal eventing (XEP-0163), where {what} would be",
            step=STEP,
            condition="feature-not-implemented",
            by=session.bare,
        )
    return features


def _name(entry: Element) -> str | None:
    try:
        return fingerprint(entry.get(FINGERPRINT, ""))
    except ValueError:
        return None
