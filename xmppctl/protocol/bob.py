"""XEP-0231: Bits of Binary: small data within a stanza, or asked for by their content id."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.model import digest
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, mediatypes
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (
    Xep("0231", "1.1", "partial", "sent in messages, read, asked for; own data are not offered"),
)

NS = "urn:xmpp:bob"
DATA = f"{{{NS}}}data"
LIMIT = 256 * 1024
"""Bytes; the XEP recommends 8 KiB, pictures of challenges are often more."""

SMALL = 8 * 1024
"""Bytes that may be sent (§2.1)."""

MAX_AGE = 86400
"""Seconds that a receiver may keep what is sent (§2.4): by its hash it never changes."""

_HOST = "@bob.xmpp.org"
# "sha1" for historical reasons, any other by its name in XEP-0300 (§2.6)
_ALGORITHMS: dict[str, Callable[[], Any]] = {"sha1": hashlib.sha1, **digest.ALGORITHMS}


@dataclass(frozen=True)
class Data:
    """Data whose content id was found to be right; ``type`` is what the sender claims."""

    cid: str
    type: str
    content: bytes

    @property
    def algorithm(self) -> str:
        """The name of the hash in the content id, as XEP-0300 has it."""
        name = self.cid.partition("+")[0]
        return "sha-1" if name == "sha1" else name

    @property
    def digest(self) -> str:
        """That hash in hexadecimal."""
        return self.cid.removesuffix(_HOST).partition("+")[2].lower()


def make(content: bytes, type: str) -> Data:
    """Data with their content id, whose SHA-1 is the one hash that every client can check."""
    return Data(f"sha1+{hashlib.sha1(content).hexdigest()}{_HOST}", type, content)


def element(data: Data) -> Element:
    """``<data/>`` with the content in base64 without white space (§2.5)."""
    attributes = {"cid": data.cid, "type": data.type, "max-age": str(MAX_AGE)}
    made = Element(DATA, attributes)
    made.text = base64.b64encode(data.content).decode()
    return made


def cid_of(uri: str) -> str | None:
    """The content id of a ``cid:`` URI (RFC 2392 §2), None for any other URI."""
    return unquote(uri[4:]) if uri[:4].lower() == "cid:" else None


def is_checkable(cid: str) -> bool:
    """Whether it has the form of §2.5 with a hash that is known here."""
    name, _, value = cid.removesuffix(_HOST).partition("+")
    if not cid.endswith(_HOST) or name not in _ALGORITHMS:
        return False
    length = 2 * _ALGORITHMS[name]().digest_size
    return len(value) == length and re.fullmatch("[0-9a-fA-F]+", value) is not None


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
    if not is_checkable(cid):
        raise malformed(f"{cid!r} is no content id that can be checked", by)
    name, _, value = cid.removesuffix(_HOST).partition("+")
    algorithm = _ALGORITHMS[name]()
    algorithm.update(content)
    if not hmac.compare_digest(algorithm.hexdigest(), value.lower()):
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


def file_name(content: bytes, media_type: str | None) -> str:
    """A name that harms no file: that of the content alone, with an ending that fits its type."""
    return sha256(content) + mediatypes.ending(media_type)


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


async def fetch(
    session: Session,
    cid: str,
    to: Jid | str | None,
    *,
    verify: tuple[str, bytes] | None = None,
    max_size: int | None = None,
) -> Data:
    """Ask ``to`` for the data (§2.3).

    ``verify``: name of one more hash (XEP-0300) and the digest that the data must have;
    ``max_size``: bytes that they may have. Raises RefusedError, UnsupportedError, DeadlineError.
    """
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
    data = read(answer, by)
    if max_size is not None and len(data.content) > max_size:
        raise RefusedError(
            f"the data are larger than {max_size} bytes",
            step="fetch",
            condition="file-too-large",
            by=by,
            hint="--max-size allows more",
            limit=max_size,
        )
    if verify is not None:
        proof = digest.ALGORITHMS[verify[0]]()
        proof.update(data.content)
        if not hmac.compare_digest(proof.digest(), verify[1]):
            raise RefusedError(
                f"the bytes are not the expected ones: their {verify[0]} is {proof.hexdigest()}",
                step="verify",
                condition="hash-mismatch",
                by=by,
            )
    return data
