"""XEP-0380: Explicit Message Encryption, and XEP-0200: that a message is encrypted, and how.

Nothing is decrypted here, so that a message is told to be ``unsupported``: its body, if it has one,
is not what was meant. Where it was opened before it is read (``protocol/opening.py``), what became
of it is told instead. A method is also known by its own payload alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.model.payload.content import Encryption
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0380", "0.4.0", "complete"),)

NS = "urn:xmpp:eme:0"
ENCRYPTION = f"{{{NS}}}encryption"

NAMES = {
    "urn:xmpp:otr:0": "OTR",
    "jabber:x:encrypted": "Legacy OpenPGP",
    "urn:xmpp:openpgp:0": "OpenPGP for XMPP",
    "eu.siacs.conversations.axolotl": "OMEMO",
    "urn:xmpp:omemo:1": "OMEMO 1",
    "urn:xmpp:omemo:2": "OMEMO 2",
    "http://www.xmpp.org/extensions/xep-0200.html#ns": "Stanza Encryption (XEP-0200)",
}
"""Method by namespace (§3.2): a ``name`` in the message counts only for others (§4)."""

_PAYLOADS = {
    f"{{{ns}}}{name}": ns
    for ns, name in (
        ("urn:xmpp:omemo:2", "encrypted"),
        ("urn:xmpp:omemo:1", "encrypted"),
        ("eu.siacs.conversations.axolotl", "encrypted"),
        ("urn:xmpp:openpgp:0", "openpgp"),
        ("jabber:x:encrypted", "x"),
        ("http://www.xmpp.org/extensions/xep-0200.html#ns", "c"),
    )
}
PAYLOADS = frozenset(_PAYLOADS)
"""What carries the message itself; a text beside it is for clients without the method."""

TAGS = frozenset({ENCRYPTION, *PAYLOADS})

_LONGEST_NS, _LONGEST_NAME = 1024, 128


class Told(Element):
    """What became of a message that was opened; ``original`` is the message as it came.

    Nothing that comes from the network is of this class.
    """

    def __init__(self, encryption: Encryption, original: Element) -> None:
        super().__init__(ENCRYPTION, {"namespace": encryption.ns})
        self.encryption = encryption
        self.original = original


def as_it_came(stanza: Element) -> Element:
    """The message before it was opened."""
    first = stanza[0] if len(stanza) else None
    return first.original if isinstance(first, Told) else stanza


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``encryption``: the method, by what the message says, else by what it carries."""
    from xmppctl.model.payload.content import Encryption

    for element in children.get(ENCRYPTION, ()):
        if isinstance(element, Told):
            return {"encryption": element.encryption}
        ns = (element.get("namespace") or "").strip()
        if ns and len(ns) <= _LONGEST_NS:
            name = (element.get("name") or "").strip()
            told = name if 0 < len(name) <= _LONGEST_NAME else None
            return {"encryption": Encryption(ns, NAMES.get(ns, told))}
    for tag, ns in _PAYLOADS.items():
        if tag in children:
            return {"encryption": Encryption(ns, NAMES[ns])}
    return {}
