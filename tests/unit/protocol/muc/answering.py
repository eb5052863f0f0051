"""A session whose requests a test answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from tests.unit.session.streams import come, make_session

Answer = Callable[[Element], str | None]
"""Gets a stanza; gives the payload of its result, ``!condition`` for an error, None for silence."""


class Answering:
    """Answers by ``answer``; ``sent`` are the stanzas that went out."""

    def __init__(self, answer: Answer) -> None:
        self.session, self.wire, self.transport = make_session()
        self.answer = answer
        self.sent: list[Element] = []

    def run(self, operation: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        """What ``operation(session)`` gives."""

        async def both() -> Any:
            task = asyncio.ensure_future(operation(self.session))
            while not task.done():
                await asyncio.sleep(0)
                for stanza in fromstring(f"<s xmlns='jabber:client'>{self.transport.text}</s>"):
                    self.sent.append(stanza)
                    self._respond(stanza)
            return task.result()

        return asyncio.run(both())

    def come(self, *stanzas: str) -> None:
        """Stanzas come in."""
        come(self.wire, *stanzas)

    def _respond(self, stanza: Element) -> None:
        answer = self.answer(stanza)
        if answer is None or stanza.tag != "{jabber:client}iq":
            return
        sender = stanza.get("to")  # without one the own account answers
        head = f"id='{stanza.get('id')}'" + (f" from='{sender}'" if sender else "")
        if answer.startswith("!"):
            self.come(
                f"<iq type='error' {head}><error type='cancel'><{answer[1:]} "
                "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            )
        else:
            self.come(f"<iq type='result' {head}>{answer}</iq>")
