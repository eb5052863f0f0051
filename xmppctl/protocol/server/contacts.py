"""XEP-0157: Contact Addresses for XMPP Services."""

from __future__ import annotations

import re

from xmppctl.errors import UnsupportedError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.model.server import Contacts
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.server.asking import fields_of, lacking
from xmppctl.session.stream import Session

XEPS = (Xep("0157", "1.1.1", "complete"),)

FORM_TYPE = "http://jabber.org/network/serverinfo"

_PURPOSES = ("abuse", "admin", "feedback", "sales", "security", "support", "status")
_NAMED = "contact addresses (XEP-0157)"
# RFC 3986 §3: a scheme, and behind it characters of URIs and IRIs (xs:anyURI has these too)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f-\x9f<>\"{}|\\^`]+")


async def fetch(session: Session, server: Jid) -> Contacts:
    """Whom to turn to about ``server``.

    Raises UnsupportedError where it does not tell, RefusedError, DeadlineError.
    """
    return read(await disco.info(session, server))


def read(info: DiscoInfo) -> Contacts:
    """The contacts in what a server tells of itself. Raises UnsupportedError."""
    values = fields_of(info, FORM_TYPE) or {}
    told = {purpose: values.get(f"{purpose}-addresses", []) for purpose in _PURPOSES}
    if not any(told.values()):
        raise _lacking(info.jid)
    return Contacts(
        jid=info.jid,
        **{purpose: [v for v in each if _URI.fullmatch(v)] for purpose, each in told.items()},
        invalid=[v for each in told.values() for v in each if not _URI.fullmatch(v)],
    )


def _lacking(jid: str) -> UnsupportedError:
    return lacking(jid, _NAMED, "disco#info")
