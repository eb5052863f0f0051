"""How a text is meant: mentions (XEP-0513, XEP-0372), references, /me (XEP-0245), a nickname.

Positions count in the text as it goes out. So this module comes behind those that put something
before the text; the parts are in the order of their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import click

from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.model.payload.reference import Reference

    Range = tuple[int, int]

_ME = "/me "
_WITH_RANGE = re.compile(r"(.+):([0-9]+)-([0-9]+)", re.DOTALL)
_COMMA = re.compile(r",(?=(?:type|uri|begin|end|anchor)=)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_POSITION = re.compile(r"[0-9]{1,9}")


def _mentions(values: Values) -> list[tuple[Jid, Range | None]]:
    """Who is mentioned, each with the range that was given."""
    from xmppctl.model.jid import parse

    found: list[tuple[Jid, Range | None]] = []
    for given in values["mentions"]:
        match = _WITH_RANGE.fullmatch(given)
        text = match[1] if match is not None else given
        span = _range("mention", match[2], match[3]) if match is not None else None
        try:
            jid = parse(text)
        except ValueError as error:
            raise UsageError(f"--mention: {text!r} is not a JID: {error}") from None
        if jid.is_domain and "." not in jid.domain:
            raise UsageError(
                f"--mention: {text!r} is a domain, not a person",
                hint=f"an occupant of a room is written ROOM/{text}",
            )
        found.append((jid, span))
    return list(dict.fromkeys(found))


def _references(values: Values) -> list[Reference]:
    from xmppctl.model.payload.reference import Reference

    found = []
    for given in values["references"]:
        facts: dict[str, str] = {}
        for piece in _COMMA.split(given):
            name, equals, value = piece.partition("=")
            if name not in ("type", "uri", "begin", "end", "anchor") or not equals:
                raise UsageError(f"--reference: {piece!r} is not NAME=VALUE, such as uri=URI")
            if name in facts:
                raise UsageError(f"--reference: {name} is given twice")
            facts[name] = value
        kind = facts.get("type", "data")
        if kind not in ("data", "mention"):
            raise UsageError(f"--reference: the type is data or mention, not {kind!r}")
        if "uri" not in facts:
            raise UsageError("--reference: uri=URI is missing")
        for name in ("uri", "anchor"):
            if name in facts and not _URI.fullmatch(facts[name]):
                raise UsageError(f"--reference: {facts[name]!r} is no URI, such as xmpp:a@x.test")
            check_characters(f"{name} of --reference", facts.get(name))
        begin = end = None
        if "begin" in facts or "end" in facts:
            begin, end = _range("reference", facts.get("begin", ""), facts.get("end", ""))
        found.append(Reference(kind, facts["uri"], begin, end, facts.get("anchor")))
    return found


def _range(option: str, begin: str, end: str) -> Range:
    if all(_POSITION.fullmatch(each) for each in (begin, end)) and int(begin) < int(end):
        return int(begin), int(end)
    raise UsageError(f"--{option}: {begin}-{end} is no range: the end is behind the last character")


def _check_manner(values: Values) -> None:
    if values["me"]:
        # a file says itself what stands in it, and nothing may stand before /me
        for name in ("stanza", "xhtml", "quote"):
            if values.get(name) is not None:
                raise UsageError(f"--me and --{name} exclude each other")
    if values["nick_name"] is not None:
        check_characters("nickname", values["nick_name"])
        if values.get("muc") or values.get("kind") == "groupchat":
            raise UsageError(
                "--nick-name is for people who do not know you: a room shows its own nickname",
                hint="--nick chooses that",
            )


def _check(values: Values) -> None:
    mentions, references = _mentions(values), _references(values)
    spans = [span for _, span in mentions if span is not None]
    for one, other in combinations(spans, 2):
        if one != other and one[0] < other[1] and other[0] < one[1]:
            raise UsageError("--mention: ranges overlap, and are not the same (XEP-0513 §3.3)")
    if values.get("stdin_lines") and (spans or any(r.begin is not None for r in references)):
        raise UsageError("--stdin-lines sends many texts: a range can be of one alone")
    if any(reference.anchor is not None for reference in references):
        for name in ("stdin_lines", "me", "forward", "forward_file"):
            if values.get(name):
                flag = name.replace("_", "-")
                raise UsageError(f"--reference with an anchor and --{flag} exclude each other")


def _check_text(text: str, spans: list[Range], references: list[Reference]) -> None:
    """Raise UsageError for a range outside ``text``, and for a text where none may be (§3.4)."""
    if text and any(reference.anchor is not None for reference in references):
        raise UsageError("a reference with an anchor is about another message: it takes no text")
    ranges = [("mention", *span) for span in spans]
    for each in references:
        if each.begin is not None and each.end is not None and each.anchor is None:
            ranges.append(("reference", each.begin, each.end))
    for option, begin, end in ranges:
        if end > len(text):
            raise UsageError(
                f"--{option}: {begin}-{end} is outside the text of {len(text)} characters"
            )


def _attach_manner(stanza: Element, values: Values) -> None:
    if values["me"]:
        bodies = [body for body in _bodies(stanza) if body.text]
        if not bodies:
            raise UsageError("--me needs a text")
        for body in bodies:
            body.text = f"{_ME}{body.text}"
    if values["nick_name"] is not None:
        from xmppctl.protocol.payload import nick

        nick.attach(stanza, values["nick_name"])


def _attach(stanza: Element, values: Values) -> None:
    if not values["mentions"] and not values["references"]:
        return
    from dataclasses import replace

    from xmppctl.protocol.payload import references
    from xmppctl.session.xml import LANG

    mentions, given = _mentions(values), _references(values)
    texts = [(body.get(LANG) or stanza.get(LANG), body.text or "") for body in _bodies(stanza)]
    start = _start(stanza, values)
    text = texts[0][1][start:] if texts else ""
    _check_text(text, [span for _, span in mentions if span is not None], given)
    _mention(stanza, mentions, texts, start, values.get("occupant_ids", {}))
    for each in given:
        if each.begin is not None and each.end is not None and each.anchor is None:
            each = replace(each, begin=each.begin + start, end=each.end + start)
        references.attach(stanza, each)


def _bodies(stanza: Element) -> list[Element]:
    """The texts; the one in the stanza's own language first, as who reads it has it."""
    from xmppctl.session.xml import LANG, NS_CLIENT

    bodies = stanza.findall(f"{{{NS_CLIENT}}}body")
    return sorted(bodies, key=lambda body: body.get(LANG) is not None)


