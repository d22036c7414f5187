"""Whether something was wrong before a change already: which alerts fired earlier, as our tables tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from bot.alerts.models import Alert
from bot.alerts.symptoms import Candidate, Symptom
from bot.events import AlertLevel

FLUTTERS = timedelta(minutes=5)
"""An alert that fires again within this time is taken not to have ended: its value is about its threshold."""

FLAPS = timedelta(minutes=30)
"""An alert that ended by itself this shortly before a change went live was there without it."""

UNHEARD = timedelta(days=1)
"""An alert whose end was never told, and of which nothing was heard for this long, is taken to be over."""

UNWELL = timedelta(hours=3)
"""Another alert that began this shortly before a change, and was firing when it went live, is one more incident's."""

LATELY = timedelta(hours=6)
"""How far back other alerts of a service are read: those of ``UNWELL`` before whatever went live lately."""

LOOK_BACK = timedelta(days=7)
"""How far back earlier occurrences of an alert are looked for."""

PASSING = frozenset({
    "container", "container_id", "host", "hostname", "image", "instance", "ip", "node", "pod", "pod_name", "release",
    "replica", "severity", "version",
})  # fmt: skip
"""Labels that name where or in which build something ran: an alert with others of them is still the same."""

MOST_OCCURRENCES = 200
"""Earlier occurrences that are looked at, the latest first."""

_SLIGHT = frozenset({AlertLevel.WARNING.value, AlertLevel.INFO.value})


@dataclass(frozen=True)
class Occurrence:
    """That an alert fired before, and until when; ``ended`` is false where its end was never told.

    ``same``: it is the same alert as the one in question, else another grave one of the service.
    """

    began_at: datetime
    over_at: datetime
    ended: bool
    same: bool

    def was_there(self, candidate: Candidate) -> bool:
        """Whether it fired when this went live."""
        live = candidate.first_traffic_at
        return live is not None and self.began_at < live <= self.over_at

    def ended_by_itself(self, candidate: Candidate, changed_at: Sequence[datetime]) -> bool:
        """Whether it ended shortly before this went live, without any change having ended it."""
        live = candidate.first_traffic_at
        helped = any(self.began_at <= at <= self.over_at for at in changed_at)
        return live is not None and self.ended and not helped and live - FLAPS <= self.over_at < live

    def goes_on(self, candidate: Candidate, onset: datetime) -> bool:
        """Whether what began at ``onset`` is no other symptom than this: it had not ended, or only for a moment.

        What went live to end it, as a rollback or a revert does, and did end it, begins another one.
        """
        if not self.ended or self.over_at > onset:
            return True
        return self.over_at + FLUTTERS > onset and not (candidate.rollback or candidate.revert)

    def ended_without(self, candidate: Candidate) -> bool:
        """Whether it fired while this was live, and ended once what this brought was out."""
        live, out = candidate.first_traffic_at, candidate.ended_live_at
        return self.ended and live is not None and out is not None and live <= self.began_at <= out <= self.over_at


def with_alerts(
    one: Candidate, occurrences: Sequence[Occurrence], changed_at: Sequence[datetime], onset: datetime
) -> Candidate:
    """The same with whether the alert was there before it."""
    live = one.first_traffic_at
    before = [other for other in occurrences if live is not None and other.began_at < live]
    same = [other for other in before if other.same]
    return replace(
        one,
        fired_before=any(other.was_there(one) and other.goes_on(one, onset) for other in same),
        fires_again=any(other.was_there(one) or other.ended_by_itself(one, changed_at) for other in same),
        over_without=any(other.same and other.ended_without(one) for other in occurrences),
        fired_lately=len(same),
        failing_already=any(
            live is not None and live - UNWELL <= other.began_at and live <= other.over_at
            for other in before
            if not other.same
        ),
    )


def occurrences_before(session: Session, symptom: Symptom) -> Sequence[Occurrence]:
    """When the same alerts fired before, and lately others of their services that are as grave.

    The same are those of one key, or of one name and with the same labels wherever they ran.
    """
    if not symptom.alerts:
        return ()
    present = session.exec(select(Alert).where(col(Alert.id).in_(symptom.alerts))).all()
    keys = {(alert.source, alert.fingerprint) for alert in present}
    services = {alert.service for alert in present if alert.service is not None}
    named = {(alert.source, alert.name, alert.service, _lasting(alert)) for alert in present if alert.service}
    rows = session.exec(
        select(Alert)
        .where(
            or_(
                and_(
                    col(Alert.source).in_({source for source, _ in keys}),
                    col(Alert.fingerprint).in_({fingerprint for _, fingerprint in keys}),
                ),
                and_(col(Alert.service).in_(services), col(Alert.name).in_({name for _, name, _, _ in named})),
                and_(col(Alert.service).in_(services), col(Alert.started_at) >= symptom.onset - LATELY),
            ),
            col(Alert.started_at).between(symptom.onset - LOOK_BACK, symptom.onset),
            col(Alert.id).not_in(symptom.alerts),
        )
        .order_by(col(Alert.started_at).desc(), col(Alert.id).desc())
        .limit(MOST_OCCURRENCES)
    ).all()
    found = []
    for alert in rows:
        same = (alert.source, alert.fingerprint) in keys or (
            (alert.source, alert.name, alert.service, _lasting(alert)) in named
        )
        if same or alert.level not in _SLIGHT:
            over = alert.resolved_at or alert.seen_at + UNHEARD
            found.append(Occurrence(alert.began_at, over, alert.resolved_at is not None, same))
    return found


def _lasting(alert: Alert) -> frozenset[tuple[str, str]]:
    """Its labels without those that name where it ran."""
    return frozenset((key, value) for key, value in (alert.labels or {}).items() if key.casefold() not in PASSING)
