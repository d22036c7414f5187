"""Checks that must have passed on the build, by name: check runs, workflow runs, or what was sent to the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bot.gates.base import Blocked, CheckFact, Open, Situation, Verdict, Waiting
from bot.gates.options import Names, needs
from bot.gates.wording import listed

SmokeOption = Annotated[Names | None, needs("{smoke: [e2e]}")]


@dataclass(frozen=True)
class Smoke:
    """Every one of these checks has passed; names are compared as they are written."""

    checks: tuple[str, ...]
    name: str = "smoke"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """One that failed is for somebody to mend; one that runs, or was never heard of, is waited for."""
        found = {check: _present(situation.checks, check) for check in self.checks}
        failed = [check for check, fact in found.items() if fact is not None and fact.passed is False]
        running = [check for check, fact in found.items() if fact is not None and fact.passed is None]
        unheard = [check for check, fact in found.items() if fact is None]
        if failed:
            return Blocked(f"{listed(failed)} failed")
        waits = []
        if running:
            waits.append(f"{listed(running)} {'has' if len(running) == 1 else 'have'} not finished")
        if unheard:
            waits.append(f"{listed(unheard)} {'has' if len(unheard) == 1 else 'have'} not reported")
        return Waiting("; ".join(waits)) if waits else Open(f"{listed(list(found))} passed")


def _present(checks: tuple[CheckFact, ...], name: str) -> CheckFact | None:
    """The latest word on a check; of two at the same instant the worse."""
    said = [check for check in checks if check.name == name]
    return max(said, key=lambda check: (check.at, check.passed is False, check.passed is None), default=None)
