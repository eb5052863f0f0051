"""RFC 6121 §2: the roster."""

from __future__ import annotations

from typing import Any

import aioxmpp.roster.xso as roster_xso

from xmppctl.model.roster import Contact
from xmppctl.protocol import Xep
from xmppctl.session.stream import Session

XEPS = (Xep("0237", "1.3", "partial", "the version is shown, no cache is kept"),)

VERSIONING = "{urn:xmpp:features:rosterver}ver"


async def fetch(session: Session) -> list[Contact]:
    """All contacts, sorted by JID. Raises RefusedError, UnsupportedError, DeadlineError."""
    # ver="" asks for the whole roster together with its version (RFC 6121 §2.6.2)
    answer = await session.request(
        roster_xso.Query(ver="" if session.offers(VERSIONING) else None),
        expect=roster_xso.Query,
        step="roster",
        what="the roster",
        feature="a roster (RFC 6121)",
    )
    contacts = [_contact(item, answer.ver) for item in answer.items]
    return sorted(contacts, key=lambda contact: contact.jid)


def _contact(item: Any, version: str | None) -> Contact:
    return Contact(
        jid=str(item.jid),
        name=item.name or None,
        # "remove" means nothing in an answer (§2.1.2.5)
        subscription="none" if item.subscription == "remove" else item.subscription,
        ask=item.ask,
        approved=item.approved,
        groups=sorted({group.name for group in item.groups if group.name}),
        ver=version,
    )
