"""Who is left to approve: named only where they could now, and said where nobody is; what a lifted lock begins."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot import people
from bot.errors import UserError
from bot.events import Act, FreezeDeclared, FreezeLifted, Human, LockAct, LockActed, LockPlaced
from bot.gates import Approval, Freeze, Group, Lock, Order, Soak
from bot.locks.models import DeclaredFreeze
from bot.outbox import Note
from bot.ports import Member
from bot.promotions import loading
from bot.promotions import service as promotions
from bot.promotions.models import State
from tests.unit.promoting import LOGINS, World, sha_of, world
from tests.unit.reports import pull

QUICK = (Lock(), Freeze(), Order(), Approval())
DEE = Human(login="dee", name="Dee")
STRANGERS = {"U0GIL": "Gil", "U0HAL": "Hal"}
"""Members whose GitHub login nobody has proven."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: nothing here depends on it."""
    return sqlite_url


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are called so in Slack."""
    for slack_id, name in STRANGERS.items():
        monkeypatch.setitem(LOGINS, slack_id, name.lower())


def of_group(session: Session, *members: str, count: int = 1) -> World:
    """A world in which these people approve."""
    return world(session, gates=(Lock(), Order(), Approval(count, groups=(Group(members, count),))))


def test_whoever_must_be_proven_first_stands_apart_from_those_who_can(session: Session) -> None:
    """Neither is told that the other can, where neither can."""
    here = of_group(session, *STRANGERS)
    here.raised("b", "a", pull(815, "b"))
    for slack_id, name in STRANGERS.items():
        people.saw(session, Member(slack_id, name, zone="UTC"), here.now)
    card = loading.promotion_card(session, here.desk, here.present())
    assert (card.able, [one.name for one in card.unproven], card.short) == ((), ["Gil", "Hal"], 0)
    said = here.refused(Act.APPROVE, "U0GIL")
    assert "Can:" not in said
    assert said.endswith("Hal could, once GitHub has said who they are: they type /ship me github prove.")


def test_where_nobody_is_left_the_card_and_the_answers_say_so_and_what_helps(session: Session) -> None:
    """Two yeses of two people, one of whom wrote it."""
    here = of_group(session, "U0DEE", "U0EVE", count=2)
    here.meet("U0DEE", "U0EVE")
    here.raised("b", "a", pull(815, "b", author=DEE))
    card = loading.promotion_card(session, here.desk, here.present())
    assert (card.short, [one.person.name for one in card.able]) == (1, ["Eve"])
    assert [(one.person.name, one.why) for one in card.barred] == [("Dee", "wrote #815")]
    said = here.act(Act.APPROVE, "U0EVE")
    assert said.endswith(
        "Nobody else is left who can: Dee wrote #815 and Eve approved already. What helps: somebody more in the group "
        "that approves, or a build without these changes (/ship promote oven <build>)."
    )
    assert here.refused(Act.APPROVE, "U0DEE").startswith("You can't: you wrote #815. Nobody else is left who can: ")
    assert loading.promotion_card(session, here.desk, here.present()).able == ()


def test_a_guest_in_the_group_is_nobody_who_can(session: Session) -> None:
    """Slack said that they only read."""
    here = of_group(session, "U0DEE", "U0EVE")
    here.meet("U0DEE")
    here.raised("b", "a", pull(815, "b"))
    people.saw(session, Member("U0EVE", "Eve", guest=True), here.now)
    assert [one.person.name for one in loading.promotion_card(session, here.desk, here.present()).able] == ["Dee"]


# --- what begins --------------------------------------------------------------------------------------------------


def locked(here: World, minutes: int = 60) -> None:
    """Ben locks it."""
    here.tell(
        LockPlaced(
            scope="oven", reason="look", ends_at=here.now + timedelta(minutes=minutes), rollbacks=True,
            slack_id="U0BEN", called="Ben", channel=None, at=here.now,
        )
    )  # fmt: skip


def unlocked(here: World) -> str | None:
    """Ben unlocks it."""
    lift = LockActed(act=LockAct.LIFT, lock=None, scope="oven", slack_id="U0BEN", called="Ben", at=here.now)
    return here.tell(lift)


def test_unlocking_says_what_starts_now(session: Session) -> None:
    """And it does."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    locked(here)
    here.act(Act.APPROVE)
    here.at += 1
    assert unlocked(here) == "Unlocked oven. oven → production (bbbbbbb) starts now."
    assert here.present().state == State.STARTING


