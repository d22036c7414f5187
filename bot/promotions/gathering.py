"""The facts that gates judge, gathered from what is recorded: never from the network, and in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from bot import people
from bot.alerts import service as alerts
from bot.catalog import PromoteThrough, Service
from bot.departures import loading as departures
from bot.deploys import rules as deploy_rules
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import LONGEST_NAME, Change, Target
from bot.deploys.rules import Part
from bot.deploys.views import RangeState
from bot.events import CheckStatus, Via
from bot.gates import (
    AlertFact,
    Approval,
    ChangeFact,
    CheckFact,
    GroupFact,
    Reentry,
    Run,
    Situation,
    Smoke,
    Staging,
    TrainFact,
    Vote,
)
from bot.locks import service as locks
from bot.ports import Direction
from bot.promotions import models, rules, statements
from bot.promotions.models import SOMEBODY, Promotion

PASSED = {CheckStatus.PASSED.value: True, CheckStatus.FAILED.value: False}
"""What a check's status says of the commit; one that was cancelled says nothing."""

_BESIDES_TRAINS = (Via.SLASH.value, Via.API.value)
"""Ways by which somebody asks for one promotion by itself: where a train goes, that is a hotfix."""


def situation(
    session: Session, desk: Desk, promotion: Promotion, now: datetime,
    *, carried: Sequence[tuple[models.PromotionChange, Change]] | None = None,
    yeses: Sequence[models.Approval] | None = None,
    parts: Mapping[int, Sequence[Part]] | None = None,
) -> Situation:  # fmt: skip
    """All that is known of a promotion now. Nothing is written.

    ``carried`` and ``yeses`` are what ``changes_of`` and ``approvals_of`` tell of it, ``parts`` what ``deploys.parts``
    tells of its changes, where that was read already.
    """
    target = target_of(session, promotion)
    owner = desk.catalog.service(target.service)
    before = environment_before(owner, target.environment)
    carried = changes_of(session, promotion.id) if carried is None else carried
    aboard = [change for row, change in carried if not row.leaving]
    if parts is None:
        parts = deploys.parts(session, [change.id or 0 for change in aboard])
    known = promotion.range == RangeState.COMPLETE
    asked = _requesters(session, owner, promotion)
    return Situation(
        now=now,
        run=Run(
            service=target.service,
            environment=target.environment,
            sha=promotion.sha,
            rollback=promotion.rollback,
            seen=seen_of(promotion, owner, aboard),
            requested_by=frozenset[str]().union(*(_names(session, desk, who) for who in asked)),
            unnamed=unnamed_words(session, desk, promotion, asked),
            changes=tuple(change_fact(change, parts[change.id or 0]) for change in aboard) if known else None,
            truncated=promotion.truncated,
            direction=Direction(promotion.direction) if known and promotion.direction else None,
            reentries=_reentries(session, promotion, owner, aboard) if known else (),
        ),
        staging=Staging(environment=before, succeeded_at=_succeeded_at(session, owner, before, promotion.sha)),
        checks=checks_of(session, owner, promotion.repo, promotion.sha),
        locks=locks.facts_for(
            session, desk.catalog, target.service, target.environment, promotion.root or promotion.id, now
        ),
        freezes=locks.freezes_for(session, desk.catalog, target.service, now),
        votes=_votes(session, desk, approvals_of(session, promotion.id) if yeses is None else yeses, now),
        groups=_groups(session, desk, owner, now),
        approvers=owner.team.approvers if owner.team else (),
        alerts=_alerts(session, target, before),
        train=train_of(session, desk, promotion, target, now),
    )


def train_of(session: Session, desk: Desk, promotion: Promotion, target: Target, now: datetime) -> TrainFact | None:
    """What the train that goes there does about it; None where none does."""
    asked = is_asked_for(promotion)
    return departures.train_fact(session, desk.catalog, target, promotion.departure, asked, now)


def is_asked_for(promotion: Promotion) -> bool:
    """Whether somebody asked for this one by itself: where a train goes that it is not aboard of, it is a hotfix."""
    return promotion.via in _BESIDES_TRAINS


def target_of(session: Session, promotion: Promotion) -> Target:
    """The service and environment that it is for."""
    target = session.get(Target, promotion.target)
    assert target is not None
    return target


def environment_before(owner: Service, environment: str) -> str | None:
    """The environment that a build comes from, None for the first and for one that the pipeline does not name."""
    written = owner.configured(environment)
    place = owner.environments.index(written) if written is not None else 0
    return owner.environments[place - 1] if place else None


def changes_of(session: Session, promotion_id: int | None) -> Sequence[tuple[models.PromotionChange, Change]]:
    """What a promotion brings in and takes out, in order, as far as it is known."""
    if promotion_id is None:
        return ()
    return session.exec(statements.CHANGES, params={"of_promotion": promotion_id}).all()


