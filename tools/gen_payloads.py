"""Which module of ``xmppctl.protocol.payload`` reads which child element of a message."""

from __future__ import annotations

import pkgutil
from importlib import import_module


def index() -> str:
    """The text of ``xmppctl/protocol/payload/_index.py``."""
    from xmppctl.protocol import payload

    readers: dict[str, list[str]] = {}
    for info in pkgutil.iter_modules(payload.__path__, f"{payload.__name__}."):
        if info.name.endswith("._index"):
            continue
        for tag in getattr(import_module(info.name), "TAGS", ()):
            readers.setdefault(tag, []).append(info.name.rpartition(".")[2])
    lines = [
        '"""Generated: tag of a payload to the modules that read it."""',
        "",
        "READERS: dict[str, tuple[str, ...]] = {",
    ]
    for tag, names in sorted(readers.items()):
        quoted = ", ".join(f'"{name}"' for name in sorted(names))
        comma = "," if len(names) == 1 else ""
        lines.append(f'    "{tag}": ({quoted}{comma}),')
    return "\n".join([*lines, "}", ""])
