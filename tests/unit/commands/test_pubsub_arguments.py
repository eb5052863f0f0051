"""What the verbs of `pubsub` refuse before anything is connected, and what lines of JSON give."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.commands.refusing import Run, refuser
from xmppctl import cli
from xmppctl.commands.pubsub import _payload as payload
from xmppctl.commands.pubsub._service import SERVICE, Service, place
from xmppctl.errors import UsageError
from xmppctl.model.jid import parse
from xmppctl.session.xml import serialise


@pytest.fixture
def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Run something that is a usage error; standard error."""
    (tmp_path / "f").write_text("<x xmlns='u'/>")
    return refuser(capsys, monkeypatch, tmp_path, "pubsub")


@pytest.mark.parametrize(
    ("stdin", "reason"),
    [
        ("", "0 elements"),
        ("<x", "no XML"),
        ("<x xmlns='u'/><x xmlns='u'/>", "2 elements"),
        ("<x xmlns='u'/>text", "text between"),
        ("<x/>", "no namespace"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><x xmlns='u'>&a;</x>", "DTD"),
        ("<?xml version='1.0'?><!DOCTYPE x><x xmlns='u'/>", "DTD"),
        ("<x xmlns='u'><!-- y --></x>", "comments"),
        ("<x xmlns='u'>&#1;</x>", "no XML"),
        ("<a:x xmlns='u'/>", "no XML"),
    ],
)
def test_payloads(refused: Run, stdin: str, reason: str) -> None:
    assert reason in refused("publish", "self", "n", stdin=stdin)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["f", "--no-payload"], "exclude"),
        (["--atom", "x", "--json-payload", "f"], "exclude"),
        (["f", "--atom-body", "x"], "belongs to --atom"),
        (["f", "--atom-link", "x"], "belongs to --atom"),
        (["--atom", " ,text"], "title"),
        (["--atom", "a\x01"], "U+0001"),
        (["--jsonl", "f", "--id", "a"], "no --id"),
        (["--json-payload", "f"], "no JSON"),
        (["f", "--option", "x"], "NAME=VALUE"),
        (["f", "--option", "=x"], "NAME=VALUE"),
        (["f", "--option", "x=\x01"], "U+0001"),
        (["f", "--id", "\x01"], "U+0001"),
        (["f", "--id", ""], "empty"),
        (["f", "--reconfigure"], "--profile"),
        (["f", "--profile", "private", "--access", "open"], "nobody else"),
        (["f", "--profile", "private", "--option", "access_model=open"], "access_model"),
        (["f", "--profile", "private", "--option", "pubsub#access_model=open"], "access_model"),
        (["f", "--profile", "private", "--option", "persist_items=0"], "persist_items"),
        (["f", "--access", "open", "--option", "access_model=open"], "access_model"),
        (["f", "--access", "nobody"], "nobody"),
    ],
)
def test_publishing(refused: Run, args: list[str], reason: str) -> None:
    assert reason in refused("publish", "self", "n", *args)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["items", "self", ""], "empty"),
        (["items", "self"], "which node"),
        (["items", "a@b/c", "n"], "bare JID"),
        (["items", "not a jid", "n"], "SVC"),
        (["items", "self", "n\x01"], "U+0001"),
        (["items", "self", "n", "--id", "a", "--last", "1"], "--last"),
        (["items", "self", "n", "--id", "a", "--max", "1"], "--id"),
        (["items", "self", "n", "--id", "a", "--count"], "--count"),
        (["items", "self", "n", "--last", "1", "--after", "x"], "--last"),
        (["items", "self", "n", "--last", "1", "--count"], "--last"),
        (["items", "self", "n", "--max", "1", "--limit", "1"], "exclude"),
        (["items", "self", "n", "--ids-only", "--count"], "exclude"),
        (["items", "self", "n", "--last", "0"], "0"),
        (["retract", "self", "n"], "ID"),
        (["retract", "self", "n", "a\x01"], "U+0001"),
        (["purge", "self", "n"], "--yes"),
        (["delete", "self", "n"], "--yes"),
        (["delete", "self", "n", "--yes", "--redirect", "nowhere"], "URI"),
        (["create", "self", "n", "--config", "x"], "NAME=VALUE"),
        (["create", "self", "n", "--config", "a=1", "--field", "a=2"], "the same"),
        (["create", "self", "n", "--config", "pubsub#node_type=collection"], "--type"),
        (["create", "self", "--show-form", "--config", "a=1"], "--show-form"),
        (["config", "self", "n", "--get", "--config", "a=1"], "--get"),
        (["config", "self", "--config", "a=1"], "which node"),
        (["config", "self", "n", "--form-json", "f"], "not JSON"),
        (["nodes"], "SVC"),
    ],
)
def test_other_verbs(refused: Run, args: list[str], reason: str) -> None:
    assert reason in refused(*args)


