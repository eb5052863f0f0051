"""Files of XEP-0227 on the disk: the account that is meant, with what other files add (§4).

A file may name others below its own directory; never one elsewhere, and none of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xmppctl.errors import LocalError, UsageError

if TYPE_CHECKING:
    from xmppctl.cli import App
    from xmppctl.cli.files import Source
    from xmppctl.model.jid import Jid
    from xmppctl.protocol.portable.content import Content
    from xmppctl.protocol.portable.reading import Event, Place

_BLOCK = 64 * 1024
_SHOWN = 10


def load(app: App, path: str, user: Jid | None) -> Content:
    """The account ``user`` of a file; without it the only one, or the one of the own name.

    Raises LocalError, UsageError.
    """
    from xmppctl.cli.files import Source
    from xmppctl.protocol.portable.content import Content
    from xmppctl.protocol.portable.reading import Account, Piece

    source = Source(app, path)
    try:
        found: dict[str, None] = {}
        for event in _events(source, lambda _: False):
            if isinstance(event, Account):
                found[_jid(event.place)] = None
        jid = _choose(app, path, list(found), user)
        content = Content(jid)
        for event in _events(source, lambda place: _jid(place) == jid):
            if isinstance(event, Piece):
                content.take(event)
        return content
    finally:
        source.close()


def _choose(app: App, path: str, found: list[str], user: Jid | None) -> str:
    shown = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
    if not found:
        raise UsageError(f"{path} has no account", step="input")
    if user is not None:
        if str(user) not in found:
            raise UsageError(f"{path} has no account {user}", step="input", hint=f"it has {shown}")
        return str(user)
    if len(found) == 1:
        return found[0]
    own = str(app.settings.jid().bare)
    if own in found:
        return own
    raise UsageError(
        f"{path} has {len(found)} accounts", step="input", hint=f"--user chooses one of {shown}"
    )


def _jid(place: Place) -> str:
    from xmppctl.model.jid import lenient, parse

    text = f"{place.user}@{place.host}"
    try:
        return str(parse(text).bare)
    except ValueError:
        return str(lenient(text))


def _events(source: Source, wants: Callable[[Place], bool]) -> Iterator[Event]:
    base = None if source.path == "-" else Path(source.path).parent
    yield from _read(source.path, source.blocks(lambda _: None), wants, None, base, base)


def _read(
    name: str,
    blocks: Iterator[bytes],
    wants: Callable[[Place], bool],
    place: Place | None,
    root: Path | None,
    base: Path | None,
) -> Iterator[Event]:
    """The events of a file, those of the files that it includes in their place.

    It is at most three files deep: what is in which file decides what may be in the next.
    """
    from xmppctl.protocol.portable.reading import Include, Reader
    from xmppctl.session.xml import XmlError

    reader = Reader(wants, place)

    def feed(block: bytes, last: bool) -> list[Event]:
        try:
            return reader.feed(block, last=last)
        except XmlError as error:
            raise UsageError(
                f"{name} cannot be understood: {error}", step="input", by=name
            ) from None

    for last in (False, True):
        for block in blocks if not last else (b"",):
            for event in feed(block, last):
                if not isinstance(event, Include):
                    yield event
                    continue
                path = _resolve(name, event.href, root, base)
                inner = _blocks(path)
                yield from _read(str(path), inner, wants, event.place, root, path.parent)


def _resolve(name: str, href: str, root: Path | None, base: Path | None) -> Path:
    """The file that ``href`` means: below the directory of the main file, also behind links."""
    from urllib.parse import unquote, urlsplit

    wrong = UsageError(
        f"{name} includes {href}, which is no file below its own directory", step="input", by=name
    )
    if root is None or base is None:
        raise UsageError(
            f"it includes {href}, and standard input has no directory",
            step="input",
            hint="give the file by its name",
        )
    try:
        parts = urlsplit(href)
        path = Path(unquote(parts.path, errors="strict"))
    except ValueError:
        raise wrong from None
    if parts.scheme or parts.netloc or parts.query or parts.fragment or not parts.path:
        raise wrong
    if path.is_absolute() or ".." in path.parts or "\0" in str(path) or "\\" in str(path):
        raise wrong
    whole = base / path
    try:
        if not whole.resolve().is_relative_to(root.resolve()):
            raise wrong
    except (OSError, RuntimeError):
        raise wrong from None
    return whole


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        if not path.is_file():
            raise LocalError(f"{path} is not there, or no file", step="input", by=str(path))
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except OSError as error:
        raise LocalError(
            f"cannot read {path}: {error.strerror}", step="input", by=str(path)
        ) from None
