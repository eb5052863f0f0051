"""XEP-0050: Ad-Hoc Commands. Here: which of the given values belong to which stage.

Values that were given for the command as a whole are taken by every stage that has such a field;
values that were given stage by stage have to fit. What no stage takes is an error while the
command can still be cancelled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from xmppctl.errors import UsageError
from xmppctl.model.adhoc import Action
from xmppctl.protocol import forms
from xmppctl.protocol.adhoc import STEP, Move, Stage


class Script:
    """What was given for a command, and what it makes of each stage.

    ``values`` are for whichever stage has the field, ``steps`` for one stage each. ``action``: the
    way on, where a stage allows it; "prev" and "cancel" are for the stage behind ``steps``.
    ``show``: stop there, so that it can be shown. ``exposed``: names of values that everybody on
    this machine can see. ``shown`` is the stage at which it was stopped on purpose, ``asked``
    whether there was any stage.
    """

    def __init__(
        self,
        values: Mapping[str, Sequence[str]],
        steps: Sequence[Mapping[str, Sequence[str]]] = (),
        *,
        action: Action | None = None,
        show: bool = False,
        exposed: Collection[str] = (),
    ) -> None:
        self.shown: Stage | None = None
        self.asked = False
        self._values = values
        self._steps = list(steps)
        self._action = action
        self._show = show
        self._exposed = exposed
        self._used: set[str] = set()
        self._back = False

    @property
    def unused(self) -> list[str]:
        """Names of values that no stage has taken yet."""
        rest = dict.fromkeys(name for name in self._values if name not in self._used)
        return list(rest | dict.fromkeys(name for step in self._steps for name in step))

    async def decide(self, stage: Stage) -> Move:
        """What to do at this stage. Raises UsageError."""
        self.asked = True
        last = not self._steps
        if self._back or (last and (self._show or self._action == "cancel")):
            self.shown = stage
            return Move("cancel")
        if last and self._action == "prev":
            self._require(stage, "prev")
            self._back = True
            return Move("prev")
        answers = self._answers(stage)
        action = self._way(stage)
        if action == "complete" and self._show:
            self.shown = stage
            return Move("cancel")
        if action == "complete":
            self._check_all_used(stage)
        return Move(action, answers)

    def _answers(self, stage: Stage) -> dict[str, list[str]]:
        step = self._steps.pop(0) if self._steps else {}
        if stage.form is None or not stage.fillable:
            if step:
                raise UsageError(
                    f"the stage of {stage.node} has no form; nothing was submitted", step="form"
                )
            return {}
        answers = {name: list(values) for name, values in step.items()}
        known = {each.var for name in step for each in forms.candidates(stage.form, name)}
        for name, values in self._values.items():
            found = forms.candidates(stage.form, name)
            if not found:
                continue
            private = any(each.type == "text-private" for each in found)
            if private and name in self._exposed:
                raise UsageError(
                    f"{name} is a secret, which does not belong on a command line; nothing was "
                    "submitted",
                    step="form",
                    hint="give it by --form-json FILE or -, or with --interactive",
                )
            self._used.add(name)
            if not known.intersection(each.var for each in found):
                answers[name] = list(values)
        return answers

    def _way(self, stage: Stage) -> Action:
        if self._steps:
            self._require(stage, "next")
            return "next"
        if self._action in ("next", "complete") and self._action in stage.actions:
            return self._action
        if self._show and "next" in stage.actions:
            return "next"
        return stage.default

    def _require(self, stage: Stage, action: Action) -> None:
        if action not in stage.actions:
            raise UsageError(
                f"the stage of {stage.node} allows {' and '.join(stage.actions) or 'nothing'}, "
                f"not {action}; nothing was submitted",
                step=STEP,
            )

    def _check_all_used(self, stage: Stage) -> None:
        unused = self.unused
        if unused and stage.form is not None:
            forms.resolve(stage.form, unused[0])  # says which fields there are
        if unused:
            raise UsageError(
                f"no stage of {stage.node} has a field {unused[0]!r}; nothing was submitted",
                step="form",
            )

    def check(self, stage: Stage) -> None:
        """The command is completed. Raises UsageError where it never asked for something given."""
        if self.unused:
            raise UsageError(
                f"{stage.by} completed {stage.node} without asking for {', '.join(self.unused)}",
                step="form",
                condition="unknown-field",
                hint=f"xmppctl adhoc run {stage.by} {stage.node} --show-form",
            )
