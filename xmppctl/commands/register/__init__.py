"""``xmppctl register``: accounts, and registrations with services."""

from __future__ import annotations

from importlib import import_module

from xmppctl.commands.register.group import cmd

__all__ = ["cmd"]

# in the order in which the help lists their verbs
for _name in ("form", "create", "account", "service"):
    import_module(f"{__name__}.{_name}")
