"""What accounts tell of themselves: mood, activity, tune, nickname, location, posts."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.records import dataclass

_AT = "when it was published; null where the service does not tell that"


@dataclass(frozen=True)
class Mood:
    """The mood of an account (XEP-0107); all but ``jid`` is null where it tells none."""

    PLAIN: ClassVar[str] = "mood"

    jid: Annotated[str, "JID of the account"]
    mood: Annotated[str | None, "the mood, such as happy"] = None
    text: Annotated[str | None, "description or reason"] = None
    at: Annotated[datetime | None, _AT] = None


@dataclass(frozen=True)
class Activity:
    """What the owner of an account does (XEP-0108); null where it does not tell."""

    PLAIN: ClassVar[str] = "general"

    jid: Annotated[str, "JID of the account"]
    general: Annotated[str | None, "the kind of activity, such as relaxing"] = None
    specific: Annotated[str | None, "the activity itself, such as reading"] = None
    text: Annotated[str | None, "description or reason"] = None
    at: Annotated[datetime | None, _AT] = None


@dataclass(frozen=True)
class Tune:
    """What the owner of an account listens to (XEP-0118); null where it does not tell."""

    PLAIN: ClassVar[str] = "title"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "artist", "title", "source", "track", "length")

    jid: Annotated[str, "JID of the account"]
    artist: Annotated[str | None, "artist"] = None
    title: Annotated[str | None, "title"] = None
    length: Annotated[int | None, "duration in seconds"] = None
    rating: Annotated[int | None, "from 1 (lowest) to 10 (highest)"] = None
    source: Annotated[str | None, "album or other collection"] = None
    track: Annotated[str | None, "number in the collection, or URI of the recording"] = None
    uri: Annotated[str | None, "address with more about it"] = None
    composer: Annotated[str | None, "composer"] = None
    performer: Annotated[str | None, "performer"] = None
    lyricist: Annotated[str | None, "writer of the words"] = None
    genre: Annotated[str | None, "genre"] = None
    language: Annotated[str | None, "language, a code of ISO 639"] = None
    date: Annotated[str | None, "date of the recording or publication"] = None
    at: Annotated[datetime | None, _AT] = None


@dataclass(frozen=True)
class Nick:
    """What the owner of an account wants to be called (XEP-0172); it proves nothing."""

    PLAIN: ClassVar[str] = "nick"

    jid: Annotated[str, "JID of the account"]
    nick: Annotated[str | None, "the nickname; null where none is told"] = None
    at: Annotated[datetime | None, _AT] = None


@dataclass(frozen=True)
class Location:
    """Where the owner of an account is (XEP-0080); null where it does not tell."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (
        "jid",
        "lat",
        "lon",
        "accuracy",
        "locality",
        "country",
        "description",
        "timestamp",
    )

    jid: Annotated[str, "JID of the account"]
    lat: Annotated[float | None, "latitude in degrees north"] = None
    lon: Annotated[float | None, "longitude in degrees east"] = None
    alt: Annotated[float | None, "altitude above sea level in metres"] = None
    accuracy: Annotated[float | None, "horizontal error in metres"] = None
    altaccuracy: Annotated[float | None, "vertical error in metres"] = None
    bearing: Annotated[float | None, "direction in degrees from true north"] = None
    speed: Annotated[float | None, "speed in metres per second"] = None
    datum: Annotated[str | None, "datum of the coordinates; null means WGS84"] = None
    area: Annotated[str | None, "campus or neighbourhood"] = None
    building: Annotated[str | None, "building"] = None
    country: Annotated[str | None, "country"] = None
    countrycode: Annotated[str | None, "country, two letters of ISO 3166"] = None
    description: Annotated[str | None, "name or description of the place"] = None
    floor: Annotated[str | None, "floor in the building"] = None
    locality: Annotated[str | None, "town or city"] = None
    postalcode: Annotated[str | None, "postal code"] = None
    region: Annotated[str | None, "state or province"] = None
    regioncode: Annotated[str | None, "region, a code of ISO 3166-2"] = None
    room: Annotated[str | None, "room in the building"] = None
    street: Annotated[str | None, "street, or crossing of two"] = None
    text: Annotated[str | None, "anything else"] = None
    timestamp: Annotated[datetime | None, "when the account was there"] = None
    tzo: Annotated[str | None, "offset of its time zone from UTC, such as +02:00"] = None
    uri: Annotated[str | None, "address with more about the place"] = None
    lang: Annotated[str | None, "language of the texts"] = None
    at: Annotated[datetime | None, _AT] = None


@dataclass(frozen=True)
class Post:
    """An entry of a microblog (XEP-0277, XEP-0472; RFC 4287)."""

    PLAIN: ClassVar[str] = "id"
    TABLE: ClassVar[tuple[str, ...]] = ("published", "author", "title", "text", "id")

    jid: Annotated[str, "JID of the account in whose microblog it is"]
    id: Annotated[str | None, "id of the item in the node"]
    title: Annotated[str | None, "title; of a short post all of its text"] = None
    text: Annotated[str | None, "content as plain text, null where the title is all"] = None
    author: Annotated[str | None, "name of the author, as the post says"] = None
    author_uri: Annotated[str | None, "address of the author, as the post says"] = None
    published: Annotated[datetime | None, "when it was first published"] = None
    updated: Annotated[datetime | None, "when it was last changed"] = None
    atom_id: Annotated[str | None, "id of the entry, the same wherever it is repeated"] = None
    links: Annotated[list[str], "addresses that it points to"] = field(default_factory=list)
    tags: Annotated[list[str], "its categories"] = field(default_factory=list)
    publisher: Annotated[str | None, "JID that published it, where the service tells"] = None


@dataclass(frozen=True)
class PepItem:
    """An item of a node of an account, with any payload."""

    PLAIN: ClassVar[str] = "xml"

    jid: Annotated[str, "JID of the account"]
    node: Annotated[str, "name of the node"]
    id: Annotated[str | None, "id of the item"]
    publisher: Annotated[str | None, "JID that published it, where the service tells"] = None
    xml: Annotated[str | None, "the payload as XML"] = None
