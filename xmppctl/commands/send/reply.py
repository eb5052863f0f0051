"""``xmppctl send --wait-reply``: ask somebody, and print the answer."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.commands._opening import opener
from xmppctl.commands.send.command import cmd
from xmppctl.commands.send.request import Request
from xmppctl.errors import UsageError
from xmppctl.model.stanza import Stanza


@cmd.instead("wait_reply")
@cli.pass_app
async def answered(app: cli.App, /, **options: Any) -> Stanza:
    """Send one message, and wait for what its recipient says to it."""
    from xmppctl.commands.listen import expression

    _check_options(options)
    matching = expression(options["matching"])
    request = Request(app, options)
    if len(request.recipients.targets) != 1:
        raise UsageError("--wait-reply is for one message to one person")
    if options["dry_run"]:
        from xmppctl.commands.send import delivery

        delivery.show(request)
        click.get_current_context().exit()
    from xmppctl.protocol import reply

    (to,) = request.recipients.jids
    async with app.session("acks", "carbons") as session:
        if app.trace.facts.get("transport") == "bosh":
            app.warn(
                "over BOSH a server may lose other messages that come meanwhile; "
                "--transport websocket or tcp keeps them"
            )
        await request.prepare(session, [to])
        return await reply.ask(
            session,
            request.outgoing(to, request.body),
            matching=matching,
            seconds=options["wait_timeout"],
            encryptor=request.options.get("encryptor"),
            opener=opener(app, session),
        )


def _check_options(options: dict[str, Any]) -> None:
    for name in ("muc", "multicast", "to_file", "stdin_lines", "wait", "oob_iq"):
        if options[name]:
            raise UsageError(f"--wait-reply and --{name.replace('_', '-')} exclude each other")
    if options["kind"] == "groupchat":
        raise UsageError("--wait-reply is for messages to one person, not to a room")
