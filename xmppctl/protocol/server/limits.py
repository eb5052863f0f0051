"""XEP-0478: Stream Limits: what the own server says that it takes."""

from __future__ import annotations

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.server import Limits
from xmppctl.protocol import Xep, upload
from xmppctl.protocol.server.asking import lacking, number
from xmppctl.session.stream import Session

XEPS = (Xep("0478", "0.2.0", "partial", "shown; what is too large is sent all the same"),)

NS = "urn:xmpp:stream-limits:0"


async def fetch(session: Session) -> Limits:
    """The limits in the features of the stream, with that of uploads (XEP-0363).

    Raises UnsupportedError where the server tells no limits of streams, DeadlineError.
    """
    await session.settled()
    server = Jid(None, session.domain, None)
    found = session.features.find(f"{{{NS}}}limits")
    if found is None:
        raise lacking(server, "stream limits (XEP-0478)", "limits")
    return Limits(
        jid=str(server),
        max_bytes=number(found.findtext(f"{{{NS}}}max-bytes")),
        idle_seconds=number(found.findtext(f"{{{NS}}}idle-seconds")),
        upload_max_bytes=await _uploads(session),
    )


async def _uploads(session: Session) -> int | None:
    """The limit of the first upload service that tells one; None also where none can be asked."""
    try:
        services = await upload.discover(session, enough=lambda each: each.max_size is not None)
    except ConnectError:
        raise
    except XmppctlError as error:
        session.trace.note(error.text)
        return None
    return next((each.max_size for each in services if each.max_size is not None), None)
