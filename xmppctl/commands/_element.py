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
    data = app.read_file(path)
    from xmppctl.session.xml import NS_CLIENT, XmlError, parse, serialise, split

    where = "standard input" if path == "-" else path
    try:
        element = parse(data)
        serialise(element)
    except XmlError as error:
        raise UsageError(f"{where} holds no XML element ({error})", step="input") from None
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
    data = app.read_file(path)
    from xmppctl.session.xml import NS_CLIENT, XmlError, parse, serialise, split

    where = "standard input" if path == "-" else path
    if option is not None:
        where = f"{option}: {path}"
    try:
        element = parse(data)
        serialise(element)
    except XmlError as error:
        raise UsageError(f"{where} holds no XML element ({error})", step="input") from None
    # a stanza without any namespace is meant for the stream's own
    for node in element.iter():
        if not split(node.tag)[0]:
            node.tag = f"{{{NS_CLIENT}}}{node.tag}"
    if split(element.tag) not in ((NS_CLIENT, name) for name in ("message", "presence", "iq")):
        raise UsageError(f"{where} holds no message, presence or iq", step="input")
    return element
