"""How much ships at once: more than that wants another pair of eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from bot.gates.base import Blocked, ChangeFact, Open, Situation, Verdict, Waiting
from bot.gates.options import Shape, needs
from bot.gates.wording import UNREAD, counted, listed


class BatchShape(Shape):
    """How much may ship at once."""

    changes: Annotated[int, Field(ge=1)] | None = None
    """The most changes."""
    lines: Annotated[int, Field(ge=1)] | None = None
    """The most changed lines."""

    @model_validator(mode="after")
    def _limits_something(self) -> BatchShape:
        if self.changes is None and self.lines is None:
            raise ValueError("needs a limit, for example {batch: {changes: 5}}")
        return self

    def gate(self) -> Batch:
        """The gate with these options."""
        return Batch(self.changes, self.lines)


BatchOption = Annotated[BatchShape | None, needs("{batch: {changes: 5}}")]


@dataclass(frozen=True)
class Batch:
    """At most so many changes, or changed lines, at once; None where that is not limited.

    Too much asks for one more approval (one, however many limits are passed), and is Blocked where the policy has no
    approval gate to ask. Where it is not known how many lines a change has, it is taken for too many.
    """

    changes: int | None
    lines: int | None
    name: str = "batch"

    def asks(self, situation: Situation) -> int:
        """How many approvals it wants beyond the policy's count."""
        carried = situation.run.changes
        return 0 if carried is None or not self._excess(carried, situation.run.truncated) else 1

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Open with what it asks for: whether that was given is the approval gate's to say."""
        carried = situation.run.changes
        if carried is None:
            return Waiting(UNREAD)
        excess = self._excess(carried, situation.run.truncated)
        if not excess:
            return Open(counted(len(carried), "change"))
        if demands < 1:
            return Blocked(f"{excess}, and the policy has no approval gate to ask for more: promote an earlier build")
        return Open(f"{excess}: one more approval")

    def _excess(self, carried: tuple[ChangeFact, ...], truncated: int) -> str:
        number = len(carried) + truncated
        if self.changes is not None and number > self.changes:
            return f"{counted(number, 'change')}, more than {self.changes}"
        if self.lines is None:
            return ""
        lines = sum(change.lines or 0 for change in carried)
        if lines > self.lines:
            return f"{counted(lines, 'changed line')}, more than {self.lines}"
        untold = [change.label for change in carried if change.lines is None]
        if truncated:
            untold.append(counted(truncated, "further commit"))
        return f"how many lines {listed(untold)} changed is not known" if untold else ""
