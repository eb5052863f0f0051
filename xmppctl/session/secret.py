"""What proves who logs in: the password, or whether a token may do in its place."""

from __future__ import annotations

import time
from collections.abc import Callable

from xmppctl.model.account import Account


class Secret:
    """The account's password, asked for when it is needed and only once.

    ``waited`` is told the seconds that the answer took: a person or a password manager may need
    longer than a server.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._text: str | None = None
        self.waited: Callable[[float], None] = lambda seconds: None

    @property
    def asked(self) -> bool:
        """Whether nobody has to be asked any more."""
        return self._text is not None or self._account.password is None

    def get(self) -> str | None:
        """The password; None where the account has none. Raises UsageError, LocalError."""
        if self._text is None and self._account.password is not None:
            started = time.monotonic()
            self._text = self._account.password()
            self.waited(time.monotonic() - started)
        return self._text


def has_token(account: Account) -> bool:
    """Whether a token may do in the place of the password. Raises LocalError."""
    if account.memory is None or account.sasl == "sasl1" or account.sasl_mechanism is not None:
        return False
    known = account.memory.known()
    if known is not None and not known.fast:
        return False  # no device is taken for a server that has no use for one
    token = account.memory.token()
    return token is not None and (known is None or token.mechanism in known.fast)
