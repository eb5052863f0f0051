"""XEP-0077: In-Band Registration, with the invite tokens of XEP-0445.

One module for both kinds of host: a server before the login (``to`` None, a session of
``open_stream``), or a service (a gateway, a room service) and the own account after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import (
    ConnectError,
    RefusedError,
    UnsupportedError,
    UsageError,
    XmppctlError,
)
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid
from xmppctl.model.register import Challenge, Registration
from xmppctl.protocol import Xep, bob, captcha, forms
from xmppctl.protocol.payload import oob
from xmppctl.records import dataclass
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session
from xmppctl.session.xml import illegal_character, split

XEPS = (
    Xep("0077", "2.4", "complete"),
    Xep("0445", "0.2.0", "complete"),
)

NS = "jabber:iq:register"
QUERY = f"{{{NS}}}query"
_REGISTERED = f"{{{NS}}}registered"
_INSTRUCTIONS = f"{{{NS}}}instructions"
_REMOVE = f"{{{NS}}}remove"
_STEP = "register"
_TOKEN_FEATURE = "{urn:xmpp:ibr-token:0}register"
_PREAUTH = "{urn:xmpp:pars:0}preauth"

_SECRET = "text-private"
_CLOSED = frozenset({"forbidden", "not-allowed", "not-authorized"})
"""With what else a server may answer the question for a form where registration is closed."""

_HINTS = {
    "conflict": "the name is taken: choose another",
    "not-acceptable": "a value is missing or not accepted: xmppctl register form shows the fields",
    "resource-constraint": "there were too many registrations from here: try again later",
}


@dataclass(frozen=True)
class Offer:
    """What an entity answered: what it asks for, or what is registered already.

    ``query`` is the answer itself, ``by`` who gave it; ``data`` are pictures that came with it.
    """

    by: str
    query: Element = field(repr=False)
    registered: bool
    form: Form | None
    fields: list[FormField]
    instructions: str | None
    oob_url: str | None
    data: Mapping[str, bob.Data] = field(repr=False)

    @property
    def known(self) -> Form:
        """The form, or the fields of XEP-0077 as if they were one."""
        return self.form or Form(None, None, fields=self.fields)

    @property
    def challenge(self) -> Challenge | None:
        """The CAPTCHA, None where there is none."""
        return captcha.read(self.form, self.oob_url) if self.form is not None else None

    @property
    def closed(self) -> bool:
        """Whether the registration is somewhere else (§5)."""
        return not self.registered and self.form is None and not self.fields

    def record(self, jid: str | None = None) -> Registration:
        """What to show of it: no password, whoever sent one."""
        form = self.form
        return Registration(
            jid=jid or self.by,
            registered=self.registered,
            fields=[_shown(each) for each in self.fields],
            form=replace(form, fields=[_shown(each) for each in form.fields]) if form else None,
            instructions=self.instructions,
            oob_url=self.oob_url,
            captcha=self.challenge,
        )


def read(query: Element, by: str) -> Offer:
    """The answer of ``by`` to the question for a registration (§3.1)."""
    found = forms.find(query)
    form = forms.read(found) if found is not None else None
    if form is not None:
        fields = [each for each in form.fields if each.type not in ("hidden", "fixed")]
    else:
        fields = [_legacy(child) for child in query if _is_field(child)]
    return Offer(
        by=by,
        query=query,
        registered=query.find(_REGISTERED) is not None,
        form=form,
        fields=fields,
        instructions=(query.findtext(_INSTRUCTIONS) or "").strip() or None,
        oob_url=(query.findtext(f"{{{oob.NS}}}x/{{{oob.NS}}}url") or "").strip() or None,
        data=bob.beside(query),
    )


async def ask(session: Session, to: Jid | str | None = None) -> Offer:
    """Ask what a registration needs, or what is registered (§3.1).

    Before a login, a server that answers no such question, in whatever way, is UnsupportedError.
    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    by = str(to) if to is not None else session.domain
    try:
        query = await session.request(
            Element(QUERY),
            to=to,
            step=_STEP,
            what=f"the registration with {by}",
            feature="registration (XEP-0077)",
        )
    except (UnsupportedError, RefusedError, ConnectError) as error:
        # not-authorized may also be the end of the stream: how one server answers before the
        # login what no module of it knows
        if session.jid.local is None and error.condition in UNSUPPORTED | _CLOSED:
            raise _closed(session, error) from None
        raise
    if query is None or query.tag != QUERY:
        raise malformed("no registration", by)
    return read(query, by)


