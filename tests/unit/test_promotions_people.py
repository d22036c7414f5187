"""Who may, who is asked, who hears; what a poller is told; alerts; and who went round the gates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot import people
from bot.alerts import service as alerts
from bot.audit import Fact, Tag
from bot.catalog import PromoteThrough, Team
from bot.errors import UserError
from bot.events import Act, AlertReported, CheckFinished, CheckStatus, LockAct, LockActed, LockPlaced
from bot.gates import Approval, Group, Health, Lock, Order, Smoke
from bot.outbox import Card, Note
from bot.ports import Member
from bot.promotions import loading
from bot.promotions import service as promotions
from bot.promotions.models import Promotion, State
from bot.promotions.notes import promotion_note
from tests.unit.promoting import LOGINS, World, sha_of, world
from tests.unit.reports import BOT, CHI, REPO, catalog, minute, pull

QUICK = (Lock(), Order(), Approval())
GROUPED = (Lock(), Order(), Approval(groups=(Group(("U0DEE", "U0EVE", "U0ANA")),)))


def seen_in_slack(here: World, *ids: str) -> None:
    """Slack has told who these people are; Eve lives where it is night."""
    for slack_id in ids:
        zone = "Pacific/Auckland" if slack_id == "U0EVE" else "UTC"
        people.want_member(here.session, slack_id, here.now)
        people.saw(here.session, Member(slack_id, LOGINS[slack_id].capitalize(), zone=zone), here.now)
    here.session.flush()


def alert(at: float, *, resolved: float | None = None, **more: Any) -> AlertReported:
    """An alert of the oven's that began at noon, reported ``at``."""
    return AlertReported(
        source="grafana", fingerprint="f1", service="oven", name="5xx", started_at=minute(0),
        resolved_at=minute(resolved) if resolved is not None else None, at=minute(at), **more,
    )  # fmt: skip


# --- who may ------------------------------------------------------------------------------------------------------


def test_whoever_does_not_belong_is_told_who_does(session: Session) -> None:
    """By name, with their hours."""
    here = world(session, gates=GROUPED)
    here.raised("b", "a", pull(815, "b"))
    seen_in_slack(here, "U0DEE", "U0EVE", "U0ANA")
    assert here.refused(Act.APPROVE, "U0BEN") == (
        "You can't: you do not belong to Dee, Eve or Ana. Can: Dee, Eve (off hours until 20:00 UTC)."
    )
    assert here.refused(Act.APPROVE, "U0ANA") == (
        "You can't: you wrote #815. Can: Dee, Eve (off hours until 20:00 UTC)."
    )


def test_whoever_merged_a_bots_change_cannot_approve_it(session: Session) -> None:
    """They stand in for the bot."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b", author=BOT, merger=CHI))
    assert here.refused(Act.APPROVE, "U0CHI") == "You can't: you merged #815 for a bot."


def test_only_the_team_says_no(session: Session) -> None:
    """A no by somebody else would be a lock without an owner."""
    here = world(session, gates=QUICK, team=Team(name="bakers", channel="#bakers", members=("U0DEE",)))
    here.raised()
    seen_in_slack(here, "U0DEE", "U0BEN")
    assert "that is for the team bakers" in here.refused(Act.REJECT, "U0BEN")
    assert here.act(Act.REJECT, "U0DEE").startswith("Rejected")


def test_somebody_nobody_has_proven_cannot_approve(session: Session) -> None:
    """A typed link grants nothing."""
    here = world(session, gates=QUICK)
    here.raised()
    LOGINS["U0FAY"] = "fay"
    assert "GitHub has not said which account is yours" in here.refused(Act.APPROVE, "U0FAY")


def test_a_hold_stops_it_until_it_is_released_also_when_newer_is_included(session: Session) -> None:
    """Nobody goes round a Hold by taking another build."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    assert here.act(Act.HOLD, "U0EVE", reason="let me look").startswith("Holding")
    here.act(Act.APPROVE)
    assert here.present().state == State.OPEN
    here.stage("c", 5)
    here.act(Act.INCLUDE)
    here.read(pull(816, "c"))
    here.act(Act.APPROVE)
    assert here.present().state == State.OPEN
    here.act(Act.RELEASE, "U0EVE")
    assert here.present().state == State.STARTING


