"""Locks and freezes as they are kept: who may, what gates see of them, when they nag, end, and are gone after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col, select

from bot import outbox, people, work
from bot.audit import Fact
from bot.catalog import Catalog, Freeze, Service, Team
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.deploys.service import target_of
from bot.errors import UserError
from bot.events import FreezeDeclared, FreezeLifted, LockAct, LockActed, LockPlaced
from bot.locks import loading, scopes, service
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.rules import OnTheirWay, Stage
from bot.locks.views import Backlog, LockSaid
from bot.outbox import Card, Note
from bot.ports import Member
from tests.unit.stores import NOON, address

DEE, EVE, XYZ = "U0DEE", "U0EVE", "U0XYZ"
NAMES = {DEE: "Dee", EVE: "Eve", XYZ: "Xavier"}
PAYMENTS = Team(name="payments", channel="#payments", members=(DEE, EVE))
SHOP = Team(name="shop", channel="#shop")
CATALOG = Catalog(
    default_channel="#deploys",
    unknown=Service(name="unknown", channel="#deploys", known=False),
    teams={"payments": PAYMENTS, "shop": SHOP},
    services={
        "checkout": Service(
            name="checkout", channel="#payments", team=PAYMENTS, environments=("staging", "production")
        ),
        "ledger": Service(name="ledger", channel="#payments", team=PAYMENTS, environments=("staging", "production")),
        "cart": Service(name="cart", channel="#shop", team=SHOP, environments=("staging", "production")),
    },
    freezes=(
        Freeze(begins=NOON + timedelta(days=20), ends=NOON + timedelta(days=30), services=None, reason="Holidays"),
        Freeze(begins=NOON - timedelta(days=9), ends=NOON - timedelta(days=8), services=None, reason="Long over"),
        Freeze(begins=NOON, ends=NOON + timedelta(days=1), services=("cart",), reason="Sale"),
    ),
)


def later(**more: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(**more)


@pytest.fixture(autouse=True)
def team(request: pytest.FixtureRequest) -> None:
    """Everybody is known to Slack, and every service was deployed once, where the test has a database."""
    if "session" in request.fixturenames:
        settled(request.getfixturevalue("session"))


def settled(session: Session) -> None:
    """The people and targets that the stories speak of."""
    for slack_id, name in NAMES.items():
        people.saw(session, Member(slack_id, name), NOON)
    for name in CATALOG.services:
        for environment in ("staging", "production"):
            target_of(session, name, environment)
    session.flush()
    work.take_touched(session)


def read_anew(session: Session, at: datetime) -> None:
    """Slack was asked just now who everybody is: what it said more than an hour ago is not relied on."""
    for slack_id, name in NAMES.items():
        profile = people.profile_of(session, slack_id)
        people.saw(session, Member(slack_id, name, guest=profile is not None and profile.guest), at)


def lock(
    session: Session,
    scope: str = "checkout",
    reason: str = "rollback in progress",
    *,
    by: str = DEE,
    at: datetime = NOON,
    until: datetime | None = None,
    rollbacks: bool = True,
) -> str:
    """Somebody locks; returns what they are told."""
    event = LockPlaced(
        scope=scope, reason=reason, ends_at=until, rollbacks=rollbacks, slack_id=by, called=NAMES[by], channel=None,
        at=at,
    )  # fmt: skip
    read_anew(session, at)
    return service.place(session, CATALOG, event, at)


def act(
    session: Session,
    what: LockAct,
    named: str | int,
    *,
    by: str = DEE,
    at: datetime = NOON,
    until: datetime | None = None,
) -> str:
    """Somebody lifts, extends or says Go, by a lock's number or by what they type."""
    number, typed = (named, None) if isinstance(named, int) else (None, named)
    event = LockActed(act=what, lock=number, scope=typed, until=until, slack_id=by, called=NAMES[by], at=at)
    read_anew(session, at)
    return service.act(session, CATALOG, event, at)


