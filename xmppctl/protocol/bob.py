"""XEP-0231: Bits of Binary: small data beside a stanza, or asked for by their content id."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.model import digest
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (Xep("0231", "1.1", "partial", "asked for and read; own data are not offered"),)

NS = "urn:xmpp:bob"
DATA = f"{{{NS}}}data"
LIMIT = 256 * 1024
"""Bytes; the XEP recommends 8 KiB, pictures of challenges are often more."""

_HOST = "@bob.xmpp.org"
# "sha1" for historical reasons, any other by its name in XEP-0300 (§2.6)
_ALGORITHMS: dict[str, Callable[[], Any]] = {"sha1": hashlib.sha1, **digest.ALGORITHMS}


@dataclass(frozen=True)
class Data:
    """Data whose content id was found to be right; ``type`` is what the sender claims."""

    cid: str
    type: str
    content: bytes


def cid_of(uri: str) -> str | None:
    """The content id of a ``cid:`` URI, None for any other URI."""
    return uri[4:] if uri[:4].lower() == "cid:" else None


def read(element: Element, by: str | None = None) -> Data:
    """The content of ``<data/>``. Raises RefusedError where it is not what its id says."""
    cid = element.get("cid", "")
    text = "".join((element.text or "").split())
    if len(text) > LIMIT * 4 // 3 + 4:
        raise malformed(f"the data {cid} are more than {LIMIT} bytes", by)
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed(f"the data {cid} are not base64", by) from None
    name, plus, digest = cid.removesuffix(_HOST).partition("+")
    if not plus or not cid.endswith(_HOST) or name not in _ALGORITHMS:
        raise malformed(f"{cid!r} is no content id that can be checked", by)
    algorithm = _ALGORITHMS[name]()
    algorithm.update(content)
    if not hmac.compare_digest(algorithm.hexdigest(), digest.lower()):
        raise malformed(f"the data are not those of {cid}", by)
    return Data(cid, element.get("type", ""), content)


def beside(parent: Element) -> dict[str, Data]:
    """The data that came within a stanza, by content id; what cannot be trusted is left out."""
    found: dict[str, Data] = {}
    for element in parent.findall(DATA):
        try:
            data = read(element)
        except RefusedError:
            continue
        found[data.cid] = data
    return found


async def fetch(session: Session, cid: str, to: Jid | str | None) -> Data:
    """Ask ``to`` for the data (§2.3). Raises RefusedError, UnsupportedError, DeadlineError."""
    answer = await session.request(
        Element(DATA, {"cid": cid}),
        to=to,
        step="fetch",
        what=f"the data {cid}",
        feature="bits of binary (XEP-0231)",
    )
    by = str(to) if to is not None else session.domain
    if answer is None or answer.tag != DATA or answer.get("cid") != cid:
        raise malformed(f"no data {cid}", by)
    return read(answer, by)
