"""Files that a message shares, whatever the way: XEP-0447 and 0446, 0385, 0231, 0454, 0066.

A file that is shared in two ways, for clients of different age, is one file: the way that says most
about it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.session.xml import LANG, NS_CLIENT, split

if TYPE_CHECKING:
    from datetime import datetime

    from xmppctl.model.payload.file import MessageFile
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (
    Xep("0264", "0.4.2", "partial", "the URIs of thumbnails of shared files are shown"),
    Xep("0385", "0.2.1", "partial", "shown, not sent"),
    Xep("0428", "0.2.1", "complete"),
    Xep("0446", "0.2.0", "partial", "sent and shown, of thumbnails the URIs alone"),
    Xep("0447", "0.3.1", "partial", "sent and shown, with the sources in the same message"),
    Xep("0448", "0.2.0", "partial", "recognised, not decrypted"),
    Xep("0454", "0.1.0", "partial", "aesgcm URLs are recognised"),
)

NS = "urn:xmpp:sfs:0"
NS_FILE = "urn:xmpp:file:metadata:0"
NS_URL = "http://jabber.org/protocol/url-data"
NS_FALLBACK = "urn:xmpp:fallback:0"

_BODY = f"{{{NS_CLIENT}}}body"
_SHARING, _SOURCES = f"{{{NS}}}file-sharing", f"{{{NS}}}sources"
_URL_DATA = f"{{{NS_URL}}}url-data"
_ENCRYPTED = "{urn:xmpp:esfs:0}encrypted"
_REFERENCE = "{urn:xmpp:reference:0}reference"
_NS_SIMS = "urn:xmpp:sims:1"
_OOB = "{jabber:x:oob}x"
_DATA = "{urn:xmpp:bob}data"
_HASH = "{urn:xmpp:hashes:2}hash"
_THUMBNAIL = "{urn:xmpp:thumbs:1}thumbnail"
TAGS = frozenset({_BODY, _SHARING, _REFERENCE, _OOB, _DATA})

_AESGCM = "aesgcm:"
_FILES = 64
"""As many are taken from one message."""
_LARGEST = 2**53 - 1
"""The largest number that every reader of JSON understands."""
_LONGEST_TEXT = 4000
_LONGEST_URI = 64 * 1024
_NUMBER = re.compile(r"\s*([0-9]{1,16})\s*", re.ASCII)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``files``: those that are shared, each once."""
    body = children[_BODY][0].text or "" if _BODY in children else ""
    # asked of every message that has a text
    if (
        _OOB not in children
        and _SHARING not in children
        and _REFERENCE not in children
        and _DATA not in children
        and not _is_aesgcm(body)
    ):
        return {}
    lang = stanza.get(LANG)
    found: list[MessageFile] = []
    known: set[str] = set()
    for each in (
        *_shared(children.get(_SHARING, ()), lang),
        *_media(children.get(_REFERENCE, ()), lang),
        *_embedded(children, context),
        *_urls(children, body.strip()),
    ):
        if each.urls and known.issuperset(each.urls):
            continue
        known.update(each.urls)
        found.append(each)
    if len(found) > _FILES:
        context.note(f"ignored {len(found) - _FILES} files of a message that shares so many")
    return {"files": found[:_FILES]} if found else {}


def attach(stanza: Element, file: MessageFile, *, is_body: bool) -> None:
    """Share a file (XEP-0447 §3.1) that is at its ``urls``.

    ``is_body``: the text of the message is the URL and nothing else, and so marked as being there
    for clients that do not understand the rest.
    """
    from xmppctl.protocol import hashes
    from xmppctl.protocol.dates import format_datetime

    attributes = {"disposition": file.disposition, "id": file.id}
    sharing = SubElement(stanza, _SHARING, {k: v for k, v in attributes.items() if v is not None})
    described = SubElement(sharing, f"{{{NS_FILE}}}file")
    for name, value in (
        ("media-type", file.media_type),
        ("name", file.name),
        ("size", file.size),
        ("date", None if file.date is None else format_datetime(file.date)),
        ("width", file.width),
        ("height", file.height),
        ("length", file.length_ms),
        ("desc", file.desc),
    ):
        if value is not None:
            SubElement(described, f"{{{NS_FILE}}}{name}").text = str(value)
    for algorithm, digest in file.hashes.items():
        described.append(hashes.element(algorithm, bytes.fromhex(digest)))
    sources = SubElement(sharing, _SOURCES)
    for url in file.urls:
        SubElement(sources, _URL_DATA, {"target": url})
    if is_body:
        fallback = SubElement(stanza, f"{{{NS_FALLBACK}}}fallback", {"for": NS})
        SubElement(fallback, f"{{{NS_FALLBACK}}}body")


