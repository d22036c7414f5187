"""Nothing ships onto a service that is on fire."""

from __future__ import annotations

from dataclasses import dataclass

from bot.gates.base import AlertFact, Open, Situation, Verdict, Waiting
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
        names = tuple(dict.fromkeys(_named(alert, situation.run.environment) for alert in firing))
        return Waiting(
            f"{'the alert' if len(names) == 1 else 'the alerts'} {listed(names)} "
            f"{'fires' if len(names) == 1 else 'fire'}"
        )


def _named(alert: AlertFact, environment: str) -> str:
    """What it is called; with where it fires, where that is not what is promoted to but what comes before."""
    elsewhere = alert.environment is not None and alert.environment.casefold() != environment.casefold()
    return f"{alert.name} (in {alert.environment})" if elsewhere else alert.name
