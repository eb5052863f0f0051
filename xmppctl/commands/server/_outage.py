"""What a monitoring system is told of outages (XEP-0455)."""

from __future__ import annotations

from collections.abc import Sequence

from xmppctl.commands._figures import gauge, moment
from xmppctl.model.monitor import Check, Metric, Run, State
from xmppctl.model.server import OutageStatus

_FAMILY = "xmpp_status"


def check(status: OutageStatus) -> Check:
    """A planned outage is a warning; one that was not is critical, and so is silence."""
    where = status.domain or status.url or "the server"
    if not status.outage:
        down = status.cached
        text = f"{where} announces no outage" + (", but does not answer" if down else "")
        return Check("XMPP STATUS", "critical" if down else "ok", text)
    state: State = "warning" if status.planned else "critical"
    kind = {True: "planned outage", False: "unplanned outage", None: "outage"}[status.planned]
    times = [
        f"{word} {moment(at)}"
        for word, at in (("from", status.beginning), ("to", status.expected_end))
        if at is not None
    ]
    text = " ".join([kind, "of", where, *times])
    return Check("XMPP STATUS", state, f"{text}: {status.message}" if status.message else text)


def metrics(found: Sequence[OutageStatus], run: Run) -> list[Metric]:
    """Whether the status could be read; what it says where it could."""
    url, domain = run.given.get("url"), run.given.get("domain")
    if url and domain is None:
        labels = {"url": url}
    else:
        whose = domain or run.account
        labels = {"domain": whose.domain if whose is not None else ""}
    if not found:
        return [_success(labels, ok=False)]
    (status,) = found
    return [
        _success(labels, ok=True),
        gauge(f"{_FAMILY}_server_up", "Whether the server itself answered.",
              labels, None if url else not status.cached),
        gauge(f"{_FAMILY}_outage", "Whether an outage is announced, now or later.",
              labels, status.outage),
        gauge(f"{_FAMILY}_outage_active", "Whether that outage has begun.", labels, status.active),
        gauge(f"{_FAMILY}_outage_planned", "Whether that outage was planned.",
              labels, status.planned),
        gauge(f"{_FAMILY}_outage_begin_timestamp_seconds", "About when the outage begins.",
              labels, status.beginning),
        gauge(f"{_FAMILY}_outage_end_timestamp_seconds", "When the outage is expected to end.",
              labels, status.expected_end),
    ]  # fmt: skip


def _success(labels: dict[str, str], *, ok: bool) -> Metric:
    help = "Whether the status of outages could be read."
    return gauge(f"{_FAMILY}_success", help, labels, ok)
