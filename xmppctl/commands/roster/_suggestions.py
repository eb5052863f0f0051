"""Suggestions of contacts in a file: JSON, or messages that ``--raw-xml`` printed.

An object, an array of objects, or an object in a line each. An object is one of

``{"from": JID, "items": [{"action": "add", "jid": JID, "name": TEXT, "groups": [TEXT]}]}``
``{"action": "add", "jid": JID, ...}``, by whom is not said
``{"from": JID, "raw_xml": TEXT, ...}``, a message as ``listen`` and ``mam query`` print it
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from xmppctl.commands.roster import _formats
from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.rosterfile import BadEntry
from xmppctl.model.rosterx import Applied, Suggested

Found = list[tuple[str, list[Suggested]]]


def read(data: bytes, sender: Jid) -> tuple[Found, list[Applied], int]:
    """The suggestions by ``sender``, records for what is none, and how many are by others.

    Raises UsageError where the file as a whole cannot be read.
    """
    from xmppctl.protocol.rosterapply import comes_from

    found: Found = []
    failed: list[Applied] = []
    others = 0
    for place, record in _records(data):
        by = record.get("from", str(sender)) if isinstance(record, dict) else str(sender)
        if not isinstance(by, str) or not comes_from(sender, by):
            others += 1
            continue
        try:
            items = list(_items(record, place))
        except _BadError as bad:
            failed.append(Applied(by, None, bad.text, error=bad.error))
            continue
        if items:
            found.append((by, items))
    return found, failed, others


class _BadError(Exception):
    def __init__(self, text: str, error: ErrorInfo) -> None:
        self.text = text
        self.error = error


def _records(data: bytes) -> Iterator[tuple[str, Any]]:
    try:
        whole = json.loads(data)
    except UnicodeDecodeError:
        raise UsageError("the file is not UTF-8", step="input") from None
    except (ValueError, RecursionError) as error:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise UsageError(f"the file is not JSON: {error}", step="input") from None
        for number, line in enumerate(lines, 1):
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError):
                yield f"line {number}", line.decode("utf-8", "replace")
        return
    for number, record in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield f"record {number}", record


def _items(record: Any, place: str) -> Iterator[Suggested]:
    if isinstance(record, dict) and isinstance(record.get("raw_xml"), str):
        yield from _of_message(record["raw_xml"], place)
        return
    given = record.get("items") if isinstance(record, dict) and "items" in record else [record]
    if not isinstance(given, list):
        raise _bad(record, place, "the items are no list")
    for each in given:
        entry = _formats.of_json(each, place)
        if isinstance(entry, BadEntry):
            raise _BadError(entry.text, entry.error)
        action: Any = entry.action or "add"
        yield Suggested(action, entry.jid, entry.name or None, list(entry.groups or ()))


def _of_message(text: str, place: str) -> Iterator[Suggested]:
    """The suggestions of a message, or of the one that an archive forwards."""
    from xmppctl.protocol import rosterx
    from xmppctl.session.xml import NS_CLIENT, XmlError, parse

    try:
        stanza = parse(text)
    except XmlError as error:
        raise _bad(text, place, f"no XML: {error}") from None
    inner = stanza.find(f".//{{urn:xmpp:forward:0}}forwarded/{{{NS_CLIENT}}}message")
    x = (stanza if inner is None else inner).find(rosterx.X)
    if x is not None:
        yield from rosterx.read(x)


def _bad(record: Any, place: str, why: str) -> _BadError:
    bad = _formats.bad(json.dumps(record, ensure_ascii=False), place, why)
    return _BadError(bad.text, bad.error)
