"""To which client of an account a file goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.jingle.net import Net
from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.jingle import FEATURES, NS_FILES
from xmppctl.protocol.jingle.find import Peer, find

ALICE = "alice@fake.test/r"
INFO = "http://jabber.org/protocol/disco#info"
ROOM = frozenset({"urn:xmpp:ping"})


class Clients:
    """bob's clients by resource, with their priorities and features."""

    def __init__(self, **clients: tuple[int, frozenset[str]]) -> None:
        self.net = Net()
        self.session = self.net.login("alice")
        self.session.account = replace(self.session.account, timeout=0.3)
        self.clients = clients
        self.net.rosters["alice@fake.test"] = {"bob@fake.test": "both"}
        self.net.drop = self._presence
        for name, (_, features) in clients.items():
            self.net.scripts[f"bob@fake.test/{name}"] = self._client(name, features)

    def _presence(self, stanza: Element) -> bool:
        if stanza.tag.endswith("}presence") and stanza.get("from") == ALICE:
            for name, (priority, _) in self.clients.items():
                self.net.say(
                    f"bob@fake.test/{name}",
                    ALICE,
                    f"<presence xmlns='jabber:client'><priority>{priority}</priority></presence>",
                )
        return False

    def _client(self, name: str, features: frozenset[str]) -> Callable[[Element], None]:
        def heard(stanza: Element) -> None:
            if stanza.find(f"{{{INFO}}}query") is not None:
                rows = "".join(f"<feature var='{each}'/>" for each in features)
                self.net.say(
                    f"bob@fake.test/{name}",
                    ALICE,
                    f"<iq xmlns='jabber:client' type='result' id='{stanza.get('id')}'>"
                    f"<query xmlns='{INFO}'>{rows}</query></iq>",
                )

        return heard

    def find(self, to: str = "bob@fake.test", wait: float = 0.3) -> Peer:
        """Who takes the file."""

        async def main() -> Any:
            return (await self.net.run(find(self.session, jid(to), "sid", wait)))[0]

        return asyncio.run(main())


def found(**more: tuple[int, frozenset[str]]) -> Clients:
    """As ``Clients``, made where there is a loop."""

    async def main() -> Clients:
        return Clients(**more)

    return asyncio.run(main())


def test_the_best_that_takes_files() -> None:
    clients = found(phone=(9, ROOM), desk=(1, FEATURES), old=(-1, FEATURES))
    peer = clients.find()
    assert (str(peer.jid), peer.known, peer.proposed) == ("bob@fake.test/desk", True, False)
    assert NS_FILES in peer.features


def test_none_takes_files() -> None:
    with pytest.raises(UnsupportedError, match=r"bob@fake\.test/phone"):
        found(phone=(9, ROOM)).find()


def test_none_is_online() -> None:
    with pytest.raises(RefusedError, match="not online"):
        found().find()


def test_a_client_that_is_named() -> None:
    clients = found(phone=(9, ROOM), desk=(1, FEATURES))
    assert str(clients.find("bob@fake.test/desk").jid) == "bob@fake.test/desk"
    with pytest.raises(UnsupportedError):
        clients.find("bob@fake.test/phone")
    # what says nothing may be there, and not want to be seen
    clients.net.scripts["bob@fake.test/silent"] = lambda stanza: None
    assert NS_FILES in clients.find("bob@fake.test/silent").features
    assert NS_FILES in clients.find("bob@fake.test/hidden").features


@pytest.mark.parametrize(
    ("answer", "code", "condition"),
    [
        (
            "<message xmlns='jabber:client' type='chat'><reject xmlns='urn:xmpp:jingle-message:0' "
            "id='sid'><reason xmlns='urn:xmpp:jingle:1'><busy/></reason></reject></message>",
            6,
            "busy",
        ),
        (
            "<message xmlns='jabber:client' type='error' id='{id}'><error type='cancel'>"
            "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
            6,
            "service-unavailable",
        ),
        (
            # of another proposal
            "<message xmlns='jabber:client' type='chat'>"
            "<proceed xmlns='urn:xmpp:jingle-message:0' id='other'/></message>",
            8,
            "timeout",
        ),
    ],
)
def test_how_a_proposal_may_end(answer: str, code: int, condition: str) -> None:
    clients = found()
    clients.net.rosters.clear()

    def told(stanza: Element) -> bool:
        if stanza.find("{urn:xmpp:jingle-message:0}propose") is not None:
            said = answer.replace("{id}", stanza.get("id", ""))
            clients.net.say("bob@fake.test/phone", ALICE, said)
        return False

    clients.net.drop = told
    with pytest.raises(XmppctlError) as caught:
        clients.find()
    assert (int(caught.value.exit), caught.value.condition) == (code, condition)
    retracted = clients.net.said(ALICE, "{urn:xmpp:jingle-message:0}retract")
    assert len(retracted) == (code == 8)