def _start(stanza: Element, values: Values) -> int:
    """Where the text that was given begins in the one that goes out."""
    start = len(_ME) if values["me"] else 0
    if values.get("quote") is not None:
        ns = "urn:xmpp:fallback:0"
        for part in stanza.iterfind(f"{{{ns}}}fallback/{{{ns}}}body"):
            if part.get("start") == "0":
                start = max(start, int(part.get("end", "0")))
    return start


def _mention(
    stanza: Element,
    who: list[tuple[Jid, Range | None]],
    texts: list[tuple[str | None, str]],
    start: int,
    ids: Mapping[str, str],
) -> None:
    """Both elements for each; where there are several texts, mentions for all of them (§3.4).

    ``ids``: those of occupants by their JIDs, which stand for them where there are some (§3.1).
    """
    from dataclasses import replace

    from xmppctl.model.payload.reference import Mention, Reference
    from xmppctl.protocol.payload import mentions, references

    taken: list[list[Range]] = [[] for _ in texts] or [[]]
    taken[0] += [(span[0] + start, span[1] + start) for _, span in who if span is not None]
    for jid, given in who:
        found: list[tuple[str | None, Range]] = []
        for number, (lang, text) in enumerate(texts):
            if given is not None and number == 0:
                span: Range | None = (given[0] + start, given[1] + start)
            else:
                span = mentions.locate(text, jid, start, taken[number])
            if span is not None:
                taken[number].append(span)
                found.append((lang if len(texts) > 1 else None, span))
            if number == 0:
                begin, end = span or (None, None)
                uri = references.uri(jid)
                references.attach(stanza, Reference("mention", uri, begin, end))
        occupant = ids.get(str(jid))
        person = Mention(occupant_id=occupant) if occupant is not None else Mention(str(jid))
        for lang, span in found:
            mentions.attach(stanza, replace(person, begin=span[0], end=span[1], lang=lang))
        if not found:
            mentions.attach(stanza, person)


PARTS = (
    Part(
        heading="Content",
        options=(
            click.option("--me", is_flag=True,
                         help="The text is what you do: sent as /me TEXT (XEP-0245)."),
            click.option("--nick-name", type=NONEMPTY, metavar="NAME",
                         help="What you want to be called by who does not know you (XEP-0172)."),
        ),
        check=_check_manner,
        attach=_attach_manner,
    ),
    Part(
        heading="References",
        options=(
            click.option("--mention", "mentions", type=NONEMPTY, multiple=True,
                         metavar="JID[:BEGIN-END]",
                         help="Somebody who is meant, in a room ROOM/NICK (XEP-0513, XEP-0372); "
                         "repeat for several. The name is looked for in the text; or give the "
                         "range, from the first character (0) up to, and without, the END."),
            click.option("--reference", "references", type=NONEMPTY, multiple=True,
                         metavar="uri=URI[,NAME=VALUE...]",
                         help="Something that the text refers to (XEP-0372). Names are type (data "
                         "or mention; data by default), begin and end of a range of the text, and "
                         "anchor, the URI of an earlier message that this one is about."),
        ),
        check=_check,
        attach=_attach,
        speaks=lambda values: any(each.anchor is not None for each in _references(values)),
    ),
)  # fmt: skip
