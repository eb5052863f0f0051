"""Who logs in where: as light as can be, for the peers' own start-up is measured too."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.base import Account


@dataclass(frozen=True)
class Login:
    """Who logs in where; ``direct``: the address speaks TLS from the first byte."""

    jid: str
    password: str = field(repr=False)
    address: tuple[str, int]
    ca_file: Path
    direct: bool = False

    @classmethod
    def of(cls, account: Account, *, direct: bool = False) -> Login:
        """As an account of a server of the tests."""
        server = account.server
        address = server.direct_tls if direct else server.starttls
        return cls(account.jid, account.password, address, server.ca_file, direct)

    @classmethod
    def of_environment(cls) -> Login:
        """As a process was told that ``environment`` was given to."""
        host, _, port = os.environ["BENCH_ADDRESS"].rpartition(":")
        return cls(
            os.environ["BENCH_JID"],
            os.environ["BENCH_PASSWORD"],
            (host, int(port)),
            Path(os.environ["BENCH_CA_FILE"]),
            bool(os.environ["BENCH_DIRECT"]),
        )

    @property
    def environment(self) -> dict[str, str]:
        """What ``of_environment`` reads."""
        return {
            "BENCH_JID": self.jid,
            "BENCH_PASSWORD": self.password,
            "BENCH_ADDRESS": self.connect,
            "BENCH_CA_FILE": str(self.ca_file),
            "BENCH_DIRECT": "1" if self.direct else "",
        }

    @property
    def connect(self) -> str:
        """The address as HOST:PORT."""
        return ":".join(map(str, self.address))

    def at(self, address: tuple[str, int]) -> Login:
        """The same by another way."""
        return replace(self, address=address)
