"""``xmppctl mam``: the message archive, read, counted, configured, exported."""

from __future__ import annotations

from xmppctl.commands.mam.group import cmd

__all__ = ["cmd"]