def test_services() -> None:
    assert SERVICE.convert("self", None, None) == Service(None)
    assert str(SERVICE.convert("xmpp:Pubsub.Example.org", None, None)) == "pubsub.example.org"
    assert place("no:such", None) == (Service(None), "no:such")
    assert place("self", "n") == (Service(None), "n")
    assert place("bob@example.org", "n") == (Service(parse("bob@example.org")), "n")


# --- lines of JSON


def lines(tmp_path: Path, text: str) -> list[str]:
    """What each line became: its id and payload, or its error."""
    (tmp_path / "lines").write_text(text)

    async def collect() -> list[str]:
        found = []
        async for batch in payload.many(cli.App(), str(tmp_path / "lines")):
            for each in batch:
                if isinstance(each, payload.BadLine):
                    found.append(f"{each.id}: {each.error.text}")
                else:
                    assert each.payload is not None
                    found.append(f"{each.id}: {serialise(each.payload, '')}")
        return found

    return asyncio.run(collect())


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"id": "a", "xml": "<x xmlns=\'u\'/>", "text": "ignored"}', "a: <x xmlns='u'/>"),
        ('{"payload": "<x xmlns=\'u\'/>", "xml": null}', "None: <x xmlns='u'/>"),
        ('{"id": "b", "json": {"t": [1.50, "\\u00fc"]}}',
         "b: <json xmlns='urn:xmpp:json:0'>{\"t\":[1.5,\"ü\"]}</json>"),
        ("x", "None: line 1: it is no JSON (Expecting value: line 1 column 1 (char 0))"),
        ("[]", "None: line 1: it is no JSON object with id and xml, payload or json"),
        ('{"id": 1, "xml": "<x/>"}', "None: line 1: the id is no text"),
        ('{"id": "", "xml": "<x/>"}', "None: line 1: the id is no text"),
        ('{"id": "a"}', "a: line 1: one of xml, payload and json is needed"),
        ('{"id": "a", "xml": "<x/>", "json": []}',
         "a: line 1: one of xml, payload and json is needed"),
        ('{"id": "a", "xml": {}}',
         "a: line 1: xml is no text with an XML element (json is for JSON)"),
        ('{"id": "a", "xml": "<x/>"}',
         "a: line 1: <x/> of xml has no namespace of its own, which a payload needs"),
        ('{"id": "a", "json": 1}', "a: line 1: json holds neither an object nor an array"),
    ],
)  # fmt: skip
def test_lines(tmp_path: Path, line: str, found: str) -> None:
    assert lines(tmp_path, f"{line}\n\n") == [found]


def test_a_line_with_a_control_character(tmp_path: Path) -> None:
    (found,) = lines(tmp_path, '{"id": "a\\u0001", "json": {}}\n')
    assert "U+0001" in found


def test_the_place_of_the_own_account_is_no_jid() -> None:
    with pytest.raises(UsageError, match="SVC"):
        place("a@b/c", "n")


@pytest.mark.parametrize("node", ["storage:bookmarks", "urn:xmpp:bookmarks:1"])
def test_what_would_lock_the_account_out(refused: Run, node: str) -> None:
    assert "lock the account out" in refused("publish", "self", node, "f")
