"""XEP-0039: Statistics Gathering."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ErrorInfo, RefusedError
from xmppctl.model.jid import Jid
from xmppctl.model.server import Statistic
from xmppctl.protocol import Xep
from xmppctl.protocol.server.asking import ask
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (Xep("0039", "0.6.0", "complete"),)

NS = "http://jabber.org/protocol/stats"

_QUERY, _STAT, _ERROR = f"{{{NS}}}query", f"{{{NS}}}stat", f"{{{NS}}}error"
_STEP = "stats"
_CONDITIONS = {
    "401": "not-authorized",
    "403": "forbidden",
    "404": "item-not-found",
    "501": "feature-not-implemented",
    "503": "service-unavailable",
}  # §2.6
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_FRACTION = re.compile(r"[+-]?[0-9]{1,18}\.[0-9]{1,18}")


async def fetch(session: Session, server: Jid, names: Sequence[str] = ()) -> list[Statistic]:
    """The statistics called ``names``, or all that ``server`` has.

    One that it does not tell has an error of its own. Raises UnsupportedError, RefusedError,
    DeadlineError.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        listed = (await _ask(session, server, [])).findall(_STAT)
        wanted = list(dict.fromkeys(name for each in listed if (name := each.get("name"))))
        if not wanted:
            return []
    answer = await _ask(session, server, wanted)
    told = {name: each for each in answer.findall(_STAT) if (name := each.get("name")) in wanted}
    return [_read(name, told.get(name), server) for name in wanted]


async def _ask(session: Session, server: Jid, names: Sequence[str]) -> Element:
    query = Element(_QUERY)
    for name in names:
        SubElement(query, _STAT, {"name": name})
    return await ask(
        session,
        server,
        query,
        feature=NS,
        named="statistics (XEP-0039)",
        step=_STEP,
        what=f"the statistics of {server}",
    )


def _read(name: str, element: Element | None, server: Jid) -> Statistic:
    if element is None:
        return Statistic(name, error=_missing(name, server))
    error = element.find(_ERROR)
    if error is not None:
        condition = _CONDITIONS.get(error.get("code", ""), "undefined-condition")
        text = (error.text or "").strip()[:500] or condition
        refusal = RefusedError(f"{name}: {text}", step=_STEP, condition=condition, by=str(server))
        return Statistic(name, error=refusal.info())
    value = element.get("value")
    if value is None:
        return Statistic(name, error=_missing(name, server))
    return Statistic(name, _number(value), element.get("units") or None)


def _missing(name: str, server: Jid) -> ErrorInfo:
    error = malformed(f"no value of {name}", str(server))
    error.step = _STEP
    return error.info()


def _number(text: str) -> int | float | str:
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return int(stripped)
    return float(stripped) if _FRACTION.fullmatch(stripped) else text
