"""How many alerts of an incident fire: its card says so soon after some came or went, and not once for each."""

from __future__ import annotations

from sqlmodel import Session, select

from bot.incidents.counting import COUNTS
from bot.outbox import Card
from bot.work import Work
from tests.unit.alarming import Alarms, alarms


def drawn(here: Alarms) -> int:
    """How often there was something newer to show on the incident's card."""
    return here.session.exec(select(Card.version).where(Card.kind == "incident", Card.place == "#bakers")).one()


def kept(here: Alarms) -> int:
    """How many times are kept at which it is counted."""
    return len(here.session.exec(select(Work).where(Work.kind == COUNTS)).all())


def test_what_joins_and_what_ends_is_counted_soon_and_together(sqlite_session: Session) -> None:
    """Of one name: none of them is said, and the card would go on saying how many there were at first."""
    here = alarms(sqlite_session)
    here.fires()
    here.turn(1)
    before = drawn(here)
    for pod in range(30):
        here.fires(fingerprint=f"pod{pod}")
    assert (drawn(here), kept(here)) == (before, 1)
    here.turn(1.5)
    assert (drawn(here), kept(here)) == (before + 1, 0)
    for pod in range(20):
        here.over(fingerprint=f"pod{pod}")
    here.turn(2)
    assert (drawn(here), kept(here)) == (before + 2, 0)
