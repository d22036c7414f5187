"""A rollback goes back: what was rolled back from goes in again by its gates only."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.deploys.models import Deploy
from bot.errors import UserError
from bot.events import Act
from bot.gates import Approval, Lock, Order
from bot.promotions import rollbacks
from bot.promotions.models import State
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import pull

QUICK = (Lock(), Order(), Approval())


def back_at_a(here: World) -> None:
    """Build b, over a, was live and rolled back."""
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", promotion=promotion.id)
    here.at += 1
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")


def test_a_rollback_does_not_go_forward_again(session: Session) -> None:
    """Nobody's yes is asked for a rollback: it must not be the way in for what was taken out."""
    here = world(session, gates=QUICK)
    back_at_a(here)
    with pytest.raises(UserError, match=r"runs the oldest build I know of there \(aaaaaaa\): .* by its gates"):
        here.roll_back()
    newer = session.exec(select(Deploy.id).where(Deploy.sha == sha_of("b")).order_by(col(Deploy.id).desc())).first()
    with pytest.raises(UserError, match="a newer one goes in by its gates"):
        here.roll_back(to=newer)


def test_a_second_rollback_goes_further_back(session: Session) -> None:
    """From a, back from b: to what was live before a."""
    here = world(session, gates=QUICK)
    here.lives("z")
    here.at += 60
    here.ship("a", number="first", source="other")
    here.at += 60
    here.ship("b", source="other")
    here.at += 60
    here.roll_back()
    here.call()
    here.at += 60
    here.ship("a", promotion=here.present().id, number="back")
    assert rollbacks.rollback_offer(session, here.desk, "oven", None, None).sha == sha_of("z")


def test_a_failed_rollout_still_goes_back_to_what_is_live(session: Session) -> None:
    """Also after a rollback."""
    here = world(session, gates=QUICK)
    back_at_a(here)
    here.at += 1
    here.ship("c", "failed", source="other")
    here.at += 1
    here.roll_back()
    assert (here.present().sha, here.present().state) == (sha_of("a"), State.STARTING)
