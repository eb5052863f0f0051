"""``xmppctl avatar``: the picture that stands for an account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.avatar import Avatar
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xmppctl.session.web import Web
    from xmppctl.session.weburl import Url

cmd = cli.group("avatar", section="Contacts", help="Show and change avatars (XEP-0084, XEP-0153).")


@cmd.command(
    "get",
    examples=(
        "xmppctl avatar get bob@example.org --out bob.png",
        "xmppctl --json avatar get bob@example.org --meta | jq -r .id",
    ),
)
@click.argument("jid", type=JID, required=False)
@click.option("--out", type=click.Path(allow_dash=True), metavar="FILE|-",
              help="Write the picture to FILE; - is standard output.")  # fmt: skip
@click.option("--meta", is_flag=True, help="Only what is said about it, without the picture.")
@click.option("--source", type=click.Choice(["auto", "pep", "vcard"]), default="auto",
              show_default=True,
              help="Where to look: pep (XEP-0084), vcard (XEP-0153), or auto: the vCard where "
              "there is none in pep.")  # fmt: skip
@cli.pass_app
async def get(app: cli.App, jid: Jid | None, out: str | None, meta: bool, source: str) -> Avatar:
    """Show the avatar of an account, the own by default.

    The picture is fetched, and has to be the one that its id tells; one that is only at a URL is
    fetched from there, by https. An avatar that is turned off is none: exit 6, item-not-found.
    """
    if meta and out is not None:
        raise UsageError("--meta fetches no picture that --out could write")
    from xmppctl.commands._picture import save
    from xmppctl.protocol import avatar

    async with app.session() as session:
        target = None if jid is None or jid.bare == session.jid.bare else jid.bare
        found = await avatar.fetch(session, target, source, _web(app), meta=meta)
    if out is None or found.data is None:
        return found.record
    save(app, out, found.data)
    if out == "-":
        click.get_current_context().exit()
    return replace(found.record, path=out)


def _web(app: cli.App) -> Web:
    from xmppctl.session.web import Web

    return Web(
        app.settings.get("ca_file"),
        app.settings.get("connect_timeout"),
        app.settings.get("timeout"),
        app.trace,
        pins=app.settings.get("pin"),
    )


@cmd.command(
    "set",
    examples=(
        "xmppctl avatar set me.png",
        "xmppctl avatar set me.png --access presence",
        "xmppctl avatar set me.png --url https://example.org/me-large.png",
    ),
)
@click.argument("file", metavar="FILE|-", type=click.Path(allow_dash=True))
@click.option("--url", type=NONEMPTY, metavar="URL",
              help="Where the picture can be fetched too, by https, perhaps larger or in another "
              "format; it is looked at.")  # fmt: skip
@click.option("--no-vcard", is_flag=True,
              help="Do not write it into the vCard too; servers that do so by themselves do it all "
              "the same.")  # fmt: skip
@click.option("--access", type=click.Choice(["open", "presence"]),
              help="Who may see it: everybody, or contacts; by default as it is, a new one "
              "everybody.")  # fmt: skip
@click.option("--reconfigure", is_flag=True,
              help="Change who may see it where that is decided already; without --access to "
              "everybody.")  # fmt: skip
@cli.pass_app
async def set_(
    app: cli.App, file: str, url: str | None, no_vcard: bool, access: str | None, reconfigure: bool
) -> Avatar:
    """Make a picture the own avatar.

    It has to be PNG; JPEG, GIF and WebP are converted where the extra xmppctl[avatar] is
    installed. What the server has then is read back.
    """
    from xmppctl.protocol import avatar, pictures

    target = None if url is None else _parse(url)
    data = pictures.to_png(app.read_file(file))
    there = None
    if target is not None:
        there = (target.text, await avatar.hosted(_web(app), target))
    async with app.session() as session:
        return await avatar.publish(
            session,
            data,
            url=there,
            access=access or ("open" if reconfigure else None),
            reconfigure=reconfigure,
            vcard=not no_vcard,
        )


def _parse(url: str) -> Url:
    from xmppctl.session.weburl import parse_url

    check_characters("URL", url)
    try:
        target = parse_url(url)
    except ValueError as error:
        raise UsageError(f"--url: {error}") from None
    if not target.secure:
        raise UsageError("--url: an avatar is fetched by https")
    return target


@cmd.command("remove", examples=("xmppctl avatar remove", "xmppctl avatar remove --if-exists"))
@click.option("--if-exists", is_flag=True, help="Where there is none, that is fine.")
@cli.pass_app
async def remove(app: cli.App, if_exists: bool) -> Avatar:
    """Turn the own avatar off, for everybody.

    Its picture is removed, also from the vCard, whose other fields stay.
    """
    from xmppctl.protocol import avatar

    async with app.session() as session:
        return await avatar.remove(session, if_exists=if_exists)
