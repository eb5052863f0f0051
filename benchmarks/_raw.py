"""The lower bound: a client that writes the XML as it is, proves nothing and tells little.

    python -m benchmarks._raw roster-add|roster-list|block-add|block-list|block-remove
    python -m benchmarks._raw affiliation ROOM
    python -m benchmarks._raw deliver
    python -m benchmarks._raw archive
    python -m benchmarks._raw lines JID        each line of standard input is a message

JIDs (of "lines": texts) come by standard input, one in a line. Requests go out so many at once as
WINDOW says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from xml.sax.saxutils import escape, quoteattr

from benchmarks._login import Login
from tests.peers.rawxml import RawClient
from tests.peers.stream import CLIENT

WINDOW = 32
_IN_ONE_REQUEST = 500  # of 5,000 JIDs: both servers take no stanza larger than 256 KiB
_PAGE = 100
_RSM = "http://jabber.org/protocol/rsm"
_MAM = "urn:xmpp:mam:2"
_BLOCKING = "urn:xmpp:blocking"
_ROSTER = "jabber:iq:roster"


def main() -> None:
    """Log in, do it, say how much there was."""
    verb, *args = sys.argv[1:]
    login = Login.of_environment()
    local, _, domain = login.jid.partition("@")
    with RawClient(
        domain, login.address, login.ca_file, direct=login.direct, timeout=300.0
    ) as client:
        client.open()
        client.login(local, login.password)
        client.bind()
        jids = [] if sys.stdin.isatty() else sys.stdin.read().split("\n")[:-1]
        print(_WORK[verb](client, jids, *args))


def _roster_add(client: RawClient, jids: list[str]) -> int:
    _roster_list(client, jids)
    return _requests(
        client,
        (
            f"type='set'><query xmlns='{_ROSTER}'><item jid={quoteattr(jid)}>"
            "<group>staff</group></item></query>"
            for jid in jids
        ),
    )


def _roster_list(client: RawClient, _: list[str]) -> int:
    return len(client.iq(f"<query xmlns='{_ROSTER}'/>")[0])


def _block(verb: str, client: RawClient, jids: list[str]) -> int:
    for first in range(0, len(jids), _IN_ONE_REQUEST):
        portion = jids[first : first + _IN_ONE_REQUEST]
        items = "".join(f"<item jid={quoteattr(jid)}/>" for jid in portion)
        client.iq(f"<{verb} xmlns='{_BLOCKING}'>{items}</{verb}>", type="set")
    return len(jids)


def _block_list(client: RawClient, _: list[str]) -> int:
    return len(client.iq(f"<blocklist xmlns='{_BLOCKING}'/>")[0])


def _affiliation(client: RawClient, jids: list[str], room: str) -> int:
    return _requests(
        client,
        (
            f"type='set' to={quoteattr(room)}><query xmlns='http://jabber.org/protocol/muc#admin'>"
            f"<item jid={quoteattr(jid)} affiliation='member'/></query>"
            for jid in jids
        ),
    )


def _deliver(client: RawClient, jids: list[str]) -> int:
    """A message to each, with a ping behind it that shows when it was there."""
    message = "<body>to all</body><no-store xmlns='urn:xmpp:hints'/>"
    return _requests(
        client,
        (f"type='get' to={quoteattr(jid)}><ping xmlns='urn:xmpp:ping'/>" for jid in jids),
        (f"<message type='chat' to={quoteattr(jid)}>{message}</message>" for jid in jids),
    )


def _lines(client: RawClient, texts: list[str], to: str) -> int:
    """All messages, prepared, and behind the last one the ping that shows that it was there."""
    head = f"<message type='chat' to={quoteattr(to)}><body>"
    stanzas = "".join(f"{head}{escape(text)}</body></message>" for text in texts)
    ping = "<ping xmlns='urn:xmpp:ping'/>"
    client.send(f"{stanzas}<iq id='last' type='get' to={quoteattr(to)}>{ping}</iq>")
    while client.recv().get("id") != "last":
        pass
    return len(texts)


def _archive(client: RawClient, _: list[str]) -> int:
    count, after = 0, ""
    while True:
        rsm = f"<set xmlns='{_RSM}'><max>{_PAGE}</max>{after}</set>"
        client.send(f"<iq type='set' id='page-{count}'><query xmlns='{_MAM}'>{rsm}</query></iq>")
        while (stanza := client.recv()).tag != f"{{{CLIENT}}}iq":
            count += 1
        last = stanza.findtext(f".//{{{_RSM}}}last")
        if last is None:
            return count
        after = f"<after>{escape(last)}</after>"


def _requests(client: RawClient, requests: Iterable[str], before: Iterable[str] = ()) -> int:
    """Send requests, WINDOW of them at once; how many were answered by a result."""
    source, companions = enumerate(requests), iter(before)
    waiting, done = set[str](), 0

    def more(number: int) -> None:
        for ident, request in islice(source, number):
            waiting.add(f"r{ident}")
            client.send(f"{next(companions, '')}<iq id='r{ident}' {request}</iq>")

    more(WINDOW)
    while waiting:
        answer = client.recv()
        if answer.get("id") in waiting and answer.get("type") in ("result", "error"):
            waiting.discard(answer.get("id", ""))
            done += answer.get("type") == "result"
            more(1)
    return done


_WORK: dict[str, Callable[..., int]] = {
    "roster-add": _roster_add,
    "roster-list": _roster_list,
    "block-add": partial(_block, "block"),
    "block-list": _block_list,
    "block-remove": partial(_block, "unblock"),
    "affiliation": _affiliation,
    "deliver": _deliver,
    "archive": _archive,
    "lines": _lines,
}

if __name__ == "__main__":
    main()
