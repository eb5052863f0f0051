"""Verbs of ``xmppctl openpgp``: secret keys on the server, under a code (XEP-0373 §5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.commands.openpgp import _state, cmd
from xmppctl.errors import LocalError, RefusedError, UsageError
from xmppctl.model.openpgp import OpenPgpBackup, OpenPgpKey

if TYPE_CHECKING:
    from xmppctl.protocol.openpgp.sequoia import SecretKey


@cmd.command(
    "backup",
    examples=(
        "xmppctl -o plain openpgp backup",
        "xmppctl --json openpgp backup --code-file code.txt --yes",
    ),
)
@_state.code_file
@_state.code_fd
@click.option("--reconfigure", is_flag=True,
              help="Make the node private where others could read it before.")  # fmt: skip
@cli.pass_app
async def backup(
    app: cli.App, code_file: str | None, code_fd: int | None, reconfigure: bool
) -> OpenPgpBackup:
    """Keep the secret keys on the server, encrypted.

    All those of this machine. The code that opens them is made, and told once: write it down. One
    that was made before is given by --code-file, --code-fd or XMPPCTL_CODE. A backup that is there
    is replaced after a question (--yes). The node is proven to be private before anything is sent,
    and the backup is read back.
    """
    _state.require()
    given = _state.given_code(app, code_file, code_fd)
    from xmppctl.protocol.openpgp import backup as operations

    code = operations.new_code() if given is None else operations.normal_code(given)
    if code is None:
        raise UsageError(
            "the code is not one of XEP-0373: 24 capitals and digits without O and 0, in six "
            "groups of four",
            hint="without a code a new one is made",
        )
    async with app.session() as session:
        from xmppctl.protocol.openpgp import keys

        ring = _state.store(app, session.bare).read()
        if not ring.secrets:
            raise LocalError(
                f"{session.bare} has no OpenPGP key on this machine",
                step="openpgp",
                condition="no-key",
                hint="xmppctl openpgp publish makes one",
            )
        before = await operations.fetch(session)
        if before is not None:
            app.confirm(f"replace the backup of secret keys that {session.bare} has?")
        await operations.store(session, keys.secrets(ring), code, reconfigure=reconfigure)
        names = [each.fingerprint for each in ring.secrets]
        shown = code if given is None else None
        return OpenPgpBackup(session.bare, names, shown, before is not None)


@cmd.command(
    "restore",
    examples=(
        "xmppctl openpgp restore",
        "xmppctl --json openpgp restore --code-file code.txt",
    ),
)
@_state.code_file
@_state.code_fd
@cli.pass_app
async def restore(app: cli.App, code_file: str | None, code_fd: int | None) -> list[OpenPgpKey]:
    """Get the secret keys from the backup on the server.

    The code comes from --code-file, --code-fd or XMPPCTL_CODE, or is asked for on a terminal.
    Other keys of this machine stay. A key that is not announced any more is announced again by
    publish.
    """
    _state.require()
    given = _state.given_code(app, code_file, code_fd)
    from xmppctl.config import secrets

    own = str(app.account.jid.bare)
    if given is None:
        with app.blocking():
            given = secrets.provider(secrets.CODE, None, whose=own, no_input=app.no_input)()
    async with app.session() as session:
        from xmppctl.protocol.openpgp import backup as operations
        from xmppctl.protocol.openpgp import keys, user_id

        sealed = await operations.fetch(session)
        if sealed is None:
            raise RefusedError(
                f"{session.bare} has no backup of secret keys",
                step="openpgp",
                condition="item-not-found",
                by=session.bare,
            )
        found = operations.opened(sealed, given)
        mine = own_keys(found, session.bare, user_id(session.bare), app.warn)
        ring = _state.store(app, session.bare).update(lambda before: before.with_secrets(mine))
        there = await keys.announced(session, session.jid.bare, ring.of(session.bare))
        shown = keys.shown(session.jid.bare, there, ring, own=True)
        return [each for each in shown if each.fingerprint in mine]


def own_keys(
    found: Sequence[SecretKey], bare: str, wanted: str, warn: Callable[[str], None]
) -> dict[str, bytes]:
    """Those in a backup that have the user id ``wanted``, by their fingerprints.

    Raises RefusedError where there is none, UsageError where one of them cannot be used.
    """
    mine = {}
    for each in found:
        if wanted not in each.public.user_ids:
            warn(f"the key {each.fingerprint} is left out: it has no user id {wanted}")
            continue
        if each.public.problem is None:  # what is not valid any more opens old messages
            _state.check_secret(each, f"the backup of {bare}")
        mine[each.fingerprint] = each.data
    if not mine:
        raise RefusedError(
            f"the backup of {bare} has no key with the user id {wanted}",
            step="openpgp",
            condition="item-not-found",
            by=bare,
        )
    return mine
