"""How locks end: when they nag, what wants a Go after them, and those that set and lift themselves."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import LockAct
from bot.locks import loading, service
from bot.locks.models import Lock
from bot.locks.views import Backlog, LockSaid
from bot.outbox import Card, Note
from tests.unit.locking import (
    CATALOG,
    DEE,
    EVE,
    act,
    asked_go,
    due,
    facts,
    failed,
    later,
    lock,
    notes,
    only,
    tags,
    touched,
    unlock,
)
from tests.unit.stores import NOON

pytestmark = pytest.mark.usefixtures("locking_people")


# --- nags and ends ------------------------------------------------------------------------------------------------


def test_an_owner_is_asked_once_before_the_end_and_the_channel_told_after_it(session: Session) -> None:
    lock(session)
    assert due(session, later(hours=3, minutes=44)) == []
    number = only(session).id
    assert due(session, later(hours=3, minutes=45)) == [number]
    assert due(session, later(hours=3, minutes=59)) == []
    assert notes(session) == [("ends_soon", DEE)]
    touched(session)
    assert due(session, later(hours=4)) == [number]
    assert (notes(session), asked_go(session)) == ([("ends_soon", DEE)], ["#payments"])
    assert touched(session) == {"checkout/staging", "checkout/production"}
    assert due(session, later(days=9)) == []
    assert facts(session, later(days=9)) == [("rollback in progress", True)]
    assert tags(session)[1:] == [("clock:lock:ran_out", None)]


def test_a_bot_that_was_down_says_the_end_alone(session: Session) -> None:
    """Also before it has looked, nothing is open."""
    lock(session)
    assert facts(session, later(days=2)) == [("rollback in progress", True)]
    due(session, later(days=2))
    assert (notes(session), asked_go(session)) == ([], ["#payments"])
    assert only(session).ended_at == later(hours=4)


def test_an_extended_lock_nags_anew_and_a_lifted_one_never(session: Session) -> None:
    lock(session)
    due(session, later(hours=3, minutes=45))
    said = act(session, LockAct.EXTEND, "checkout", by=EVE, at=later(hours=3, minutes=50))
    assert said == "The lock on checkout holds until 20:00 (UTC): rollback in progress."
    assert notes(session) == [("ends_soon", DEE), ("extended", DEE)]
    assert due(session, later(hours=4)) == []
    due(session, later(hours=7, minutes=45))
    assert notes(session)[2:] == [("ends_soon", DEE)]
    unlock(session, at=later(hours=7, minutes=50))
    assert due(session, later(days=1)) == []


def test_two_clicks_on_extend_extend_once(session: Session) -> None:
    """The button's value says until when."""
    lock(session)
    until = later(hours=8)
    act(session, LockAct.EXTEND, "checkout", until=until)
    said = act(session, LockAct.EXTEND, "checkout", until=until)
    assert said.startswith("The lock on checkout holds until 20:00 (UTC) already.")
    assert only(session).ends_at == until


def test_a_lock_that_ran_out_can_be_extended_until_somebody_says_go(session: Session) -> None:
    lock(session)
    due(session, later(hours=4))
    said = act(session, LockAct.EXTEND, "checkout", at=later(hours=5))
    assert said.startswith("The lock on checkout holds again, it had run out, until 21:00 (UTC)")
    assert facts(session, later(hours=6)) == [("rollback in progress", False)]
    due(session, later(hours=9))
    assert len(asked_go(session)) == 2
    act(session, LockAct.GO, "checkout", at=later(hours=10))
    with pytest.raises(UserError, match=r"is over\. To lock it again: /ship lock service:checkout <reason>"):
        act(session, LockAct.EXTEND, only(session).id or 0, at=later(hours=11))


def test_a_short_lock_is_not_nagged_at_once(session: Session) -> None:
    lock(session, until=later(minutes=10))
    due(session, later(minutes=9))
    assert notes(session) == []
    due(session, later(minutes=10))
    assert (notes(session), asked_go(session)) == ([], ["#payments"])


