"""XEP-0384: OMEMO Encryption, in its versions 0.3 (``eu.siacs.conversations.axolotl``) and 0.9.

The cryptography is that of the libraries OMEMO, Twomemo and Oldmemo, which are an extra; the XML,
the network and the state are here. Nothing of a session of the ratchet is on the wire before what
it became is on the disk.
"""

from __future__ import annotations

from xmppctl.errors import UsageError
from xmppctl.protocol import Xep

XEPS = (
    Xep(
        "0384",
        "0.9.1",
        "partial",
        "versions 0.3 and 0.9; without opt-out and labels of devices, in rooms version 0.3 alone",
    ),
    Xep("0420", "0.5.0", "partial", "in messages of OMEMO 0.9"),
)

OLD = "eu.siacs.conversations.axolotl"
"""Namespace of version 0.3, which encrypts the text of a message alone."""

NEW = "urn:xmpp:omemo:2"
"""Namespace of version 0.9, which encrypts all that says something (XEP-0420)."""

VERSIONS = {"0.3": OLD, "2": NEW}
STEP = "omemo"
ENCRYPTED = {f"{{{OLD}}}encrypted": OLD, f"{{{NEW}}}encrypted": NEW}
"""Elements of a message, and the version that each is of."""

LOWEST_ID, HIGHEST_ID = 1, 2**31 - 1
MAX_DEVICES = 100
"""Devices of an account that are looked at; nobody has so many, and each costs a request."""


def require() -> None:
    """Raise UsageError where the extra is not installed, with what installs it."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("omemo", "twomemo", "oldmemo")):
        raise UsageError(
            "OMEMO needs an extra that is not installed",
            step=STEP,
            condition="missing-extra",
            hint="pip install 'xmppctl[omemo]'",
        )


def format_fingerprint(fingerprint: str) -> str:
    """A fingerprint as people compare it: eight groups of eight digits (§8)."""
    return " ".join(fingerprint[at : at + 8] for at in range(0, len(fingerprint), 8))
