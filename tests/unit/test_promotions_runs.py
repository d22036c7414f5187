"""GitHub's question whether a run may enter an environment: answered once, noted seldom, rejected only by a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.catalog import PromoteThrough
from bot.events import Act, GateRequested, Human, RunEnded
from bot.gates import Approval, Lock, Order
from bot.outbox import Effect
from bot.promotions import calling, gatekeeping, judging
from bot.promotions.models import GateRequest, State
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import REPO, pull

QUICK = (Lock(), Order(), Approval())


def github(session: Session, **more: Any) -> World:
    """A world whose runs wait before the environment."""
    return world(session, promote_through=PromoteThrough.GITHUB_ENVIRONMENT, gates=QUICK, **more)


BY_BEN = Human(login="ben")


def asks(
    here: World, sha: str, run: int = 99, environment: str = "production", at: float = 0, by: Human | None = BY_BEN
) -> None:
    """A run waits."""
    here.at += at
    here.tell(
        GateRequested(
            repo=REPO, run=run, environment=environment, sha=sha_of(sha), callback_url="https://api.github.com/x",
            requested_by=by, at=here.now,
        )
    )  # fmt: skip


def ends(here: World, run: int = 99, attempt: int = 1) -> None:
    """It is over."""
    here.tell(RunEnded(repo=REPO, run=run, attempt=attempt, cancelled=True, at=here.now))


def notes(here: World) -> list[str]:
    """The status notes that are posted, or would be."""
    effects = here.session.exec(select(Effect).where(Effect.kind == gatekeeping.NOTE).order_by(col(Effect.id))).all()
    return [effect.data["comment"] for effect in effects]


def requests(here: World) -> list[tuple[str, str | None]]:
    """Every question, by its build, and what it came to."""
    rows = here.session.exec(select(GateRequest).order_by(col(GateRequest.id))).all()
    return [(row.sha[:1], row.outcome) for row in rows]


def test_a_run_that_asks_joins_the_promotion_of_its_build_and_is_let_in(session: Session) -> None:
    """With a comment that says who approved; the rollout follows by its run."""
    here = github(session)
    promotion = here.raised()
    asks(here, "b")
    here.act(Act.APPROVE)
    here.at += 1
    (call,) = here.call()
    assert (call.run, call.gate, call.repo) == (99, "production", REPO)
    assert call.comment.startswith("Approved by Dee\n\n- ✅ **lock**: no lock")
    assert requests(here) == [("b", "approved")]
    here.ship("b", "in_progress", run=99)
    here.ship("b", "succeeded", run=99)
    assert promotion.state == State.DONE
    assert (str(promotion.deploy), "#bakers") not in here.cards("deploy")


def test_gates_open_without_a_run_that_waits_stay_open(session: Session) -> None:
    """There is nothing to answer; it starts once a run asks."""
    here = github(session)
    promotion = here.raised()
    assert here.act(Act.APPROVE).endswith("waits for a run that asks to go there.")
    assert promotion.state == State.OPEN
    asks(here, "b", at=1)
    assert promotion.state == State.STARTING


def test_a_run_may_ask_first(session: Session) -> None:
    """Then it raises the promotion; whoever started the run is no second pair of eyes."""
    here = github(session)
    here.lives()
    asks(here, "b")
    promotion = here.only(State.OPEN)
    assert (promotion.via, promotion.requested_by) == ("github", "github:ben")
    here.read(pull(815, "b"))
    assert here.refused(Act.APPROVE, "U0BEN") == "You can't: you asked for it."


@pytest.mark.parametrize("raised_before", [False, True])
@pytest.mark.parametrize(
    ("by", "kept", "said"),
    [
        (Human(login="Deploy[bot]", bot=True), "github:deploy[bot]", "nobody knows who asked for it as deploy[bot]"),
        (Human(login="Copilot", bot=True), "github:copilot[bot]", "nobody knows who asked for it as copilot[bot]"),
        (Human(), "somebody", "nobody knows who asked for it at GitHub"),
        (Human(login="stranger"), "github:stranger", None),
        (None, None, None),
    ],
)
def test_a_run_that_nobody_known_started_wants_one_more_yes(
    session: Session, by: Human | None, kept: str | None, said: str | None, raised_before: bool
) -> None:
    """Whoever had a bot do it may be the first to say yes. GitHub knew a stranger; a push asks for nothing."""
    here = world(session, promote_through=PromoteThrough.GITHUB_ENVIRONMENT, gates=(Lock(), Approval()))
    if raised_before:
        here.raised("b", "a", pull(815, "b"))
        asks(here, "b", at=1, by=by)
    else:
        here.lives()
        asks(here, "b", by=by)
        here.read(pull(815, "b"))
    assert session.exec(select(GateRequest)).one().requested_by == kept
    told = here.act(Act.APPROVE, "U0DEE")
    assert (said or "starts at") in told
    if said is not None:
        here.act(Act.APPROVE, "U0EVE")
    assert here.present().state == State.STARTING


@pytest.mark.parametrize("said_yes_before", [False, True])
def test_whoever_started_a_run_is_no_second_pair_of_eyes_though_its_promotion_was_there_first(
    session: Session, said_yes_before: bool
) -> None:
    """The pipeline raised it, and Ben's run joins: in whichever order they are told of, his yes does not count."""
    here = github(session)
    promotion = here.raised()
    if said_yes_before:
        here.act(Act.APPROVE, "U0BEN")
    asks(here, "b", at=1)
    assert (promotion.requested_by, promotion.state) == (None, State.OPEN)
    if not said_yes_before:
        assert here.refused(Act.APPROVE, "U0BEN").startswith("You can't: you asked for it.")
    here.act(Act.APPROVE, "U0DEE")
    here.at += 1
    (call,) = here.call()
    assert call.comment.startswith("Approved by Dee\n\n")
    assert "Ben" not in call.comment


