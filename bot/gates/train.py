"""Only with a train."""

from __future__ import annotations

from dataclasses import dataclass

from bot.gates.base import Open, Situation, Verdict


@dataclass(frozen=True)
class Train:
    """Open as long as no train is configured to carry a promotion."""

    name: str = "train"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Nothing departs yet, so nothing is waited for."""
        return Open("no train is configured")
