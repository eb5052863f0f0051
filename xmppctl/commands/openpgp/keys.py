"""Verbs of ``xmppctl openpgp``: the keys of an account, and which of them are trusted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.commands.openpgp import _state, cmd
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import Jid
from xmppctl.model.openpgp import OpenPgpKey

if TYPE_CHECKING:
    from xmppctl.model.openpgp import KnownKey


@cmd.command(
    "keys",
    examples=("xmppctl openpgp keys", "xmppctl -o plain openpgp keys bob@example.org"),
)
@click.argument("jid", metavar="[JID]", type=BARE_JID, required=False)
@cli.pass_app
async def keys(app: cli.App, jid: Jid | None) -> list[OpenPgpKey]:
    """List the keys that an account announces, by default the own.

    Behind them come those that are kept on this machine and not announced any more. Nothing is
    imported, and no trust is changed.
    """
    _state.require()
    async with app.session() as session:
        from xmppctl.protocol.openpgp import keys

        ring = _state.store(app, session.bare).read()
        of = jid or session.jid.bare
        there = await keys.announced(session, of, ring.of(str(of)))
        return keys.shown(of, there, ring, own=str(of) == session.bare)


@cmd.command(
    "import",
    examples=(
        "xmppctl openpgp import bob@example.org",
        "xmppctl --json openpgp import bob@example.org carol@example.org",
    ),
    targets=True,
)
@click.argument("jids", metavar="JID...", type=BARE_JID, nargs=-1, required=True)
@cli.pass_app
async def import_(app: cli.App, jids: tuple[Jid, ...]) -> AsyncIterator[OpenPgpKey]:
    """Fetch the keys that accounts announce, and keep them.

    They are trusted as they came, until one of that account is verified (trust). send --openpgp
    does the same by itself. A key that cannot be used is a record with an error.
    """
    _state.require()
    from dataclasses import replace

    from xmppctl.errors import UntrustedError, XmppctlError

    async with app.session() as session:
        from xmppctl.protocol.openpgp import keys, trust

        store = _state.store(app, session.bare)
        for jid in dict.fromkeys(jids):
            name = str(jid)
            ring = store.read()
            try:
                there = await keys.announced(session, jid, ring.of(name))
                if not there:
                    raise RefusedError(
                        f"{name} announces no OpenPGP key",
                        step="openpgp",
                        condition="item-not-found",
                        by=name,
                    )
                ring = trust.learn(store, ring, {name: there}, app.status)
            except XmppctlError as error:
                yield keys.failed(name, error)
                continue
            for each in there:
                record = keys.record(name, each, ring)
                if each.key is None:
                    text = f"the key {each.fingerprint} of {name} is not taken: {each.problem}"
                    refused = UntrustedError(text, step="openpgp", condition="unusable", by=name)
                    record = replace(record, error=refused.info())
                yield record


@cmd.command(
    "trust",
    examples=(
        "xmppctl openpgp trust bob@example.org 1357B01865B2503C18453D208CAC2A9678548E35",
        'xmppctl openpgp trust bob@example.org "$FINGERPRINT_FROM_BOB"',
    ),
)
@click.argument("jid", type=BARE_JID)
@click.argument("fingerprint", metavar="FPR", type=NONEMPTY)
@cli.pass_app
async def trust(app: cli.App, jid: Jid, fingerprint: str) -> OpenPgpKey:
    """Tell that a key was verified to be that of an account.

    Compare the fingerprint with its owner first, not by XMPP. From then on keys of this account
    that were not verified are not used any more.
    """
    return await _decide(app, jid, fingerprint, "verified")


@cmd.command(
    "untrust",
    examples=("xmppctl openpgp untrust bob@example.org 1357B01865B2503C18453D208CAC2A9678548E35",),
)
@click.argument("jid", type=BARE_JID)
@click.argument("fingerprint", metavar="FPR", type=NONEMPTY)
@cli.pass_app
async def untrust(app: cli.App, jid: Jid, fingerprint: str) -> OpenPgpKey:
    """Tell that a key is never to be used.

    Whatever the account announces, nothing is encrypted for it any more, and what it signed is
    rejected. trust takes that back.
    """
    return await _decide(app, jid, fingerprint, "distrusted")


async def _decide(
    app: cli.App, jid: Jid, text: str, decision: Literal["verified", "distrusted"]
) -> OpenPgpKey:
    """Keep what the user decided about a key, which is fetched where it is not known yet."""
    _state.require()
    name = _state.checked_fingerprint(text, "FPR")
    bare = str(jid)
    async with app.session() as session:
        from xmppctl.protocol.openpgp import keys

        store = _state.store(app, session.bare)
        ring = store.read()
        known: KnownKey | None = ring.of(bare).get(name)
        try:
            there = await keys.announced(session, jid, ring.of(bare))
        except (RefusedError, UnsupportedError):
            if known is None:
                raise
            there = []
        found = next((each for each in there if each.fingerprint == name), None)
        if found is not None and found.key is not None:
            known = keys.merged(known, found)
        if known is None:
            problem = "it is not announced" if found is None else found.problem
            raise RefusedError(
                f"{bare} has no such key, {name}: {problem}",
                step="openpgp",
                condition="item-not-found",
                by=bare,
                hint=f"xmppctl openpgp keys {bare}",
            )
        decided = known._replace(trust=decision)
        ring = store.update(lambda before: before.with_keys(bare, {name: decided}))
        shown = keys.shown(jid, there, ring, own=bare == session.bare)
        return next(each for each in shown if each.fingerprint == name)
