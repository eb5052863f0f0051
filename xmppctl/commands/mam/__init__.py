"""``xmppctl mam``: the message archive, read, counted, configured, exported."""

from __future__ import annotations

from importlib import import_module

from xmppctl.commands.mam.group import cmd

__all__ = ["cmd"]

# in the order in which the help lists their verbs
for _name in ("query", "facts", "prefs", "export"):
    import_module(f"{__name__}.{_name}")
