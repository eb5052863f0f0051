"""Where a connection goes that begins early, and whom it trusts there.

On the way to the first byte of a run, and so without ``typing``, which takes 3 ms to import.
"""

from __future__ import annotations

from collections import namedtuple


class Place(namedtuple("Place", ("host", "address", "port", "direct_tls"))):
    """Where to go: the host as it is named, its IP address, the port, direct TLS."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Aim(
    namedtuple(
        "Aim",
        ("place", "domain", "ca_file", "pins", "cert", "key", "until"),
        defaults=(None, (), None, None, None),
    )
):
    """All of an account that bears upon its connection as far as TLS: two equal ones share one.

    ``domain``: in its ASCII form. ``ca_file``, ``cert`` and ``key`` are paths as text, ``pins``
    bytes. ``until``: seconds since the epoch from when on the name service is to be asked again;
    None where a user named the place.
    """

    __slots__ = ()
