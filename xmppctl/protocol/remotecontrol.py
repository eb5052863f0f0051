"""XEP-0146: Remote Controlling Clients. Here: the presence of another client of the account."""

from __future__ import annotations

from xmppctl.errors import UnsupportedError, UsageError, XmppctlError
from xmppctl.model.jid import parse
from xmppctl.model.presence import Presence, Show
from xmppctl.protocol import adhoc
from xmppctl.protocol.adhoc import Move, Stage
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

_STEP = "presence"
_NODE = "http://jabber.org/protocol/rc#set-status"


async def set_presence(
    session: Session, resource: str, show: Show, status: str | None, priority: int | None
) -> Presence:
    """Have the client ``resource`` of the own account change its presence (§3.1).

    What is None stays as it is. Raises UnsupportedError where the client does not let itself be
    told, RefusedError, DeadlineError, UsageError for what its form does not take.
    """
    client = parse(f"{session.bare}/{resource}")
    wanted = {
        "status": "online" if show == "available" else show,
        "status-message": status,
        "status-priority": None if priority is None else str(priority),
    }

    told = False

    async def decide(stage: Stage) -> Move:
        nonlocal told
        asked = {each.var for each in stage.asked}
        for name, value in wanted.items():
            if value is not None and name not in asked:
                raise UsageError(
                    f"{client} does not ask for {name}; nothing was submitted", step=_STEP
                )
        given = {name: [value] for name, value in wanted.items() if value is not None}
        told = True
        return Move(stage.default, given)

    async def missing(error: XmppctlError) -> XmppctlError:
        reason = await adhoc.missing(session, client, _NODE, error)
        if reason is error:
            return error
        return UnsupportedError(
            f"{client} does not let its presence be set from afar (XEP-0146)",
            step=_STEP,
            condition="feature-not-implemented",
            by=str(client),
        )

    what = f"the request to set the presence of {client}"
    stage = await adhoc.run(session, client, _NODE, decide, step=_STEP, what=what, missing=missing)
    adhoc.completed(stage, _STEP)
    if not told:
        error = malformed("it changed its presence without asking to what", str(client))
        error.step = _STEP
        raise error
    return Presence(str(client), "available", show, status, priority)
