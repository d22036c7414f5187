"""Going back: what is offered, what gives way, what locks itself, and the truth about what is not live any more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, col, select

from bot.deploys import service as deploys
from bot.deploys.models import Deploy, Target
from bot.deploys.views import ChangeNote, RangeState
from bot.errors import UserError
from bot.events import Act, LockAct, LockActed
from bot.gates import Approval, Batch, Lock, Order
from bot.locks import scopes
from bot.outbox import Note
from bot.outgoing.notes import change_note
from bot.ports import Range
from bot.promotions import judging, loading, modals, rollbacks
from bot.promotions.models import Promotion, State
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import BEN, carrying, pull

QUICK = (Lock(), Order(), Approval())


def shipped(here: World) -> Promotion:
    """Build b, with #815 by Ana, went the whole way and is live; a was before."""
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", promotion=promotion.id)
    deploy_read(here, "b", carrying(pull(815, "b")))
    assert promotion.state == State.DONE
    return promotion


def deploy_read(here: World, sha: str, found: Range) -> None:
    """The forge tells what the latest rollout of a build carries."""
    deploy = here.session.exec(select(Deploy).where(Deploy.sha == sha_of(sha)).order_by(col(Deploy.id).desc())).all()[0]
    assert deploy.id is not None
    deploys.range_read(here.session, here.catalog, deploy.id, deploy.previous_sha, found, here.now)
    here.reactions.settle(here.session, here.now)
    here.session.flush()


def production(here: World) -> Target:
    """Its row."""
    return here.session.exec(select(Target).where(Target.environment == "production")).one()


def causes(here: World) -> list[str]:
    """What set the locks that stand."""
    return [lock.cause for lock in scopes.standing(here.session)]


def test_what_leaves_is_shown_before(session: Session) -> None:
    """The last good build, another commit, and the changes since."""
    here = world(session, gates=QUICK)
    shipped(here)
    offer = rollbacks.rollback_offer(session, here.desk, "oven", None, None)
    assert (offer.sha, offer.from_sha, offer.environment) == (sha_of("a"), sha_of("b"), "production")
    assert [change.label for change in offer.leaves] == ["#815"]
    assert offer.complete


def test_a_declared_rollback_needs_nobodys_yes_and_locks(session: Session) -> None:
    """One's own change may be taken out; what is not live is said until something newer is."""
    here = world(session, gates=QUICK)
    shipped(here)
    offer = rollbacks.rollback_offer(session, here.desk, "oven", None, None)
    said = here.roll_back(leaves=offer.seen)
    assert said.startswith("Rolling back: oven → production (aaaaaaa) starts now")
    back = here.present()
    assert (back.state, back.rollback) == (State.STARTING, True)
    assert causes(here) == [f"rollback:{back.id}"]
    (call,) = here.call()
    assert (call.sha, call.rollback) == (sha_of("a"), True)
    here.at += 1
    here.ship("a", promotion=back.id, number="back")
    deploy_read(here, "a", carrying(leaving=(pull(815, "b"),)))
    assert back.state == State.DONE
    assert here.said()[-1] == "rolled_back"
    gone = rollbacks.not_running(session, here.desk, production(here))
    assert gone is not None
    assert (gone.sha, gone.by_promotion, [one.label for one in gone.changes]) == (sha_of("b"), back.id, ["#815"])
    assert here.states() == [("b", "done"), ("a", "done")]
    assert causes(here) == [f"rollback:{back.id}"]


def test_the_author_hears_that_their_change_is_not_live(session: Session) -> None:
    """As of any rollout that takes it out."""
    here = world(session, gates=QUICK)
    shipped(here)
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")
    deploy_read(here, "a", carrying(leaving=(pull(815, "b"),)))
    from bot.outbox import Note

    notes = session.exec(select(Note).where(Note.kind == "change", Note.place == "U0ANA")).all()
    assert [note.data["outcome"] for note in notes] == ["live", "left"]
    shown = change_note(session, here.desk, notes[-1])
    assert shown is not None
    assert isinstance(shown.view, ChangeNote)
    assert shown.view.by is not None
    assert (shown.view.by.name, shown.view.reason, shown.view.channel) == ("Ana", "5xx", "#bakers")