def test_locking_again_after_the_end_takes_up_the_same_lock(session: Session) -> None:
    lock(session)
    due(session, later(hours=4))
    assert lock(session, reason="again", at=later(hours=5)).startswith("Your lock on checkout had run out: it holds")
    assert facts(session, later(hours=5)) == [("again", False)]
    unlock(session, at=later(hours=6))
    assert facts(session, later(hours=6)) == []


def test_a_reminder_that_was_overtaken_is_not_shown(session: Session) -> None:
    """It is loaded when it is sent: nobody is asked about what is settled."""
    lock(session)
    due(session, later(hours=3, minutes=45))
    (note,) = session.exec(select(Note)).all()
    desk = Desk(CATALOG, "https://github.example", later(hours=3, minutes=46))
    view = loading.lock_note(session, desk, note)
    assert view is not None
    assert (view.said, view.scope, view.extend_until) == (
        LockSaid.ENDS_SOON, "checkout", int(later(hours=8).timestamp()),
    )  # fmt: skip
    act(session, LockAct.EXTEND, "checkout", at=later(hours=3, minutes=46))
    assert loading.lock_note(session, desk, note) is None
    note.data = {**note.data, "lock": 99}
    assert loading.lock_note(session, desk, note) is None


# --- Go -----------------------------------------------------------------------------------------------------------


def test_go_opens_what_ran_out_and_a_second_go_is_answered(session: Session) -> None:
    lock(session)
    at = later(hours=5)
    with pytest.raises(UserError, match="checkout is locked yet: lock"):
        act(session, LockAct.GO, "checkout")
    with pytest.raises(UserError, match="holds yet"):
        act(session, LockAct.GO, only(session).id or 0)
    assert act(session, LockAct.GO, "checkout", at=at).startswith("Go for checkout: what waited there ships once")
    assert facts(session, at) == []
    assert act(session, LockAct.GO, only(session).id or 0, at=at) == "Go was said already for checkout, 17:00 (UTC)."
    with pytest.raises(UserError, match="No lock on checkout waits for a Go"):
        act(session, LockAct.GO, "checkout", at=at)
    assert due(session, later(days=1)) == []
    assert tags(session)[-1] == ("slack:lock:go", DEE)


def test_unlocking_what_ran_out_is_the_go(session: Session) -> None:
    lock(session)
    at = later(hours=5)
    assert unlock(session, by=EVE, at=at) == "The lock on checkout had run out; your unlocking says Go. Dee is told."
    assert facts(session, at) == []
    lock(session, reason="again", at=at)
    unlock(session, at=at)
    assert act(session, LockAct.GO, "2", at=at).endswith("is over: no Go is wanted.")


def test_go_for_one_of_two_leaves_the_other(session: Session) -> None:
    lock(session)
    lock(session, reason="mine too", by=EVE, until=later(hours=9))
    at = later(hours=5)
    said = act(session, LockAct.GO, "checkout", at=at)
    assert "It stays closed by: lock" in said
    assert facts(session, at) == [("mine too", False)]


# --- what sets itself ---------------------------------------------------------------------------------------------


def test_a_lock_that_sets_itself_has_no_end_and_is_set_once(session: Session) -> None:
    assert failed(session)
    assert not failed(session, at=later(hours=1))
    found = only(session)
    assert (found.scope, found.owner, found.ends_at, found.channel) == ("checkout/production", None, None, "#payments")
    assert touched(session) == {"checkout/production"}
    (fact,) = service.facts_for(session, CATALOG, "checkout", "production", None, later(days=9))
    assert (fact.owner, fact.ended, fact.who) == ("Shipmate", False, (DEE, EVE))
    assert facts(session, where="checkout/staging") == []


def test_its_channel_is_reminded_every_three_hours_and_not_of_what_was_missed(session: Session) -> None:
    failed(session)
    due(session, later(hours=3))
    due(session, later(hours=20))
    assert due(session, later(hours=22, minutes=59)) == []
    due(session, later(hours=23))
    assert notes(session) == [("still_holds", "#payments")] * 3


