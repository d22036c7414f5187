"""A departure on its way: stage by stage, past failures and freezes, back again; nobody is left wondering."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from bot.catalog import OnFailure
from bot.departures.models import Departure
from bot.departures.states import Outcome, State
from bot.events import Act, FreezeDeclared, LockAct, LockActed, LockPlaced, TrainAct
from bot.outbox import Note
from bot.promotions import calling
from bot.promotions.advancing import DEPLOY
from bot.promotions.models import State as PromotionState
from tests.unit.promoting import DAYS_AGO
from tests.unit.railway import STAGED, Railway, railway, sha_of
from tests.unit.reports import minute


def _left(here: Railway) -> Departure:
    """Both are approved and cart is on its way."""
    departure = here.ready()
    here.turn(120)
    assert [call.service for call in here.call()] == ["cart"]
    return departure


def _halfway(here: Railway) -> Departure:
    """Cart is live, checkout's turn has come, and it is called."""
    departure = _left(here)
    here.rolls("cart", "succeeded")
    assert [call.service for call in here.call()] == ["checkout"]
    return departure


def test_a_stage_leaves_when_the_one_before_it_is_live(sealed_session: Session) -> None:
    """Checkout waits for cart, and says so."""
    here = railway(sealed_session, STAGED)
    departure = _left(here)
    here.rolls("cart", "in_progress")
    assert here.states_of() == {"cart": "rolling", "checkout": "open"}
    here.rolls("cart", "succeeded")
    assert departure.stage == 1
    assert [call.service for call in here.call()] == ["checkout"]
    here.rolls("checkout", "succeeded")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ARRIVED)


def test_a_failure_stops_it_and_the_conductor_rolls_on_without(sealed_session: Session) -> None:
    """By the default policy: nothing further leaves until somebody says so."""
    here = railway(sealed_session, STAGED)
    departure = _left(here)
    here.rolls("cart", "failed")
    assert departure.stopped_reason == "cart failed: its rollout failed", "the cause, and nothing around it"
    assert departure.decide_by == minute(150)
    assert (here.aloud()[-1], here.call()) == ("stopped", [])
    assert here.no(TrainAct.ROLL_ON, "U0ANA").startswith("You can't roll on the web 14:00")
    assert here.conduct(TrainAct.ROLL_ON) == "Rolling on: the web 14:00 goes on to its next stage. Without cart."
    assert [call.service for call in here.call()] == ["checkout"]
    assert here.conduct(TrainAct.ROLL_ON).startswith("Nothing to do: the web 14:00 left")
    here.rolls("checkout", "succeeded")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.FAILED)
    assert here.aloud() == ["sealed", "departed", "stopped", "rolled_on", "arrived"]


def test_a_failure_that_nobody_decides_about_stays_stopped_and_nags(sealed_session: Session) -> None:
    """At its deadline, and every hour after."""
    here = railway(sealed_session, STAGED)
    departure = _left(here)
    here.rolls("cart", "failed")
    here.turn(215)
    assert here.aloud() == ["sealed", "departed", "stopped", "still_stopped", "still_stopped"]
    assert (departure.state, here.states_of()["checkout"]) == (State.DEPARTED, "open")


def test_a_second_failure_while_it_is_stopped_is_said_too(sealed_session: Session) -> None:
    """Nobody rolls on over what they were not told of: both are named, aloud and to whoever rolls on."""
    here = railway(sealed_session, stages=(("cart", "checkout"),))
    departure = here.ready()
    here.turn(120)
    here.call()
    here.rolls("cart", "failed")
    here.at += 5
    here.rolls("checkout", "failed")
    assert here.aloud() == ["sealed", "departed", "stopped", "stopped"]
    assert departure.stopped_reason == "cart failed: its rollout failed; checkout failed: its rollout failed"
    assert departure.decide_by == minute(150), "the time to answer is that of the first asking"
    here.rolls("checkout", "failed")
    assert len(here.aloud()) == 4, "told twice, it is said once"
    assert here.conduct(TrainAct.ROLL_ON).endswith("Without cart and checkout.")
    (note,) = [one for one in here.session.exec(select(Note)).all() if one.data.get("said") == "rolled_on"]
    assert note.data["passed"] == ["cart", "checkout"]


def test_whoever_conducts_one_that_is_on_its_way_back_is_told_until_it_is(sealed_session: Session) -> None:
    """A rollback may hang as anything else may."""
    here = railway(sealed_session, STAGED)
    departure = _halfway(here)
    here.rolls("checkout", "failed")
    here.at = 125
    here.conduct(TrainAct.ROLL_BACK)
    here.call()
    here.turn(184)
    assert here.aloud()[-1] == "rolled_back"
    here.turn(250)
    assert here.aloud()[-2:] == ["still_returning", "still_returning"]
    for service in ("checkout", "cart"):
        here.at += 1
        _went_back(here, service)
    here.turn(400)
    assert here.aloud().count("still_returning") == 2
    assert departure.outcome == Outcome.ROLLED_BACK


