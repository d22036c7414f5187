"""What holds many promotions at once: the facts of all of them, in as many statements as of one with its approvers.

``gathering`` reads the same for one promotion, which is what every decision is made on. Here nothing is decided: it is
for who looks at all of them together, and a test holds that both say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from bot import gates, people
from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.catalog import PromoteThrough, Service
from bot.departures import loading as departures
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import LONGEST_NAME, Change, Check, Deploy, DeployChange, Target
from bot.deploys.views import RangeState
from bot.events import DeployStatus
from bot.gates import AlertFact, CheckFact, GroupFact, Judgement, Run, Situation, Smoke, Staging, Vote
from bot.locks import service as locks
from bot.people import Available
from bot.ports import Direction
from bot.promotions import gathering, judging
from bot.promotions.models import Approval, GateRequest, Promotion, PromotionChange, State

_FIRING = (
    select_columns(  # SQLModel's own takes four
        col(Alert.service), col(Alert.environment), col(Alert.name), col(Alert.started_at), col(Alert.source),
        col(Alert.url),
    )
    .where(col(Alert.service).in_(bindparam("of_services", expanding=True)), col(Alert.resolved_at).is_(None))
    .order_by(col(Alert.started_at), col(Alert.id))
)  # fmt: skip

Moved = Mapping[int, tuple[datetime, bool]]
"""By change: when it last came to a target or left it, and whether it left (``gathering.moved_here``)."""


@dataclass(frozen=True)
class Held:
    """One promotion as its gates see it: what is known, what they say, and whose yes is missing."""

    promotion: Promotion
    target: Target
    known: Situation
    judgement: Judgement
    able: tuple[Available, ...]
    """Whoever is easiest to reach first; nobody where it could be anybody's."""


def held(session: Session, desk: Desk, promotions: Sequence[Promotion]) -> Sequence[Held]:
    """Every one of these promotions judged, in their order. Nothing is written."""
    if not promotions:
        return ()
    targets = _targets(session, promotions)  # a session keeps only what somebody holds: they are asked for again
    facts = situations(session, desk, promotions, desk.now)
    judged = [
        (one, facts[one.id or 0], judging.judge_situation(session, desk, one, facts[one.id or 0])) for one in promotions
    ]
    wanted = {
        one.id or 0: gates.circle(_policy(desk, targets[one.target]), known)
        for one, known, judgement in judged
        if any(verdict.gate == "approval" for verdict in judgement.closed)
    }
    everybody = frozenset[str]().union(*wanted.values())
    names = people.names_of_each(session, desk.catalog, everybody)
    profiles = people.profiles_of(session, everybody)
    outside = {one for one, row in profiles.items() if row.read_at is not None and not row.full}
    proven = people.proven_logins(session, desk.catalog, everybody)
    ranked = people.who_can(session, desk.catalog, proven.keys() - outside, desk.now)
    found = []
    for one, known, judgement in judged:
        inside = {person: names[person] for person in wanted.get(one.id or 0, ()) if person not in outside}
        helpers = (
            frozenset(gates.can_help(_policy(desk, targets[one.target]), known, inside)) if inside else frozenset()
        )
        able = tuple(person for person in ranked if person.slack_id in helpers)
        found.append(Held(one, targets[one.target], known, judgement, able))
    return found


