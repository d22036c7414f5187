"""What is read of people again and again is news only where a judge sees something else than before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.ports import Member, OnCall
from tests.unit.refreshed import Here, World
from tests.unit.stores import NOON, Clock, opened

WORDS = ("@payments-leads", "on-call", "PSHIFTS", "U0ANA")
EVE = OnCall("PEVE", "eve@example.com", "Eve", NOON + timedelta(hours=8))


@pytest.fixture
async def here(sqlite_url: str):  # type: ignore[no-untyped-def]
    """Everything was read once, and nothing has happened since."""
    async with opened(sqlite_url) as database:
        found = Here(database, World(on_duty=[EVE]), Clock())
        for word in WORDS:
            await found.want(word)
        await found.read()
        assert {kind for kind, _ in found.settled} == {"group", "on_call", "member"}
        found.settled.clear()
        yield found


async def again(here: Here) -> list[str]:
    """The kinds of what is news once all of it was read again."""
    here.clock.turn(minutes=10)
    assert await here.read() == len(WORDS)
    kinds = sorted({kind for kind, _ in here.settled})
    here.settled.clear()
    return kinds


async def test_what_is_as_before_concerns_nobody(here: Here) -> None:
    """Six times in the hour, in which everybody in a group is looked at anew, too."""
    for _ in range(6):
        assert await again(here) == []


async def test_a_shift_that_goes_on_is_no_news(here: Here) -> None:
    """A rota names a later end of it at each reading; that it ended is some."""
    here.world.on_duty = [replace(EVE, until=NOON + timedelta(hours=9))]
    assert await again(here) == []
    here.world.on_duty = [replace(EVE, user="PDEE", name="Dee", email=None)]
    assert await again(here) == ["on_call"]
    here.world.on_duty = []
    assert await again(here) == ["on_call"]


async def test_a_shift_that_had_run_out_and_goes_on_is_news(here: Here) -> None:
    """Nobody was on call when it was judged last."""
    here.clock.turn(minutes=8 * 60 - 15)
    assert await again(here) == ["group", "member", "on_call"], "it was believed no more"
    here.world.on_duty = [replace(EVE, until=NOON + timedelta(hours=16))]
    assert await again(here) == ["on_call"]


@pytest.mark.parametrize(
    "known",
    [
        Member("U0ANA", "Ana", zone="UTC", guest=True),
        Member("U0ANA", "Ana", zone="UTC", active=False),
        Member("U0ANA", "Anna", zone="UTC"),
        Member("U0ANA", "Ana", zone="Asia/Tokyo"),
        Member("U0ANA", "Ana", zone="UTC", email="ana@example.com"),
    ],
)
async def test_whoever_is_seen_otherwise_is_news_once(here: Here, known: Member) -> None:
    """By their standing, their name, their hours, or an address that may be an author's."""
    here.world.people["U0ANA"] = Member("U0ANA", "Ana", zone="UTC")
    await again(here)
    here.world.people["U0ANA"] = known
    assert await again(here) == ["member"]
    assert await again(here) == []