def approvals_of(session: Session, promotion_id: int | None) -> Sequence[models.Approval]:
    """The yeses that were not withdrawn, in the order in which they were given."""
    if promotion_id is None:
        return ()
    return session.exec(statements.APPROVALS, params={"of_promotion": promotion_id}).all()


def seen_now(session: Session, desk: Desk, promotion: Promotion) -> str:
    """What names exactly what people see of it at present."""
    owner = desk.catalog.service(target_of(session, promotion).service)
    return seen_of(promotion, owner, _aboard(session, promotion))


def seen_of(promotion: Promotion, owner: Service, aboard: Iterable[Change]) -> str:
    """The same, of changes that were read before."""
    return rules.seen_of(
        repo=promotion.repo,
        base=promotion.base_sha,
        sha=promotion.sha,
        labels=[change.label for change in aboard] if promotion.range == RangeState.COMPLETE else None,
        truncated=promotion.truncated,
        policy=rules.policy_words(owner.gates),
    )


def vote_of(
    session: Session, desk: Desk, person: str, called: str, at: datetime, seen: str, saw: Sequence[str], now: datetime
) -> Vote:
    """A yes of this person, with every name of theirs that is known and whether their GitHub identity is proven."""
    profile, names = people.profile_of(session, person), people.names_of(session, desk.catalog, person)
    proven = people.proven_login(session, desk.catalog, person) is not None
    return vote_known(profile, names, proven, person, called, at, seen, saw, now)


def vote_known(
    profile: people.Profile | None, names: frozenset[str], proven: bool,
    person: str, called: str, at: datetime, seen: str, saw: Sequence[str], now: datetime,
) -> Vote:  # fmt: skip
    """The same of a person about whom all of that was read before."""
    return Vote(
        person=person,
        called=called,
        at=at,
        seen=seen,
        names=names,
        proven=proven,
        full=people.is_full(profile, now),
        trouble=people.doubt(profile, called, now),
        saw=tuple(saw),
    )


def change_fact(change: Change, parts: Sequence[Part]) -> ChangeFact:
    """Who had a hand in a change, by every name that its record holds of them."""
    authors, coauthors, mergers = (
        [part for part in parts if part.role == role] for role in ("author", "coauthor", "merger")
    )
    stands_in = any(part.human.bot for part in authors) or not (authors or coauthors)
    wrote, co_wrote = _who(authors), _who(coauthors)
    merged = _who([part for part in mergers if not part.human.bot]) if stands_in else frozenset[str]()
    told = deploy_rules.to_be_told(parts)
    lines = None if change.additions is None or change.deletions is None else change.additions + change.deletions
    return ChangeFact(
        label=change.label,
        lines=lines,
        wrote=wrote | co_wrote | merged,
        writers=tuple(part.human.name or part.human.login or part.human.email or "somebody" for part in told),
        coauthored=co_wrote - wrote,
        merged=merged - wrote - co_wrote,
        unproven=change.number is None,  # of a pull request the forge itself says whose it is
    )


def checks_of(session: Session, owner: Service, repo: str | None, sha: str) -> tuple[CheckFact, ...]:
    """The present verdicts of the checks that the policy names, on this commit."""
    named = {name: name[:LONGEST_NAME] for gate in owner.gates if isinstance(gate, Smoke) for name in gate.checks}
    if not named or repo is None:
        return ()
    of = {"of_repo": repo, "of_sha": sha, "of_names": list(named.values())}
    found = {check.name: check for check in session.exec(statements.CHECKS, params=of)}
    return tuple(
        CheckFact(name=name, passed=PASSED.get(found[kept].status), at=found[kept].at, url=found[kept].url)
        for name, kept in named.items()
        if kept in found
    )


def reentries_of(
    session: Session, target_id: int, aboard: Sequence[Change], *, acknowledged: bool
) -> tuple[Reentry, ...]:
    """The changes aboard that the last rollout to move them here took out, each with whether that was answered."""
    if not aboard:
        return ()
    return reentries_among(moved_here(session, target_id, aboard), aboard, acknowledged=acknowledged)


def reentries_among(
    moved: Mapping[int, tuple[datetime, bool]], aboard: Sequence[Change], *, acknowledged: bool
) -> tuple[Reentry, ...]:
    """The same, of what ``moved_here`` tells."""
    reverted = {(change.repo, change.reverts) for change in aboard if change.reverts is not None}
    return tuple(
        Reentry(label=change.label, left_at=at, answered=acknowledged or (change.repo, change.number) in reverted)
        for change in aboard
        for at, left in [moved.get(change.id or 0, (None, False))]
        if left and at is not None
    )


