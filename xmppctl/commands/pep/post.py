"""Verb of ``xmppctl pep``: the microblog."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.cli.stdin import check_text
from xmppctl.cli.texts import check_characters
from xmppctl.commands.pep import _options as common
from xmppctl.commands.pep import cmd
from xmppctl.commands.send.text import check_language
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.pep import Post

_DEFAULT_LAST = 20


@cmd.command(
    "post",
    examples=(
        "xmppctl pep post 'hanging out at the cafe'",
        "git log -1 --format=%B | xmppctl pep post - --title 'Release 1.2' --tag release",
        "xmppctl pep post --list bob@example.org --last 5",
    ),
)
@click.argument("text", metavar="[TEXT|-]", required=False)
@click.option("--title", type=NONEMPTY, help="Title of a longer post; TEXT is its content then.")
@click.option("--author", type=NONEMPTY, metavar="NAME",
              help="Name of the author; that of the account without.")  # fmt: skip
@click.option("--link", "links", type=NONEMPTY, multiple=True, metavar="URL",
              help="Address that the post is about; repeat for several.")  # fmt: skip
@click.option("--tag", "tags", type=NONEMPTY, multiple=True, metavar="WORD",
              help="Category; repeat for several.")  # fmt: skip
@click.option("--lang", type=NONEMPTY, metavar="TAG", help="Language of the post, such as en.")
@click.option("--list", "listing", is_flag=True,
              help="List posts; TEXT is then the JID of the author.")  # fmt: skip
@click.option("--last", type=click.IntRange(min=1), metavar="N",
              help=f"With --list: the newest N; {_DEFAULT_LAST} without.")  # fmt: skip
@common.publishing
@cli.pass_app
async def post(app: cli.App, /, **options: Any) -> Post:
    """Publish a post in the own microblog, or list one.

    A short post is its TEXT; a longer one has a title too. The microblog is the node
    urn:xmpp:microblog:0 of the account, which keeps all posts; contacts may read it, or who
    --access says. With --list the newest posts of the account JID, oldest first.
    """
    if options["last"] is not None:
        raise UsageError("--last is for --list")
    if options["reconfigure"] and options["access"] is None:
        raise UsageError("--reconfigure needs --access")
    _check_links(options["links"])
    if options["lang"] is not None:
        check_language(options["lang"], "lang")
    title: str | None = options["title"]
    text: str | None = options["text"]
    if text is not None or title is None:
        if text is not None and cli.words_after_dashes():
            text = check_text(text)  # a text, even if it is a single -
        else:
            text = app.read_text(text)
        if not text.strip():
            raise UsageError("the text is empty: nothing was published")
    check_characters("text", text, title)
    check_characters("value of an option", options["author"], *options["tags"])
    from xmppctl.protocol import pepvalues
    from xmppctl.protocol.pepvalues import microblog
    from xmppctl.protocol.pubsub import Item, atom

    identifier = atom.new_id()
    async with app.session() as session:
        entry = atom.entry(
            session,
            identifier,
            title=title or text or "",
            content=text if title else None,
            related=options["links"],
            **{name: options[name] for name in ("author", "tags", "lang")},
        )
        await pepvalues.publish(
            session,
            microblog.NODE,
            entry,
            {**microblog.WANT, **common.want(options)},
            reconfigure=options["reconfigure"],
            identifier=identifier,
        )
        return microblog.read(session.bare, Item(identifier, entry))


@post.instead("listing")
@cli.pass_app
async def _list(app: cli.App, /, **options: Any) -> list[Post]:
    for flag, name in (
        ("--title", "title"),
        ("--author", "author"),
        ("--link", "links"),
        ("--tag", "tags"),
        ("--lang", "lang"),
        ("--access", "access"),
        ("--reconfigure", "reconfigure"),
    ):
        if options[name]:
            raise UsageError(f"{flag} and --list exclude each other")
    context = click.get_current_context()
    given: str | None = options["text"]
    jid: Jid | None = None if given is None else BARE_JID.convert(given, None, context)
    from xmppctl.protocol.pepvalues import microblog

    async with app.session() as session:
        return await microblog.fetch(session, jid, options["last"] or _DEFAULT_LAST)


def _check_links(links: tuple[str, ...]) -> None:
    import re

    for link in links:
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f]+", link) is None:
            raise UsageError(f"--link: {link!r} is not an address, such as https://example.org/")
