"""Verb of ``xmppctl pep``: the place."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY, WHEN
from xmppctl.commands.pep import _options as common
from xmppctl.commands.pep import cmd
from xmppctl.commands.send.text import check_language
from xmppctl.errors import UsageError
from xmppctl.model.pep import Location


class _Number(click.FloatRange):
    """A decimal number; neither infinite nor no number at all."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number."""
        number = float(super().convert(value, param, ctx))
        if not abs(number) <= 1e9:
            self.fail(f"{value!r} is not a number that a place can have", param, ctx)
        return number


_ANY = _Number()
_POSITIVE = _Number(min=0)

_FIELDS: tuple[tuple[str, Any, str, str], ...] = (
    ("lat", _Number(-90, 90), "DEGREES", "Latitude, north is positive; with --lon."),
    ("lon", _Number(-180, 180), "DEGREES", "Longitude, east is positive; with --lat."),
    ("alt", _ANY, "METRES", "Altitude above sea level."),
    ("accuracy", _POSITIVE, "METRES", "Horizontal error of the coordinates."),
    ("altaccuracy", _POSITIVE, "METRES", "Vertical error."),
    ("bearing", _Number(0, 360), "DEGREES", "Direction of the way, from true north."),
    ("speed", _POSITIVE, "M/S", "Speed in metres per second."),
    ("datum", NONEMPTY, "NAME", "Datum of the coordinates; WGS84 without."),
    ("area", NONEMPTY, "TEXT", "Campus or neighbourhood."),
    ("building", NONEMPTY, "TEXT", "Building."),
    ("country", NONEMPTY, "TEXT", "Country."),
    ("countrycode", NONEMPTY, "CODE", "Country, two letters of ISO 3166 such as DE."),
    ("description", NONEMPTY, "TEXT", "Name or description of the place."),
    ("floor", NONEMPTY, "TEXT", "Floor."),
    ("locality", NONEMPTY, "TEXT", "Town or city."),
    ("postalcode", NONEMPTY, "CODE", "Postal code."),
    ("region", NONEMPTY, "TEXT", "State or province."),
    ("regioncode", NONEMPTY, "CODE", "Region, a code of ISO 3166-2 such as FR-HDF."),
    ("room", NONEMPTY, "TEXT", "Room."),
    ("street", NONEMPTY, "TEXT", "Street, or crossing of two."),
    ("text", NONEMPTY, "TEXT", "Anything else."),
    ("timestamp", WHEN, "WHEN", "When you were there."),
    ("tzo", NONEMPTY, "OFFSET", "Offset of the time zone from UTC, such as +02:00."),
    ("uri", NONEMPTY, "URI", "Address with more about the place."),
)


def _fields(callback: Any) -> Any:
    for name, kind, metavar, text in reversed(_FIELDS):
        callback = click.option(f"--{name}", type=kind, metavar=metavar, help=text)(callback)
    return callback


@cmd.command(
    "location",
    examples=(
        "xmppctl --json pep location bob@example.org | jq '[.lat, .lon]'",
        "xmppctl pep location --lat 45.44 --lon 12.33 --accuracy 20 --timestamp now",
        "xmppctl pep location --set --locality Venice --country Italy --access presence",
        "xmppctl pep location --clear",
    ),
)
@common.contact
@click.option("--set", "setting", is_flag=True, help="Tell the place, by the options below.")
@_fields
@click.option("--lang", metavar="TAG", type=NONEMPTY, help="Language of the texts, such as en.")
@common.clear
@common.publishing
@cli.pass_app
async def location(app: cli.App, /, **options: Any) -> Location:
    """Show where the owner of an account is, or tell it.

    What is set takes the place of all that was told before. Contacts see it, or whom the server
    lets see it: --access makes sure. Without JID the own place is shown.
    """
    given = [name for name, *_ in _FIELDS if options[name] is not None]
    if options["setting"] and not given:
        raise UsageError(
            "--set needs something to tell, such as --lat and --lon",
            hint="--clear tells no place any more",
        )
    if (options["lat"] is None) is not (options["lon"] is None):
        raise UsageError("--lat and --lon need each other")
    common.check(options, given=bool(given), only_set=("lang",))
    _check_codes(options)
    if options["lang"] is not None:
        check_language(options["lang"], "lang")
    from xmppctl.protocol.pepvalues import geoloc as kind

    if options["timestamp"] is not None:
        options["timestamp"] = options["timestamp"].replace(microsecond=0)
    payload = kind.build(options if given else {}) if given or options["clear"] else None
    async with app.session() as session:
        return await common.tell(session, kind, payload, options)


def _check_codes(options: dict[str, Any]) -> None:
    import re

    for name, pattern, example in (
        ("countrycode", "[A-Za-z]{2}", "DE"),
        ("regioncode", "[A-Za-z]{2}-[A-Za-z0-9]{1,3}", "FR-HDF"),
        ("tzo", "Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]", "+02:00"),
    ):
        value = options[name]
        if value is not None and re.fullmatch(pattern, value) is None:
            raise UsageError(f"--{name}: {value!r} is not one, such as {example}")
