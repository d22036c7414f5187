"""From rows to views: what templates see of a promotion, at the instant it is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlmodel import Session, col, select

from bot.alerts import service as alerts
from bot.alerts.models import Alert
from bot.alerts.views import AlertView
from bot.catalog import Service
from bot.deploys import loading as deploys
from bot.deploys import service
from bot.deploys.loading import LISTED, Desk
from bot.deploys.models import Change, Deploy, DeployChange, DeployReport, Target
from bot.deploys.views import LinkView, PersonView, RangeState
from bot.events import DeployStatus, Human
from bot.gates import Approval, Judged, Judgement, Open, Situation
from bot.gates.lock import each_lock, waits_for_go
from bot.locks import ends, scopes
from bot.locks import loading as locks
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.rules import Scope, ScopeKind
from bot.outbox import Effect, Note, SendState
from bot.people import Available
from bot.promotions import advancing, finding, judging, ranges, telling
from bot.promotions.gathering import approvals_of, changes_of, environment_before, situation, target_of
from bot.promotions.models import Promotion, PromotionChange, State
from bot.promotions.rules import state_of as verdict_state
from bot.promotions.states import is_called, may, state_of, unawaited
from bot.promotions.views import (
    AbleView,
    ApprovalView,
    BarredView,
    GateLine,
    HoldingLock,
    LiveView,
    NextBuild,
    PromotionCard,
    PromotionNote,
    RejectionView,
    RoundView,
    Said,
    TryingView,
)
from bot.promotions.words import verdict_words

MOST_ABLE = 5
"""How many of those who can are named: more would not be read."""


def promotion_card(session: Session, desk: Desk, promotion: Promotion) -> PromotionCard:
    """A promotion as its channel, and everybody who was asked, sees it."""
    target, state = target_of(session, promotion), state_of(promotion)
    owner = desk.catalog.service(target.service)
    waiting = not state.ended and not is_called(promotion)
    known = situation(session, desk, promotion, desk.now)
    judgement = judging.judge_situation(session, desk, promotion, known) if waiting else Judgement(())
    rows = changes_of(session, promotion.id)
    views = deploys.change_views(session, desk, [change for _, change in rows])
    arriving = [change for row, change in rows if not row.leaving]
    leaving = [change for row, change in rows if row.leaving]
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    live = _live(session, target)
    is_live = state is State.DONE and live is not None and live.sha == promotion.sha
    mended = _mended(known, arriving) if waiting else ()
    watched_until = _watched_until(desk, owner, target, deploy, is_live)
    listed = LISTED if not leaving else LISTED // 2
    ships_at = _ships_at(judgement)
    circle = judging.circle(session, desk, promotion, known) if _wants_approval(judgement) else judging.Circle()
    return PromotionCard(
        promotion_id=promotion.id or 0,
        seen=known.run.seen,
        service=target.service,
        environment=target.environment,
        before=environment_before(owner, target.environment),
        state=state.value,
        rollback=promotion.rollback,
        sha=promotion.sha,
        reason=promotion.reason,
        requested_by=who_view(session, desk, promotion.requested_by),
        range=RangeState(promotion.range),
        changes=tuple(views[change.id or 0] for change in arriving[:listed]),
        leaving=tuple(views[change.id or 0] for change in leaving[:listed]),
        more=max(0, len(arriving) - listed) + max(0, len(leaving) - listed) + promotion.truncated,
        changes_in_all=len(leaving if promotion.rollback else arriving) + promotion.truncated,
        additions=_sum(change.additions for change in arriving),
        deletions=_sum(change.deletions for change in arriving),
        gates=gate_lines(session, desk, known, judgement.verdicts),
        ships_at=ships_at,
        only_approval=judgement.only_approval_missing,
        ships_at_said=ends.spoken(ships_at, desk.catalog.timezone, desk.now) if ships_at is not None else None,
        approvals=_approvals(session, desk, promotion, owner, known),
        able=_able_views(circle.able),
        unproven=tuple(PersonView(name=one.name, slack_id=one.slack_id) for one in circle.unproven[:MOST_ABLE]),
        proves=desk.catalog.proves_logins,
        short=circle.short,
        barred=tuple(
            BarredView(person=PersonView(name=one.name, slack_id=one.slack_id), why=why)
            for one, why in circle.barred[:MOST_ABLE]
        ),
        reentries=tuple(one.label for one in known.run.reentries if not one.answered) if waiting else (),
        held=waiting and any(_is_hold(lock, promotion) for lock in scopes.standing(session)),
        next=_next(session, desk, promotion) if waiting else None,
        undo_until=promotion.not_before if state is State.STARTING and waiting else None,
        called=is_called(promotion),
        asks_person=promotion.asks_person,
        deploy=deploy.state if deploy is not None else None,
        percent=deploy.percent if deploy is not None and deploy.state is DeployStatus.IN_PROGRESS else None,
        duration=_duration(deploy),
        ended_at=promotion.ended_at,
        ended_by=who_view(session, desk, promotion.ended_by),
        ended_reason=promotion.ended_reason,
        live=is_live,
        rolled_back_at=_rolled_back_at(session, deploy) if state is State.DONE and not is_live else None,
        watched_until=watched_until,
        alerts=_alerts(session, target) if watched_until else (),
        links=_links(session, desk, owner, target, promotion, deploy),
        may=tuple(sorted(may(promotion))),
        answered=tuple(one.label for one in known.run.reentries if one.answered and one.label not in mended)
        if waiting
        else (),
        answered_by=_acknowledged_by(session, desk, promotion, known),
        answered_reason=promotion.acknowledged_reason,
        trying=_trying(session, promotion),
        trouble=_trouble(session, promotion),
        now_live=LiveView(sha=live.sha, since=live.status_at) if state is State.FAILED and live is not None else None,
        goes_back=went_wrong_last(session, promotion),
        unawaited=unawaited(promotion),
        mended=mended,
        round=round_view(session, desk, promotion),
        rejections=_rejections(session, desk, promotion, arriving) if waiting else (),
        may_hold=_may_hold(session, desk, promotion, known),
        besides=known.train.name if known.train is not None and known.train.hotfix and not state.ended else None,
    )


def round_view(session: Session, desk: Desk, promotion: Promotion) -> RoundView | None:
    """How its rollout began, where no gate was asked; None for one that we called, or that has not begun."""
    kept = next((one for one in judging.decisions_of(session, promotion.id or 0) if one.act == judging.ROUND), None)
    if kept is None:
        return None
    deploy = session.get(Deploy, promotion.deploy or target_of(session, promotion).live or 0)
    of_deploy = select(DeployReport.source).where(DeployReport.deploy == (deploy.id if deploy else None)).distinct()
    return RoundView(
        closed=tuple(verdict_words(one["gate"], one["reason"]) for one in kept.verdicts if one["state"] != "open"),
        sources=tuple(sorted(session.exec(of_deploy))),
        who=who_view(session, desk, kept.who),
        url=deploy.url if deploy is not None else None,
    )


def _mended(known: Situation, arriving: Sequence[Change]) -> tuple[str, ...]:
    """Changes aboard that a rollback took out, and whose revert is aboard too."""
    reverted = {(change.repo, change.reverts) for change in arriving if change.reverts is not None}
    fixed = {change.label for change in arriving if (change.repo, change.number) in reverted}
    return tuple(one.label for one in known.run.reentries if one.label in fixed)


def _rejections(
    session: Session, desk: Desk, promotion: Promotion, arriving: Sequence[Change]
) -> tuple[RejectionView, ...]:
    """Who said no to what is aboard, the last time that it was to go there; what went there since is past that."""
    rows = session.exec(
        select(PromotionChange.change, Promotion)
        .join(Promotion, col(PromotionChange.promotion) == col(Promotion.id))
        .where(
            Promotion.target == promotion.target,
            col(Promotion.id) < promotion.id,
            col(Promotion.state).in_((State.REJECTED.value, State.DONE.value)),
            col(PromotionChange.change).in_([change.id for change in arriving]),
            col(PromotionChange.leaving).is_(False),
        )
        .order_by(col(Promotion.id))
    ).all()
    last = dict(rows)
    labels: dict[int, list[str]] = defaultdict(list)
    for change in arriving:
        ended = last.get(change.id or 0)
        if ended is not None and state_of(ended) is State.REJECTED:
            labels[ended.id or 0].append(change.label)
    said_no = {one.id or 0: one for one in last.values()}
    return tuple(
        RejectionView(
            labels=tuple(labels[number]),
            who=who_view(session, desk, said_no[number].ended_by),
            at=said_no[number].ended_at or said_no[number].created_at,
            reason=said_no[number].ended_reason,
        )
        for number in sorted(labels)
    )


def _may_hold(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> tuple[GateLine, ...]:
    """What holds it if its call did not arrive, while nobody knows whether it did."""
    if state_of(promotion) is not State.STARTING or not is_called(promotion):
        return ()
    judgement = judging.judge_situation(session, desk, promotion, known)
    return gate_lines(session, desk, known, [one for one in judgement.closed if one.gate == "lock"])


def went_wrong_last(session: Session, promotion: Promotion) -> bool:
    """Whether its rollout began and failed, and nothing newer has gone live there since: a rollback starts from it."""
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    if state_of(promotion) is not State.FAILED or deploy is None or deploy.state is DeployStatus.SUCCEEDED:
        return False
    live = _live(session, target_of(session, promotion))
    return live is not None and live.status_at < deploy.began_at


def _trying(session: Session, promotion: Promotion) -> TryingView | None:
    """The call that is made again and again because it does not get through."""
    if state_of(promotion) is not State.STARTING or promotion.asks_person is not None:
        return None
    effect = session.exec(
        select(Effect)
        .where(
            Effect.kind == advancing.DEPLOY, Effect.state == SendState.PENDING.value,
            Effect.key == f"{telling.PROMOTION}:{promotion.id}:{advancing.calls(session, promotion.id or 0)}",
        )
    ).first()  # fmt: skip
    if effect is None or not effect.attempts:
        return None
    return TryingView(
        tries=effect.attempts, since=promotion.not_before or effect.created_at, reason=effect.error or "no answer came",
        next_at=effect.due_at,
    )  # fmt: skip


def _trouble(session: Session, promotion: Promotion) -> str | None:
    """What was seen when the forge was asked in vain what it carries."""
    if RangeState(promotion.range) not in (RangeState.UNREADABLE, RangeState.UNKNOWN):
        return None
    if promotion.repo is None:
        return "which repository it is of is not known: shipmate.yml names none, and no deploy told of one"
    key = f"{ranges.RANGE}:{promotion.id}:{promotion.base_sha}"
    error = session.exec(select(Effect.error).where(Effect.key == key)).first()
    code, _, mend = (error or "").partition(": ")
    if code == "not_found":
        since = f" and {promotion.base_sha[:7]}" if promotion.base_sha else ""
        return (
            f"GitHub answers “Not Found” about {promotion.sha[:7]}{since} of {promotion.repo}: it has no such commit, "
            "or Shipmate may not read it there"
        )
    return mend.rstrip(".") if mend and " " not in code else error


def promotion_note(session: Session, desk: Desk, note: Note) -> PromotionNote | None:
    """What a note says of a promotion; None once it is not so any more."""
    promotion = session.get(Promotion, note.data["promotion"])
    if promotion is None:
        return None
    said, target = Said(note.data["said"]), target_of(session, promotion)
    if promotion.departure is not None and said in _SAID_BY_DEPARTURE:
        return None
    rows = changes_of(session, promotion.id)
    about = [change for row, change in rows if row.leaving is promotion.rollback]
    alert = session.get(Alert, note.data["alert"]) if "alert" in note.data else None
    if alert is not None and (alert.resolved_at is None) is not (said is Said.ALERT):
        return None
    if said is Said.HELD:
        about = _held_with(session, desk, note, promotion)
    if "change" in note.data:
        about = [change for change in about if _theirs(session, desk, change, note.place)] or about
    elif said is Said.VOID:
        about = [change for change in about if change.label not in note.data.get("saw", ())]
    known = situation(session, desk, promotion, desk.now) if said is Said.APPROVAL_NEEDED else None
    if known is not None and not (
        state_of(promotion) is State.OPEN and judging.judge_situation(session, desk, promotion, known).asks_for_yes
    ):
        return None  # somebody said yes meanwhile, or something else closed
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    views = deploys.change_views(session, desk, about[:LISTED])
    return PromotionNote(
        said=said.value,
        promotion_id=promotion.id or 0,
        service=target.service,
        environment=target.environment,
        sha=promotion.sha,
        rollback=promotion.rollback,
        who=who_view(session, desk, note.data.get("who")),
        reason=note.data.get("why") or promotion.reason,
        changes=tuple(views[change.id or 0] for change in about[:LISTED]),
        url=promotion.url or (deploy.url if deploy is not None else None),
        able=_able(session, desk, promotion, known) if known is not None else (),
        lock=locked_itself(session, desk, target) if said is Said.FAILED else _holding(session, desk, note),
        alert=alerts.view(alert) if alert is not None else None,
        waits=_waits(session, desk, promotion) if said is Said.GOES_ON else (),
        more=max(0, len(about) - LISTED),
        round=round_view(session, desk, promotion) if said is Said.LIVE else None,
    )


_SAID_BY_DEPARTURE = (Said.APPROVAL_NEEDED, Said.LIVE)
"""What the train that a promotion leaves with says once for all that it carries."""


def _waits(session: Session, desk: Desk, promotion: Promotion) -> tuple[GateLine, ...]:
    """What is closed of a promotion that is open."""
    if state_of(promotion) is not State.OPEN:
        return ()
    return closed_lines(session, desk, promotion, judging.judge(session, desk, promotion, desk.now))


def gate_lines(session: Session, desk: Desk, known: Situation, verdicts: Iterable[Judged]) -> tuple[GateLine, ...]:
    """These verdicts, each with who can open it; several locks each with its own end, and whether it wants a Go."""
    found: list[GateLine] = []
    for judged in verdicts:
        locks_here = each_lock(known) if judged.gate == "lock" and not isinstance(judged.verdict, Open) else ()
        found += [
            _gate_line(
                session,
                desk,
                Judged("lock", verdict),
                go=lock.id if waits_for_go(lock, known) else None,
                able=lock.able,
                room=lock.room if not waits_for_go(lock, known) else None,
            )
            for lock, verdict in locks_here
        ] or [_gate_line(session, desk, judged)]
    return tuple(found)


def _acknowledged_by(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> PersonView | None:
    """Who said that what was rolled back may go in again, as long as that counts for what is aboard now."""
    if promotion.acknowledged_by is None or promotion.acknowledged_seen != known.run.seen:
        return None
    return locks.person(session, desk, promotion.acknowledged_by)


def closed_lines(session: Session, desk: Desk, promotion: Promotion, judgement: Judgement) -> tuple[GateLine, ...]:
    """The same of those that are closed."""
    if not judgement.closed:
        return ()
    return gate_lines(session, desk, situation(session, desk, promotion, desk.now), judgement.closed)


def _gate_line(
    session: Session, desk: Desk, judged: Judged, *, go: int | None = None, able: str = "", room: str | None = None
) -> GateLine:
    """One verdict; whose yes is missing is told apart, with their hours."""
    verdict = judged.verdict
    who = () if isinstance(verdict, Open) or judged.gate == "approval" else verdict.who
    named = 0 < len(who) <= MOST_ABLE
    return GateLine(
        gate=judged.gate,
        state=verdict_state(verdict),
        reason=verdict.reason,
        until=None if isinstance(verdict, Open) else verdict.until,
        can=tuple(locks.person(session, desk, slack_id) for slack_id in who) if named else (),
        go=go,
        able="" if named else able,
        room=room,
    )


def who_view(session: Session, desk: Desk, who: str | None) -> PersonView | None:
    """Somebody whom our tables name ``slack:U…``, ``github:ana`` or by their address."""
    if who is None:
        return None
    sort, _, name = who.partition(":")
    if sort == "slack":
        return locks.person(session, desk, name)
    human = Human(login=name if sort == "github" else None, email=name if sort == "email" else None)
    return deploys.person(session, desk, human if name else Human(name=who))


def _theirs(session: Session, desk: Desk, change: Change, place: str) -> bool:
    return any(there == place for _, there in deploys.author_slack_ids(session, desk, change))


def _live(session: Session, target: Target) -> Deploy | None:
    return session.get(Deploy, target.live) if target.live is not None else None


def _alerts(session: Session, target: Target) -> tuple[AlertView, ...]:
    firing = alerts.firing(session, target.service)
    return tuple(alerts.view(alert) for alert in firing if alerts.concerns(alert, target.environment))


def _watched_until(desk: Desk, owner: Service, target: Target, deploy: Deploy | None, is_live: bool) -> datetime | None:
    """Until when what went live is watched; None where nobody watches any more."""
    if deploy is None or not is_live or not owner.is_final(target.environment):
        return None
    until = deploy.status_at + desk.catalog.paging.window
    return until if desk.now < until else None


def _rolled_back_at(session: Session, deploy: Deploy | None) -> datetime | None:
    """When a rollback took the place of this rollout."""
    if deploy is None:
        return None
    after = session.exec(
        select(Deploy)
        .where(Deploy.previous == deploy.id, Deploy.status == DeployStatus.SUCCEEDED.value)
        .order_by(col(Deploy.id).desc())
        .limit(1)
    ).first()
    return after.status_at if after is not None and service.is_rollback(after) else None


def _duration(deploy: Deploy | None) -> timedelta | None:
    if deploy is None or not deploy.state.ended:
        return None
    return deploy.status_at - (deploy.in_progress_at or deploy.began_at)


def _sum(numbers: Iterable[int | None]) -> int | None:
    """None where nothing, or not everything, is known."""
    found = list(numbers)
    known = [number for number in found if number is not None]
    return sum(known) if found and len(known) == len(found) else None


def _wants_approval(judgement: Judgement) -> bool:
    return any(one.gate == "approval" for one in judgement.closed)


def _ships_at(judgement: Judgement) -> datetime | None:
    """When the last of the other gates opens by itself; None where one of them says no instant, or none is closed.

    What is locked does not ship because the lock runs out: a person must say Go.
    """
    others = [one.verdict for one in judgement.closed if one.gate != "approval"]
    if any(one.gate == "lock" for one in judgement.closed):
        return None
    instants = [None if isinstance(verdict, Open) else verdict.until for verdict in others]
    known = [at for at in instants if at is not None]
    return max(known) if known and len(known) == len(instants) else None


def _approvals(
    session: Session, desk: Desk, promotion: Promotion, owner: Service, known: Situation
) -> tuple[ApprovalView, ...]:
    lapses = next((gate.expires for gate in owner.gates if isinstance(gate, Approval)), None)
    judged_at = promotion.called_at or promotion.ended_at or desk.now
    doubtful = () if is_called(promotion) or promotion.ended_at else {one.person for one in known.votes if not one.full}
    return tuple(
        ApprovalView(
            person=locks.person(session, desk, row.person, row.called),
            at=row.at,
            counts=row.seen == known.run.seen
            and (lapses is None or judged_at < row.at + lapses)
            and row.person not in doubtful,
        )
        for row in approvals_of(session, promotion.id)
    )


def able_views(session: Session, desk: Desk, promotion: Promotion) -> tuple[AbleView, ...]:
    """Whose yes is missing, whoever is easiest to reach first."""
    return _able(session, desk, promotion, situation(session, desk, promotion, desk.now))


def _able(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> tuple[AbleView, ...]:
    return _able_views(judging.helpers(session, desk, promotion, known))


def _able_views(able: Sequence[Available]) -> tuple[AbleView, ...]:
    return tuple(
        AbleView(
            person=PersonView(name=one.name, slack_id=one.slack_id),
            online=one.online,
            from_at=None if one.works_now else one.from_at,
        )
        for one in able[:MOST_ABLE]
    )


def _is_hold(lock: Lock, promotion: Promotion) -> bool:
    return lock.covered.kind is ScopeKind.PROMOTION and lock.scope == str(promotion.root or promotion.id)


def _next(session: Session, desk: Desk, promotion: Promotion) -> NextBuild | None:
    newest = finding.next_build(session, desk, promotion)
    if newest is None:
        return None
    since = finding.succeeded_before(session, desk, target_of(session, promotion), promotion.sha)
    changes = _arrived(session, newest, since or promotion.created_at)
    aboard = {change.id for _, change in changes_of(session, promotion.id)}
    added = [change for change in changes if change.id not in aboard]
    views = deploys.change_views(session, desk, added[:LISTED])
    return NextBuild(sha=newest.sha, changes=tuple(views.values()), more=max(0, len(added) - LISTED))


def _arrived(session: Session, newest: Deploy, since: datetime) -> Sequence[Change]:
    """What went live where this deploy did, after ``since``, as far as it is known."""
    rows = session.exec(
        select(Change)
        .join(DeployChange, col(DeployChange.change) == col(Change.id))
        .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
        .where(
            Deploy.target == newest.target,
            Deploy.status == DeployStatus.SUCCEEDED.value,
            Deploy.status_at > since,
            Deploy.status_at <= newest.status_at,
            col(DeployChange.leaving).is_(False),
            col(DeployChange.dropped).is_(False),
        )
        .order_by(col(Deploy.status_at), col(DeployChange.position))
    ).all()
    return list({change.id: change for change in rows}.values())


def _holding(session: Session, desk: Desk, note: Note) -> HoldingLock | None:
    """The lock or the freeze that a note to an author is about."""
    freeze = session.get(DeclaredFreeze, note.data["freeze"]) if "freeze" in note.data else None
    if freeze is not None:
        return HoldingLock(
            scope=freeze.service or "everything", reason=freeze.reason,
            owner=locks.person(session, desk, freeze.owner, freeze.called).name,
            ends_at=freeze.ends if freeze.lifted_at is None else None, freeze=True,
        )  # fmt: skip
    lock = session.get(Lock, note.data["lock"]) if "lock" in note.data else None
    if lock is None:
        return None
    owner = locks.person(session, desk, lock.owner, lock.called).name if lock.owner is not None else None
    return HoldingLock(
        scope=scopes.called(session, lock), reason=lock.reason, owner=owner,
        ends_at=lock.ends_at if lock.lifted_at is None and lock.ended_at is None else None,
        hold=lock.covered.kind is ScopeKind.PROMOTION,
    )  # fmt: skip


def locked_itself(session: Session, desk: Desk, target: Target) -> HoldingLock | None:
    """The lock that a failed rollout has set there by itself, while it holds."""
    for lock in scopes.standing(session):
        here = target.id in {covered.id for covered in scopes.covered_targets(session, desk.catalog, lock)}
        if here and lock.cause.startswith("failure:") and lock.lifted_at is None:
            return HoldingLock(scope=scopes.called(session, lock), reason=lock.reason, owner=None, ends_at=None)
    return None


def _held_with(session: Session, desk: Desk, note: Note, promotion: Promotion) -> list[Change]:
    """Everything that the same lock or freeze holds back, of all promotions: one message says it."""
    freeze = session.get(DeclaredFreeze, note.data["freeze"]) if "freeze" in note.data else None
    lock = session.get(Lock, note.data["lock"]) if "lock" in note.data else None
    covered: Sequence[Target] = ()
    if freeze is not None:
        scope = Scope(ScopeKind.SERVICE, freeze.service) if freeze.service else Scope(ScopeKind.EVERYTHING)
        covered = scopes.of_scope(session, desk.catalog, scope)
    elif lock is not None:
        covered = scopes.covered_targets(session, desk.catalog, lock)
    others = [finding.open_at(session, target.id or 0) for target in covered if target.id != promotion.target]
    lines = [promotion, *(one for one in others if one is not None and not one.rollback)]
    found = [change for line in lines for row, change in changes_of(session, line.id) if not row.leaving]
    return list({change.id: change for change in found}.values())


def _links(
    session: Session, desk: Desk, owner: Service, target: Target, promotion: Promotion, deploy: Deploy | None
) -> tuple[LinkView, ...]:
    links, base, sha = [], promotion.base_sha, promotion.sha
    if promotion.repo and base and base != sha:
        between = f"{quote(sha)}...{quote(base)}" if promotion.rollback else f"{quote(base)}...{quote(sha)}"
        links.append(LinkView(name="Diff", url=f"{desk.forge_url}/{promotion.repo}/compare/{between}"))
    elif promotion.repo:
        links.append(LinkView(name="Commit", url=f"{desk.forge_url}/{promotion.repo}/commit/{quote(sha)}"))
    if base and base != sha:
        began_at = deploy.began_at if deploy is not None else promotion.created_at
        compare = deploys.compare_url(owner, target.environment, sha, began_at, base)
        links += [LinkView(name="Old vs new", url=compare)] if compare is not None else []
    run = (deploy.url if deploy is not None else None) or promotion.url
    if run:
        links.append(LinkView(name="Run", url=run))
    if owner.runbook and state_of(promotion) is State.FAILED:
        links.append(LinkView(name="Runbook", url=owner.runbook))
    return tuple(links)
