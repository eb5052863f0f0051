"""XEP-0373 §3: what is signed and encrypted, an element of its own, and what counts of one."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, cast, get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import lenient
from xmppctl.protocol.dates import format_datetime, parse_datetime
from xmppctl.protocol.openpgp import NS, OPENPGP
from xmppctl.records import dataclass
from xmppctl.session.xml import NS_CLIENT, XmlError, parse, serialise, split

Mode = Literal["signcrypt", "sign", "crypt"]

PLAUSIBLE = timedelta(days=1)
"""So far the time in a message may be from the time at which it was sent or stored."""

_LONGEST_PADDING = 256
_NS_SERVER = "jabber:server"


@dataclass(frozen=True)
class Content:
    """A content element. ``to``: bare JIDs for whom it is."""

    mode: Mode
    to: frozenset[str]
    time: datetime
    payload: Sequence[Element]


def compose(mode: Mode, to: Iterable[str], payload: Iterable[Element]) -> bytes:
    """A content element (§3.1) as the text that is signed and encrypted; time is now.

    ``crypt`` names nobody: who can decrypt it is known from the encryption.
    """
    whole = Element(f"{{{NS}}}{mode}")
    if mode != "crypt":
        for jid in to:
            SubElement(whole, f"{{{NS}}}to", {"jid": jid})
    now = datetime.now(UTC).replace(microsecond=0)
    SubElement(whole, f"{{{NS}}}time", {"stamp": format_datetime(now)})
    if mode != "sign":
        padding = secrets.token_urlsafe(_LONGEST_PADDING)
        SubElement(whole, f"{{{NS}}}rpad").text = padding[: secrets.randbelow(_LONGEST_PADDING)]
    SubElement(whole, f"{{{NS}}}payload").extend(payload)
    return serialise(whole, "").encode()


def read(text: bytes) -> Content:
    """What was signed and encrypted. Raises ValueError with the rule that it breaks."""
    try:
        whole = parse(text)
    except XmlError as error:
        raise ValueError(f"what is in it is no element ({error})") from None
    ns, name = split(whole.tag)
    if ns != NS or name not in get_args(Mode):
        raise ValueError(f"it holds neither signcrypt nor sign nor crypt, but {name}")
    times, payloads = (whole.findall(f"{{{NS}}}{each}") for each in ("time", "payload"))
    if len(times) != 1 or len(payloads) != 1:
        raise ValueError("it has not exactly one time and one payload")
    try:
        time = parse_datetime(times[0].get("stamp") or "")
    except ValueError as error:
        raise ValueError(f"its time cannot be read: {error}") from None
    to = frozenset(
        str(lenient(each.get("jid", "")).bare)
        for each in whole.findall(f"{{{NS}}}to")
        if each.get("jid")
    )
    if name != "crypt" and not to:
        raise ValueError("it does not say for whom it is")
    return Content(cast(Mode, name), to, time, [_of_client(each) for each in payloads[0]])


def check(found: Content, *, to: str, own: str, sent: bool, when: datetime) -> None:
    """Whether it is for whom the message is (§3.2), and of its time.

    ``to``: to whom the message is addressed, ``own``: the own bare JID; ``sent``: by the account
    itself. Raises ValueError.
    """
    if found.mode != "crypt":
        for jid in {str(lenient(to).bare), *(() if sent else (own,))}:
            if jid not in found.to:
                raise ValueError(f"it was not written to {jid}: somebody else passed it on")
    if abs(found.time - when) > PLAUSIBLE:
        raise ValueError(
            f"it was written at {format_datetime(found.time)}, and came at "
            f"{format_datetime(when.replace(microsecond=0))}"
        )


def wrap(message: bytes) -> Element:
    """``<openpgp/>`` around an OpenPGP message (§3.1)."""
    element = Element(OPENPGP)
    element.text = base64.b64encode(message).decode()
    return element


def decode(text: str | None) -> bytes:
    """Base64 as it stands in elements, maybe in lines. Raises ValueError."""
    try:
        found = base64.b64decode("".join((text or "").split()), validate=True)
    except ValueError:
        raise ValueError("it is not in Base64") from None
    if not found:
        raise ValueError("it is empty")
    return found


def _of_client(element: Element) -> Element:
    """An element as it stands in a stanza: servers have another namespace (XEP-0374 §2.2)."""
    for each in element.iter():
        ns, name = split(each.tag)
        if ns == _NS_SERVER:
            each.tag = f"{{{NS_CLIENT}}}{name}"
    return element