def test_a_run_is_never_rejected_because_gates_are_closed(session: Session) -> None:
    """It hears what it waits for, once for the same words; a person's no ends it."""
    here = github(session)
    here.raised()
    asks(here, "b")
    for _ in range(3):
        here.reactions.begin(session, here.now)
    assert len(notes(here)) == 1
    assert notes(here)[0].startswith("Waiting\n")
    assert here.effects(gatekeeping.REJECT) == []
    here.act(Act.REJECT, reason="not today")
    (effect,) = here.effects(gatekeeping.REJECT)
    assert effect.data["comment"] == "Rejected: not today"
    assert requests(here) == [("b", "rejected")]


def test_nine_notes_at_most_and_the_tenth_for_the_end(session: Session) -> None:
    """GitHub takes ten."""
    here = github(session)
    promotion = here.raised()
    asks(here, "b")
    (run,) = gatekeeping.waiting(session, promotion)
    run.notes = 9
    here.act(Act.APPROVE, "U0EVE")
    here.act(Act.UNDO, "U0EVE")
    assert len(notes(here)) == 1
    here.act(Act.CANCEL)
    assert notes(here)[-1].startswith("This promotion was cancelled")
    assert run.notes == 10


def test_a_run_that_vanishes_before_the_call_is_not_answered(session: Session) -> None:
    """Its promotion waits for another run."""
    here = github(session)
    promotion = here.raised()
    asks(here, "b")
    here.act(Act.APPROVE)
    ends(here)
    assert promotion.state == State.OPEN
    here.at += 1
    assert here.call() == []
    assert requests(here) == [("b", "vanished")]
    asks(here, "b", at=1)
    assert promotion.state == State.STARTING


def test_a_rerun_after_the_answer_asks_afresh(session: Session) -> None:
    """No yes carries over."""
    here = github(session)
    promotion = here.raised()
    asks(here, "b")
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "failed", run=99)
    assert promotion.state == State.FAILED
    ends(here)
    asks(here, "b", at=2)
    again = here.only(State.OPEN)
    here.read(pull(815, "b"))
    assert again.id != promotion.id
    assert "approval" in [one.gate for one in judging.judge(session, here.desk, again, here.now).closed]


def test_the_same_question_told_twice_is_one(session: Session) -> None:
    """Also told late, after it was over."""
    here = github(session)
    here.raised()
    event = GateRequested(repo=REPO, run=99, environment="production", sha=sha_of("b"), callback_url="x", at=here.now)
    here.tell(event)
    here.tell(event)
    assert requests(here) == [("b", None)]
    here.at += 1
    ends(here)
    here.tell(event)
    assert requests(here) == [("b", "vanished")]


def test_the_end_of_an_earlier_attempt_told_late_ends_nothing(session: Session) -> None:
    """The run has asked again since."""
    here = github(session)
    here.raised()
    late = RunEnded(repo=REPO, run=99, attempt=1, cancelled=False, at=here.now)
    asks(here, "b", at=1)
    here.tell(late)
    assert requests(here) == [("b", None)]


def test_a_run_of_another_build_waits_as_next(session: Session) -> None:
    """And is raised when the present one has ended."""
    here = github(session)
    here.raised()
    asks(here, "c", run=100)
    assert here.states() == [("b", "open")]
    assert notes(here)[0].startswith("Waiting as next: promotion 1 (bbbbbbb)")
    here.act(Act.REJECT)
    assert here.states() == [("b", "rejected"), ("c", "open")]
    assert [run.run for run in gatekeeping.waiting(session, here.present())] == [100]


def test_a_run_before_an_environment_that_is_not_promoted_is_told_so(session: Session) -> None:
    """It waits: a missing line in shipmate.yml opens nothing."""
    here = github(session)
    here.lives()
    asks(here, "b", environment="staging")
    assert here.states() == []
    assert "github-environment" in notes(here)[0]


def test_a_rollback_waits_for_the_old_run_and_lets_it_in(session: Session) -> None:
    """GitHub's environments cannot be made to start anything."""
    here = github(session)
    promotion = here.raised("b", "a", pull(815, "b"))
    asks(here, "b")
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "succeeded", run=99)
    assert promotion.state == State.DONE
    assert "run the old workflow run of aaaaaaa again" in here.roll_back()
    back = here.only(State.OPEN)
    asks(here, "a", run=50, at=1)
    assert back.state == State.STARTING
    (call,) = here.call()
    assert (call.run, call.rollback) == (50, True)


def test_a_second_run_of_the_same_build_is_not_let_in_with_the_first(session: Session) -> None:
    """One yes lets one run in."""
    here = github(session)
    here.raised()
    asks(here, "b", run=99)
    asks(here, "b", run=100, at=1)
    here.act(Act.APPROVE)
    here.at += 1
    assert [call.run for call in here.call()] == [99]
    assert requests(here) == [("b", "approved"), ("b", None)]


def test_a_run_that_no_longer_waits_when_it_is_answered_opens_its_promotion_again(session: Session) -> None:
    """GitHub says so: nothing happened."""
    here = github(session)
    promotion = here.raised()
    asks(here, "b")
    here.act(Act.APPROVE)
    here.at += 1
    (effect,) = here.effects("deploy")
    call = calling.prepare(session, here.desk, effect.data, here.now)
    assert call is not None
    calling.vanished(session, here.desk, effect.data, call.order, here.now)
    assert promotion.state == State.OPEN
    assert requests(here) == [("b", "vanished")]
