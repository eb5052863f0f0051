"""What an operation waits for: the answer to a request, messages and presence of some kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterator
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.jid import lenient


class Pending:
    """A request on its way: ``element`` is to be sent, ``Session.answer`` waits for the result."""

    def __init__(self, element: Element, to: str | None, future: asyncio.Future[Element]) -> None:
        self.element = element
        self.to = to
        self.future = future

    def may_be_answered_by(self, sender: str | None, own: Container[str]) -> bool:
        """Whether an answer ``from`` that sender counts; None: it has no such attribute.

        RFC 6120 §8.1.2.1: the server may leave out or fill in the own account's address. ``own``
        are the addresses of the account, of this client and of its server.
        """
        wanted = None if self.to is None else str(lenient(self.to))
        found = None if sender is None else str(lenient(sender))
        if wanted is None or wanted in own:
            return found is None or found in own
        return found == wanted


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
