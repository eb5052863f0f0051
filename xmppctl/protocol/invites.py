"""XEP-0401: Ad-hoc Account Invitations: the two commands by which a server makes one.

Some servers give the invitation at once, in a form of whatever type, and ask for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.invite import Invite
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, adhoc
from xmppctl.protocol.adhoc import Move, Stage
from xmppctl.protocol.dates import parse_datetime
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (Xep("0401", "0.6.0", "complete"),)

CONTACT = "urn:xmpp:invite#invite"
ACCOUNT = "urn:xmpp:invite#create-account"

_STEP = "invite"
_NAMES = {"ttl": ("ttl", "expire", "expiry")}
"""How the field of a wish may be called; by default as the wish."""


async def make(
    session: Session,
    node: str,
    wishes: Mapping[str, str],
    landing: str | None = None,
    service: Jid | None = None,
) -> Invite:
    """Have a server make an invitation, the own one by default.

    ``wishes`` (username, roster-subscription, ttl in seconds) are for the form that the server
    shows. ``landing``: the page that is used where the server has none (§3.2).

    Raises UnsupportedError where the server makes none, or none with such a wish; RefusedError,
    DeadlineError, UsageError.
    """
    server = service or Jid(None, session.domain, None)
    kind = "contacts" if node == CONTACT else "new accounts"
    left = dict(wishes)

    async def decide(stage: Stage) -> Move:
        asked = {each.var for each in stage.asked}
        answers: dict[str, list[str]] = {}
        for wish, value in wishes.items():
            for name in [each for each in _NAMES.get(wish, (wish,)) if each in asked][:1]:
                answers[name] = [value]
                left.pop(wish, None)
        if left and stage.default == "complete":
            raise _lacks_wish(server, left)
        return Move(stage.default, answers)

    async def missing(error: XmppctlError) -> XmppctlError:
        reason = await adhoc.missing(session, server, node, error)
        if reason is error:
            return error
        return UnsupportedError(
            f"{server} makes no invitations of {kind} (XEP-0401: {node})",
            step=_STEP,
            condition="feature-not-implemented",
            by=str(server),
        )

    try:
        stage = await adhoc.run(
            session,
            server,
            node,
            decide,
            step=_STEP,
            what=f"an invitation of {kind}",
            missing=missing,
        )
    except RefusedError as error:
        if error.condition == "forbidden":
            error.hint = f"it takes an administrator of {server}"
        raise
    found = _read(adhoc.completed(stage, _STEP), landing)
    if left and not _as_wished(found, left):
        raise _lacks_wish(server, left)
    return found


def _lacks_wish(server: Jid, left: Mapping[str, str]) -> UnsupportedError:
    return UnsupportedError(
        f"{server} makes no invitations with a {' or '.join(left)} of one's choice",
        step=_STEP,
        condition="feature-not-implemented",
        by=str(server),
    )


def _as_wished(found: Invite, left: Mapping[str, str]) -> bool:
    """Whether a server that asked for nothing made what was wanted all the same."""
    name = left.get("username")
    return set(left) == {"username"} and found.uri.startswith(f"xmpp:{name}@")


def _read(stage: Stage, landing: str | None) -> Invite:
    uri = "".join(stage.values("uri")[:1]).strip()
    if uri[:5].lower() != "xmpp:":
        error = malformed("an invitation without an xmpp: URI", stage.by)
        error.step = _STEP
        raise error
    url = "".join((stage.values("landing-url") or stage.values("landing-page"))[:1]).strip()
    if url.partition(":")[0].lower() not in ("https", "http"):
        url = ""  # no page that a guest could be sent to
    if not url and landing is not None:
        url = f"{landing.rstrip('#')}#{uri[5:]}"
    until = "".join((stage.values("expire") or stage.values("expiry"))[:1]).strip()
    try:
        expire = parse_datetime(until) if until else None
    except ValueError:
        expire = None
    return Invite(uri, url or None, expire)
