"""What boarding is decided by, from what is recorded: never from the network.

A service's builds are those that succeeded in the environment before, since what is live where the train goes, or on
its way there. Each brings what the rollouts up to its own left there, but for what came to the destination by another
way. Whether it contains what is live only the forge can tell: the promotion's own gate asks, once there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from bot import gates
from bot.catalog import Service, Train
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange, Target
from bot.deploys.service import is_rollback
from bot.deploys.statements import LIVE_BEFORE
from bot.deploys.views import RangeState
from bot.events import DeployStatus
from bot.gates import Blocked, Gate, Judged, Lock, Order, Run, Situation, Smoke, Soak, Staging
from bot.locks import loading as lock_views
from bot.locks import service as locks
from bot.ports import Direction
from bot.promotions import finding, gathering
from bot.promotions.models import Promotion, State
from bot.promotions.states import is_called
from bot.trains.boarding import NOT_BUILT, Behind, BuildFact, Candidate, ChangeAboard, Removal

MOST_ROLLOUTS = 200
"""Rollouts in the environment before that are looked through, the latest: nobody is further behind than that."""

REMEMBERED = timedelta(days=14)
"""How long a change that was merged and did not come along is told of: after that it is forgotten."""

_OWN = (Soak, Smoke, Order)
"""The gates that judge a build by itself, whoever asks for it and whatever else goes on."""


def candidates(
    session: Session, desk: Desk, train: Train, departs_at: datetime, now: datetime,
    removed: Mapping[str, Sequence[Removal]] | None = None,
) -> tuple[Candidate, ...]:  # fmt: skip
    """Of each of the train's services what may board, in their order; ``removed`` is by service. Nothing is written."""
    found = []
    for name in train.services:
        way = _way(session, desk, desk.catalog.service(name), train.to)
        staged = _staged(session, way)
        lock = _lock(session, desk, way, now)
        found.append(
            Candidate(
                service=way.owner.name,
                builds=_builds(session, desk, way, staged, departs_at),
                behind=_behind(session, way, now),
                locked=lock.reason if lock is not None else _hotfix(session, way),
                locked_until=lock.until if lock is not None else None,
                removed=tuple((removed or {}).get(way.owner.name, ())),
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class _Way:
    """Where a service comes from and goes to.

    What came ``here`` until ``contained`` is ``there``, or on its way; builds that came until ``since`` are older.
    """

    owner: Service
    before: str | None
    to: str
    here: Target | None
    there: Target | None
    contained: datetime | None
    since: datetime | None


@dataclass
class _Staged:
    """A build in the environment before, and what it had beyond the destination when its rollout ended."""

    sha: str
    repo: str | None
    first: datetime
    changes: tuple[Change, ...]
    truncated: int
    read: bool
    taken_out: bool = False
    """Whether a rollback went back from it, and it did not come again."""


def _way(session: Session, desk: Desk, owner: Service, to: str) -> _Way:
    to = owner.configured(to) or to
    before = gathering.environment_before(owner, to)
    here = finding.target_called(session, owner.name, before) if before is not None else None
    there = finding.target_called(session, owner.name, to)
    contained, since = _since(session, desk, there) if there is not None else (None, None)
    return _Way(owner, before, to, here, there, contained, since)


def _since(session: Session, desk: Desk, there: Target) -> tuple[datetime | None, datetime | None]:
    """Until when what came to the environment before is at the destination, or on its way; and until when it is older.

    The two differ where what is live was never in the environment before: a build from before then lacks that, and what
    came there since the last that was is not live.
    """

    def came(sha: str) -> datetime | None:
        return finding.succeeded_before(session, desk, there, sha)

    live = session.get(Deploy, there.live) if there.live is not None else None
    lived = next((at for sha in _lived(session, there, live) if (at := came(sha)) is not None), None)
    going = [one.sha for one in finding.alive_at(session, there.id or 0) if is_called(one) and not one.rollback]
    contained = max((at for at in (lived, *map(came, going)) if at is not None), default=None)
    if live is None or came(live.sha) is not None:
        return contained, contained
    return contained, max(at for at in (contained, live.began_at) if at is not None)


def _lived(session: Session, there: Target, live: Deploy | None) -> Sequence[str]:
    """What was live at the destination, the latest first."""
    if live is None:
        return ()
    of = {"of_target": there.id, "but": live.id, "latest": live.status_at}
    return [live.sha, *(one.sha for one in session.exec(LIVE_BEFORE, params=of))]


# --- builds -------------------------------------------------------------------------------------------------------


def _staged(session: Session, way: _Way) -> list[_Staged]:
    """The builds that are newer than what the destination has, the newest first."""
    rollouts = _rollouts(session, way)
    moves = _moves(session, [one.id or 0 for one in rollouts])
    first = _first_successes(session, way.here, {one.sha for one in rollouts})
    there_already = _live(session, way.there, [change for rows in moves.values() for _, change in rows])
    aboard: dict[int, Change] = {}
    truncated, read = 0, True
    found: dict[str, _Staged] = {}
    for rollout in rollouts:
        for row, change in moves.get(rollout.id or 0, ()):
            aboard.pop(row.change, None)
            if not row.leaving and row.change not in there_already:
                aboard[row.change] = change
        read = read and rollout.range == RangeState.COMPLETE
        if not is_rollback(rollout):
            truncated += rollout.truncated
        for one in found.values():
            one.taken_out = one.taken_out or _goes_back_from(one.first, rollout, first[rollout.sha])
        found[rollout.sha] = _Staged(
            rollout.sha, way.owner.repo or rollout.repo, first[rollout.sha], tuple(aboard.values()), truncated, read
        )
    newer = [one for one in found.values() if way.since is None or one.first > way.since]
    return sorted(newer, key=lambda one: (one.first, one.sha), reverse=True)


def _goes_back_from(came_at: datetime, rollout: Deploy, first: datetime) -> bool:
    """Whether a rollout leaves a build behind that came at ``came_at``; ``first`` is when its own was here first.

    A build that comes again after a newer one goes back from that, whether or not the forge has told so yet.
    """
    return came_at > first or (is_rollback(rollout) and first == rollout.status_at)


def _builds(
    session: Session, desk: Desk, way: _Way, staged: Sequence[_Staged], departs_at: datetime
) -> tuple[BuildFact, ...]:
    """The same as boarding sees them, judged by their own gates as of the instant of departure."""
    past = _latest_promotions(session, way.there, [one.sha for one in staged])
    own = [gate for gate in way.owner.gates if isinstance(gate, _OWN)]
    return tuple(
        BuildFact(
            sha=one.sha,
            changes=tuple(ChangeAboard(change.id or 0, change.label) for change in one.changes),
            succeeded_at=one.first,
            verdicts=_verdicts(way, own, _of_build(session, way, one, past.get(one.sha), departs_at)),
            truncated=one.truncated,
            read=one.read,
            refused=_refused(session, desk, way, one, past.get(one.sha)),
        )
        for one in staged
    )


def _verdicts(way: _Way, own: Sequence[Gate], known: Situation) -> tuple[Judged, ...]:
    """What its own gates say of a build; where somebody must answer for it, how they do, as it has no card yet."""
    verdicts = gates.judge(own, known).verdicts
    if all(one.answered for one in known.run.reentries):
        return verdicts
    how = f" (/ship promote {way.owner.name}, and say so on its card)"
    return tuple(
        replace(one, verdict=replace(one.verdict, reason=f"{one.verdict.reason}{how}"))
        if one.gate == Order.name and isinstance(one.verdict, Blocked)
        else one
        for one in verdicts
    )


def _of_build(session: Session, way: _Way, build: _Staged, last: Promotion | None, departs_at: datetime) -> Situation:
    """What of a build its own gates judge. It is taken to be ahead of what is live."""
    acknowledged = last is not None and last.acknowledged_seen is not None and last.acknowledged_seen == last.seen
    reentries = (
        gathering.reentries_of(session, way.there.id or 0, build.changes, acknowledged=acknowledged)
        if way.there is not None
        else ()
    )
    return Situation(
        now=departs_at,
        run=Run(
            service=way.owner.name, environment=way.to, sha=build.sha, rollback=False, seen="", changes=None,
            direction=Direction.AHEAD, reentries=reentries,
        ),
        staging=Staging(environment=way.before, succeeded_at=build.first),
        checks=gathering.checks_of(session, way.owner, build.repo, build.sha),
    )  # fmt: skip


def _refused(session: Session, desk: Desk, way: _Way, build: _Staged, last: Promotion | None) -> str | None:
    """Why a build does not go by itself. One whose promotion was only called off, or never got its turn, goes again."""
    if way.owner.promote_through is None:
        return f"shipmate.yml names no way to promote {way.owner.name} (promote_through)"
    if build.taken_out:
        return f"was rolled back in {way.before}"
    match State(last.state) if last is not None else None:
        case State.REJECTED:
            sort, _, name = ((last.ended_by if last is not None else None) or "").partition(":")
            return f"rejected by {lock_views.person(session, desk, name).name if sort == 'slack' else 'somebody'}"
        case State.FAILED:
            return f"its last rollout to {way.to} failed"
        case State.DONE:
            return f"was live in {way.to} before, and is not any more"
    return None


# --- what is behind all builds ------------------------------------------------------------------------------------


def _behind(session: Session, way: _Way, now: datetime) -> tuple[Behind, ...]:
    """Changes that were merged lately, and have not succeeded in the environment before."""
    horizon = now - REMEMBERED
    arrived = (
        select(DeployChange.change)
        .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
        .where(
            col(Deploy.target).in_([one.id for one in (way.here, way.there) if one is not None]),
            Deploy.status == DeployStatus.SUCCEEDED.value,
            col(DeployChange.dropped).is_(False),
        )
    )
    coming = session.exec(
        select(Change, Deploy.status)
        .join(DeployChange, col(DeployChange.change) == col(Change.id))
        .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
        .where(
            Deploy.target == (way.here.id if way.here is not None else None),
            Deploy.status != DeployStatus.SUCCEEDED.value,
            Deploy.began_at > horizon,
            col(DeployChange.dropped).is_(False),
            col(DeployChange.leaving).is_(False),
            col(Change.id).not_in(arrived),
        )
        .order_by(col(Deploy.began_at), col(Deploy.id), col(DeployChange.position))
    ).all()
    reasons = {change.id: (change, _COMING[DeployStatus(status)].format(way.before)) for change, status in coming}
    for change in _merged(session, way, horizon, arrived):
        reasons.setdefault(change.id, (change, NOT_BUILT))
    return tuple(Behind(ChangeAboard(change.id or 0, change.label), why) for change, why in reasons.values())


_COMING = {
    DeployStatus.PENDING: "on its way to {}",
    DeployStatus.IN_PROGRESS: "on its way to {}",
    DeployStatus.FAILED: "its rollout to {} failed",
    DeployStatus.CANCELLED: "its rollout to {} was cancelled",
}
"""What the latest rollout says of a change that it has not brought to the environment before."""


def _merged(session: Session, way: _Way, horizon: datetime, arrived: SelectOfScalar[int]) -> Sequence[Change]:
    """Pull requests of this service that no rollout has brought along.

    Where it is known which branches its rollouts are built from, those that were merged into another are left out.
    """
    if way.owner.repo is None:
        return ()
    branches = session.exec(
        select(Change.base).where(Change.repo == way.owner.repo, col(Change.id).in_(arrived)).distinct()
    ).all()
    merged = session.exec(
        select(Change)
        .where(
            Change.repo == way.owner.repo,
            col(Change.number).is_not(None),
            col(Change.merged_at) > horizon,
            col(Change.id).not_in(arrived),
        )
        .order_by(col(Change.merged_at), col(Change.id))
    ).all()
    built_from = {None, *branches}
    return [
        change
        for change in merged
        if way.owner.owns(change.paths) and (change.base in built_from or built_from == {None})
    ]


# --- what is read -------------------------------------------------------------------------------------------------


def _lock(session: Session, desk: Desk, way: _Way, now: datetime) -> Blocked | None:
    """What locks hold the service back, a Hold on what waits there included."""
    waiting = finding.open_at(session, way.there.id or 0) if way.there is not None else None
    known = Situation(
        now=now,
        run=Run(
            service=way.owner.name, environment=way.to, sha="", rollback=False, seen="", changes=None, direction=None
        ),
        staging=Staging(environment=way.before, succeeded_at=None),
        locks=locks.facts_for(
            session, desk.catalog, way.owner.name, way.to, waiting.root if waiting is not None else None, now
        ),
    )
    verdicts = (gate.judge(known, 0) for gate in way.owner.gates if isinstance(gate, Lock))
    return next((verdict for verdict in verdicts if isinstance(verdict, Blocked)), None)


def _hotfix(session: Session, way: _Way) -> str | None:
    """Why nothing of a service boards of which somebody asked for a build besides the train: that is not taken aboard.

    Whoever asked wants it live without waiting for anything else; and another build beside it would end it.
    """
    for one in finding.alive_at(session, way.there.id or 0) if way.there is not None else ():
        if gathering.is_asked_for(one) and one.departure is None and not one.rollback and not is_called(one):
            return f"a hotfix of it is on its way besides the train (promotion {one.id})"
    return None


def _rollouts(session: Session, way: _Way) -> Sequence[Deploy]:
    """What succeeded in the environment before beyond what is contained, in order."""
    if way.here is None:
        return ()
    wanted = select(Deploy).where(Deploy.target == way.here.id, Deploy.status == DeployStatus.SUCCEEDED.value)
    if way.contained is not None:
        wanted = wanted.where(Deploy.status_at > way.contained)
    latest = wanted.order_by(col(Deploy.status_at).desc(), col(Deploy.id).desc()).limit(MOST_ROLLOUTS)
    return session.exec(latest).all()[::-1]


def _moves(session: Session, deploys: Sequence[int]) -> Mapping[int, Sequence[tuple[DeployChange, Change]]]:
    """By rollout, what it brought in and took out."""
    found: dict[int, list[tuple[DeployChange, Change]]] = {}
    for row, change in session.exec(
        select(DeployChange, Change)
        .join(Change, col(DeployChange.change) == col(Change.id))
        .where(col(DeployChange.deploy).in_(deploys), col(DeployChange.dropped).is_(False))
        .order_by(col(DeployChange.position))
    ):
        found.setdefault(row.deploy, []).append((row, change))
    return found


def _first_successes(session: Session, here: Target | None, shas: Iterable[str]) -> Mapping[str, datetime]:
    rows = session.exec(
        select(Deploy.sha, func.min(Deploy.status_at))
        .where(
            Deploy.target == (here.id if here is not None else None),
            Deploy.status == DeployStatus.SUCCEEDED.value,
            col(Deploy.sha).in_(shas),
        )
        .group_by(Deploy.sha)
    )
    return dict(rows.all())


def _live(session: Session, there: Target | None, changes: Sequence[Change]) -> frozenset[int]:
    """Those of these changes that the destination has already, by whichever way they came."""
    if there is None or not changes:
        return frozenset()
    moved = gathering.moved_here(session, there.id or 0, changes)
    return frozenset(change for change, (_, left) in moved.items() if not left)


def _latest_promotions(session: Session, there: Target | None, shas: Sequence[str]) -> Mapping[str, Promotion]:
    """The last promotion of each of these builds."""
    rows = session.exec(
        select(Promotion)
        .where(
            Promotion.target == (there.id if there is not None else None),
            col(Promotion.sha).in_(shas),
            col(Promotion.rollback).is_(False),
        )
        .order_by(col(Promotion.id))
    ).all()
    return {row.sha: row for row in rows}
