"""Whether an alert was there before a change: when the same one fired earlier, as our tables tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from bot.alerts.models import Alert
from bot.alerts.symptoms import Candidate, Symptom

FLAPS = timedelta(minutes=30)
"""An alert that ended by itself this shortly before a change went live was there without it."""

UNHEARD = timedelta(days=1)
"""An alert whose end was never told, and of which nothing was heard for this long, is taken to be over."""

LOOK_BACK = timedelta(days=7)
"""How far back earlier occurrences of an alert are looked for."""

PASSING = frozenset({
    "container", "container_id", "host", "hostname", "image", "instance", "ip", "node", "pod", "pod_name", "release",
    "replica", "severity", "version",
})  # fmt: skip
"""Labels that name where or in which build something ran: an alert with others of them is still the same."""

MOST_OCCURRENCES = 200
"""Earlier occurrences that are looked at, the latest first."""


@dataclass(frozen=True)
class Occurrence:
    """That the same alert fired before, and until when; ``ended`` is false where its end was never told."""

    began_at: datetime
    over_at: datetime
    ended: bool

    def speaks_against(self, candidate: Candidate, changed_at: Sequence[datetime]) -> bool:
        """Whether it fired when this went live, or ended shortly before without any change having ended it."""
        live = candidate.first_traffic_at
        if live is None or self.began_at >= live:
            return False
        if self.over_at >= live:
            return True
        helped = any(self.began_at <= at <= self.over_at for at in changed_at)
        return self.ended and not helped and self.over_at >= live - FLAPS


def with_alerts(one: Candidate, occurrences: Sequence[Occurrence], changed_at: Sequence[datetime]) -> Candidate:
    """The same with whether the alert was there before it."""
    before = [
        other for other in occurrences if one.first_traffic_at is not None and other.began_at < one.first_traffic_at
    ]
    return replace(
        one,
        fired_before=any(other.speaks_against(one, changed_at) for other in before),
        fired_lately=len(before),
    )


def occurrences_before(session: Session, symptom: Symptom) -> Sequence[Occurrence]:
    """When the same alerts fired before: of the same key, or of the same name and labels wherever it ran."""
    if not symptom.alerts:
        return ()
    present = session.exec(select(Alert).where(col(Alert.id).in_(symptom.alerts))).all()
    keys = {(alert.source, alert.fingerprint) for alert in present}
    named = {(alert.source, alert.name, alert.service, _lasting(alert)) for alert in present if alert.service}
    rows = session.exec(
        select(Alert)
        .where(
            or_(
                col(Alert.fingerprint).in_({fingerprint for _, fingerprint in keys}),
                and_(
                    col(Alert.service).in_({service for _, _, service, _ in named}),
                    col(Alert.name).in_({name for _, name, _, _ in named}),
                ),
            ),
            col(Alert.source).in_({source for source, _ in keys}),
            col(Alert.started_at).between(symptom.onset - LOOK_BACK, symptom.onset),
            col(Alert.id).not_in(symptom.alerts),
        )
        .order_by(col(Alert.started_at).desc(), col(Alert.id).desc())
        .limit(MOST_OCCURRENCES)
    ).all()
    return [
        Occurrence(alert.began_at, alert.resolved_at or alert.seen_at + UNHEARD, alert.resolved_at is not None)
        for alert in rows
        if (alert.source, alert.fingerprint) in keys
        or (alert.source, alert.name, alert.service, _lasting(alert)) in named
    ]


def _lasting(alert: Alert) -> frozenset[tuple[str, str]]:
    """Its labels without those that name where it ran."""
    return frozenset((key, value) for key, value in (alert.labels or {}).items() if key.casefold() not in PASSING)
