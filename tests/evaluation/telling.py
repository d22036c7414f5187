"""What a bot knows of a generated history at some instant, by the reports that had arrived.

It is written apart from ``bot.alerts.gathering``, which reads the same from tables: ``tables.py`` shows that they
agree.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.alerts.gathering import distances
from bot.alerts.suspects import Candidate, Symptom
from bot.catalog import Catalog, Service
from tests.evaluation.company import minutes
from tests.evaluation.history import Fired, History, Rolled, Turned

WINDOW = timedelta(hours=1)
PLACE = "production"


def catalog_of(history: History) -> Catalog:
    """The company's shipmate.yml."""
    return Catalog(
        default_channel="#deploys",
        unknown=Service(name="unknown", channel="#deploys", known=False),
        services={
            made.name: Service(
                name=made.name, channel="#deploys", repo=f"acme/{made.name}", environments=(PLACE,),
                depends_on=made.depends_on,
            )
            for made in history.services.values()
        },
    )  # fmt: skip


class Told:
    """A history as it is told bit by bit."""

    def __init__(self, history: History) -> None:
        self.history, self.catalog = history, catalog_of(history)
        self._rolled: dict[str, list[Rolled]] = {name: [] for name in history.services}
        self._turned: dict[str, list[Turned]] = {name: [] for name in history.services}
        self._fired: dict[str, list[Fired]] = {name: [] for name in history.services}
        for rollout in history.rollouts:
            self._rolled[rollout.service].append(rollout)
        for flag in history.flags:
            self._turned[flag.service].append(flag)
        for alert in history.alerts:
            self._fired[alert.service].append(alert)
        self._distances = {name: dict(distances(self.catalog, (name,))) for name in history.services}

    def symptom(self, alert: Fired, by: datetime) -> Symptom:
        """What an alert tells, with what else fired by then."""
        together = {
            other.service
            for other in self._between(alert.fired_at - minutes(40), by)
            if abs(other.fired_at - alert.onset) <= minutes(10) and other.service != alert.service
        }
        apart = [name for name in together if alert.service not in self._distances[name]]
        return Symptom(
            service=alert.service,
            environment=PLACE,
            onset=alert.onset,
            onset_earliest=alert.onset,
            versions=frozenset({alert.version} if alert.version else ()),
            stacks=(alert.paths,) if alert.paths else (),
            dependencies=self._distances[alert.service],
            storm=len(apart) >= 3,
            failing=frozenset(name for name in apart if name in self._distances[alert.service]),
        )

    def candidates(self, alert: Fired, by: datetime) -> Sequence[Candidate]:
        """Every rollout and flag of the service and of what it depends on, as far as it was told by then."""
        found: list[Candidate] = []
        for name in self._distances[alert.service]:
            lately = self._lately(name, alert)
            known = [one for one in (_as_told(rollout, by) for rollout in lately) if one is not None]
            found += [_replaced(one, known) for one in known if one.began_at >= alert.onset - timedelta(days=2)]
            found += self._flags(name, alert, by)
        own = [
            one.first_traffic_at
            for one in found
            if one.service == alert.service and one.first_traffic_at is not None and one.first_traffic_at <= alert.onset
        ]
        earlier = [
            other
            for other in self._fired[alert.service]
            if other.arrived_at < alert.arrived_at and other.fired_at >= alert.onset - timedelta(days=7)
        ]
        return [_with_alerts(one, alert, earlier, own) for one in found]

    def latest(self, alert: Fired, by: datetime, *, of_any: bool, within: timedelta | None) -> list[tuple[str, int]]:
        """The latest rollouts that had gone live by the onset, the baselines' answer, the last one first."""
        names: Iterable[str] = self._rolled if of_any else (alert.service,)
        known = [_as_told(rollout, by) for name in names for rollout in self._near(name, alert, within)]
        live = [
            (one.first_traffic_at, one.subject)
            for one in known
            if one is not None and one.first_traffic_at is not None and one.first_traffic_at <= alert.onset
        ]
        return [("deploy", subject) for _, subject in sorted(live, reverse=True)[:3]]

    def late(self, alert: Fired) -> list[datetime]:
        """When reports arrived that make it look again: of rollouts of these services that were live before."""
        return sorted(
            {
                arrival
                for name in self._distances[alert.service]
                for rollout in self._near(name, alert, timedelta(hours=3))
                for arrival, _, at, _ in rollout.reports
                if at <= alert.onset and alert.arrived_at < arrival <= alert.arrived_at + timedelta(hours=1)
            }
        )

    def _near(self, name: str, alert: Fired, within: timedelta | None) -> list[Rolled]:
        rollouts = self._rolled[name]
        since = bisect_left(rollouts, alert.onset - (within or timedelta(days=14)), key=lambda one: one.began_at)
        return rollouts[since : bisect_left(rollouts, alert.onset, key=lambda one: one.began_at)]

    def _between(self, since: datetime, by: datetime) -> Iterable[Fired]:
        alerts = self.history.alerts
        first = bisect_left(alerts, since, key=lambda one: one.arrived_at)
        return alerts[first : bisect_right(alerts, by, key=lambda one: one.arrived_at)]

    def _lately(self, name: str, alert: Fired) -> list[Rolled]:
        """Rollouts of a service that began until the alert, down to a few that were over days before it."""
        rollouts = self._rolled[name]
        since = bisect_left(rollouts, alert.onset - timedelta(days=2), key=lambda one: one.began_at)
        until = bisect_left(rollouts, alert.arrived_at, key=lambda one: one.began_at)
        return rollouts[max(since - 5, 0) : until]

    def _flags(self, name: str, alert: Fired, by: datetime) -> list[Candidate]:
        known = [
            flag
            for flag in self._turned[name]
            if flag.at + timedelta(seconds=5) <= by and flag.at > alert.onset - timedelta(hours=3)
        ]
        found = []
        for flag in known:
            again = [other.at for other in known if other.flag == flag.flag and other.at > flag.at]
            found.append(
                Candidate(
                    kind="flag", subject=flag.number, service=name, environment=PLACE, called=flag.flag,
                    began_at=flag.at, first_traffic_at=flag.at, finished_at=flag.at,
                    ended_live_at=min(again, default=None),
                )
            )  # fmt: skip
        return found


