"""Which open promotions depend on whom: on somebody, on a group, on a rota that was read anew."""

from __future__ import annotations

from sqlmodel import Session, col, select

from bot import people, work
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.people import Concerning
from bot.promotions.gathering import approver_words
from bot.promotions.models import Approval, Promotion, State

_WAITING = (State.OPEN.value, State.STARTING.value)


def touch_concerned(session: Session, desk: Desk, read: Concerning) -> None:
    """What waits is judged again where its policy asks for what was read anew, or one of these people has a part in it.

    A verdict reads whoever may approve, by the words of the policy; whoever said yes; and whoever asked for it, whose
    names exclude.
    """
    asked_by = {f"slack:{one}" for one in read.slack_ids}
    asks: dict[str, bool] = {}
    rows = session.exec(
        select(Promotion.target, Promotion.requested_by, Target.service)
        .join(Target, col(Promotion.target) == col(Target.id))
        .where(col(Promotion.state).in_(_WAITING))
        .order_by(col(Promotion.id))
    ).all()
    for target, requested_by, service in rows:
        if service not in asks:
            asks[service] = _asks(desk, service, read)
        if asks[service] or requested_by in asked_by:
            work.touch(session, "target", target)
    if not read.slack_ids:
        return
    for target in session.exec(
        select(Promotion.target)
        .join(Approval, col(Approval.promotion) == col(Promotion.id))
        .where(
            col(Promotion.state).in_(_WAITING),
            col(Approval.person).in_(sorted(read.slack_ids)),
            col(Approval.withdrawn_at).is_(None),
        )
        .distinct()
    ):
        work.touch(session, "target", target)


def _asks(desk: Desk, service: str, read: Concerning) -> bool:
    """Whether the policy of a service asks for any of these."""
    owner = desk.catalog.service(service)
    return any(people.key_of(desk.catalog, word, owner) in read.keys for word in approver_words(owner))
