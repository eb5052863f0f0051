"""Proxies for bytestreams: who is one, where it listens (XEP-0065 §4)."""

from __future__ import annotations

import pytest

from tests.unit.protocol.serving import ITEMS, Serving, error, info
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jingle import StreamHost
from xmppctl.protocol.jingle import proxies

NS = proxies.NS
PROXY = "<identity category='proxy' type='bytestreams' name='File Transfer Relay'/>"
STREAMER = "streamer.example.com"
HOST = f"<query xmlns='{NS}'><streamhost host='24.24.24.1' jid='{STREAMER}' port='7625'/></query>"


class Domain(Serving):
    """A server with rooms and a proxy, which tells ``host`` of itself."""

    def __init__(self, host=HOST, items=("chatrooms.example.com", STREAMER), own=""):
        super().__init__(self._handle)
        self.host, self.items, self.own = host, items, own

    def _handle(self, iq):
        kind = iq[0].tag
        if kind == f"{{{ITEMS}}}query":
            if self.items is None:
                return error("item-not-found")
            rows = "".join(f"<item jid='{each}'/>" for each in self.items)
            return f"<query xmlns='{ITEMS}'>{rows}</query>"
        if kind == proxies.QUERY:
            return self.host
        if iq.get("to") == STREAMER:
            return info(NS, identities=PROXY)
        return info(identities=self.own)

    def fetch(self, domain=None):
        return self.run(lambda session: proxies.fetch(session, domain))


def test_the_proxy_of_the_xep():
    assert Domain().fetch() == [StreamHost(STREAMER, "24.24.24.1", 7625)]


def test_a_resource_is_of_no_use():
    host = HOST.replace(f"'{STREAMER}'", f"'{STREAMER}/70306884'")
    assert Domain(host=host).fetch() == [StreamHost(STREAMER, "24.24.24.1", 7625)]
    host = HOST.replace(f"'{STREAMER}'", "'other.example.com'")
    assert Domain(host=host).fetch() == [StreamHost("other.example.com", "24.24.24.1", 7625)]


def test_one_that_is_named_itself():
    served = Domain(items=())
    assert served.fetch(STREAMER) == [StreamHost(STREAMER, "24.24.24.1", 7625)]
    assert {each.get("to") for each in served.asked} == {STREAMER}


@pytest.mark.parametrize("items", [(), ("chatrooms.example.com",), ("a b@@",)])
def test_none(items):
    with pytest.raises(UnsupportedError, match="offers no SOCKS5 bytestream proxy"):
        Domain(items=items).fetch()


@pytest.mark.parametrize(
    ("host", "condition"),
    [
        (error("forbidden", "auth"), "forbidden"),
        (f"<query xmlns='{NS}'/>", "malformed-answer"),
        ("", "malformed-answer"),
        (f"<query xmlns='{NS}'><streamhost jid='x' port='1'/></query>", "malformed-answer"),
        (f"<query xmlns='{NS}'><streamhost host='h' port='99999'/></query>", "malformed-answer"),
        (f"<query xmlns='{NS}'><streamhost host='h' port='no'/></query>", "malformed-answer"),
    ],
)
def test_one_that_does_not_tell(host, condition):
    (found,) = Domain(host=host).fetch()
    assert (found.jid, found.host, found.port) == (STREAMER, None, None)
    assert found.error is not None
    assert found.error.condition == condition


def test_none_that_can_be_used_is_no_error():
    served = Domain(host=error("forbidden"))
    assert served.run(proxies.usable) == []
    assert Domain(items=()).run(proxies.usable) == []


def test_the_activation():
    served = Domain(host="")
    served.run(lambda session: proxies.activate(session, STREAMER, "s1", "romeo@x.test/1"))
    (asked,) = served.asked
    assert (asked.get("type"), asked.get("to"), asked[0].get("sid")) == ("set", STREAMER, "s1")
    assert asked[0].findtext(f"{{{NS}}}activate") == "romeo@x.test/1"
    with pytest.raises(RefusedError, match="activation"):
        Domain(host=error("item-not-found")).run(
            lambda session: proxies.activate(session, STREAMER, "s1", "romeo@x.test/1")
        )
