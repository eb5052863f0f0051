"""XEP-0352: Client State Indication: telling the server that nobody looks at the moment."""

from __future__ import annotations

from xmppctl.errors import UnsupportedError
from xmppctl.protocol import Xep
from xmppctl.session.stream import Session

XEPS = (Xep("0352", "1.0.0", "complete"),)

NS = "urn:xmpp:csi:0"
ACTIVE = f"<active xmlns='{NS}'/>"
INACTIVE = f"<inactive xmlns='{NS}'/>"


async def require(session: Session) -> None:
    """Raise UnsupportedError where the server's stream features do not have it (§3)."""
    await session.settled()
    if not session.offers(f"{{{NS}}}csi"):
        raise UnsupportedError(
            f"{session.domain} does not offer client state indication (XEP-0352)",
            step="csi",
            condition="feature-not-implemented",
            by=session.domain,
        )
