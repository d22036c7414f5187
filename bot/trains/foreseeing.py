"""What a change that goes by train may expect, from what is recorded: its departure, and when it is there.

Who is aboard of what is sealed is read from there. Before that the same rule that will seal says whether anything keeps
the change off (``boarding.board``), and the service's own history when it is through (``forecast``). Nothing is written
but that whoever was told is shown it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from bot import outbox, people
from bot.catalog import Service, Train
from bot.departures.models import Departure, Passenger, TrainRow
from bot.departures.states import PassengerState, State
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange, Target
from bot.deploys.views import AboutView, OnwardView, PersonView, Seat, StageView
from bot.events import DeployStatus
from bot.gates import Soak
from bot.locks import service as locks
from bot.outbox import Card
from bot.promotions import finding
from bot.promotions.gathering import environment_before
from bot.timetable import Departs
from bot.trains import gathering, history
from bot.trains.boarding import Candidate, Left, board
from bot.trains.forecast import Forecast, Frozen, History, Way, When, arrives_after, catches, forecast, slowest
from bot.trains.words import held_words

MOST_SHOWN = 50
"""Changes that are shown again when something keeps their train, the latest: older ones wait for their own news."""

YOUNG = timedelta(minutes=30)
"""For how long after a build came to the environment before, checks that have not reported are taken to be running."""

_ABOARD_OF = (
    select(Passenger, Departure, TrainRow.name)
    .join(Departure, col(Passenger.departure) == col(Departure.id))
    .join(TrainRow, col(Departure.train) == col(TrainRow.id))
    .where(
        Passenger.change == bindparam("of_change"),
        Passenger.service == bindparam("of_service"),
        Passenger.state == PassengerState.ABOARD.value,
        Departure.state != State.CLOSED.value,
    )
    .order_by(col(Departure.scheduled_at).desc())
    .limit(1)
)
_SEALED_UNTIL = select(TrainRow.reckoned_until).where(TrainRow.name == bindparam("of_name"))


def onward(
    session: Session, desk: Desk, change: Change, stages: Sequence[StageView],
    *, reader: str | None = None, authors: Sequence[PersonView] = (),
) -> tuple[OnwardView, ...]:  # fmt: skip
    """How a change goes on by train, for each of its services that has not arrived; none where no train carries it.

    Its soak's end is held against the working hours of ``reader`` (a Slack id), else of the first of ``authors`` that
    is known.
    """
    whose = next((one for one in authors if one.slack_id is not None), None) if reader is None else None
    found = []
    for owner, train, environment in _carried(desk, change, stages):
        before = _status_in(owner, environment_before(owner, environment), stages)
        rolls = _status_in(owner, environment, stages) is DeployStatus.IN_PROGRESS
        view = _Ride(session, desk, change, owner, train, environment, before, rolls).view()
        if view is None:
            continue
        slack_id = reader or (whose.slack_id if whose is not None else None)
        if view.soak_ends_at is not None and slack_id is not None:
            within = people.hours_of(session, desk.catalog, slack_id).at(view.soak_ends_at)
            view = replace(view, in_hours=within, whose=whose)
        found.append(view)
    return tuple(found)


def goes_by_train(desk: Desk, change: Change) -> bool:
    """Whether a train carries any of the services that a change just merged is known to belong to."""
    return next(_carried(desk, change, ()), None) is not None


def show_again(session: Session, desk: Desk, service: str, environment: str, now: datetime) -> None:
    """Something about where a train goes has changed: the cards of whoever waits for it are shown anew.

    An edit wakes nobody, and one that says the same is not sent.
    """
    if desk.catalog.train_of(service, environment) is None:
        return
    owner = desk.catalog.service(service)
    before = environment_before(owner, environment)
    here = finding.target_called(session, owner.name, before) if before is not None else None
    there = finding.target_called(session, owner.name, environment)
    came_here, came_there = (_arrived(target) for target in (here, there))
    waiting = session.exec(
        select(Change.id)
        .where(
            or_(col(Change.repo) == owner.repo, col(Change.id).in_(came_here)),
            col(Change.merged_at) > now - gathering.REMEMBERED,
            col(Change.id).not_in(came_there),
        )
        .order_by(col(Change.merged_at).desc())
        .limit(MOST_SHOWN)
    ).all()
    cards = session.exec(
        select(Card).where(Card.kind == "change", col(Card.subject).in_([str(one) for one in waiting]))
    ).all()
    for card in cards:
        outbox.touch_card(session, card.kind, card.subject, card.place, now)


# --- inside -------------------------------------------------------------------------------------------------------


def _carried(desk: Desk, change: Change, stages: Sequence[StageView]) -> Iterator[tuple[Service, Train, str]]:
    """Each of its services with the first train that it has not arrived by, and where that goes.

    Which of several services of one repository it belongs to is known by its paths, or once a rollout carries it.
    """
    names = tuple(dict.fromkeys(stage.service for stage in stages))
    owners = [desk.catalog.service(name) for name in names]
    if not owners:
        owners = [owner for owner in desk.catalog.services_of(change.repo) if owner.owns(change.paths)]
        if len(owners) > 1 and change.paths is None:
            return
    arrived = {
        (stage.service, stage.environment)
        for stage in stages
        if not stage.left and stage.status is DeployStatus.SUCCEEDED
    }
    for owner in owners:
        for environment in owner.environments:
            train = desk.catalog.train_of(owner.name, environment)
            if train is not None and (owner.name, environment) not in arrived:
                yield owner, train, environment
                break


def _status_in(owner: Service, environment: str | None, stages: Sequence[StageView]) -> DeployStatus | None:
    """How the change fares in an environment; None where it was never on its way there."""
    return next((one.status for one in stages if (one.service, one.environment) == (owner.name, environment)), None)


@dataclass(frozen=True)
class _Ride:
    """One change's way by one train, as far as it is recorded."""

    session: Session
    desk: Desk
    change: Change
    owner: Service
    train: Train
    environment: str
    status_before: DeployStatus | None
    rolls: bool
    """Whether it is rolling out there already."""

    def view(self) -> OnwardView | None:
        """What it may expect; None where nothing is known of it that the train could take."""
        aboard = self.session.exec(
            _ABOARD_OF, params={"of_change": self.change.id, "of_service": self.owner.name}
        ).first()
        if aboard is not None:
            _, departure, name = aboard
            return self._sealed(departure, name)
        before = environment_before(self.owner, self.environment)
        if before is None or self.change.merged_at is None or self.rolls:
            return None
        return self._expected(before, self.change.merged_at)

    def _sealed(self, departure: Departure, name: str) -> OnwardView:
        """It is aboard of a departure whose list is closed."""
        seat = {State.HELD: Seat.HELD, State.DEPARTED: Seat.GONE}.get(departure.standing, Seat.SEALED)
        reason = held_words(departure) if seat is Seat.HELD else departure.stopped_reason
        stopped = seat is Seat.HELD or reason is not None or departure.returning_at is not None
        if departure.returning_at is not None:
            reason = "what it brought is taken back"
        leaves = departure.departed_at or departure.scheduled_at
        live = None if stopped else arrives_after(self._way(departure.stages, History()), leaves)
        if live is not None and live.latest < self.desk.now:
            live = None  # it takes longer than it usually does: nobody can tell how long
        return OnwardView(
            service=self.owner.name, environment=self.environment, train=name, seat=seat,
            departs_at=departure.scheduled_at, reason=reason, live=_about(live), zone=departure.zone,
        )  # fmt: skip

    def _expected(self, before: str, merged_at: datetime) -> OnwardView | None:
        """Its departure is not sealed yet: it catches one, or something keeps it off."""
        now = self.desk.now
        here = finding.target_called(self.session, self.owner.name, before)
        here_id = here.id if here is not None else None
        staged_at = history.arrived_at(self.session, here_id, self.change.id or 0)
        arrivals = history.arrivals(self.session, here_id, now) if staged_at is None else History()
        way = self._way(self.train.stages, arrivals)
        sealed_until = self.session.exec(_SEALED_UNTIL, params={"of_name": self.train.name}).first()
        frozen = self._frozen()
        told = forecast(
            self.train, way, now, merged_at=merged_at, staged_at=staged_at, sealed_until=sealed_until, frozen=frozen
        )
        after = max(now, sealed_until or now)
        departs = told.departs or catches(self.train, now, now, after, frozen)[0]
        kept = self._kept_off(departs, staged_at) if departs is not None else None
        if kept is _UNHEARD:
            return None
        view = OnwardView(
            service=self.owner.name,
            environment=self.environment,
            train=self.train.name,
            seat=Seat.EXPECTED,
            before=before,
            departs_at=departs.at if departs is not None else None,
            frozen_at=told.passed_over[0].departs.at if told.passed_over else None,
            frozen_by=told.passed_over[0].reason if told.passed_over else None,
            zone=self.train.zone.key,
        )
        if departs is not None and kept is not None and self._comes_yet(kept, staged_at):
            return replace(_with_times(view, told, way.soak, staged_at, now), once=kept.reason)
        if departs is not None and kept is not None:
            following = self._after(departs, kept.until, frozen)
            return replace(
                view, seat=Seat.LEFT, reason=kept.reason, until=kept.until,
                next_at=following.at if following is not None else None,
            )  # fmt: skip
        return _with_times(view, told, way.soak, staged_at, now)

    def _comes_yet(self, kept: Left, staged_at: datetime | None) -> bool:
        """Whether what keeps it off is a check of a build so young that it is only now being run."""
        return kept.unreported and staged_at is not None and self.desk.now - staged_at < YOUNG

    def _after(self, departs: Departs, until: datetime | None, frozen: Sequence[Frozen]) -> Departs | None:
        """The departure after this one, by when what keeps it off is over where that is known."""
        over = until if until is not None else departs.at
        return catches(self.train, self.desk.now, over, departs.at, frozen)[0]

    def _kept_off(self, departs: Departs, staged_at: datetime | None) -> Left | None:
        """What keeps it off a departure whatever its history says; None where nothing does.

        Of a change that is on its way, what comes by itself is left to the forecast.
        """
        candidates = self._candidates(departs.at)
        boarding = board(self.train, candidates, departs.at)
        if any(self.change.id == one.id for pick in boarding.aboard for one in pick.changes):
            return None
        left = next((one for one in boarding.left if one.change is not None and one.change.id == self.change.id), None)
        if left is None:
            return _UNHEARD
        failed = self.status_before in (DeployStatus.FAILED, DeployStatus.CANCELLED)
        locked = any(one.locked is not None for one in candidates if one.service == self.owner.name)
        return None if staged_at is None and not failed and not locked else left

    def _candidates(self, departs_at: datetime) -> tuple[Candidate, ...]:
        """Who may board; without a capacity no other service can take its room, and none is read."""
        train = self.train if self.train.capacity is not None else replace(self.train, services=(self.owner.name,))
        return gathering.candidates(self.session, self.desk, train, departs_at, self.desk.now)

    def _way(self, stages: Sequence[Sequence[str]], arrivals: History) -> Way:
        """What it goes through: its own stage leaves once those before it are there."""
        mine = self.owner.name.casefold()
        place = next((at for at, stage in enumerate(stages) if mine in map(str.casefold, stage)), 0)
        rows: dict[str, Target] = {}
        for service in {self.owner.name, *(one for stage in stages[:place] for one in stage)}:
            target = finding.target_called(self.session, self.desk.catalog.service(service).name, self.environment)
            if target is not None:
                rows[service] = target
        taken = history.rollouts(self.session, [one.id or 0 for one in rows.values()], self.desk.now)

        def of(service: str) -> History:
            return taken[rows[service].id or 0] if service in rows else History()

        return Way(
            arrivals=arrivals,
            soak=max((gate.at_least for gate in self.owner.gates if isinstance(gate, Soak)), default=timedelta()),
            rollouts=(*(slowest(of(one) for one in stage) for stage in stages[:place]), of(self.owner.name)),
            undo=self.owner.undo,
        )

    def _frozen(self) -> list[Frozen]:
        found = locks.freezes_for(self.session, self.desk.catalog, self.owner.name, self.desk.now)
        return [Frozen(one.begins, one.ends, one.reason) for one in found]