def test_an_unknown_promotion_is_answered(session: Session) -> None:
    """A button of another bot, or of a database that was made anew."""
    here = world(session, gates=QUICK)
    here.raised()
    gone = Promotion(id=99, target=1, sha="b", via="api", created_at=here.now, expires_at=here.now)
    assert "I know no promotion 99" in here.refused(Act.APPROVE, promotion=gone, seen="")


# --- who is asked, who hears --------------------------------------------------------------------------------------


def test_a_few_of_those_who_can_and_are_at_work_get_a_copy(session: Session) -> None:
    """Never whoever wrote it; never at night; once."""
    here = world(session, gates=GROUPED)
    here.raised("b", "a", pull(815, "b"))
    seen_in_slack(here, "U0DEE", "U0EVE", "U0ANA")
    for _ in range(2):
        here.reactions.begin(session, here.now)
    assert here.cards() == [("1", "#bakers"), ("1", "U0DEE")]
    before = session.exec(select(Card).where(Card.kind == "promotion", Card.place == "U0DEE")).one().version
    here.act(Act.APPROVE)
    assert session.exec(select(Card).where(Card.kind == "promotion", Card.place == "U0DEE")).one().version > before


def test_an_approval_that_is_needed_later_is_said_aloud(session: Session) -> None:
    """The card was read by then: an edit would not be heard. While it is new, it speaks for itself."""
    here = world(session)
    here.raised()
    card = session.exec(select(Card).where(Card.kind == "promotion")).one()
    card.ts = "1.1"
    assert here.said() == []
    here.turn(32)
    assert here.said() == ["approval_needed"]
    here.turn(33)
    assert here.said() == ["approval_needed"]


def test_authors_hear_of_the_lock_and_of_its_end_once(session: Session) -> None:
    """Whose change now waits."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"), pull(816, "c", author=CHI))
    here.tell(
        LockPlaced(
            scope="oven", reason="rollback in progress", ends_at=None, rollbacks=True, slack_id="U0DEE", called="Dee",
            channel=None, at=here.now,
        )
    )  # fmt: skip
    here.reactions.begin(session, here.now)
    assert (here.heard("U0ANA"), here.heard("U0CHI"), here.heard("U0BEN")) == (["held"], ["held"], [])
    here.tell(LockActed(act=LockAct.LIFT, lock=1, scope=None, slack_id="U0DEE", called="Dee", at=here.now))
    here.reactions.begin(session, here.now)
    assert here.heard("U0ANA") == ["held", "goes_on"]


def test_several_locks_are_heard_of_once_and_ones_own_never(session: Session) -> None:
    """Another lock while the change waits says nothing new, and it goes on only when no other's holds it."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"), pull(816, "c", author=CHI))
    for who in ("U0ANA", "U0DEE", "U0EVE"):
        lock = LockPlaced(
            scope="oven", reason="the database moves", ends_at=None, rollbacks=True, slack_id=who, called=LOGINS[who],
            channel=None, at=here.now,
        )  # fmt: skip
        here.tell(lock)
        here.reactions.begin(session, here.now)
    assert (here.heard("U0CHI"), here.heard("U0ANA")) == (["held"], ["held"])
    for number, heard in ((2, ["held"]), (3, ["held", "goes_on"])):
        here.tell(LockActed(act=LockAct.LIFT, lock=number, scope=None, slack_id="U0EVE", called="Eve", at=here.now))
        here.reactions.begin(session, here.now)
        assert here.heard("U0ANA") == heard
    assert here.heard("U0CHI") == ["held"], "Ana's own lock holds what is Chi's"
    note = session.exec(select(Note).where(Note.place == "U0ANA").order_by(col(Note.id).desc())).first()
    assert note is not None
    told = promotion_note(session, here.desk, note)
    assert told is not None
    assert [one.reason for one in told.waits if one.gate == "lock"] == ["oven is locked by ana: the database moves"]


