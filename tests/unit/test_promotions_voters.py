"""Whose yes counts: somebody known by all their logins, and of whom Slack has said that they are a full member."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from bot import people, work
from bot.events import Act, Human, IdentityProven
from bot.gates import Approval, Lock, Order
from bot.people.availability import Available
from bot.ports import Member
from bot.promotions import judging, loading
from bot.promotions.models import State
from tests.unit.promoting import OVEN, World, world
from tests.unit.reports import REPO, pull

QUICK = (Lock(), Order(), Approval())


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is judged of people is the same on either; reading and keeping them has tests of its own on both."""
    return sqlite_url


def test_whoever_wrote_it_as_another_account_of_theirs_cannot_approve_it(session: Session) -> None:
    """Dee is in shipmate.yml as dee, and has proven dee2 besides: both are Dee."""
    here = world(session, gates=QUICK)
    said = here.tell(IdentityProven(slack_id="U0DEE", login="Dee2", how="device", at=here.now, repo=REPO))
    assert said == "dee2 is yours too, beside dee of shipmate.yml: you approve the changes of neither."
    here.raised("b", "a", pull(815, "b", author=Human(login="dee2", name="Dee Two")))
    assert here.refused(Act.APPROVE, "U0DEE") == "You can't: you wrote #815."
    here.act(Act.APPROVE, "U0EVE")
    assert here.present().state == State.STARTING


def judged_again(here: World) -> None:
    """What Slack said of somebody has changed what is known: as the reading of people does."""
    work.touch(here.session, "member", 1)
    here.reactions.settle(here.session, here.now)


def test_a_yes_counts_once_slack_has_said_that_it_is_a_full_members(session: Session) -> None:
    """Who was never read is asked after; until then it is on the card, and counts for nothing."""
    here = World(session, replace(OVEN, gates=QUICK), met=False)
    promotion = here.raised("b", "a", pull(815, "b"))
    why = "Slack has not said yet that Dee is a full member"
    assert here.act(Act.APPROVE) == f"Approved. oven → production (bbbbbbb) still waits: approval: {why}; needs 1 yes."
    assert promotion.state == State.OPEN
    assert [one.counts for one in loading.promotion_card(session, here.desk, promotion).approvals] == [False]
    assert [effect.data for effect in here.effects("member")] == [{"id": 1}]
    here.met = True
    here.meet("U0DEE")
    here.turn(here.at + 1)
    assert promotion.state == State.STARTING
    assert [one.counts for one in loading.promotion_card(session, here.desk, promotion).approvals] == [True]


def test_a_yes_counts_no_more_once_whoever_gave_it_was_deactivated(session: Session) -> None:
    """Their being a full member is read again every ten minutes for as long as it stands, whoever asks."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    assert promotion.state == State.STARTING
    here.turn(here.at + 10)
    assert len(here.effects("member")) == 1
    people.saw(session, Member("U0DEE", "Dee", active=False), here.now)
    judged_again(here)
    assert (promotion.state, here.said()[-1]) == (State.OPEN, "reopened")
    assert [one.counts for one in loading.promotion_card(session, here.desk, promotion).approvals] == [False]


def test_a_yes_of_somebody_who_could_not_be_read_for_an_hour_stops_the_call(session: Session) -> None:
    """Slack does not answer; when it does, what was approved goes on by itself, whoever asked it."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += people.STALE / timedelta(minutes=1)
    assert here.call() == []
    (approval,) = (one for one in judging.judge(session, here.desk, promotion, here.now).closed)
    assert approval.verdict.reason == "Slack has not said for more than an hour that Dee is a full member; needs 1 yes"
    here.turn(here.at + 1)
    here.meet("U0DEE")
    here.turn(here.at + 1)
    assert promotion.state == State.STARTING


def test_whoever_slack_has_said_nothing_of_yet_is_of_no_team(session: Session) -> None:
    """Of a team that names no members everybody is; but whether they are a full member must have been said."""
    here = World(session, replace(OVEN, gates=QUICK), met=False)
    here.raised()
    assert "Slack has not said yet that you are a full member" in here.refused(Act.REJECT, "U0DEE")
    assert here.present().state == State.OPEN


def test_who_works_later_is_named_with_one_pair_of_brackets(session: Session) -> None:
    """“Eve (online, off hours until 23:00 (Europe/Paris)).” reads like a slip."""
    here = world(session, gates=QUICK)
    later = here.now + timedelta(hours=2)
    able = [
        Available("U0DEE", "Dee", online=True, works_now=True, from_at=None),
        Available("U0EVE", "Eve", online=True, works_now=False, from_at=later),
        Available("U0CHI", "Chi", online=None, works_now=False, from_at=later),
    ]
    zone = here.desk.catalog.timezone
    hours = f"off hours until {later.astimezone(zone):%H:%M} {zone.key}"
    assert judging.named(here.desk, able) == f"Dee (online), Eve (online, {hours}), Chi ({hours})"
