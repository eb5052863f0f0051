"""The settings that say where a connection goes: which of them can be meant together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from xmppctl.config.keys import Value
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xmppctl.model.account import Transport

NAMES = ("connect", "endpoint", "transport")


def coherent(layers: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    """What holds of ``connect``, ``endpoint`` and ``transport``, from the strongest layer on.

    What contradicts a stronger layer is left out: who names a server for one run means that one,
    whatever the account says. Raises UsageError for a contradiction within one layer.
    """
    found: dict[str, Value] = {}
    for layer in layers:
        own = {name: layer[name] for name in NAMES if name in layer}
        if why := contradiction(own):
            origins = ", ".join(dict.fromkeys(value.origin for value in own.values()))
            raise UsageError(f"{origins}: {why}", step="config", hint="give one of them")
        for name, value in own.items():
            if name not in found and not contradiction({**found, name: value}):
                found[name] = value
    return found


def contradiction(way: Mapping[str, Value]) -> str | None:
    """Why this server, this URL and this transport cannot be meant together."""
    connect, endpoint, transport = (way.get(name) for name in NAMES)
    if endpoint is not None and connect is not None:
        return "connect and endpoint exclude each other"
    if transport is None or transport.value == "auto":
        return None
    if endpoint is not None and transport.value != carrier(str(endpoint.value)):
        return f"transport is {transport.text}, but endpoint is {endpoint.text}"
    if connect is not None and transport.value != "tcp":
        return f"transport is {transport.text}, which takes an endpoint in the place of connect"
    return None


def carrier(endpoint: str) -> Transport:
    """The transport of a URL."""
    return "websocket" if endpoint.startswith("wss:") else "bosh"
