"""What a poller is told while nobody else was told that anything moves: not yet."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from bot.events import Act, LockPlaced
from bot.gates import Approval, Lock, Order, Soak
from bot.promotions import service as promotions
from bot.promotions.models import State
from bot.promotions.service import Answer
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import pull

QUICK = (Lock(), Order(), Approval())


def asked(here: World, sha: str = "b") -> Answer:
    """What a pipeline is told of a build."""
    return promotions.ask(here.session, here.desk, "oven", "production", sha_of(sha))


def locked(here: World) -> str:
    """What somebody is told who locks it now."""
    said = here.tell(
        LockPlaced(
            scope="oven", reason="rollback", ends_at=None, rollbacks=True, channel="#bakers", slack_id="U0DEE",
            called="Dee", at=here.now,
        )
    )  # fmt: skip
    assert said is not None
    return said


def test_gates_that_time_has_just_opened_are_no_yes_before_it_was_begun(session: Session) -> None:
    """Else a build would ship after whoever locked it was told that nothing moves."""
    here = world(session, gates=(Lock(), Order(), Soak(timedelta(minutes=30)), Approval()))
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 31
    answer = asked(here)
    assert (answer.state, answer.reason) == ("pending", "every gate is open: it is about to begin")
    assert locked(here).endswith("Nothing was on its way there. 1 change by 1 person waits because of it.")
    here.turn(here.at)
    assert (asked(here).state, promotion.state, here.call()) == ("pending", State.OPEN, [])


def test_what_a_newer_build_replaced_is_no_yes_any_more(session: Session) -> None:
    """Its approval is four hours young: a pipeline that runs it again would put it over the newer one."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", promotion=promotion.id)
    assert asked(here).state == "approved"
    here.at += 1
    here.ship("c", source="other")
    answer = asked(here)
    assert (answer.state, "production runs ccccccc by now" in answer.reason) == ("rejected", True)


def test_what_failed_is_a_no(session: Session) -> None:
    """Whoever waits for a yes need not wait on."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "failed", promotion=promotion.id)
    assert (asked(here).state, promotion.state) == ("rejected", State.FAILED)


def test_a_lock_says_of_a_rollout_that_nobody_asked_us_for(session: Session) -> None:
    """It is on its way, whoever began it."""
    here = world(session, gates=QUICK)
    here.lives()
    here.ship("c", "in_progress", source="other")
    assert "Already on its way, and not stopped by this: oven → production (ccccccc)." in locked(here)
