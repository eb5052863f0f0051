"""Where servers tell of outages (XEP-0455), kept from runs in which they could be asked.

One file per domain in the cache directory. What cannot be read is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from xmppctl.config import paths

_FORMAT = 1


def load(domain: str, env: Mapping[str, str] = os.environ) -> list[str]:
    """The addresses of ``domain``; none where they are not known."""
    try:
        data = json.loads(_file(domain, env).read_bytes())
        if data["format"] != _FORMAT or data["domain"] != domain:
            return []
        return [each for each in data["addresses"] if isinstance(each, str)]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return []


def store(domain: str, addresses: Sequence[str], env: Mapping[str, str] = os.environ) -> None:
    """Keep the addresses of ``domain``. Raises LocalError."""
    if load(domain, env) == list(addresses):
        return
    path = _file(domain, env)
    paths.ensure_private_dir(paths.ensure_private_dir(paths.cache_dir(env)) / path.parent.name)
    data = {"format": _FORMAT, "domain": domain, "addresses": list(addresses)}
    paths.write_private(path, json.dumps(data, ensure_ascii=False).encode())


def forget(domain: str, env: Mapping[str, str] = os.environ) -> None:
    """Remove what is kept for ``domain``, as far as that is possible."""
    with suppress(OSError):
        _file(domain, env).unlink(missing_ok=True)


def _file(domain: str, env: Mapping[str, str]) -> Path:
    name = hashlib.sha256(domain.encode()).hexdigest()[:32]
    return paths.cache_dir(env) / "outages" / f"{name}.json"