def moved_here(session: Session, target_id: int, changes: Sequence[Change]) -> Mapping[int, tuple[datetime, bool]]:
    """Of those changes that ever came to this target or left it: when they last did, and whether they left."""
    of = {"of_target": target_id, "of_changes": [change.id for change in changes]}
    moved: dict[int, tuple[datetime, bool]] = {}
    for change_id, leaving, at in session.exec(statements.MOVED, params=of):
        if at is not None and (change_id not in moved or moved[change_id][0] < at):
            moved[change_id] = (at, leaving)
    return moved


def approver_words(owner: Service) -> tuple[str, ...]:
    """Every word by which the policy names who may approve."""
    named = [
        word for gate in owner.gates if isinstance(gate, Approval) for group in gate.groups for word in group.words
    ]
    return tuple(dict.fromkeys([*named, *(owner.team.approvers if owner.team else ())]))


# --- inside -------------------------------------------------------------------------------------------------------


def _aboard(session: Session, promotion: Promotion) -> list[Change]:
    return [change for row, change in changes_of(session, promotion.id) if not row.leaving]


def _who(parts: Iterable[Part]) -> frozenset[str]:
    """Each person by login and by address: whichever of the two we know somebody in Slack by."""
    names: set[str] = set()
    for part in parts:
        if part.human.login:
            names.add(f"github:{part.human.login.lower()}")
        if part.human.email:
            names.add(f"email:{part.human.email.lower()}")
    return frozenset(names)


def _requesters(session: Session, owner: Service, promotion: Promotion) -> frozenset[str]:
    """Whoever asked for it, or for a run that waits to be let in with it, whichever came first."""
    asked = {promotion.requested_by}
    if owner.promote_through is PromoteThrough.GITHUB_ENVIRONMENT:
        waiting = session.exec(statements.WAITING_RUNS, params={"of_promotion": promotion.id})
        asked |= {run.requested_by for run in waiting}
    return frozenset(who for who in asked if who is not None)


def unnamed_words(session: Session, desk: Desk, promotion: Promotion, asked: frozenset[str]) -> str:
    """How somebody asked who is nobody known. The API is told any name; who is no bot at GitHub was signed in there."""
    by_api = promotion.via == Via.API.value
    if by_api and promotion.requested_by is None:
        return "by the API (requested_by)"
    if SOMEBODY in asked:
        return "at GitHub"
    claimed = promotion.requested_by if by_api else None
    strangers = [
        who
        for who in sorted(asked)
        if people.is_bot(who) or (who == claimed and not people.is_known(session, desk.catalog, who))
    ]
    return f"as {strangers[0].partition(':')[2]}" if strangers else ""


def _names(session: Session, desk: Desk, who: str) -> frozenset[str]:
    sort, _, name = who.partition(":")
    return frozenset({who}) | (people.names_of(session, desk.catalog, name) if sort == "slack" else frozenset())


def _succeeded_at(session: Session, owner: Service, before: str | None, sha: str) -> datetime | None:
    if before is None:
        return None
    of = {"of_service": owner.name, "of_environment": before, "of_sha": sha}
    return session.exec(statements.SUCCEEDED_AT, params=of).first()


def _votes(session: Session, desk: Desk, rows: Sequence[models.Approval], now: datetime) -> tuple[Vote, ...]:
    """Everybody's yes; who they are is read at once for all of them."""
    persons = frozenset(row.person for row in rows)
    profiles = people.profiles_of(session, persons)
    names = people.names_of_each(session, desk.catalog, persons)
    proven = people.proven_logins(session, desk.catalog, persons)
    return tuple(
        vote_known(
            profiles.get(row.person), names[row.person], row.person in proven,
            row.person, row.called, row.at, row.seen, row.changes, now,
        )
        for row in rows
    )  # fmt: skip


def _groups(session: Session, desk: Desk, owner: Service, now: datetime) -> Mapping[str, GroupFact]:
    return {word: people.group(session, desk.catalog, word, now, service=owner) for word in approver_words(owner)}


def _alerts(session: Session, target: Target, before: str | None) -> tuple[AlertFact, ...]:
    """What fires here or where the build comes from; where an alert names no environment, it is about all of them."""
    near = {environment for environment in (target.environment, before) if environment is not None}
    return tuple(
        AlertFact(
            name=alert.name, since=alert.started_at, source=alert.source, environment=alert.environment, url=alert.url
        )
        for alert in alerts.firing(session, target.service, near)
    )


def _reentries(session: Session, promotion: Promotion, owner: Service, aboard: Sequence[Change]) -> tuple[Reentry, ...]:
    if promotion.rollback:
        return ()
    acknowledged = promotion.acknowledged_seen is not None and promotion.acknowledged_seen == seen_of(
        promotion, owner, aboard
    )
    return reentries_of(session, promotion.target, aboard, acknowledged=acknowledged)
