"""What waits for somebody: every promotion that has not ended, with what it waits for and who can help."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, func, select

from bot.answers.dashboard.changes import change_lines, newest
from bot.answers.dashboard.scope import Scope
from bot.answers.dashboard.views import PromotionRow, Wait
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.events import DeployStatus
from bot.gates import Blocked, Judged, Open
from bot.gates.wording import listed
from bot.promotions import several, shown
from bot.promotions.models import Promotion, State

MOST = 60
"""Promotions that are judged and shown; the rest is counted."""

MOST_ABLE = 3
"""How many of those who can are named: more would not be read."""

LOCK = "lock"
"""The gate that locks hold closed."""

_ALIVE = (State.OPEN.value, State.STARTING.value, State.ROLLING.value)
_ORDER = {State.OPEN.value: 0, State.STARTING.value: 1, State.ROLLING.value: 2}


def waiting(session: Session, desk: Desk, scope: Scope) -> tuple[Sequence[PromotionRow], dict[int, PromotionRow], int]:
    """The promotions in the order in which people are to read them, the same by target, and how many more there are."""
    here = (col(Promotion.state).in_(_ALIVE), col(Promotion.target).in_([one.id for one in scope.targets]))
    promotions = session.exec(
        select(Promotion).where(*here).order_by(col(Promotion.created_at), col(Promotion.id)).limit(MOST)
    ).all()
    in_all = len(promotions)
    if in_all == MOST:
        in_all = session.exec(select(func.count()).select_from(Promotion).where(*here)).one()
    rows = _rows(session, desk, promotions)
    by_target = {one.target: row for one, row in zip(promotions, rows, strict=True)}
    for one, row in zip(promotions, rows, strict=True):
        if one.state != State.OPEN.value:
            by_target[one.target] = row  # beside it another may wait: what is on its way is what is to be seen there
    return sorted(rows, key=_urgency), by_target, in_all - len(rows)


def _urgency(row: PromotionRow) -> tuple[bool, int]:
    """Whoever can be helped at once comes first: a doubt that only a person settles, then what is open."""
    return row.asks_person is None, _ORDER[row.state]


def _lifters(held: several.Held) -> str:
    """Who lifts the locks that hold it, in words."""
    return listed(list(dict.fromkeys(one.able for one in held.known.locks if one.able)))


def _rows(session: Session, desk: Desk, promotions: Sequence[Promotion]) -> Sequence[PromotionRow]:
    numbers = [one.id or 0 for one in promotions]
    carried = several.changes_of_each(session, numbers) if numbers else {}
    about = {
        one.id or 0: [change for row, change in carried[one.id or 0] if row.leaving is one.rollback]
        for one in promotions
    }  # fmt: skip
    last = {number: newest(every) for number, every in about.items()}
    lines = change_lines(session, desk, [one for one in last.values() if one is not None])
    deploys = _deploys(session, promotions)
    found = []
    for held in several.held(session, desk, promotions):
        one, number = held.promotion, held.promotion.id or 0
        is_open = one.state == State.OPEN.value
        closed = held.judgement.closed if is_open else ()
        deploy = deploys.get(one.deploy or 0)
        change = last[number]
        found.append(
            PromotionRow(
                promotion_id=number,
                service=held.target.service,
                environment=held.target.environment,
                sha=one.sha,
                state=one.state,
                rollback=one.rollback,
                changes=len(about[number]) + one.truncated,
                newest=lines.get(change.id or 0) if change is not None else None,
                since=one.created_at,
                waits=tuple(_wait(held, judged) for judged in sorted(closed, key=_may_pass)),
                wants_yes=any(judged.gate == "approval" for judged in closed),
                able=shown.able_shown(held.able[:MOST_ABLE]) if is_open else (),
                more_able=max(0, len(held.able) - MOST_ABLE) if is_open else 0,
                percent=deploy.percent if deploy is not None and deploy.state is DeployStatus.IN_PROGRESS else None,
                asks_person=one.asks_person,
                url=(deploy.url if deploy is not None else None) or one.url,
            )
        )
    return found


def _may_pass(judged: Judged) -> int:
    """What somebody must lift comes first, then a missing yes, then what time opens."""
    if isinstance(judged.verdict, Blocked):
        return 0
    return 1 if judged.gate == "approval" else 2


def _wait(held: several.Held, judged: Judged) -> Wait:
    verdict = judged.verdict
    return Wait(
        gate=judged.gate,
        reason=verdict.reason,
        blocked=isinstance(verdict, Blocked),
        until=None if isinstance(verdict, Open) else verdict.until,
        can=_lifters(held) if judged.gate == LOCK else "",
    )


def _deploys(session: Session, promotions: Sequence[Promotion]) -> dict[int, Deploy]:
    numbers = [one.deploy for one in promotions if one.deploy is not None]
    if not numbers:
        return {}
    return {one.id or 0: one for one in session.exec(select(Deploy).where(col(Deploy.id).in_(numbers))).all()}
