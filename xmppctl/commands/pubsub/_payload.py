"""What ``xmppctl pubsub publish`` publishes: checked before anything is connected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from xmppctl import cli
from xmppctl.cli import stdin
from xmppctl.cli.texts import check_characters
from xmppctl.errors import ErrorInfo, UsageError, XmppctlError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.cli.stdin import Line
    from xmppctl.protocol.pubsub.publishing import Draft

SOURCES = {
    "file": "FILE",
    "json_payload": "--json-payload",
    "atom": "--atom",
    "no_payload": "--no-payload",
    "jsonl": "--jsonl",
}


class BadLine(NamedTuple):
    """A line that holds no item; the id that it names, if any."""

    id: str | None
    error: ErrorInfo


class Entry(NamedTuple):
    """An entry of a feed, which takes the account to be complete."""

    title: str
    body: str | None
    link: str | None


def source(app: cli.App, given: Mapping[str, Any]) -> str:
    """The name in ``SOURCES`` of where the payload comes from. Raises UsageError."""
    found = [name for name in SOURCES if given[name]]
    if len(found) > 1:
        names = " and ".join(SOURCES[name] for name in found)
        raise UsageError(f"{names} exclude each other")
    for name in ("atom_body", "atom_link"):
        if given[name] is not None and given["atom"] is None:
            raise UsageError(f"--{name.replace('_', '-')} belongs to --atom: give that too")
    if "jsonl" in found and given["id"] is not None:
        raise UsageError("--jsonl has an id in each line: no --id")
    if not found and stdin.is_terminal(app.stdin):
        raise UsageError(
            "no payload was given", hint="give a FILE, or - to read XML from standard input"
        )
    return found[0] if found else "file"


def single(app: cli.App, given: Mapping[str, Any], name: str) -> Element | Entry | None:
    """The payload of the only item; None for an item without. Raises UsageError, LocalError."""
    if name == "no_payload":
        return None
    if name == "json_payload":
        path = given["json_payload"]
        return _json(_text(app.read_file(path), path), f"--json-payload: {path}")
    if name == "atom":
        return _entry(app, given)
    path = given["file"] or "-"
    return _element(app.read_file(path), "standard input" if path == "-" else path)


def _entry(app: cli.App, given: Mapping[str, Any]) -> Entry:
    title, body = given["atom"], given["atom_body"]
    if body is None:
        title, comma, rest = title.partition(",")
        body = rest.strip() if comma else None
    elif body == "-":
        body = app.read_text(body)
    check_characters("title", title)
    check_characters("text", body)
    check_characters("link", given["atom_link"])
    if not title.strip():
        raise UsageError("--atom: an entry needs a title")
    return Entry(title.strip(), body or None, given["atom_link"])


def _element(data: str | bytes, where: str) -> Element:
    from xmppctl.session.xml import XmlError, parse, split

    try:
        element = parse(data)
    except XmlError as error:
        text = data if isinstance(data, bytes) else data.encode()
        why = "it has a DTD, which XMPP cannot carry" if b"<!DOCTYPE" in text else error
        raise UsageError(f"{where} holds no XML element ({why})") from None
    namespace, name = split(element.tag)
    if not namespace:
        raise UsageError(
            f"<{name}/> of {where} has no namespace of its own, which a payload needs",
            hint="<... xmlns='urn:...'> says what it is",
        )
    return element


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig").strip(" \t\r\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start + 1})") from None


def _json(text: str, where: str) -> Element:
    """The text in a container (XEP-0335)."""
    from xmppctl.protocol.payload import jsonpayload

    try:
        value = jsonpayload.parse(text)
    except ValueError as error:
        raise UsageError(f"{where} holds no JSON ({error})") from None
    if not isinstance(value, dict | list):  # XEP-0335 §4 goes by RFC 4627
        raise UsageError(f"{where} holds neither an object nor an array")
    check_characters("JSON", text)
    return jsonpayload.container(text)


# --- many items, one in each line


async def many(app: cli.App, path: str) -> AsyncIterator[list[Draft | BadLine]]:
    """The items of lines of JSON, together those that come together. Raises LocalError."""
    if path != "-":
        data = app.read_file(path).split(b"\n")
        lines = [stdin.line_of(number, line) for number, line in enumerate(data, 1)]
        yield [_item(line) for line in lines if line.text.strip()]
        return
    async for found in app.lines():
        yield [_item(line) for line in found if line.text.strip()]


def _item(line: Line) -> Draft | BadLine:
    from xmppctl.protocol.payload import jsonpayload

    identifier: str | None = None
    try:
        if line.error is not None:
            return BadLine(None, line.error)
        try:
            value = jsonpayload.parse(line.text)
        except ValueError as error:
            raise UsageError(f"it is no JSON ({error})") from None
        if not isinstance(value, dict):
            raise UsageError("it is no JSON object with id and xml, payload or json")
        if value.get("id") is not None:
            if not isinstance(value["id"], str) or not value["id"]:
                raise UsageError("the id is no text")
            check_characters("id", value["id"])
            identifier = value["id"]
        return _draft(value, identifier)
    except XmppctlError as error:
        error.text = f"line {line.number}: {error.text}"
        error.step = "input"
        return BadLine(identifier, error.info())


def _draft(value: dict[str, Any], identifier: str | None) -> Draft:
    import json

    from xmppctl.protocol.pubsub.publishing import Draft

    given = [name for name in ("xml", "payload", "json") if value.get(name) is not None]
    if len(given) != 1:
        raise UsageError("one of xml, payload and json is needed")
    (name,) = given
    if name == "json":
        text = json.dumps(value["json"], ensure_ascii=False, separators=(",", ":"))
        return Draft(identifier, _json(text, "json"))
    if not isinstance(value[name], str):
        raise UsageError(f"{name} is no text with an XML element (json is for JSON)")
    return Draft(identifier, _element(value[name], name))
