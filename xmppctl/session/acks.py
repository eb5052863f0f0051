"""XEP-0198: Stream Management, as far as a stream that is never resumed needs it.

Counting starts with ``<enable/>`` going out and ``<enabled/>`` coming in, goes modulo 2^32, and
takes message, presence and iq alone. Pure: no I/O.
"""

from __future__ import annotations

from xmppctl.errors import ConnectError

NS = "urn:xmpp:sm:3"
FEATURE = f"{{{NS}}}sm"
ENABLE = f"<enable xmlns='{NS}'/>"
REQUEST = f"<r xmlns='{NS}'/>"

_MODULUS = 1 << 32


class Outbound:
    """What the peer has acknowledged of what went out."""

    def __init__(self) -> None:
        self.sent = 0
        self.acked = 0

    def count(self, number: int = 1) -> int:
        """``number`` stanzas went out; the count up to and with them."""
        self.sent += number
        return self.sent

    def acknowledge(self, h: int) -> None:
        """``<a h/>`` came in. Raises ConnectError where the peer acknowledges too much (§4)."""
        newly = (h - self.acked) % _MODULUS
        if newly > self.sent - self.acked:
            raise ConnectError(
                f"the server acknowledged {h} stanzas of {self.sent % _MODULUS}",
                condition="handled-count-too-high",
            )
        self.acked += newly


class Inbound:
    """What of the stanzas that came in may be acknowledged.

    Only stanzas that were taken over count: the first one that nobody took holds back all behind
    it, so that the server keeps it (contract: a message is not swallowed by a run that does not
    show it).
    """

    def __init__(self) -> None:
        self._arrived = 0
        self._handled = 0
        self._ahead: set[int] = set()

    def arrive(self) -> int:
        """A stanza came in; its number, to be given to ``handle``."""
        self._arrived += 1
        return self._arrived

    def handle(self, number: int) -> None:
        """The stanza with this number was taken over."""
        if number > self._handled:
            self._ahead.add(number)
        while self._handled + 1 in self._ahead:
            self._handled += 1
            self._ahead.discard(self._handled)

    @property
    def h(self) -> int:
        """What to answer to ``<r/>``."""
        return self._handled % _MODULUS

    def answer(self) -> str:
        """The ``<a/>`` for the present state."""
        return f"<a xmlns='{NS}' h='{self.h}'/>"
