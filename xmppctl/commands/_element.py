"""An XML element that the user gives as a file or on standard input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.cli import App


def read_element(app: App, path: str) -> Element:
    """The one element of the file, of standard input for ``-``; it has a namespace.

    Raises UsageError or LocalError.
    """
    where = _name(path)
    element = _read(app, path, where)
    from xmppctl.session.xml import NS_CLIENT, split

    ns, name = split(element.tag)
    if ns in ("", NS_CLIENT):
        raise UsageError(
            f"<{name}/> of {where} has no namespace of its own",
            step="input",
            hint=f"write <{name} xmlns='...'>",
        )
    return element


def read_stanza(app: App, path: str, *, option: str | None = None) -> Element:
    """The stanza in the file, of standard input for ``-``, in the stream's namespace.

    ``option``: the one that named the file, for what is said of it.

    Raises UsageError for what is none, LocalError.
    """
    where = _name(path) if option is None else f"{option}: {path}"
    element = _read(app, path, where)
    from xmppctl.session.xml import NS_CLIENT, split

    # a stanza without any namespace is meant for the stream's own
    for node in element.iter():
        if not split(node.tag)[0]:
            node.tag = f"{{{NS_CLIENT}}}{node.tag}"
    if split(element.tag) not in ((NS_CLIENT, name) for name in ("message", "presence", "iq")):
        raise UsageError(f"{where} holds no message, presence or iq", step="input")
    return element


def _name(path: str) -> str:
    return "standard input" if path == "-" else path


def _read(app: App, path: str, where: str) -> Element:
    """The element, which can be written too; ``where`` names its place in errors."""
    data = app.read_file(path)
    from xmppctl.session.xml import XmlError, parse, serialise

    try:
        element = parse(data)
        serialise(element)
    except XmlError as error:
        raise UsageError(f"{where} holds no XML element ({error})", step="input") from None
    return element
