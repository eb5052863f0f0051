"""XEP-0166: Jingle, as far as files need it: sessions with one content, offered by its sender.

``elements`` and ``files`` and ``transports`` read and write; ``machine`` is the session without
any input or output; ``link`` joins a machine to a stream; ``bytestream`` connects what it has
agreed upon; ``sending`` and ``receiving`` are the operations.
"""

from __future__ import annotations

from xmppctl.protocol import Xep, hashes

XEPS = (
    Xep(
        "0166",
        "1.1.2",
        "partial",
        "sessions with one content, for files; listeners show and decline other offers",
    ),
)

NS = "urn:xmpp:jingle:1"
NS_ERRORS = "urn:xmpp:jingle:errors:1"
NS_FILES = "urn:xmpp:jingle:apps:file-transfer:5"
NS_FILE_ERRORS = "urn:xmpp:jingle:apps:file-transfer:errors:0"
NS_IBB = "urn:xmpp:jingle:transports:ibb:1"
NS_S5B = "urn:xmpp:jingle:transports:s5b:1"

JINGLE = f"{{{NS}}}jingle"

FEATURES = (
    frozenset({NS, NS_FILES, NS_IBB, NS_S5B, "http://jabber.org/protocol/ibb"}) | hashes.FEATURES
)
"""What a client that takes files announces; senders choose the hash by it (XEP-0300 §5)."""
