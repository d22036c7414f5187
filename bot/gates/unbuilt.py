"""Gates that a policy may name already; until they are built each of them is closed, never ignored."""

from __future__ import annotations

from dataclasses import dataclass

from bot.gates.base import Blocked, Situation, Verdict

UNBUILT = ("risk", "hours", "ready")
"""Their names."""


@dataclass(frozen=True)
class Unbuilt:
    """One of UNBUILT."""

    name: str

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Closed: whoever asked for it must not believe it is held."""
        return Blocked(f"{self.name} is not built yet")
