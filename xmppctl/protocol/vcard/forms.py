"""The forms of a file: which one it is, and one for each name."""

from __future__ import annotations

import json
from xml.etree.ElementTree import Element

from xmppctl.protocol.vcard import NS_4, Card, jcard, record, temp, text, xcard
from xmppctl.session.xml import XmlError, parse, serialise

_VCARDS = f"{{{NS_4}}}vcards"


def write(card: Card, form: str, jid: str, version: int) -> str:
    """The card as text; ``version`` 3 is vcard-temp, 4 vCard4."""
    if form == "json":
        return record.write(card, jid, version)
    if form == "vcf":
        return text.write(card, version)
    if form == "jcard":
        return jcard.write(card)
    element = xcard.write(card) if version == 4 else temp.write(card)
    return serialise(element, "") + "\n"


def read(data: bytes, *, whole: bool = True) -> Card:
    """The one card of a file in any of the forms.

    ``whole``: bytes of a picture that were left out matter. Raises ValueError with a sentence that
    says what is wrong.
    """
    begin = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not begin:
        raise ValueError("it is empty")
    card = (
        _json(data, whole) if begin in b"{[" else _xml(data) if begin == b"<" else text.read(data)
    )
    if not card:
        raise ValueError("there is nothing in the card")
    xcard.write(card)  # whether all can be written
    return card


def _json(data: bytes, whole: bool) -> Card:
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}") from None
    return jcard.read(found) if isinstance(found, list) else record.read(found, whole=whole)


def _xml(data: bytes) -> Card:
    try:
        root = parse(data)
    except XmlError as error:
        raise ValueError(f"it is no XML: {error}") from None
    cards: list[Element] = [root]
    if root.tag == _VCARDS:
        cards = root.findall(xcard.VCARD)
        if len(cards) != 1:
            raise ValueError(f"it holds {len(cards)} vCards: give them one by one")
    if cards[0].tag == xcard.VCARD:
        return xcard.read(cards[0])
    if cards[0].tag == temp.VCARD:
        return temp.read(cards[0])
    raise ValueError("it is neither the XML of vcard-temp nor that of vCard4")
