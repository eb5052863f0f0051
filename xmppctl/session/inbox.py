"""What an operation waits for: the answer to a request, messages and presence of some kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError


class Pending:
    """A request on its way: ``element`` is to be sent, ``Session.answer`` waits for the result."""

    def __init__(self, element: Element, to: str | None, future: asyncio.Future[Element]) -> None:
        self.element = element
        self.to = to
        self.future = future


class Inbox:
    """Stanzas that an operation waits for; filled by the session, in order."""

    def __init__(self, matches: Callable[[Element], bool], keep: bool) -> None:
        self.matches = matches
        self.keep = keep
        self.queue: asyncio.Queue[Element | XmppctlError] = asyncio.Queue()
        self.count = 0

    def __len__(self) -> int:
        return self.queue.qsize()

    async def get(self) -> Element:
        """The next stanza. Raises what ended the stream."""
        item = await self.queue.get()
        if isinstance(item, XmppctlError):
            self.queue.put_nowait(item)
            raise item
        return item

    def drain(self) -> Iterator[Element]:
        """The stanzas that are there already. Raises what ended the stream."""
        while not self.queue.empty():
            item = self.queue.get_nowait()
            if isinstance(item, XmppctlError):
                self.queue.put_nowait(item)
                raise item
            yield item