def situations(session: Session, desk: Desk, promotions: Sequence[Promotion], now: datetime) -> Mapping[int, Situation]:
    """What ``gathering.situation`` says of each, by its number."""
    numbers = [one.id or 0 for one in promotions]
    targets = _targets(session, promotions)
    owners = {one.id or 0: desk.catalog.service(targets[one.target].service) for one in promotions}
    before = {
        one.id or 0: gathering.environment_before(owners[one.id or 0], targets[one.target].environment)
        for one in promotions
    }
    aboard = _aboard(session, numbers)
    parts = deploys.parts(session, sorted({change.id or 0 for every in aboard.values() for change in every}))
    asked = _requesters(session, promotions, owners)
    by_slack = {who[6:] for every in asked.values() for who in every if who.startswith("slack:")}
    names = people.names_of_each(session, desk.catalog, by_slack)
    staged = _staged(session, {one.sha for one in promotions})
    checks = _checks(session, promotions, owners.values())
    standing, freezes = locks.standing(session), locks.standing_freezes(session, now)
    votes = _votes(session, desk, numbers, now)
    groups = _Groups(session, desk, now)
    fires = _alerts(session, {owner.name for owner in owners.values()} | {one.service for one in targets.values()})
    trains = departures.train_facts(
        session,
        desk.catalog,
        {
            one.id or 0: (targets[one.target], one.departure, gathering.is_asked_for(one))
            for one in promotions
        },
        now,
    )  # fmt: skip
    moved = _moved(session, promotions, aboard)
    found: dict[int, Situation] = {}
    for one in promotions:
        number, target = one.id or 0, targets[one.target]
        owner, changes, known = owners[number], aboard[number], one.range == RangeState.COMPLETE
        seen = gathering.seen_of(one, owner, changes)
        acknowledged = one.acknowledged_seen is not None and one.acknowledged_seen == seen
        near = {name.casefold() for name in (target.environment, before[number]) if name is not None}
        staged_at = staged.get((owner.name, before[number] or "", one.sha))
        found[number] = Situation(
            now=now,
            run=Run(
                service=target.service,
                environment=target.environment,
                sha=one.sha,
                rollback=one.rollback,
                seen=seen,
                requested_by=frozenset(asked[number]).union(*(names.get(who[6:], ()) for who in asked[number])),
                unnamed=gathering.unnamed_words(session, desk, one, asked[number]),
                changes=tuple(gathering.change_fact(change, parts[change.id or 0]) for change in changes)
                if known
                else None,
                truncated=one.truncated,
                direction=Direction(one.direction) if known and one.direction else None,
                reentries=gathering.reentries_among(moved[one.target], changes, acknowledged=acknowledged)
                if known and not one.rollback
                else (),
            ),
            staging=Staging(environment=before[number], succeeded_at=staged_at if before[number] else None),
            checks=_checks_of(checks, owner, one),
            locks=locks.facts_among(
                standing, desk.catalog, target.service, target.environment, one.root or one.id, now
            ),
            freezes=locks.freezes_among(freezes, desk.catalog, target.service, now),
            votes=votes[number],
            groups=groups.of(owner),
            approvers=owner.team.approvers if owner.team else (),
            alerts=tuple(
                alert
                for environment, alert in fires[target.service]
                if environment is None or environment.casefold() in near
            )[: alerts.MANY],
            train=trains[number],
        )
    return found


def changes_of_each(session: Session, numbers: Sequence[int]) -> Mapping[int, Sequence[tuple[PromotionChange, Change]]]:
    """What each of these promotions brings in and takes out, in order, as far as it is known."""
    found: dict[int, list[tuple[PromotionChange, Change]]] = {number: [] for number in numbers}
    rows = session.exec(
        select(PromotionChange, Change)
        .join(Change, col(PromotionChange.change) == col(Change.id))
        .where(col(PromotionChange.promotion).in_(numbers))
        .order_by(col(PromotionChange.leaving), col(PromotionChange.position))
    ).all()
    for row, change in rows:
        found[row.promotion].append((row, change))
    return found


# --- inside -------------------------------------------------------------------------------------------------------


class _Groups:
    """Who belongs to each group of approvers, read once for all that name it."""

    def __init__(self, session: Session, desk: Desk, now: datetime) -> None:
        self._session, self._desk, self._now = session, desk, now
        self._known: dict[tuple[str, str], GroupFact] = {}

    def of(self, owner: Service) -> Mapping[str, GroupFact]:
        """Every group that the policy of a service names, by its word."""
        return {word: self._one(word, owner) for word in gathering.approver_words(owner)}

    def _one(self, word: str, owner: Service) -> GroupFact:
        key = word, owner.name if word.casefold() == "on-call" else ""
        if key not in self._known:
            self._known[key] = people.group(self._session, self._desk.catalog, word, self._now, service=owner)
        return self._known[key]


def _policy(desk: Desk, target: Target) -> Sequence[gates.Gate]:
    return desk.catalog.service(target.service).gates


def _targets(session: Session, promotions: Sequence[Promotion]) -> Mapping[int, Target]:
    rows = session.exec(select(Target).where(col(Target.id).in_({one.target for one in promotions}))).all()
    return {row.id: row for row in rows if row.id is not None}


def _aboard(session: Session, numbers: Sequence[int]) -> Mapping[int, Sequence[Change]]:
    return {
        number: [change for row, change in rows if not row.leaving]
        for number, rows in changes_of_each(session, numbers).items()
    }


def _requesters(
    session: Session, promotions: Sequence[Promotion], owners: Mapping[int, Service]
) -> Mapping[int, frozenset[str]]:
    found = {one.id or 0: {one.requested_by} for one in promotions}
    by_rule = [
        number
        for number, owner in owners.items()
        if owner.promote_through is PromoteThrough.GITHUB_ENVIRONMENT
    ]  # fmt: skip
    if by_rule:
        rows = session.exec(
            select(GateRequest.promotion, GateRequest.requested_by).where(
                col(GateRequest.promotion).in_(by_rule), col(GateRequest.over_at).is_(None)
            )
        ).all()
        for number, who in rows:
            found[number or 0].add(who)
    return {number: frozenset(who for who in every if who is not None) for number, every in found.items()}


