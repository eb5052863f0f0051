"""Messages that wait, read: what is encrypted is opened, and what cannot be opened says nothing."""

import asyncio
from contextlib import contextmanager
from types import SimpleNamespace

from xmppctl.model.offline import OfflineHeader
from xmppctl.model.payload.content import Encryption
from xmppctl.protocol import offline
from xmppctl.protocol.opening import Opened, Opener, shown
from xmppctl.session.xml import parse

ALICE, BOB = "alice@fake.test", "bob@fake.test/r"
OX = "urn:xmpp:openpgp:0"


def waiting(node, inside):
    return parse(
        f"<message xmlns='jabber:client' type='chat' from='{BOB}' to='{ALICE}' id='{node}'>"
        f"<offline xmlns='{offline.NS}'><item node='{node}'/></offline>"
        f"<delay xmlns='urn:xmpp:delay' from='fake.test' stamp='2026-01-02T03:04:05Z'/>"
        f"{inside}</message>"
    )


def view(stanzas, opener):
    """The records of messages that wait."""

    @contextmanager
    def inbox(matches):
        yield SimpleNamespace(drain=lambda: [each for each in stanzas if matches(each)])

    async def request(*args, **more):
        """The server gives the messages before it answers."""

    session = SimpleNamespace(
        bare=ALICE,
        domain="fake.test",
        inbox=inbox,
        request=request,
        trace=SimpleNamespace(note=lambda text: None),
    )
    headers = [OfflineHeader(each.get("id"), BOB, ALICE) for each in stanzas]

    async def work():
        with_session = opener(session) if opener is not None else None
        return [each async for each in offline.view(session, headers, opener=with_session)]

    return asyncio.run(work())


class Fake(Opener):
    """Opens what it is told to."""

    def __init__(self, session):
        super().__init__(session, state=None)

    async def open(self, stanza, when=None):
        body = stanza.findtext(f"{{{OX}}}openpgp")
        if body is None:
            return stanza
        state = "decrypted" if body == "b3Blbg==" else "undecryptable"
        content = parse("<body xmlns='jabber:client'>hidden</body>") if body == "b3Blbg==" else None
        told = Opened(Encryption(OX, "ox", state), None if content is None else [content])
        return shown(stanza, told)


def test_what_is_encrypted_is_opened():
    inside = "<body>a client without it</body><openpgp xmlns='" + OX + "'>{}</openpgp>"
    stanzas = [
        waiting("1", "<body>clear</body>"),
        waiting("2", inside.format("b3Blbg==")),
        waiting("3", inside.format("Y2xvc2Vk")),
    ]
    clear, hidden, closed = view(stanzas, Fake)
    assert (clear.body, clear.encryption) == ("clear", None)
    assert (hidden.body, hidden.encryption.state, hidden.node) == ("hidden", "decrypted", "2")
    assert hidden.timestamp is not None and hidden.extensions == []
    assert (closed.body, closed.encryption.state) == (None, "undecryptable")
    # nobody is told the text for clients without the method
    assert [each.body for each in view(stanzas, None)] == ["clear", None, None]
