"""XEP-0300: the element that carries a hash."""

from __future__ import annotations

import base64
from xml.etree.ElementTree import Element

NS = "urn:xmpp:hashes:2"


def element(name: str, digest: bytes) -> Element:
    """``<hash/>`` with the digest in base64 without white space (§3)."""
    made = Element(f"{{{NS}}}hash", {"algo": name})
    made.text = base64.b64encode(digest).decode()
    return made
