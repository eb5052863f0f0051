"""OpenPGP for XMPP (XEP-0373): ``--openpgp``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.commands.send.parts import Part, Values
from xmppctl.commands.send.parts.content import exclude
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.session import Session

_MODES = ("signcrypt", "sign", "crypt")


def _check(values: Values) -> None:
    mode, key = values["openpgp_mode"], values["sign_key"]
    if not values["openpgp"]:
        for name, value in (("openpgp-mode", mode), ("sign-key", key)):
            if value is not None:
                raise UsageError(f"--{name} needs --openpgp")
        return
    if "to_file" not in values:  # the verbs of muc
        raise UsageError("--openpgp is for people: in a room nobody can tell whose keys are meant")
    exclude(values, "openpgp", "muc")
    if values.get("file"):
        raise UsageError(
            "--file and --openpgp exclude each other: the file itself would go up in clear",
            hint="encrypt the file first, and send its URL with --oob-url",
        )
    if mode == "crypt" and key is not None:
        raise UsageError("--sign-key and --openpgp-mode crypt exclude each other")
    from xmppctl.commands.openpgp import _state

    _state.require()
    if key is not None:
        _state.checked_fingerprint(key, "--sign-key")


async def _prepare(session: Session, values: Values, recipients: Sequence[Jid]) -> Values:
    from xmppctl.commands.openpgp import _state
    from xmppctl.protocol.openpgp import encryptor

    app = click.get_current_context().ensure_object(cli.App)
    key = values["sign_key"]
    return {
        "encryptor": await encryptor.prepare(
            session,
            _state.store(app, session.bare),
            recipients,
            mode=values["openpgp_mode"] or "signcrypt",
            sign_key=None if key is None else _state.checked_fingerprint(key, "--sign-key"),
            trust=values["trust"] or "btbv",
            tell=app.status,
        )
    }


def _attach(stanza: Element, values: Values) -> None:
    """The message is encrypted when it is complete."""


PARTS = (Part(
    heading="Encryption",
    options=(
        click.option("--openpgp", is_flag=True,
                     help="Encrypt and sign with OpenPGP (XEP-0373), for all keys that the "
                     "recipient announces; xmppctl openpgp publish makes and announces a key."),
        click.option("--openpgp-mode", type=click.Choice(_MODES),
                     help="signcrypt by default; sign: everybody can read it; crypt: nobody can "
                     "tell who wrote it."),
        click.option("--sign-key", metavar="FPR",
                     help="Fingerprint of the own key to sign with, where there are several."),
    ),
    check=_check,
    attach=_attach,
    asks=lambda values: "--openpgp" if values["openpgp"] else None,
    prepare=_prepare,
),)  # fmt: skip
