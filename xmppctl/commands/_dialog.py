"""Asking a person for the values of a form, on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from xmppctl.errors import UsageError
from xmppctl.output.escape import safe

if TYPE_CHECKING:
    from xmppctl.cli.app import App
    from xmppctl.model.adhoc import Action
    from xmppctl.model.form import FormField
    from xmppctl.protocol.adhoc import Move, Stage

_LETTERS = {"n": "next", "c": "complete", "p": "prev", "x": "cancel"}


class Dialog:
    """Shows each stage of a command on standard error, and asks what to do with it.

    ``given``: values by name, which stand for those that the form offers.
    """

    def __init__(self, app: App, given: dict[str, list[str]]) -> None:
        self._app = app
        self._given = given
        self.unused = dict.fromkeys(given)
        self.canceled = False

    async def decide(self, stage: Stage) -> Move:
        """The way on that the person chose, with the values. Raises UsageError."""
        from xmppctl.protocol.adhoc import Move

        self._tell(*(str(note) for note in stage.notes))
        answers: dict[str, list[str]] = {}
        if stage.form is not None:
            self._tell(stage.form.title, *stage.form.instructions)
            for field in stage.form.fields:
                if field.type == "fixed" or field.var is None:
                    self._tell(field.label, *field.values)
                elif field.type != "hidden" and stage.fillable:
                    answers[field.var] = self._values(field)
        action = self._action(stage)
        self.canceled = action == "cancel"
        return Move(action, answers)

    def _values(self, field: FormField) -> list[str]:
        present = field.values
        for name in self._names(field):
            present = self._given[name]
            self.unused.pop(name, None)
        self._tell(field.desc)
        for option in field.options:
            self._tell(f"  {option.value}" + (f"  {option.label}" if option.label else ""))
        mark = "*" if field.required else ""
        name = f"{field.label or field.var}{mark}"
        if field.type == "text-private":
            return self._secret(name) or list(present)
        shown = f" [{', '.join(present)}]" if present else ""
        if field.type in ("text-multi", "jid-multi", "list-multi"):
            return self._several(f"{name}{shown}, one a line, an empty line ends: ") or list(
                present
            )
        text = self._ask(f"{name}{shown}: ")
        return [text] if text else list(present)

    def _names(self, field: FormField) -> list[str]:
        """By which of the given names the field goes: its own, or the end of it."""
        var = field.var or ""
        ends = [name for name in self._given if var.endswith(f"#{name}") or var == name]
        return sorted(ends, key=len)[-1:]

    def _several(self, prompt: str) -> list[str]:
        found: list[str] = []
        while text := self._ask(prompt if not found else "  "):
            found.append(text)
        return found

    def _secret(self, name: str) -> list[str]:
        import getpass

        prompt: Callable[[str], str] = getpass.getpass
        with self._app.blocking():
            text = prompt(f"{safe(name)}: ")
        return [text] if text else []

    def _action(self, stage: Stage) -> Action:
        ways: dict[str, Action] = {way: way for way in (*stage.actions, "cancel")}
        letters = {key: way for key, way in _LETTERS.items() if way in ways}
        shown = ", ".join(f"{key} {way}" for key, way in letters.items())
        while True:
            text = self._ask(f"{shown} [{stage.default}]: ").lower()
            way = letters.get(text, text) or stage.default
            if way in ways:
                return ways[way]

    def _ask(self, prompt: str) -> str:
        self._app.stderr.write(safe(prompt))
        self._app.stderr.flush()
        with self._app.blocking():
            line = self._app.stdin.readline()
        if not line:
            raise UsageError("the input ended; nothing was submitted", step="input")
        return line.rstrip("\r\n")

    def _tell(self, *texts: str | None) -> None:
        for text in texts:
            if text:
                self._app.stderr.write(f"{safe(text)}\n")
