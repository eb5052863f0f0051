"""XEP-0231: bits of binary within a message (``xmppctl.protocol.bob`` asks for others)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.protocol import bob
from xmppctl.protocol.mediatypes import checked

if TYPE_CHECKING:
    from xmppctl.model.payload.file import EmbeddedFile
    from xmppctl.protocol.payload import Context


def attach(stanza: Element, data: bob.Data) -> None:
    """Put data into a message, as a child of it (§2.1)."""
    stanza.append(bob.element(data))


def read(elements: Iterable[Element], context: Context) -> Iterator[EmbeddedFile]:
    """The data that are what their content id says, each once, with their bytes."""
    from xmppctl.model.payload.file import EmbeddedFile  # not needed by who sends

    known: set[str] = set()
    for element in elements:
        try:
            data = bob.read(element)
        except RefusedError:
            cid = element.get("cid")
            context.note(f"ignored data within a message: they are not what {cid} stands for")
            continue
        if data.cid not in known:
            known.add(data.cid)
            yield EmbeddedFile.of(
                data.content,
                source="bob",
                media_type=checked(data.type),
                hashes={data.algorithm: data.digest},
                urls=[f"cid:{data.cid}"],
            )