def unlock(session: Session, named: str | int = "checkout", **more: Any) -> str:
    """Somebody unlocks."""
    return act(session, LockAct.LIFT, named, **more)


def facts(
    session: Session, at: datetime = NOON, where: str = "checkout/production", **more: Any
) -> list[tuple[str, bool]]:
    """What the gate of a target sees: each lock's reason, and whether it has ended and waits for a Go."""
    name, _, environment = where.partition("/")
    found = service.facts_for(session, CATALOG, name, environment, more.get("promotion"), at)
    return [(one.reason, one.ended) for one in found]


def asked_go(session: Session) -> list[str]:
    """Where a Go was asked for, each time."""
    return [card.place for card in session.exec(select(Card).where(Card.kind == "lock_go").order_by(col(Card.id)))]


def notes(session: Session) -> list[tuple[str, str]]:
    """What was said so far, and where."""
    rows = session.exec(select(Note).order_by(col(Note.id))).all()
    return [(row.data["said"], row.place) for row in rows]


def touched(session: Session) -> set[str]:
    """The targets that are to be judged again."""
    names = {target.id: f"{target.service}/{target.environment}" for target in targets.every(session)}
    return {names[number] for kind, number in work.take_touched(session) if kind == "target"}


def due(session: Session, at: datetime) -> list[int]:
    """The clock comes at an instant, however often something is due; returns which locks it looked at."""
    looked = []
    while found := [subject for subject in work.due(session, at) if subject[0] == service.LOCK]:
        for subject in found:
            assert work.take_due(session, subject, at)
            service.due(session, CATALOG, subject[1], at)
            looked.append(subject[1])
    return looked


def only(session: Session) -> Lock:
    """The one lock there is."""
    return session.exec(select(Lock)).one()


def tags(session: Session) -> list[tuple[str, str | None]]:
    """The facts on record about locks and freezes."""
    rows = session.exec(select(Fact).order_by(col(Fact.id))).all()
    return [(row.tag, row.who) for row in rows if row.subject.startswith(("lock:", "freeze:"))]


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


def failed(session: Session, cause: str = "failure:7", at: datetime = NOON) -> bool:
    """A production deploy has failed."""
    return service.set_by_itself(session, CATALOG, cause, "Checkout", "Production", "deploy 7 failed", at)


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
    assert "nothing ships there until somebody says Go. The button is on its card in #payments" in said
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
    view = loading.go_card(session, Desk(CATALOG, "", later(hours=4)), only(session), card)
    assert view is not None
    assert (view.waits, view.ran_out, view.go_at) == (True, True, None)
    version, card.ts = card.version, "1.2"
    act(session, LockAct.GO, "checkout", by=EVE, at=later(hours=5))
    assert card.version > version
    gone = loading.go_card(session, Desk(CATALOG, "", later(hours=5)), only(session), card)
    assert gone is not None
    assert (gone.waits, gone.go_at, gone.go_by and gone.go_by.name) == (False, later(hours=5), "Eve")


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


# --- one promotion ------------------------------------------------------------------------------------------------


def test_a_hold_stops_one_promotion_and_rollbacks_with_it(session: Session) -> None:
    target = target_of(session, "checkout", "production")
    said = service.hold(session, CATALOG, 5, target, "let me look", DEE, "Dee", NOON, NOON)
    assert said == "Holding this promotion of checkout to production until 16:00 (UTC): let me look."
    assert facts(session, promotion=5) == [("let me look", False)]
    assert facts(session, promotion=6) == facts(session) == []
    (fact,) = service.facts_for(session, CATALOG, "checkout", "production", 5, NOON)
    assert (fact.rollbacks, fact.scope) == (False, "this promotion")
    assert touched(session) == {"checkout/production"}
    assert session.exec(select(Card)).all() == [], "its promotion's card shows it"
    with pytest.raises(UserError, match="Only members of payments may release"):
        service.release(session, CATALOG, 5, XYZ, "Xavier", NOON, NOON)
    said = service.release(session, CATALOG, 5, EVE, "Eve", NOON, NOON)
    assert said == "Released the promotion of checkout to production. Dee is told."
    assert facts(session, promotion=5) == []
    with pytest.raises(UserError, match="Nobody holds this promotion"):
        service.release(session, CATALOG, 5, DEE, "Dee", NOON, NOON)


