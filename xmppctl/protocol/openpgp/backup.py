"""XEP-0373 §5: the secret keys on the server, encrypted with a code that only the user has."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UsageError
from xmppctl.protocol import pep
from xmppctl.protocol.openpgp import NS, SECRET_NODE, STEP
from xmppctl.protocol.openpgp.announcing import offered
from xmppctl.protocol.openpgp.content import decode
from xmppctl.protocol.openpgp.sequoia import SecretKey, decrypt_by_code, encrypt_by_code, keys_of
from xmppctl.protocol.pubsub import Item
from xmppctl.session.stream import Session

ALPHABET = "123456789ABCDEFGHIJKLMNPQRSTUVWXYZ"
_GROUPS, _LENGTH = 6, 4

_SECRET = f"{{{NS}}}secretkey"
_ITEM = "current"
_WANT = {**pep.PRIVATE, "max_items": "1"}


def new_code() -> str:
    """A code (§5.4), from secure random."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def normal_code(text: str) -> str | None:
    """A code as it is used, however it was typed; None where it is none of ours."""
    plain = "".join(char for char in text.upper() if char not in "- \t")
    if len(plain) != _GROUPS * _LENGTH or any(char not in ALPHABET for char in plain):
        return None
    return "-".join(plain[at : at + _LENGTH] for at in range(0, len(plain), _LENGTH))


async def fetch(session: Session) -> bytes | None:
    """The backup that is there, encrypted; None where there is none.

    Raises RefusedError (malformed), UnsupportedError, DeadlineError.
    """
    found = [
        each.payload for each in await pep.read(session, SECRET_NODE) if each.payload.tag == _SECRET
    ]
    if not found:
        return None
    try:
        return decode(found[-1].text)
    except ValueError as error:
        raise RefusedError(
            f"the backup of secret keys of {session.bare} cannot be read: {error}",
            step=STEP,
            condition="malformed",
            by=session.bare,
        ) from None


async def store(
    session: Session, keys: Sequence[SecretKey], code: str, *, reconfigure: bool
) -> None:
    """Put the keys on the server, where the account alone may read them, in place of others.

    The node is proven to be private, by its configuration, before anything is sent: no server
    that was met announces access-whitelist for accounts, which §5.1 asks for. Raises
    UnsupportedError, RefusedError (precondition-not-met: others may read the node; not-applied:
    the backup is not what was sent when it is read back).
    """
    features = await offered(session, "the backup")
    want = await pep.prepare(
        session, SECRET_NODE, _WANT, features=features, reconfigure=reconfigure
    )
    sealed = encrypt_by_code(b"".join(each.data for each in keys), code)
    element = Element(_SECRET)
    element.text = base64.b64encode(sealed).decode()
    await pep.publish(session, SECRET_NODE, [Item(_ITEM, element)], want or {}, features=features)
    if await fetch(session) != sealed:
        raise RefusedError(
            f"{session.bare} took the backup, and does not have it",
            step=STEP,
            condition="not-applied",
            by=session.bare,
        )


def opened(sealed: bytes, code: str) -> list[SecretKey]:
    """The keys in a backup. Raises UsageError where the code does not open it."""
    for each in dict.fromkeys((normal_code(code) or code, code)):
        try:
            keys, _ = keys_of(decrypt_by_code(sealed, each))
        except ValueError:
            continue
        if keys:
            return keys
    raise UsageError(
        "the code does not open the backup of the secret keys",
        step=STEP,
        condition="wrong-code",
        hint="24 capitals and digits in six groups of four; or the passphrase that another "
        "program asked for",
    )
