"""Files from client to client (XEP-0234), their proxies (XEP-0065), what others offer."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

State = Literal["offered", "accepted", "transferring", "done", "failed"]
TransportName = Literal["ibb", "s5b"]


@dataclass(frozen=True)
class Transfer:
    """A file on its way between two clients; ``done`` and ``failed`` are the end of it."""

    PLAIN: ClassVar[str] = "path"
    TABLE: ClassVar[tuple[str, ...]] = (
        "state", "from_", "to", "name", "size", "transport", "verified", "path", "error",
    )  # fmt: skip

    state: Annotated[State, "how far it is"]
    from_: Annotated[str | None, "JID of the client that sends; null: it is not known"] = None
    to: Annotated[str | None, "JID of the client that receives, or of its account"] = None
    sid: Annotated[str | None, "id of the session"] = None
    name: Annotated[str | None, "name of the file, as the sender gives it"] = None
    size: Annotated[int | None, "bytes of the file, as the sender tells"] = None
    media_type: Annotated[str | None, "media type that the sender claims"] = None
    date: Annotated[datetime | None, "when the file was last changed, as the sender tells"] = None
    desc: Annotated[str | None, "description by the sender"] = None
    transport: Annotated[
        TransportName | None, "ibb: inside the stream (XEP-0261); s5b: beside it (XEP-0260)"
    ] = None
    offset: Annotated[int, "where in the file the transfer begins, in bytes"] = 0
    bytes: Annotated[int, "bytes that went over"] = 0
    total: Annotated[int | None, "bytes that are to go over"] = None
    hashes: Annotated[dict[str, str], "hashes of the file by algorithm, hexadecimal"] = field(
        default_factory=dict
    )
    verified: Annotated[
        bool | None,
        "the received bytes have the hash that the sender told; null: nobody said so. Of a file "
        "that was sent: the receiver confirmed the whole of it",
    ] = None
    path: Annotated[str | None, "the file of this machine"] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None

    @property
    def is_outcome(self) -> bool:
        """Whether it tells how the transfer ended, and not a step on the way."""
        return self.state in ("done", "failed")


@dataclass(frozen=True)
class StreamHost:
    """A proxy for bytestreams, and where it listens (XEP-0065)."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "JID of the proxy"]
    host: Annotated[str | None, "its name or address"] = None
    port: Annotated[int | None, "its port"] = None
    error: Annotated[ErrorInfo | None, "why it does not tell, null where it does"] = None


@dataclass(frozen=True)
class OfferedFile:
    """What somebody says of a file that is offered."""

    name: Annotated[str | None, "name"] = None
    size: Annotated[int | None, "bytes"] = None
    media_type: Annotated[str | None, "media type"] = None
    date: Annotated[datetime | None, "when it was last changed"] = None
    desc: Annotated[str | None, "description"] = None
    hashes: Annotated[dict[str, str], "hashes by algorithm, hexadecimal"] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class JingleContent:
    """One content of a Jingle session."""

    name: Annotated[str | None, "its name"] = None
    creator: Annotated[str | None, "who made it: initiator or responder"] = None
    senders: Annotated[str | None, "who is to send: initiator, responder, both or none"] = None
    description: Annotated[str | None, "namespace of the application"] = None
    media: Annotated[str | None, "of a call: audio or video"] = None
    transport: Annotated[str | None, "namespace of the transport"] = None
    file: Annotated[OfferedFile | None, "of a file transfer: the file"] = None


@dataclass(frozen=True)
class JingleOffer:
    """A call or a file that another client offers (XEP-0166), or a message about one (XEP-0353)."""

    action: Annotated[str, "session-initiate; of XEP-0353: propose, retract, reject, proceed, ..."]
    sid: Annotated[str, "id of the session"]
    from_: Annotated[str | None, "JID of the client"] = None
    contents: Annotated[list[JingleContent], "what it is about"] = field(default_factory=list)
    reason: Annotated[str | None, "why a proposal has come to its end"] = None
    answer: Annotated[str | None, "reason with which this client declined"] = None

    def __str__(self) -> str:
        kinds = [each.media or _kind(each.description) for each in self.contents]
        what = f": {' and '.join(dict.fromkeys(kinds))}" if kinds else ""
        return f"{self.action}{what}"


@dataclass(frozen=True)
class SiOffer:
    """What another client offers in the way before Jingle (XEP-0095); it is always refused."""

    id: Annotated[str | None, "id of the stream"] = None
    profile: Annotated[str | None, "namespace of what it is for"] = None
    file: Annotated[OfferedFile | None, "the file (XEP-0096)"] = None


def _kind(namespace: str | None) -> str:
    """``urn:xmpp:jingle:apps:file-transfer:5`` in short."""
    known = (namespace or "something").removeprefix("urn:xmpp:jingle:apps:")
    return known if known == namespace else known.partition(":")[0]
