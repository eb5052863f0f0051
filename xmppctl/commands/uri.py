"""``xmppctl uri``: what an ``xmpp:`` URI asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.uri import MadeUri, Uri

cmd = cli.group("uri", section="Tools", help="Read and make xmpp: URIs (XEP-0147).")


@cmd.command(
    "parse",
    examples=(
        "xmppctl uri parse 'xmpp:romeo@example.org?message;subject=Hi;body=Here%27s%20a%20message'",
        "xmppctl --json uri parse 'xmpp:ops@conference.example.org?join' | jq -r '.[].command'",
        "grep -o 'xmpp:[^ ]*' page.html | xmppctl -o jsonl uri parse -",
    ),
    targets=True,
)
@click.argument("uris", metavar="URI...|-", nargs=-1, required=True, type=NONEMPTY)
@cli.pass_app
async def parse(app: cli.App, uris: tuple[str, ...]) -> AsyncIterator[Uri]:
    """Show what URIs ask for, and the command that does it.

    Nothing is done, and no account is needed. With - URIs come from standard input, one in a line.
    The command is quoted for a shell; an account that a URI wants to be used is never in it.
    """
    from xmppctl.model import uri

    if uris.count("-") > 1:
        raise UsageError("standard input can be read only once")
    for text, error in _texts(app, uris):
        if error is not None:
            yield Uri(uri=text, error=error)
            continue
        try:
            found = uri.parse(text)
        except ValueError as reason:
            found = uri.failed(text, str(reason))
        yield found


def _texts(app: cli.App, words: tuple[str, ...]) -> Iterator[tuple[str, ErrorInfo | None]]:
    for word in words:
        if word != "-":
            yield word, None
            continue
        for line in app.read_lines():
            if line.text.strip():
                yield line.text.strip(), line.error


@cmd.command(
    "make",
    examples=(
        "xmppctl -o plain uri make ops@conference.example.org --action join",
        "xmppctl uri make bob@example.org --action message --param subject=Hi --param 'body=a b'",
    ),
)
@click.argument("jid", type=JID)
@click.option("--action", type=NONEMPTY, metavar="NAME",
              help="What is to be done, such as message, join, roster or subscribe.")  # fmt: skip
@click.option("--param", "params", type=NONEMPTY, multiple=True, metavar="KEY=VALUE",
              help="Parameter of it; repeat for several.")  # fmt: skip
@cli.pass_app
async def make(app: cli.App, jid: Jid, action: str | None, params: tuple[str, ...]) -> MadeUri:
    """Make a URI that asks for something."""
    from xmppctl.cli.texts import check_characters
    from xmppctl.model import uri

    check_characters("parameter", *params)
    pairs = []
    for each in params:
        name, equals, value = each.partition("=")
        if not equals:
            raise UsageError(f"--param: {each!r} is not KEY=VALUE")
        pairs.append((name, value))
    try:
        return uri.make(jid, action, pairs)
    except ValueError as error:
        raise UsageError(f"no URI can say that: {error}") from None
