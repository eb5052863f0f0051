"""XEP-0373: OpenPGP for XMPP, and XEP-0374, its profile for messages.

XEP-0027 is obsolete; what is encrypted so is named, and not opened.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

from xmppctl.errors import UsageError
from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.opening import Opener
    from xmppctl.protocol.openpgp.opening import Opening
    from xmppctl.session.stream import Session

XEPS = (
    Xep(
        "0373",
        "0.7.0",
        "partial",
        "messages to people, keys, trust, backup; no notifications of new keys, no rooms",
    ),
    Xep(
        "0374",
        "0.2.0",
        "partial",
        "signcrypt by default, and the other modes on demand; support is seen from the keys alone",
    ),
)

NS = "urn:xmpp:openpgp:0"
OPENPGP = f"{{{NS}}}openpgp"
KEYS_NODE = f"{NS}:public-keys"
"""The metadata node (§4.2); the node of a key has ``:FINGERPRINT`` behind that (§4.1)."""

SECRET_NODE = f"{NS}:secret-key"
FEATURE = "urn:xmpp:openpgp:im:0"
STEP = "openpgp"

_FINGERPRINT = re.compile(r"[0-9A-F]{40}([0-9A-F]{24})?")


def is_installed() -> bool:
    """Whether the library for OpenPGP is there."""
    return find_spec("pysequoia") is not None


def require() -> None:
    """Raise UsageError where the library for OpenPGP is not installed."""
    if not is_installed():
        raise UsageError(
            "OpenPGP needs an extra that is not installed: pip install 'xmppctl[openpgp]'",
            step="start",
            condition="missing-extra",
        )


def method(session: Session, opener: Opener) -> Opening:
    """See ``opening.Method``."""
    require()
    if opener.keys is None:
        raise UsageError("no OpenPGP keys are kept here", condition="no-key")
    from xmppctl.protocol.openpgp.opening import Opening

    return Opening(session, opener, opener.keys())


def fingerprint(text: str) -> str:
    """A fingerprint as nodes are named: capitals, no spaces. Raises ValueError."""
    found = "".join(text.split()).upper().removeprefix("0X")
    if _FINGERPRINT.fullmatch(found) is None:
        raise ValueError(f"{text!r} is no fingerprint: 40 hexadecimal digits")
    return found


def key_node(of: str) -> str:
    """The node of the key with this fingerprint."""
    return f"{KEYS_NODE}:{of}"


def user_id(bare: str) -> str:
    """What a key of this bare JID has as user id (§8.4)."""
    return f"xmpp:{bare}"