def _staged(session: Session, shas: Iterable[str]) -> Mapping[tuple[str, str, str], datetime]:
    """When these commits first succeeded, by service, environment and commit."""
    rows = session.exec(
        select(Target.service, Target.environment, Deploy.sha, func.min(Deploy.status_at))
        .join(Deploy, col(Deploy.target) == col(Target.id))
        .where(col(Deploy.sha).in_(sorted(shas)), Deploy.status == DeployStatus.SUCCEEDED.value)
        .group_by(col(Target.service), col(Target.environment), col(Deploy.sha))
    ).all()
    return {(service, environment, sha): at for service, environment, sha, at in rows}


def _checks(
    session: Session, promotions: Sequence[Promotion], owners: Iterable[Service]
) -> Mapping[tuple[str, str, str], Check]:
    names = {name[:LONGEST_NAME] for owner in owners for gate in owner.gates if isinstance(gate, Smoke)
             for name in gate.checks}  # fmt: skip
    if not names:
        return {}
    rows = session.exec(
        select(Check).where(col(Check.sha).in_({one.sha for one in promotions}), col(Check.name).in_(names))
    ).all()
    return {(row.repo, row.sha, row.name): row for row in rows}


def _checks_of(
    checks: Mapping[tuple[str, str, str], Check], owner: Service, promotion: Promotion
) -> tuple[CheckFact, ...]:
    names = dict.fromkeys(name for gate in owner.gates if isinstance(gate, Smoke) for name in gate.checks)
    found = ((name, checks.get((promotion.repo or "", promotion.sha, name[:LONGEST_NAME]))) for name in names)
    return tuple(
        CheckFact(name=name, passed=gathering.PASSED.get(row.status), at=row.at, url=row.url)
        for name, row in found
        if row is not None
    )


def _votes(session: Session, desk: Desk, numbers: Sequence[int], now: datetime) -> Mapping[int, tuple[Vote, ...]]:
    rows = session.exec(
        select(Approval)
        .where(col(Approval.promotion).in_(numbers), col(Approval.withdrawn_at).is_(None))
        .order_by(col(Approval.at), col(Approval.id))
    ).all()
    persons = frozenset(row.person for row in rows)
    profiles = people.profiles_of(session, persons)
    names = people.names_of_each(session, desk.catalog, persons)
    proven = people.proven_logins(session, desk.catalog, persons)
    found: dict[int, list[Vote]] = {number: [] for number in numbers}
    for row in rows:
        found[row.promotion].append(
            gathering.vote_known(
                profiles.get(row.person), names[row.person], row.person in proven,
                row.person, row.called, row.at, row.seen, row.changes, now,
            )
        )  # fmt: skip
    return {number: tuple(every) for number, every in found.items()}


def _alerts(session: Session, services: Iterable[str]) -> Mapping[str, Sequence[tuple[str | None, AlertFact]]]:
    """What fires on each service, the oldest first, each with its environment: columns alone, a storm has thousands."""
    found: dict[str, list[tuple[str | None, AlertFact]]] = defaultdict(list)
    rows = session.connection().execute(_FIRING, {"of_services": sorted(services)})
    for service, environment, name, since, source, url in rows:
        fact = AlertFact(name=name, since=since, source=source, environment=environment, url=url)
        found[service or ""].append((environment, fact))
    return found


def _moved(
    session: Session, promotions: Sequence[Promotion], aboard: Mapping[int, Sequence[Change]]
) -> Mapping[int, Moved]:
    """What ``gathering.moved_here`` says, by target."""
    found: dict[int, dict[int, tuple[datetime, bool]]] = {one.target: {} for one in promotions}
    changes = sorted({change.id or 0 for every in aboard.values() for change in every})
    rolled = (
        select(Deploy.target, DeployChange.change, DeployChange.leaving, Deploy.status_at)
        .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
        .where(col(Deploy.target).in_(sorted(found)), col(DeployChange.change).in_(changes))
        .where(Deploy.status == DeployStatus.SUCCEEDED.value, col(DeployChange.dropped).is_(False))
    )
    promoted = (
        select(Promotion.target, PromotionChange.change, PromotionChange.leaving, Promotion.ended_at)
        .join(Promotion, col(PromotionChange.promotion) == col(Promotion.id))
        .where(col(Promotion.target).in_(sorted(found)), col(PromotionChange.change).in_(changes))
        .where(Promotion.state == State.DONE.value)
    )
    if not changes:
        return found
    for target, change, leaving, at in (*session.exec(rolled).all(), *session.exec(promoted).all()):
        here = found[target]
        if at is not None and (change not in here or here[change][0] < at):  # of an instant, the rollout counts
            here[change] = (at, leaving)
    return found