def test_a_cause_lifts_only_its_own_and_a_go_is_wanted_after_the_last(session: Session) -> None:
    """Where others hold on, its card says by what, and their own end asks for the Go."""
    failed(session)
    service.set_by_itself(session, CATALOG, "rollback:3", "checkout", "production", "rolled back", NOON)
    lock(session, "checkout", "mine", until=later(hours=9))
    service.lift_cause(session, CATALOG, "failure:7", later(hours=1))
    assert facts(session, later(hours=1)) == [("rolled back", False), ("mine", False)]
    assert (notes(session), asked_go(session)) == ([], [])

    def still() -> tuple[str, ...]:
        first = session.exec(select(Lock).where(Lock.cause == "failure:7")).one()
        return loading.lock_card(session, Desk(CATALOG, "", later(hours=2)), first, Backlog()).still

    assert still() == ("lock 2 (Shipmate: rolled back)", "lock 3 (Dee: mine)")
    card = session.exec(select(Card).where(Card.kind == "lock", Card.subject == "1")).one()
    version, card.ts = card.version, "1.2"
    unlock(session, "checkout", at=later(hours=2))
    assert (still(), card.version > version) == (("lock 2 (Shipmate: rolled back)",), True)
    service.lift_cause(session, CATALOG, "rollback:3", later(hours=2))
    assert facts(session, later(hours=2)) == [("rolled back", True)]
    service.lift_cause(session, CATALOG, "rollback:3", later(hours=3))
    assert asked_go(session) == ["#payments"]


def test_a_new_cause_while_a_go_is_wanted_is_a_lock_of_its_own(session: Session) -> None:
    """It has its own message and its own hour, and one Go serves both."""
    failed(session)
    service.lift_cause(session, CATALOG, "failure:7", later(hours=1))
    assert failed(session, "failure:8", later(hours=2))
    assert facts(session, later(hours=2)) == [("deploy 7 failed", False)]
    newest = session.exec(select(Lock).order_by(col(Lock.id).desc())).first()
    assert newest is not None
    assert (newest.id, newest.cause, newest.began_at) == (2, "failure:8", later(hours=2))
    service.lift_cause(session, CATALOG, "failure:8", later(hours=3))
    act(session, LockAct.GO, 2, at=later(hours=4))
    assert facts(session, later(hours=4)) == []


def test_where_nothing_waits_nobody_is_asked_for_a_go(session: Session) -> None:
    failed(session)
    service.lift_cause(session, CATALOG, "failure:7", later(hours=1), waits=lambda *_: False)
    assert (facts(session, later(hours=1)), asked_go(session)) == ([], [])
    assert failed(session, "failure:8", later(hours=2))
    service.lift_cause(session, CATALOG, "failure:8", later(hours=3), waits=lambda *_: True)
    assert (facts(session, later(hours=3)), asked_go(session)) == ([("deploy 7 failed", True)], ["#payments"])


def test_a_person_who_lifts_one_that_set_itself_has_not_said_go(session: Session) -> None:
    failed(session)
    said = unlock(session, "checkout/production", at=later(hours=1))
    assert "nothing ships there until somebody says Go. The button is on the card of what waits there" in said
    assert facts(session, later(hours=1)) == [("deploy 7 failed", True)]
    assert "was lifted already" in unlock(session, "checkout/production", at=later(hours=2))
    assert facts(session, later(hours=2)) == [("deploy 7 failed", True)]
    assert not failed(session, at=later(hours=3)), "the same failure told again does not lock again"
    with pytest.raises(UserError, match="has no end"):
        act(session, LockAct.EXTEND, "checkout/production", at=later(hours=3))
    act(session, LockAct.GO, "checkout/production", at=later(hours=3))
    assert facts(session, later(hours=3)) == []
    assert not failed(session, at=later(hours=4))


