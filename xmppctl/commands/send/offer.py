"""``send --oob-iq``: the file is offered to clients by request, and fetched when they answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import click
from click.core import ParameterSource

from xmppctl import cli
from xmppctl.cli.stdout import say_stanza
from xmppctl.commands.send.parts import check_parts
from xmppctl.commands.send.recipients import Recipients, gather
from xmppctl.errors import UsageError, from_info
from xmppctl.model.sent import SendResult

_ALLOWED = frozenset(
    {"words", "to_file", "oob_iq", "oob_url", "oob_desc", "wait_timeout", "dry_run"}
)


async def offer(app: cli.App, options: dict[str, Any]) -> AsyncIterator[SendResult]:
    """Offer to all at once; a result for each in their order. Raises UsageError, LocalError."""
    _check(options)
    recipients = _recipients(app, options)
    url, desc = options["oob_url"], options["oob_desc"]
    if options["dry_run"]:
        _show(app, recipients, url, desc)
        click.get_current_context().exit()
    if not recipients.jids:
        for refused in recipients.refused:
            yield refused
        return
    import asyncio

    async with app.session("acks") as session:
        from xmppctl.protocol import ooboffer

        offers = {
            to: asyncio.ensure_future(
                ooboffer.offer(session, to, url, desc, timeout=options["wait_timeout"])
            )
            for to in recipients.jids
        }
        try:
            for each in recipients.targets:
                yield each if isinstance(each, SendResult) else await offers[each]
        finally:
            for task in offers.values():
                task.cancel()


def _check(options: dict[str, Any]) -> None:
    if options["oob_url"] is None:
        raise UsageError("--oob-iq needs --oob-url, the file that it offers")
    context = click.get_current_context()
    for param in context.command.params:
        name = param.name or ""
        if name not in _ALLOWED and (
            context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        ):
            raise UsageError(f"--oob-iq and {param.opts[0]} exclude each other")
    check_parts(options)


def _recipients(app: cli.App, options: dict[str, Any]) -> Recipients:
    words = list(options["words"])
    if cli.words_after_dashes() or any("@" not in word and "/" not in word for word in words):
        raise UsageError("--oob-iq has no text: --oob-desc says what is offered")
    recipients = gather(app, words, options["to_file"], rooms=False)
    if not recipients.targets:
        raise UsageError("no recipient was given")
    for to in recipients.jids:
        if not to.is_full:
            raise UsageError(
                f"--oob-iq: {to} is not the JID of a client, such as {to.bare}/desk",
                hint="xmppctl presence probe JID tells the clients of a contact; without --oob-iq "
                "the URL goes to all of them, in a message",
            )
    return recipients


def _show(app: cli.App, recipients: Recipients, url: str, desc: str | None) -> None:
    from xmppctl.protocol import ooboffer

    for to in recipients.jids:
        say_stanza(ooboffer.request(to, url, desc))
    wrong = next((each.error for each in recipients.refused if each.error is not None), None)
    if wrong is not None:
        raise from_info(wrong)
