"""How incidents and what may have done it are called in a sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.alerts.models import FlagChange
from bot.incidents import naming
from bot.incidents.models import Incident, Likely
from bot.ports import Direction
from tests.unit.reports import pull
from tests.unit.rooming import Rooming
from tests.unit.stores import NOON


@pytest.mark.parametrize(
    ("title", "called"),
    [
        ("checkout 5xx", "incident 7 (checkout 5xx)"),
        ("two\n lines", "incident 7 (two lines)"),
        ("x" * 200, f"incident 7 ({'x' * 119}…)"),
        (" ", "incident 7"),
    ],
)
def test_an_incident_is_called_by_its_number_and_title(title: str, called: str) -> None:
    assert naming.called(Incident(id=7, title=title, opened_at=NOON, onset_at=NOON)) == called


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "20 s"), (-5, "0 s"), (83, "83 s"), (119, "119 s"), (120, "2 min"), (5400, "1 h 30 min")],
)
def test_a_length_is_told_in_minutes_and_a_short_one_in_seconds(seconds: float, words: str) -> None:
    assert naming.length(timedelta(seconds=seconds)) == words


def likely(kind: str, subject: int) -> Likely:
    """A likely change."""
    return Likely(incident=1, kind=kind, subject=subject, rank=1, confidence="high", score=1.0)


def test_a_deploy_is_called_by_what_it_brought(calm: Rooming) -> None:
    one = calm.shipped()
    assert naming.likely_called(calm.session, calm.desk, likely("deploy", one.id or 0)) == "#812 (checkout, bbbbbbb)"
    calm.at += 1
    many = calm.rollout("checkout", "c", *(pull(number, "c") for number in range(1, 6)))
    called = naming.likely_called(calm.session, calm.desk, likely("deploy", many.id or 0))
    assert called == "#1, #2, #3 and 2 more (checkout, ccccccc)"
    calm.at += 1
    empty = calm.rollout("checkout", "d")
    assert naming.likely_called(calm.session, calm.desk, likely("deploy", empty.id or 0)) == "checkout ddddddd"
    empty.direction = Direction.BEHIND.value
    back = "the rollback of checkout to ddddddd"
    assert naming.likely_called(calm.session, calm.desk, likely("deploy", empty.id or 0)) == back


def test_a_flag_is_called_by_its_name_and_what_was_done_to_it(sqlite_session: Session) -> None:
    here = Rooming(sqlite_session)
    flag = FlagChange(source="api", external_id="1", flag="new-basket", summary="25 % → 50 %", at=NOON)
    sqlite_session.add(flag)
    sqlite_session.flush()
    called = naming.likely_called(sqlite_session, here.desk, likely("flag", flag.id or 0))
    assert called == "the flag new-basket (25 % → 50 %)"


@pytest.mark.parametrize(("kind", "called"), [("flag", "a flag"), ("deploy", "a deploy")])
def test_what_is_gone_has_a_name_all_the_same(sqlite_session: Session, kind: str, called: str) -> None:
    assert naming.likely_called(sqlite_session, Rooming(sqlite_session).desk, likely(kind, 4711)) == called
