"""web.websocket and web.bosh: endpoints that are really opened, up to the stream features."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from xmppctl.errors import LocalError, UsageError, XmppctlError
from xmppctl.model.dns import Way
from xmppctl.protocol.check.certificates import days_left
from xmppctl.protocol.check.context import Context
from xmppctl.protocol.check.offers import plural
from xmppctl.protocol.check.register import Registration
from xmppctl.protocol.check.waychecks import SLOW
from xmppctl.session.trace import Trace
from xmppctl.session.weblink import SeeOtherUriError
from xmppctl.session.wire import Wire

KINDS = ("websocket", "bosh")

_ADVICE = "look at the web server, and at what it hands on to the XMPP server; or take the address \
out of host-meta"


def named(url: str) -> Way:
    """The way of a URL that the user named."""
    parts = urlsplit(url)
    kind = "websocket" if parts.scheme == "wss" else "bosh"
    return Way(kind, parts.hostname or "", parts.port or 443, True, (), "connect", url=url)


async def probe(
    context: Context, way: Way, trace: Trace, registration: Registration | None = None
) -> None:
    """Open a stream for the domain there. Raises UsageError and LocalError alone.

    ``registration``: asked on it, where there is no other stream.
    """
    check, target = f"web.{way.service}", str(way)
    if not context.wants(check, "tls.days", "register.open"):
        return
    loop = asyncio.get_running_loop()
    begin = loop.time()
    limit = min(context.account.connect_timeout, context.account.timeout)
    wire: Wire | None = None
    try:
        wire = await _opened(context, way, trace.beside(), limit)
        found = await wire.features(limit, "stream")
        milliseconds = (loop.time() - begin) * 1000
        version = wire.ssl_object.version() if wire.ssl_object else "no TLS"
        context.tell(
            check,
            target,
            context.limits.of_time(milliseconds / 1000),
            f"{version}, a stream with {plural(found)} in {milliseconds:.0f} ms",
            value=round(milliseconds, 1),
            unit="ms",
            advice=None if context.limits.of_time(milliseconds / 1000) == "ok" else SLOW,
        )
        if wire.ssl_object is not None:
            _days(context, target, wire.ssl_object)
        if registration is not None:
            await registration.look(wire, found)
    except SeeOtherUriError as elsewhere:
        detail = f"{elsewhere.text}: {elsewhere.uri}"
        context.tell(check, target, "warn", detail, advice="name that one in host-meta")
    except (UsageError, LocalError):
        raise
    except XmppctlError as error:
        context.tell(check, target, "fail", error.text, advice=_ADVICE)
        context.tell("tls.days", target, "unknown", f"not tested: {check} failed")
    finally:
        if wire is not None:
            await wire.close(None)


async def _opened(context: Context, way: Way, trace: Trace, limit: float) -> Wire:
    """A wire with its stream opened. Raises what the transports raise."""
    assert way.url is not None
    wire: Wire
    if way.service == "websocket":
        from xmppctl.session import websocket

        wire = await websocket.connect(context.account, way.url, trace, limit)
    else:
        from xmppctl.session import bosh

        wire = await bosh.connect(context.account, way.url, trace, limit)
    trace.enter("stream")
    wire.open(context.domain)
    return wire


def _days(context: Context, target: str, layer: ssl.SSLObject) -> None:
    """The certificate of the URL's host, which has been verified already: days alone are left."""
    end = (layer.getpeercert() or {}).get("notAfter")
    if not isinstance(end, str):  # a pin stands in the place of the verification
        return
    moment = datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC)
    days = (moment - datetime.now(UTC)).total_seconds() / 86400
    status, detail, value, unit, advice = days_left("the certificate", moment, days, context.limits)
    context.tell("tls.days", target, status, detail, value=value, unit=unit, advice=advice)
