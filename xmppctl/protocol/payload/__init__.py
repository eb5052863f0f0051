"""What a message carries beside its texts: one module for each kind, found, listed nowhere.

Such a module has

``TAGS``
    the child elements of a message that it reads, as ``{namespace}name``;
``read(stanza, children, context)``
    what they say, as fields of ``Message``; nothing where they say nothing that may be believed,
    so that they are named among the extensions. It is called only where one of them is there, and
    never fails, whatever the network sent;
functions that put the payload into a message that goes out.

Which module reads which tag is generated into ``_index.py``, so that reading a message imports
only what that message needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.records import dataclass

Children = Mapping[str, Sequence[Element]]
"""The child elements of a stanza by tag."""

Fields = Mapping[str, Any]
"""Fields of ``Message`` by name."""

_modules: dict[str, Any] = {}


def _silent(text: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Context:
    """Who may be believed about a message.

    ``own`` is the own bare JID. ``room``: the JID of the room that vouches for the message, None
    where none does; ``features`` are those that it announces. ``trusted``: further JIDs whose
    stanza ids and delays count. ``note`` is told what was not believed, for ``-v``.
    """

    own: str
    room: str | None = None
    features: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()
    note: Callable[[str], None] = _silent

    @property
    def believed(self) -> frozenset[str]:
        """Whose stanza ids and delays count (XEP-0359 §6, XEP-0203 §5)."""
        return self.trusted | ({self.own} if self.room is None else {self.own, self.room})


def by_tag(stanza: Element) -> dict[str, list[Element]]:
    """The children of a stanza, looked at once."""
    found: dict[str, list[Element]] = {}
    for child in stanza:
        tag = child.tag
        if tag in found:
            found[tag].append(child)
        else:
            found[tag] = [child]
    return found


def read(
    stanza: Element, children: Children, context: Context
) -> tuple[dict[str, Any], frozenset[str]]:
    """The fields that the payloads of a message fill, and the tags that were understood."""
    from xmppctl.protocol.payload._index import READERS  # not needed by who sends

    names: dict[str, None] = {}
    for tag in children:
        for name in READERS.get(tag, ()):
            names[name] = None
    if not names:  # most messages
        return {}, frozenset()
    fields: dict[str, Any] = {}
    understood: frozenset[str] = frozenset()
    for name in names:
        module = _modules.get(name)
        if module is None:
            module = _modules[name] = import_module(f"{__name__}.{name}")
        found = module.read(stanza, children, context)
        if found:
            fields.update(found)
            understood |= module.TAGS
    return fields, understood