def test_each_lock_is_a_line_with_its_own_end_and_the_go_that_it_wants(session: Session) -> None:
    """Nobody is named where everybody of the team may."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    for who, minutes in (("U0DEE", 30), ("U0EVE", 90)):
        here.tell(
            LockPlaced(
                scope="oven", reason="the database moves", ends_at=here.now + timedelta(minutes=minutes),
                rollbacks=True, slack_id=who, called=LOGINS[who], channel=None, at=here.now,
            )
        )  # fmt: skip
    here.turn(here.at + 31)
    card = loading.promotion_card(session, here.desk, here.present())
    first, second = (one for one in card.gates if one.gate == "lock")
    assert (first.go, first.until, first.can) == (1, None, ())
    assert first.reason == "the lock on oven ran out: production waits for somebody's Go"
    assert (second.go, second.until) == (None, here.now + timedelta(minutes=59))


def test_whoever_gave_no_approval_takes_none_back(session: Session) -> None:
    """A refusal is no yes."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    assert here.refused(Act.UNDO, "U0ANA").startswith("You have no approval of oven → production (bbbbbbb)")


def test_authors_hear_who_cancelled_and_whoever_did_does_not(session: Session) -> None:
    """As of a rejection."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"), pull(816, "c", author=CHI))
    here.act(Act.CANCEL, "U0CHI", reason="not today")
    assert (here.heard("U0ANA"), here.heard("U0CHI")) == (["cancelled"], [])


# --- asking -------------------------------------------------------------------------------------------------------


def test_a_poller_reads_the_same_judgement(session: Session) -> None:
    """And nothing is made of its question."""
    here = world(session, gates=QUICK)
    here.raised()
    answer = promotions.ask(session, here.desk, "oven", "production", sha_of("b"))
    assert (answer.state, answer.promotion) == ("pending", 1)
    assert promotions.ask(session, here.desk, "oven", "production", None).promotion == 1
    here.act(Act.APPROVE)
    pending = promotions.ask(session, here.desk, "oven", "production", sha_of("b"))
    assert (pending.state, pending.reason.startswith("starts at")) == ("pending", True)
    here.at += 1
    here.call()
    assert promotions.ask(session, here.desk, "oven", "production", sha_of("b")).state == "approved"
    assert promotions.ask(session, here.desk, "oven", "production", sha_of("e")).state == "pending"
    assert here.states() == [("b", "rolling")]


@pytest.mark.parametrize("act", [Act.REJECT, Act.CANCEL])
def test_a_poller_hears_of_a_no(session: Session, act: Act) -> None:
    """For that build."""
    here = world(session, gates=QUICK)
    here.raised()
    here.act(act)
    assert promotions.ask(session, here.desk, "oven", "production", sha_of("b")).state == "rejected"


def test_what_is_not_promoted_is_refused(session: Session) -> None:
    """With what to mend."""
    here = world(session, promote_through=None)
    with pytest.raises(UserError, match="promote_through"):
        promotions.ask(session, here.desk, "oven", "production", None)
    with pytest.raises(UserError, match="promote_through"):
        here.ask()


# --- asking for one -----------------------------------------------------------------------------------------------


def test_the_next_environment_and_the_newest_build_are_meant_where_none_is_named(session: Session) -> None:
    """Asking twice is answered; another build waits its turn."""
    here = world(session, gates=QUICK)
    here.raised()
    here.act(Act.REJECT)
    assert here.ask().startswith("Asked for: oven → production (bbbbbbb) is promotion 2.")
    assert here.ask().startswith("oven → production (bbbbbbb) is on its way already: promotion 2.")
    here.stage("c", 7)
    with pytest.raises(UserError, match="Include newer"):
        here.ask("ccccccc")
    with pytest.raises(UserError, match="I know no build “eeeeeee” of oven that was live in staging"):
        here.ask("eeeeeee")
    with pytest.raises(UserError, match="is promoted to production"):
        here.ask(environment="staging")


def test_what_is_live_is_not_asked_for(session: Session) -> None:
    """An answer, and nothing else."""
    here = world(session, gates=QUICK)
    here.lives()
    assert here.ask("aaaaaaa", environment="production") == "Nothing to do: production runs aaaaaaa of oven already."


# --- alerts, checks -----------------------------------------------------------------------------------------------


def test_an_alert_that_fires_holds_and_its_end_lets_go_in_any_order(session: Session) -> None:
    """The end may be told before the beginning."""
    here = world(session, gates=(Health(),))
    for order in ([alert(1), alert(2, resolved=2)], [alert(2, resolved=2), alert(1)]):
        with session.begin_nested() as savepoint:
            here.tell(order[0])
            assert len(alerts.firing(session, "oven", {"production"})) == (0 if order[0].resolved_at else 1)
            here.tell(order[1])
            assert alerts.firing(session, "oven", {"production"}) == []
            savepoint.rollback()


def test_a_firing_alert_closes_the_gate_of_what_was_about_to_start(session: Session) -> None:
    """Then it goes on by itself."""
    here = world(session, gates=(Order(), Approval(), Health()))
    promotion = here.raised()
    here.act(Act.APPROVE)
    here.tell(alert(1))
    assert promotion.state == State.OPEN
    assert here.said()[-1] == "reopened"
    here.tell(alert(3, resolved=3))
    assert promotion.state == State.STARTING


def test_an_alert_elsewhere_holds_nothing(session: Session) -> None:
    """In an environment that the build neither comes from nor goes to."""
    here = world(session, gates=(Order(), Approval(), Health()))
    promotion = here.raised()
    here.tell(alert(1, environment="sandbox"))
    here.act(Act.APPROVE)
    assert promotion.state == State.STARTING


def test_a_check_that_passes_opens_its_gate(session: Session) -> None:
    """As soon as it is told."""
    here = world(session, gates=(Order(), Approval(), Smoke(("e2e",))))
    promotion = here.raised()
    here.act(Act.APPROVE)
    assert promotion.state == State.OPEN
    here.tell(
        CheckFinished(repo=REPO, sha=sha_of("b"), name="e2e", status=CheckStatus.PASSED, main=False, run=1, at=here.now)
    )
    assert promotion.state == State.STARTING


# --- round the gates ----------------------------------------------------------------------------------------------


def went_round(here: World) -> int:
    """How often that was said."""
    return len(here.session.exec(select(Note).where(Note.kind == "went_round")).all())


def test_a_rollout_that_nobody_called_is_announced_once(session: Session) -> None:
    """And its promotion follows it, with the reason."""
    here = world(session)
    promotion = here.raised()
    here.ship("b", "pending")
    assert went_round(here) == 0
    here.ship("b", "in_progress")
    assert promotion.state == State.ROLLING
    here.at += 1
    here.ship("b", "succeeded", began=here.at - 1)
    assert (promotion.state, went_round(here)) == (State.DONE, 1)
    facts = session.exec(select(Fact).where(Fact.tag == Tag.DEPLOY_WENT_ROUND.value)).all()
    assert len(facts) == 1


def test_a_rollout_to_the_first_environment_goes_round_nothing(session: Session) -> None:
    """Nor one of a service that is not promoted."""
    here = world(session)
    here.stage("b")
    bare = world(session, promote_through=None)
    bare.ship("c")
    assert went_round(here) == 0


def test_a_rollout_that_names_a_promotion_of_another_build_is_not_believed(session: Session) -> None:
    """Anybody may write a number into a payload."""
    here = world(session)
    promotion = here.raised()
    here.ship("c", "in_progress", promotion=promotion.id)
    assert went_round(here) == 1
    assert promotion.deploy is None


def test_a_polled_rollout_begins_before_it_asks(session: Session) -> None:
    """It has gone round only when it went live unasked."""
    here = world(session, promote_through=PromoteThrough.ARGO_ROLLOUTS, gates=QUICK)
    promotion = here.raised()
    here.ship("b", "in_progress")
    assert (went_round(here), promotion.state) == (0, State.OPEN)
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "succeeded", began=here.at - 1)
    assert (went_round(here), promotion.state) == (0, State.DONE)


def test_services_without_a_policy_are_as_before(session: Session) -> None:
    """Announced, and nothing else."""
    plain = catalog()
    assert plain.service("oven").promote_through is None
    here = world(session, promote_through=None)
    here.stage("b")
    here.ship("b")
    assert (here.states(), went_round(here), here.cards("lock")) == ([], 0, [])


def test_a_stale_group_counts_nobody(session: Session) -> None:
    """What was read more than an hour ago is not believed: the gate closes before the call."""
    here = world(session, gates=GROUPED)
    here.raised("b", "a", pull(815, "b"))
    seen_in_slack(here, "U0DEE", "U0EVE", "U0ANA")
    here.act(Act.APPROVE)
    assert here.present().state == State.STARTING
    here.at += people.STALE / timedelta(minutes=1) + 1
    assert here.call() == []
    assert here.present().state == State.OPEN
