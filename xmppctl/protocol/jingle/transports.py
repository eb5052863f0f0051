"""XEP-0260 and XEP-0261: what is said of a transport, and which candidate two clients agree on."""

from __future__ import annotations

import hashlib
import re
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jingle import TransportName
from xmppctl.protocol import Xep
from xmppctl.protocol.jingle import NS_IBB, NS_S5B
from xmppctl.records import dataclass
from xmppctl.session.xml import split

XEPS = (
    Xep("0260", "1.0.3", "partial", "no help of NATs; candidates that come later are not tried"),
    Xep("0261", "1.0", "partial", "one bytestream in a session, in requests"),
)

Choice = Literal["auto", "ibb", "s5b"]

IBB = f"{{{NS_IBB}}}transport"
S5B = f"{{{NS_S5B}}}transport"

LARGEST_BLOCK = 65535
MOST_CANDIDATES = 20
"""Of the peer's candidates that are tried."""

_CANDIDATE = f"{{{NS_S5B}}}candidate"
_LONGEST = 300
_PREFERENCES = {"direct": 126, "assisted": 120, "tunnel": 110, "proxy": 10}
_HASH = re.compile(r"[0-9a-fA-F]{40}", re.ASCII)


@dataclass(frozen=True)
class Ibb:
    """In-band: the id of the bytestream and the most bytes of a block."""

    sid: str
    block_size: int

    kind: TransportName = "ibb"


@dataclass(frozen=True)
class Candidate:
    """A host that takes connections for the one who offers it (XEP-0260 §2.2)."""

    cid: str
    host: str
    port: int
    jid: str
    priority: int
    type: str = "direct"

    @property
    def is_proxy(self) -> bool:
        """Whether it belongs to somebody else, and has to be activated."""
        return self.type == "proxy"


@dataclass(frozen=True)
class S5b:
    """Beside the stream: id, candidates, the address to ask them for."""

    sid: str
    candidates: tuple[Candidate, ...] = ()
    dstaddr: str | None = None

    kind: TransportName = "s5b"


Transport = Ibb | S5b


@dataclass(frozen=True)
class Info:
    """What a transport-info tells of candidates: ``name`` is the element, ``cid`` where it has one.

    ``name`` "candidate": further candidates.
    """

    name: str
    cid: str | None = None
    candidates: tuple[Candidate, ...] = ()


def read(element: Element | None) -> Transport | None:
    """The transport; None where it is not one of these, or cannot be used."""
    if element is None:
        return None
    sid = element.get("sid", "")
    if not 0 < len(sid) <= _LONGEST:
        return None
    if element.tag == IBB:
        size = _number(element.get("block-size"), LARGEST_BLOCK)
        if not size or element.get("stanza", "iq") != "iq":
            return None
        return Ibb(sid, size)
    if element.tag == S5B:
        if element.get("mode", "tcp") != "tcp":
            return None
        given = element.get("dstaddr", "")
        return S5b(sid, _candidates(element), given.lower() if _HASH.fullmatch(given) else None)
    return None


def _candidates(element: Element) -> tuple[Candidate, ...]:
    found: dict[str, Candidate] = {}
    for child in element.findall(_CANDIDATE):
        port = _number(child.get("port", "1080"), 65535)
        priority = _number(child.get("priority"), 2**32)
        texts = [child.get(name, "") for name in ("cid", "host", "jid")]
        if port and priority is not None and all(0 < len(text) <= _LONGEST for text in texts):
            cid, host, jid = texts
            kind = child.get("type", "direct")
            found.setdefault(cid, Candidate(cid, host, port, jid, priority, kind))
    best = sorted(found.values(), key=lambda each: -each.priority)
    return tuple(best[:MOST_CANDIDATES])


def _number(text: str | None, most: int) -> int | None:
    digits = (text or "").strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        return None
    return int(digits) if int(digits) <= most else None


def write(transport: Transport, *infos: Info) -> Element:
    """The ``<transport/>``, with what is told in a transport-info."""
    if isinstance(transport, Ibb):
        size = str(transport.block_size)
        return Element(IBB, {"block-size": size, "sid": transport.sid})
    element = Element(S5B, {"sid": transport.sid})
    if transport.dstaddr is not None:
        element.set("dstaddr", transport.dstaddr)
    for each in transport.candidates:
        attributes = {
            "cid": each.cid,
            "host": each.host,
            "jid": each.jid,
            "port": str(each.port),
            "priority": str(each.priority),
            "type": each.type,
        }
        SubElement(element, _CANDIDATE, attributes)
    for info in infos:
        SubElement(
            element, f"{{{NS_S5B}}}{info.name}", {} if info.cid is None else {"cid": info.cid}
        )
    return element


def read_info(element: Element | None) -> Info | None:
    """What a transport-info of SOCKS5 tells; None where that is not known."""
    if element is None or element.tag != S5B:
        return None
    for child in element:
        namespace, name = split(child.tag)
        if namespace != NS_S5B:
            continue
        if name in ("candidate-used", "activated") and child.get("cid"):
            return Info(name, child.get("cid", "")[:_LONGEST])
        if name in ("candidate-error", "proxy-error"):
            return Info(name)
        if name == "candidate":
            return Info(name, candidates=_candidates(element))
    return None


def priority(kind: str, preference: int) -> int:
    """Of a candidate (§2.2); ``preference`` compares those of one kind."""
    return 65536 * _PREFERENCES[kind] + preference


def address(sid: str, offerer: str, other: str) -> str:
    """What a host is asked for in place of a name (XEP-0065 §5.3.2): both JIDs are full."""
    text = f"{sid}{offerer}{other}".encode()
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Nominated:
    """The candidate that both use. ``mine``: this client offered it, the peer has connected."""

    candidate: Candidate
    mine: bool


def nominate(
    ours: Candidate | None, theirs: Candidate | None, *, initiator: bool
) -> Nominated | None:
    """Which one counts (§2.4), of the peer's that works for us and ours that works for the peer.

    None: neither of both could connect. ``initiator``: this client is.
    """
    if ours is None or theirs is None:
        if ours is not None:
            return Nominated(ours, mine=False)
        return None if theirs is None else Nominated(theirs, mine=True)
    if ours.priority != theirs.priority:
        choice_is_ours = ours.priority > theirs.priority
    else:
        choice_is_ours = initiator
    return Nominated(ours, mine=False) if choice_is_ours else Nominated(theirs, mine=True)
