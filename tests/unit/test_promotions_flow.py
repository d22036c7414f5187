"""The way of a promotion: raised, read, approved, called, live; what is next; and every end it may come to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.catalog import Supersede
from bot.deploys.views import RangeState
from bot.errors import UserError
from bot.events import Act
from bot.gates import Approval, Lock, Order
from bot.promotions import calling, judging, ranges
from bot.promotions.models import Approval as Given
from bot.promotions.models import Decision, State
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import BEN, carrying, pull


def test_a_build_that_is_live_in_staging_is_raised_and_soaks(session: Session) -> None:
    """One card in the team's channel; nothing is called before its gates are open."""
    here = world(session)
    promotion = here.raised()
    assert (promotion.state, promotion.sha, promotion.base_sha) == (State.OPEN, sha_of("b"), sha_of("a"))
    assert here.cards() == [("1", "#bakers")]
    closed = [one.gate for one in judging.judge(session, here.desk, promotion, here.now).closed]
    assert closed == ["soak", "approval"]
    assert here.call() == []


def test_what_was_approved_starts_by_itself_when_the_soak_ends(session: Session) -> None:
    """And follows its rollout until it is live; the rollout has no card of its own."""
    here = world(session)
    promotion = here.raised()
    assert here.act(Act.APPROVE) == (
        "Approved. oven → production (bbbbbbb) still waits: " + _reason(here, "soak") + " (30 min left)."
    )
    here.turn(20)
    assert promotion.state == State.OPEN
    here.turn(32)
    assert (promotion.state, promotion.not_before) == (State.STARTING, here.now)
    (call,) = here.call()
    assert (call.promotion, call.service, call.environment, call.sha) == (
        promotion.id, "oven", "production", sha_of("b"),
    )  # fmt: skip
    assert promotion.state == State.ROLLING
    here.ship("b", "in_progress", promotion=promotion.id)
    here.at += 3
    here.ship("b", "succeeded", promotion=promotion.id)
    assert promotion.state == State.DONE
    assert promotion.deploy is not None
    assert here.said() == ["live"]
    assert (str(promotion.deploy), "#bakers") not in here.cards("deploy")


def test_the_yes_can_be_taken_back_until_the_call(session: Session) -> None:
    """Ten seconds; then the pipeline has it, and Undo says so."""
    here = world(session)
    promotion = here.raised()
    here.turn(40)
    said = here.act(Act.APPROVE)
    assert promotion.state == State.STARTING
    assert "starts at 12:40:10" in said
    assert here.call() == []
    assert "nothing starts" in here.act(Act.UNDO)
    assert promotion.state == State.OPEN
    here.turn(41)
    assert here.call() == []
    here.act(Act.APPROVE)
    here.turn(42)
    assert len(here.call()) == 1
    assert "/ship rollback oven" in here.refused(Act.UNDO)


def test_the_author_cannot_approve_and_hears_who_can(session: Session) -> None:
    """Nor a co-author, nor whoever asked for it."""
    here = world(session, gates=(Lock(), Order(), Approval(groups=())))
    here.raised("b", "a", pull(815, "b", coauthors=(BEN,)))
    assert here.refused(Act.APPROVE, "U0ANA") == "You can't: you wrote #815."
    assert here.refused(Act.APPROVE, "U0BEN") == "You can't: you co-authored #815."
    assert session.exec(select(Given)).all() == []


def test_a_second_click_changes_nothing_and_is_answered(session: Session) -> None:
    """Of the same person or another: one decision, one effect."""
    here = world(session)
    promotion = here.raised()
    here.turn(40)
    here.act(Act.APPROVE)
    seen = promotion.seen
    assert here.act(Act.APPROVE, seen=seen).startswith("You approved it already: oven → production (bbbbbbb) starts")
    assert here.act(Act.APPROVE, "U0EVE", seen=seen).startswith("It is approved already")
    assert len(here.effects("deploy")) == 1
    assert len([one for one in session.exec(select(Decision)).all() if one.act == "approve"]) == 1


def test_nothing_is_approved_other_than_what_was_seen(session: Session) -> None:
    """An edited or a stale button does nothing, and says so."""
    here = world(session)
    promotion = here.raised()
    assert "has changed since you looked" in here.refused(Act.APPROVE, seen="forged")
    assert "has changed since you looked" in here.refused(Act.REJECT, seen="")
    assert promotion.state == State.OPEN
    assert session.exec(select(Given)).all() == []


