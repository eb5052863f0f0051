"""What a session wants done, and how it refuses what the peer does."""

from __future__ import annotations

from xmppctl.protocol.jingle import NS_ERRORS
from xmppctl.protocol.jingle.elements import Jingle, Reason
from xmppctl.protocol.jingle.files import File
from xmppctl.protocol.jingle.transports import Candidate, S5b, Transport
from xmppctl.records import dataclass
from xmppctl.session.responder import RefusalError


@dataclass(frozen=True)
class Say:
    """Send this to the peer, in a request."""

    jingle: Jingle


@dataclass(frozen=True)
class Accepted:
    """The peer has agreed; what it said of the file tells from where on it wants it."""

    file: File | None


@dataclass(frozen=True)
class Dial:
    """Try the peer's candidates, best first; tell ``dialled`` which one works."""

    transport: S5b


@dataclass(frozen=True)
class Activate:
    """Connect to this proxy of ours and activate it; tell ``activated``."""

    candidate: Candidate


@dataclass(frozen=True)
class Begin:
    """Bytes may flow. Of SOCKS5: over the connection with this candidate.

    ``mine``: the one that the peer made to a candidate of ours, or we to a proxy of ours.
    """

    transport: Transport
    candidate: Candidate | None = None
    mine: bool = False


@dataclass(frozen=True)
class Told:
    """The peer told the file's checksum, or that it has all of it (``file`` None)."""

    file: File | None


@dataclass(frozen=True)
class Ended:
    """The session is over; ``by_peer``: the peer said so."""

    reason: Reason
    by_peer: bool


Action = Say | Accepted | Dial | Activate | Begin | Told | Ended


def out_of_order() -> RefusalError:
    """The action does not fit the state of the session (§6)."""
    return RefusalError("unexpected-request", "wait", f"{{{NS_ERRORS}}}out-of-order")


def unknown_session() -> RefusalError:
    """There is no such session (§6)."""
    return RefusalError("item-not-found", "cancel", f"{{{NS_ERRORS}}}unknown-session")


def tie_break() -> RefusalError:
    """The other one's action counts (§7.2.16)."""
    return RefusalError("conflict", "cancel", f"{{{NS_ERRORS}}}tie-break")


def unsupported_info() -> RefusalError:
    """The message tells something that is not known here (§6.8)."""
    return RefusalError("feature-not-implemented", "cancel", f"{{{NS_ERRORS}}}unsupported-info")