def _shared(elements: Iterable[Element], lang: str | None) -> Iterator[MessageFile]:
    """XEP-0447; sources that are encrypted by XEP-0448 count where there are no others."""
    from xmppctl.model.payload.file import MessageFile

    for sharing in elements:
        described = sharing.find(f"{{{NS_FILE}}}file")
        if described is None:
            continue
        sources = sharing.findall(_SOURCES)
        plain = _targets(sources)
        hidden = _targets(
            inner
            for outer in sources
            for encrypted in outer.findall(_ENCRYPTED)
            for inner in encrypted.findall(_SOURCES)
        )
        disposition = sharing.get("disposition")
        yield MessageFile(
            source="sfs",
            id=_short(sharing.get("id")),
            urls=plain or hidden,
            encrypted=True if hidden and not plain else None,
            disposition=disposition if disposition in ("inline", "attachment") else None,
            **_metadata(described, lang),
        )


def _media(elements: Iterable[Element], lang: str | None) -> Iterator[MessageFile]:
    """XEP-0385: the file is described in the element of XEP-0234, its sources are references."""
    from xmppctl.model.payload.file import MessageFile

    for reference in elements:
        for sharing in reference.findall(f"{{{_NS_SIMS}}}media-sharing"):
            described = next((e for e in sharing if split(e.tag)[1] == "file"), None)
            if described is None:
                continue
            sources = sharing.findall(f"{{{_NS_SIMS}}}sources/{_REFERENCE}")
            urls = _uris(source.get("uri") for source in sources)
            yield MessageFile(source="sims", urls=urls, **_metadata(described, lang))


def _embedded(children: Children, context: Context) -> Iterator[MessageFile]:
    if _DATA in children:
        from xmppctl.protocol.payload import bobdata

        yield from bobdata.read(children[_DATA], context)


def _urls(children: Children, body: str) -> Iterator[MessageFile]:
    """XEP-0454 URLs wherever they are; others where the body is nothing else (XEP-0066)."""
    from xmppctl.model.payload.file import MessageFile

    beside: list[str] = []
    if _OOB in children:
        from xmppctl.protocol.payload import oob

        beside = oob.urls(children[_OOB])
    text = [body] if _is_aesgcm(body) and not any(c.isspace() for c in body) else []
    for url in (*beside, *text):
        if _is_aesgcm(url):
            yield MessageFile(source="aesgcm", urls=[url], encrypted=True)
        elif url == body:
            yield MessageFile(source="oob", urls=[url])


def _is_aesgcm(text: str) -> bool:
    return text[: len(_AESGCM)].lower() == _AESGCM


def _targets(sources: Iterable[Element]) -> list[str]:
    """The URLs among the sources of a file (XEP-0103)."""
    return _uris(data.get("target") for each in sources for data in each.findall(_URL_DATA))


def _uris(given: Iterable[str | None]) -> list[str]:
    stripped = ((uri or "").strip() for uri in given)
    return list(dict.fromkeys(uri for uri in stripped if 0 < len(uri) <= _LONGEST_URI))


def _metadata(described: Element, lang: str | None) -> dict[str, Any]:
    """What a ``<file/>`` says (XEP-0446 §2); what has not the form that it should is left out."""
    from xmppctl.model.filename import harmless
    from xmppctl.protocol import hashes
    from xmppctl.protocol.mediatypes import checked

    namespace = split(described.tag)[0]

    def all_of(name: str) -> Sequence[Element]:
        return described.findall(f"{{{namespace}}}{name}")

    def text(name: str) -> str | None:
        return _short(next((each.text for each in all_of(name)), None))

    thumbnails = described.findall(_THUMBNAIL)
    return {
        "name": harmless(name) if (name := text("name")) is not None else None,
        "size": _number(text("size")),
        "media_type": checked(text("media-type")),
        "desc": _described(all_of("desc"), lang),
        "date": _date(text("date")),
        "width": _number(text("width")),
        "height": _number(text("height")),
        "length_ms": _number(text("length")),
        "hashes": hashes.read(described.findall(_HASH)),
        "thumbnails": _uris(each.get("uri") for each in thumbnails),
    }


def _described(elements: Sequence[Element], lang: str | None) -> str | None:
    """The description in the language of the message, or the first."""
    ordered = sorted(elements, key=lambda each: each.get(LANG, lang) != lang)
    return _short(next((each.text for each in ordered), None))


def _short(text: str | None) -> str | None:
    """``text``, unless it is empty or longer than anybody would write."""
    return text if text is not None and 0 < len(text) <= _LONGEST_TEXT else None


def _number(text: str | None) -> int | None:
    found = _NUMBER.fullmatch(text or "")
    number = int(found[1]) if found is not None else None
    return number if number is not None and number <= _LARGEST else None


def _date(text: str | None) -> datetime | None:
    from xmppctl.protocol.dates import parse_datetime

    try:
        return parse_datetime(text or "")
    except ValueError:
        return None
