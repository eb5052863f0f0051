"""A message to the own client, with an invitation to a room (XEP-0249)."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol.compliance.verdict import Verdict
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import MESSAGE, Session

_INVITATION = "{jabber:x:conference}x"


async def test(session: Session) -> dict[str, Verdict]:
    """Whether an invitation arrives as it was sent; it is kept nowhere, and copied to nobody.

    Raises what ended the stream.
    """
    await session.settled()
    identifier = session.new_id()
    message = Element(MESSAGE, {"to": str(session.jid), "type": "headline", "id": identifier})
    room = f"xmppctl@{session.domain}"
    SubElement(message, _INVITATION, {"jid": room, "reason": "a test by xmppctl"})
    for hint in ("no-store", "no-copy"):
        SubElement(message, f"{{urn:xmpp:hints}}{hint}")
    limit = session.account.timeout
    with session.inbox(lambda each: each.tag == MESSAGE and each.get("id") == identifier) as inbox:
        session.send(message)
        try:
            async with asyncio.timeout(limit):
                came = await inbox.get()
        except TimeoutError:
            return _told(f"a message to the own client did not arrive within {limit:g} s")
    if came.get("type") == "error":
        condition = stanza_error(came, "").condition
        return _told(f"a message to the own client was refused ({condition})")
    invitation = came.find(_INVITATION)
    if invitation is None or invitation.get("jid") != room:
        return _told("a message arrived without the invitation in it")
    return {"0249": Verdict(True, "live", "an invitation to the own client arrived")}


def _told(text: str) -> dict[str, Verdict]:
    return {"0249": Verdict(False, "live", text)}
