"""In whatever order, however often and by however many senders a story is told: one incident, and the right people.

The story: Ana's #812, which Chi merged, goes live at noon and breaks checkout 12 minutes later; the alert flaps. Ben's
#820 follows when it burns already. #812 claims by its commits to be Eve's as well, whose address anybody can write.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlmodel import Session, col, select

from bot import people
from bot.alerts.models import Alert
from bot.deploys.models import Deploy
from bot.events import Human
from bot.incidents.models import Incident, Likely, Page
from bot.incidents.states import State
from bot.outbox import Card
from bot.ports import Member
from tests.unit.alarming import Alarms
from tests.unit.reports import BEN, CHI, carrying, commit, minute, pull, sha_of
from tests.unit.rooming import Rooming
from tests.unit.stores import address

FORGED = Human(login=None, name="Eve", email="eve@bakery.example")
HEARD = 25.0
"""When all of it is heard, in minutes past noon; each report says when it was made."""

Step = Callable[[Alarms, str], None]


def _breaks(here: Alarms, _: str) -> None:
    brought = carrying(commit("f", author=FORGED), pull(812, "b", merger=CHI, coauthors=(FORGED,)))
    here.rollout("checkout", "b", at=0, found=brought)


def _follows(here: Alarms, _: str) -> None:
    here.rollout("checkout", "c", pull(820, "c", author=BEN, merger=BEN), at=20)


def _fires(here: Alarms, source: str) -> None:
    here.fires(began=12, told=minute(12), source=source)


def _fires_again(here: Alarms, source: str) -> None:
    here.fires(began=12, told=minute(13), source=source)


def _twin(here: Alarms, source: str) -> None:
    """The other of two senders, a second later."""
    here.fires(began=12 + 1 / 60, told=minute(12), source=source)


def _over(here: Alarms, source: str) -> None:
    here.at = 15
    here.over(began=12, source=source)
    here.at = HEARD


def _flaps(here: Alarms, source: str) -> None:
    here.fires(began=18, told=minute(18.2), source=source)


def _latency(here: Alarms, _: str) -> None:
    here.fires(name="checkout latency", began=12.5, told=minute(13), source="generic")


STORY: dict[str, Step] = {
    "it breaks": _breaks,
    "Ben follows": _follows,
    "fires": _fires,
    "repeat": _fires_again,
    "twin": _twin,
    "over": _over,
    "flaps": _flaps,
    "latency": _latency,
}


@pytest.fixture(scope="module")
def engine(calm_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A world in which all is well; every example is taken back."""
    file = tmp_path_factory.mktemp("incidents") / "order.db"
    shutil.copyfile(calm_template, file)
    made = create_engine(address(f"sqlite:///{file}"))
    yield made
    made.dispose()


@st.composite
def tellings(draw: st.DrawFn) -> list[str]:
    """Every step at least once, some again, in any order."""
    return list(draw(st.permutations([*STORY, *draw(st.lists(st.sampled_from(list(STORY)), max_size=4))])))


@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # a story is short as it is
@given(told=tellings(), source=st.sampled_from(["api", "generic", "grafana", "alertmanager"]))
def test_one_incident_the_likely_change_and_whom_it_wakes(engine: Engine, told: list[str], source: str) -> None:
    """What is there in the end is the same; the order decides only whether the on-call was woken before #812 came."""
    with Session(engine) as session:
        here = Rooming(session, at=HEARD)
        people.saw(session, Member("U0EVE", "Eve", email="eve@bakery.example"), here.now)
        for step in told:
            STORY[step](here, source)
            here.calls()
        here.turn(HEARD + 2)
        [incident] = here.incidents()
        assert (incident.state, incident.service, incident.quiet_at) == (State.OPEN, "checkout", None)
        assert _likely(session, incident) == [sha_of("b")]
        assert here.likely() == [(here.likely()[0][0], "high")]
        assert _woken(session, incident) - {"Dee"} == {"Ana", "Chi"}
        phones = [*here.pager.phones(), *(user for _, users in here.pager.asked for user in users)]
        assert len(phones) == len(set(phones)), phones
        assert {"PANA", "PCHI"} <= set(phones) <= {"PANA", "PCHI", None}
        assert here.told("U0EVE") == here.told("U0BEN") == []
        assert here.told("U0ANA").count("page") == here.told("U0CHI").count("page") == 1
        assert len(session.exec(select(Card).where(Card.kind == "incident", Card.place == "#bakers")).all()) == 1
        assert [row.resolved_at for row in _of(session, source) if row.started_at >= minute(18)] == [None]
        assert here.locked() == [("checkout/production", f"incident:{incident.id}")]
        session.rollback()


def _likely(session: Session, incident: Incident) -> list[str]:
    """The builds of the likely changes, the likeliest first."""
    rows = session.exec(
        select(Deploy.sha)
        .join(Likely, col(Likely.subject) == col(Deploy.id))
        .where(Likely.incident == incident.id, Likely.kind == "deploy", Likely.rank > 0)
        .order_by(col(Likely.rank))
    ).all()
    return list(rows)


def _woken(session: Session, incident: Incident) -> set[str]:
    """Who was woken; AssertionError where somebody was twice."""
    names = session.exec(select(Page.name).where(Page.incident == incident.id)).all()
    assert len(names) == len(set(names)), names
    return set(names)


def _of(session: Session, source: str) -> list[Alert]:
    """The occurrences of the alert that flaps."""
    rows = session.exec(select(Alert).where(Alert.source == source, Alert.name == "checkout 5xx")).all()
    return list(rows)
