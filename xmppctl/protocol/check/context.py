"""What every probe of a server is given, and where it tells what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xmppctl.model.check import Finding, Status
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.account import Account


@dataclass(frozen=True)
class Limits:
    """From where on a figure is a warning or a failure; None where no limit was given.

    Days that a certificate must still be valid, and seconds that a step may take.
    """

    warn_days: float = 14
    crit_days: float = 7
    warn_time: float | None = None
    crit_time: float | None = None

    def of_time(self, seconds: float) -> Status:
        """How good a time is."""
        if self.crit_time is not None and seconds > self.crit_time:
            return "fail"
        if self.warn_time is not None and seconds > self.warn_time:
            return "warn"
        return "ok"

    def of_days(self, days: float) -> Status:
        """How good the days are that are left."""
        return "fail" if days < self.crit_days else "warn" if days < self.warn_days else "ok"


class Context:
    """One domain that is checked.

    ``domain``: in its ASCII form. ``account``: how to connect (timeouts, CA file, pins, DNS server,
    --connect); whether it can log in is not told by it. ``put`` takes the findings as they come.
    """

    def __init__(
        self,
        domain: str,
        account: Account,
        limits: Limits,
        wanted: set[str],
        put: Callable[[Finding], None],
    ) -> None:
        self.domain = domain
        self.account = account
        self.limits = limits
        self._wanted = wanted
        self._put = put

    def wants(self, *checks: str) -> bool:
        """Whether any of these checks was asked for; a prefix stands for all that begin with it."""
        return any(
            each == check or each.startswith(f"{check}.")
            for check in checks
            for each in self._wanted
        )

    def tell(
        self,
        check: str,
        target: str,
        status: Status,
        detail: str,
        *,
        value: str | int | float | bool | None = None,
        unit: str | None = None,
        advice: str | None = None,
    ) -> None:
        """Report one finding; what nobody asked for is dropped."""
        if check in self._wanted:
            self._put(Finding(check, target, status, value, unit, detail, advice))