def _as_told(rollout: Rolled, by: datetime) -> Candidate | None:
    """A rollout as its reports until then tell of it, None where there was none."""
    told = [(status, at, percent) for arrival, status, at, percent in rollout.reports if arrival <= by]
    if not told:
        return None
    ended = next(((status, at) for status, at, _ in told if status in ("succeeded", "failed")), None)
    progress = [at for status, at, _ in told if status == "in_progress"]
    succeeded = ended is not None and ended[0] == "succeeded"
    instants = progress + ([ended[1]] if ended is not None and succeeded else [])
    return Candidate(
        subject=rollout.number,
        service=rollout.service,
        environment=PLACE,
        began_at=rollout.began_at,
        first_traffic_at=min(instants, default=None),
        finished_at=ended[1] if ended is not None else None,
        failed=ended is not None and not succeeded,
        steps=tuple((at, percent) for _, at, percent in told if percent is not None),
        sha=rollout.sha,
        versions=frozenset({rollout.sha, rollout.tag}),
        paths=rollout.paths,
        additions=rollout.additions,
        deletions=rollout.deletions,
        labels=rollout.labels,
        rollback=rollout.rollback,
        revert=rollout.revert,
        changes=rollout.changes,
    )


def _replaced(one: Candidate, known: Sequence[Candidate]) -> Candidate:
    """The same with when something newer had replaced it, and when that had gone back behind it."""
    last = one.finished_at or max((at for at, _ in one.steps), default=one.first_traffic_at)
    newer = [
        other
        for other in known
        if other.finished_at is not None and not other.failed and other.subject != one.subject
        and last is not None and other.finished_at > last and (one.finished_at or other.began_at > one.began_at)
        and (other.sha != one.sha or one.finished_at is None)
    ]  # fmt: skip
    ran = [
        other
        for other in known
        if other.finished_at is not None and not other.failed and other.subject != one.subject and _precedes(other, one)
    ]
    previous = max(ran, key=lambda other: other.finished_at or other.began_at, default=None)
    another = previous is not None and previous.sha != one.sha
    return _but(
        one,
        replaced_at=min((other.finished_at for other in newer if other.finished_at is not None), default=None),
        ended_live_at=_taken_out_at(one, known, previous.sha if previous is not None and another else None),
        previous_sha=previous.sha if previous is not None and another else None,
        previous_versions=previous.versions if previous is not None and another else frozenset(),
        again=previous is not None and not another,
    )


def _taken_out_at(one: Candidate, known: Sequence[Candidate], previous: str | None) -> datetime | None:
    """When something had gone back behind it, to what had not come again in between."""
    since = one.finished_at or one.began_at
    later = sorted(
        (other.finished_at, other.subject, other)
        for other in known
        if other.subject != one.subject and other.finished_at is not None and not other.failed
        and other.finished_at > since and other.began_at > one.began_at
    )  # fmt: skip
    came: set[str] = set()
    for at, _, other in later:
        if other.sha != one.sha and (other.rollback or other.sha == previous) and other.sha not in came:
            return at
        came.add(other.sha)
    return None


def _precedes(other: Candidate, one: Candidate) -> bool:
    """Whether that ran before: of a live one what was live before, else what had begun before."""
    if one.finished_at is not None and not one.failed:
        return other.finished_at is not None and other.finished_at < one.finished_at
    return other.began_at < one.began_at


def _with_alerts(one: Candidate, alert: Fired, earlier: Sequence[Fired], own: Sequence[datetime]) -> Candidate:
    """The same with whether something was wrong before it."""
    live = one.first_traffic_at
    if live is None:
        return one
    same = [other for other in earlier if other.key == alert.key]
    week = [other for other in same if other.onset < live]
    back, out = one.rollback or one.revert, one.ended_live_at
    ended = {other.number for other in same if other.over_at <= alert.arrived_at}
    going_on = {
        other.number
        for other in same
        if other.number not in ended
        or other.over_at > alert.onset
        or (not back and other.over_at + minutes(5) > alert.onset)
    }
    there = [other for other in week if other.over_at >= live]
    gone = [
        other
        for other in week
        if other.number in ended and live - minutes(30) <= other.over_at < live
        and not any(other.onset <= at <= other.over_at for at in own)
    ]  # fmt: skip
    others = any(
        other.key != alert.key and live - timedelta(hours=3) <= other.onset < live <= other.over_at for other in earlier
    )
    return _but(
        one,
        fired_before=any(other.number in going_on for other in there),
        fires_again=bool(there or gone),
        over_without=out is not None
        and any(live <= other.onset <= out <= other.over_at and other.number in ended for other in same),
        fired_lately=len(week),
        failing_already=others,
    )


def _but(one: Candidate, **other: object) -> Candidate:
    said: Mapping[str, object] = {name: getattr(one, name) for name in one.__dataclass_fields__}
    return Candidate(**{**said, **other})  # type: ignore[arg-type]
