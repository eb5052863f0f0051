"""register.open: whether anybody can make an account, asked as a client asks before its login.

Some servers give the form to everybody, and refuse whatever is filled in. What is submitted to find
that out is no registration: its password is empty, which a server has to refuse as one that is
missing (XEP-0077 §3.1), and Prosody and ejabberd do. With what else it is refused tells the rest.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.protocol.check.certificates import Verdict
from xmppctl.protocol.check.context import Context
from xmppctl.session.wire import Wire

if TYPE_CHECKING:
    from xmppctl.session.stream import Session

CHECK = "register.open"
ADVERTISED = "{http://jabber.org/features/iq-register}register"
INVITATIONS = "{urn:xmpp:ibr-token:0}register"

_CLOSED = frozenset({"not-allowed", "not-authorized"})
"""With what a server refuses, beside what is told by UnsupportedError, whatever is filled in."""

_SPAM = "without a CAPTCHA or invitations, look for accounts that were made to send spam"


class Registration:
    """Asks once for a domain, on the first stream that gets so far."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked = False

    async def look(self, wire: Wire, features: Element) -> None:
        """Ask on a stream that nothing more is wanted of."""
        if self._asked or not self._context.wants(CHECK):
            return
        self._asked = True
        self._tell(await ask(wire, features, self._context))

    def over(self) -> None:
        """There is no other stream to come."""
        if not self._asked:
            self._tell(Verdict("unknown", "not tested: no way in leads to a stream"))

    def _tell(self, verdict: Verdict) -> None:
        status, detail, value, _, advice = verdict
        self._context.tell(CHECK, self._context.domain, status, detail, value=value, advice=advice)


async def ask(wire: Wire, features: Element, context: Context) -> Verdict:
    """The verdict of a server whose stream features are these. Never raises."""
    from xmppctl.protocol import registration
    from xmppctl.session.stream import Session

    nobody = Jid(None, context.account.jid.domain, None)
    account = context.account
    account = replace(account, timeout=min(account.timeout, account.connect_timeout))
    session = Session(wire, account, nobody, features, wire.trace)
    invites = session.offers(INVITATIONS)
    try:
        offer = await registration.ask(session)
    except DeadlineError as error:
        if session.offers(ADVERTISED) or invites:
            return _silent(error)
        # some leave what is asked before the login without an answer
        return Verdict("unknown", f"it is not offered; {error.text}")
    except XmppctlError as error:
        if invites:
            return Verdict("ok", "with an invitation alone", "invitation")
        if not session.offers(ADVERTISED):
            return Verdict("ok", "registration is closed", "closed")
        return Verdict(
            "fail",
            f"registration is offered to clients, and then refused: {error.text}",
            "closed",
            advice="take the offer out of the stream features, or open the registration",
        )
    if offer.closed:
        place = offer.oob_url or offer.instructions or "it does not say where"
        return Verdict("ok", f"accounts are made elsewhere: {place}", "elsewhere")
    if offer.challenge is not None:
        return Verdict("ok", "anybody who solves a CAPTCHA can make an account", "captcha")
    if invites:
        return Verdict("ok", "open, or with an invitation alone: both are offered", "invitation")
    names = ", ".join(each.var or "" for each in offer.fields) or "nothing"
    return await _tried(session, f"anybody can make an account; asked for: {names}")


async def _tried(session: Session, open_to_all: str) -> Verdict:
    """Whether the form is not only given."""
    from xmppctl.protocol import registration

    name = f"xmppctl-check-{secrets.token_hex(4)}"
    query = Element(registration.QUERY)
    SubElement(query, f"{{{registration.NS}}}username").text = name
    SubElement(query, f"{{{registration.NS}}}password").text = ""
    try:
        await registration.submit(session, query)
    except DeadlineError as error:
        return _silent(error)
    except XmppctlError as error:
        if isinstance(error, UnsupportedError) or error.condition in _CLOSED:
            return Verdict(
                "warn",
                "the form for an account is given to everybody, and then refused: it is closed",
                "closed",
                advice="switch registration off for clients, or open it",
            )
        return Verdict("ok", open_to_all, "open", advice=_SPAM)
    return Verdict("fail", f"an account without a password was made: {name}", "open",
                   advice="remove it, and let the server insist on passwords")  # fmt: skip


def _silent(error: DeadlineError) -> Verdict:
    return Verdict("fail", error.text, advice="look for what keeps the server from answering")
