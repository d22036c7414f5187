"""A symptom of the oven, an hour before which changes went live: what tests of likely changes are told in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.alerts.suspects import Attribution, Candidate, Confidence, Symptom, attribute

ONSET = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW, OLD, OTHER = "a1b2c3d" + "0" * 33, "9f8e7d6" + "0" * 33, "5c5c5c5" + "0" * 33


def before(minutes: float) -> datetime:
    """So many minutes before the symptom began."""
    return ONSET - timedelta(minutes=minutes)


def symptom(**said: Any) -> Symptom:
    """The oven's production fails; it depends on the mill, and that on the farm."""
    lags, paths = said.pop("lags", 0), said.pop("paths", ())
    about: dict[str, Any] = {
        "service": "oven", "environment": "production", "onset": ONSET,
        "dependencies": {"oven": 0, "mill": 1, "farm": 2}, "stacks": (paths,) if paths else (),
    }  # fmt: skip
    return Symptom(**{**about, "onset_earliest": before(lags), **said})


def rollout(live: float | None = 12, finished: float | None = 10, **said: Any) -> Candidate:
    """A rollout of the oven that had traffic and was finished so many minutes before the symptom began.

    Minutes before it, too: when a newer build had replaced it (``replaced``), when it was out again (``ended``).
    """
    ended, replaced = said.pop("ended", None), said.pop("replaced", None)
    subject = said.get("subject", 1)
    about: dict[str, Any] = {
        "subject": 1, "service": "oven", "environment": "production",
        "sha": NEW if subject == 1 else f"{subject:07x}{'d' * 33}", "previous_sha": OLD,
        "began_at": before(20 if live is None else live + 1), "changes": 1, "additions": 20, "deletions": 5,
    }  # fmt: skip
    return Candidate(
        **{
            **about,
            "first_traffic_at": None if live is None else before(live),
            "finished_at": None if finished is None else before(finished),
            "replaced_at": None if replaced is None else before(replaced),
            "ended_live_at": None if ended is None else before(ended),
            **said,
        }
    )


def flag(turned: float, **said: Any) -> Candidate:
    """A flag of the oven that was turned so many minutes before the symptom began."""
    about: dict[str, Any] = {"kind": "flag", "subject": 9, "called": "crust", "sha": "", "previous_sha": None}
    return rollout(turned, turned, **{**about, "changes": 0, "additions": None, "deletions": None, **said})


def ask(*candidates: Candidate, of: Symptom | None = None, window: timedelta = HOUR) -> Attribution:
    """What is found among these."""
    return attribute(of or symptom(), candidates, window)


PLAIN = symptom()
"""It fails, and nothing more is told."""

HIGH, MEDIUM, LOW, NONE = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW, Confidence.NONE
MILL, FARM = rollout(service="mill", subject=2), rollout(service="farm", subject=3)
SECOND = rollout(30, 28, replaced=10, subject=2, sha=OLD, previous_sha=OTHER)
MILL_TOO = rollout(service="mill", subject=4)
