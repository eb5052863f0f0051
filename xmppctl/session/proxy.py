"""Which proxy a connection takes, by the variables that the ecosystem has for it.

The names and rules are those of curl and urllib: ``https_proxy`` for https and wss URLs,
``http_proxy`` for http URLs (lower case alone: a CGI script's ``HTTP_PROXY`` is chosen by whoever
sends the request), ``all_proxy`` for what has none of its own, and ``no_proxy`` for hosts without.
The XMPP connection is no HTTP, and so it follows ``all_proxy`` alone. Of a variable that is set in
both cases the lower one counts, even if it is empty.

How a proxy is spoken to is the business of ``tunnel``.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import field
from pathlib import Path

from xmppctl.errors import UsageError
from xmppctl.records import dataclass

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_SECURE = {"https": True, "wss": True, "http": False, "ws": False}
_MOST_BYTES = 255
"""Of a name or a password in SOCKS5 (RFC 1929 §2)."""


@dataclass(frozen=True)
class Proxy:
    """A proxy; ``str`` shows it without its user and password, which nothing else may show.

    ``scheme``: "http", "https" (the proxy itself is reached by TLS, and verified with the system
    store and ``ca_file``), "socks5" or "socks5h". ``variable`` is where it was named.
    """

    scheme: str
    host: str
    port: int
    variable: str
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    @property
    def resolves(self) -> bool:
        """Whether the proxy looks up the names of hosts, and nobody needs to do so here."""
        return self.scheme != "socks5"

    @property
    def peer(self) -> str:
        """``HOST:PORT``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.peer}"


def for_stream(host: str, port: int, ca_file: Path | None = None) -> Proxy | None:
    """The proxy for an XMPP connection over TCP with ``host``, or None.

    Raises UsageError for a variable that names no usable proxy: going without it instead would
    show to the network what was meant to be hidden.
    """
    return _chosen(("all_proxy", "ALL_PROXY"), host, port, ca_file)


def for_url(scheme: str, host: str, port: int, ca_file: Path | None = None) -> Proxy | None:
    """The proxy for a URL of ``scheme`` (http, https, ws, wss), or None. Raises as above."""
    own = ("https_proxy", "HTTPS_PROXY") if _SECURE[scheme] else ("http_proxy",)
    found = _value(*own)
    return _chosen(own if found else ("all_proxy", "ALL_PROXY"), host, port, ca_file)


def _value(*names: str) -> str:
    return next((os.environ[name].strip() for name in names if name in os.environ), "")


def _chosen(variables: tuple[str, ...], host: str, port: int, ca_file: Path | None) -> Proxy | None:
    text = _value(*variables)
    if not text or is_exempt(host, port, _value("no_proxy", "NO_PROXY")):
        return None
    variable = next(name for name in variables if name in os.environ)
    try:
        return parse_proxy(text, variable, ca_file)
    except ValueError as error:
        raise UsageError(
            f"the variable {variable} names no usable proxy: {error}",
            step="proxy",
            condition="bad-proxy",
            hint=f"such as {variable}=socks5h://HOST:1080, or http://USER:PASSWORD@HOST:3128",
        ) from None


def parse_proxy(text: str, variable: str, ca_file: Path | None = None) -> Proxy:
    """A proxy's URL; without scheme it is an HTTP proxy.

    Raises ValueError with a sentence that never quotes ``text``, which may hold a password.
    """
    from urllib.parse import unquote, urlsplit

    from xmppctl.session.weburl import ascii_host

    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port, host = parts.port, parts.hostname
        user = None if parts.username is None else unquote(parts.username, errors="strict")
        password = unquote(parts.password or "", errors="strict")
    except ValueError:
        raise ValueError("it is no URL") from None
    if parts.scheme not in _PORTS:
        raise ValueError("its scheme is none of http, https, socks5, socks5h")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("special characters of a name or a password are to be percent-encoded")
    if not host or port == 0:
        raise ValueError("it names no host, or no valid port")
    try:
        host = ascii_host(host)
    except ValueError:
        raise ValueError("its host is no host name") from None
    if parts.scheme.startswith("socks") and max(map(_length, (user or "", password))) > _MOST_BYTES:
        raise ValueError(f"SOCKS5 takes no more than {_MOST_BYTES} bytes of a name or a password")
    return Proxy(
        parts.scheme, host, port or _PORTS[parts.scheme], variable, user or None, password, ca_file
    )


def _length(text: str) -> int:
    return len(text.encode())


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether the list ``no_proxy`` names ``host``.

    Its entries, behind commas or spaces: ``*`` (all), a domain (which stands for all below it, with
    or without a dot in front), an IP address, a network (``10.0.0.0/8``); each with ``:PORT`` if
    wanted. Names are not looked up, so an address exempts no name.
    """
    host = host.lower().rstrip(".")
    address = _address(host)
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        if entry == "*":
            return True
        name = _of_port(entry, port)
        if name is None:
            continue
        if address is not None:
            if _covers(name, address):
                return True
        elif (name := name.removeprefix("*").strip(".")) and f".{host}".endswith(f".{name}"):
            return True
    return False


def _of_port(entry: str, port: int) -> str | None:
    """The host of an entry, or None where the entry is for another port."""
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*):([0-9]+)", entry)
    if match is None:
        return entry.strip("[]")
    return match[1].strip("[]") if int(match[2]) == port else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _covers(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
