"""XEP-0234 §5, §8: what is said of a file, its checksum, that it was received; XEP-0300 in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model import digest
from xmppctl.model.jingle import OfferedFile
from xmppctl.protocol import Xep, hashes
from xmppctl.protocol.dates import format_datetime, parse_datetime
from xmppctl.protocol.jingle import NS_FILES
from xmppctl.records import dataclass

XEPS = (
    Xep("0234", "0.19.1", "partial", "files are offered and taken, also from where it broke off"),
    Xep("0300", "1.0.0", "partial", "files that are received are checked by them"),
)

DESCRIPTION = f"{{{NS_FILES}}}description"
CHECKSUM = f"{{{NS_FILES}}}checksum"
RECEIVED = f"{{{NS_FILES}}}received"

_FILE = f"{{{NS_FILES}}}file"
_RANGE = f"{{{NS_FILES}}}range"
_HASH_USED = f"{{{hashes.NS}}}hash-used"
_LONGEST = 2000
_MOST = 2**63

DEFAULT_HASH = "sha-256"


@dataclass(frozen=True)
class Range:
    """A part of a file: ``length`` None is to the end; hashes by algorithm, hexadecimal."""

    offset: int = 0
    length: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    """What is said of a file (§5). ``used``: algorithms whose hashes come later."""

    name: str | None = None
    size: int | None = None
    media_type: str | None = None
    date: datetime | None = None
    desc: str | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    used: tuple[str, ...] = ()
    range: Range | None = None

    @property
    def record(self) -> OfferedFile:
        """The same for people."""
        return OfferedFile(
            self.name, self.size, self.media_type, self.date, self.desc, dict(self.hashes)
        )


def read(description: Element | None) -> File | None:
    """The file of a ``<description/>``; None where it is none of this version, or has no file."""
    if description is None or description.tag != DESCRIPTION:
        return None
    element = description.find(_FILE)
    return None if element is None else read_file(element)


def read_file(element: Element) -> File:
    """What a ``<file/>`` says; what does not fit is left out."""
    date = None
    with suppress(ValueError):
        date = parse_datetime(_text(element, "date") or "")
    used = tuple(e.get("algo", "").strip().lower() for e in element.findall(_HASH_USED))
    given = element.findall(hashes.HASH)
    # an empty <hash/> names the algorithm alone
    used += tuple(e.get("algo", "").strip().lower() for e in given if not (e.text or "").strip())
    ranged = element.find(_RANGE)
    return File(
        name=_text(element, "name"),
        size=_number(_text(element, "size")),
        media_type=_text(element, "media-type"),
        date=date,
        desc=_text(element, "desc"),
        hashes=hashes.read(given),
        used=tuple(each for each in dict.fromkeys(used) if each),
        range=None if ranged is None else _range(ranged),
    )


def _range(element: Element) -> Range:
    return Range(
        _number(element.get("offset")) or 0,
        _number(element.get("length")),
        hashes.read(element.findall(hashes.HASH)),
    )


def _text(element: Element, name: str) -> str | None:
    return (element.findtext(f"{{{NS_FILES}}}{name}") or "").strip()[:_LONGEST] or None


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        return None
    return int(digits) if int(digits) < _MOST else None


def write(file: File) -> Element:
    """The ``<description/>``."""
    element = Element(DESCRIPTION)
    element.append(write_file(file))
    return element


def write_file(file: File) -> Element:
    """The ``<file/>``."""
    element = Element(_FILE)
    texts = {
        "date": None if file.date is None else format_datetime(file.date),
        "desc": file.desc,
        "media-type": file.media_type,
        "name": file.name,
        "size": None if file.size is None else str(file.size),
    }
    for name, text in texts.items():
        if text is not None:
            SubElement(element, f"{{{NS_FILES}}}{name}").text = text
    if file.range is not None:
        attributes = {"offset": str(file.range.offset)} if file.range.offset else {}
        if file.range.length is not None:
            attributes["length"] = str(file.range.length)
        ranged = SubElement(element, _RANGE, attributes)
        ranged.extend(_hashes(file.range.hashes))
    element.extend(_hashes(file.hashes))
    for algorithm in file.used:
        SubElement(element, _HASH_USED, {"algo": algorithm})
    return element


def _hashes(found: Mapping[str, str]) -> list[Element]:
    return [hashes.element(name, bytes.fromhex(value)) for name, value in found.items()]


def checksum(element: Element) -> File | None:
    """What a ``<checksum/>`` tells of the file (§8.2)."""
    file = element.find(_FILE)
    return None if file is None else read_file(file)


def received(creator: str, name: str) -> Element:
    """``<received/>``: the content of this name is there as a whole (§8.1)."""
    return Element(RECEIVED, {"creator": creator, "name": name})


class Digests:
    """Hashes of bytes as they come, one for each algorithm that proves something."""

    def __init__(self, *algorithms: str) -> None:
        known = [each for each in algorithms if each in digest.ALGORITHMS]
        names = dict.fromkeys([DEFAULT_HASH, *known])
        self._made: dict[str, Any] = {name: _fresh(name) for name in names}

    def update(self, block: bytes) -> None:
        """These bytes come next."""
        for made in self._made.values():
            made.update(block)

    def result(self) -> dict[str, str]:
        """The hashes so far by algorithm, hexadecimal."""
        return {name: made.hexdigest() for name, made in self._made.items()}


def _fresh(name: str) -> Any:
    make: Callable[[], Any] = digest.ALGORITHMS.get(name, hashlib.sha256)
    return make()


def verdict(told: Mapping[str, str], found: Mapping[str, str]) -> bool | None:
    """Whether the hashes that were told are those that were found; None: none can be compared."""
    compared = [found[name] == value for name, value in told.items() if name in found]
    return all(compared) if compared else None