def test_what_had_gone_live_is_taken_back_where_the_conductor_says_so(sealed_session: Session) -> None:
    """A declared rollback of each, the last to leave first; it is over when they have arrived."""
    here = railway(sealed_session, STAGED)
    departure = _halfway(here)
    here.rolls("checkout", "failed")
    said = "Rolling back the web 14:00: checkout and cart, the last to leave first."
    assert here.conduct(TrainAct.ROLL_BACK) == said
    assert here.conduct(TrainAct.ROLL_BACK) == "Nothing to do: the web 14:00 is being rolled back."
    for service in ("checkout", "cart"):
        assert [(call.service, call.sha, call.rollback) for call in here.call()] == [(service, sha_of("a"), True)]
        here.at += 1
        _went_back(here, service)
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ROLLED_BACK)
    assert here.aloud()[-2:] == ["rolled_back", "arrived"]


def test_by_the_rollback_policy_nobody_need_say_so(sealed_session: Session) -> None:
    """A failure takes back at once what had gone live, and what had not left is called off."""
    here = railway(sealed_session, STAGED, on_failure=OnFailure.ROLLBACK)
    departure = _halfway(here)
    here.rolls("checkout", "failed")
    assert departure.returning_at is not None
    for service in ("checkout", "cart"):
        assert [call.service for call in here.call() if call.rollback] == [service]
        here.at += 1
        _went_back(here, service)
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ROLLED_BACK)


def test_what_ran_there_before_a_call_that_was_refused_stays(sealed_session: Session) -> None:
    """Nothing of cart went there: to go back would take out the release before it."""
    here = railway(sealed_session, on_failure=OnFailure.ROLLBACK, stages=(("checkout",), ("cart",)))
    here.deployed("cart", "9", "succeeded", "production", DAYS_AGO - 60)
    departure = here.ready()
    here.turn(120)
    assert [call.service for call in here.call()] == ["checkout"]
    here.rolls("checkout", "succeeded")
    (effect,) = [one for one in here.effects(DEPLOY) if one.data["promotion"] == here.of("cart").id]
    calling.refused(here.session, here.desk, effect.data, "no such workflow", here.now)
    here.reactions.settle(here.session, here.now)
    assert [call.service for call in here.call()] == ["checkout"]
    here.at += 1
    _went_back(here, "checkout")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ROLLED_BACK)


def test_a_rollout_that_has_not_begun_is_waited_for_and_taken_back_then(sealed_session: Session) -> None:
    """What runs there meanwhile is the release before it."""
    here = railway(sealed_session)
    here.deployed("cart", "9", "succeeded", "production", DAYS_AGO - 60)
    departure = here.ready()
    here.turn(120)
    assert [call.service for call in here.call()] == ["cart", "checkout"]
    here.rolls("checkout", "failed")
    said = here.conduct(TrainAct.ROLL_BACK)
    assert said.startswith("Rolling back the web 14:00: checkout. cart: its rollout has not begun, and is waited for")
    assert [call.service for call in here.call()] == ["checkout"]
    here.at += 1
    _went_back(here, "checkout")
    assert departure.state == State.DEPARTED
    here.at += 1
    here.rolls("cart", "succeeded")
    assert [(call.service, call.sha) for call in here.call()] == [("cart", sha_of("a"))]
    here.at += 1
    _went_back(here, "cart")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ROLLED_BACK)


def test_a_hotfix_that_came_after_it_stays(sealed_session: Session) -> None:
    """To go back from that would bring the train's own build back in."""
    here = railway(sealed_session, STAGED)
    departure = _halfway(here)
    here.at += 1
    here.deployed("cart", "e", "succeeded", "production", here.at)
    here.at += 1
    here.rolls("checkout", "failed")
    said = here.conduct(TrainAct.ROLL_BACK)
    assert said.startswith("Rolling back the web 14:00: checkout. cart: eeeeeee came there after it, and stays")
    assert [call.service for call in here.call() if call.rollback] == ["checkout"]
    here.at += 1
    _went_back(here, "checkout")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.FAILED)


def test_by_the_continue_policy_the_rest_goes_on(sealed_session: Session) -> None:
    """The outcome says that not everything arrived."""
    here = railway(sealed_session, STAGED, on_failure=OnFailure.CONTINUE)
    departure = _left(here)
    here.rolls("cart", "failed")
    assert [call.service for call in here.call()] == ["checkout"]
    here.rolls("checkout", "succeeded")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.FAILED)


def test_somebody_who_says_no_on_the_way_stops_it(sealed_session: Session) -> None:
    """Rejected after the train had left: the conductor is asked."""
    here = railway(sealed_session, STAGED)
    departure = _left(here)
    here.act(Act.REJECT, promotion=here.of("checkout"), reason="it burns")
    here.rolls("cart", "succeeded")
    assert departure.stopped_reason is not None
    assert "rejected by Dee" in departure.stopped_reason


