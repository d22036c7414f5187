"""The pager does not answer: that is said within half a minute, and others are told in Slack, and then told again."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.errors import RetryLater
from bot.incidents import telling
from bot.outbox import Card
from tests.unit.promoting import World
from tests.unit.rooming import Rooming, rooming

TRIED = "PagerDuty does not answer, and is tried again"


@pytest.fixture
def down(sqlite_session: Session) -> Rooming:
    """Checkout burns, Ana is to be called, and PagerDuty answers nothing."""
    here = rooming(sqlite_session)
    here.pager.faults["page"] = RetryLater("down")
    here.burns()
    here.calls()
    here.room_of()
    return here


def told(here: Rooming) -> list[str]:
    """Who has a card of Ana's page."""
    cards = select(Card.place).where(Card.kind == telling.PAGE, Card.subject == "1").order_by(col(Card.place))
    return list(here.session.exec(cards).all())


def test_others_are_told_in_slack_within_half_a_minute(down: Rooming) -> None:
    assert told(down) == ["U0ANA"]
    down.turn(down.at + 0.6)
    (note,) = down.notes("page_failed")
    assert note.data["next"] == "Dee and Eve are told in Slack"
    assert told(down) == ["U0ANA", "U0DEE", "U0EVE"]
    down.turn(down.at + 6)
    (note,) = down.notes("no_answer")
    assert note.data["next"] == f"{TRIED}; Ana, Dee and Eve are told again in Slack"


def test_where_we_slept_too_they_are_told_for_the_first_time(down: Rooming) -> None:
    World.turn(down, down.at + 6)  # at once: the clock of this world else looks at each instant as it comes
    assert down.notes("page_failed") == []
    (note,) = down.notes("no_answer")
    assert note.data["next"] == f"{TRIED}; Ana, Dee and Eve are told in Slack"
    assert told(down) == ["U0ANA", "U0DEE", "U0EVE"]
