"""Cards, notes and answers say what is so: of what nobody waits for, what went round the gates, what was rejected."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.answers.status import status
from bot.answers.views import Ahead
from bot.answers.where import where
from bot.deploys import service as deploys
from bot.deploys.models import Deploy
from bot.events import Act, LockAct, LockActed, LockPlaced
from bot.gates import Approval, Freeze, Lock, Order
from bot.outbox import Note
from bot.outgoing.notes import change_note
from bot.ports import Range
from bot.promotions import calling, finding, loading, rollbacks
from bot.promotions.advancing import DEPLOY
from bot.promotions.models import Promotion, State
from bot.promotions.notes import promotion_note
from bot.promotions.views import PromotionNote
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import BEN, carrying, pull


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: nothing here depends on it."""
    return sqlite_url


QUICK = (Lock(), Freeze(), Order(), Approval())


def deploy_read(here: World, sha: str, found: Range) -> None:
    """The forge tells what the latest rollout of a build carries."""
    deploy = here.session.exec(select(Deploy).where(Deploy.sha == sha_of(sha)).order_by(col(Deploy.id).desc())).all()[0]
    deploys.range_read(here.session, here.catalog, deploy.id or 0, deploy.previous_sha, found, here.now)
    here.reactions.settle(here.session, here.now)
    here.session.flush()


def rolled(here: World, sha: str, found: Range) -> None:
    """A rollout in production, past us, of which the forge tells what it moved."""
    here.at += 5
    here.ship(sha, number=f"{sha}{here.at}", source="other")
    deploy_read(here, sha, found)


def rolling(here: World) -> Promotion:
    """Build b, with #815 by Ana, was approved and called, and rolls out."""
    promotion = here.raised("b", "a", pull(815, "b"))
    deploy_read(here, "b", carrying(pull(815, "b")))  # as of staging
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "in_progress", promotion=promotion.id)
    assert promotion.state == State.ROLLING
    return promotion


def last_note(here: World, said: str, place: str = "#bakers") -> PromotionNote:
    """The view of what was said last of this."""
    notes = here.session.exec(select(Note).where(Note.kind == "promotion_said", Note.place == place)).all()
    view = promotion_note(here.session, here.desk, [one for one in notes if one.data["said"] == said][-1])
    assert view is not None
    return view


def lock(here: World) -> str:
    """Dee locks it; what she is told."""
    event = LockPlaced(
        scope="oven", reason="look", ends_at=None, rollbacks=True, slack_id="U0DEE", called="Dee", channel=None,
        at=here.now,
    )  # fmt: skip
    return here.tell(event) or ""


def unlock(here: World) -> None:
    """She lifts it again, a minute later."""
    here.at += 1
    here.tell(
        LockActed(act=LockAct.LIFT, lock=None, scope="oven", until=None, slack_id="U0DEE", called="Dee", at=here.now)
    )


# --- nobody waits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("report", "state", "said"), [("succeeded", "done", "live"), ("failed", "failed", "failed")])
def test_what_nobody_waits_for_goes_on_and_its_end_is_told(
    session: Session, report: str, state: str, said: str
) -> None:
    """Nobody says that it was cancelled: it rolls out, frees the place, and becomes what its pipeline reports."""
    here = world(session, gates=QUICK)
    promotion = rolling(here)
    told = here.act(Act.CANCEL, "U0CHI", promotion, reason="it hangs")
    assert "is not stopped by this" in told
    card = loading.promotion_card(session, here.desk, promotion)
    assert (card.unawaited, card.may) == (True, ())
    assert here.said()[-1] == here.heard("U0ANA")[-1] == "unawaited"
    assert finding.under_way_at(session, promotion.target) is None
    assert "rolls out, and nobody waits for it: Chi stopped waiting" in here.act(Act.CANCEL, "U0DEE", promotion)
    (found,) = where(session, here.desk, "815").found
    assert [step.ahead for step in found.ahead] == [Ahead.ROLLING]
    here.at += 1
    here.ship("b", report, promotion=promotion.id, began=here.at - 1)
    assert (promotion.state, here.said()[-1]) == (state, said)
    assert not loading.promotion_card(session, here.desk, promotion).unawaited


