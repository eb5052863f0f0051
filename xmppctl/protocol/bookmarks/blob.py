"""Changing a legacy store: one element with all bookmarks, which knows no versions.

Only the own change is made, to what is stored at that moment, and it is read again: what another
client writes in between is kept, as far as one can see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from copy import deepcopy
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.model.bookmark import Store
from xmppctl.protocol import pep, privatexml
from xmppctl.protocol.bookmarks import NS_LEGACY, STEP, stores
from xmppctl.protocol.pubsub import Item
from xmppctl.session.stream import Session

_CONFIGURATION = {"persist_items": "1", "access_model": "whitelist"}
"""XEP-0048 §3.1."""

Change = Callable[[Element], bool]
"""Changes the element in place; False where it is already as wanted."""


async def update(
    session: Session,
    store: Store,
    base: Element,
    change: Change,
    *,
    features: Container[str],
    reconfigure: bool = False,
) -> Element:
    """Apply ``change`` to the element of a legacy store, of which ``base`` was read.

    Gives what is stored then. ``features`` and ``reconfigure`` as of ``pep.publish``. Raises
    RefusedError (not-confirmed: read again, it has not got the change), UnsupportedError,
    DeadlineError.
    """
    if store == "private":
        return await privatexml.update(session, base, change, step=STEP)
    expected = base
    for _ in range(privatexml.ATTEMPTS):
        wanted = deepcopy(base)
        if not change(wanted) and privatexml.same(wanted, expected):
            return expected
        # Both go out at once, in this order; of the features nothing has to be asked first.
        found, _ids = await asyncio.gather(
            stores.read_legacy_item(session),
            pep.publish(
                session,
                NS_LEGACY,
                [Item("current", wanted)],
                _CONFIGURATION,
                reconfigure=reconfigure,
                features=features,
            ),
        )
        stored = await stores.read_legacy_item(session)
        if not privatexml.same(found, expected):
            session.trace.note("another client changed the bookmarks; its change is kept")
            base, expected = found, stored
        elif change(deepcopy(stored)):
            base = expected = stored
        else:
            return stored
    raise RefusedError(
        "the server said yes, but the change is not among the bookmarks",
        step=STEP,
        condition="not-confirmed",
        by=session.bare,
        hint="another client may be changing them too",
    )