_UNHEARD = Left(None, "", "")
"""It is among neither who boards nor who stays: what it is of is not to go with this train."""


def _with_times(
    view: OnwardView, told: Forecast, soak: timedelta, staged_at: datetime | None, now: datetime
) -> OnwardView:
    """The same with what its history says."""
    soaked = told.soaked if soak > timedelta() and told.soaked is not None and told.soaked.at > now else None
    if soaked is not None and staged_at is None:
        soaked = soaked.coarse
    worst = told.at_worst.at if told.at_worst is not None and not told.sure else None
    return replace(
        view,
        or_at=worst,
        staged=_about(told.staged) if staged_at is None else None,
        soak_ends_at=soaked.at if soaked is not None else None,
        live=_about(told.live),
        unknown=told.unknown.value if told.unknown is not None else None,
    )


def _about(when: When | None) -> AboutView | None:
    if when is None:
        return None
    coarse = when.coarse
    return AboutView(from_at=coarse.at, to_at=coarse.latest, few=coarse.few)


def _arrived(target: Target | None) -> SelectOfScalar[int]:
    """The changes that ever succeeded in a target."""
    return (
        select(DeployChange.change)
        .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
        .where(
            Deploy.target == (target.id if target is not None else None),
            Deploy.status == DeployStatus.SUCCEEDED.value,
            col(DeployChange.leaving).is_(False),
            col(DeployChange.dropped).is_(False),
        )
    )