def test_a_freeze_that_begins_half_way_asks_the_conductor(sealed_session: Session) -> None:
    """Never left half deployed: rolled on, it is on record who did so, and the freeze holds for everybody else."""
    here = railway(sealed_session, STAGED)
    departure = _frozen_half_way(here)
    assert departure.stopped_reason is not None
    assert "moving the database" in departure.stopped_reason
    assert here.call() == []
    here.conduct(TrainAct.ROLL_ON)
    assert departure.over_freeze == "Chi"
    assert [call.service for call in here.call()] == ["checkout"]
    here.rolls("checkout", "succeeded")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ARRIVED)


@pytest.mark.parametrize(("policy", "returns"), [(OnFailure.HOLD, False), (OnFailure.ROLLBACK, True)])
def test_a_freeze_half_way_ends_by_the_policy_where_nobody_answers(
    sealed_session: Session, policy: OnFailure, returns: bool
) -> None:
    """At the deadline it goes back, or stays stopped and asks again."""
    here = railway(sealed_session, STAGED, on_failure=policy)
    departure = _frozen_half_way(here)
    here.turn(160)
    assert (departure.returning_at is not None) is returns
    assert here.states_of()["checkout"] == ("cancelled" if returns else "open")
    assert [call.service for call in here.call()] == (["cart"] if returns else [])


def test_a_freeze_before_anything_left_holds_as_ever(sealed_session: Session) -> None:
    """Nothing is live in part: nobody may roll on over it."""
    here = railway(sealed_session, STAGED)
    departure = here.ready()
    _freeze(here, 110)
    here.turn(120)
    assert departure.state == State.HELD
    assert here.no(TrainAct.ROLL_ON).startswith("Nothing was done: the web 14:00 is held")


def _frozen_half_way(here: Railway) -> Departure:
    departure = _left(here)
    _freeze(here, 121)
    here.rolls("cart", "in_progress")
    here.turn(122)
    here.rolls("cart", "succeeded")
    assert departure.state == State.DEPARTED
    return departure


def _freeze(here: Railway, begins: float) -> None:
    here.tell(
        FreezeDeclared(
            service=None, begins=minute(begins), ends=minute(900), reason="moving the database", slack_id="U0EVE",
            called="Eve", at=here.now,
        )
    )  # fmt: skip


def _went_back(here: Railway, service: str) -> None:
    promotion = here.of(service)
    assert promotion.rollback
    here.deployed(service, "a", "succeeded", "production", here.at, promotion=promotion.id, number=f"back-{service}")
    assert promotion.state == PromotionState.DONE


def test_a_stage_that_a_lock_keeps_is_asked_about(sealed_session: Session) -> None:
    """Half an hour after its turn; rolled on it leaves once the lock is lifted, and is asked about again until then."""
    here = railway(sealed_session, STAGED)
    departure = _left(here)
    _lock_checkout(here)
    here.rolls("cart", "succeeded")
    here.turn(149)
    assert here.aloud() == ["sealed", "departed"]
    here.turn(150)
    assert "the oven burns" in (departure.stopped_reason or "")
    here.conduct(TrainAct.ROLL_ON)
    here.turn(180)
    assert here.aloud() == ["sealed", "departed", "stopped", "rolled_on", "stopped"]
    here.conduct(TrainAct.ROLL_ON)
    here.meet("U0DEE")
    here.tell(LockActed(act=LockAct.LIFT, lock=1, scope=None, slack_id="U0EVE", called="Eve", at=here.now))
    assert [call.service for call in here.call()] == ["checkout"]


def test_a_freeze_that_began_since_it_stopped_is_asked_about_by_itself(sealed_session: Session) -> None:
    """Whoever rolls on past a lock has not said that a freeze is passed, too."""
    here = railway(sealed_session, STAGED)
    departure = _left(here)
    _lock_checkout(here)
    here.rolls("cart", "succeeded")
    here.turn(150)
    _freeze(here, 151)
    here.turn(152)
    assert "the oven burns" in (departure.stopped_reason or "")
    assert "is frozen: moving the database" in here.conduct(TrainAct.ROLL_ON)
    assert (departure.over_freeze, here.aloud()[-1]) == (None, "stopped")
    assert "moving the database" in (departure.stopped_reason or "")
    here.conduct(TrainAct.ROLL_ON)
    assert departure.over_freeze == "Chi"


def _lock_checkout(here: Railway) -> None:
    here.tell(
        LockPlaced(
            scope="checkout", reason="the oven burns", ends_at=None, rollbacks=True, slack_id="U0EVE", called="Eve",
            channel=None, at=here.now,
        )
    )  # fmt: skip
