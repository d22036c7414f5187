"""What waits, judged all at once: what each waits for and who can help, as it is judged alone (``together.agrees``).

Whole histories agree in ``test_promotions_property``; here are the trains, and several targets at the same time.
"""

from __future__ import annotations

from sqlmodel import Session, select

from bot.events import TrainAct
from bot.gates import Approval
from bot.promotions import several
from bot.promotions.models import Promotion
from tests.unit.railway import GATES, Railway, carried, railway
from tests.unit.reports import minute
from tests.unit.together import agrees, counted


def test_what_is_aboard_of_a_train_agrees_until_it_is_there(session: Session) -> None:
    here = railway(session)
    here.ready()
    assert agrees(session, here.desk) == 2
    here.conduct(TrainAct.HOLD, reason="wait for the bank", review_at=minute(180))
    assert agrees(session, here.desk) == 2
    here.conduct(TrainAct.RELEASE)
    here.turn(120)
    assert agrees(session, here.desk) == 2
    assert here.call()
    here.rolls("cart", "in_progress")
    assert agrees(session, here.desk) == 2


def test_as_many_statements_as_for_one(session: Session) -> None:
    """However many services and promotions there are, of the same team."""
    few, many = (_statements(session, size) for size in (2, 9))
    assert few == many


def _statements(session: Session, size: int) -> int:
    names = tuple(f"s{number}" for number in range(size))
    with session.begin_nested() as savepoint:
        here = Railway(session, train=None)
        here.services = tuple(carried(name, gates=(*GATES[:-2], Approval())) for name in names)
        here.opened()
        for number, name in enumerate(names):
            here.built(name, "bcdef0123"[number], 800 + number)
        here.told()
        assert agrees(session, here.desk) == size
        session.expunge_all()
        promotions = session.exec(select(Promotion)).all()
        with counted(session) as statements:
            several.held(session, here.desk, promotions)
        savepoint.rollback()
    session.expunge_all()
    session.info.pop("touched", None)
    return len(statements)
