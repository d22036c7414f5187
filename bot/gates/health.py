"""Nothing ships onto a service that is on fire."""

from __future__ import annotations

from dataclasses import dataclass

from bot.gates.base import Open, Situation, Verdict, Waiting
from bot.gates.wording import listed


@dataclass(frozen=True)
class Health:
    """No alert fires on the service."""

    name: str = "health"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Waiting until every one of them is over, which nobody can foretell."""
        firing = sorted(situation.alerts, key=lambda alert: (alert.since, alert.name))
        if not firing:
            return Open("no alert fires")
        names = tuple(dict.fromkeys(alert.name for alert in firing))
        return Waiting(
            f"{'the alert' if len(names) == 1 else 'the alerts'} {listed(names)} "
            f"{'fires' if len(names) == 1 else 'fire'}"
        )
