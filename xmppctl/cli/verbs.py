"""Verbs that are spread over the modules of a package: only the one that is called is imported."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import FrameType
from typing import Any

import click


class Verbs(click.Group):
    """A group whose verbs are defined by the ``modules`` of the package ``home``, if there is one.

    The help has the verbs in the order of ``modules``; those that begin with an underscore define
    none. In which module a verb is tells the generated index (``_index.py``); what is not in there
    is found all the same, by importing every module.
    """

    _verbs: dict[str, click.Command]
    _homes: dict[str, str]

    def __init__(
        self, *args: Any, home: str = "", modules: Sequence[str] = (), **attrs: Any
    ) -> None:
        self.home = home
        self._modules = tuple(each for each in modules if each[0] != "_")
        self._whole = not modules
        super().__init__(*args, **attrs)

    @property
    def commands(self) -> dict[str, click.Command]:
        """All verbs, in the order of the help."""
        if not self._whole:
            self._whole = True
            for module in self._modules:
                import_module(f"{self.home}.{module}")
            # whichever was imported before, by a call or by another one
            place = {module: number for number, module in enumerate(self._modules)}
            self._verbs = dict(
                sorted(self._verbs.items(), key=lambda verb: place[self._homes[verb[0]]])
            )
        return self._verbs

    @commands.setter
    def commands(self, verbs: Mapping[str, click.Command]) -> None:
        self._verbs = dict(verbs)
        self._homes = {}

    def homes(self) -> dict[str, str]:
        """The module of ``home`` in which each verb is; empty where there is no ``home``."""
        return {verb: self._homes[verb] for verb in self.commands if self.home}

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a verb up; where from is known by the module that is being executed."""
        verb = name or cmd.name
        assert verb is not None
        self._verbs[verb] = cmd
        frame: FrameType | None = sys._getframe(1)
        while self.home and frame is not None:
            package, _, module = frame.f_globals.get("__name__", "").rpartition(".")
            if package == self.home:
                self._homes[verb] = module
                return
            frame = frame.f_back

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb, from its module alone where the index knows it."""
        if cmd_name not in self._verbs and self._where.get(cmd_name) in self._modules:
            import_module(f"{self.home}.{self._where[cmd_name]}")
        return self._verbs.get(cmd_name) or self.commands.get(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs, sorted; without importing them where the index has them."""
        known = set(self._where.values())
        if self._whole or not known.issuperset(self._modules):
            return sorted(self.commands)
        return sorted(verb for verb, module in self._where.items() if module in self._modules)

    @property
    def _where(self) -> Mapping[str, str]:
        from xmppctl.cli._index import VERBS

        return VERBS.get(self.home, {})