def test_when_what_is_live_moves_the_yes_is_void_and_that_is_said(session: Session) -> None:
    """The range is read anew, since it is another one."""
    here = world(session)
    promotion = here.raised()
    here.act(Act.APPROVE)
    here.at = 5
    here.ship("c", source="other")
    assert (promotion.base_sha, promotion.range) == (sha_of("c"), RangeState.READING)
    here.read(pull(820, "b"))
    here.turn(40)
    assert promotion.state == State.OPEN
    assert "void" in here.said()
    assert "void: 2 changes" in _reason(here, "approval") or "void" in _reason(here, "approval")


def test_a_newer_build_waits_as_next_and_production_still_ships(session: Session) -> None:
    """A build every three minutes, thirty minutes of soak: the first keeps its place until it is through."""
    here = world(session)
    promotion = here.raised()
    for number, sha in enumerate("cdefghijk"):
        here.stage(sha, 4 + number * 3)
    here.act(Act.APPROVE)
    here.turn(32)
    assert here.call()[0].sha == sha_of("b")
    assert here.states() == [("b", "rolling")]
    here.ship("b", promotion=promotion.id)
    assert here.states() == [("b", "done"), ("k", "open")]


def test_include_newer_takes_over_the_card_and_voids_the_yes(session: Session) -> None:
    """The gate says what was added since."""
    here = world(session)
    first = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.stage("c", 6)
    said = here.act(Act.INCLUDE, "U0EVE")
    assert said == "Included: ccccccc takes the place of bbbbbbb. The approval by Dee is void."
    assert here.states() == [("b", "superseded"), ("c", "open")]
    second = here.only(State.OPEN)
    assert (second.root, first.successor) == (first.id, second.id)
    here.read(pull(815, "b"), pull(816, "c", author=BEN))
    assert "void: 1 change added since Dee approved" in _reason(here, "approval")
    assert here.cards() == [("1", "#bakers")]
    assert "superseded by a newer build" in here.refused(Act.APPROVE, promotion=first)
    here.turn(50)
    here.act(Act.APPROVE)
    assert here.present().state == State.STARTING


def test_a_policy_may_have_newer_builds_take_over_by_themselves(session: Session) -> None:
    """``supersede: always``."""
    here = world(session, supersede=Supersede.ALWAYS)
    here.raised()
    here.stage("c", 6)
    assert here.states() == [("b", "superseded"), ("c", "open")]


def test_a_no_is_for_good_and_the_next_build_is_raised(session: Session) -> None:
    """The rejected build is not raised again, however often staging tells of it."""
    here = world(session)
    here.raised()
    assert here.act(Act.REJECT, reason="too risky").startswith("Rejected")
    here.stage("b", 5)
    assert here.states() == [("b", "rejected")]
    assert here.act(Act.REJECT, "U0EVE", seen="whatever") == (
        "oven → production (bbbbbbb) was rejected by Dee at 12:01 (UTC): too risky."
    )
    assert "was rejected by Dee" in here.refused(Act.APPROVE)
    here.stage("c", 8)
    assert here.states() == [("b", "rejected"), ("c", "open")]


def test_nobody_opens_its_gates_in_a_week_and_it_expires(session: Session) -> None:
    """And says so; an old button is answered."""
    here = world(session)
    promotion = here.raised()
    here.turn(7 * 24 * 60 + 5)
    assert promotion.state == State.EXPIRED
    assert here.said()[-1] == "expired"
    assert "expired" in here.refused(Act.APPROVE)


def test_a_lock_placed_before_the_call_wins(session: Session) -> None:
    """Judged again at that moment, in the same transaction that marks the call."""
    from bot.events import LockPlaced

    here = world(session)
    promotion = here.raised()
    here.turn(40)
    here.act(Act.APPROVE)
    said = here.tell(
        LockPlaced(
            scope="oven/production", reason="rollback in progress", ends_at=None, rollbacks=True, slack_id="U0EVE",
            called="Eve", channel=None, at=here.now,
        )
    )  # fmt: skip
    assert said is not None
    assert "held by this now" in said
    assert "not stopped" not in said
    assert promotion.state == State.OPEN
    here.turn(41)
    assert here.call() == []
    assert here.heard("U0ANA") == ["held"]


def test_a_lock_placed_after_the_call_hears_that_it_comes_too_late(session: Session) -> None:
    """It is told what is on its way already."""
    from bot.events import LockPlaced

    here = world(session)
    here.raised()
    here.turn(40)
    here.act(Act.APPROVE)
    here.turn(41)
    here.call()
    said = here.tell(
        LockPlaced(
            scope="everything", reason="fire", ends_at=None, rollbacks=True, slack_id="U0EVE", called="Eve",
            channel=None, at=here.now,
        )
    )  # fmt: skip
    assert said is not None
    assert "oven → production (bbbbbbb, promotion 1)" in said


