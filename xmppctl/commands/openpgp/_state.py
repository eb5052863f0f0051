"""What the verbs share: the extra, the keys of this machine, fingerprints, codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xmppctl.config.openpgpkeys import Store
    from xmppctl.protocol.openpgp.sequoia import SecretKey

code_file = click.option(
    "--code-file", type=click.Path(), metavar="FILE",
    help="File (mode 0600) with the code in its first line.",
)  # fmt: skip
code_fd = click.option(
    "--code-fd", type=click.IntRange(min=0), metavar="N",
    help="Descriptor that the code is read from.",
)  # fmt: skip


def require() -> None:
    """Raise UsageError where the extra is not installed."""
    from xmppctl.protocol import openpgp

    openpgp.require()


def store(app: cli.App, jid: str) -> Store:
    """The keys of the bare JID on this machine."""
    from xmppctl.config.openpgpkeys import Store

    return Store(jid, app.env)


def checked_fingerprint(text: str, where: str) -> str:
    """A fingerprint as nodes are named. Raises UsageError."""
    from xmppctl.protocol import openpgp

    try:
        return openpgp.fingerprint(text)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def check_secret(key: SecretKey, where: str) -> None:
    """Raise UsageError where a secret key cannot be used, such as one with a passphrase.

    The library can use such a key and cannot take its passphrase off, and no run asks for one.
    """
    try:
        if key.signer and key.decryptor:
            return
    except ValueError as error:
        raise UsageError(
            f"the secret key {key.fingerprint} in {where} cannot be used ({error})",
            step="openpgp",
            condition="locked",
            hint="xmppctl keeps keys without a passphrase, in a file that nobody else can read: "
            f"take it off in a copy first (gpg --change-passphrase {key.fingerprint}, then gpg "
            "--export-secret-keys), or make a key for this machine",
        ) from None


def given_code(app: cli.App, file: str | None, fd: int | None) -> str | None:
    """The code of the options or of XMPPCTL_CODE; None where there is none. Raises UsageError."""
    from xmppctl.config import secrets

    source = secrets.chosen(secrets.CODE, {"file": file, "fd": fd}, app.env)
    if source is None:
        return None
    with app.blocking():
        return secrets.read(source, secrets.CODE)