def test_what_was_cancelled_before_its_call_stays_cancelled(session: Session) -> None:
    """Its build may get there by another way: that is no end of this."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.CANCEL, "U0CHI", promotion)
    here.ship("b", source="other")
    assert promotion.state == State.CANCELLED
    assert not loading.promotion_card(session, here.desk, promotion).unawaited


# --- what leaves ----------------------------------------------------------------------------------------------------


def leaves(here: World, to: str | None = None) -> list[str]:
    """What a rollback to this build, or to the last good one, would take out."""
    rows = here.session.exec(select(Deploy).where(Deploy.sha == sha_of(to or "-")).order_by(col(Deploy.id).desc()))
    number = next((row.id for row in rows if row.state == "succeeded"), None)
    offer = rollbacks.rollback_offer(here.session, here.desk, "oven", "production", number)
    assert offer.complete
    return [change.label for change in offer.leaves]


def test_what_had_left_already_does_not_leave_again(session: Session) -> None:
    """Back from c to b, and from there to a: what c had brought is gone already."""
    here = world(session, gates=QUICK)
    here.lives()
    rolled(here, "b", carrying(pull(401, "b"), pull(402, "d")))
    rolled(here, "c", carrying(pull(403, "c")))
    assert leaves(here) == ["#403"]
    rolled(here, "b", carrying(leaving=(pull(403, "c"),)))
    assert leaves(here) == ["#401", "#402"]


def test_what_the_older_build_held_stays(session: Session) -> None:
    """b was rolled back, and what it brought went in again with c: it is in b, so it does not leave with c."""
    here = world(session, gates=QUICK)
    here.lives()
    rolled(here, "b", carrying(pull(401, "b"), pull(402, "d")))
    rolled(here, "a", carrying(leaving=(pull(401, "b"), pull(402, "d"))))
    rolled(here, "c", carrying(pull(401, "b"), pull(402, "d"), pull(403, "c"), pull(404, "e")))
    assert leaves(here, "b") == ["#403", "#404"]
    assert leaves(here, "a") == ["#401", "#402", "#403", "#404"]


# --- round the gates ------------------------------------------------------------------------------------------------


def test_what_went_round_says_so_and_what_was_closed(session: Session) -> None:
    """A card, its details and the status of a build that nobody approved do not look like a yes."""
    here = world(session)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.ship("b", "in_progress", source="api", url="https://ci.example/991")
    assert promotion.state == State.ROLLING
    began = loading.promotion_card(session, here.desk, promotion).round
    assert began is not None
    assert (began.sources, began.url) == (("api",), "https://ci.example/991")
    assert [words.partition(" ")[0] for words in began.closed] == ["soaks", "approval:"]
    here.at += 1
    here.ship("b", source="api", began=here.at - 1)
    assert (promotion.state, loading.promotion_card(session, here.desk, promotion).round) == (State.DONE, began)
    assert last_note(here, "live").round == began
    (service,) = status(session, here.desk, "oven").services
    assert [(one.environment, one.round) for one in service.targets] == [("staging", None), ("production", began)]


def test_what_was_called_went_begannothing(session: Session) -> None:
    """Its own rollout is no news of that kind."""
    here = world(session, gates=QUICK)
    assert loading.promotion_card(session, here.desk, rolling(here)).round is None


# --- said no to, and answered for -----------------------------------------------------------------------------------


def test_what_was_rejected_is_marked_when_it_comes_again(session: Session) -> None:
    """By whom, when and why; what is new is not, and once it went live that is past."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(401, "b"))
    here.act(Act.REJECT, "U0ANA", promotion, reason="I found a bug in mine")
    rejected_at = here.now
    here.at += 10
    here.stage("c")
    here.read(pull(401, "b"), pull(402, "c", author=BEN))
    (no,) = loading.promotion_card(session, here.desk, here.present()).rejections
    assert no.who is not None
    assert (no.labels, no.who.name, no.at, no.reason) == (("#401",), "Ana", rejected_at, "I found a bug in mine")
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("c", promotion=here.present().id)
    here.at += 1
    here.stage("d")
    here.read(pull(401, "b"))
    assert loading.promotion_card(session, here.desk, here.present()).rejections == ()


def test_only_what_somebody_answered_for_stands_beside_their_name(session: Session) -> None:
    """What has its fix aboard needed no answer."""
    here = world(session, gates=QUICK)
    here.lives()
    rolled(here, "b", carrying(pull(401, "b"), pull(403, "d")))
    rolled(here, "a", carrying(leaving=(pull(401, "b"), pull(403, "d"))))
    here.at += 1
    here.stage("c")
    here.read(pull(401, "b"), pull(403, "d"), pull(404, "c", reverts=403))
    assert loading.promotion_card(session, here.desk, here.present()).mended == ("#403",)
    here.act(Act.ACKNOWLEDGE, "U0CHI", reason="it was the database")
    card = loading.promotion_card(session, here.desk, here.present())
    assert (card.answered, card.mended) == (("#401",), ("#403",))


