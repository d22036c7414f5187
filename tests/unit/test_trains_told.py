"""What people read of trains, in its finer points: by one clock, the innermost cause, what helps, no empty promise."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from bot.answers import trains as asking
from bot.answers.home import home
from bot.answers.timetables import feed
from bot.answers.where import where
from bot.catalog import Ready, TrainApproval
from bot.deploys.models import Change, Deploy, DeployChange, Target
from bot.errors import UserError
from bot.events import Act, Human, PromotionActed, PromotionRequested, TrainAct, Via
from bot.outbox import Card
from bot.outgoing.cards import change_card
from bot.outgoing.promotions import promotion_card
from bot.ports import Message
from bot.promotions import gathering
from bot.promotions.models import State
from tests.unit.railway import BAKERS, STAGED, WEB, Railway, carried, railway, sha_of
from tests.unit.reports import minute
from tests.unit.shown import aloud, blocks, buttons, card, heard, message, renderer

PARIS = ZoneInfo("Europe/Paris")
_UTC = re.compile(r"\bUTC\b")
_INSTANT = re.compile(r"\d:\d\d")


# --- one clock ----------------------------------------------------------------------------------------------------


def test_whatever_is_read_of_a_departure_is_by_its_trains_clock(sqlite_session: Session) -> None:
    """In what a phone shows as in what is kept: half past two in Paris is not half past one somewhere else."""
    here = railway(sqlite_session, departs=("0 15,17 * * *",), zone=PARIS, ready=Ready.ASK)
    departure = here.sealed()
    here.yes("cart")
    texts = [card(here).text, heard(here, "passenger_said", "aboard", "U0ANA"), aloud(here, "sealed")]
    here.turn(121)
    texts += [card(here).text, aloud(here, "held")]
    here.turn(151)
    texts += [card(here).text, aloud(here, "cancelled"), heard(here, "passenger_said", "cancelled", "U0ANA")]
    texts.append(renderer().message("replies/train", asking.trains(here.session, here.desk, "web"), key="k1").text)
    assert "leaves at 15:00 CET" in texts[0]
    assert "until 15:30 CET" in texts[3]
    assert [text for text in texts if _UTC.search(text)] == []
    assert departure.ended_reason is not None
    assert departure.ended_reason.startswith("it could not leave in time: checkout: approval: ")
    cause = departure.ended_reason.removeprefix("it could not leave in time: ")
    assert here.of("cart").ended_reason == f"the web 15:00 was cancelled: {cause}"
    assert not _INSTANT.search(cause), "no instant is kept, by whichever clock"


def test_an_authors_card_is_by_the_clock_of_the_train_that_carries_it(sqlite_session: Session) -> None:
    here = railway(sqlite_session, departs=("0 15,17 * * *",), zone=PARIS)
    here.sealed()
    row = here.session.exec(select(Card).where(Card.kind == "change").order_by(col(Card.id))).first()
    assert row is not None
    text = message(change_card(here.session, here.desk, row)).text
    assert "Aboard the web train 2026-03-02 15:00 CET" in text
    assert not _UTC.search(text)


# --- why, and who can help ----------------------------------------------------------------------------------------


def test_a_service_that_falls_off_says_its_cause_alone(sqlite_session: Session) -> None:
    """Not that a promotion ended at an instant because a departure was cancelled because …"""
    here = railway(sqlite_session)
    departure = here.sealed()
    for service in ("cart", "checkout"):
        promotion = here.of(service)
        here.tell(
            PromotionActed(
                act=Act.REJECT, promotion=promotion.id or 0, slack_id="U0DEE", called="Dee", at=here.now,
                seen=gathering.seen_now(here.session, here.desk, promotion), reason=f"{service} is too risky",
            )
        )  # fmt: skip
    assert "➖ checkout is off web 14:00: #820 Ana\ncheckout was rejected by Dee: checkout is too risky" in aloud(
        here, "removed"
    )
    assert departure.ended_reason == "nothing is left aboard: checkout was rejected by Dee: checkout is too risky"
    assert here.of("cart").state == State.REJECTED


def test_what_was_rolled_back_is_answered_for_with_a_button_on_the_departures_card(sqlite_session: Session) -> None:
    """Its promotion has no card in the channel to answer on."""
    here = railway(sqlite_session)
    here.sealed()
    _took_out(here, "cart", 812)
    shown = card(here)
    assert "#812 was rolled back from production: bring a fix, or say why it may go in again" in shown.text
    (answer,) = [one for one in _elements(shown) if one["action_id"] == "promotions:acknowledge"]
    assert answer["text"]["text"] == "Say why #812 may go in again…"
    assert answer["value"].startswith(f"{here.of('cart').id}:")
    found = where(here.session, here.desk, "812")
    text = renderer().message("replies/where", found, key="k1").text
    assert "Say why on its card: the button Say why it may go in again…" in text


def test_a_dead_end_is_told_on_the_departures_card_and_to_who_asks(sqlite_session: Session) -> None:
    """Else everybody waits for a yes that nobody can give."""
    here = railway(sqlite_session)
    alone = replace(BAKERS, approvers=("U0DEE",))
    here.services = (carried("cart", team=alone), carried("checkout"))
    here.opened()
    here.built("cart", "b", 812, Human(login="dee"))
    here.turn(105)
    here.told()
    here.meet("U0DEE")
    told = "Nobody else is left who can: Dee wrote #812. What helps: somebody more in the group that approves"
    assert told in card(here).text
    assert told in renderer().message("replies/where", where(here.session, here.desk, "812"), key="k1").text


# --- no empty promise ---------------------------------------------------------------------------------------------


def test_what_is_held_promises_no_time_and_says_what_it_waits_for(sqlite_session: Session) -> None:
    """In the message that tells its author that it is aboard, where that goes out late, and on their card."""
    here = railway(sqlite_session).opened()
    here.deployed("cart", "e", "succeeded", "staging", 1)
    here.deployed("cart", "e", "in_progress", "production", 2)
    here.deployed("cart", "e", "succeeded", "production", 6)
    here.at = 10
    here.built("cart", "b", 812)
    here.turn(105)
    here.told()
    assert "in production about" in heard(here, "passenger_said", "aboard", "U0ANA")
    here.turn(121)
    said = heard(here, "passenger_said", "aboard", "U0ANA")
    assert "in production about" not in said
    assert "· held: waits for cart: approval: " in said
    row = here.session.exec(select(Card).where(Card.kind == "change").order_by(col(Card.id))).first()
    assert row is not None
    assert " · held: waits for cart: approval: " in message(change_card(here.session, here.desk, row)).text
    here.conduct(TrainAct.HOLD, "U0DEE", reason="slow", review_at=minute(200))
    assert "· held by Dee: slow" in heard(here, "passenger_said", "aboard", "U0ANA")


def test_one_that_was_missed_with_nothing_to_go_wakes_nobody(sqlite_session: Session) -> None:
    here = railway(sqlite_session).opened()
    here.sleep(160)
    assert "Nothing could have gone with it as it is now. Next: " in aloud(here, "missed")
    assert "U0CHI" not in blocks(here, "missed")
    assert "trains:run" not in blocks(here, "missed")


def test_what_is_not_back_yet_is_said_to_its_conductor(sqlite_session: Session) -> None:
    here = Railway(sqlite_session, train=STAGED)
    here.ready()
    here.turn(120)
    here.call()
    here.rolls("cart", "succeeded")
    here.call()
    here.rolls("checkout", "failed")
    here.conduct(TrainAct.ROLL_BACK)
    here.call()
    here.turn(200)
    assert "<@U0CHI>, *web 14:00* is not back yet: checkout is on the way" in blocks(here, "still_returning")


# --- where it is shown --------------------------------------------------------------------------------------------


def test_a_card_that_was_there_before_its_train_gives_way_to_the_departures(sqlite_session: Session) -> None:
    """One card for one thing; whoever is asked for a yes has a copy with its buttons all the same."""
    here = railway(sqlite_session, None).opened()
    here.built("cart", "b", 812)
    here.told()
    row = here.session.exec(select(Card).where(Card.kind == "promotion", Card.place == "#bakers")).one()
    assert "promotions:approve" in buttons(message(promotion_card(here.session, here.desk, row)))
    here.train = WEB
    here.start()
    here.turn(105)
    shown = message(promotion_card(here.session, here.desk, row))
    assert shown.text.startswith("🚆 cart → production goes with web 14:00, which leaves 2026-03-02 14:00 UTC")
    assert buttons(shown) == []
    copy = Card(kind="promotion", subject=row.subject, place="U0DEE", created_at=here.now)
    assert "promotions:approve" in buttons(message(promotion_card(here.session, here.desk, copy)))


def test_a_hotfix_says_that_it_is_none_of_its_train_and_its_train_says_so_too(sqlite_session: Session) -> None:
    here = railway(sqlite_session).opened()
    here.built("cart", "b", 812)
    here.built("checkout", "c", 820)
    here.tell(
        PromotionRequested(
            service="cart", environment="production", sha=None, by="slack:U0ANA", via=Via.SLASH, at=here.now
        )
    )
    here.turn(105)
    row = here.session.exec(select(Card).where(Card.kind == "promotion", Card.place == "#bakers")).one()
    hotfix = message(promotion_card(here.session, here.desk, row)).text
    assert hotfix.endswith("asked for by Ana · hotfix, not aboard the web train")
    assert "#812 Ana (cart): a hotfix of it is on its way besides the train (promotion 1)" in card(here).text


def test_home_has_first_what_leaves_first_and_offers_no_yes_to_who_cannot_give_it(sqlite_session: Session) -> None:
    here = railway(sqlite_session, approval=TrainApproval.BATCH)
    here.sealed()
    here.meet("U0DEE", "U0EVE")
    early = replace(WEB, name="early", services=("checkout",), stages=(("checkout",),), departs=("0 15 * * *",))
    trains = {"early": early, **here.catalog.trains}
    desk = replace(here.desk, catalog=replace(here.catalog, trains=trains))
    assert [one.name for one in home(here.session, desk, "U0CHI").trains] == ["web", "early"]
    of_chi = str(renderer().home("home/home", home(here.session, here.desk, "U0CHI")))
    of_eve = str(renderer().home("home/home", home(here.session, here.desk, "U0EVE")))
    assert "trains:hold" in of_chi
    assert "trains:approve" not in of_chi, "Chi conducts, and approves nothing here"
    assert "trains:approve" in of_eve


def test_who_types_that_it_rolls_is_asked_once_more(sqlite_session: Session) -> None:
    """As whoever presses the button; who may not is told so at once, and where nothing stopped there is no question."""
    here = Railway(sqlite_session, train=STAGED)
    number = here.ready().id or 0
    here.turn(120)
    here.call()
    assert asking.roll_modal(here.session, here.desk, number, TrainAct.ROLL_ON, "U0CHI") is None
    here.rolls("cart", "succeeded")
    here.call()
    here.rolls("checkout", "failed")
    on = asking.roll_modal(here.session, here.desk, number, TrainAct.ROLL_ON, "U0CHI")
    back = asking.roll_modal(here.session, here.desk, number, TrainAct.ROLL_BACK, "U0CHI")
    assert on is not None
    assert back is not None
    assert (on.services, back.services) == (("checkout",), ("checkout", "cart"))
    with pytest.raises(UserError, match="You can't roll back the web 14:00: that is for its conductor Chi"):
        asking.roll_modal(here.session, here.desk, number, TrainAct.ROLL_BACK, "U0ANA")


def test_a_calendar_that_is_read_again_is_the_same_until_something_changes(sqlite_session: Session) -> None:
    """So that whoever polls it sees at once that there is no news."""
    here = railway(sqlite_session)
    here.sealed()
    first = feed(here.session, here.desk, "web")
    here.at += 7
    assert feed(here.session, here.desk, "web") == first
    here.conduct(TrainAct.CANCEL, reason="a migration")
    assert feed(here.session, here.desk, "web") != first


def _took_out(here: Railway, service: str, number: int) -> None:
    """A rollback took this change out of production, and it was there before."""
    target = here.session.exec(
        select(Target).where(Target.service == service, Target.environment == "production")
    ).one()
    change = here.session.exec(select(Change).where(Change.number == number)).one()
    deploy = Deploy(
        target=target.id or 0, repo=change.repo, sha=sha_of("9"), status="succeeded", status_at=here.now,
        began_at=here.now, range="complete",
    )  # fmt: skip
    here.session.add(deploy)
    here.session.flush()
    here.session.add(DeployChange(deploy=deploy.id or 0, change=change.id or 0, leaving=True))
    here.session.flush()


def _elements(shown: Message) -> list[dict[str, Any]]:
    return [one for block in shown.blocks for one in block.get("elements", []) if "action_id" in one]