def test_a_forge_that_does_not_answer_keeps_the_gates_closed(session: Session) -> None:
    """With the reason, and no yes is taken."""
    here = world(session, gates=(Order(), Approval()))
    here.lives()
    here.stage("b", 3)
    promotion = here.only(State.OPEN)
    ranges.range_unknown(session, promotion.id or 0, promotion.base_sha, RangeState.UNKNOWN)
    here.reactions.settle(session, here.now)
    assert "not" in here.refused(Act.APPROVE)
    assert not judging.judge(session, here.desk, promotion, here.now).open


def test_a_build_that_turns_out_older_gives_up_its_place(session: Session) -> None:
    """It was raised by itself; a newer one must not wait behind it."""
    here = world(session)
    here.lives()
    here.stage("b", 3)
    here.read(found=carrying(leaving=(pull(1, "a"),)))
    assert here.states() == [("b", "cancelled")]
    here.stage("c", 6)
    assert here.states() == [("b", "cancelled"), ("c", "open")]


def test_a_changed_policy_voids_the_yes(session: Session) -> None:
    """What was approved was approved under the gates of then."""
    here = world(session)
    here.raised()
    here.act(Act.APPROVE)
    looser = world(session, gates=(Lock(), Order(), Approval(expires=timedelta(days=9))))
    looser.at = 40
    looser.reactions.begin(session, looser.now)
    assert looser.present().state == State.OPEN


def test_a_build_asked_for_by_somebody_is_not_approved_by_them(session: Session) -> None:
    """Whoever asks is no second pair of eyes."""
    here = world(session, gates=(Order(), Approval()))
    here.lives()
    here.stage("b", 3)
    here.read()
    here.act(Act.REJECT)
    assert here.ask("bbbbbbb", "slack:U0DEE").startswith("Asked for: oven → production (bbbbbbb)")
    here.read()
    assert here.refused(Act.APPROVE, "U0DEE").startswith("You can't: you asked for it.")
    here.act(Act.APPROVE, "U0EVE")
    assert here.present().state == State.STARTING


def _reason(here: World, gate: str) -> str:
    judgement = judging.judge(here.session, here.desk, here.present(), here.now)
    return next(one.verdict.reason for one in judgement.verdicts if one.gate == gate)


def test_newer_is_included_also_while_the_call_can_be_taken_back(session: Session) -> None:
    """The call that was due is made no more."""
    here = world(session)
    here.raised("b", "a", pull(815, "b"))
    here.turn(40)
    here.act(Act.APPROVE)
    here.stage("c", 40)
    here.act(Act.INCLUDE)
    assert here.states() == [("b", "superseded"), ("c", "open")]
    here.turn(41)
    assert here.call() == []


def test_nothing_is_opened_beside_what_is_being_called(session: Session) -> None:
    """It may have to open again: the call may turn out not to have been made."""
    here = world(session)
    here.raised("b", "a", pull(815, "b"))
    here.turn(40)
    here.act(Act.APPROVE)
    here.stage("c", 41)
    (effect,) = here.effects("deploy")
    assert calling.prepare(session, here.desk, effect.data, here.now) is not None
    with pytest.raises(UserError, match="is being started just now"):
        here.ask(sha_of("c"))
    calling.doubtful(session, here.desk, effect.data, "lost", here.now)
    here.act(Act.TRY_AGAIN)
    assert here.states() == [("b", "starting")]


def test_a_rollout_of_a_call_that_was_taken_for_lost_is_followed_all_the_same(session: Session) -> None:
    """It was announced, then the call was believed not to have been made, then it goes on."""
    here = world(session)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.turn(40)
    here.act(Act.APPROVE)
    here.at = 41
    (effect,) = here.effects("deploy")
    calling.prepare(session, here.desk, effect.data, here.now)
    here.ship("b", "pending", promotion=promotion.id)
    calling.not_called(session, here.desk, effect.data, here.now)
    here.act(Act.UNDO)
    assert promotion.state == State.OPEN
    here.ship("b", "failed", promotion=promotion.id)
    assert promotion.state == State.OPEN
    here.ship("b", "in_progress", promotion=promotion.id, number="again")
    assert promotion.state == State.ROLLING


@pytest.mark.parametrize("supersede", list(Supersede))
def test_a_newer_build_takes_over_within_the_undo_time(session: Session, supersede: Supersede) -> None:
    """Nothing was called yet: what was to start gives way, by itself or because somebody includes it."""
    here = world(session, supersede=supersede)
    here.raised()
    here.turn(40)
    here.act(Act.APPROVE)
    first = here.only(State.STARTING)
    here.stage("c")
    if supersede is Supersede.NEVER:
        here.act(Act.INCLUDE, promotion=first)
    assert (first.state, first.successor) == (State.SUPERSEDED, here.present().id)
    here.turn(41)
    assert here.call() == []
    assert here.states() == [("b", "superseded"), ("c", "open")]
