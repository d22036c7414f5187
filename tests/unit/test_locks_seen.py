"""What people read of locks and freezes, and the rows that are held while one is decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from bot import outbox
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.events import LockAct
from bot.locks import loading, scopes, service
from bot.locks.models import Lock
from bot.locks.rules import Stage
from bot.locks.views import Backlog
from bot.outbox import Card
from tests.unit.locking import CATALOG, EVE, XYZ, act, facts, failed, freeze, later, lock, only, settled, unlock
from tests.unit.stores import NOON, address

pytestmark = pytest.mark.usefixtures("locking_people")


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
