"""What people see of trains as their rows stand: the card, what is said aloud, what authors and askers are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot import people
from bot.answers import trains as asking
from bot.answers.home import home
from bot.answers.lists import Asked
from bot.answers.timetables import feed, trains
from bot.catalog import OnFailure, Ready, TrainApproval
from bot.errors import UserError
from bot.events import Level, PreferenceChosen, TrainAct
from bot.outbox import Card, Note
from bot.outgoing import trains as outgoing
from bot.outgoing.promotions import promotion_note
from bot.trains import conducting, loading
from tests.unit.railway import STAGED, Railway, railway
from tests.unit.reports import BEN, minute
from tests.unit.shown import aloud, blocks, buttons, card, heard, message, moot, renderer

# --- the card -----------------------------------------------------------------------------------------------------


def test_a_sealed_departure_says_when_who_and_what_it_still_wants(sqlite_session: Session) -> None:
    """Each service that wants a yes has its own button: its promotion has no card in the channel."""
    here = railway(sqlite_session)
    here.sealed()
    shown = card(here)
    assert shown.text.startswith("🚆 web 14:00 · sealed, leaves at 14:00 UTC · 2 changes")
    assert "conductor Chi · backup Eve" in shown.text
    assert "#812 Ana" in shown.text
    assert "needs 1 yes" in shown.text
    assert buttons(shown) == [
        "promotions:approve", "promotions:approve", "trains:hold", "trains:depart", "trains:remove", "trains:cancel",
        "trains:details",
    ]  # fmt: skip
    here.yes("cart", "checkout")
    assert "#812 Ana · 👍 Dee" in card(here).text
    assert "Every gate is open: it leaves by itself." in card(here).text
    assert "promotions:approve" not in buttons(card(here))


def test_one_yes_for_all_of_it_where_the_policy_says_so(sqlite_session: Session) -> None:
    here = railway(sqlite_session, approval=TrainApproval.BATCH)
    here.sealed()
    assert buttons(card(here))[0] == "trains:approve"
    (value,) = [
        one["value"]
        for block in card(here).blocks
        for one in block.get("elements", [])
        if one.get("action_id") == "trains:approve"
    ]
    seen = conducting.seen_of(here.session, here.desk, here.departure())
    assert value == f"{here.departure().id}:{seen}", "a yes is to what is on the card"
    assert "promotions:approve" not in buttons(card(here))
    here.conduct(TrainAct.APPROVE, "U0DEE")
    assert "trains:approve" not in buttons(card(here))


def test_one_yes_for_all_is_asked_for_only_where_all_of_it_stands_on_the_card(sqlite_session: Session) -> None:
    """Nobody says yes to what they were not shown: each service is approved for itself then."""
    here = railway(sqlite_session, approval=TrainApproval.BATCH)
    departure = here.sealed()
    assert loading.departure_card(here.session, here.desk, departure).batch
    assert not loading.departure_card(here.session, here.desk, departure, listed=0).batch


def test_a_departure_that_a_gate_holds_says_which_who_can_help_and_until_when(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    here.sealed()
    here.yes("cart")
    here.turn(120)
    shown = card(here)
    assert shown.text.startswith("🚆 web 14:00 · HELD: waits for checkout")
    assert "until 14:30 UTC, else it is cancelled" in shown.text
    assert "Dee" in shown.text
    assert "trains:remove" in buttons(shown)
    said = aloud(here, "held")
    assert said.startswith("🚆 web 14:00 is HELD: checkout: ")
    assert "Can help: " in said
    here.turn(151)
    assert card(here).text.startswith("⚪ web 14:00 · cancelled")
    assert moot(here, "held"), "whoever reads late is not sent to help with what is over"


def test_a_persons_hold_is_theirs_to_release_and_they_are_asked(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    here.ready()
    here.conduct(TrainAct.HOLD, "U0DEE", reason="payments look slow", review_at=minute(130))
    shown = card(here)
    assert shown.text.startswith("✋ web 14:00 · HELD by Dee\npayments look slow")
    assert buttons(shown) == ["trains:release", "trains:remove", "trains:cancel", "trains:details"]
    here.turn(131)
    assert aloud(here, "review").endswith("it does not leave by itself.")
    assert "✋ <@U0DEE>, you still hold *web 14:00*: payments look slow" in blocks(here, "review")
    here.conduct(TrainAct.RELEASE, "U0DEE")
    assert card(here).text.startswith("🚆 web 14:00 · under way")
    assert moot(here, "review")


def test_the_card_follows_it_through_its_stages_until_it_has_arrived(sqlite_session: Session) -> None:
    here = Railway(sqlite_session, train=STAGED)
    here.ready()
    here.turn(120)
    first = card(here)
    assert "under way · stage 1 of 2" in first.text
    assert "checkout leaves after cart" in first.text
    assert buttons(first) == ["trains:details"]
    here.call()
    here.rolls("cart", "in_progress")
    assert "🔄 cart rolling out" in card(here).text
    here.rolls("cart", "succeeded")
    assert "stage 2 of 2" in card(here).text
    assert "✅ cart live" in card(here).text
    here.call()
    here.at += 4
    here.rolls("checkout", "succeeded")
    assert card(here).text.startswith("✅ web 14:00 · arrived · 4 min")
    assert aloud(here, "arrived").startswith("✅ web 14:00 has arrived: 2 changes live in production")


def test_a_failure_asks_its_conductor_by_name_and_says_what_comes_of_silence(sqlite_session: Session) -> None:
    here = Railway(sqlite_session, train=STAGED)
    here.ready()
    here.turn(120)
    here.call()
    here.rolls("cart", "failed")
    shown = card(here)
    assert shown.text.startswith("🛑 web 14:00 · STOPPED, nothing is live yet")
    assert "Chi decides by 14:30 UTC: roll on or back. Else it stays as it is, and I ask again." in shown.text
    assert buttons(shown) == ["trains:roll_on", "trains:roll_back", "trains:details"]
    assert "<@U0CHI> or <@U0EVE>, roll on or back?" in blocks(here, "stopped")


def test_it_says_that_it_goes_back_by_itself_where_the_policy_says_so(sqlite_session: Session) -> None:
    here = Railway(sqlite_session, train=replace(STAGED, on_failure=OnFailure.ROLLBACK))
    here.ready()
    here.turn(120)
    here.call()
    here.rolls("cart", "failed")
    assert "rolled back" in card(here).text


def test_what_cannot_be_taken_back_is_said_with_why(sqlite_session: Session) -> None:
    here = Railway(sqlite_session, train=STAGED)
    here.ready()
    here.turn(120)
    here.call()
    here.rolls("cart", "succeeded")
    here.call()
    here.at += 1
    here.deployed("cart", "e", "succeeded", "production", here.at)
    here.rolls("checkout", "failed")
    here.conduct(TrainAct.ROLL_BACK)
    assert "Not cart: eeeeeee came there after it, and stays" in blocks(here, "rolled_back")


def test_a_missed_one_offers_to_be_run_until_it_was(sqlite_session: Session) -> None:
    here = railway(sqlite_session).opened()
    here.built("cart", "b", 812)
    here.sleep(160)
    shown = card(here)
    assert shown.text.startswith("⌛ web 14:00 · MISSED: nobody was there to let it go")
    assert buttons(shown) == ["trains:run"]
    missed = here.departure()
    assert "Nothing of it shipped. Next: " in aloud(here, "missed")
    assert asking.departure_meant(sqlite_session, here.desk, "web", TrainAct.RUN) == missed.id
    here.conduct(TrainAct.RUN)
    subject = str(missed.id)
    row = sqlite_session.exec(select(Card).where(Card.kind == "departure", Card.subject == subject)).one()
    again = message(outgoing.departure_card(sqlite_session, here.desk, row))
    assert "It was run after all" in again.text
    assert buttons(again) == []


# --- what authors hear --------------------------------------------------------------------------------------------


def test_an_author_hears_that_they_are_aboard_or_why_they_are_not_unless_they_muted_it(sqlite_session: Session) -> None:
    here = railway(sqlite_session).opened()
    here.built("cart", "b", 812)
    here.turn(100)
    here.built("checkout", "c", 820, BEN)
    here.turn(105)
    assert heard(here, "passenger_said", "aboard", "U0ANA").startswith("🚆 Your #812 is aboard the web train, ")
    left = heard(here, "passenger_said", "left", "U0BEN")
    assert left.startswith("⏭️ Your #820 was left behind by the web train, ")
    assert "soak ends after it leaves" in left
    assert "Next: 2026-03-02 16:00 UTC" in left
    here.tell(PreferenceChosen(slack_id="U0BEN", scope=people.EVERYTHING, level=Level.NONE, at=here.now))
    with pytest.raises(AssertionError, match="nothing to show"):
        heard(here, "passenger_said", "left", "U0BEN")


def test_a_thumbs_up_that_is_waited_for_is_asked_of_whoever_hears_only_failures(sqlite_session: Session) -> None:
    here = railway(sqlite_session, ready=Ready.REQUIRED)
    here.sealed()
    here.tell(PreferenceChosen(slack_id="U0ANA", scope=people.EVERYTHING, level=Level.FAILURES, at=here.now))
    assert "It waits for your thumbs-up." in heard(here, "passenger_said", "aboard", "U0ANA")
    assert "👍 0 of 2 ready: it waits for all · not yet: #812 Ana, #820 Ana" in card(here).text
    assert "trains:ready" in buttons(card(here)), "whoever has no message to answer answers here"
    here.conduct(TrainAct.READY, "U0ANA")
    assert "👍 2 of 2 ready" in card(here).text
    assert "trains:ready" not in buttons(card(here))


def test_who_took_a_change_off_and_why_is_said_to_the_channel_and_its_author(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    departure = here.sealed()
    service, change, reason = asking.what_meant(sqlite_session, here.desk, departure.id or 0, ["#820", "too", "risky"])
    assert (service, reason) == ("checkout", "too risky")
    here.conduct(TrainAct.REMOVE, service=service, change=change, reason=reason)
    assert aloud(here, "removed").startswith("➖ checkout is off web 14:00: #820 Ana\nremoved by Chi: too risky")
    assert "taken off the web train" in heard(here, "passenger_said", "removed", "U0ANA")
    assert "#820 Ana (checkout): removed by Chi: too risky" in card(here).text


# --- the timetable ------------------------------------------------------------------------------------------------


def test_another_timetable_is_told_with_the_old_times_the_new_ones_and_who_keeps_theirs(
    sqlite_session: Session,
) -> None:
    here = railway(sqlite_session)
    here.sealed()
    assert here.train is not None
    here.train = replace(here.train, departs=("0 15 * * *",), boarding_closes=timedelta(minutes=30))
    here.start()
    said = heard(here, "train_said", "changed", "#releases")
    assert said.startswith("🗓️ The train web has another timetable\nNext: 2026-03-02 15:00 UTC")
    assert "Was: 2026-03-02 14:00 UTC, 2026-03-02 16:00 UTC" in said
    assert "Boarding closes 30 min before it leaves" in said
    assert "Sealed already, and keeps its time: the web 14:00 (2 changes aboard)" in said


def test_a_train_that_is_gone_is_told_of(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    here.sealed()
    here.train = None
    here.start()
    assert heard(here, "train_said", "removed", "#releases").startswith("🚆 The train web runs no more")
    assert card(here).text.startswith("⚪ web 14:00 · cancelled\nthe train web was taken out of shipmate.yml")


# --- asked for ----------------------------------------------------------------------------------------------------


def reply(here: Railway, name: str | None = None) -> str:
    """What ``/ship train`` says."""
    return renderer().message("replies/train", asking.trains(here.session, here.desk, name), key="k1").text


def test_ship_train_says_who_boards_who_does_not_and_when_the_soak_is_over(sqlite_session: Session) -> None:
    here = railway(sqlite_session).opened()
    here.built("cart", "b", 812)
    here.turn(40)
    here.built("checkout", "c", 820, BEN)
    here.turn(60)
    said = reply(here, "WEB")
    assert said.startswith("🚆 web → production · next 2026-03-02 14:00 UTC")
    assert "Boarding for 2026-03-02 14:00 UTC · 2 changes · closes 13:45 UTC" in said
    assert "conductor Chi · backup Eve" in said
    assert "cart 1: #812 Ana · soaked" in said
    assert "checkout 1: #820 Ben · soaks until 13:10 UTC" in said
    here.turn(100)
    here.built("cart", "d", 830)
    here.turn(101)
    assert "#830 Ana (cart): soak ends after it leaves" in reply(here, "web")


def test_ship_train_knows_no_other_train_and_says_which_there_are(sqlite_session: Session) -> None:
    here = railway(sqlite_session).opened()
    with pytest.raises(UserError, match=r"I know no train “wep”; did you mean “web”\? There is: web\."):
        reply(here, "wep")
    with pytest.raises(UserError, match=r"Nothing of web is sealed yet: boarding for 14:00 closes at 13:45 \(UTC\)"):
        asking.departure_meant(sqlite_session, here.desk, "web", TrainAct.HOLD)


def test_a_number_of_two_services_is_asked_about(sqlite_session: Session) -> None:
    here = railway(sqlite_session).opened()
    here.built("cart", "b", 812)
    here.built("checkout", "c", 812)
    here.turn(105)
    here.told()
    number = here.departure().id or 0
    with pytest.raises(UserError, match=r"#812 is aboard with several services: .*\. Name one: remove \w+ #812"):
        asking.what_meant(sqlite_session, here.desk, number, ["#812", "too", "risky"])
    service, change, reason = asking.what_meant(sqlite_session, here.desk, number, ["checkout", "#812", "too", "risky"])
    assert (service, change is not None, reason) == ("checkout", True, "too risky")


def test_who_names_what_is_not_aboard_reads_what_is(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    number = here.sealed().id or 0
    with pytest.raises(UserError, match=r"“chekout” is not aboard; did you mean “checkout”.*: there is cart, checkout"):
        asking.what_meant(sqlite_session, here.desk, number, ["chekout", "no"])
    with pytest.raises(UserError, match="Say what to take off, and why: /ship train web remove"):
        asking.what_meant(sqlite_session, here.desk, number, [])
    assert asking.what_meant(sqlite_session, here.desk, number, ["Cart", "too", "big"]) == ("cart", None, "too big")
    named = asking.what_meant(sqlite_session, here.desk, number, ["cart", "812"])
    assert (named[0], named[2]) == ("cart", "")


def test_windows_open_only_for_what_can_still_be_done(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    number = here.ready().id or 0
    offered = asking.remove_modal(sqlite_session, here.desk, number, "checkout")
    assert [one.words for one in offered.choices] == [
        "all of cart", "#812 Change 812 (cart)", "all of checkout", "#820 Change 820 (checkout)",
    ]  # fmt: skip
    assert offered.chosen == offered.choices[2].value
    assert asking.service_of(sqlite_session, int(offered.choices[2].value)) == "checkout"
    here.turn(120)
    for window in (asking.hold_modal, asking.cancel_modal):
        with pytest.raises(UserError, match="Nothing was done: the web 14:00 left at 14:00"):
            window(sqlite_session, here.desk, number)
    assert asking.details_modal(sqlite_session, here.desk, number).card.departure_id == number


def test_home_tells_the_next_trains_and_gives_the_conductor_their_buttons(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    here.sealed()
    of_chi = renderer().home("home/home", home(sqlite_session, here.desk, "U0CHI"))
    of_ana = renderer().home("home/home", home(sqlite_session, here.desk, "U0ANA"))
    assert "🚆 *web 14:00* · sealed" in str(of_ana)
    assert "trains:hold" in str(of_chi)
    assert "trains:hold" in str(renderer().home("home/home", home(sqlite_session, here.desk, "U0EVE"))), "the backup"
    assert "you conduct" in str(of_chi)
    assert "trains:hold" not in str(of_ana)


# --- for programs -------------------------------------------------------------------------------------------------


def test_the_api_lists_trains_with_their_departures_and_passengers(sqlite_session: Session) -> None:
    here = railway(sqlite_session)
    departure = here.sealed()
    page = trains(sqlite_session, here.desk, Asked())
    assert page.next is None
    (row,) = page.rows
    assert (row["name"], row["environment"], row["timezone"], row["boarding_closes"]) == (
        "web",
        "production",
        "UTC",
        900,
    )
    nexts = row["next"]
    assert isinstance(nexts, list)
    assert nexts[0]["departs_at"] == "2026-03-02T16:00:00Z"
    departures = row["departures"]
    assert isinstance(departures, list)
    assert [one["id"] for one in departures] == [departure.id]
    assert [(one["service"], one["changes"]) for one in departures[0]["aboard"]] == [
        ("cart", ["#812"]),
        ("checkout", ["#820"]),
    ]
    assert trains(sqlite_session, here.desk, Asked(service="nowhere")).rows == []
    (closed,) = trains(sqlite_session, here.desk, Asked(state="closed")).rows
    assert closed["departures"] == []


def test_a_calendar_has_what_is_to_come_and_strikes_out_what_does_not_go(sqlite_session: Session) -> None:
    """Each departure once, whether it is on record or only on the timetable."""
    import icalendar

    here = railway(sqlite_session)
    here.sealed()
    here.conduct(TrainAct.CANCEL, reason="a migration")
    made = feed(sqlite_session, here.desk, "Web")
    assert made is not None
    events = list(icalendar.Calendar.from_ical(made).walk("VEVENT"))
    starts = [_start(one) for one in events]
    assert starts == sorted(set(starts))
    assert starts[0] == minute(120)
    assert len(starts) == 2 * 60
    assert str(events[0]["status"]) == "CANCELLED"
    assert "a migration" in str(events[0]["description"])
    assert str(events[1]["status"]) == "CONFIRMED"
    assert feed(sqlite_session, here.desk, "mobile") is None


def _start(event: object) -> datetime:
    found = event["dtstart"].dt  # type: ignore[index]
    assert isinstance(found, datetime)
    return found


def test_an_author_aboard_reads_when_it_is_there_as_far_as_rollouts_there_tell(sqlite_session: Session) -> None:
    """By how long the last rollout took there."""
    here = railway(sqlite_session).opened()
    here.deployed("cart", "e", "succeeded", "staging", 1)
    here.deployed("cart", "e", "in_progress", "production", 2)
    here.deployed("cart", "e", "succeeded", "production", 6)
    here.at = 10
    here.built("cart", "b", 812)
    here.turn(105)
    said = heard(here, "passenger_said", "aboard", "U0ANA")
    assert "in production about 2026-03-02 14:05 UTC" in said


def test_what_a_departure_says_for_all_is_not_said_of_each_promotion_too(sqlite_session: Session) -> None:
    """Under one card nobody reads three times that a yes is missing, nor of each service that it is live."""
    here = railway(sqlite_session)
    here.ready()
    here.turn(120)
    here.call()
    for service in ("cart", "checkout"):
        here.rolls(service, "succeeded")
    notes = here.session.exec(select(Note).where(Note.kind == "promotion_said", Note.place == "#releases")).all()
    assert "live" in [note.data["said"] for note in notes]
    assert [note.data["said"] for note in notes if promotion_note(here.session, here.desk, note) is not None] == []
    assert aloud(here, "arrived").startswith("✅ web 14:00 has arrived")


def test_typing_names_the_departure_that_can_be_meant(sqlite_session: Session) -> None:
    """The sealed one; once that has ended an act that was done already is answered as such, another is told to wait."""
    here = railway(sqlite_session)
    first = here.sealed()
    assert asking.departure_meant(sqlite_session, here.desk, "web", TrainAct.HOLD) == first.id
    here.conduct(TrainAct.CANCEL, reason="a migration")
    assert asking.departure_meant(sqlite_session, here.desk, "web", TrainAct.CANCEL) == first.id
    with pytest.raises(UserError, match="Nothing of web is sealed yet: boarding for 16:00 closes at 15:45"):
        asking.departure_meant(sqlite_session, here.desk, "web", TrainAct.HOLD)
    with pytest.raises(UserError, match="Nothing of web was missed: the web 14:00 was cancelled by Chi"):
        asking.departure_meant(sqlite_session, here.desk, "web", TrainAct.RUN)
    here.at += 61
    with pytest.raises(UserError, match="Nothing of web is sealed yet"):
        asking.departure_meant(sqlite_session, here.desk, "web", TrainAct.CANCEL)
