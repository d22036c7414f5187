"""Where incidents and pages can stand, and what a severity means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"
    """It goes on as another one."""


class PageState(StrEnum):
    """Where a page stands."""

    SHADOW = "shadow"
    """It would have been: this service wakes nobody."""
    WANTED = "wanted"
    """It is on its way."""
    SENT = "sent"
    """It has left, and nobody has answered."""
    ANSWERED = "answered"
    """They said that they are on it."""
    PASSED_ON = "passed_on"
    """They said that it is not theirs: it went to somebody else."""
    UNANSWERED = "unanswered"
    """They did not answer: it went to somebody else."""
    DECLINED = "declined"
    """They said no at the pager."""
    FAILED = "failed"
    """It could not be sent; somebody else is woken for it."""
    OVER = "over"
    """The incident ended before they answered."""


WAITING = frozenset({PageState.WANTED.value, PageState.SENT.value})
"""Where a page stands that nobody has answered."""

GONE_ON = frozenset({PageState.PASSED_ON.value, PageState.UNANSWERED.value, PageState.DECLINED.value})
"""Where a page stands that went to somebody else."""


EXHAUSTED = "has nobody else to call"
"""``Page.reason`` of an escalation policy that has called everybody whom it names."""


class EntryKind(StrEnum):
    """What a line of the timeline is about."""

    ALERT = "alert"
    DEPLOY = "deploy"
    FLAG = "flag"
    PAGE = "page"
    ROLE = "role"
    STATUS = "status"
    MESSAGE = "message"
    TASK = "task"
    ACT = "act"
    """Opened, merged, resolved, reopened, another severity; what people said of a likely change."""


@dataclass(frozen=True)
class Severity:
    """What a severity means, and how often people are told how it stands."""

    number: int
    name: str
    meaning: str
    update_every: timedelta


SEVERITIES: Mapping[int, Severity] = {
    one.number: one
    for one in (
        Severity(1, "SEV1", "Customers cannot use us, or data is at risk.", timedelta(minutes=20)),
        Severity(2, "SEV2", "Many customers are badly affected.", timedelta(minutes=30)),
        Severity(3, "SEV3", "Some customers notice, or soon will.", timedelta(hours=1)),
        Severity(4, "SEV4", "Something is wrong that customers do not notice.", timedelta(hours=4)),
        Severity(5, "SEV5", "To be looked at in working hours.", timedelta(hours=24)),
    )
}  # fmt: skip
"""The plain table of severities (after PagerDuty's incident response documentation: 1 and 2 are major incidents)."""

USUAL_SEVERITY = 3
