"""A busy staging: a build every three minutes, a soak of thirty, and production still ships."""

from __future__ import annotations

from itertools import pairwise

from sqlmodel import Session

from bot.events import Act
from bot.promotions.models import State
from tests.unit.promoting import World, world

EVERY = 3
"""Minutes between two builds."""

HOURS = 3
LONGEST = 36
"""Minutes between two rollouts to production: the soak of a build, and the wait until the next one comes."""


def test_production_ships_although_staging_never_rests(session: Session) -> None:
    """Each promotion keeps its own build while newer ones come; the newest is next when it is through."""
    here = world(session)
    here.lives()
    shipped: list[float] = []
    builds = HOURS * 60 // EVERY
    for number in range(builds):
        here.turn(number * EVERY)
        here.stage(f"{number:03d}")
        _follow(here, shipped)
    assert len(shipped) >= HOURS * 60 // LONGEST - 1
    assert all(later - earlier <= LONGEST for earlier, later in pairwise([0.0, *shipped]))
    assert [state for _, state in here.states()[:-1]] == [State.DONE] * len(shipped)


def _follow(here: World, shipped: list[float]) -> None:
    """Dee approves what she is asked for, and the pipeline carries out what it is told at once."""
    promotion = here.present()
    if promotion.state == State.OPEN and promotion.range == "reading":
        here.read()
        here.act(Act.APPROVE)
    here.turn(here.at + 0.5)
    for order in here.call():
        shipped.append(here.at)
        here.ship(order.sha[:3], "succeeded", promotion=order.promotion, number=f"p{order.promotion}")
