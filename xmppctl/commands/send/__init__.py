"""``xmppctl send``: send messages, and say truly what became of them."""

from __future__ import annotations

from xmppctl.commands.send.command import cmd

__all__ = ["cmd"]
