"""What is too much for one stanza: servers end the stream then, and not all say so before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xmppctl.errors import ConnectError, RefusedError
from xmppctl.session.stream import Session

_LIMIT = "{urn:xmpp:stream-limits:0}limits/{urn:xmpp:stream-limits:0}max-bytes"
_AROUND = 1000  # bytes of a stanza around what it carries


@contextmanager
def explained(
    session: Session, size: int, what: str, step: str, *, picture: bool = True
) -> Iterator[None]:
    """Requests that carry ``size`` bytes, of a ``picture`` in base64; ``what`` in words.

    Raises RefusedError (file-too-large) before anything is sent where the server tells its limit
    (XEP-0478), and behind where it ends the stream for that.
    """
    encoded = (size + 2) // 3 * 4 if picture else size
    hint = "make it smaller: 64 to 256 pixels are enough for an avatar" if picture else None
    told = (session.features.findtext(_LIMIT) or "").strip()
    if told.isdecimal() and len(told) < 12 and encoded + _AROUND > int(told):
        raise _too_large(session, f"{what} of {size} bytes", step, int(told), hint)
    try:
        yield
    except ConnectError as error:
        if error.condition != "policy-violation" or not size:
            raise
        raise _too_large(session, f"{what} of {size} bytes", step, None, hint) from None


def _too_large(
    session: Session, what: str, step: str, limit: int | None, hint: str | None
) -> RefusedError:
    why = f"takes no more than {limit} bytes in one stanza" if limit else "ended the stream for it"
    return RefusedError(
        f"{what} is too large: {session.domain} {why}; nothing was changed",
        step=step,
        condition="file-too-large",
        by=session.domain,
        hint=hint,
        limit=limit,
    )
