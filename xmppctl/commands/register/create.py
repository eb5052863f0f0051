"""``register create``: a new account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.register import captcha, group
from xmppctl.commands.register.group import cmd
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.jid import Jid, parse
from xmppctl.model.register import Registration

if TYPE_CHECKING:
    from xmppctl.protocol.registration import Offer


@cmd.command(
    "create",
    examples=(
        "xmppctl --password-command 'pass show xmpp/new' register create bob@example.org",
        "xmppctl register create bob@example.org --email bob@example.net --field tos=1",
        "xmppctl register create 'xmpp:bob@example.org?register;preauth=TOKEN'",
        "xmppctl register create bob@example.org --captcha-command 'feh %f'",
    ),
)
@click.argument("target", metavar="[JID|DOMAIN]", type=NONEMPTY, required=False)
@click.option("--email", type=NONEMPTY, help="E-mail address, where the server asks for one.")
@options.fields
@options.form_json
@options.show_form
@click.option("--token", type=NONEMPTY, help="Invite token of the server (XEP-0445).")
@click.option("--uri", type=NONEMPTY, metavar="XMPP-URI",
              help="Invitation: xmpp:DOMAIN?register;preauth=TOKEN.")  # fmt: skip
@captcha.options
@cli.pass_app
async def create(
    app: cli.App,
    target: str | None,
    email: str | None,
    field_pairs: tuple[str, ...],
    form_json: str | None,
    show_form: bool,
    token: str | None,
    uri: str | None,
    captcha_mode: tuple[str, str] | None,
    captcha_save: str | None,
    captcha_answer: str | None,
    captcha_command: str | None,
) -> Registration:
    """Create an account: that of --jid, or another.

    With a DOMAIN its name is the field username, or that of the option --jid if it is of that
    domain. The password is given as for a login, and asked for twice on a terminal. The server's
    answer is the proof. Everything that it asks for is needed; what is missing is named, and
    nothing is submitted. A CAPTCHA that nobody answers ends the run; the next, with
    --captcha-answer, answers it. A command that is to answer it also has the variables
    CAPTCHA_FILE, CAPTCHA_LABEL and CAPTCHA_URL.
    """
    how = captcha.mode(captcha_mode, captcha_save, captcha_answer, captcha_command)
    answers = group.values(app, field_pairs, form_json)
    if email is not None and answers.setdefault("email", [email]) != [email]:
        raise UsageError("--email and the field email contradict each other")
    jid, token = _invited(target, uri, token)
    if jid is not None and "username" not in answers:
        jid = _named_before(app, jid)
    if jid is not None:
        group.use_jid(app, jid)
    jid = _with_name(app.account_for(login=False).jid.bare, answers)
    password = None if show_form else group.new_secret(app, str(jid))
    from xmppctl.protocol import registration

    async with group.before_login(app) as stream:
        if token is not None:
            await registration.preauthenticate(stream, token)
        offer = captcha.kept(app, jid) if captcha_answer not in (None, "-") else None
        offer = offer or await registration.ask(stream)
        if show_form:
            return offer.record()
        if offer.closed:
            return _elsewhere(offer)
        group.refuse_secrets(offer, field_pairs)
        answers = group.complete(app, offer, _own(offer, jid, password, answers), own=True)
        try:
            found = await captcha.answer(app, stream, offer, how, answers, jid)
        except captcha.Unanswered as left:
            return replace(offer.record(str(jid)), captcha=left.challenge, error=left.error.info())
        try:
            await registration.submit(stream, registration.submission(offer, {**answers, **found}))
        except RefusedError as error:
            if found and error.condition in ("not-allowed", "not-acceptable"):
                error.hint = "the answer was wrong or too late: a new run gets a new challenge"
            raise
    return Registration(str(jid), True)


def _invited(
    target: str | None, uri: str | None, token: str | None
) -> tuple[Jid | None, str | None]:
    """The JID or domain to register, and the token. Raises UsageError."""
    jid, tokens = None, [token] if token is not None else []
    for text, name in ((uri, "--uri"), (target, "the argument")):
        if text is None:
            continue
        if name == "--uri" and text[:5].lower() != "xmpp:":
            raise UsageError(f"--uri {text!r} is no xmpp: URI")
        try:
            found = parse(text)
        except ValueError as error:
            raise UsageError(f"{text!r} is not a JID: {error}") from None
        if found.resource is not None:
            raise UsageError(f"{text!r} has a resource, an account has none")
        if text[:5].lower() == "xmpp:":
            query = text.partition("?")[2].partition("#")[0]
            action, *parts = query.split(";")
            known = dict(part.partition("=")[::2] for part in parts)
            if action == "roster":  # XEP-0445 §2.3: the JID is the inviter's
                found = Jid(None, found.domain, None)
            if "preauth" in known:
                tokens.append(unquote(known["preauth"]))
            elif name == "--uri":
                raise UsageError(f"--uri {text!r} has no preauth=TOKEN")
        # an invitation to a domain leaves the choice of the name to the argument
        if jid not in (None, found, Jid(None, found.domain, None)):
            raise UsageError(f"the invitation is for {jid}, not for {found}")
        jid = found
    if len(set(tokens)) > 1:
        raise UsageError("--token and the invitation contradict each other")
    return jid, tokens[0] if tokens else None


def _named_before(app: cli.App, jid: Jid) -> Jid:
    """``jid``, or what the option ``--jid`` says where ``jid`` is the domain of that."""
    given = app.options.get("jid", (None, ""))[0]
    if isinstance(given, Jid) and jid == Jid(None, given.domain, None):
        return given.bare
    return jid


def _with_name(jid: Jid, answers: dict[str, list[str]]) -> Jid:
    """The account's JID, with the field ``username`` where the JID is a domain."""
    given = answers.get("username")
    if given is None:
        return jid
    try:
        named = parse(f"{given[0] if given else ''}@{jid.domain}")
    except ValueError as error:
        raise UsageError(f"the field username: {error}") from None
    if jid.local is not None and named != jid:
        raise UsageError(f"the field username contradicts {jid}")
    return named


def _own(
    offer: Offer, jid: Jid, password: str | None, answers: dict[str, list[str]]
) -> dict[str, list[str]]:
    """The answers with name and password, where they are asked for."""
    asked = {field.var for field in offer.fields}
    own = dict(answers)
    if jid.local is not None and ("username" in asked or "username" in answers):
        own["username"] = [jid.local]
    if password is not None and "password" in asked:
        own["password"] = [password]
    return own


def _elsewhere(offer: Offer) -> Registration:
    """A registration that the server takes on the web only, as a record that fails the run."""
    from xmppctl.protocol import registration

    try:
        registration.check(offer, {})
    except RefusedError as error:
        return replace(offer.record(), error=error.info())
    raise AssertionError("unreachable")