async def status(session: Session, service: Jid) -> Registration:
    """What is registered with a service. Raises as ``ask``."""
    try:
        return (await ask(session, service)).record()
    except RefusedError as error:
        # a room tells this to everybody who is no member of it
        if error.condition == "registration-required":
            return Registration(str(service), False)
        raise


def check(offer: Offer, answers: forms.Answers) -> list[str]:
    """The required fields that have no value yet, without the challenges of a CAPTCHA.

    Raises UsageError for a field that is not asked for, and RefusedError where the registration
    is somewhere else (§5).
    """
    if offer.closed:
        place = offer.oob_url or offer.instructions or "it does not say where"
        raise RefusedError(
            f"{offer.by} takes registrations elsewhere: {place}",
            step=_STEP,
            condition="redirect",
            by=offer.by,
            hint=f"open {offer.oob_url}" if offer.oob_url else None,
        )
    given = forms.resolved(offer.known, answers)
    later = {each.var for each in captcha.challenges(offer.known)}
    lacking = []
    for each in offer.fields:
        values = given.get(each.var or "", each.values)
        # XEP-0077 has no optional fields (§3.1): an empty value has to be meant
        empty = each.var in given and offer.form is None and each.type != _SECRET
        if each.required and each.var not in later and not any(values) and not empty:
            lacking.append(each.var or "")
    return lacking


def submission(offer: Offer, answers: forms.Answers) -> Element:
    """What to submit: the form where there is one, and never both (§4).

    Raises UsageError for values that the form does not allow, or that are missing.
    """
    query = Element(QUERY)
    if offer.form is not None:
        query.append(forms.fill(offer.form, answers))
        return query
    given = forms.resolved(offer.known, answers)
    for each in offer.known.fields:
        name = each.var or ""
        values = given.get(name, each.values)
        if len(values) > 1:
            raise UsageError(
                f"field {name}: it takes one value; nothing was submitted", step="form"
            )
        text = values[0] if values else ""
        if illegal_character(text) is not None:
            raise UsageError(
                f"field {name}: a control character that XMPP cannot carry; nothing was submitted",
                step="form",
            )
        SubElement(query, f"{{{NS}}}{name}").text = text
    return query


async def submit(session: Session, query: Element, to: Jid | str | None = None) -> None:
    """Register (§3.1). Raises RefusedError (conflict, ...), UnsupportedError, DeadlineError.

    A server that took no notice of being closed until now says the same as one that did.
    """
    by = str(to) if to is not None else session.domain
    try:
        await session.request(query, to=to, type="set", step=_STEP, what=f"registering with {by}")
    except RefusedError as error:
        error.hint = _HINTS.get(error.condition or "")
        if session.jid.local is None:
            if error.condition in UNSUPPORTED | {"forbidden"}:
                raise _closed(session, error) from None
            if error.condition == "not-acceptable" and session.offers(_TOKEN_FEATURE):
                error.hint = "it may need an invitation: --token or --uri"
        raise
    except XmppctlError as error:
        if session.jid.local is None:
            error.hint = "the account may exist all the same: registering again then says conflict"
        raise


