"""What an ``xmpp:`` URI says beside the JID: the invitation of a contact (XEP-0379 §3.2)."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote_plus

from xmppctl.errors import UsageError


class Invitation(NamedTuple):
    """The token to be sent with the request, and the name that the contact gave itself."""

    token: str | None = None
    name: str | None = None


def of(word: str) -> Invitation:
    """What ``word`` says, which is a JID or a URI. Raises UsageError where it is no UTF-8."""
    if word[:5].lower() != "xmpp:":
        return Invitation()
    _, _, query = word.partition("#")[0].partition("?")
    action, *pairs = query.split(";")
    if action not in ("roster", "subscribe"):
        return Invitation()
    try:
        # a blank is + or %20 there: the XEP's own examples have both
        given = {
            key: unquote_plus(value, errors="strict")
            for key, _, value in (pair.partition("=") for pair in pairs)
        }
    except UnicodeDecodeError:
        raise UsageError("the URI is not UTF-8", step="input") from None
    return Invitation(given.get("preauth") or None, given.get("name") or None)
