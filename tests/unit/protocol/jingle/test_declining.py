"""What a listener answers to offers, and when it tells of them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

from xmppctl.protocol.jingle.declining import Decliner
from xmppctl.session.stream import Session

CALL = """<iq xmlns='jabber:client' type='set' id='1' from='bob@fake.test/r'>
  <jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'>
    <content creator='initiator' name='voice'>
      <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>
    </content>
  </jingle>
</iq>"""


class Fake:
    """A session of which only what is sent is seen."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def ask(self, payload: Element, **_: Any) -> Any:
        return SimpleNamespace(element=payload)

    def send(self, element: Element) -> None:
        self._done.append(element.get("action", ""))


def test_an_offer_is_declined_before_it_is_told() -> None:
    """Who is told may have had enough, and end the stream: the peer would wait for ever."""

    async def main() -> None:
        done: list[str] = []
        session = cast(Session, Fake(done))
        decliner = Decliner(session, lambda record: True, lambda iq: done.append("told"))
        iq = fromstring(CALL)
        decliner(iq)
        assert done == []  # the request is acknowledged first
        await asyncio.sleep(0)
        assert done == ["session-terminate", "told"]
        record = decliner.record(iq)
        assert record is not None and record.jingle is not None
        assert record.jingle.answer == "unsupported-applications"

    asyncio.run(main())
