"""No older build over a newer one, none past the environment before, nothing rolled back that is not mended."""

from __future__ import annotations

from dataclasses import dataclass

from bot.gates.base import Blocked, Open, Situation, Verdict, Waiting
from bot.gates.wording import UNREAD, listed
from bot.ports import Direction


@dataclass(frozen=True)
class Order:
    """The build contains what is live; only a declared rollback goes back (and is not judged by this gate)."""

    name: str = "order"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Where nothing is live yet, its gatherer says that the build is ahead."""
        run = situation.run
        match run.direction:
            case None:
                return Waiting(UNREAD)
            case Direction.IDENTICAL:
                return Blocked(f"this build is already live in {run.environment}")
            case Direction.BEHIND:
                return Blocked(f"older than what is live in {run.environment}: only a rollback goes back")
            case Direction.DIVERGED:
                return Blocked(
                    f"lacks changes that are live in {run.environment}: promote a build that has them, or roll back"
                )
            case Direction.AHEAD:
                return _ahead(situation)


def _ahead(situation: Situation) -> Verdict:
    run, before = situation.run, situation.staging
    if before.environment is not None and before.succeeded_at is None:
        return Waiting(f"has not succeeded in {before.environment} yet")
    back = [one.label for one in run.reentries if not one.answered]
    if not back:
        return Open(f"newer than what is live in {run.environment}")
    were, they = ("was", "it") if len(back) == 1 else ("were", "they")
    return Blocked(
        f"{listed(back)} {were} rolled back from {run.environment}: bring a fix, or say why {they} may go in again"
    )
