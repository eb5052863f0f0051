"""The end of a FAST token on the server (XEP-0484 §3.6), by a login with that token alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xmppctl.errors import AuthError, UnsupportedError, UsageError
from xmppctl.model.account import Account
from xmppctl.model.memory import Known, Memory, Token
from xmppctl.session.connect import open_session
from xmppctl.session.trace import Trace


async def invalidate(account: Account, token: Token, *, trace: Trace | None = None) -> None:
    """Log in by ``token``, which ends with that; a token that the server refuses has ended before.

    No password is used, and no new token is asked for; ``account.memory`` keeps the token.
    Raises UnsupportedError where the server does not take such tokens, and as ``open_session``.
    """
    memory = _OneToken(account.memory, token)
    alone = replace(
        account,
        password=None,
        cert=None,
        key=None,
        sasl="sasl2",
        sasl_mechanism=None,
        memory=memory,
    )
    try:
        async with open_session(alone, trace=trace, invalidate=True):
            pass
    except (UsageError, AuthError):
        # Where the token does not do, the password is asked for next, and there is none.
        if not memory.ended:
            raise UnsupportedError(
                f"{account.domain} takes no token for {token.mechanism}",
                step="auth",
                condition="feature-not-implemented",
            ) from None


class _OneToken:
    """The memory of a login that is to use one token, and to leave nothing new behind."""

    def __init__(self, memory: Memory | None, token: Token) -> None:
        self._memory = memory
        self._token = token
        self.ended = False

    def known(self) -> Known | None:
        return self._memory.known() if self._memory is not None else None

    def learn(self, known: Known) -> None:
        if self._memory is not None:
            self._memory.learn(known)

    def forget(self) -> None:
        if self._memory is not None:
            self._memory.forget()

    def strongest(self) -> str | None:
        return None

    def authenticated(
        self, mechanism: str, order: Sequence[str], *, accepted: bool = False
    ) -> None:
        pass

    def device(self) -> str | None:
        return self._token.device

    def keeps_tokens(self) -> bool:
        return False

    def token(self) -> Token | None:
        return None if self.ended else self._token

    def keep_token(self, token: Token) -> bool:
        return False

    def drop_token(self, token: Token) -> None:
        self.ended = True

    def drop_tokens(self) -> None:
        self.ended = True
