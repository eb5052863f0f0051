"""Files: out-of-band URLs (XEP-0066), shared files (XEP-0447), bits of binary (XEP-0231)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import click

from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import LocalError, UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.payload.file import MessageFile
    from xmppctl.protocol.bob import Data

_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+", re.ASCII | re.IGNORECASE)
_FACTS = ("file_name", "file_size", "file_type", "file_hash")


def _check(values: Values) -> None:
    url, desc = values["oob_url"], values["oob_desc"]
    if desc is not None and url is None:
        raise UsageError("--oob-desc needs --oob-url, which it describes")
    check_characters("description", desc)
    if url is not None:
        if _URI.fullmatch(url) is None:
            raise UsageError(
                f"--oob-url: {url!r} is not a URI such as https://example.org/a%20b.png",
                hint="percent-encode what is no ASCII, and spaces (RFC 3986)",
            )
        if url.lower().startswith("aesgcm:"):
            raise UsageError("--oob-url: an aesgcm URL holds the key of its file: nothing was sent")
    if values["file_url"] is None:
        given = next((name for name in _FACTS if values[name] not in (None, ())), None)
        if given is not None:
            raise UsageError(f"--{given.replace('_', '-')} needs --file-url")
    else:
        if url is not None:
            raise UsageError("--oob-url and --file-url exclude each other: the latter has both")
        _shared(values)
    for name in ("oob_url", "file_url"):
        if values[name] is not None and values.get("stanza") is not None:
            raise UsageError(f"--{name.replace('_', '-')} and --stanza exclude each other")
    for path in values["bob"]:
        _data(path)


def _shared(values: Values) -> MessageFile:
    """The file as the options describe it. Raises UsageError."""
    from xmppctl.model import digest
    from xmppctl.model.payload.file import MessageFile
    from xmppctl.protocol import mediatypes
    from xmppctl.session.weburl import parse_url

    name, kind = values["file_name"], values["file_type"]
    check_characters("name of the file", name)
    if name is not None and ("/" in name or "\\" in name):
        raise UsageError(f"--file-name: {name!r} contains a directory")
    if kind is not None and mediatypes.checked(kind) is None:
        raise UsageError(f"--file-type: {kind!r} is not a media type such as image/png")
    hashes: dict[str, str] = {}
    try:
        url = parse_url(values["file_url"]).text
    except ValueError as error:
        raise UsageError(f"--file-url: {error}") from None
    try:
        for given in values["file_hash"]:
            algorithm, value = digest.parse(given)
            if algorithm in hashes:
                raise ValueError(f"a file has one {algorithm}")
            hashes[algorithm] = value.hex()
    except ValueError as error:
        raise UsageError(f"--file-hash: {error}") from None
    return MessageFile(
        source="sfs",
        name=name,
        size=values["file_size"],
        media_type=kind,
        hashes=hashes,
        urls=[url],
    )


@cache  # what was checked is what is sent, to everybody
def _data(path: str) -> Data:
    """The file as bits of binary. Raises UsageError, LocalError."""
    from pathlib import Path

    from xmppctl.protocol import bob, mediatypes

    try:
        with Path(path).open("rb") as stream:
            content = stream.read(bob.SMALL + 1)
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}", step="input", by=path) from None
    if len(content) > bob.SMALL:
        raise UsageError(
            f"--bob: {path} is larger than {bob.SMALL} bytes, too large for a message",
            hint="xmppctl upload --to JID FILE sends files of any size",
        )
    if not content:
        raise UsageError(f"--bob: {path} is empty")
    return bob.make(content, mediatypes.guess(path, content))


def _attach(stanza: Element, values: Values) -> None:
    if values["oob_url"] is not None:
        from xmppctl.protocol.payload import oob

        say(stanza, values["oob_url"])
        oob.attach(stanza, values["oob_url"], values["oob_desc"])
    if values["file_url"] is not None:
        from xmppctl.protocol.payload import files, oob

        file = _shared(values)
        (url,) = file.urls
        is_body = say(stanza, url)
        oob.attach(stanza, url)
        files.attach(stanza, file, is_body=is_body)
    if values["bob"]:
        from xmppctl.protocol.payload import bobdata

        for path in dict.fromkeys(values["bob"]):
            bobdata.attach(stanza, _data(path))


def say(stanza: Element, url: str) -> bool:
    """Make the URL the text of a message that has none; whether that was so."""
    from xml.etree.ElementTree import Element

    from xmppctl.session.xml import NS_CLIENT

    tag = f"{{{NS_CLIENT}}}body"
    if stanza.find(tag) is not None:
        return False
    body = Element(tag)
    body.text = url
    stanza.insert(0, body)
    return True


def _speaks(values: Values) -> bool:
    return bool(values["oob_url"] or values["file_url"] or values["bob"])


PARTS = (Part(
    heading="Files",
    options=(
        click.option("--oob-url", type=NONEMPTY, metavar="URL",
                     help="URL that belongs to the message (XEP-0066). Without a text it is the "
                     "text too, and clients show what is there in place."),
        click.option("--oob-desc", type=NONEMPTY, metavar="T", help="What is at --oob-url."),
        click.option("--file-url", type=NONEMPTY, metavar="URL",
                     help="Share the file at this http(s) URL (XEP-0447), which is the text too "
                     "where none is given. What is known of the file is said by the following."),
        click.option("--file-name", type=NONEMPTY, metavar="NAME", help="Its name."),
        click.option("--file-size", type=click.IntRange(0, 2**53 - 1), metavar="BYTES",
                     help="Its size."),
        click.option("--file-type", type=NONEMPTY, metavar="TYPE",
                     help="Its media type, such as image/png."),
        click.option("--file-hash", type=NONEMPTY, multiple=True, metavar="ALGO:HEX",
                     help="A hash of it, such as sha-256:1234...; repeatable."),
        click.option("--bob", type=click.Path(), multiple=True, metavar="FILE",
                     help="Put this file of 8 KiB at most into the message (XEP-0231); "
                     "repeatable."),
    ),
    check=_check,
    attach=_attach,
    speaks=_speaks,
),)  # fmt: skip