def test_unlocking_says_what_is_still_closed(session: Session) -> None:
    """With a lock that had run out, that it was the Go for that besides."""
    here = world(session, gates=(*QUICK, Soak(timedelta(minutes=90))))
    here.raised("b", "a", pull(815, "b"))
    locked(here, minutes=5)
    here.turn(here.at + 6)
    said = unlocked(here)
    assert said is not None
    assert said.startswith(
        "The lock on oven had run out; your unlocking says Go. oven → production (bbbbbbb) still waits: approval: "
    )
    assert "soaks in staging" in said


def test_releasing_a_hold_says_what_comes_of_it(session: Session) -> None:
    """That it waits on, or that it starts."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    here.act(Act.HOLD, "U0EVE", reason="let me look")
    said = here.act(Act.RELEASE, "U0EVE")
    assert said == "Released the promotion of oven to production. It still waits: approval: needs 1 yes."
    here.act(Act.HOLD, "U0EVE", reason="let me look")
    here.act(Act.APPROVE)
    here.at += 1
    assert here.act(Act.RELEASE, "U0EVE") == "Released the promotion of oven to production. It starts now."


def test_lifting_a_freeze_says_what_starts_and_its_owner_hears_of_it(session: Session) -> None:
    """Whoever lifts their own is told nothing of it."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    for lifter in ("U0BEN", "U0EVE"):
        here.tell(
            FreezeDeclared(
                service="oven", begins=here.now, ends=here.now + timedelta(days=2), reason="db", slack_id="U0BEN",
                called="Ben", at=here.now,
            )
        )  # fmt: skip
        here.at += 1
        number = here.session.exec(select(DeclaredFreeze.id).order_by(col(DeclaredFreeze.id).desc())).first()
        lift = FreezeLifted(freeze=number or 0, slack_id=lifter, called=lifter, at=here.now)
        told = " Ben is told." if lifter == "U0EVE" else ""
        assert here.tell(lift) == f"Lifted the freeze of oven: db.{told} oven → production (bbbbbbb) starts now."
        here.act(Act.UNDO)
        here.act(Act.APPROVE)
        here.at += 1
    owner = [
        note.data["said"] for note in session.exec(select(Note).where(Note.place == "U0BEN", Note.kind == "freeze"))
    ]
    assert owner == ["lifted"]


def test_times_are_answered_in_the_zone_in_which_they_were_typed(session: Session) -> None:
    """Ben's, as Slack tells it."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    people.saw(session, Member("U0BEN", "Ben", zone="Asia/Kathmandu"), here.now)
    said = here.tell(
        FreezeDeclared(
            service="oven", begins=here.now, ends=here.now + timedelta(hours=2), reason="db", slack_id="U0BEN",
            called="Ben", at=here.now,
        )
    )  # fmt: skip
    assert said is not None
    assert "until 19:" in said
    assert "(Asia/Kathmandu): db." in said


# --- who asks -----------------------------------------------------------------------------------------------------


def test_a_pipeline_may_name_its_build_by_the_beginning_of_it(session: Session) -> None:
    """Where no other begins so; and one that was never seen is said to be none."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    answer = promotions.ask(session, here.desk, "oven", "production", sha_of("b")[:7].upper())
    assert (answer.sha, answer.promotion) == (sha_of("b"), here.present().id)
    for typed, told in (("2cda4de", "I never saw a build 2cda4de of oven"), ("main", "“main” names no build")):
        with pytest.raises(UserError, match=told):
            promotions.ask(session, here.desk, "oven", "production", typed)
    whole = promotions.ask(session, here.desk, "oven", "production", "2cda4de" + "0" * 33)
    assert (whole.state, whole.reason) == ("pending", "I never saw this build of oven")
