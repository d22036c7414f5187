"""Where a promotion stands, and how it gets from one state to the next: only by ``LEGAL``, always on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from bot import audit, work
from bot.audit import Tag
from bot.events import Act
from bot.promotions.models import LEGAL, Promotion, State

_UNTIL_THE_CALL = frozenset({Act.REJECT, Act.CANCEL, Act.HOLD, Act.RELEASE, Act.INCLUDE, Act.UNDO})

MAY: Mapping[State, frozenset[Act]] = {
    State.OPEN: _UNTIL_THE_CALL | {Act.APPROVE, Act.ACKNOWLEDGE},
    State.STARTING: _UNTIL_THE_CALL,
    State.ROLLING: frozenset({Act.CANCEL}),
}
"""What a person may do in each state, besides the two answers to a doubtful call; nothing in a state not named."""

ABORTED = "a rollback was declared"
"""Why something is cancelled that was on its way when somebody declared a rollback."""

DOUBTFUL = frozenset({Act.WENT_THROUGH, Act.TRY_AGAIN})
"""What a person may do while a call is in doubt, and nothing else."""


def state_of(promotion: Promotion) -> State:
    """The state, typed."""
    return State(promotion.state)


def may(promotion: Promotion) -> frozenset[Act]:
    """What a person may do to a promotion as it stands: the buttons of its card."""
    if promotion.asks_person is not None and state_of(promotion) is State.STARTING:
        return DOUBTFUL
    if is_called(promotion) and state_of(promotion) is State.STARTING:
        return frozenset()
    acts = MAY.get(state_of(promotion), frozenset())
    if promotion.departure is not None:
        acts -= {Act.INCLUDE}  # its departure's list is sealed
    return acts - {Act.INCLUDE, Act.ACKNOWLEDGE} if promotion.rollback else acts


def is_called(promotion: Promotion) -> bool:
    """Whether its pipeline was called, is being called, or began by itself: nothing here stops it any more."""
    state = state_of(promotion)
    return state is State.ROLLING or (promotion.called_at is not None and not state.ended)


def unawaited(promotion: Promotion) -> bool:
    """Whether somebody stopped waiting for its rollout, which nothing here stops: what that reports still counts."""
    begun = promotion.called_at is not None or promotion.deploy is not None
    return state_of(promotion) is State.CANCELLED and begun and promotion.ended_reason != ABORTED


def move(
    session: Session, promotion: Promotion, to: State, now: datetime, *, who: str | None = None, why: str | None = None
) -> None:
    """Bring it to another state; AssertionError where that is not legal. ``who`` and ``why`` are kept with an end."""
    before = state_of(promotion)
    legal = to in LEGAL.get(before, frozenset()) and (before is not State.CANCELLED or unawaited(promotion))
    assert legal, f"promotion {promotion.id} cannot go from {before} to {to}"
    promotion.state = to.value
    if to is State.OPEN:
        promotion.not_before = promotion.called_at = promotion.asks_person = None
    if to.ended:
        promotion.ended_at, promotion.ended_by, promotion.ended_reason = now, who, why
        promotion.asks_person = None
        work.cancel(session, "promotion", promotion.id or 0)
    session.flush()  # at once: the place it leaves may be taken in this very transaction
    audit.record(
        session, Tag.PROMOTION_MOVED, f"promotion:{promotion.id}", now, who=who, before=before.value, to=to.value,
        why=why,
    )  # fmt: skip
    work.touch(session, "target", promotion.target)
    if promotion.departure is not None:
        work.touch(session, "departure", promotion.departure)