def test_what_was_rolled_back_goes_in_again_only_mended_or_acknowledged(session: Session) -> None:
    """A revert aboard mends it; else somebody of the team says so, for what they saw."""
    here = world(session, gates=QUICK)
    shipped(here)
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")
    deploy_read(here, "a", carrying(leaving=(pull(815, "b"),)))
    here.stage("c", 9)
    here.read(pull(815, "b"), pull(816, "c", author=BEN))
    _go(here)
    judgement = judging.judge(session, here.desk, here.present(), here.now)
    assert [one.gate for one in judgement.closed] == ["order", "approval"]
    assert here.act(Act.ACKNOWLEDGE, "U0EVE", reason="it was the database").startswith("Acknowledged: #815")
    card = loading.promotion_card(session, here.desk, here.present())
    assert (card.answered, card.answered_reason, card.reentries) == (("#815",), "it was the database", ())
    assert card.answered_by is not None
    assert card.answered_by.name == "Eve"
    judgement = judging.judge(session, here.desk, here.present(), here.now)
    assert [one.gate for one in judgement.closed] == ["approval"]
    here.stage("d", 12)
    here.act(Act.INCLUDE)
    here.read(pull(815, "b"), pull(816, "c", author=BEN), pull(817, "d", author=BEN, reverts=815))
    judgement = judging.judge(session, here.desk, here.present(), here.now)
    assert [one.gate for one in judgement.closed] == ["approval"]


def test_a_reason_is_told_only_of_the_acknowledgement_that_it_was_given_with(session: Session) -> None:
    """What Eve acknowledged was void once the policy moved: the reason that Chi gave then is not put in her mouth."""
    here = world(session, gates=QUICK)
    shipped(here)
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")
    deploy_read(here, "a", carrying(leaving=(pull(815, "b"),)))
    here.stage("c", 9)
    here.read(pull(815, "b"), pull(816, "c", author=BEN))
    here.act(Act.ACKNOWLEDGE, "U0EVE", reason="it was the database")
    here.service = replace(here.service, gates=(*QUICK, Batch(5, None)))
    here.act(Act.ACKNOWLEDGE, "U0CHI", reason="the index is there now")
    decisions = modals.details_modal(session, here.desk, here.present().id or 0).decisions
    said = [(one.who.name if one.who else None, one.reason) for one in decisions if one.act == Act.ACKNOWLEDGE.value]
    assert said == [("Chi", "the index is there now"), ("Eve", None)]


