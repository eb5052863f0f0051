"""vCards as text: RFC 6350 (4.0), RFC 2426 (3.0) and, for reading, vCard 2.1."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from xmppctl.protocol.vcard import (
    BINARY,
    DEFAULT_TYPES,
    MULTIPLE,
    STRUCTURED,
    Card,
    Property,
    data_of,
    data_uri,
    unbase64,
)

_LINE = re.compile(
    r"(?:([A-Za-z0-9-]+)\.)?([A-Za-z][A-Za-z0-9-]*)"  # group and name
    r"((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)",  # parameters, and the value
    re.DOTALL,
)
_PARAM = re.compile(r";\s*([A-Za-z][A-Za-z0-9-]*)(?:=((?:\"[^\"]*\"|[^;:\"])*))?")
_VALUE = re.compile(r"\"([^\"]*)\"|([^,\"]+)")
_OCTETS = 75
_TEXTUAL = frozenset({"text", "language-tag"})
_SUBTYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif",
             "webp": "image/webp", "basic": "audio/basic", "wave": "audio/wav",
             "pgp": "application/pgp-keys"}  # fmt: skip
_CODINGS = frozenset({"quoted-printable", "base64", "8bit", "7bit"})


# --- reading


def read(data: bytes) -> Card:
    """The one card of a file. Raises ValueError with a sentence that says what is wrong."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16").encode()
    card: Card = []
    version, begun, ended = "", False, False
    for number, line in enumerate(_lines(data.removeprefix(b"\xef\xbb\xbf")), 1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"property {number} is none: {line[:40].strip()!r}")
        group, name, params, value = found.groups()
        name = name.lower()
        if name == "begin":
            if begun:
                raise ValueError("it holds more than one vCard: give them one by one")
            begun = True
        elif not begun:
            raise ValueError("it does not begin with BEGIN:VCARD")
        elif name == "end":
            ended = True
        elif name == "version":
            version = value.strip()
        else:
            card.append(_property(name, _params(params), value, group, version))
    if not ended:
        raise ValueError("END:VCARD is missing" if begun else "it is no vCard")
    return card


def _lines(data: bytes) -> Iterator[str]:
    """Unfolded lines, as Latin-1: a line may be folded inside a character of UTF-8."""
    text = data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    lines = iter(re.sub(r"\n[ \t]", "", text).split("\n"))
    for line in lines:
        head = line.partition(":")[0].upper()
        if "QUOTED-PRINTABLE" in head:
            while line.endswith("="):  # a soft line break of vCard 2.1
                line = line[:-1] + next(lines, "")
        if line.strip():
            yield line


