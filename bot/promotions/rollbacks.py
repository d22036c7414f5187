"""Going back: what a declared rollback takes out, how it is begun, and the truth about what is not live any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from bot import people
from bot.catalog import PromoteThrough, Service
from bot.deploys import service as deploys
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, Target
from bot.deploys.views import RangeState
from bot.errors import UserError
from bot.events import DeployStatus, RollbackRequested, Via
from bot.locks import service as locks
from bot.promotions import advancing, finding, raising, rules, statements, telling
from bot.promotions.gathering import changes_of
from bot.promotions.models import Promotion, PromotionChange, State
from bot.promotions.requests import environment_of, promotable
from bot.promotions.states import ABORTED, is_called, state_of
from bot.promotions.views import Said
from bot.promotions.words import called, person_words, starts_words, waits_words

FARTHEST = 50
"""How many rollouts of one target are looked back through."""


@dataclass(frozen=True)
class Rollback:
    """What going back to the build of ``to_deploy`` would take out; ``seen`` names exactly that.

    ``complete`` is false where some rollout in between was never read, so that more may leave than is listed.
    """

    service: str
    environment: str
    target: int
    to_deploy: int
    sha: str
    from_sha: str
    leaves: tuple[Change, ...]
    complete: bool
    seen: str


@dataclass(frozen=True)
class NotRunning:
    """A rollback took ``sha`` out of an environment, and nothing newer is live there since."""

    environment: str
    sha: str
    since: datetime
    deploy: int
    by_promotion: int | None
    changes: tuple[Change, ...]


def rollback_offer(
    session: Session, desk: Desk, service: str, environment: str | None, to_deploy: int | None
) -> Rollback:
    """What a rollback would do; UserError where there is nothing to go back to, or one is on its way already."""
    owner = promotable(desk, service)
    written = environment_of(owner, environment) if environment is not None else owner.environments[-1]
    target = finding.target_called(session, owner.name, written)
    if target is not None:
        _only_one(session, desk, target)
    history = _succeeded(session, target) if target is not None else []
    if target is None or not history:
        raise UserError(f"Nothing of {owner.name} was ever live in {written}: there is nothing to go back to.")
    failed = _failed_since(session, target, history[0])
    earlier = _earlier(session, target, history, live_too=False)
    good = earlier if failed is None else _earlier(session, target, history, live_too=True)
    if failed is not None and any(one.sha == failed.sha for one in earlier):
        good = [*earlier, history[0]]  # it was a rollback that did not get there: to try again comes before giving up
    to = _chosen(owner, written, history, good, to_deploy)
    leaves, complete = _leaving(session, target, history, to, failed)
    from_sha = failed.sha if failed is not None and to.sha == history[0].sha else history[0].sha
    return Rollback(
        service=owner.name,
        environment=written,
        target=target.id or 0,
        to_deploy=to.id or 0,
        sha=to.sha,
        from_sha=from_sha,
        leaves=tuple(leaves),
        complete=complete,
        seen=rules.leaves_of(from_sha, to.sha, (change.label for change in leaves)),
    )


def roll_back(session: Session, desk: Desk, event: RollbackRequested, now: datetime) -> str:
    """Declare a rollback: whatever waits or rolls forward gives way to it. UserError says why not, and who can."""
    owner = promotable(desk, event.service)
    written = environment_of(owner, event.environment) if event.environment else owner.environments[-1]
    if not people.is_member(session, desk.catalog, owner.team, event.slack_id, now):
        team = owner.team.name if owner.team else owner.name
        raise UserError(f"You can't roll back {owner.name}: that is for members of the team {team}.")
    target = targets.hold(session, desk.catalog, [(owner.name, written)])[(owner.name, written)]
    offer = rollback_offer(session, desk, owner.name, written, event.to_deploy)
    if event.leaves is not None and event.leaves != offer.seen:
        raise UserError(
            f"Nothing was done: what leaves {written} with this rollback has changed since you looked. "
            "Open it again, and look at what leaves now."
        )
    who = f"slack:{event.slack_id}"
    made = declare(session, desk, target, offer, Via.SLASH, who, event.reason, now)
    judgement = advancing.advance(session, desk, made, now, act="roll_back", who=who)
    if state_of(made) is State.STARTING:
        return (
            f"Rolling back: {called(session, made)} {starts_words(desk, made)}. "
            f"{owner.name} → {written} is locked until somebody unlocks it and says Go."
        )
    if judgement is not None and judgement.open and owner.promote_through is PromoteThrough.GITHUB_ENVIRONMENT:
        return (
            f"The rollback to {offer.sha[:7]} is declared. GitHub's environments cannot be made to start anything: "
            f"run the old workflow run of {offer.sha[:7]} again at GitHub, and I let it in at once."
        )
    closed = waits_words(desk, judgement) if judgement is not None else ""
    return f"The rollback to {offer.sha[:7]} is declared, and waits: {closed or 'its pipeline is not called yet'}."


def declare(
    session: Session, desk: Desk, target: Target, offer: Rollback, via: Via, who: str | None, reason: str, now: datetime
) -> Promotion:
    """Begin what was offered: whatever is alive at the target, which is held, gives way, and the target is locked."""
    for promotion in finding.alive_at(session, target.id or 0):
        advancing.end(
            session, desk, promotion, State.CANCELLED, now, who=who, why=ABORTED, said=Said.CANCELLED,
        )  # fmt: skip
        why = f"{ABORTED}: {reason}" if reason else ABORTED
        telling.tell_authors_of_no(session, desk, promotion, Said.CANCELLED, who or "", why, now)
    made = raising.begin(session, desk, target, offer.sha, via, who, now, rollback=True, reason=reason)
    for position, change in enumerate(offer.leaves):
        session.add(PromotionChange(promotion=made.id or 0, change=change.id or 0, leaving=True, position=position))
    session.flush()
    locks.set_by_itself(
        session, desk.catalog, lock_cause(made), target.service, target.environment, f"rolled back: {reason}"[:500], now
    )
    return made


def lock_cause(promotion: Promotion) -> str:
    """What names the lock that a declared rollback sets by itself."""
    return f"rollback:{promotion.id}"


def not_running(session: Session, desk: Desk, target: Target) -> NotRunning | None:
    """What a rollback took out of an environment, until something newer is live there; None where nothing is out."""
    live = session.get(Deploy, target.live) if target.live is not None else None
    latest = live
    changes: dict[int, Change] = {}
    by: int | None = None
    for _ in range(FARTHEST):
        if latest is None:
            return None
        declared = _declared(session, latest)
        if declared is None and not deploys.is_rollback(latest):
            break
        by = by or (declared.id if declared is not None else None)
        rows = [change for row, change in deploys.changes_of(session, latest.id or 0) if row.leaving]
        if not rows and declared is not None:
            rows = [change for row, change in changes_of(session, declared.id) if row.leaving]
        changes.update({change.id or 0: change for change in rows})
        latest = session.get(Deploy, latest.previous) if latest.previous is not None else None
    if live is None or latest is None or latest.sha == live.sha:
        return None  # nothing went back, or what went back and forth is live after all
    return NotRunning(
        environment=target.environment, sha=latest.sha, since=live.status_at, deploy=live.id or 0, by_promotion=by,
        changes=tuple(changes.values()),
    )  # fmt: skip


def _only_one(session: Session, desk: Desk, target: Target) -> None:
    """UserError while a declared rollback is on its way there: what a second one would go back from is not known."""
    for one in finding.alive_at(session, target.id or 0):
        if one.rollback:
            by = person_words(session, desk, one.requested_by)
            raise UserError(
                f"Nothing was done: a rollback of {called(session, one)} is on its way already, {by} declared it. "
                "Its card shows how far it is; once it has ended you can go back farther."
            )


def _declared(session: Session, deploy: Deploy) -> Promotion | None:
    """The declared rollback that a rollout carried out."""
    found = session.exec(statements.CARRYING, params={"of_deploy": deploy.id}).all()
    return next((one for one in found if one.rollback), None)


def _earlier(session: Session, target: Target, history: Sequence[Deploy], *, live_too: bool) -> list[Deploy]:
    """Those whose build was live there before what is live now ever was: a newer one goes in by its gates, not back."""
    live = history[0]
    of = {"of_service": target.service, "of_environment": target.environment, "of_sha": live.sha}
    since = session.exec(statements.SUCCEEDED_AT, params=of).first() or live.status_at
    first: dict[str, datetime] = {}
    for one in history:
        first[one.sha] = min(one.status_at, first.get(one.sha, one.status_at))
    return [one for one in history if (live_too if one.sha == live.sha else first[one.sha] < since)]


def _chosen(
    owner: Service, environment: str, history: Sequence[Deploy], good: Sequence[Deploy], to_deploy: int | None
) -> Deploy:
    if to_deploy is None:
        if good:
            return good[0]
        if all(one.sha == history[0].sha for one in history):
            raise UserError(f"{owner.name} has run one build only in {environment}: there is nothing to go back to.")
        raise UserError(
            f"{environment} of {owner.name} runs the oldest build I know of there ({history[0].sha[:7]}): what else "
            f"ran there is newer, and goes in again by its gates. /ship promote {owner.name}"
        )
    for one in good:
        if one.id == to_deploy:
            return one
    raise UserError(
        f"Deploy {to_deploy} is no earlier build of {owner.name} that succeeded in {environment}: only those are gone "
        f"back to, and a newer one goes in by its gates (/ship promote {owner.name})."
    )


def _succeeded(session: Session, target: Target) -> Sequence[Deploy]:
    """What was live there, the latest first."""
    return session.exec(
        select(Deploy)
        .where(Deploy.target == target.id, Deploy.status == DeployStatus.SUCCEEDED.value)
        .order_by((col(Deploy.id) == target.live).desc(), col(Deploy.status_at).desc(), col(Deploy.id).desc())
        .limit(FARTHEST)
    ).all()


def _failed_since(session: Session, target: Target, live: Deploy) -> Deploy | None:
    """A rollout that is under way or did not end well since what is live went live: to go back then means to that."""
    return session.exec(
        select(Deploy)
        .where(
            Deploy.target == target.id,
            Deploy.began_at > live.status_at,
            col(Deploy.status).in_(
                [DeployStatus.IN_PROGRESS.value, DeployStatus.FAILED.value, DeployStatus.CANCELLED.value]
            ),
            Deploy.sha != live.sha,
        )
        .order_by(col(Deploy.began_at).desc())
        .limit(1)
    ).first()


def _leaving(
    session: Session, target: Target, history: Sequence[Deploy], to: Deploy, failed: Deploy | None
) -> tuple[list[Change], bool]:
    """What is there now and was not when ``to``'s build last was, and whether all that moved since is known."""
    net = _Net()
    for deploy in reversed(history[: next(place for place, one in enumerate(history) if one.id == to.id)]):
        if deploy.sha == to.sha:
            net = _Net()  # by then exactly that build was there again
        else:
            _follow(session, net, deploy)
    moved: dict[int, Change] = {}
    if failed is not None and failed.sha != to.sha:  # how far it got nobody knows: what it brings may be there
        net.complete = net.complete and failed.range == RangeState.COMPLETE
        rolled = deploys.changes_of(session, failed.id or 0)
        moved = {change.id or 0: change for row, change in rolled if not row.leaving}
    for promotion in finding.alive_at(session, target.id or 0):
        if is_called(promotion) and not promotion.rollback:
            rows = changes_of(session, promotion.id)
            moved |= {change.id or 0: change for aboard, change in rows if not aboard.leaving}
    net.arrive(moved)
    return sorted(net.added.values(), key=lambda change: change.id or 0), net.complete


@dataclass
class _Net:
    """How what is live differs from a build that was: what is there besides, and what is not there (``gone``)."""

    added: dict[int, Change] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    complete: bool = True

    def arrive(self, changes: Mapping[int, Change]) -> None:
        """These came in; one that had been there is back, which is no difference."""
        for number, change in changes.items():
            if number in self.gone:
                self.gone.discard(number)
            else:
                self.added[number] = change

    def leave(self, changes: Mapping[int, Change]) -> None:
        """These went out."""
        for number in changes:
            if self.added.pop(number, None) is None:
                self.gone.add(number)


def _follow(session: Session, net: _Net, deploy: Deploy) -> None:
    """Reckon in what a rollout moved; one that was declared is believed until it is read."""
    net.complete = net.complete and deploy.range == RangeState.COMPLETE
    rows = [(row.leaving, change) for row, change in deploys.changes_of(session, deploy.id or 0)]
    declared = _declared(session, deploy)
    if declared is not None and deploy.range != RangeState.COMPLETE and not rows:
        rows = [(row.leaving, change) for row, change in changes_of(session, declared.id)]
    net.arrive({change.id or 0: change for leaves, change in rows if not leaves})
    net.leave({change.id or 0: change for leaves, change in rows if leaves})
