"""``xmppctl confirm``: was it you who asked a web server for something?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, JID, NONEMPTY
from xmppctl.errors import UsageError
from xmppctl.model.confirm import Answer, Confirmation


@cli.command(
    "confirm",
    section="Messages",
    examples=(
        "xmppctl confirm --allow --id a7374jnjlalasdf82 --for 1m",
        "xmppctl confirm --allow --url 'https://files.example.org/*' --for 1m",
        "xmppctl confirm --deny --for 10m",
        "xmppctl confirm --for 5m",
    ),
)
@click.option("--allow", is_flag=True, help="Say yes; needs --id or --url.")
@click.option("--deny", is_flag=True, help="Say no.")
@click.option("--id", "identifier", type=NONEMPTY, metavar="ID",
              help="Only the request with this transaction id.")  # fmt: skip
@click.option("--url", type=NONEMPTY, metavar="GLOB",
              help="Only for such a URL; * is any text, ? any character.")  # fmt: skip
@click.option("--from", "sender", type=JID, metavar="JID", help="Only when this service asks.")
@click.option("--method", type=NONEMPTY, metavar="M", help="Only a request with this method.")
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="Give up after this time; waits on without.")  # fmt: skip
@cli.pass_app
async def cmd(app: cli.App, /, **options: Any) -> Confirmation:
    """Answer one question whether a web request is one's own.

    A web server that a JID was given to asks the account, before it goes on (XEP-0070).
    "listening as JID" on standard error tells when it may be asked. Without --allow and --deny a
    terminal is asked, and without one the answer is no. Other requests than the wanted one are
    denied where somebody waits for an answer, and else left to other clients. A request that was
    stored for a while is allowed only by its --id.
    """
    identifier: str | None = options["identifier"]
    pattern: str | None = options["url"]
    if options["allow"] and options["deny"]:
        raise UsageError("--allow and --deny exclude each other")
    named = identifier is not None or pattern is not None
    if options["allow"] and not named:
        raise UsageError(
            "--allow needs --id or --url",
            hint="anybody can ask: name the transaction id that you gave to the web server",
        )
    decide = _decision(app, allow=options["allow"], deny=options["deny"], named=named)
    from xmppctl.protocol import httpconfirm

    wanted = httpconfirm.Wanted(
        id=identifier,
        url=None if pattern is None else _matcher(pattern),
        method=options["method"],
        sender=options["sender"],
        stored=identifier is not None or not options["allow"],
    )
    async with app.session("acks") as session:
        return await httpconfirm.answer(
            session,
            wanted,
            decide,
            seconds=options["seconds"],
            ready=lambda: app.status(f"listening as {session.jid}"),
        )


def _decision(
    app: cli.App, *, allow: bool, deny: bool, named: bool
) -> Callable[[Confirmation], Answer]:
    """What is answered to the request that is wanted. Raises UsageError."""
    from xmppctl.cli.stdin import is_terminal

    if app.option("yes") and not deny and not named:
        raise UsageError("--yes allows nothing without --id or --url")
    if allow or deny:
        return lambda asked: "allow" if allow else "deny"
    if not app.option("yes") and (app.no_input or not is_terminal(app.stdin)):
        app.status("nobody can be asked: the answer will be no")
        return lambda asked: "deny"

    def ask(asked: Confirmation) -> Answer:
        try:
            app.confirm(
                f"{asked.from_} asks: did you request {asked.method} {asked.url}, "
                f"transaction id {asked.id}?"
            )
        except UsageError:
            return "deny"
        return "allow"

    return ask


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a URL is as the pattern says; nothing but * and ? has a meaning."""
    import re

    first, *others = (
        "".join("." if char == "?" else re.escape(char) for char in part)
        for part in pattern.split("*")
    )
    # the earliest place is as good as any; to try others takes long for what a stranger may send
    middle = "".join(f"(?>.*?{part})" for part in others[:-1])
    expression = re.compile(
        first + middle + "".join(f".*{each}" for each in others[-1:]), re.DOTALL
    )
    return lambda url: expression.fullmatch(url) is not None
