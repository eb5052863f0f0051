"""aioxmpp's XSO objects from and to elements of the stream.

The stream speaks ``xml.etree`` elements; payloads that have a structure worth declaring are
aioxmpp XSO classes. ``to_element`` and ``from_element`` are the whole border between the two.
"""

from __future__ import annotations

from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.session import lean
from xmppctl.session.xml import split

T = TypeVar("T")


class _Builder:
    """A SAX destination that builds elements; what an XSO writes to."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._stack: list[Element] = []

    def startPrefixMapping(self, prefix: str | None, uri: str) -> None:  # noqa: N802
        """Prefixes are made anew when the element is written."""

    def endPrefixMapping(self, prefix: str | None) -> None:  # noqa: N802
        """See startPrefixMapping."""

    def startElementNS(  # noqa: N802
        self,
        name: tuple[str | None, str],
        qname: str | None,
        attributes: dict[tuple[str | None, str], str] | None = None,
    ) -> None:
        """Open an element below the current one."""
        attrib = {_tag(key): value for key, value in (attributes or {}).items()}
        element = Element(_tag(name), attrib)
        if self._stack:
            self._stack[-1].append(element)
        else:
            self.root = element
        self._stack.append(element)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802
        """Close the current element."""
        self._stack.pop()

    def characters(self, text: str) -> None:
        """Text inside the current element, before or behind its last child."""
        top = self._stack[-1]
        if len(top):
            top[-1].tail = (top[-1].tail or "") + text
        else:
            top.text = (top.text or "") + text


def to_element(xso: Any) -> Element:
    """The XSO as an element."""
    builder = _Builder()
    xso.xso_serialise_to_sax(builder)
    assert builder.root is not None
    return builder.root


def from_element(element: Element, cls: type[T], *, by: str | None = None) -> T:
    """The element as an object of the XSO class ``cls``.

    Raises RefusedError (condition "malformed-answer") where it does not fit the class; ``by`` is
    who sent it.
    """
    lean.install()
    import aioxmpp.xso

    ns, name = split(element.tag)
    if (ns or None, name) != tuple(cls.TAG):  # type: ignore[attr-defined]
        raise malformed(f"<{name} xmlns={ns!r}/> where {cls.__name__} was expected", by)
    result: list[T] = []
    parser = aioxmpp.xso.XSOParser()
    parser.add_class(cls, result.append)
    driver = aioxmpp.xso.SAXDriver(parser)
    try:
        _drive(element, driver)
    except (ValueError, TypeError, LookupError) as error:
        raise malformed(f"{name}: {error}", by) from error
    finally:
        driver.close()
    return result[0]


def malformed(text: str, by: str | None) -> RefusedError:
    """An answer that came but cannot be understood."""
    return RefusedError(
        f"the answer cannot be understood ({text})", condition="malformed-answer", by=by
    )


def _drive(element: Element, driver: Any) -> None:
    name = _name(element.tag)
    driver.startElementNS(name, None, {_name(key): value for key, value in element.items()})
    if element.text:
        driver.characters(element.text)
    for child in element:
        _drive(child, driver)
        if child.tail:
            driver.characters(child.tail)
    driver.endElementNS(name, None)


def _name(tag: str) -> tuple[str | None, str]:
    ns, name = split(tag)
    return (ns or None, name)


def _tag(name: tuple[str | None, str]) -> str:
    ns, local = name
    return f"{{{ns}}}{local}" if ns else local
