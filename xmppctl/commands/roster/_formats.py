"""Contacts as files: JSON, CSV, or a plain list; written and read.

``json``  an array of objects with the keys of ``KEYS``; also one object in a line each (jsonl)
``csv``   a header line, then a row for each; the cell ``groups`` is a CSV line of its own
``list``  ``JID[,NAME[,GROUP...]]`` in a line each, in double quotes what contains a comma
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from xmppctl.cli.params import is_text
from xmppctl.errors import UsageError
from xmppctl.model import jsonrecords
from xmppctl.model.jid import parse
from xmppctl.model.roster import Contact
from xmppctl.model.rosterfile import BadEntry, Entry

FORMS = ("json", "csv", "list")
KEYS = ("jid", "name", "subscription", "ask", "approved", "groups")
ACTIONS = ("add", "delete", "modify")
"""Of suggestions (XEP-0144), which a JSON file may have."""

Found = Entry | BadEntry


def write(contacts: Iterable[Contact], form: str) -> Iterator[str]:
    """The text of a file in pieces, each of whole lines."""
    if form == "json":
        yield from _write_json(contacts)
    elif form == "csv":
        yield _row(KEYS)
        for contact in contacts:
            record = _record(contact)
            yield _row([*(_cell(record[key]) for key in KEYS[:-1]), _row(contact.groups).strip()])
    else:
        for contact in contacts:
            cells = [contact.jid, contact.name or "", *contact.groups]
            while len(cells) > 1 and not cells[-1]:
                cells.pop()
            yield _row([" ".join(cell.splitlines()) for cell in cells])


def read(data: bytes, form: str) -> list[Found]:
    """The contacts of a file; ``form`` is one of ``FORMS`` or "auto".

    A line or record that is none is a BadEntry. What is there twice is there once, unless it says
    different things. Raises UsageError where the file as a whole cannot be read.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    reader = {"json": _read_json, "csv": _read_csv, "list": _read_list}
    return _unique(reader[detect(data) if form == "auto" else form](data))


def detect(data: bytes) -> str:
    """What a file looks like."""
    if data.lstrip()[:1] in (b"[", b"{"):
        return "json"
    first = data.lstrip(b"\r\n").split(b"\n", 1)[0].decode("utf-8", "replace")
    try:
        header = next(csv.reader([first]), [])
    except csv.Error:
        return "list"
    return "csv" if "jid" in (cell.strip().lower() for cell in header) else "list"


def line(text: str) -> Entry:
    """``JID[,NAME[,GROUP...]]``. Raises ValueError with a sentence that says what is wrong."""
    try:
        cells = [cell.strip() for cell in next(csv.reader([text], strict=True), [])]
    except csv.Error as error:
        raise ValueError(f"the quotes do not match ({error})") from None
    jid, name, *groups = [*cells, "", ""][: max(2, len(cells))]
    return _entry(jid, name or None, groups or None)


def _write_json(contacts: Iterable[Contact]) -> Iterator[str]:
    from xmppctl.output.jsontext import spaced

    before = "[\n"
    for contact in contacts:
        yield f"{before}  {spaced(_record(contact))}"
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _record(contact: Contact) -> dict[str, Any]:
    return {key: getattr(contact, key) for key in KEYS}


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value or ""


def _row(cells: Iterable[str]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerow(list(cells))
    return target.getvalue()


def _read_json(data: bytes) -> Iterator[Found]:
    for place, record in jsonrecords.read(data):
        if isinstance(record, jsonrecords.Unreadable):
            yield bad(record.text, place, record.why)
        else:
            yield of_json(record, place)


def of_json(record: Any, place: str) -> Found:
    """A contact from what JSON has; ``place`` says where that stands."""
    shown = json.dumps(record, ensure_ascii=False)
    if not isinstance(record, dict) or not isinstance(record.get("jid"), str):
        return bad(shown, place, "no object with a jid")
    name, groups = record.get("name"), record.get("groups")
    if not (name is None or isinstance(name, str)):
        return bad(record["jid"], place, "the name is no text")
    if not (groups is None or isinstance(groups, list)):
        return bad(record["jid"], place, "the groups are no list")
    if not all(isinstance(group, str) for group in groups or []):
        return bad(record["jid"], place, "a group is no text")
    if record.get("action") not in (None, *ACTIONS):
        return bad(record["jid"], place, f"the action is none of {', '.join(ACTIONS)}")
    return _checked(
        place,
        record["jid"],
        (name or "") if "name" in record else None,
        (groups or []) if "groups" in record else None,
        **{
            key: record[key]
            for key in ("subscription", "ask", "action")
            if isinstance(record.get(key), str)
        },
    )


def _read_csv(data: bytes) -> Iterator[Found]:
    rows = csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""), strict=True)
    names: list[str] | None = None
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if names is None:
                names = [cell.strip().lower() for cell in row]
                if "jid" not in names:
                    raise UsageError("the header of the CSV file has no column jid", step="input")
                continue
            yield _of_row(dict(zip(names, row, strict=False)), f"line {rows.line_num}")
    except csv.Error as error:
        raise UsageError(f"line {rows.line_num} is no CSV: {error}", step="input") from None


def _of_row(cells: dict[str, str], place: str) -> Found:
    groups = cells.get("groups", cells.get("group"))
    return _checked(
        place,
        cells.get("jid", "").strip(),
        cells.get("name"),
        None if groups is None else next(csv.reader([groups]), []),
        subscription=cells.get("subscription") or None,
        ask=cells.get("ask") or None,
    )


def _read_list(data: bytes) -> Iterator[Found]:
    for number, raw in enumerate(data.split(b"\n"), 1):
        text = raw.decode("utf-8", "replace").strip()
        if not text:
            continue
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            yield bad(text, f"line {number}", "not UTF-8")
            continue
        try:
            yield line(text)
        except ValueError as error:
            yield bad(text, f"line {number}", str(error))


def _checked(
    place: str, jid: str, name: str | None, groups: Iterable[str] | None, **more: str | None
) -> Found:
    try:
        return _entry(jid, name, groups, **more)
    except ValueError as error:
        return bad(jid.encode("utf-8", "replace").decode(), place, str(error))


def _entry(jid: str, name: str | None, groups: Iterable[str] | None, **more: str | None) -> Entry:
    from xmppctl.session.xml import illegal_character

    parsed = parse(jid)
    if parsed.is_full:
        raise ValueError("it has a resource, and a contact has none")
    known = None if groups is None else tuple(sorted({group for group in groups if group}))
    for text in (name or "", *(known or ())):
        if not is_text(text):
            raise ValueError("it is not UTF-8")
        if illegal_character(text) is not None:
            raise ValueError("it contains a control character that XMPP cannot carry")
    return Entry(str(parsed), name, known, **more)


def bad(text: str, place: str, why: str) -> BadEntry:
    """A record that cannot be read."""
    error = UsageError(f"{place} cannot be read: {why}", step="input", condition="bad-input")
    return BadEntry(text[:200], error.info())


def _unique(found: Iterable[Found]) -> list[Found]:
    seen: dict[str, Entry] = {}
    result: list[Found] = []
    for each in found:
        if isinstance(each, BadEntry) or seen.setdefault(each.jid, each) is each:
            result.append(each)
        elif seen[each.jid] != each:
            result.append(bad(each.jid, each.jid, "it is there before, and says something else"))
    return result
