"""XEP-0083: Nested Roster Groups: the text that separates the levels of a group's name."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep, privatexml
from xmppctl.session.stream import Session

XEPS = (Xep("0083", "1.0", "complete"),)

ROSTER = "{roster:delimiter}roster"
_STEP = "delimiter"


async def get(session: Session) -> str | None:
    """The delimiter as it is stored, None where none is.

    Whoever takes groups apart asks ``usable`` first. Raises RefusedError, UnsupportedError,
    DeadlineError.
    """
    return (await privatexml.get(session, ROSTER, step=_STEP)).text or None


async def put(session: Session, delimiter: str | None) -> str | None:
    """Store ``delimiter``, None for no nesting; what is stored then.

    Raises as ``get``, and RefusedError (not-confirmed).
    """
    element = Element(ROSTER)
    element.text = delimiter
    return (await privatexml.put(session, element, step=_STEP)).text or None


def usable(delimiter: str | None) -> str | None:
    """The delimiter that holds: a single letter or digit switches nesting off (§2)."""
    if delimiter is not None and len(delimiter) == 1 and delimiter.isascii():
        return None if delimiter.isalnum() else delimiter
    return delimiter
