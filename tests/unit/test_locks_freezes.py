"""What holds one promotion alone, and freezes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot import work
from bot.deploys.loading import Desk
from bot.deploys.service import target_of
from bot.errors import UserError
from bot.events import FreezeLifted
from bot.locks import loading, service
from bot.locks.models import DeclaredFreeze, Lock
from bot.locks.views import FreezeCard
from bot.outbox import Card, Note
from tests.unit.locking import (
    CATALOG,
    DEE,
    EVE,
    XYZ,
    due,
    facts,
    freeze,
    frozen,
    later,
    read_anew,
    tags,
    touched,
)
from tests.unit.stores import NOON

pytestmark = pytest.mark.usefixtures("locking_people")


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
    view = loading.go_card(session, Desk(CATALOG, "", later(days=1)), held, card, {})
    assert view is not None
    assert view.scopes == ("the promotion of checkout to production",)
    assert view.waits
    assert view.offers, "no other card does, where its promotion leaves with a train"
    shown, card.ts = card.version, "1.2"
    service.promotion_over(session, 6, later(days=1))
    view = loading.go_card(session, Desk(CATALOG, "", later(days=1)), held, card, {})
    assert view is not None
    assert (view.waits, card.version) == (False, shown + 1), "what asked for a Go says that none is wanted any more"


# --- freezes ------------------------------------------------------------------------------------------------------


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
    cards = session.exec(select(Card).where(Card.kind == "freeze").order_by(col(Card.id))).all()
    assert [(card.subject, card.place) for card in cards] == [("1", "#payments"), ("2", "#deploys")]


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


def standing_card(session: Session) -> Card:
    """The card of the one freeze, which stands in Slack as it is now."""
    card = session.exec(select(Card).where(Card.kind == "freeze")).one()
    card.ts, card.sent_version = "1.1", card.version
    session.flush()
    return card


def shown(session: Session, card: Card, at: datetime) -> FreezeCard:
    """What the card says then; it is to be shown anew."""
    assert card.version > card.sent_version
    view = loading.freeze_card(session, Desk(CATALOG, "", at), card)
    assert view is not None
    return view


def test_the_card_of_a_freeze_says_that_it_was_lifted(session: Session) -> None:
    """Its button does not outlive it, and whoever waits hears of it aloud."""
    freeze(session)
    card = standing_card(session)
    before = loading.freeze_card(session, Desk(CATALOG, "", NOON), card)
    assert before is not None
    assert (card.place, before.service, before.owner.name, before.over) == ("#payments", "checkout", "Dee", False)
    at = later(hours=1)
    read_anew(session, at)
    service.lift_freeze(session, CATALOG, FreezeLifted(freeze=1, slack_id=EVE, called="Eve", at=at), at)
    after = shown(session, card, at)
    assert (after.over, after.lifted_at, after.lifted_by.name if after.lifted_by else None) == (True, at, "Eve")
    told = session.exec(select(Note).order_by(col(Note.place))).all()
    views = [loading.freeze_note(session, Desk(CATALOG, "", at), note) for note in told]
    assert [note.place for note in told] == ["#payments", DEE]
    assert [(view.by.name, view.yours) for view in views if view is not None] == [("Eve", False), ("Eve", True)]


def test_the_card_of_a_freeze_says_that_it_is_over(session: Session) -> None:
    freeze(session, ends=later(days=2))
    card = standing_card(session)
    service.freeze_due(session, CATALOG, 1, later(days=2))
    view = shown(session, card, later(days=2))
    assert (view.over, view.lifted_at) == (True, None)


def test_a_freeze_that_is_over_before_it_was_shown_is_not_shown(session: Session) -> None:
    freeze(session)
    card = session.exec(select(Card).where(Card.kind == "freeze")).one()
    assert loading.freeze_card(session, Desk(CATALOG, "", later(hours=1)), card) is not None
    service.lift_freeze(session, CATALOG, FreezeLifted(freeze=1, slack_id=DEE, called="Dee", at=NOON), NOON)
    assert loading.freeze_card(session, Desk(CATALOG, "", NOON), card) is None
