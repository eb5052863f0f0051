"""XEP-0082, with its own examples."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from xmppctl.protocol.dates import format_datetime, parse_datetime, parse_offset

LANDING = datetime(1969, 7, 21, 2, 56, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["1969-07-21T02:56:15Z", "1969-07-20T21:56:15-05:00", " 19690721T02:56:15 "]
)
def test_forms_of_one_moment(text):
    assert parse_datetime(text) == LANDING


def test_fractions_of_any_length():
    assert parse_datetime("1969-07-21T02:56:15.1Z").microsecond == 100_000
    assert parse_datetime("1969-07-21T02:56:15.123456789Z").microsecond == 123_456


@pytest.mark.parametrize(
    "text", ["", "now", "1969-07-21T02:56:15", "1969-07-21", "1969-13-01T00:00:00Z",
             "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"],
)  # fmt: skip
def test_what_is_no_moment(text):
    with pytest.raises(ValueError, match=r"zone|is not a date|out of range"):
        parse_datetime(text)


def test_writing():
    assert format_datetime(LANDING) == "1969-07-21T02:56:15Z"
    east = LANDING.astimezone(timezone(timedelta(hours=9))).replace(microsecond=5)
    assert format_datetime(east) == "1969-07-21T02:56:15.000005Z"


def test_offsets():
    assert parse_offset("-06:30") == -timedelta(hours=6, minutes=30)
    assert parse_offset("Z") == parse_offset(" +00:00 ") == timedelta(0)
    for odd in ("", "6", "+25:00", "+01:60", "01:00", "+1:00"):
        with pytest.raises(ValueError, match="offset"):
            parse_offset(odd)
