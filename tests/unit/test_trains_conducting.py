"""What people do to a departure: who may, what comes of it, and that every click is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, col, select

from bot.audit import Fact, Tag
from bot.catalog import Ready, TrainApproval
from bot.departures.states import Outcome, State
from bot.deploys.models import Change
from bot.events import PromotionRequested, TrainAct, TrainActed, Via
from bot.gates import Approval, Health, Order
from bot.gates import Train as Gate
from bot.promotions.models import Approval as Given
from tests.unit.railway import WEB, Railway, carried, railway, sha_of
from tests.unit.reports import BEN, CHI, minute

BATCH = TrainApproval.BATCH


# --- who ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["U0CHI", "U0DEE", "U0EVE"])
def test_conductor_backup_and_approvers_may_act(sealed_session: Session, who: str) -> None:
    """Chi conducts, Eve stands in, Dee approves for the services."""
    here = railway(sealed_session)
    here.sealed()
    assert here.conduct(TrainAct.CANCEL, who, reason="not today").startswith("Cancelled: the web 14:00 does not go.")


def test_nobody_else_may_and_hears_who_can(sealed_session: Session) -> None:
    """The refusal names them."""
    here = railway(sealed_session)
    here.sealed()
    assert here.no(TrainAct.CANCEL, "U0ANA", reason="not today").startswith(
        "You can't cancel the web 14:00: that is for its conductor Chi, Eve (backup) and whoever approves for cart and "
        "checkout."
    )
    assert here.departure().state == State.SEALED


def test_whoever_may_not_is_refused_also_what_would_change_nothing(sealed_session: Session) -> None:
    """Else a thumbs-up would answer somebody whose word counts for nothing."""
    here = railway(sealed_session)
    here.sealed()
    assert here.no(TrainAct.ROLL_ON, "U0ANA").startswith("You can't roll on the web 14:00")
    assert here.no(TrainAct.RELEASE, "U0ANA").startswith("You can't release the web 14:00")
    assert here.conduct(TrainAct.RELEASE).startswith("Nothing to do: the web 14:00 is sealed")


def test_an_unknown_departure_is_said_to_be_one(railway_session: Session) -> None:
    """A button of a database that was replaced."""
    here = railway(railway_session).opened()
    event = TrainActed(act=TrainAct.CANCEL, departure=77, slack_id="U0CHI", called="Chi", at=here.now)
    with pytest.raises(Exception, match="I know no departure 77"):
        here.tell(event)


# --- holding and leaving ------------------------------------------------------------------------------------------


def test_a_hold_needs_a_reason_and_a_time_to_look_again(sealed_session: Session) -> None:
    """Else nobody knows what it waits for, nor until when."""
    here = railway(sealed_session)
    here.sealed()
    assert "reason" in here.no(TrainAct.HOLD, review_at=minute(130))
    assert "A Hold needs a time" in here.no(TrainAct.HOLD, reason="an incident")
    assert "A Hold needs a time" in here.no(TrainAct.HOLD, reason="an incident", review_at=minute(90))


def test_what_a_person_holds_never_leaves_by_itself_and_nags(sealed_session: Session) -> None:
    """Its owner is asked at the time to look again, and every hour after; released, it leaves."""
    here = railway(sealed_session)
    departure = here.ready()
    assert here.conduct(TrainAct.HOLD, reason="an incident", review_at=minute(130)) == (
        "Holding the web 14:00: an incident. You are asked again at 14:10 (UTC)."
    )
    here.turn(125)
    assert (departure.state, departure.hold_owner) == (State.HELD, "U0CHI")
    here.turn(200)
    assert here.aloud() == ["sealed", "held", "review", "review"]
    assert "held by Chi: an incident" in here.no(TrainAct.DEPART)
    assert here.conduct(TrainAct.HOLD, reason="more", review_at=minute(300)).startswith("Nothing to do: the web 14:00")
    here.meet("U0DEE", "U0EVE")
    here.turn(210)
    assert here.conduct(TrainAct.RELEASE) == "Released: the web 14:00 has left."
    assert departure.state == State.DEPARTED


def test_released_before_its_time_it_is_sealed_again(sealed_session: Session) -> None:
    """And leaves at its time."""
    here = railway(sealed_session)
    departure = here.ready()
    here.conduct(TrainAct.HOLD, reason="an incident", review_at=minute(130))
    assert here.conduct(TrainAct.RELEASE) == "Released: the web 14:00 leaves at 14:00 (UTC)."
    assert (departure.state, departure.hold_reason, departure.hold_owner) == (State.SEALED, None, None)
    assert here.conduct(TrainAct.RELEASE).startswith("Nothing to do: the web 14:00 is sealed")
    here.turn(120)
    assert departure.state == State.DEPARTED


def test_it_leaves_early_only_when_every_gate_is_open(sealed_session: Session) -> None:
    """The refusal says what is closed and who can help; the second click is no second departure."""
    here = railway(sealed_session)
    departure = here.sealed()
    here.meet("U0DEE", "U0EVE")
    refused = here.no(TrainAct.DEPART)
    assert refused.startswith("The web 14:00 does not leave: cart: approval: ")
    assert "Can help: Dee" in refused
    here.yes("cart", "checkout")
    assert here.conduct(TrainAct.DEPART) == "The web 14:00 has left."
    assert (departure.state, departure.departed_at) == (State.DEPARTED, here.now)
    assert here.conduct(TrainAct.DEPART).startswith("Nothing to do: the web 14:00 left at 13:45")
    here.turn(121)
    assert here.aloud() == ["sealed", "departed"]


# --- who is aboard ------------------------------------------------------------------------------------------------


def test_a_service_that_is_taken_off_waits_for_the_next(sealed_session: Session) -> None:
    """Its author hears it, the rest goes, and the next departure takes it."""
    here = railway(sealed_session)
    departure = here.ready()
    said = here.conduct(TrainAct.REMOVE, service="Cart", reason="not yet")
    assert said == "cart is off: it waits for the next departure."
    assert here.where()[0] == ("#812", "cart", "removed", "removed by Chi: not yet")
    assert here.states_of() == {"cart": "cancelled", "checkout": "open"}
    assert here.notes("passenger_said")[-1] == ("removed", "U0ANA")
    assert "“cart” is not aboard: there are checkout." in here.no(TrainAct.REMOVE, service="cart")
    here.turn(120)
    assert departure.state == State.DEPARTED
    here.turn(225)
    assert [(label, state) for label, service, state, _ in here.where() if service == "cart"] == [("#812", "aboard")]


def test_a_removal_is_on_record_once(sealed_session: Session) -> None:
    """Who, what with all its changes, and why."""
    here = railway(sealed_session)
    here.sealed()
    here.conduct(TrainAct.REMOVE, service="cart", reason="not yet")
    kept = [one.data for one in here.session.exec(select(Fact)).all() if one.tag == Tag.DEPARTURE_ACTED]
    assert [(one["act"], one["service"], one["changes"], one["why"]) for one in kept] == [
        ("remove", "cart", ["#812"], "removed by Chi: not yet")
    ]


def test_with_nobody_left_aboard_it_does_not_go(sealed_session: Session) -> None:
    """The last service that is taken off cancels it."""
    here = railway(sealed_session)
    departure = here.ready()
    here.conduct(TrainAct.REMOVE, service="cart")
    assert "nothing is left aboard" in here.conduct(TrainAct.REMOVE, service="checkout")
    assert (departure.state, departure.outcome) == (State.CLOSED, Outcome.CANCELLED)


def test_one_change_is_taken_off_where_an_older_build_is_without_it(railway_session: Session) -> None:
    """What was built after it stays behind too; approvals given before are void."""
    here = railway(railway_session).opened()
    here.built("cart", "b", 812)
    here.built("cart", "d", 816, author=BEN)
    here.built("cart", "e", 817, author=CHI)
    here.turn(105)
    here.told()
    here.yes("cart")
    number = _change(here, "#816")
    said = here.conduct(TrainAct.REMOVE, "U0EVE", service="cart", change=number, reason="wrong prices")
    assert said.startswith("#816 is off: cart goes with bbbbbbb instead.")
    assert here.where() == [
        ("#812", "cart", "aboard", None),
        ("#816", "cart", "removed", "removed by Eve: wrong prices"),
        ("#817", "cart", "left", "it was built after #816, which was taken off"),
    ]
    assert here.of("cart").sha == sha_of("b")
    here.told()
    here.turn(120)
    assert here.departure().state == State.HELD
    here.meet("U0DEE")
    here.yes("cart")
    assert here.departure().state == State.DEPARTED
    assert [call.sha for call in here.call()] == [sha_of("b")]


def test_a_change_that_every_build_carries_takes_its_service_off(sealed_session: Session) -> None:
    """There is no older build without it."""
    here = railway(sealed_session)
    here.sealed()
    said = here.conduct(TrainAct.REMOVE, service="cart", change=_change(here, "#812"))
    assert said == "cart is off: it waits for the next departure. No older build is without that change."


# --- one yes for all of it ----------------------------------------------------------------------------------------


def test_a_batch_approval_is_one_per_promotion(sealed_session: Session) -> None:
    """Bound to the list as it was seen."""
    here = railway(sealed_session, approval=BATCH)
    departure = here.sealed()
    assert here.conduct(TrainAct.APPROVE, "U0DEE") == "Approved aboard the web 14:00: cart and checkout."
    rows = here.session.exec(select(Given).order_by(col(Given.id))).all()
    assert [(row.person, row.promotion) for row in rows] == [("U0DEE", 1), ("U0DEE", 2)]
    here.turn(120)
    assert departure.state == State.DEPARTED


def test_a_batch_approval_never_counts_for_ones_own(railway_session: Session) -> None:
    """What it counts for is said, and why not for the rest, and who can."""
    here = railway(railway_session, approval=BATCH).opened()
    dee = replace(CHI, login="dee", name="Dee")
    here.built("cart", "b", 812)
    here.built("checkout", "c", 820, author=dee)
    here.turn(105)
    here.told()
    here.meet("U0EVE")
    said = here.conduct(TrainAct.APPROVE, "U0DEE")
    assert said.startswith("Approved aboard the web 14:00: cart. Not checkout: You can't: you wrote #820")
    assert "Eve" in said
    rows = here.session.exec(select(Given)).all()
    assert [(row.person, row.promotion) for row in rows] == [("U0DEE", here.of("cart").id)]


def test_a_batch_approval_of_another_list_counts_for_nothing(sealed_session: Session) -> None:
    """Somebody was taken off meanwhile: look again."""
    here = railway(sealed_session, approval=BATCH)
    departure = here.sealed()
    event = TrainActed(
        act=TrainAct.APPROVE, departure=departure.id or 0, seen="before", slack_id="U0DEE", called="Dee", at=here.now
    )
    with pytest.raises(Exception, match="has changed since you looked"):
        here.tell(event)
    assert here.session.exec(select(Given)).all() == []


def test_without_the_policy_there_is_no_batch_approval(sealed_session: Session) -> None:
    """The button is not there, and a forged click is refused."""
    here = railway(sealed_session)
    here.sealed()
    assert here.no(TrainAct.APPROVE, "U0DEE").startswith("Nothing was done")


# --- thumbs up ----------------------------------------------------------------------------------------------------


def test_where_it_is_required_it_waits_for_the_authors_thumbs_up(railway_session: Session) -> None:
    """Only whoever wrote a change gives it; taken back it is missing again."""
    here = railway(railway_session, ready=Ready.REQUIRED).opened()
    here.built("cart", "b", 812)
    here.built("checkout", "c", 820, author=BEN)
    here.turn(105)
    here.told()
    here.yes("cart", "checkout")
    departure = here.departure()
    assert here.conduct(TrainAct.READY, "U0ANA") == "Thumbs up for #812 aboard the web 14:00."
    assert here.conduct(TrainAct.READY, "U0ANA") == "You gave #812 a thumbs-up already: that stands."
    assert "its author's to give" in here.no(TrainAct.READY, "U0DEE")
    assert "its author's to give" in here.no(TrainAct.READY, "U0ANA", change=_change(here, "#820"))
    here.conduct(TrainAct.UNREADY, "U0ANA")
    assert here.no(TrainAct.DEPART).endswith("Can help: Ana, Ben.")
    here.turn(120)
    assert departure.hold_reason == (
        "cart: a thumbs-up of whoever wrote #812; checkout: a thumbs-up of whoever wrote #820"
    )
    here.conduct(TrainAct.READY, "U0ANA")
    assert departure.state == State.HELD
    here.conduct(TrainAct.READY, "U0BEN")
    assert departure.state == State.DEPARTED


def test_where_it_is_only_asked_for_nobody_is_waited_for(sealed_session: Session) -> None:
    """It is shown, no more."""
    here = railway(sealed_session, ready=Ready.ASK)
    departure = here.ready()
    here.turn(120)
    assert departure.state == State.DEPARTED


# --- the hotfix lane ----------------------------------------------------------------------------------------------

HOT = (
    carried("cart", gates=(Order(), Approval(), Health(), Gate())),
    carried("checkout", gates=(Order(), Approval(), Health(), Gate())),
)


def test_a_hotfix_goes_besides_the_train_with_a_second_yes(railway_session: Session) -> None:
    """The pipeline raises nothing by itself where a train goes; somebody who asks does."""
    here = railway(railway_session)
    here.services = HOT
    here.opened()
    here.built("cart", "b", 812)
    assert here.states_of() == {}
    _ask(here, "cart")
    here.told()
    here.yes("cart", who="U0DEE")
    assert here.states_of() == {"cart": "open"}
    here.yes("cart", who="U0EVE")
    assert [call.service for call in here.call()] == ["cart"]
    assert ("1", "#bakers") in here.cards("promotion")


def test_an_open_hotfix_is_left_to_itself_and_its_service_stays_behind(railway_session: Session) -> None:
    """Whoever asked for it wants no train; whether it is the very build that would go, or an older one."""
    here = railway(railway_session).opened()
    here.built("cart", "b", 812)
    _ask(here, "cart")
    here.turn(60)
    here.built("checkout", "c", 820)
    _ask(here, "checkout")
    here.built("checkout", "d", 821)
    here.turn(105)
    assert [(here.of(one).departure, here.of(one).sha[0]) for one in ("cart", "checkout")] == [(None, "b"), (None, "c")]
    assert {(label, state, reason) for label, _, state, reason in here.where()} == {
        ("#812", "left", "a hotfix of it is on its way besides the train (promotion 1)"),
        ("#820", "left", "a hotfix of it is on its way besides the train (promotion 2)"),
        ("#821", "left", "a hotfix of it is on its way besides the train (promotion 2)"),
    }
    here.turn(300)
    assert here.states() == [("b", "open"), ("c", "open")], "no train ends it"


def test_what_was_raised_before_its_train_was_says_which_train_it_waits_for(railway_session: Session) -> None:
    """It is taken aboard: nobody asked for it by itself."""
    here = railway(railway_session, None).opened()
    here.built("cart", "b", 812)
    assert here.states_of() == {"cart": "open"}
    here.train = WEB
    here.start()
    assert _ask(here, "cart") == (
        "cart → production (bbbbbbb) is promotion 1 already, and waits for the web train, 14:00 (UTC). To ship it "
        "besides the train, cancel that promotion and ask again: as a hotfix it wants one more approval."
    )
    here.turn(105)
    assert here.of("cart").departure == here.departure().id
    assert _ask(here, "cart").startswith(
        "cart → production (bbbbbbb) is promotion 1 already, aboard the web train, 14:00"
    )


def test_whoever_wants_a_hotfix_of_what_is_aboard_hears_what_to_do(sealed_session: Session) -> None:
    """The same build is on its way already; another must be let through by taking this one off."""
    here = railway(sealed_session)
    here.sealed()
    assert "already, aboard the web train, 14:00 (UTC)" in _ask(here, "cart")
    here.built("cart", "d", 830)
    with pytest.raises(Exception, match="aboard the web train"):
        _ask(here, "cart")


def _ask(here: Railway, service: str) -> str:
    event = PromotionRequested(
        service=service, environment="production", sha=None, by="slack:U0ANA", via=Via.SLASH, at=here.now
    )
    said = here.tell(event)
    assert said is not None
    return said


def _change(here: Railway, label: str) -> int:
    return next(one.id or 0 for one in here.session.exec(select(Change)).all() if one.label == label)
