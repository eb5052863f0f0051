"""RFC 3986: http and https URLs, from the command line and from the network."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, urlsplit

_PORTS = {"http": 80, "https": 443}
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_LONGEST = 8000


class Url(NamedTuple):
    """An http or https URL, percent-encoded where it has to be.

    ``host`` is ASCII and without brackets, ``target`` what a request asks for, ``text`` the whole.
    """

    scheme: str
    host: str
    port: int
    target: str
    text: str

    @property
    def secure(self) -> bool:
        """Whether it is https."""
        return self.scheme == "https"

    @property
    def peer(self) -> str:
        """``HOST:PORT``, for errors: the path of a URL may be a secret."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_url(text: str) -> Url:
    """An http(s) URL; characters that no URI has are percent-encoded, names of hosts are IDNA.

    Raises ValueError with a sentence that says what is wrong.
    """
    text = text.strip(" ")
    if any(char < " " or char == "\x7f" for char in text):
        raise ValueError("it contains a control character")
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValueError("its host or port is malformed") from None
    if parts.scheme not in _PORTS:
        raise ValueError("it is no http or https URL")
    if not host:
        raise ValueError("it names no host")
    if "@" in parts.netloc:
        raise ValueError("it contains a user name, which may be a disguise of the host")
    if port == 0:
        raise ValueError("its host or port is malformed")
    encoded_host = ascii_host(host)
    encoded = _encoded(text)
    if encoded_host != host:
        encoded = encoded.replace(
            _encoded(parts.netloc), parts.netloc.lower().replace(host, encoded_host), 1
        )
    path, query = _encoded(parts.path), _encoded(parts.query)
    target = (path or "/") + (f"?{query}" if query else "")
    return Url(parts.scheme, encoded_host, port or _PORTS[parts.scheme], target, encoded)


def _encoded(text: str) -> str:
    try:
        return quote(text, safe=_SAFE)
    except UnicodeEncodeError:
        raise ValueError("it is not UTF-8") from None


def ascii_host(host: str) -> str:
    """The host of a URL as ASCII (IDNA). Raises ValueError for what is no host name."""
    if ":" in host:  # IPv6, which urlsplit has checked
        return host
    try:
        found = host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{host!r} is no host name") from None
    if not all(char.isalnum() or char in "-._" for char in found):
        raise ValueError(f"{host!r} is no host name")
    return found
