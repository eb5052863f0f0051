"""Verbs of ``xmppctl openpgp``: the own keys, on this machine and as the account announces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.openpgp import _state, cmd
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.openpgp import OpenPgpKey, OpenPgpRemoval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xmppctl.protocol.openpgp.sequoia import PublicKey, SecretKey


@cmd.command(
    "publish",
    examples=(
        "xmppctl openpgp publish",
        "gpg --export-secret-keys xmpp:alice@example.org | xmppctl openpgp publish -",
        "xmppctl --json openpgp publish key.asc --access presence",
    ),
)
@click.argument("keyfile", metavar="[KEYFILE|-]", type=click.Path(allow_dash=True), required=False)
@click.option("--access", type=click.Choice(["open", "presence"]), default="open",
              show_default=True, help="Who may see it: everybody, or contacts.")  # fmt: skip
@click.option("--reconfigure", is_flag=True,
              help="Change who may see it where that is decided already.")  # fmt: skip
@cli.pass_app
async def publish(
    app: cli.App, keyfile: str | None, access: str, reconfigure: bool
) -> list[OpenPgpKey]:
    """Announce the own key, so that others can encrypt for it.

    Without KEYFILE the key of this machine, which is made where there is none. KEYFILE has a key
    with the user id xmpp:JID, binary or armored; its secret part is kept on this machine, and has
    to be without a passphrase: the file of the keys has mode 0600. Without a secret part it is
    only announced. What the server has then is read back.
    """
    _state.require()
    given = None if keyfile is None else _read(app, keyfile)
    async with app.session() as session:
        from xmppctl.protocol.openpgp import announcing, keys, user_id

        # kept before anybody can encrypt for it
        store = _state.store(app, session.bare)
        if given is not None:
            secrets, public = given
            _check(secrets, public, user_id(session.bare), keyfile)
            new = {each.fingerprint: each.data for each in secrets}
            ring = store.update(lambda before: before.with_secrets(new)) if new else store.read()
        else:
            mine, public = keys.own_or_new(store, session.bare, app.status), []
            if (problem := mine.public.problem) is not None:
                raise UsageError(
                    f"the key {mine.fingerprint} of this machine cannot be used: {problem}",
                    hint="xmppctl openpgp publish KEYFILE takes another one",
                )
            secrets, ring = [mine], store.read()
        every = [*(each.public for each in secrets), *public]
        dates = await announcing.publish(session, every, access=access, reconfigure=reconfigure)
        return [
            keys.record(
                session.bare,
                keys.Announced(each.fingerprint, dates[each.fingerprint], each, each.problem),
                ring,
            )
            for each in every
        ]


def _read(app: cli.App, keyfile: str) -> tuple[list[SecretKey], list[PublicKey]]:
    """The keys in a file. Raises UsageError for none that can be used, LocalError."""
    from xmppctl.protocol.openpgp import sequoia

    data = app.read_file(keyfile)
    keyfile = "standard input" if keyfile == "-" else keyfile
    try:
        secrets, public = sequoia.keys_of(data)
    except ValueError as error:
        raise UsageError(f"{keyfile} holds no OpenPGP key: {error}") from None
    if not secrets and not public:
        raise UsageError(f"{keyfile} holds no OpenPGP key")
    for each in secrets:
        if each.public.problem is None:
            _state.check_secret(each, keyfile)
    for key in (*(each.public for each in secrets), *public):
        if key.problem is not None:
            raise UsageError(f"the key {key.fingerprint} in {keyfile} is not used: {key.problem}")
    return secrets, public


def _check(
    secrets: list[SecretKey], public: list[PublicKey], wanted: str, keyfile: str | None
) -> None:
    for key in (*(each.public for each in secrets), *public):
        if wanted not in key.user_ids:
            raise UsageError(
                f"the key {key.fingerprint} in {keyfile} has no user id {wanted}: nobody would "
                "take it for yours",
                hint=f"gpg --quick-add-uid {key.fingerprint} {wanted}",
            )


@cmd.command(
    "remove",
    examples=(
        "xmppctl openpgp remove --yes",
        "xmppctl openpgp remove 1357B01865B2503C18453D208CAC2A9678548E35 --secret --yes",
        "xmppctl openpgp remove --backup --if-exists --yes",
    ),
)
@click.argument("fingerprint", metavar="[FPR]", type=NONEMPTY, required=False)
@click.option("--secret", is_flag=True,
              help="Remove its secret part from this machine too: what was encrypted for it can "
              "then be read with a backup only.")  # fmt: skip
@click.option("--backup", is_flag=True,
              help="Remove the backup of secret keys from the server, and without FPR nothing "
              "else.")  # fmt: skip
@click.option("--if-exists", is_flag=True, help="Where there is none, that is fine.")
@cli.pass_app
async def remove(
    app: cli.App, fingerprint: str | None, secret: bool, backup: bool, if_exists: bool
) -> OpenPgpRemoval:
    """Announce an own key no more, and remove it from the server.

    Without FPR the only key of this machine, or else the only one that the account announces.
    """
    _state.require()
    name = None if fingerprint is None else _state.checked_fingerprint(fingerprint, "FPR")
    if secret and backup and name is None:
        raise UsageError("--secret with --backup needs FPR: which key")
    own = str(app.account.jid.bare)
    if name is None and not backup:
        name = _only([each.fingerprint for each in _state.store(app, own).read().secrets], own)
    what = [] if backup and name is None else [f"the key {name or 'that is announced'}"]
    what += ["its secret part on this machine"] if secret else []
    what += ["the backup of secret keys"] if backup else []
    app.confirm(f"remove {' and '.join(what)} of {own}?")
    async with app.session() as session:
        from xmppctl.protocol.openpgp import announcing, keys

        if name is None and not backup:
            name = _only(list(keys.entries(await keys.listed(session, None))), own)
        store = _state.store(app, session.bare)
        kept = secret and any(each.fingerprint == name for each in store.read().secrets)
        withdrawn = name is not None and await announcing.withdraw(session, name)
        gone = backup and await announcing.remove_backup(session)
        if kept and name is not None:
            fpr = name
            store.update(lambda before: before.without_secret(fpr))
        existed = withdrawn or kept if name is not None or not backup else gone
        if not existed and not if_exists:
            thing = "has no backup of secret keys" if backup else "announces no key"
            if name is not None:
                thing = f"does not announce the key {name}"
            raise RefusedError(
                f"{session.bare} {thing}",
                step="openpgp",
                condition="item-not-found",
                by=session.bare,
                hint="--if-exists: that is fine",
            )
        return OpenPgpRemoval(session.bare, name, existed, kept, gone)


def _only(names: Sequence[str], own: str) -> str | None:
    """The one key that can be meant; None where there is none. Raises UsageError for several."""
    if len(names) > 1:
        raise UsageError(f"which key of {own}? give FPR, one of {', '.join(names)}")
    return names[0] if names else None