def test_a_hold_needs_a_reason_and_a_member(session: Session) -> None:
    target = target_of(session, "checkout", "production")
    with pytest.raises(UserError, match="a Hold needs a reason"):
        service.hold(session, CATALOG, 5, target, " ", DEE, "Dee", NOON, NOON)
    with pytest.raises(UserError, match="Only members of payments may hold"):
        service.hold(session, CATALOG, 5, target, "why", XYZ, "Xavier", NOON, NOON)


def test_a_hold_of_a_promotion_that_is_over_asks_nobody_anything(session: Session) -> None:
    target = target_of(session, "checkout", "production")
    service.hold(session, CATALOG, 5, target, "let me look", DEE, "Dee", NOON, NOON)
    service.hold(session, CATALOG, 6, target, "that too", DEE, "Dee", NOON, NOON)
    service.promotion_over(session, 5, NOON)
    due(session, later(days=1))
    card = session.exec(select(Card)).one()
    held = session.exec(select(Lock).where(Lock.scope == "6")).one()
    view = loading.go_card(session, Desk(CATALOG, "", later(days=1)), held, card)
    assert view is not None
    assert view.scope == "the promotion of checkout to production"
    assert view.waits
    shown, card.ts = card.version, "1.2"
    service.promotion_over(session, 6, later(days=1))
    view = loading.go_card(session, Desk(CATALOG, "", later(days=1)), held, card)
    assert view is not None
    assert (view.waits, card.version) == (False, shown + 1), "what asked for a Go says that none is wanted any more"


# --- freezes ------------------------------------------------------------------------------------------------------


def freeze(session: Session, of: str | None = "checkout", *, by: str = DEE, **more: Any) -> str:
    """Somebody declares a freeze for three days, unless told otherwise."""
    event = FreezeDeclared(
        service=of, begins=more.get("begins", NOON), ends=more.get("ends", later(days=3)),
        reason=more.get("reason", "db move"), slack_id=by, called=NAMES[by], at=NOON,
    )  # fmt: skip
    return service.declare_freeze(session, CATALOG, event, NOON)


def frozen(session: Session, of: str, at: datetime = NOON) -> list[str]:
    """The reasons of the freezes that the gate sees."""
    return [one.reason for one in service.freezes_for(session, CATALOG, of, at)]


def test_gates_see_the_freezes_of_the_calendar_and_those_declared(session: Session) -> None:
    said = freeze(session, "Checkout")
    assert said == "Frozen: checkout from now until Thu 5 Mar 12:00 (UTC): db move. It is freeze 1."
    assert touched(session) == {"checkout/staging", "checkout/production"}
    assert frozen(session, "checkout") == ["db move", "Holidays"]
    assert frozen(session, "CART") == ["Sale", "Holidays"]
    assert frozen(session, "checkout", later(days=3)) == ["Holidays"]
    freeze(session, None, by=XYZ, reason="all of it", begins=later(days=1))
    assert len(touched(session)) == 6
    assert frozen(session, "ledger") == ["all of it", "Holidays"]
    assert notes(session) == [("declared", "#payments"), ("declared", "#deploys")]


