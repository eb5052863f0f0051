"""host-meta of a real server."""

from __future__ import annotations

import asyncio

import pytest

from tests.servers.base import Server
from tests.servers.proxies import ProxyServer
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session.hostmeta import discover


@pytest.mark.servers("ejabberd")
def test_ejabberd_serves_its_own(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    place = ("127.0.0.1", server.ports.https)
    with ProxyServer("http", places={(server.domain, 443): place}) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url())
        account = Account(jid=parse(f"alice@{server.domain}"), ca_file=server.ca_file)
        endpoints = asyncio.run(discover(account, 10))
    assert endpoints.error is None
    assert [each.partition(":")[0] for each in endpoints.websocket + endpoints.bosh] == [
        "wss",
        "https",
    ]
