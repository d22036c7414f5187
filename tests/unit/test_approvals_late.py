"""A yes that was stored and applied only after an outage: it is as old as its click."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.errors import UserError
from bot.events import Act, PromotionActed
from bot.gates import Approval, Lock, Order
from bot.promotions import gathering
from bot.promotions.models import State
from tests.unit.promoting import world
from tests.unit.reports import minute, pull


@pytest.mark.parametrize(("hours", "counts"), [(1, True), (5, False)])
def test_a_yes_is_as_old_as_its_click(session: Session, hours: int, *, counts: bool) -> None:
    """It counts for four hours; nothing ships at night because somebody clicked before noon."""
    here = world(session, gates=(Lock(), Order(), Approval()))
    promotion = here.raised("b", "a", pull(815, "b"))
    clicked, here.at = here.at, here.at + 60 * hours
    seen = gathering.seen_now(session, here.desk, promotion)
    yes = PromotionActed(
        act=Act.APPROVE, promotion=promotion.id or 0, seen=seen, slack_id="U0DEE", called="Dee", reason=None,
        at=minute(clicked),
    )  # fmt: skip
    if counts:
        here.tell(yes)
    else:
        with pytest.raises(UserError, match="reached me only now"):
            here.tell(yes)
    assert promotion.state == (State.STARTING if counts else State.OPEN)
    if counts:
        (kept,) = gathering.approvals_of(session, promotion.id)
        assert kept.at == minute(clicked), "it expires four hours after the click"
        assert promotion.not_before == here.now + here.service.undo, "there is as much time to undo it as ever"