def test_a_freeze_is_looked_at_when_it_begins_and_when_it_ends(session: Session) -> None:
    freeze(session, begins=later(days=1), ends=later(days=2))
    touched(session)
    for at in (later(days=1), later(days=2)):
        assert work.take_due(session, (service.FREEZE, 1), at)
        service.freeze_due(session, CATALOG, 1, at)
        assert touched(session) == {"checkout/staging", "checkout/production"}
    assert work.next_due(session) is None
    service.freeze_due(session, CATALOG, 99, NOON)
    assert touched(session) == set()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"reason": ""}, "a freeze needs a reason"),
        ({"ends": NOON}, "must end after it begins"),
        ({"ends": later(days=61)}, "60 days at most"),
        ({"by": XYZ}, "Only members of payments may freeze checkout"),
        ({"of": "chekout"}, "did you mean “checkout”?"),
        ({"of": "checkout/production"}, "A freeze is for a whole service, or for all."),
    ],
)
def test_a_freeze_that_cannot_be_is_refused(session: Session, more: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as refused:
        freeze(session, **more)
    assert told in str(refused.value)
    assert session.exec(select(DeclaredFreeze)).all() == []


def test_a_freeze_is_lifted_by_the_team_once(session: Session) -> None:
    freeze(session)
    touched(session)
    event = FreezeLifted(freeze=1, slack_id=EVE, called="Eve", at=later(hours=1))
    read_anew(session, later(hours=1))
    with pytest.raises(UserError, match="Only members of payments may lift a freeze of checkout"):
        service.lift_freeze(session, CATALOG, replace(event, slack_id=XYZ), later(hours=1))
    assert service.lift_freeze(session, CATALOG, event, later(hours=1)) == (
        "Lifted the freeze of checkout: db move. Dee is told."
    )
    assert touched(session) == {"checkout/staging", "checkout/production"}
    assert frozen(session, "checkout", later(hours=1)) == ["Holidays"]
    assert work.next_due(session) is None
    assert "was lifted already" in service.lift_freeze(session, CATALOG, event, later(hours=1))
    with pytest.raises(UserError, match="There is no freeze 9"):
        service.lift_freeze(session, CATALOG, replace(event, freeze=9), NOON)
    assert tags(session) == [("slack:freeze:declared", DEE), ("slack:freeze:lifted", EVE)]


def test_a_freeze_that_is_over_needs_no_lifting(session: Session) -> None:
    freeze(session)
    event = FreezeLifted(freeze=1, slack_id=DEE, called="Dee", at=later(days=3))
    read_anew(session, later(days=3))
    assert "is over already" in service.lift_freeze(session, CATALOG, event, later(days=3))


def test_what_a_freezes_message_says_is_dropped_once_it_is_lifted(session: Session) -> None:
    freeze(session)
    desk = Desk(CATALOG, "", NOON)
    (note,) = session.exec(select(Note)).all()
    view = loading.freeze_note(session, desk, note)
    assert view is not None
    assert (view.service, view.by.name, view.lifted) == ("checkout", "Dee", False)
    service.lift_freeze(session, CATALOG, FreezeLifted(freeze=1, slack_id=EVE, called="Eve", at=NOON), NOON)
    assert loading.freeze_note(session, desk, note) is None
    last = session.exec(select(Note).order_by(col(Note.id).desc()).limit(1)).one()
    view = loading.freeze_note(session, desk, last)
    assert view is not None
    assert (view.by.name, view.lifted) == ("Eve", True)


# --- what people read ---------------------------------------------------------------------------------------------


def test_a_card_follows_its_lock_from_holding_to_gone(session: Session) -> None:
    lock(session)
    row, waiting = only(session), Backlog(changes=3, people=2)

    def card(at: datetime) -> Any:
        return loading.lock_card(session, Desk(CATALOG, "", at), row, waiting)

    held = card(NOON)
    assert (held.stage, held.owner.name, held.waiting_changes, held.waiting_people) == (Stage.HOLDS, "Dee", 3, 2)
    assert (held.over_at, held.ran_out, held.extend_until) == (None, False, int(later(hours=8).timestamp()))
    ran_out = card(later(hours=4))
    assert (ran_out.stage, ran_out.ran_out, ran_out.over_at) == (Stage.WANTS_GO, True, later(hours=4))
    assert ran_out.extend_until is None
    act(session, LockAct.GO, "checkout", by=EVE, at=later(hours=5))
    gone = card(later(hours=5))
    assert (gone.stage, gone.go_by.name, gone.go_at, gone.waiting_changes) == (Stage.OVER, "Eve", later(hours=5), 0)
    lock(session, by=XYZ, scope="cart")
    unlock(session, "cart", by=EVE)
    lifted = loading.lock_card(
        session, Desk(CATALOG, "", NOON), session.exec(select(Lock).where(Lock.scope == "cart")).one(), waiting
    )
    assert (lifted.stage, lifted.ran_out, lifted.lifted_by and lifted.lifted_by.name) == (Stage.OVER, False, "Eve")


def test_all_locks_and_freezes_are_listed(session: Session) -> None:
    lock(session)
    failed(session)
    freeze(session)
    reply = loading.locks_reply(session, Desk(CATALOG, "", later(hours=5)))
    assert [(row.scope, row.stage, row.owner and row.owner.name) for row in reply.locks] == [
        ("checkout", Stage.WANTS_GO, "Dee"),
        ("checkout → production", Stage.HOLDS, None),
    ]
    assert [(row.reason, row.services, row.holds, row.freeze_id) for row in reply.freezes] == [
        ("Sale", ("cart",), True, None),
        ("db move", ("checkout",), True, 1),
    ]
    assert reply.more == 0


def test_a_lock_shows_what_waits_when_that_changes(session: Session) -> None:
    lock(session)
    card = session.exec(select(Card)).one()
    before = card.version
    service.show_covering(session, CATALOG, "checkout", "production", NOON)
    service.show_covering(session, CATALOG, "cart", "production", NOON)
    assert card.version == before + 1
    assert outbox.find_card(session, "lock", card.subject, "#payments") is card


# --- rows held ----------------------------------------------------------------------------------------------------


def test_rows_are_made_once_in_the_catalogues_spelling_and_everywhere_is_no_target(session: Session) -> None:
    pairs = [("Checkout", "PRODUCTION"), ("checkout", "production"), ("new", "production")]
    held = targets.hold(session, CATALOG, pairs)
    assert held[pairs[0]] is held[pairs[1]]
    again = targets.hold(session, CATALOG, [("new", "production"), targets.EVERYWHERE])
    assert again == {("new", "production"): held[("new", "production")]}
    assert len(session.exec(select(Target).where(Target.service == "*")).all()) == 1
    assert ("*", "*") not in [(one.service, one.environment) for one in targets.every(session)]
    assert "*" not in scopes.known(session, CATALOG).pipelines


def test_a_wide_lock_and_a_narrow_decision_meet_at_the_row_that_stands_for_all(database_url: str, engine: str) -> None:
    """Until the one commits the other waits; here it is told at once that it would have to."""
    here = create_engine(address(database_url))
    with Session(here) as first:
        settled(first)
        targets.hold(first, CATALOG, [])
        first.commit()
        lock(first, "everything")
        if engine == "postgresql":  # SQLite has one writer, which waits for nobody
            with Session(here) as second, pytest.raises(DBAPIError, match="could not obtain lock"):
                second.exec(select(Target).where(Target.service == "*").with_for_update(nowait=True)).one()
        first.commit()
    with Session(here) as second:
        held = targets.hold(second, CATALOG, [("checkout", "production")])
        assert held[("checkout", "production")].id is not None
        assert facts(second) == [("rollback in progress", False)]
    here.dispose()


# --- whatever happens ---------------------------------------------------------------------------------------------


@dataclass
class Expected:
    """What a lock comes to by the words of the issue, kept apart from the code that is judged."""

    ends_at: datetime | None
    state: str = "holds"
    by_itself: bool = False
    causes: list[str] = field(default_factory=list)
    """What one that set itself stands for, the latest last."""


@dataclass
class Story:
    """One history of the locks on a service, and what must be held back after each step."""

    session: Session
    now: datetime = NOON
    locks: dict[int, Expected] = field(default_factory=dict)

    def step(self, what: str, who: str, minutes: int, pick: int) -> None:
        """One act, so many minutes after the last; which lock it is about is picked among those there are."""
        self.now += timedelta(minutes=minutes)
        for one in self.locks.values():
            if one.state == "holds" and one.ends_at is not None and one.ends_at <= self.now:
                one.state = "go"
        number = sorted(self.locks)[pick % len(self.locks)] if self.locks else 0
        with suppress(UserError):  # a refusal changes nothing, which the facts must show
            getattr(self, what)(who, number, pick)
        self.session.flush()

    def place(self, who: str, number: int, pick: int) -> None:
        length = timedelta(minutes=[5, 60, 600][pick % 3])
        lock(self.session, ["checkout", "everything"][pick % 2], by=who, at=self.now, until=self.now + length)
        scope = ["service", "everything"][pick % 2]
        rows = self.session.exec(select(Lock).where(Lock.owner == who, Lock.scope_kind == scope)).all()
        self.locks[max(row.id or 0 for row in rows)] = Expected(self.now + length)

    def lift(self, who: str, number: int, pick: int) -> None:
        act(self.session, LockAct.LIFT, number, by=who, at=self.now)
        one = self.locks[number]
        if one.state != "over" and not (one.by_itself and one.state == "go"):
            one.causes.clear()
            one.state = "go" if one.by_itself else "over"

    def extend(self, who: str, number: int, pick: int) -> None:
        act(self.session, LockAct.EXTEND, number, by=who, at=self.now)
        one = self.locks[number]
        assert one.ends_at is not None
        assert one.state != "over"
        one.ends_at, one.state = max(one.ends_at, self.now) + timedelta(hours=4), "holds"

    def go(self, who: str, number: int, pick: int) -> None:
        act(self.session, LockAct.GO, number, by=who, at=self.now)
        assert self.locks[number].state != "holds"
        self.locks[number].state = "over"

    def clock(self, who: str, number: int, pick: int) -> None:
        due(self.session, self.now)

    def fails(self, who: str, number: int, pick: int) -> None:
        cause = f"failure:{pick % 3}"
        if failed(self.session, cause, self.now):
            standing = [one.id or 0 for one in scopes.standing(self.session) if one.owner is None]
            assert len(standing) == 1, "one for all that failed"
            before = self.locks.get(standing[0])
            causes = before.causes if before is not None and before.state == "holds" else []
            for one in self.locks.values():
                if one.by_itself and one.state == "go":  # the new one's Go is its own too
                    one.state = "over"
            self.locks[standing[0]] = Expected(None, by_itself=True, causes=[*causes, cause])

    def mends(self, who: str, number: int, pick: int) -> None:
        cause = f"failure:{pick % 3}"
        service.lift_cause(self.session, CATALOG, cause, self.now)
        for one in self.locks.values():
            if one.state == "holds" and cause in one.causes:
                one.causes.remove(cause)
                held = any(other.state == "holds" for other in self.locks.values() if other is not one)
                one.state = "holds" if one.causes else "over" if held else "go"


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """A database in memory, for stories that are told again and again."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


STEPS = st.tuples(
    st.sampled_from(["place", "place", "lift", "extend", "go", "clock", "fails", "mends"]),
    st.sampled_from([DEE, EVE]),
    st.sampled_from([0, 1, 4, 30, 400]),
    st.integers(0, 5),
)


@given(st.lists(STEPS, max_size=25))
def test_the_facts_never_say_free_while_a_lock_holds_or_a_go_is_wanted(
    memory: Engine, steps: list[tuple[str, str, int, int]]
) -> None:
    """Nor the reverse, whether or not the clock came in between; and no lock is nagged twice for one end."""
    with Session(memory) as session:
        settled(session)
        story = Story(session)
        for what, who, minutes, pick in steps:
            story.step(what, who, minutes, pick)
            found = service.facts_for(session, CATALOG, "checkout", "production", None, story.now)
            wanted = {number: one.state == "go" for number, one in story.locks.items() if one.state != "over"}
            assert {fact.id: fact.ended for fact in found} == wanted
            due(session, story.now)
            again = service.facts_for(session, CATALOG, "checkout", "production", None, story.now)
            assert {fact.id: fact.ended for fact in again} == wanted
        session.rollback()
