"""Which logins are too weak: the remembered mechanism (XEP-0474 §6), and when -PLUS may go.

The session remembers, for each account, the strongest mechanism that a login succeeded with. A
server that offers less at a later time may have changed; or somebody who got hold of a trusted
certificate stands in between, and the password is what he is after.

XEP-0474 would rather have the server's signature alone decide; but that is checked only when the
man in the middle has got a proof of the password, at which he can guess for as long as he likes.

What counts: mechanisms that use the password. FAST (HT-*) is a login by a token that such a login
brought; EXTERNAL and ANONYMOUS use other credentials, which the user chooses.
"""

from __future__ import annotations

from xmppctl.errors import TlsError
from xmppctl.model.account import Account
from xmppctl.session import sasl
from xmppctl.session.sasl import Choice

ORDER = tuple(each for each in sasl.BY_STRENGTH if each not in ("ANONYMOUS", "EXTERNAL"))
"""The mechanisms that are remembered, weakest first."""

_HINT = "if the server itself changed, a run with --allow-downgrade accepts it"


def counts(name: str) -> bool:
    """Whether a login by this mechanism is to be remembered."""
    return name in ORDER


def weaker(name: str, strongest: str | None) -> bool:
    """Whether ``name`` is weaker than the ``strongest`` that is remembered.

    Without channel binding is weaker than with it, PLAIN weaker than SCRAM, a shorter hash weaker
    than a longer one; in this order.
    """
    if strongest is None or not counts(name) or not counts(strongest):
        return False
    return ORDER.index(name) < ORDER.index(strongest)


def check(choice: Choice, strongest: str | None, *, allow: bool, server: str) -> bool:
    """Refuse a login that would be weaker than one before, before anything of it is sent.

    ``strongest``: what is remembered, None for a first login. ``allow``: the user accepts it
    (``--allow-downgrade``, or a mechanism named by ``--sasl-mechanism``). ``server``: whom the
    message names. True: it is weaker and was accepted, so that it is to be remembered instead.
    Raises TlsError, step "auth", condition "downgrade".
    """
    if not weaker(choice.name, strongest):
        return False
    if allow:
        return True
    raise TlsError(
        f"{server} offers no mechanism as strong as {strongest}, which logged in before; the best "
        f"one now is {choice.name}: somebody on the way may have removed the others",
        step="auth",
        condition="downgrade",
        by=server,
        hint=_HINT,
    )


def fallback(
    choice: Choice,
    account: Account,
    *,
    proof_sent: bool,
    strongest: str | None,
    allow_downgrade: bool = False,
) -> Choice | None:
    """What to try on the same stream after the server refused ``choice``; None: nothing.

    ejabberd before 24.02 offers -PLUS under TLS 1.3 and knows no binding for it but tls-unique,
    which TLS 1.3 does not have. It refuses any other in the first message (not-authorized), before
    the password came into play, and takes the same hash without -PLUS on the same stream. The flag
    is then "n": "y" would claim that it offered no -PLUS.

    That is the one case. ``proof_sent``: the client answered a challenge, so it may as well be
    the password that was refused. ``strongest``: the strongest mechanism that ever worked for this
    account: one that used -PLUS here never does without, unless ``allow_downgrade`` (what works
    then is to be remembered instead, if it is ``weaker``).
    Raises TlsError ("downgrade") where nothing else than that forbids it.
    """
    plain = choice.name.removesuffix("-PLUS")
    if (
        choice.binding != "tls-exporter"
        or choice.offer.bindings
        or plain not in choice.offer.mechanisms
        or proof_sent
        or account.sasl_mechanism is not None
    ):
        return None
    instead = Choice(plain, offer=choice.offer)
    if weaker(plain, strongest) and not allow_downgrade:
        raise TlsError(
            f"{account.domain} refuses {choice.name} with {choice.binding}, and {strongest} logged "
            "in before: somebody on the way may spoil the channel binding",
            step="auth",
            condition="downgrade",
            by=account.domain,
            hint=_HINT,
        )
    return instead


def fallback_note(refused: Choice, instead: Choice) -> str:
    """For ``-v``: why ``instead`` is tried after ``refused``."""
    return (
        f"the server refused {refused.name} with {refused.binding}, and announces no channel "
        f"bindings (as ejabberd before 24.02 under TLS 1.3); {instead.name} is tried instead"
    )
