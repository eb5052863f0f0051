"""``xmppctl ping``: is an entity alive, and how far away is it?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, JID
from xmppctl.errors import EmptyError
from xmppctl.model.jid import Jid
from xmppctl.model.ping import Pong
from xmppctl.output import MONITOR_FORMATS

if TYPE_CHECKING:
    from xmppctl.model.monitor import Check, Metric, Run


def monitor(pongs: Sequence[Pong], run: Run) -> tuple[list[Check], list[Metric]]:
    """One check and one line of metrics for each JID that was pinged.

    A run that failed has metrics of all that were to be.
    """
    from xmppctl.model.monitor import Check, Metric, Perf, Sample

    checks: list[Check] = []
    up, rtt, loss = [], [], []
    jids = list(dict.fromkeys(pong.to for pong in pongs))
    if run.failure is not None:
        up += [Sample({"jid": jid}, 0.0) for jid in _wanted(run) if jid not in jids]
    for jid in jids:
        own = [pong for pong in pongs if pong.to == jid]
        times = [pong.rtt_ms for pong in own if pong.ok and pong.rtt_ms is not None]
        lost = 1 - len(times) / len(own)
        average = sum(times) / len(times) if times else None
        reason = next((pong.error.text for pong in own if pong.error is not None), None)
        labels = {"jid": jid}
        up.append(Sample(labels, float(bool(times))))
        loss.append(Sample(labels, round(lost, 9)))
        if average is not None:
            rtt.append(Sample(labels, round(average / 1000, 9)))
        text = f"{jid} answers in {average:.1f} ms" if average is not None else reason or "down"
        if times and lost:
            text += f", {lost:.0%} lost"
        checks.append(
            Check(
                # figures are told apart by the name of their service
                service="XMPP PING" if len(jids) == 1 else f"XMPP PING {jid}",
                state="critical" if not times else "warning" if lost else "ok",
                text=text,
                perf=[
                    Perf("rtt", round(average, 3) if average is not None else None, "ms", min=0),
                    Perf("loss", round(lost * 100, 1), "%", min=0, max=100),
                ],
            )
        )
    metrics = [
        Metric("xmpp_ping_success", "Whether the entity answered a ping.", samples=up),
        Metric("xmpp_ping_rtt_seconds", "Average round-trip time of pings.", samples=rtt),
        Metric("xmpp_ping_loss_ratio", "Share of pings without an answer.", samples=loss),
    ]
    return checks, metrics


def _wanted(run: Run) -> list[str]:
    """The JIDs that were to be pinged; an empty text where the domain is not even known."""
    if jids := run.given.get("jids"):
        return list(dict.fromkeys(map(str, jids)))
    return [run.account.domain if run.account is not None else ""]


@cli.command(
    "ping",
    section="Services",
    examples=(
        "xmppctl ping",
        "xmppctl ping -c 5 -i 500ms bob@example.org/phone",
        "xmppctl -o nagios ping example.org",
    ),
    monitor=monitor,
    targets=True,
)
@click.argument("jids", metavar="[JID]...", nargs=-1, type=JID)
@click.option("-c", "--count", type=click.IntRange(min=0), default=1, show_default=True,
              help="Pings to each JID; 0 goes on until interrupted.")  # fmt: skip
@click.option("-i", "--interval", type=DURATION, default="1s", show_default=True,
              help="Time from one ping to the next.")  # fmt: skip
@click.option("-w", "--within", type=DURATION,
              help="End after this time, however many pings were sent.")  # fmt: skip
@cli.pass_app
async def cmd(
    app: cli.App, jids: tuple[Jid, ...], count: int, interval: float, within: float | None
) -> AsyncIterator[Pong]:
    """Ping entities; the own server by default.

    A domain is alive when it answers anything. For a bare JID its server answers, whether the
    account is online or not; a full JID is alive while its client is online. No answer, or a
    client that is not online, exits with 10.
    """
    import asyncio
    import math

    from xmppctl.protocol import ping

    pongs: list[Pong] = []
    async with app.session() as session:
        await session.settled()  # the time of an answer is that of the ping alone
        targets = list(dict.fromkeys(jids)) or [Jid(None, session.domain, None)]
        timeout = session.account.timeout
        rooms = {
            jid: asyncio.ensure_future(ping.is_room(session, jid, timeout=timeout))
            for jid in targets
            if jid.is_full
        }
        loop = asyncio.get_running_loop()
        begin = loop.time()
        end = math.inf if within is None else begin + within
        seq = 0
        try:
            while (count == 0 or seq < count) and begin + seq * interval < end:
                await asyncio.sleep(begin + seq * interval - loop.time())
                seq += 1
                limit = min(timeout, max(end - loop.time(), 0))
                # one that keeps silent must not delay the others
                answers = [
                    ping.ping(session, jid, seq, in_room=rooms.get(jid), timeout=limit)
                    for jid in targets
                ]
                for pong in await asyncio.gather(*answers):
                    pongs.append(pong)
                    yield pong
        finally:
            for task in rooms.values():
                task.cancel()
            if count != 1:
                for jid in targets:
                    app.afterwards(_summary(str(jid), [p for p in pongs if p.to == str(jid)]))
    if app.format in MONITOR_FORMATS:
        return  # loss is a matter of its own there, short of a failure
    if len(targets) == 1 and any(pong.ok for pong in pongs) and not all(p.ok for p in pongs):
        lost = sum(not pong.ok for pong in pongs)
        raise EmptyError(f"{lost} of {len(pongs)} pings to {targets[0]} were lost", step="ping")


def _summary(jid: str, pongs: list[Pong]) -> str:
    times = [pong.rtt_ms for pong in pongs if pong.ok and pong.rtt_ms is not None]
    lost = 100 * (len(pongs) - len(times)) / len(pongs) if pongs else 0
    text = f"{jid}: {len(pongs)} sent, {len(times)} answered, {lost:.0f}% lost"
    if times:
        average = sum(times) / len(times)
        text += f", rtt min/avg/max {min(times):.1f}/{average:.1f}/{max(times):.1f} ms"
    return text
