"""What waits, judged all at once: what each waits for and who can help, as it is judged alone (``together.agrees``).

Whole histories agree in ``test_promotions_property``; here are the trains, and several targets at the same time.
"""

from __future__ import annotations

from sqlmodel import Session, select

from bot.alerts import service as alerts
from bot.events import AlertReported, TrainAct
from bot.gates import Approval, Health
from bot.promotions import gathering, judging, several
from bot.promotions.models import Promotion
from tests.unit.promoting import World, world
from tests.unit.railway import GATES, Railway, carried, railway
from tests.unit.reports import minute, pull
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


def test_alerts_of_another_environment_hide_none_of_this_one(sqlite_session: Session) -> None:
    """However many fire there, and before: the gate is closed, whichever way it is judged."""
    here = world(sqlite_session, gates=(Approval(), Health()))
    promotion = here.raised("b", "a", pull(815, "b"))
    for number in range(alerts.MANY + 5):
        here.tell(alert(number, "sandbox", here))
    here.at += 1
    here.tell(alert(100, "Production", here))
    known = gathering.situation(here.session, here.desk, promotion, here.now)
    assert [fact.name for fact in known.alerts] == ["alert 100"]
    judgement = judging.judge_situation(here.session, here.desk, promotion, known)
    assert "health" in [one.gate for one in judgement.closed]
    assert agrees(here.session, here.desk) == 1


def test_what_fires_where_the_build_comes_from_is_said_to_be_there(sqlite_session: Session) -> None:
    """Production is held by it all the same, and whoever reads its card does not look there for it."""
    here = world(sqlite_session, gates=(Approval(), Health()))
    promotion = here.raised("b", "a", pull(815, "b"))
    here.tell(alert(1, "staging", here))
    known = gathering.situation(here.session, here.desk, promotion, here.now)
    judgement = judging.judge_situation(here.session, here.desk, promotion, known)
    (said,) = [one.verdict.reason for one in judgement.closed if one.gate == "health"]
    assert said == "the alert alert 1 (in staging) fires"
    assert agrees(here.session, here.desk) == 1


def alert(number: int, environment: str, here: World) -> AlertReported:
    """Another one fires."""
    return AlertReported(
        source="grafana", fingerprint=f"f{number}", name=f"alert {number}", service="oven", environment=environment,
        started_at=here.now, at=here.now,
    )  # fmt: skip


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