def test_a_rollback_aborts_what_rolls_forward(session: Session) -> None:
    """It goes back to what is live: the rolling one has not arrived. Its rollout went round nothing."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "in_progress", promotion=promotion.id)
    assert promotion.state == State.ROLLING
    here.roll_back(who="U0BEN")
    assert (promotion.state, promotion.ended_reason) == (State.CANCELLED, "a rollback was declared")
    told = [note for note in here.session.exec(select(Note)).all() if note.data.get("said") == "cancelled"]
    why = {note.place: str(note.data.get("why")) for note in told}
    assert why["U0ANA"].startswith("a rollback was declared: "), "whose change it was hears it, and why"
    assert here.present().sha == sha_of("a")
    assert [call.sha for call in here.call()] == [sha_of("a")]
    here.ship("b", "cancelled", promotion=promotion.id)
    assert here.cards("went_round") == []


def test_what_leaves_must_be_what_was_seen(session: Session) -> None:
    """A rollout that went live meanwhile makes it another rollback."""
    here = world(session, gates=QUICK)
    shipped(here)
    offer = rollbacks.rollback_offer(session, here.desk, "oven", None, None)
    here.ship("c", source="other")
    with pytest.raises(UserError, match="has changed since you looked"):
        here.roll_back(leaves=offer.seen)


def test_two_people_declare_the_same_rollback_once(session: Session) -> None:
    """The second hears of the first, before the window opens and when it is sent: nothing is known to go back from."""
    here = world(session, gates=QUICK)
    shipped(here)
    seen = rollbacks.rollback_offer(session, here.desk, "oven", None, None).seen
    here.roll_back()
    for rolling in (False, True):
        if rolling:
            here.call()
            here.ship("a", "in_progress", promotion=here.present().id, number="back")
        with pytest.raises(UserError, match=r"a rollback of oven → production \(aaaaaaa\) is on its way already, Ana"):
            here.roll_back(who="U0EVE", leaves=seen)
        with pytest.raises(UserError, match="is on its way already"):
            modals.rollback_modal(session, here.desk, "oven", None, None)
    assert [state for _, state in here.states()] == ["done", "rolling"]


def test_a_rollback_never_brings_back_what_it_took_out(session: Session) -> None:
    """What was offered before it was done is refused after: that build goes in by its gates."""
    here = world(session, gates=QUICK)
    shipped(here)
    taken_out = production(here).live
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")
    with pytest.raises(UserError, match="goes in by its gates"):
        here.roll_back(to=taken_out, who="U0EVE")
    with pytest.raises(UserError, match="goes in again by its gates"):
        rollbacks.rollback_offer(session, here.desk, "oven", None, None)
    assert here.states() == [("b", "done"), ("a", "done")]


def test_a_rollback_that_failed_is_offered_again(session: Session) -> None:
    """The bad build is live yet: to give up on going back is offered, and not first."""
    here = world(session, gates=QUICK)
    shipped(here)
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", "failed", promotion=here.present().id, number="back")
    offer = rollbacks.rollback_offer(session, here.desk, "oven", None, None)
    assert (offer.from_sha, offer.sha) == (sha_of("b"), sha_of("a"))
    live = session.exec(select(Target.live).where(Target.environment == "production")).one()
    assert rollbacks.rollback_offer(session, here.desk, "oven", None, live).sha == sha_of("b"), "what runs may be meant"


def test_nothing_to_go_back_to_is_said(session: Session) -> None:
    """One build is no history."""
    here = world(session, gates=QUICK)
    here.lives()
    with pytest.raises(UserError, match="has run one build only"):
        here.roll_back()


def test_a_failed_rollout_where_customers_are_locks_until_one_succeeds(session: Session) -> None:
    """Then production waits for a person's Go."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "failed", promotion=promotion.id)
    assert promotion.state == State.FAILED
    (cause,) = causes(here)
    assert cause == f"failure:{promotion.deploy}"
    here.at += 5
    here.ship("c", source="other")
    (lock,) = scopes.standing(session)
    assert lock.lifted_at is not None
    here.stage("d", 20)
    here.read(pull(830, "d"))
    assert "lock" in [one.gate for one in judging.judge(session, here.desk, here.present(), here.now).closed]
    _go(here)
    assert "lock" not in [one.gate for one in judging.judge(session, here.desk, here.present(), here.now).closed]


def test_going_back_without_a_word_is_announced_and_locks(session: Session) -> None:
    """Somebody rolled back at the pipeline itself."""
    here = world(session, gates=QUICK)
    shipped(here)
    here.at += 1
    here.ship("a", number="byhand", source="other")
    deploy_read(here, "a", carrying(leaving=(pull(815, "b"),)))
    deploy = session.exec(select(Deploy).order_by(col(Deploy.id).desc())).all()[0]
    assert causes(here) == [f"rollback:deploy-{deploy.id}"]
    from bot.outbox import Note

    assert len(session.exec(select(Note).where(Note.kind == "went_round")).all()) == 1
    gone = rollbacks.not_running(session, here.desk, production(here))
    assert gone is not None
    assert gone.sha == sha_of("b")


def test_no_rollback_is_known_while_its_range_is_unread(session: Session) -> None:
    """A declared one is known by its declaration; what leaves by what was shown."""
    here = world(session, gates=QUICK)
    shipped(here)
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")
    deploy = session.get(Deploy, production(here).live)
    assert deploy is not None
    assert deploy.range == RangeState.READING
    gone = rollbacks.not_running(session, here.desk, production(here))
    assert gone is not None
    assert [one.label for one in gone.changes] == ["#815"]


def _go(here: World) -> None:
    here.tell(
        *(
            LockActed(act=act, lock=lock.id, scope=None, slack_id="U0EVE", called="Eve", at=here.now)
            for lock in scopes.standing(here.session)
            for act in ((LockAct.GO,) if lock.lifted_at else (LockAct.LIFT, LockAct.GO))
        )
    )
