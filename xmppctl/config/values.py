"""Text to values: durations, sizes, addresses, pins; one place for options, environment and file.

Every function raises ValueError with a sentence that says what was expected.
"""

from __future__ import annotations

import math
import re

from xmppctl.model.jid import parse as jid

__all__ = [
    "boolean",
    "choice",
    "duration",
    "endpoint",
    "host_port",
    "jid",
    "mechanism",
    "nameserver",
    "number",
    "pin",
    "resource",
    "size",
]

_SECONDS = {
    "ms": 0.001,
    "": 1.0,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_BYTES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_NUMBER_AND_UNIT = r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)"
_HOST = r"[^\s/@\[\]?#:\x00-\x1f\x7f]+"
_ENDPOINT = r"(wss|https)://([^/?#\s\x00-\x1f\x7f]+)([/?][^#\s\x00-\x1f\x7f]*)?"
_MECHANISM = r"[A-Z0-9_-]{1,20}"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def duration(text: str) -> float:
    """Seconds of ``500ms``, ``30s``, ``5m``, ``2h``, ``3d``, ``1w``, or a bare number."""
    match = re.fullmatch(_NUMBER_AND_UNIT, text.strip(), re.ASCII)
    if match is None or match[2] not in _SECONDS:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 30s, 5m, 2h or 3d")
    seconds = float(match[1]) * _SECONDS[match[2]]
    # Beyond this, clocks and selectors of the platform overflow.
    if not math.isfinite(seconds) or seconds > 1e9:
        raise ValueError(f"{text!r} is longer than any wait can be")
    return seconds


def size(text: str) -> int:
    """Bytes of ``10K``, ``5M``, ``1G`` (steps of 1024), or a bare number."""
    match = re.fullmatch(_NUMBER_AND_UNIT, text.strip(), re.ASCII)
    unit = None if match is None else match[2].upper().removesuffix("B").removesuffix("I")
    if match is None or unit not in _BYTES:
        raise ValueError(f"{text!r} is not a size such as 500, 10K, 5M or 1G")
    count = float(match[1]) * _BYTES[unit]
    if "." not in match[1]:
        return int(match[1]) * _BYTES[unit]
    if count != int(count):
        raise ValueError(f"{text!r} is not a whole number of bytes")
    return int(count)


def host_port(text: str) -> tuple[str, int]:
    """Host and port of ``xmpp.example.org:5222`` or ``[::1]:5222``; the host without brackets."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        raise ValueError(
            f"{text!r} is not HOST:PORT, such as xmpp.example.org:5222 or [2001:db8::1]:5222"
        )
    return _host(host, text), _port(port)


def endpoint(text: str) -> str:
    """The URL of a WebSocket (``wss``) or BOSH (``https``) endpoint, scheme and host checked.

    TLS is always required, so ``ws`` and ``http`` are refused; so is a URL with user and password.
    """
    match = re.fullmatch(_ENDPOINT, text.strip(), re.IGNORECASE)
    if match is None:
        if re.match(r"(ws|http)://", text.strip(), re.IGNORECASE):
            raise ValueError(f"{text!r} has no TLS, which is always required: use wss or https")
        raise ValueError(f"{text!r} is not a URL such as wss://example.org/xmpp-websocket")
    scheme, where, rest = match[1].lower(), match[2], match[3] or "/"
    if "@" in where:
        raise ValueError("the URL contains a user name: a secret never stands in a URL")
    if where.endswith("]") or ":" not in where:
        _host(where, text)
    else:
        host, port = where.rsplit(":", 1)
        _host(host, text)
        _port(port)
    return f"{scheme}://{where}{rest}"


def nameserver(text: str) -> tuple[str, int]:
    """Address and port of a name server: ``HOST[:PORT]``, ``[::1]:5353``, ``::1``; port 53."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return _host(text, text), 53
    if text.count(":") == 1 or text.startswith("["):
        return host_port(text)
    return _host(f"[{text}]" if ":" in text else text, text), 53


def pin(text: str) -> bytes:
    """The SHA-256 digest, 32 bytes, of ``sha256:HEX``; colons or spaces between bytes are allowed.

    What is hashed is the subject public key info of the end certificate (RFC 7469 §2.4).
    """
    algorithm, colon, digest = text.strip().partition(":")
    if not colon or algorithm.lower().replace("-", "") != "sha256":
        raise ValueError(f"{text!r} is not a pin of the form sha256:HEX")
    compact = re.sub(r"[:\s]", "", digest)
    if re.fullmatch(r"[0-9A-Fa-f]{64}", compact) is None:
        raise ValueError(f"{text!r} is not a pin: sha256 needs 64 hexadecimal digits")
    return bytes.fromhex(compact)


def mechanism(text: str) -> str:
    """A SASL mechanism name (RFC 4422 §3.1) in upper case."""
    name = text.strip().upper()
    if re.fullmatch(_MECHANISM, name) is None:
        raise ValueError(f"{text!r} is not the name of a SASL mechanism, such as SCRAM-SHA-256")
    return name


def resource(text: str) -> str:
    """A resourcepart in its prepared form (RFC 7622 §3.4)."""
    if not text:
        raise ValueError("the resource is empty")
    return jid(f"localhost/{text}").resource or ""


def number(text: str) -> int:
    """A whole number, zero or more."""
    if re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) is None:
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def boolean(text: str) -> bool:
    """A switch: ``1 true yes on`` or ``0 false no off``, in any case."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false (1, true, yes, on; 0, false, no, off)")


def choice(text: str, choices: tuple[str, ...]) -> str:
    """One of ``choices``."""
    if text not in choices:
        raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
    return text


def _host(host: str, text: str) -> str:
    if host.startswith("["):
        import ipaddress

        try:
            return str(ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]")))
        except ValueError:
            raise ValueError(f"{text!r} has no valid IPv6 address between its brackets") from None
    if re.fullmatch(_HOST, host) is None:
        raise ValueError(f"{text!r} has no valid host name")
    return host


def _port(text: str) -> int:
    if re.fullmatch(r"\d{1,5}", text, re.ASCII) is None or not 1 <= int(text) <= 65535:
        raise ValueError(f"{text!r} is not a port between 1 and 65535")
    return int(text)
