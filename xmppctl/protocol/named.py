"""XEPs of which this program does no more than say that a message has something of them, and those
that have no place in a shell, with the reason.

XEP-0200 (Stanza Encryption) is told as the encryption of a message, see ``payload.encryption``;
XEP-0284 (Shared XML Editing) stands among its extensions.
"""

from __future__ import annotations

from xmppctl.model.xep import Xep

_CALLS = "named; a call goes on, and needs sound or a picture"

XEPS = (
    Xep("0167", "1.2.3", "wontfix", _CALLS),
    Xep("0176", "1.1.1", "wontfix", _CALLS),
    Xep("0186", "0.14.0", "wontfix", "presence is sent by commands alone that say so"),
    Xep("0200", "0.2", "wontfix", "named; its keys come from a negotiation that was withdrawn"),
    Xep("0284", "0.1.4", "wontfix", "named; needs an editing session that goes on"),
    Xep("0320", "1.0.0", "wontfix", _CALLS),
    Xep("0338", "1.0.0", "wontfix", _CALLS),
    Xep("0400", "0.1.0", "wontfix", "a second factor needs somebody at every login"),
    Xep("0449", "0.2.0", "wontfix", "named; a sticker is a picture that needs a screen"),
    Xep("0467", "0.1.0", "wontfix", "no server has it"),
    Xep("0482", "0.1.0", "wontfix", _CALLS),
    Xep("0491", "0.1.3", "wontfix", "named; a program that needs a browser"),
    Xep("0493", "0.1.1", "wontfix", "a login by OAuth needs somebody at a browser"),
)
