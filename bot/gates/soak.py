"""A build stays in the environment before for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from bot.gates.base import Open, Situation, Verdict, Waiting
from bot.gates.options import Duration, needs
from bot.gates.wording import spoken

SoakOption = Annotated[Duration | None, needs("{soak: 30m}")]


@dataclass(frozen=True)
class Soak:
    """Counted from this very build's own success there, also when another has replaced it since."""

    at_least: timedelta
    name: str = "soak"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Waiting without an end while it has not succeeded there: nobody knows when it will."""
        before, began_at = situation.staging.environment, situation.staging.succeeded_at
        if before is None:
            return Waiting(f"no environment comes before {situation.run.environment} where it could soak")
        if began_at is None:
            return Waiting(f"has not succeeded in {before} yet")
        ready_at = began_at + self.at_least
        if situation.now < ready_at:
            return Waiting(f"soaks in {before} for {spoken(self.at_least)}", until=ready_at)
        return Open(f"soaked in {before} for {spoken(self.at_least)}")