def _params(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for match in _PARAM.finditer(text):
        name, value = match[1].strip().lower(), match[2]
        if value is None:  # vCard 2.1: the value alone
            name, value = ("encoding" if name in _CODINGS else "type"), name
        values = [quoted or bare for quoted, bare in _VALUE.findall(value)]
        if name == "type":  # "type" may have been quoted as a whole: TYPE="work,voice"
            values = [each.strip().lower() for value in values for each in value.split(",")]
        found.setdefault(name, []).extend(_unmark(_decoded(each)) for each in values)
    return found


def _unmark(text: str) -> str:
    """RFC 6868."""
    marks = {"^n": "\n", "^^": "^", "^'": '"'}
    return re.sub(r"\^[n^']", lambda found: marks[found[0]], text)


def _property(
    name: str, params: dict[str, list[str]], raw: str, group: str | None, version: str
) -> Property:
    charset = params.pop("charset", ["utf-8"])[0]
    coding = (params.pop("encoding", [""]) or [""])[0].lower()
    kind = (params.pop("value", [""]) or [""])[0].lower() or None
    if version != "4.0" and "pref" in params.get("type", []):
        params["type"] = [each for each in params["type"] if each != "pref"]
        params["pref"] = ["1"]
    params = {key: values for key, values in params.items() if values}
    if coding in ("b", "base64"):
        return _bytes(name, params, raw, group)
    if coding == "quoted-printable":
        raw = quopri.decodestring(raw.encode("latin-1")).decode("latin-1")
    value = _decoded(raw, charset)
    kind = {"url": "uri", "binary": "text"}.get(kind or "", kind)
    kind = kind or DEFAULT_TYPES.get(name, "unknown")
    if name == "geo" and version != "4.0" and ";" in value:
        value = "geo:" + value.strip().replace(";", ",")
    if name in STRUCTURED:
        parts = [_several(each) for each in _split(value, ";")]
        return Property(name, (parts,), "text", params, group)
    if name in MULTIPLE:
        return Property(name, tuple(map(_unescape, _split(value, ","))), "text", params, group)
    if kind in _TEXTUAL:
        return Property(name, (_unescape(value),), kind, params, group)
    return Property(name, (value if kind == "unknown" else value.strip(),), kind, params, group)


def _bytes(name: str, params: dict[str, list[str]], raw: str, group: str | None) -> Property:
    kinds = params.pop("type", [])
    media = next((_SUBTYPES.get(each) or (each if "/" in each else None) for each in kinds), None)
    if media is None and kinds:
        media = f"image/{kinds[0]}" if name in ("photo", "logo") else kinds[0]
    try:
        return Property(name, (data_uri(unbase64(raw), media),), "uri", params, group)
    except ValueError as error:
        raise ValueError(f"{name.upper()}: {error}") from None


def _decoded(latin: str, charset: str = "utf-8") -> str:
    try:
        return latin.encode("latin-1").decode(charset)
    except (LookupError, UnicodeDecodeError):
        raise ValueError(f"it is not written in {charset}") from None


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that are not escaped, still escaped themselves."""
    return re.findall(rf"(?:^|{separator})((?:\\.|[^\\{separator}]|\\$)*)", text, re.DOTALL)


def _several(text: str) -> Any:
    values = [_unescape(each) for each in _split(text, ",")]
    return values[0] if len(values) == 1 else values


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text,
                  flags=re.DOTALL)  # fmt: skip


# --- writing


def write(card: Iterable[Property], version: int) -> str:
    """The card as text of version 3 (RFC 2426) or 4 (RFC 6350)."""
    lines = ["BEGIN:VCARD", f"VERSION:{version}.0"]
    lines += [_line(each, version) for each in card]
    return "".join(_folded(line) + "\r\n" for line in [*lines, "END:VCARD"])


def _line(each: Property, version: int) -> str:
    params = {name: list(values) for name, values in each.params.items()}
    kind = each.type
    value = None
    if version == 3:
        each, value = _older(each, params)
        if value is not None or each.name in ("tel", "geo"):
            kind = DEFAULT_TYPES.get(each.name, kind)
    if value is None:
        value = _value(each)
    dates = {"date", "date-time", "time"}
    plain = DEFAULT_TYPES.get(each.name, "unknown")
    if kind != plain and not (plain == "date-and-or-time" and kind in dates):
        params["value"] = [kind]
    head = f"{each.group}." if each.group else ""
    told = "".join(f";{name.upper()}={_param(values)}" for name, values in params.items())
    return f"{head}{each.name.upper()}{told}:{value}"


def _older(each: Property, params: dict[str, list[str]]) -> tuple[Property, str | None]:
    """What RFC 2426 writes in another way; ``params`` are changed in place."""
    if params.get("pref") == ["1"]:
        del params["pref"]
        params["type"] = [*params.get("type", []), "pref"]
    if each.name in BINARY and each.type == "uri":
        try:
            found = data_of(each.text)
        except ValueError:
            found = None
        if found is not None:
            kind, data = found
            params["encoding"] = ["b"]
            if kind:
                short = next((k for k, v in _SUBTYPES.items() if v == kind and k != "jpg"), kind)
                params["type"] = [short.upper() if "/" not in short else short]
            return each, data_uri(data, None).partition(",")[2]
    if each.name == "geo" and each.text[:4] == "geo:" and each.text.count(",") == 1:
        return each, each.text[4:].replace(",", ";")
    if each.name == "tel" and each.text[:4].lower() == "tel:":
        return replace(each, values=(each.text[4:],), type="text"), None
    return each, None


def _value(each: Property) -> str:
    if each.name in STRUCTURED:
        value = each.values[0] if isinstance(each.values[0], list) else list(each.values)
        return ";".join(
            _escape(part) if isinstance(part, str) else ",".join(map(_escape, part))
            for part in value
        )
    if each.type in _TEXTUAL:
        return ",".join(map(_escape, each.values))
    return ",".join(re.sub(r"\r\n?|\n", " ", value) for value in each.values)


def _escape(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return re.sub(r"\r\n?|\n", r"\\n", text)


def _param(values: list[str]) -> str:
    return ",".join(map(_quoted, values))


def _quoted(value: str) -> str:
    """RFC 6868, and quotation marks where they are needed."""
    value = value.replace("^", "^^").replace("\n", "^n").replace('"', "^'")
    return f'"{value}"' if re.search("[,;:]", value) else value


def _folded(line: str) -> str:
    """In pieces of at most 75 octets, not broken inside a character."""
    pieces, piece, size = [], "", 0
    for char in line:
        octets = len(char.encode())
        if size + octets > _OCTETS:
            pieces.append(piece)
            piece, size = "", 1  # the space that continues it
        piece += char
        size += octets
    return "\r\n ".join([*pieces, piece])
