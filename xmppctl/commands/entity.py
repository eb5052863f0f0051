"""``xmppctl entity``: facts that an entity tells about itself."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.model.entity import Capabilities, Color, EntityTime, LastActivity, SoftwareVersion
from xmppctl.model.jid import Jid

cmd = cli.group("entity", section="Services", help="Clock, software, capabilities of an entity.")

_jid = click.argument("jid", type=JID, required=False)


def _offset_alone(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        options = ctx.ensure_object(cli.App).options
        options.setdefault("fields", ("offset_ms", "option --offset"))


@cmd.command(
    "time", examples=("xmppctl entity time --json", "xmppctl -o plain entity time --offset")
)
@_jid
@click.option("--offset", is_flag=True, is_eager=True, expose_value=False, callback=_offset_alone,
              help="Show only by how many milliseconds the clock is ahead.")  # fmt: skip
@cli.pass_app
async def time(app: cli.App, jid: Jid | None) -> EntityTime:
    """Show the clock of an entity against the own; of the own server by default."""
    from xmppctl.protocol import entity

    async with app.session() as session:
        return await entity.clock(session, jid or Jid(None, session.domain, None))


@cmd.command("version", examples=("xmppctl entity version example.org",))
@_jid
@cli.pass_app
async def version(app: cli.App, jid: Jid | None) -> SoftwareVersion:
    """Show the software of an entity; of the own server by default."""
    from xmppctl.protocol import entity

    async with app.session() as session:
        return await entity.version(session, jid or Jid(None, session.domain, None))


@cmd.command("last", examples=("xmppctl entity last bob@example.org",))
@_jid
@cli.pass_app
async def last(app: cli.App, jid: Jid | None) -> LastActivity:
    """Show how long a server is up, an account was last seen, or a client is idle."""
    from xmppctl.protocol import entity

    async with app.session() as session:
        return await entity.last(session, jid or Jid(None, session.domain, None))


@cmd.command(
    "caps",
    examples=(
        "xmppctl entity caps bob@example.org/phone --verify",
        "xmppctl entity caps --json | jq .match",
    ),
)
@click.argument("jid", metavar="[FULLJID]", type=JID, required=False)
@click.option("--verify", is_flag=True,
              help="Fail unless the hash is right: exit 6 otherwise.")  # fmt: skip
@cli.pass_app
async def caps(app: cli.App, jid: Jid | None, verify: bool) -> Capabilities:
    """Show the capabilities that an entity announces; the own server by default.

    They are compared with what it says when it is asked (XEP-0115, XEP-0390). Those of contacts
    and own clients come with their presence, for which this client has to appear for a moment.
    """
    from xmppctl.protocol import entitycaps

    async with app.session() as session:
        found = await entitycaps.fetch(session, jid or Jid(None, session.domain, None))
    if verify:
        return entitycaps.verified(found)
    if found.match is False:
        app.warn(f"what {found.jid} announces is not what it says when it is asked")
    return found


@cmd.command("color", examples=("xmppctl -o plain entity color juliet@capulet.lit",))
@click.argument("text", type=NONEMPTY)
@cli.pass_app
def color(app: cli.App, text: str) -> Color:
    """Show the colour of a JID or nickname (XEP-0392). Needs no account."""
    from contextlib import suppress

    from xmppctl.model.jid import parse
    from xmppctl.output import color

    if "@" in text:  # a JID is hashed in its prepared form (XEP-0392 §5.1)
        with suppress(ValueError):
            text = str(parse(text))
    parts = [round(part * 255) for part in color.rgb(text)]
    return Color(text, round(color.hue(text), 6), "#" + "".join(f"{part:02x}" for part in parts))
