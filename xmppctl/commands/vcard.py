"""``xmppctl vcard``: who somebody is, and what others see of the own account."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import JID, TEXT
from xmppctl.cli.texts import check_characters
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.vcard import CardRemoval, VCard

if TYPE_CHECKING:
    from xmppctl.protocol.vcard import Card
    from xmppctl.protocol.vcard.edit import Change

cmd = cli.group("vcard", section="Contacts", help="Show and change vCards (XEP-0054, XEP-0292).")

_FORMS = ("json", "vcf", "xml", "jcard")
_PARTS = ("family", "given")
_SEVERAL = ("email", "tel")
_DATE = re.compile(r"(\d{4}(-?\d\d(-?\d\d)?)?|--\d\d(-?\d\d)?|---\d\d)(T[0-9:.Z+-]+)?")

_four = click.option("--v4", is_flag=True, help="The vCard4 of XEP-0292, not vcard-temp.")


def _form(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    if value is None:
        return None
    form, colon, path = value.partition(":")
    if (form == "photo" and path) or (form in _FORMS and not colon):
        return form, path
    raise click.BadParameter(f"{value!r} is none of {', '.join(_FORMS)}, photo:FILE")


@cmd.command(
    "get",
    examples=(
        "xmppctl vcard get bob@example.org",
        "xmppctl --json vcard get bob@example.org | jq -r '.email[]'",
        "xmppctl vcard get --as vcf > me.vcf",
        "xmppctl vcard get bob@example.org --as photo:bob.png",
        "xmppctl vcard get bob@example.org --v4 --as jcard",
    ),
)
@click.argument("jid", type=JID, required=False)
@click.option("--as", "form", metavar="FORM", callback=_form,
              help="Write it in a form that set reads: json, vcf, xml, jcard; or photo:FILE, the "
              "picture alone.")  # fmt: skip
@_four
@cli.pass_app
async def get(app: cli.App, jid: Jid | None, form: tuple[str, str] | None, v4: bool) -> VCard:
    """Show the vCard of an account or service; the own by default.

    It is asked of the server, whether they are online or not. json is what --json shows with the
    bytes of the picture; vcf is of version 3.0, with --v4 of 4.0. A card without anything in it is
    none: exit 6, item-not-found.
    """
    from xmppctl.protocol.vcard import record, stored

    version = 4 if v4 else 3
    async with app.session() as session:
        target = None if jid is None or jid.bare == session.jid.bare else jid.bare
        card = await stored.fetch(session, target, version)
        name = str(target or session.bare)
    if form is not None and form[0] == "photo":
        _save_photo(app, card, name, form[1])
    elif form is not None:
        from xmppctl.protocol.vcard import forms

        _print(app, forms.write(card, form[0], name, version))
    if form is not None and form[1] in ("", "-"):  # standard output is not for the record then
        click.get_current_context().exit()
    return _shown(app, record.describe(card, name, version))


def _shown(app: cli.App, card: VCard) -> VCard:
    """Where people look at it, without the properties that other fields tell completely."""
    if app.format != "table" or app.fields is not None:
        return card
    from xmppctl.protocol.vcard.record import told

    return replace(card, properties=[each for each in card.properties if not told(each)])


def _print(app: cli.App, text: str) -> None:
    from xmppctl.cli.stdout import stdout_errors
    from xmppctl.output.escape import safe

    if app.stdout.isatty():
        text = safe(text.replace("\r\n", "\n"), newlines=True)
    with stdout_errors():
        app.stdout.write(text)
        app.stdout.flush()


def _save_photo(app: cli.App, card: Card, name: str, path: str) -> None:
    from xmppctl.commands._picture import save
    from xmppctl.protocol.vcard import record

    data = record.photo(card)
    if data is None:
        raise RefusedError(
            f"there is no picture in the vCard of {name}",
            step="vcard",
            condition="item-not-found",
            by=name,
        )
    save(app, path, data)


@cmd.command(
    "set",
    examples=(
        "xmppctl vcard set --fn 'Alice Liddell' --email alice@example.org --url https://a.example",
        "xmppctl vcard set --nickname ''",
        "xmppctl vcard set --photo me.png",
        "xmppctl vcard set --file me.vcf --replace",
        "xmppctl -a old vcard get --v4 --as xml | xmppctl -a new vcard set --v4 --file -",
    ),
)
@click.option("--fn", type=TEXT, metavar="NAME", help="Full name, as it is to be shown.")
@click.option("--family", type=TEXT, metavar="NAME", help="Family name.")
@click.option("--given", type=TEXT, metavar="NAME", help="Given name.")
@click.option("--nickname", type=TEXT, metavar="NAME", help="Nickname.")
@click.option("--email", type=TEXT, multiple=True, metavar="ADDRESS",
              help="E-mail address; again for several. All others go.")  # fmt: skip
@click.option("--tel", type=TEXT, multiple=True, metavar="NUMBER",
              help="Telephone number; again for several. All others go.")  # fmt: skip
@click.option("--url", type=TEXT, metavar="URL", help="Web site.")
@click.option("--org", type=TEXT, metavar="NAME", help="Organisation.")
@click.option("--title", type=TEXT, metavar="TEXT", help="Job title.")
@click.option("--role", type=TEXT, metavar="TEXT", help="Function.")
@click.option("--bday", type=TEXT, metavar="DATE", help="Birthday, such as 1990-12-31.")
@click.option("--note", type=TEXT, metavar="TEXT", help="A text about you.")
@click.option("--photo", type=click.Path(allow_dash=True), metavar="FILE|-",
              help="Picture: PNG, JPEG, GIF, WebP or SVG.")  # fmt: skip
@click.option("--file", type=click.Path(allow_dash=True), metavar="FILE|-",
              help="A card as vcf, xml, json or jCard; which, is seen by what is in it.",
              )  # fmt: skip
@click.option("--merge/--replace", default=True, show_default=True,
              help="Leave alone what is not given, or put the new card in place of the old.",
              )  # fmt: skip
@_four
@click.option("--access", type=click.Choice(["open", "presence"]),
              help="Who may read the vCard4: everybody, or contacts; by default as it is, a new "
              "one everybody.")  # fmt: skip
@click.option(
    "--reconfigure",
    is_flag=True,
    help="Change who may read a vCard4 that is there; without --access to everybody.",
)
@cli.pass_app
async def set_(app: cli.App, /, **options: Any) -> VCard:
    """Change the own vCard, and show it as the server has it then.

    What is not named stays as it is, also what is unknown here. An empty value removes a field.
    Everybody can read a vCard. Some servers keep only a part of what a vcard-temp may have: what
    is lost is told, and --v4 keeps it.
    """
    changes, other, size = _wanted(app, options)
    from xmppctl.protocol.vcard import edit, record, stored

    whole: bool = not options["merge"]

    def apply(card: Card) -> Card:
        return edit.apply(edit.merge([] if whole else card, other), changes)

    async with app.session() as session:
        if options["v4"]:
            found = await stored.change_4(
                session,
                apply,
                access=options["access"] or ("open" if options["reconfigure"] else None),
                reconfigure=options["reconfigure"],
                size=size,
            )
        else:
            found = await stored.change(session, apply, size=size, whole=whole)
        name = session.bare
    result = record.describe(found.card, name, 4 if options["v4"] else 3)
    asked = {*(each[0] for each in changes), *(each.name for each in other)}
    wrong = record.unkept(found.wanted, found.card, found.lost, asked)
    if wrong:
        raise RefusedError(
            f"the server accepted the card, but did not keep {', '.join(wrong)}",
            step="vcard",
            condition="not-applied",
            by=name,
            hint=None if options["v4"] else "--v4 keeps a card as it is",
        )
    if found.lost:
        app.warn(f"the server does not keep all of {', '.join(found.lost)}")
    return _shown(app, result)


def _wanted(app: cli.App, options: dict[str, Any]) -> tuple[list[Change], Card, int]:
    """The changes, the properties of the file, the size of a picture. Raises UsageError."""
    from xmppctl.protocol.vcard.edit import FIELDS

    if not options["v4"] and (options["access"] or options["reconfigure"]):
        raise UsageError("--access and --reconfigure are for --v4: everybody can read a vcard-temp")
    if options["photo"] == "-" == options["file"]:
        raise UsageError("--photo and --file cannot both be standard input")
    changes: list[Change] = [
        (name, options[name]) for name in (*FIELDS, *_PARTS) if options[name] is not None
    ]
    for name in _SEVERAL:
        if options[name]:
            changes.append((name, [each for each in options[name] if each.strip()]))
    for name, value in changes:
        check_characters(name, *([value] if isinstance(value, str) else value))
    _check_values(options)
    size = 0
    if options["photo"] is not None:
        uri, size = _photo(app, options["photo"])
        changes.append(("photo", uri))
    other: Card = []
    if options["file"] is not None:
        other = _read(app, options["file"], whole=not options["merge"])
        size = size or _size(other)
    elif not changes:
        raise UsageError("what is to be set? give a field, such as --fn NAME, or --file FILE")
    return changes, other, size


def _check_values(options: dict[str, Any]) -> None:
    if options["bday"] and not _DATE.fullmatch(options["bday"]):
        raise UsageError(
            f"--bday: {options['bday']!r} is not a date as ISO 8601 has it, such as 1990-12-31"
        )
    for address in options["email"]:
        if address and not re.fullmatch(r"[^\s@]+@[^\s@]+", address):
            raise UsageError(f"--email: {address!r} is not an e-mail address")


def _photo(app: cli.App, path: str) -> tuple[str, int]:
    if not path:
        return "", 0
    from xmppctl.protocol import pictures
    from xmppctl.protocol.vcard import data_uri

    data = app.read_file(path)
    return data_uri(data, pictures.media_type(data)), len(data)


def _read(app: cli.App, path: str, *, whole: bool) -> Card:
    from xmppctl.protocol.vcard import forms

    data = app.read_file(path)
    try:
        card = forms.read(data, whole=whole)
    except ValueError as error:
        raise UsageError(f"{path}: {error}", step="input") from None
    for each in card:
        for value in each.values:
            check_characters(each.name, *_texts(value))
        for values in each.params.values():
            check_characters(each.name, *values)
        check_characters(each.name, each.group)
    return card


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for each in value for text in _texts(each)]


def _size(card: Card) -> int:
    return sum(len(each.text) * 3 // 4 for each in card if each.name == "photo")


@cmd.command("delete", examples=("xmppctl vcard delete --yes", "xmppctl vcard delete --v4 --yes"))
@click.option("--if-exists", is_flag=True, help="Where there is none, that is fine.")
@_four
@cli.pass_app
async def delete(app: cli.App, if_exists: bool, v4: bool) -> CardRemoval:
    """Remove the own vCard.

    With its picture, which is the avatar too on servers that keep one of the two.
    """
    app.confirm("remove the own vCard?")
    from xmppctl.protocol.vcard import stored

    version = 4 if v4 else 3
    async with app.session() as session:
        removed = await stored.remove(session, version, if_exists=if_exists)
        return CardRemoval(session.bare, version, removed)