# --- locks ----------------------------------------------------------------------------------------------------------


def test_a_lock_before_the_call_says_what_it_stopped(session: Session) -> None:
    """It was about to start; nothing was, and what is open waits."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    assert "Nothing was on its way there. 1 change by 1 person waits because of it." in lock(here)
    unlock(here)
    here.act(Act.APPROVE)
    assert promotion.state == State.STARTING
    assert f"About to start, and held by this now: oven → production (bbbbbbb, promotion {promotion.id})." in lock(here)
    assert promotion.state == State.OPEN


def test_a_lock_on_a_call_in_doubt_says_that_it_may_hold_it(session: Session) -> None:
    """It may be on its way or not: the lock's answer and the card both say so, and name the lock."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    (effect,) = here.effects(DEPLOY)
    assert calling.prepare(session, here.desk, effect.data, here.now) is not None
    said = lock(here)
    assert f"Perhaps already on its way: oven → production (bbbbbbb, promotion {promotion.id})." in said
    assert "if that did not arrive, this lock holds it" in said
    assert [gate.reason for gate in loading.promotion_card(session, here.desk, promotion).may_hold] == [
        "oven is locked by Dee: look"
    ]
    assert sum(one.doubtful for one in finding.moving(session, [promotion.target])) == 1
    calling.prepare_again(session, here.desk, effect.data, promotion.called_at or here.now, here.now)
    assert promotion.state == State.OPEN


# --- lists, and what comes next -------------------------------------------------------------------------------------


def test_everything_is_counted_and_not_what_is_listed(session: Session) -> None:
    """Thirteen changes of which ten are listed are thirteen."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", *(pull(number, f"{number}") for number in range(401, 414)))
    here.act(Act.CANCEL, "U0CHI", promotion)
    note = last_note(here, "cancelled")
    assert len(note.changes) + note.more == 13
    rolled(here, "c", carrying(*(pull(number, f"{number}") for number in range(401, 415))))
    (service,) = status(session, here.desk, "oven").services
    live = service.targets[-1]
    assert len(live.live_changes) + live.live_more == 14


def test_where_after_a_failure_says_why_and_what_is_locked(session: Session) -> None:
    """Production has locked itself: the answer, the note and the message to the author all name that lock."""
    here = world(session, gates=QUICK)
    promotion = rolling(here)
    promotion.url = "https://ci.example/7"
    here.at += 1
    here.ship("b", "failed", promotion=promotion.id, began=here.at - 1)
    deploy_read(here, "b", carrying(pull(815, "b")))
    (found,) = where(session, here.desk, "815").found
    (step,) = found.ahead
    assert step.ended is not None
    assert (step.ahead, step.ended.reason) == (Ahead.UNASKED, "its rollout failed")
    assert [one.reason for one in step.locks] == ["the rollout of bbbbbbb failed"]
    note = last_note(here, "failed")
    assert note.lock is not None
    assert note.lock.reason == "the rollout of bbbbbbb failed"
    told = session.exec(select(Note).where(Note.kind == "change", Note.place == "U0ANA")).all()
    showing = change_note(session, here.desk, told[-1])
    assert showing is not None
    view: Any = showing.view
    assert (view.url, view.locked) == ("https://ci.example/7", "oven → production: the rollout of bbbbbbb failed")


def test_where_after_a_rollback_says_why_and_what_brings_it_again(session: Session) -> None:
    """Who rolled it back and why; then the newer promotion that has it aboard."""
    here = world(session, gates=QUICK)
    promotion = rolling(here)
    here.at += 1
    here.ship("b", promotion=promotion.id, began=here.at - 1)
    deploy_read(here, "b", carrying(pull(815, "b")))
    here.roll_back(who="U0CHI")
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")
    deploy_read(here, "a", carrying(leaving=(pull(815, "b"),)))
    (step,) = where(session, here.desk, "815").found[0].ahead
    assert step.back is not None
    assert step.back.who is not None
    assert (step.ahead, step.back.who.name, step.back.reason) == (Ahead.UNASKED, "Chi", "5xx")
    assert [one.reason for one in step.locks] == ["rolled back: 5xx"]
    here.at += 1
    here.stage("c")
    here.read(pull(815, "b"))
    assert [step.ahead for step in where(session, here.desk, "815").found[0].ahead] == [Ahead.ABOARD]
