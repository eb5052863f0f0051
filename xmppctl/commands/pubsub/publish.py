"""``xmppctl pubsub publish``: items into a node, and what the node has to be for that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY, TEXT
from xmppctl.cli.texts import check_characters
from xmppctl.commands.pubsub import _payload as payload
from xmppctl.commands.pubsub import _service as arguments
from xmppctl.commands.pubsub import cmd
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.pubsub import Published
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.jid import Jid
    from xmppctl.session import Session

_ACCESS = ("open", "presence", "roster", "authorize", "whitelist")


@dataclass(frozen=True)
class _Wish:
    """Where to publish, and what the node has to be there."""

    service: Jid | None
    node: str
    profile: Mapping[str, str]
    options: Mapping[str, Sequence[str]]
    reconfigure: bool


@cmd.command(
    "publish",
    examples=(
        "xmppctl pubsub publish self urn:example:notes note.xml --id 1 --profile private",
        "xmppctl pubsub publish pubsub.example.org news --atom 'Release 2.0,It is out.'",
        "echo '{\"temperature\": 21.5}' | "
        "xmppctl pubsub publish pubsub.example.org sensors --id kitchen --json-payload -",
        "xmppctl -o jsonl pubsub items self old | xmppctl pubsub publish self new --jsonl -",
    ),
    targets=True,
)
@arguments.service
@arguments.node
@click.argument("file", metavar="[FILE|-]", type=click.Path(allow_dash=True), required=False)
@click.option("--id", type=NONEMPTY, help="Id of the item; the service chooses one without it.")
@click.option(
    "--json-payload",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Publish the JSON in FILE (XEP-0335; - for standard input).",
)
@click.option(
    "--atom",
    type=NONEMPTY,
    metavar="TITLE[,TEXT]",
    help="Publish an entry of a feed (Atom), by this account, of now.",
)
@click.option(
    "--atom-body",
    type=TEXT,
    metavar="TEXT",
    help="Text of the entry (- for standard input); --atom is its title then, commas and all.",
)
@click.option("--atom-link", type=NONEMPTY, metavar="URL", help="Where the entry is on the web.")
@click.option(
    "--no-payload",
    is_flag=True,
    help="Publish an item without payload, and without --id no item at all, to a node "
    "that only notifies.",
)
@click.option(
    "--jsonl",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help='Publish many items, one in each line: {"id": ..., "xml": ...}, or with '
    "json in the place of xml (- for standard input).",
)
@click.option(
    "--profile",
    type=click.Choice(["public", "private"]),
    help="Keep the items in a node that anybody may read (XEP-0222), or nobody else (XEP-0223).",
)
@click.option(
    "--access",
    type=click.Choice(_ACCESS),
    help="Who may read the node: the access model it has to have.",
)
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    help="What else the node has to be, such as max_items=10; repeatable.",
)
@click.option("--reconfigure", is_flag=True,
              help="Change the node where it is something else.")  # fmt: skip
@cli.pass_app
async def publish(app: cli.App, /, **given: Any) -> AsyncIterator[Published]:
    """Publish an item to a node.

    The payload is one XML element, of FILE or standard input. SVC self stands for the own account,
    which makes nodes that are not there; other services may want pubsub create first.

    --option, --access and --profile say what the node is to be. A new node is made so. One that is
    something else is left alone, and nothing is published, unless --reconfigure is given; of a
    profile only the access model counts for that, the rest is set. With --profile private nothing
    is published where the service cannot be shown to keep it from others.
    """
    wish = _wish(given)
    name = payload.source(app, given)
    check_characters("id of the item", given["id"])
    if name == "jsonl":
        async with (
            app.session() as session,
            aclosing(_many(app, session, wish, given["jsonl"])) as found,
        ):
            async for record in found:
                yield record
        return
    content = payload.single(app, given, name)
    from xmppctl.protocol.pubsub import reserved

    if content is not None and not isinstance(content, payload.Entry):
        reserved.check(wish.node, content)
    async with app.session() as session:
        yield await _one(session, wish, given["id"], content, empty=name == "no_payload")


def _wish(given: Mapping[str, Any]) -> _Wish:
    options = arguments.pairs("--option", given["options"])
    options = {name.removeprefix("pubsub#"): values for name, values in options.items()}
    profile, access = given["profile"], given["access"]
    if "access_model" in options and (profile or access):
        raise UsageError("--option access_model: --access and --profile say that")
    if profile == "private" and access is not None:
        raise UsageError("--profile private is for nobody else: no --access")
    if given["reconfigure"] and not (profile or access or options):
        raise UsageError("--reconfigure: say what the node is to be (--profile, --option)")
    from xmppctl.protocol import pep

    fields: dict[str, str] = {}
    if profile == "private":
        fields = dict(pep.PRIVATE)
    elif profile == "public":
        # items are kept for what each is (XEP-0222 §5): none pushes out another
        fields = {**pep.PUBLIC, "max_items": "max", "access_model": access or "open"}
    elif access is not None:
        options["access_model"] = [access]
    if profile == "private" and options.get("persist_items", ["1"]) not in (["1"], ["true"]):
        raise UsageError("--profile private keeps items: no --option persist_items")
    return _Wish(given["service"].jid, given["node"], fields, options, given["reconfigure"])


async def _asked(
    session: Session, wish: _Wish
) -> tuple[dict[str, str | Sequence[str]], dict[str, Any]]:
    """All that the node has to be, and how to have it so.

    Options that the service does not know are refused.
    """
    import asyncio

    from xmppctl.protocol import pep
    from xmppctl.protocol.pubsub import publishing

    more = {
        "service": wish.service,
        "reconfigure": wish.reconfigure,
        "exact": not wish.profile,
    }
    if not wish.options:
        return dict(wish.profile), more
    checked, features = await asyncio.gather(
        publishing.options(session, wish.service, wish.options),
        pep.offered(session, wish.service),
    )
    return {**wish.profile, **checked}, {**more, "features": features}


async def _one(
    session: Session,
    wish: _Wish,
    identifier: str | None,
    content: Any,
    *,
    empty: bool,
) -> Published:
    from xmppctl.protocol import pep
    from xmppctl.protocol.pubsub import Item, atom, publishing
    from xmppctl.protocol.pubsub.asking import name_of

    by = name_of(session, wish.service)
    if isinstance(content, payload.Entry):
        identifier = identifier or atom.new_id()
        content = atom.entry(
            session,
            identifier,
            title=content.title,
            content=content.body,
            alternate=content.link,
        )
    want, more = await _asked(session, wish)
    try:
        if want and content is not None:
            item = Item(identifier, content)
            (known,) = await pep.publish(session, wish.node, [item], want, **more)
            return Published(by, wish.node, known)
        with_options = await pep.prepare(session, wish.node, want, **more) if want else None
    except (RefusedError, UnsupportedError) as error:
        return Published(by, wish.node, identifier, error.info())
    draft = publishing.Draft(identifier, content, item=not empty or identifier is not None)
    found = publishing.publish(session, wish.service, wish.node, [draft], with_options)
    return await anext(found)


async def _many(
    app: cli.App, session: Session, wish: _Wish, path: str
) -> AsyncGenerator[Published, None]:
    """Publish the items of lines; the node is looked at once, before the first of them."""
    from xmppctl.protocol import pep
    from xmppctl.protocol.pubsub import publishing, reading
    from xmppctl.protocol.pubsub.asking import name_of

    want, more = await _asked(session, wish)
    with_options = await pep.prepare(session, wish.node, want, **more) if want else None
    by = name_of(session, wish.service)
    ids: set[str | None] = set()
    async for batch in payload.many(app, path):
        drafts = [each for each in batch if not isinstance(each, payload.BadLine)]
        done = publishing.publish(session, wish.service, wish.node, drafts, with_options)
        async with aclosing(done):
            for each in batch:
                if isinstance(each, payload.BadLine):
                    yield Published(by, wish.node, each.id, each.error)
                    continue
                record = await anext(done)
                if record.error is None:
                    ids.add(record.id)
                yield record
    if len(ids) > 1:
        with suppress(RefusedError, UnsupportedError):
            number = await reading.count(session, wish.service, wish.node)
            if number < len(ids):
                app.warn(
                    f"of {len(ids)} items that were published, the node {wish.node} keeps "
                    f"{number} at most (--option max_items=max)"
                )
