"""How often the first of the likely changes is the cause, and how often somebody would be woken for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.alerts.suspects import Attribution, Confidence, attribute
from tests.evaluation.history import Fired, History
from tests.evaluation.telling import WINDOW, Told

Name = tuple[str, int]


@dataclass
class Score:
    """What one way of naming changes came to."""

    alerts: int = 0
    caused: int = 0
    """Alerts that came from a change that we are told of."""
    named: int = 0
    """Alerts for which anything was named."""
    first: int = 0
    """Those whose first was the cause …"""
    among: int = 0
    """… and those whose first three had it."""
    rightly_none: int = 0
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, alert: Fired, named: Sequence[Name]) -> None:
        """Count an answer."""
        self.alerts += 1
        self.named += bool(named)
        self.by_kind[alert.kind, "alerts"] += 1
        if alert.culprit is None:
            right = not named
            self.rightly_none += right
        else:
            self.caused += 1
            right = named[:1] == [alert.culprit]
            self.first += right
            self.among += alert.culprit in named[:3]
        self.by_kind[alert.kind, "right"] += right

    @property
    def precision_at_1(self) -> float:
        """Of the answers that name something, the share whose first is the cause."""
        return self.first / max(self.named, 1)

    @property
    def precision_at_3(self) -> float:
        """Of the answers that name something, the share that has the cause among the first three."""
        return self.among / max(self.named, 1)

    @property
    def found_at_1(self) -> float:
        """Of the alerts that came from a change, the share whose first is the cause."""
        return self.first / max(self.caused, 1)

    @property
    def found_at_3(self) -> float:
        """Of the alerts that came from a change, the share that has it among the first three."""
        return self.among / max(self.caused, 1)

    @property
    def none_right(self) -> float:
        """Of the alerts that came from none, the share that is told so."""
        return self.rightly_none / max(self.alerts - self.caused, 1)


@dataclass
class Class:
    """How often the first change named on such grounds was not the cause."""

    answers: int = 0
    wrong: int = 0

    @property
    def rate(self) -> float:
        """The share that was wrong."""
        return self.wrong / max(self.answers, 1)

    def add(self, *, right: bool) -> None:
        """Count an answer."""
        self.answers += 1
        self.wrong += not right


@dataclass
class Result:
    """The rule's score, the baselines', and what each class of evidence is worth."""

    ours: Score = field(default_factory=Score)
    baselines: dict[str, Score] = field(default_factory=dict)
    classes: dict[tuple[Confidence, str], Class] = field(default_factory=dict)
    pages: Class = field(default_factory=Class)
    """Every author who would have been woken, also by an answer that was given up later."""

    def of(self, confidence: Confidence) -> Class:
        """All classes of one confidence together."""
        found = [one for (level, _), one in self.classes.items() if level is confidence]
        return Class(sum(one.answers for one in found), sum(one.wrong for one in found))


BASELINES: dict[str, tuple[bool, timedelta | None]] = {
    "latest deploy of that service": (False, None),
    "… if it was within the hour": (False, WINDOW),
    "latest deploy of any": (True, timedelta(days=2)),
}
"""What is named instead, and how far back it looks; of all services, some is always within two days."""


SAME_INCIDENT = timedelta(minutes=30)
"""Alerts of a service that follow each other this closely are one incident."""


def answered(told: Told, alert: Fired, by: datetime) -> Attribution:
    """The rule's answer with what was told by then."""
    return attribute(told.symptom(alert, by), told.candidates(alert, by), WINDOW)


def named_by(answer: Attribution) -> list[Name]:
    """What it names, the surest first."""
    return [(one.candidate.kind, one.candidate.subject) for one in answer.suspects]


def scored(histories: Sequence[History]) -> Result:
    """Every alert, asked about when it arrives and whenever a late report makes the bot look again.

    The last answer counts. A class of evidence counts a change once for an incident, as nobody is woken twice for one:
    the alerts of a service of which none fires more than half an hour after the one before was over.
    """
    result = Result(baselines={name: Score() for name in BASELINES})
    for history in histories:
        told, incidents = Told(history), _Incidents()
        for alert in history.alerts:
            _score(result, told, alert, incidents)
    return result


class _Incidents:
    """Which changes were named already for what goes on at a service."""

    def __init__(self) -> None:
        self._over: dict[str, datetime] = {}
        self._named: dict[str, set[object]] = {}

    def alert(self, alert: Fired) -> None:
        """One more alert: of the same incident as the one before, or of the next."""
        before = self._over.get(alert.service)
        if before is None or alert.fired_at > before + SAME_INCIDENT:
            self._named[alert.service] = set()
        self._over[alert.service] = max(before or alert.over_at, alert.over_at)

    def first_time(self, alert: Fired, what: object) -> bool:
        """Whether this is new for the incident; from now on it is not."""
        known = self._named[alert.service]
        new = what not in known
        known.add(what)
        return new


def _score(result: Result, told: Told, alert: Fired, incidents: _Incidents) -> None:
    incidents.alert(alert)
    last, answer = alert.arrived_at, answered(told, alert, alert.arrived_at)
    for by in (None, *told.late(alert)):
        if by is not None:
            last, answer = by, answered(told, alert, by)
        if answer.confidence is Confidence.HIGH:
            woken = named_by(answer)[0]
            if incidents.first_time(alert, ("woken", woken)):
                result.pages.add(right=woken == alert.culprit)
    names = named_by(answer)
    result.ours.add(alert, names)
    if names and incidents.first_time(alert, ("named", answer.confidence, names[0])):
        key = answer.confidence, answer.suspects[0].grounds.value
        result.classes.setdefault(key, Class()).add(right=names[0] == alert.culprit)
    for baseline, (of_any, within) in BASELINES.items():
        result.baselines[baseline].add(alert, told.latest(alert, last, of_any=of_any, within=within))
