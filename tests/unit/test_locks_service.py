"""Locks as they are kept: what one holds, who may set and lift it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlmodel import Session, col, select

from bot import people
from bot.deploys import targets
from bot.deploys.models import Target
from bot.errors import UserError
from bot.events import LockAct, LockActed, LockPlaced
from bot.locks import service
from bot.locks.models import Lock
from bot.locks.rules import OnTheirWay
from bot.outbox import Card
from bot.ports import Member
from tests.unit.locking import CATALOG, DEE, EVE, XYZ, act, due, facts, later, lock, notes, only, tags, touched, unlock
from tests.unit.stores import NOON

pytestmark = pytest.mark.usefixtures("locking_people")


# --- setting one --------------------------------------------------------------------------------------------------


def test_a_lock_holds_what_it_covers_from_now_and_says_until_when(session: Session) -> None:
    said = lock(session)
    assert said == "Locked checkout until 16:00 (UTC): rollback in progress. Declared rollbacks still pass."
    assert facts(session) == facts(session, where="Checkout/staging") == [("rollback in progress", False)]
    assert facts(session, where="ledger/production") == []
    assert touched(session) == {"checkout/staging", "checkout/production"}
    (fact,) = service.facts_for(session, CATALOG, "checkout", "production", None, NOON)
    assert (fact.owner, fact.scope, fact.ends_at, fact.who) == ("Dee", "checkout", later(hours=4), (DEE, EVE))
    card = session.exec(select(Card)).one()
    assert (card.kind, card.subject, card.place) == ("lock", str(fact.id), "#payments")
    assert tags(session) == [("slack:lock:placed", DEE)]


@pytest.mark.parametrize(
    ("scope", "covered", "channel"),
    [
        ("checkout/production", {"checkout/production"}, "#payments"),
        (
            "team:payments",
            {"checkout/staging", "checkout/production", "ledger/staging", "ledger/production"},
            "#payments",
        ),
        ("production", {"checkout/production", "ledger/production", "cart/production"}, "#deploys"),
        (
            "everything",
            {f"{one}/{stage}" for one in CATALOG.services for stage in ("staging", "production")},
            "#deploys",
        ),
    ],
)
def test_each_scope_reaches_its_own_targets_and_is_told_where_they_are(
    session: Session, scope: str, covered: set[str], channel: str
) -> None:
    lock(session, scope)
    assert touched(session) == covered
    seen = {
        f"{one.service}/{one.environment}"
        for one in targets.every(session)
        if facts(session, where=f"{one.service}/{one.environment}")
    }
    assert seen == covered
    assert only(session).channel == channel


def test_a_lock_on_a_target_nobody_has_met_makes_it_so_that_it_can_be_held(session: Session) -> None:
    """Its environment is written in the catalogue, nothing was ever deployed there."""
    for target in session.exec(select(Target).where(Target.service == "cart")).all():
        session.delete(target)
    session.flush()
    lock(session, "cart/production")
    assert touched(session) == {"cart/production"}


@pytest.mark.parametrize(
    ("scope", "reason", "told"),
    [
        (" ", "why", "A lock needs a scope. Say what to lock: a service (checkout)"),
        ("checkout", " ", "Say why: a lock needs a reason"),
        ("chekout", "why", "did you mean “checkout”?"),
        ("checkout/xyzzy", "why", "it has staging and production."),
    ],
)
def test_a_lock_without_a_scope_or_a_reason_is_refused(session: Session, scope: str, reason: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        lock(session, scope, reason)
    assert told in str(refused.value)
    assert session.exec(select(Lock)).all() == []


def test_an_end_that_was_chosen_is_kept(session: Session) -> None:
    assert "until Tue 3 Mar 12:00 (UTC)" in lock(session, until=later(days=1), rollbacks=False)
    assert only(session).ends_at == later(days=1)
    (fact,) = service.facts_for(session, CATALOG, "checkout", "production", None, NOON)
    assert fact.rollbacks is False
    with pytest.raises(UserError, match="in the past"):
        lock(session, until=NOON)


def test_locking_again_changes_ones_own_lock_and_says_so(session: Session) -> None:
    lock(session, until=later(hours=9))
    said = lock(session, "service:checkout", "the fix is out", at=later(hours=1))
    assert said.startswith(
        "You had locked checkout already: it now holds until 21:00 (UTC). The reason is now: the fix"
    )
    assert facts(session) == [("the fix is out", False)]
    lock(session, "checkout", "nearly done", at=later(hours=1), until=later(hours=2))
    assert only(session).ends_at == later(hours=2), "an end that is chosen counts, also an earlier one"
    assert tags(session) == [("slack:lock:placed", DEE), *[("slack:lock:extended", DEE)] * 2]


def test_locks_of_several_people_stack(session: Session) -> None:
    lock(session)
    said = lock(session, reason="mine too", by=EVE)
    first = session.exec(select(Lock).where(Lock.owner == DEE)).one()
    assert said.endswith(f"Besides: lock {first.id} on checkout (Dee: rollback in progress).")
    lock(session, "everything", "the big one", by=XYZ)
    assert [reason for reason, _ in facts(session)] == ["rollback in progress", "mine too", "the big one"]
    second = session.exec(select(Lock).where(Lock.owner == EVE)).one()
    assert unlock(session) == f"Unlocked checkout. It stays closed by: lock {second.id} on checkout (Eve: mine too)."
    assert [reason for reason, _ in facts(session)] == ["mine too", "the big one"]


def test_what_is_on_its_way_is_told_and_that_nothing_is(session: Session) -> None:
    """The numbers asked about are those of the targets covered."""
    asked: list[Sequence[int]] = []

    def moving(_: Session, covered: Sequence[int]) -> OnTheirWay:
        asked.append(covered)
        return OnTheirWay(called=["checkout → production (#812)"]) if len(asked) == 1 else OnTheirWay()

    event = LockPlaced(
        scope="checkout", reason="why", ends_at=None, rollbacks=True, slack_id=DEE, called="Dee", channel=None, at=NOON
    )
    said = service.place(session, CATALOG, event, NOON, moving)
    assert "Already on its way, and not stopped by this: checkout → production (#812)." in said
    assert "Nothing was on its way there." in service.place(session, CATALOG, event, NOON, moving)
    assert {one.id for one in targets.every(session) if one.service == "checkout"} == set(asked[0])


@pytest.mark.parametrize(
    ("waits", "told"),
    [
        (OnTheirWay(changes=4, people=3), "Nothing was on its way there. 4 changes by 3 people wait because of it."),
        (OnTheirWay(changes=1, people=1), "Nothing was on its way there. 1 change by 1 person waits because of it."),
        (OnTheirWay(held=["b"], changes=2, people=1), "now: b. 2 changes by 1 person wait because of it."),
    ],
)
def test_whoever_locks_is_told_what_waits_as_the_card_tells_it(session: Session, waits: OnTheirWay, told: str) -> None:
    event = LockPlaced(
        scope="checkout", reason="why", ends_at=None, rollbacks=True, slack_id=DEE, called="Dee", channel=None, at=NOON
    )
    assert told in service.place(session, CATALOG, event, NOON, lambda *_: waits)


def test_a_length_at_the_end_of_the_reason_is_said_to_be_none(session: Session) -> None:
    """It may be what happened for two hours, so it locks; it may have been meant, so it is said."""
    said = lock(session, reason="rolling 2h")
    assert said.startswith("Locked checkout until 16:00 (UTC): rolling 2h.")
    assert "“2h” is part of the reason; if it is how long: /ship lock checkout for 2h <reason>." in said
    assert "is part of the reason" not in lock(session, reason="rolling 2h", until=later(hours=2))
    assert "is part of the reason" not in lock(session, reason="rolling 2")


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["checkout", "checkout/production", "team:payments"])
def test_only_the_team_locks_what_is_its_own(session: Session, scope: str) -> None:
    with pytest.raises(UserError, match=r"Only members of payments may lock .* Ask one of them, in #payments\."):
        lock(session, scope, by=XYZ)
    lock(session, scope)
    for what, verb in ((LockAct.LIFT, "unlock"), (LockAct.EXTEND, "extend the lock on")):
        with pytest.raises(UserError, match=f"Only members of payments may {verb}"):
            act(session, what, scope, by=XYZ)
    act(session, LockAct.LIFT, scope, by=EVE)


@pytest.mark.parametrize("scope", ["cart", "production", "everything"])
def test_a_team_without_members_and_wide_locks_are_every_full_members(session: Session, scope: str) -> None:
    lock(session, scope, by=XYZ)
    people.saw(session, Member(EVE, "Eve", guest=True), NOON)
    with pytest.raises(UserError, match=r"may lock"):
        lock(session, scope, by=EVE)
    with pytest.raises(UserError, match=r"may unlock"):
        unlock(session, scope, by=EVE)


def test_a_membership_that_was_not_read_lately_lets_nobody_lock_or_unlock(session: Session) -> None:
    lock(session)
    at = later(hours=2)
    event = LockActed(act=LockAct.LIFT, lock=None, scope="checkout", slack_id=DEE, called="Dee", at=at)
    with pytest.raises(UserError, match="I cannot tell just now whether you are in the team payments"):
        service.act(session, CATALOG, event, at)
    assert facts(session, at) == [("rollback in progress", False)]


def test_go_is_the_teams_to_say(session: Session) -> None:
    lock(session)
    due(session, later(hours=4))
    for named in ("checkout", only(session).id or 0):
        with pytest.raises(UserError, match="Only members of payments may say Go for checkout"):
            act(session, LockAct.GO, named, by=XYZ, at=later(minutes=30))
    assert facts(session, later(minutes=30)) == [("rollback in progress", True)]


# --- lifting ------------------------------------------------------------------------------------------------------


def test_a_person_who_lifts_a_persons_lock_has_said_go_and_its_owner_is_told(session: Session) -> None:
    lock(session)
    touched(session)
    assert unlock(session, by=EVE, at=later(hours=1)) == "Unlocked checkout. Dee is told."
    assert facts(session, later(hours=1)) == []
    assert notes(session) == [("lifted", DEE)]
    assert touched(session) == {"checkout/staging", "checkout/production"}
    assert due(session, later(days=9)) == []
    assert unlock(session, only(session).id or 0, at=later(hours=2)).startswith("checkout was unlocked already")
    assert tags(session)[1:] == [("slack:lock:lifted", EVE)]


def test_lifting_ones_own_tells_nobody(session: Session) -> None:
    lock(session)
    assert unlock(session) == "Unlocked checkout."
    assert notes(session) == []


def test_of_several_ones_own_is_lifted_and_otherwise_one_must_be_named(session: Session) -> None:
    lock(session, "cart", "one")
    lock(session, "cart", "two", by=EVE)
    first, second = (row.id or 0 for row in session.exec(select(Lock).order_by(col(Lock.id))).all())
    with pytest.raises(UserError) as refused:
        unlock(session, "cart", by=XYZ)
    assert str(refused.value) == (
        f"cart has 2 locks, none of them yours: lock {first} on cart (Dee: one); lock {second} on cart (Eve: two). "
        f"Name one by its number: /ship unlock {first}."
    )
    unlock(session, f"#{second}", by=XYZ)
    assert facts(session, where="cart/production") == [("one", False)]
    unlock(session, str(first), by=XYZ)
    assert facts(session, where="cart/production") == []


def test_what_is_not_locked_itself_says_what_concerns_it(session: Session) -> None:
    with pytest.raises(UserError, match=r"^checkout is not locked\.$"):
        unlock(session)
    lock(session, "everything", "the big one")
    number = only(session).id
    with pytest.raises(UserError, match=f"These concern it: lock {number} on everything.*/ship unlock {number}"):
        unlock(session)
    with pytest.raises(UserError, match="There is no lock 99"):
        unlock(session, 99)
    with pytest.raises(UserError, match="Say what to unlock"):
        unlock(session, " ")


def test_where_one_lock_lies_within_what_is_named_that_one_is_meant(session: Session) -> None:
    """Nobody has to know whether a service, or one environment of it, was locked; several are listed to choose from."""
    lock(session, "cart/production", "moving house")
    assert unlock(session, "cart", by=XYZ) == "Unlocked cart → production. Dee is told."
    lock(session, "cart/production", "again")
    lock(session, "cart/staging", "too", by=EVE)
    staging, production = sorted(
        (row for row in session.exec(select(Lock)).all() if not row.closed), key=lambda one: one.scope, reverse=True
    )
    with pytest.raises(UserError) as refused:
        unlock(session, "cart", by=XYZ)
    assert str(refused.value) == (
        f"cart is not locked. These concern it: lock {production.id} on cart → production (Dee: again); "
        f"lock {staging.id} on cart → staging (Eve: too). Name one by its number: /ship unlock {production.id}."
    )
    unlock(session, staging.id or 0, by=XYZ)
    lock(session, "everything", "the big one")
    assert unlock(session, "cart", by=XYZ) == "Unlocked cart → production. Dee is told.", "a wider one is never meant"
    with pytest.raises(UserError, match="cart is not locked"):
        unlock(session, "cart", by=XYZ)


def test_a_scope_that_the_catalogue_has_dropped_can_still_be_unlocked(session: Session) -> None:
    """As long as a lock stands there."""
    lock(session, "cart")
    for target in session.exec(select(Target).where(Target.service == "cart")).all():
        session.delete(target)
    without = replace(CATALOG, services={"checkout": CATALOG.services["checkout"]}, teams={})
    event = LockActed(act=LockAct.LIFT, lock=None, scope="cart", slack_id=XYZ, called="Xavier", at=NOON)
    assert service.act(session, without, event, NOON) == "Unlocked cart. Dee is told."
    lock(session, "team:shop")
    event = replace(event, scope="team:shop")
    assert service.act(session, without, event, NOON) == "Unlocked all of shop. Dee is told."


@pytest.mark.parametrize("scope", ["everything", "environment:production", "team:payments"])
def test_what_is_wider_than_a_service_never_stands_for_the_one_lock_within_it(session: Session, scope: str) -> None:
    """Whoever wants everything open again does not ask for the one lock of somebody else to go."""
    lock(session, by=DEE)
    with pytest.raises(UserError, match="is not locked") as refusal:
        unlock(session, scope, by=EVE)
    assert "checkout" in str(refusal.value)
    assert [reason for reason, _ in facts(session)] == ["rollback in progress"]
