"""How promotions begin: by a build that succeeded, by somebody's wish, and by taking another's place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import audit, people, work
from bot.audit import Tag
from bot.catalog import PromoteThrough, Service, Supersede
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus, Via
from bot.promotions import finding, rules, statements
from bot.promotions.gathering import approvals_of, approver_words, seen_now
from bot.promotions.models import Approval, GateRequest, Promotion, State
from bot.promotions.ranges import ask_range, live_sha
from bot.promotions.states import is_called, move
from bot.promotions.telling import say, show
from bot.promotions.views import Said


def raise_for_build(session: Session, desk: Desk, deploy: Deploy, now: datetime) -> None:
    """A build is live somewhere: it is to go on to the environment after, where nothing else waits for that."""
    if deploy.state is not DeployStatus.SUCCEEDED:
        return
    here = session.get(Target, deploy.target)
    assert here is not None
    owner = desk.catalog.service(here.service)
    environment = environment_after(owner, here.environment)
    if environment is None or owner.promote_through is None or here.live != deploy.id:
        return
    there = targets.hold(session, desk.catalog, [(here.service, environment)])[(here.service, environment)]
    raise_next(session, desk, there, now)
    work.touch(session, "target", there.id or 0)  # what waits there may have waited for this


def environment_after(owner: Service, environment: str) -> str | None:
    """The environment that a build goes on to."""
    written = owner.configured(environment)
    if written is None or written == owner.environments[-1]:
        return None
    return owner.environments[owner.environments.index(written) + 1]


def raise_next(
    session: Session, desk: Desk, target: Target, now: datetime, *, alive: Sequence[Promotion] | None = None
) -> Promotion | None:
    """Raise what is next for a target that is held, where nothing is open there: its newest build, once.

    A build that was promoted before is not raised again by itself: somebody said no to it, or it was rolled back.
    ``alive`` is what ``finding.alive_at`` tells, where that was read already.
    """
    owner = desk.catalog.service(target.service)
    by_train = desk.catalog.train_of(target.service, target.environment) is not None
    if owner.promote_through is None or target.id is None or by_train:
        return None  # what goes by train is raised when its departure is sealed
    alive = finding.alive_at(session, target.id) if alive is None else alive
    if alive:  # what rolls out now changes what the next one carries: that is raised when it has ended
        waiting = next((one for one in alive if not is_called(one)), None)
        newer = finding.next_build(session, desk, waiting) if waiting is not None else None
        if waiting is None or newer is None or owner.supersede is not Supersede.ALWAYS or waiting.departure is not None:
            return None  # the list of a departure is sealed, also where its service goes by train no more
        return supersede(session, desk, waiting, newer.sha, Via.PIPELINE, None, now)
    newest = finding.newest_build(session, desk, target)
    if newest is not None and _is_new(session, desk, target, newest):
        return begin(session, desk, target, newest.sha, Via.PIPELINE, None, now, repo=newest.repo)
    run = _waiting_run(session, target)
    if run is None:
        return None
    return begin(session, desk, target, run.sha, Via.GITHUB, run.requested_by, now, repo=run.repo)


def begin(
    session: Session,
    desk: Desk,
    target: Target,
    sha: str,
    via: Via,
    by: str | None,
    now: datetime,
    *,
    repo: str | None = None,
    root: int | None = None,
    rollback: bool = False,
    reason: str | None = None,
    departure: int | None = None,
) -> Promotion:
    """Make a promotion; its target is held, and has none that is open. ``root`` is whose card it takes over.

    ``departure`` is the train's departure that it leaves with, whose card shows it.
    """
    owner = desk.catalog.service(target.service)
    assert target.id is not None
    promotion = Promotion(
        target=target.id, root=root, repo=owner.repo or repo, sha=sha, rollback=rollback, via=via.value,
        requested_by=by, reason=reason, created_at=now, expires_at=now + rules.EXPIRES_AFTER, departure=departure,
    )  # fmt: skip
    session.add(promotion)
    session.flush()
    promotion.root = root or promotion.id
    ask_range(session, promotion, live_sha(session, target), now)
    promotion.seen = seen_now(session, desk, promotion)
    join_runs(session, desk, promotion, target)
    session.flush()
    audit.record(
        session, Tag.PROMOTION_RAISED, f"promotion:{promotion.id}", now, who=by, service=target.service,
        environment=target.environment, sha=sha, via=via.value, rollback=rollback or None, reason=reason,
    )  # fmt: skip
    want_people(session, desk, owner, now)
    show(session, desk, promotion, now)
    work.touch(session, "target", target.id)
    return promotion


def supersede(
    session: Session, desk: Desk, old: Promotion, sha: str, via: Via, by: str | None, now: datetime,
    *, included_by: str | None = None, departure: int | None = None,
) -> Promotion:  # fmt: skip
    """Another build takes the place and the card of a promotion that was not called; yeses given to it are void.

    ``included_by`` is who wanted what is newer aboard, where that is not who asked for the promotion (``by``).
    ``departure`` is the train's departure that the other one leaves with.
    """
    target = session.get(Target, old.target)
    assert target is not None
    move(session, old, State.SUPERSEDED, now, who=included_by or by)
    new = begin(session, desk, target, sha, via, by, now, repo=old.repo, root=old.root, departure=departure)
    old.successor = new.id
    for row in approvals_of(session, old.id):  # kept as what they were: the gate says what changed since
        session.add(
            Approval(
                promotion=new.id or 0,
                person=row.person,
                called=row.called,
                seen=row.seen,
                changes=row.changes,
                at=row.at,
                applied_at=row.applied_at,
            )
        )
    session.flush()
    say(session, desk, new, Said.SUPERSEDED, now, who=included_by or by, old=old.id)
    return new


def join_runs(session: Session, desk: Desk, promotion: Promotion, target: Target) -> None:
    """Whatever waits at GitHub with this build waits for this promotion."""
    if desk.catalog.service(target.service).promote_through is not PromoteThrough.GITHUB_ENVIRONMENT:
        return
    rows = session.exec(
        select(GateRequest, Promotion)
        .outerjoin(Promotion, col(GateRequest.promotion) == col(Promotion.id))
        .where(
            GateRequest.target == target.id,
            GateRequest.sha == promotion.sha,
            col(GateRequest.over_at).is_(None),
        )
    ).all()
    for run, before in rows:
        if run.promotion is None or State(before.state).ended:
            run.promotion = promotion.id
    session.flush()


def want_people(session: Session, desk: Desk, owner: Service, now: datetime) -> None:
    """Have everybody who may approve read from Slack and PagerDuty, and kept fresh."""
    members = owner.team.members if owner.team else ()
    for word in dict.fromkeys([*approver_words(owner), *members]):
        people.want_group(session, desk.catalog, word, now, service=owner)


def _is_new(session: Session, desk: Desk, target: Target, newest: Deploy) -> bool:
    """Whether a build was never promoted here and came after what is live."""
    live = live_sha(session, target)
    if newest.sha == live or any(not one.rollback for one in finding.of_build(session, target.id or 0, newest.sha)):
        return False
    came = finding.succeeded_before(session, desk, target, live) if live is not None else None
    return came is None or newest.status_at > came


def _waiting_run(session: Session, target: Target) -> GateRequest | None:
    """The newest run that waits at GitHub for a build that nothing was raised for."""
    return session.exec(statements.UNRAISED_RUN, params={"of_target": target.id}).first()
