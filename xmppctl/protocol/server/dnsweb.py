"""What a domain says on the web of its WebSocket and BOSH, beside its SRV records (XEP-0156)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from xmppctl.errors import ConnectError, DeadlineError, UnsupportedError, XmppctlError
from xmppctl.model.dns import Service, ServiceRecord
from xmppctl.protocol.server import connections, dnsrules
from xmppctl.session.proxy import for_url
from xmppctl.session.weburl import parse_url

if TYPE_CHECKING:
    from xmppctl.model.server import ConnectionMethod
    from xmppctl.protocol.server.dns import Lookups
    from xmppctl.session.web import Web

SERVICES: tuple[Service, ...] = tuple(
    each for each in get_args(Service) if not each.startswith("xmpp")
)


async def survey(domain: str, lookups: Lookups, web: Web) -> list[ServiceRecord]:
    """The endpoints that the host-meta files of ``domain`` name; never empty.

    Raises as ``connections.fetch``, and the error of a domain that has no address.
    """
    if not _by_proxy(domain, 443, web):
        host = await lookups.host(domain)
        if host.error is not None:
            raise host.error
    told = await connections.fetch(web, domain)
    methods: list[tuple[Service, ConnectionMethod]] = [
        ("websocket", each) for each in told.websocket
    ]
    methods += [("bosh", each) for each in told.xbosh]
    if not methods:
        raise UnsupportedError(
            f"{domain} names no WebSocket and no BOSH in its host-meta (XEP-0156)",
            step="host-meta",
            condition="item-not-found",
            by=domain,
        )
    return list(
        await asyncio.gather(*(_record(service, each, lookups, web) for service, each in methods))
    )


def is_absence(error: XmppctlError) -> bool:
    """Whether a failure of ``survey`` means that the domain has nothing on the web, as many do."""
    if isinstance(error, UnsupportedError):
        return True
    return isinstance(error, ConnectError | DeadlineError) and error.step in ("dns", "tcp")


async def _record(
    service: Service, method: ConnectionMethod, lookups: Lookups, web: Web
) -> ServiceRecord:
    assert method.url is not None
    url = parse_url("https:" + method.url.partition(":")[2])
    record = ServiceRecord(
        service, url.host, url.port, method.priority, method.weight, source="hostmeta",
        url=method.url,
    )  # fmt: skip
    if _by_proxy(url.host, url.port, web):
        return record
    host = await lookups.host(url.host)
    record = replace(
        record,
        addresses=list(host.addresses),
        cname=host.alias,
        secure=host.secure,
        error=None if host.error is None else host.error.info(),
    )
    return replace(record, problems=[*host.problems, *dnsrules.of_host(record)])


def _by_proxy(host: str, port: int, web: Web) -> bool:
    """Whether a proxy looks up the host: what this machine's DNS says does not matter then."""
    proxy = for_url("https", host, port, web.ca_file)
    return proxy is not None and proxy.resolves