def test_several_of_a_kind_are_one_lock_which_says_the_newest(session: Session) -> None:
    """Lifted and let go once; what it stood for before is told late in vain, and is not forgotten by a repair."""
    failed(session)
    set_again = service.set_by_itself(
        session, CATALOG, "failure:8", "checkout", "production", "8 failed", later(hours=1)
    )
    assert set_again
    assert facts(session, later(hours=1)) == [("8 failed", False)]
    assert not failed(session, at=later(hours=1)), "it is known already"
    assert [card.kind for card in session.exec(select(Card))] == ["lock"]
    service.lift_cause(session, CATALOG, "failure:8", later(hours=2))
    assert facts(session, later(hours=2)) == [("deploy 7 failed", False)], "which nothing has mended"
    service.lift_cause(session, CATALOG, "failure:7", later(hours=3))
    assert facts(session, later(hours=3)) == [("deploy 7 failed", True)]
    act(session, LockAct.GO, "checkout/production", at=later(hours=4))
    assert facts(session, later(hours=4)) == []


def test_unlocking_lifts_all_that_a_lock_stands_for(session: Session) -> None:
    """None of it comes back by a repair that is told later."""
    for number in (7, 8, 9):
        assert failed(session, f"failure:{number}")
    unlock(session, "checkout/production", at=later(hours=1))
    service.lift_cause(session, CATALOG, "failure:9", later(hours=2))
    assert facts(session, later(hours=2)) == [("deploy 7 failed", True)]
    assert not any(failed(session, f"failure:{number}", later(hours=2)) for number in (7, 8, 9))
    act(session, LockAct.GO, "checkout/production", at=later(hours=3))
    assert facts(session, later(hours=3)) == []


def test_what_asked_for_a_go_says_that_it_was_said(session: Session) -> None:
    """Nobody is left with a button that looks alive."""
    lock(session)
    due(session, later(hours=4))
    card = session.exec(select(Card).where(Card.kind == "lock_go")).one()
    asking = {only(session).id or 0: ["checkout → production"]}
    view = loading.go_card(session, Desk(CATALOG, "", later(hours=4)), only(session), card, asking)
    assert view is not None
    assert (view.waits, view.ran_out, view.go_at) == (True, True, None)
    version, card.ts = card.version, "1.2"
    act(session, LockAct.GO, "checkout", by=EVE, at=later(hours=5))
    assert card.version > version
    gone = loading.go_card(session, Desk(CATALOG, "", later(hours=5)), only(session), card, {})
    assert gone is not None
    assert (gone.waits, gone.go_at, gone.go_by and gone.go_by.name) == (False, later(hours=5), "Eve")


def test_nobody_is_called_for_a_go_where_nothing_waits_for_it(session: Session) -> None:
    """The lock's own card offers it; what was asked aloud before says so."""
    lock(session)
    due(session, later(hours=4))
    card = session.exec(select(Card).where(Card.kind == "lock_go")).one()
    desk = Desk(CATALOG, "", later(hours=4))
    assert loading.go_card(session, desk, only(session), card, {}) is None
    card.ts = "1.2"
    view = loading.go_card(session, desk, only(session), card, {})
    assert view is not None
    assert (view.waits, view.asking, view.offers) == (True, (), False)


def test_a_failure_that_was_taken_back_and_is_told_once_more_locks_again(session: Session) -> None:
    """Before the Go the same lock, after it another."""
    failed(session)
    service.lift_cause(session, CATALOG, "failure:7", later(hours=1))
    assert failed(session, at=later(hours=2))
    assert facts(session, later(hours=2)) == [("deploy 7 failed", False)]
    assert due(session, later(hours=4)) == [], "it is not nagged about at once"
    service.lift_cause(session, CATALOG, "failure:7", later(hours=4))
    act(session, LockAct.GO, "checkout/production", at=later(hours=4))
    assert failed(session, at=later(hours=5))
    assert facts(session, later(hours=5)) == [("deploy 7 failed", False)]
    assert len(session.exec(select(Lock)).all()) == 2