async def preauthenticate(session: Session, token: str) -> None:
    """Show an invite token before a registration (XEP-0445 §4).

    Raises UnsupportedError where the server takes none, RefusedError for one that is not valid.
    """
    if not session.offers(_TOKEN_FEATURE):
        raise UnsupportedError(
            f"{session.domain} takes no invite tokens (XEP-0445)",
            step="preauth",
            condition="feature-not-implemented",
            by=session.domain,
        )
    await session.request(
        Element(_PREAUTH, {"token": token}),
        to=session.domain,
        type="set",
        step="preauth",
        what="the invite token",
    )


async def change_password(
    session: Session, new: str, old: Callable[[], str], answers: forms.Answers
) -> None:
    """Change the password of the own account (§3.3); ``old`` is called where it is asked for.

    Raises RefusedError, UnsupportedError, DeadlineError, UsageError.
    """
    query = Element(QUERY)
    SubElement(query, f"{{{NS}}}username").text = session.jid.local
    SubElement(query, f"{{{NS}}}password").text = new
    await _set(
        session,
        query,
        None,
        answers,
        what="changing the password",
        feature="a change of the password (XEP-0077)",
        known={"username": lambda: session.bare, "old_password": old, "password": lambda: new},
    )


async def remove(
    session: Session, to: Jid | None, old: Callable[[], str], answers: forms.Answers
) -> None:
    """End the registration with ``to``, of the own account with None (§3.2).

    Raises RefusedError, UnsupportedError, DeadlineError, UsageError, and ConnectError where the
    stream ended before the result came: then nobody knows yet.
    """
    query = Element(QUERY)
    SubElement(query, _REMOVE)
    await _set(
        session,
        query,
        to,
        answers,
        what=f"ending the registration with {to or session.domain}",
        feature="an end of registrations (XEP-0077)",
        known={"username": lambda: session.bare, "password": old} if to is None else {},
    )


async def _set(
    session: Session,
    query: Element,
    to: Jid | None,
    answers: forms.Answers,
    *,
    what: str,
    feature: str,
    known: Mapping[str, Callable[[], str]],
) -> None:
    """Send ``query``; where the error holds a form (§3.2, §3.3), send that, filled."""
    pending = session.ask(query, to=to, type="set")
    session.send(pending.element)
    iq = await session.answer(pending, step=_STEP)
    found = iq.find(f"{QUERY}/{forms.FORM}") if iq.get("type") == "error" else None
    if found is not None and found.get("type") == "form":
        form = forms.read(found)
        asked = {each.var for each in form.fields}
        own = {
            name: [value()]
            for name, value in known.items()
            if name in asked and name not in answers
        }
        query = Element(QUERY)
        query.append(forms.fill(form, {**own, **answers}))
        pending = session.ask(query, to=to, type="set")
        session.send(pending.element)
        iq = await session.answer(pending, step=_STEP)
    if iq.get("type") == "error":
        error = stanza_error(iq, what, feature=feature)
        error.step, error.by = _STEP, error.by or str(to or session.domain)
        error.hint = None
        raise error


def _closed(session: Session, reason: XmppctlError) -> UnsupportedError:
    """Registration is closed: told in the same words, however the server tells it."""
    session.trace.note(reason.text)
    return UnsupportedError(
        f"{session.domain} does not offer registration (XEP-0077): it is closed",
        step=_STEP,
        condition="service-unavailable",
        by=session.domain,
        hint="ask its administrator for an account or an invitation",
    )


def _is_field(child: Element) -> bool:
    return split(child.tag)[0] == NS and child.tag not in (_REGISTERED, _INSTRUCTIONS, _REMOVE)


def _legacy(child: Element) -> FormField:
    name = split(child.tag)[1]
    kinds = {"password": _SECRET, "key": "hidden"}
    text = (child.text or "").strip()
    return FormField(name, kinds.get(name, "text-single"), required=True,
                     values=[text] if text else [])  # fmt: skip


def _shown(each: FormField) -> FormField:
    return replace(each, values=[]) if each.type == _SECRET else each
