"""A train's day: sealed, left, held, late, missed; and nothing of it twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.catalog import PromoteThrough
from bot.departures.states import Outcome, State
from bot.events import Act, FreezeDeclared, GateRequested, LockAct, LockActed, LockPlaced, TrainAct
from bot.gates import Health, Lock
from bot.gates import Train as Gate
from bot.outbox import Note
from tests.unit.railway import Railway, carried, railway
from tests.unit.reports import BEN, minute, sha_of

FREELY = (carried("cart", gates=(Lock(), Health(), Gate())), carried("checkout", gates=(Lock(), Health(), Gate())))
"""Services of which nobody is asked for a yes."""


def test_the_list_is_sealed_when_boarding_closes_and_it_leaves_at_its_time(railway_session: Session) -> None:
    """Promotions are made at sealing, not before; one card follows it, and each author hears that they are aboard."""
    here = railway(railway_session).opened()
    here.built("cart", "b", 812)
    here.built("checkout", "c", 820)
    assert here.states_of() == {}
    here.turn(105)
    departure = here.departure()
    assert (departure.scheduled_at, departure.state, departure.conductor) == (minute(120), State.SEALED, "U0CHI")
    assert here.where() == [("#812", "cart", "aboard", None), ("#820", "checkout", "aboard", None)]
    assert here.states_of() == {"cart": "open", "checkout": "open"}
    assert (here.cards("promotion"), here.cards("departure")) == ([], [("1", "#releases")])
    assert here.notes("passenger_said") == [("aboard", "U0ANA")]
    here.told()
    here.yes("cart", "checkout")
    assert here.states_of() == {"cart": "open", "checkout": "open"}
    here.turn(120)
    assert departure.state == State.DEPARTED
    assert [call.service for call in here.call()] == ["cart", "checkout"]
    for service in ("cart", "checkout"):
        here.rolls(service, "succeeded")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.ARRIVED)
    assert here.aloud() == ["sealed", "departed", "arrived"]


def test_approvers_are_asked_as_soon_as_the_list_is_sealed(railway_session: Session) -> None:
    """Also where a soak ends only just before the train leaves: by then it would be too late to ask."""
    here = railway(railway_session).opened()
    here.turn(85)
    here.built("cart", "b", 812)
    here.meet("U0DEE", "U0EVE")
    here.turn(105)
    here.told()
    assert [place for _, place in here.cards("promotion")] == ["U0DEE", "U0EVE"]
    assert ("approval_needed", "#releases") not in here.notes("promotion_said")


def test_nobody_aboard_is_no_news(railway_session: Session) -> None:
    """The departure is on record, and no channel hears of it."""
    here = railway(railway_session).opened()
    here.turn(120)
    assert here.came_to() == [(minute(120), State.CLOSED, Outcome.EMPTY)]
    assert (here.cards("departure"), here.aloud()) == ([], [])


def test_what_stays_behind_says_why_and_goes_with_the_next(railway_session: Session) -> None:
    """Its soak ends after the train leaves; the author hears so once, and that it is aboard of the next."""
    here = railway(railway_session).opened()
    here.built("cart", "b", 812)
    here.turn(95)
    here.built("cart", "d", 830, author=BEN)
    here.turn(105)
    assert here.where() == [
        ("#812", "cart", "aboard", None), ("#830", "cart", "left", "soak ends after it leaves"),
    ]  # fmt: skip
    assert here.notes("passenger_said") == [("aboard", "U0ANA"), ("left", "U0BEN")]
    here.told()
    here.yes("cart")
    here.turn(120)
    here.call()
    here.rolls("cart", "succeeded")
    here.turn(225)
    assert here.where() == [("#830", "cart", "aboard", None)]


def test_one_that_cannot_leave_is_held_and_leaves_by_itself(sealed_session: Session) -> None:
    """It says once, aloud, what it waits for and who can help; the missing yes lets it go."""
    here = railway(sealed_session)
    departure = here.sealed()
    here.yes("cart")
    here.meet("U0DEE", "U0EVE")
    here.turn(120)
    assert (departure.state, departure.hold_owner, departure.decide_by) == (State.HELD, None, minute(150))
    assert departure.hold_reason is not None
    assert departure.hold_reason.startswith("checkout: approval: ")
    (held,) = [note for note in here.session.exec(select(Note)).all() if note.data.get("said") == "held"]
    assert held.data["can"] == ["U0DEE", "U0EVE"]
    here.turn(130)
    assert here.aloud() == ["sealed", "held"]
    here.yes("checkout")
    assert departure.state == State.DEPARTED
    assert here.aloud() == ["sealed", "held", "departed"]
    here.turn(200)
    assert departure.state == State.DEPARTED


def test_one_that_cannot_leave_in_time_is_called_off_and_the_next_takes_everybody(sealed_session: Session) -> None:
    """Whoever was aboard hears it; what was promoted is called off with it."""
    here = railway(sealed_session)
    departure = here.sealed()
    here.turn(150)
    assert (departure.state, departure.outcome, departure.ended_by) == (State.CLOSED, Outcome.CANCELLED, None)
    assert here.states_of() == {"cart": "cancelled", "checkout": "cancelled"}
    assert here.notes("passenger_said") == [("aboard", "U0ANA"), ("cancelled", "U0ANA")]
    here.turn(225)
    assert [(label, state) for label, _, state, _ in here.where()] == [("#812", "aboard"), ("#820", "aboard")]


@pytest.mark.parametrize("brake", ["lock", "freeze"])
def test_a_lock_and_a_freeze_win_over_the_timetable(sealed_session: Session, brake: str) -> None:
    """Set when everything was ready; once it is lifted the train leaves, as long as there is time."""
    here = railway(sealed_session)
    departure = here.ready()
    if brake == "lock":
        here.tell(
            LockPlaced(
                scope="cart", reason="the oven burns", ends_at=None, rollbacks=True, slack_id="U0EVE", called="Eve",
                channel=None, at=here.now,
            )
        )  # fmt: skip
    else:
        here.tell(
            FreezeDeclared(
                service="cart", begins=minute(110), ends=minute(130), reason="the oven burns", slack_id="U0EVE",
                called="Eve", at=here.now,
            )
        )  # fmt: skip
    here.turn(120)
    assert departure.state == State.HELD
    assert "the oven burns" in (departure.hold_reason or "")
    if brake == "lock":
        here.tell(LockActed(act=LockAct.LIFT, lock=1, scope=None, slack_id="U0EVE", called="Eve", at=here.now))
    else:
        here.turn(130)
    assert departure.state == State.DEPARTED


def test_a_yes_taken_back_after_sealing_is_missed_at_departure(sealed_session: Session) -> None:
    """The judgement of the last minute counts, not that of sealing."""
    here = railway(sealed_session)
    departure = here.ready()
    here.act(Act.UNDO, promotion=here.of("cart"))
    here.turn(120)
    assert departure.state == State.HELD


def test_somebody_who_says_no_takes_their_service_off_the_train(sealed_session: Session) -> None:
    """The rest goes; with nobody left aboard it does not go at all."""
    here = railway(sealed_session)
    departure = here.ready()
    here.act(Act.REJECT, promotion=here.of("cart"), reason="it burns")
    assert [(label, state) for label, _, state, _ in here.where()] == [("#812", "removed"), ("#820", "aboard")]
    assert departure.stages == [["checkout"]]
    here.act(Act.REJECT, promotion=here.of("checkout"), reason="that too")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.CANCELLED)


# --- nobody was there ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sealed", [True, False])
def test_one_that_nobody_could_see_to_leaves_late_within_its_grace(railway_session: Session, sealed: bool) -> None:
    """Whether its list was closed before or not."""
    here = railway(railway_session)
    here.services = FREELY
    here.opened()
    here.built("cart", "b", 812)
    here.turn(105 if sealed else 100)
    here.sleep(140)
    assert [state for _, state, _ in here.came_to()] == [State.DEPARTED]
    assert here.departure().scheduled_at == minute(120)
    assert here.aloud() == ["sealed", "departed"]


def test_without_a_grace_it_leaves_a_moment_after_its_time_all_the_same(railway_session: Session) -> None:
    """The clock never looks at the very instant; who would call that missed."""
    here = railway(railway_session, late_by=timedelta())
    here.services = FREELY
    here.opened()
    here.built("cart", "b", 812)
    here.turn(105)
    here.sleep(120.1)
    assert here.departure().state == State.DEPARTED


@pytest.mark.parametrize("sealed", [True, False])
def test_one_that_is_too_late_was_missed_and_offers_to_run(railway_session: Session, sealed: bool) -> None:
    """It says when the next one goes; run after all it is sealed and leaves now, once however often it is asked for."""
    here = railway(railway_session)
    here.services = FREELY
    here.opened()
    here.built("cart", "b", 812)
    here.turn(105 if sealed else 100)
    here.sleep(160)
    missed = here.departure()
    assert (missed.state, missed.outcome) == (State.CLOSED, Outcome.MISSED)
    (note,) = [note for note in here.session.exec(select(Note)).all() if note.data.get("said") == "missed"
               and note.kind == "departure_said"]  # fmt: skip
    assert (note.data["earlier"], note.data["next"]) == (0, minute(240).isoformat())
    assert here.states_of() == ({"cart": "cancelled"} if sealed else {})
    assert here.conduct(TrainAct.RUN) == "The web 14:00 is run after all: it has left."
    run = here.departure()
    assert (run.extra, run.scheduled_at, run.state) == (True, minute(160), State.DEPARTED)
    assert [call.service for call in here.call()] == ["cart"]
    assert here.conduct(TrainAct.RUN, departure=missed).startswith("Nothing to do: the web 14:00 was missed")
    assert len(here.departures()) == 2


def test_a_run_that_waits_for_a_yes_is_held_until_then(railway_session: Session) -> None:
    """Nothing is forced: its gates are judged as ever."""
    here = railway(railway_session).opened()
    here.built("cart", "b", 812)
    here.turn(100)
    here.sleep(160)
    assert "leaves as soon as GitHub has told what it carries" in here.conduct(TrainAct.RUN)
    here.told()
    assert here.departure().state == State.HELD
    here.yes("cart")
    assert here.departure().state == State.DEPARTED


def test_a_run_that_was_missed_too_may_be_run(railway_session: Session) -> None:
    """Nobody was there for that one either; from then on neither offers it."""
    here = railway(railway_session).opened()
    here.built("cart", "b", 812)
    here.turn(100)
    here.sleep(160)
    first = here.departure()
    here.conduct(TrainAct.RUN)
    here.sleep(200)
    second = here.departure()
    assert (second.extra, second.outcome) == (True, Outcome.MISSED)
    assert "is run after all" in here.conduct(TrainAct.RUN, departure=second)
    for departure in (first, second):
        assert here.conduct(TrainAct.RUN, departure=departure).startswith("Nothing to do")


def test_what_could_not_be_run_may_be_tried_again(railway_session: Session) -> None:
    """Nothing is kept of a run with nothing aboard, and one that could not leave in time may be asked for again."""
    here = railway(railway_session).opened()
    here.turn(100)
    here.sleep(160)
    assert here.no(TrainAct.RUN).startswith("Nothing was done: nothing may go now.")
    here.built("cart", "b", 812)
    here.turn(195)
    missed = here.departures()[0]
    here.conduct(TrainAct.RUN, departure=missed)
    here.turn(228)
    assert [(one.extra, one.outcome) for one in here.departures()][:2] == [(False, "missed"), (True, "cancelled")]
    here.conduct(TrainAct.RUN, departure=missed)
    assert (here.departure().extra, here.departure().state) == (True, State.SEALED)


def test_what_the_forge_has_not_told_yet_is_waited_for_without_a_word(railway_session: Session) -> None:
    """Where boarding closes at the departure itself; an answer that does not come holds it, aloud."""
    here = railway(railway_session, boarding_closes=timedelta(), late_by=timedelta()).opened()
    here.built("cart", "b", 812)
    here.turn(120)
    assert (here.departure().state, here.aloud()) == (State.SEALED, ["sealed"])
    here.turn(122)
    assert (here.departure().state, here.aloud()) == (State.HELD, ["sealed", "held"])


def test_after_a_long_absence_the_last_one_missed_is_told_of(railway_session: Session) -> None:
    """All of them are on record; one message says how many there were."""
    here = railway(railway_session).opened()
    here.turn(10)
    here.sleep(24 * 60)
    assert [outcome for *_, outcome in here.came_to()] == [Outcome.MISSED] * 2
    (note,) = [note for note in here.session.exec(select(Note)).all() if note.kind == "departure_said"]
    assert (note.data["departure"], note.data["earlier"]) == (2, 1)
    here.start()
    assert len(here.aloud()) == 1


def test_of_several_that_are_late_the_last_leaves_for_all(sqlite_session: Session) -> None:
    """A train of every ten minutes does not leave three times at once."""
    here = railway(sqlite_session, departs=("*/10 * * * *",), boarding_closes=timedelta())
    here.services = FREELY
    here.opened()
    here.turn(2)
    here.built("cart", "b", 812)
    here.sleep(35)
    assert [(at, outcome) for at, _, outcome in here.came_to()] == [
        (minute(10), Outcome.MISSED), (minute(20), Outcome.MISSED), (minute(30), None),
    ]  # fmt: skip
    assert here.aloud() == ["sealed", "departed"]


def test_one_that_is_held_too_long_keeps_its_services_from_the_next(sealed_session: Session) -> None:
    """A build is aboard of one departure at a time; the next says which."""
    here = railway(sealed_session)
    first = here.ready()
    here.conduct(TrainAct.HOLD, reason="an incident", review_at=minute(600))
    here.turn(200)
    here.built("cart", "d", 840)
    here.turn(225)
    assert here.departure() is not first
    reasons = {reason for *_, reason in here.where()}
    assert "cart is aboard the web 14:00, which has not arrived yet" in reasons


# --- restarts -----------------------------------------------------------------------------------------------------

Step = Callable[[Railway], object]

DAY: tuple[Step, ...] = (
    lambda here: here.built("cart", "b", 812),
    lambda here: here.built("checkout", "c", 820),
    lambda here: here.turn(105),
    lambda here: here.told(),
    lambda here: here.yes("cart"),
    lambda here: here.turn(120),
    lambda here: here.conduct(TrainAct.HOLD, reason="an incident", review_at=minute(124)),
    lambda here: here.yes("checkout"),
    lambda here: here.turn(124),
    lambda here: here.conduct(TrainAct.RELEASE),
    lambda here: here.call(),
    lambda here: here.rolls("cart", "in_progress"),
    lambda here: here.rolls("cart", "succeeded"),
    lambda here: here.rolls("checkout", "succeeded"),
)


def test_a_restart_between_any_two_steps_changes_nothing(railway_session: Session) -> None:
    """It resumes where it was, and nobody is told anything twice."""
    here = railway(railway_session).opened()
    for step in DAY:
        step(here)
        before = _all_said(here)
        here.start()
        assert _all_said(here) == before
    assert [(one.state, one.outcome) for one in here.departures()] == [(State.CLOSED, Outcome.ARRIVED)]
    assert here.aloud() == ["sealed", "held", "held", "review", "released", "departed", "arrived"]


def _all_said(here: Railway) -> list[tuple[str, str, str]]:
    notes = here.session.exec(select(Note)).all()
    return sorted((note.kind, note.key, note.place) for note in notes)


# --- runs that wait at GitHub -------------------------------------------------------------------------------------


def test_a_run_that_waits_at_github_goes_with_the_train(railway_session: Session) -> None:
    """No promotion is raised of it before; it is let in when the train has left, and told meanwhile."""
    here = railway(railway_session)
    here.services = (carried("cart", promote_through=PromoteThrough.GITHUB_ENVIRONMENT), carried("checkout"))
    here.opened()
    here.built("cart", "b", 812)
    _asks(here, run=5)
    assert here.states_of() == {}
    (effect,) = here.effects("gate_note")
    assert effect.data["comment"].startswith("Waiting for the web train")
    here.turn(105)
    here.told()
    here.yes("cart")
    here.turn(120)
    assert [(call.service, call.run) for call in here.call()] == [("cart", 5)]


def test_without_a_run_at_github_it_is_held_until_one_asks(railway_session: Session) -> None:
    """GitHub's environments cannot be made to start anything."""
    here = railway(railway_session)
    here.services = (carried("cart", promote_through=PromoteThrough.GITHUB_ENVIRONMENT), carried("checkout"))
    here.opened()
    here.built("cart", "b", 812)
    here.turn(105)
    here.told()
    here.yes("cart")
    here.turn(120)
    assert here.departure().hold_reason == "cart: no run at GitHub asks for it yet"
    _asks(here, run=6)
    assert here.departure().state == State.DEPARTED
    assert [call.run for call in here.call()] == [6]


def _asks(here: Railway, run: int) -> None:
    here.tell(
        GateRequested(
            repo="bakery/cart", run=run, environment="production", sha=sha_of("b"), callback_url="https://github.com",
            at=here.now,
        )
    )  # fmt: skip
