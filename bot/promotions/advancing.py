"""What becomes of a promotion now: judged, started, reopened, expired; and when to look again.

Every way to production comes through here: a click, a report, the clock and a lock differ only in what they wrote down
before. The call itself judges once more (``calling``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot import gates, outbox, people, work
from bot.catalog import PromoteThrough, Service
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Target
from bot.deploys.views import RangeState
from bot.events import Via
from bot.gates import Judgement, Situation
from bot.locks import service as locks
from bot.outbox import Effect, Lane
from bot.ports import Direction
from bot.promotions import finding, gatekeeping, rules, statements, telling
from bot.promotions.gathering import approvals_of, changes_of, situation, target_of
from bot.promotions.judging import ROUND, decide, helpers, judge_situation
from bot.promotions.models import Approval, Promotion, PromotionChange, State
from bot.promotions.raising import raise_next, want_people
from bot.promotions.ranges import follow_live, live_sha
from bot.promotions.states import is_called, move, state_of
from bot.promotions.views import Said
from bot.promotions.words import gate_words, spoken, waits_words

DEPLOY = "deploy"
"""The effect that calls the pipeline. Twice is harmless: it is looked up before it is repeated (``calling``)."""

_BY_ITSELF = (Via.PIPELINE.value, Via.TRAIN.value)
"""How a promotion is raised that nobody asked for: one that is older than what is live is not wanted."""

ONCE_MORE = timedelta(minutes=1)
"""When to look again where time was to change something and did not, or where it is not known whose yes counts."""


def reconsider(session: Session, desk: Desk, target_id: int, now: datetime) -> None:
    """Derive everything that follows for a target: what is open there is judged, what is next is raised."""
    target = session.get(Target, target_id)
    if target is None or (target.service, target.environment) == targets.EVERYWHERE:
        return
    if not _ever_promoted(session, target_id):
        return
    targets.hold(session, desk.catalog, [(target.service, target.environment)])
    alive = finding.alive_at(session, target_id)
    for promotion in alive:
        if is_called(promotion):
            telling.show(session, desk, promotion, now)
        else:
            advance(session, desk, promotion, now)
    raise_next(session, desk, target, now, alive=[one for one in alive if not state_of(one).ended])


def advance(
    session: Session, desk: Desk, promotion: Promotion, now: datetime, *, act: str = "time", who: str | None = None
) -> Judgement | None:
    """Judge a promotion that was not called, and bring it to where its gates let it be; None where it has ended.

    Its target is held. What a person's ``act`` came to is always kept; the rest only where something came of it.
    """
    target = session.get(Target, promotion.target)
    assert target is not None
    if _ends_by_itself(session, desk, promotion, target, now):
        return None
    follow_live(session, promotion, target, now)
    owner = desk.catalog.service(target.service)
    carried, yeses = changes_of(session, promotion.id), approvals_of(session, promotion.id)
    known = situation(session, desk, promotion, now, carried=carried, yeses=yeses)
    judgement = judge_situation(session, desk, promotion, known)
    promotion.seen = known.run.seen
    before, may_start = state_of(promotion), judgement.open and can_start(session, owner, promotion)
    outcome = "unchanged"
    if may_start and before is State.OPEN:
        _start(session, owner, promotion, now)
        outcome = "starting"
    elif not may_start and before is State.STARTING:
        reopen(session, desk, promotion, judgement, now)
        outcome = "reopened"
    if outcome != "unchanged" or act != "time":
        decide(session, promotion, judgement, act, outcome, now, who)
    if state_of(promotion) is State.OPEN:
        _look_again(session, owner, promotion, known, now)
    _tell(session, desk, promotion, known, judgement, now, carried=carried, yeses=yeses)
    return judgement


def can_start(session: Session, owner: Service, promotion: Promotion) -> bool:
    """Whether its pipeline could be called once every gate is open."""
    others = finding.under_way_at(session, promotion.target)
    if others is not None and others.id != promotion.id:
        return False
    match owner.promote_through:
        case None:
            return False
        case PromoteThrough.GITHUB_ENVIRONMENT:
            return bool(gatekeeping.waiting(session, promotion))
        case _:
            return True


def begins_words(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> str:
    """What comes of an open promotion as it is judged now: that it starts, and when, or what it still waits for."""
    owner = desk.catalog.service(target_of(session, promotion).service)
    judgement = judge_situation(session, desk, promotion, situation(session, desk, promotion, now))
    if not judgement.open:
        return f"still waits: {waits_words(desk, judgement)}"
    if not can_start(session, owner, promotion):
        other = finding.under_way_at(session, promotion.target)
        return f"starts once promotion {other.id} is through" if other else "waits for a run that asks to go there"
    at = rules.starts_at(now, _undone_from(session, promotion), owner.undo)
    return "starts now" if at <= now else f"starts at {spoken(desk, at, seconds=True)} ({desk.catalog.timezone.key})"


def reopen(session: Session, desk: Desk, promotion: Promotion, judgement: Judgement, now: datetime) -> None:
    """A gate closed before the call was made: it waits again, and that is said."""
    move(session, promotion, State.OPEN, now)
    closed = "; ".join(gate_words(one) for one in judgement.closed)
    telling.say(session, desk, promotion, Said.REOPENED, now, of=now.isoformat(), why=closed[:500] or None)


def end(
    session: Session,
    desk: Desk,
    promotion: Promotion,
    to: State,
    now: datetime,
    *,
    who: str | None = None,
    why: str | None = None,
    said: Said | None = None,
) -> None:
    """Bring a promotion to an end: its card says so, aloud where that must be heard; its Hold is forgotten."""
    move(session, promotion, to, now, who=who, why=why)
    locks.promotion_over(session, promotion.root or promotion.id or 0, now)
    gatekeeping.over(session, promotion, to, now, why)
    telling.show(session, desk, promotion, now)
    if said is not None:
        telling.say(session, desk, promotion, said, now, who=who, why=why)


def calls(session: Session, promotion_id: int) -> int:
    """How many times its pipeline was to be called."""
    first, last = f"{telling.PROMOTION}:{promotion_id}:", f"{telling.PROMOTION}:{promotion_id};"
    found = session.exec(select(func.count(col(Effect.id))).where(Effect.key >= first, Effect.key < last)).one()
    return int(found)


def _undone_from(session: Session, promotion: Promotion) -> list[datetime]:
    """Since when each yes can be undone."""
    return [row.applied_at for row in approvals_of(session, promotion.id)]


def _start(session: Session, owner: Service, promotion: Promotion, now: datetime) -> None:
    promotion.not_before = rules.starts_at(now, _undone_from(session, promotion), owner.undo)
    move(session, promotion, State.STARTING, now)
    work.cancel(session, telling.PROMOTION, promotion.id or 0)
    number = calls(session, promotion.id or 0) + 1
    outbox.add_effect(
        session, DEPLOY, f"{telling.PROMOTION}:{promotion.id}:{number}", now,
        due_at=promotion.not_before, lane=Lane.APPROVAL, promotion=promotion.id, number=number,
    )  # fmt: skip


def _ends_by_itself(session: Session, desk: Desk, promotion: Promotion, target: Target, now: datetime) -> bool:
    """Whether nothing is left to wait for: it went live without us, it is too old, or there is something newer."""
    live = live_sha(session, target)
    if live == promotion.sha and promotion.base_sha != live:
        judgement = judge_situation(session, desk, promotion, situation(session, desk, promotion, now))
        decide(session, promotion, judgement, ROUND, State.DONE.value, now)
        end(session, desk, promotion, State.DONE, now, why="went live by itself", said=Said.LIVE)
        return True
    if state_of(promotion) is State.OPEN and now >= promotion.expires_at:
        end(session, desk, promotion, State.EXPIRED, now, why="nobody opened its gates in time", said=Said.EXPIRED)
        return True
    known = promotion.range == RangeState.COMPLETE and promotion.base_sha == live
    older = promotion.direction in (Direction.BEHIND.value, Direction.IDENTICAL.value)
    if known and older and promotion.via in _BY_ITSELF and not promotion.rollback:
        end(session, desk, promotion, State.CANCELLED, now, why="older than what is live")
        return True
    return False


def _look_again(session: Session, owner: Service, promotion: Promotion, known: Situation, now: datetime) -> None:
    at = rules.looks_at(now, gates.turns_at(owner.gates, known), promotion.expires_at)
    doubtful = any(vote.trouble is not None for vote in known.votes)
    at = min(at, now + (ONCE_MORE if doubtful else people.WANTED / 2))  # long before it is forgotten who is wanted
    work.schedule(session, telling.PROMOTION, promotion.id or 0, at if at > now else now + ONCE_MORE)


def _tell(
    session: Session, desk: Desk, promotion: Promotion, known: Situation, judgement: Judgement, now: datetime,
    *, carried: Sequence[tuple[PromotionChange, Change]], yeses: Sequence[Approval],
) -> None:  # fmt: skip
    target = session.get(Target, promotion.target)
    assert target is not None
    want_people(session, desk, desk.catalog.service(target.service), now)
    for person in sorted({row.person for row in yeses}):
        people.want_member(session, person, now)  # who was deactivated since the click counts no more
    read_before = telling.stands(session, desk, promotion)
    telling.show(session, desk, promotion, now)
    telling.tell_authors(session, desk, promotion, known, carried, now)
    if promotion.range != RangeState.COMPLETE:
        return  # what people see is about to change
    gatekeeping.note(session, promotion, judgement, now)
    for row in yeses:
        if row.seen != promotion.seen:
            telling.say(
                session, desk, promotion, Said.VOID, now, of=f"{row.person}:{row.at.isoformat()}",
                who=f"slack:{row.person}", saw=row.changes,
            )  # fmt: skip
    if state_of(promotion) is State.OPEN and judgement.asks_for_yes:
        telling.ask(session, desk, promotion, helpers(session, desk, promotion, known), now)
        if read_before:
            telling.say(session, desk, promotion, Said.APPROVAL_NEEDED, now, of=promotion.seen)


def _ever_promoted(session: Session, target_id: int) -> bool:
    return session.exec(statements.EVER, params={"of_target": target_id}).first() is not None
