"""``xmppctl register``: accounts, and registrations with services."""

from __future__ import annotations

from xmppctl.commands.register.group import cmd

__all__ = ["cmd"]
