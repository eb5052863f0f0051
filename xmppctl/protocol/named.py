"""XEPs of which this program does no more than say that a message has something of them.

XEP-0200 (Stanza Encryption) is told as the encryption of a message, see ``payload.encryption``;
XEP-0284 (Shared XML Editing) stands among its extensions.
"""

from __future__ import annotations

from xmppctl.model.xep import Xep

XEPS = (
    Xep("0200", "0.2", "wontfix", "named; its keys come from a negotiation that was withdrawn"),
    Xep("0284", "0.1.4", "wontfix", "named; needs an editing session that goes on"),
)
