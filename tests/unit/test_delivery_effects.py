"""Effects and people: acts on other systems, tried again, postponed, given up; and places that are people."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot import outbox
from bot.delivery import Limits
from bot.errors import Doubtful, GiveUp, RetryLater, Unauthorised
from bot.outbox import CardState, SendState
from tests.unit.scripted import Settle, post_office
from tests.unit.stores import NOON


async def test_an_effect_is_done_once_whoever_asks_for_it_again(database_url: str) -> None:
    """What it found is written in the transaction that says it is done."""
    async with post_office(database_url) as post:
        for _ in range(2):
            await post.effect(1)
            await post.send()
        await post.effect(1)
        await post.send()
        assert post.effects == ["run 1", "done 1"]
        assert [row.state for row in await post.effect_rows()] == [SendState.DONE]


async def test_an_effect_that_is_out_of_date_is_done_again(database_url: str) -> None:
    """Rearmed while it still waits, it is done once."""
    async with post_office(database_url) as post:
        await post.effect(1)
        await post.database.write(lambda session: outbox.rearm_effect(session, "act:1"))
        await post.send()
        await post.database.write(lambda session: outbox.rearm_effect(session, "act:1"))
        await post.send()
        assert post.effects == ["run 1", "done 1"] * 2


async def test_an_effect_waits_until_it_is_due(database_url: str) -> None:
    """Not a moment sooner."""
    async with post_office(database_url) as post:
        await post.effect(1, due_at=NOON + timedelta(seconds=10))
        post.turn(9)
        await post.send()
        assert post.effects == []
        post.turn(1)
        await post.send()
        assert post.effects == ["run 1", "done 1"]


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        (RetryLater("limited", delay=42), 42, 42),
        (RetryLater("down"), 0.5, 1.0),
        (Doubtful("timed out"), 0.5, 1.0),
        (Unauthorised("bad credentials"), 60, 60),
        (ZeroDivisionError("ours"), 0.5, 1.0),
    ],
)
async def test_an_effect_that_fails_for_now_is_postponed(
    sqlite_url: str, fault: Exception, least: float, most: float
) -> None:
    """For as long as the other side asked, else a little; what that means is written down, and it is tried again."""
    async with post_office(sqlite_url) as post:
        post.acts[1] = [fault]
        await post.effect(1)
        await post.send()
        assert post.effects == ["run 1", "postponed 1"]
        (row,) = await post.effect_rows()
        assert row.due_at is not None
        assert least <= (row.due_at - NOON).total_seconds() <= most
        assert (row.state, row.attempts, row.error) == (SendState.PENDING, 1, str(fault))
        post.turn(most)
        await post.send()
        assert post.effects == ["run 1", "postponed 1", "run 1", "done 1"]


async def test_an_effect_is_tried_more_and_more_rarely(sqlite_url: str) -> None:
    """Never more rarely than every five minutes, and for ever."""
    async with post_office(sqlite_url) as post:
        post.acts[1] = [RetryLater("down") for _ in range(14)]
        await post.effect(1)
        gaps = []
        for _ in range(14):
            await post.send(1)
            (row,) = await post.effect_rows()
            assert row.due_at is not None
            gaps.append((row.due_at - post.clock()).total_seconds())
            post.turn(gaps[-1] + 0.001)
        assert gaps[0] <= 1 < gaps[2] < gaps[5] <= 300
        assert 150 <= gaps[-1] <= 300
        await post.send(1)
        assert post.effects[-1] == "done 1"


async def test_an_effect_that_can_never_be_done_is_given_up(database_url: str) -> None:
    """Once, with what follows from it, and its error is kept."""
    async with post_office(database_url) as post:
        post.acts[1] = [GiveUp("not_found", "Look at the address.")]
        await post.effect(1)
        await post.effect(2)
        await post.send()
        assert sorted(post.effects) == ["done 2", "given up 1", "run 1", "run 2"]
        first, _ = await post.effect_rows()
        assert (first.state, first.error) == (SendState.FAILED, "not_found: Look at the address.")


async def test_effects_go_in_the_order_of_their_lanes_and_few_at_once(sqlite_url: str) -> None:
    """A page does not wait behind a hundred questions to the forge."""
    async with post_office(sqlite_url, Limits(effects=1)) as post:
        await post.effect(1)
        await post.effect(2)
        await post.effect(3, lane=outbox.Lane.PAGE)
        await post.send()
        assert [line for line in post.effects if line.startswith("run")] == ["run 3", "run 1", "run 2"]


async def test_a_page_does_not_wait_for_slow_effects_to_end(sqlite_url: str) -> None:
    """Every place is taken by one that has begun, and ends only after the page: those have places of their own."""
    async with post_office(sqlite_url, Limits(effects=1, pages=1)) as post:
        post.frees[1], post.waits[1] = asyncio.Event(), asyncio.Event()
        post.frees[3] = post.waits[1]
        await post.effect(1)
        await post.effect(2)
        await post.engine._round()
        await post.frees[1].wait()
        await post.effect(3, lane=outbox.Lane.PAGE)
        async with asyncio.timeout(60):
            await post.send()
        assert [line for line in post.effects if line.startswith("run")] == ["run 1", "run 3", "run 2"]


def moved(place: str, found: str | None) -> Settle:
    """What is written when a person was looked up."""
    return lambda session, now: outbox.readdress(session, place, found)


async def test_what_waits_for_a_person_goes_to_them_once_they_are_found(database_url: str) -> None:
    """A reply below its card; Slack is asked once."""
    async with post_office(database_url) as post:
        asked: list[str] = []

        async def found() -> Settle:
            asked.append("ana")
            return moved("who:github:ana", "U0ANA")

        post.people["github:ana"] = found
        card = await post.card("1", "who:github:ana", "card")
        await post.note("reply", "who:github:ana", thread=card)
        await post.card("2", "who:github:ana", "second")
        await post.send()
        assert sorted(post.chat.says("U0ANA")) == ["  reply", "card", "second"]
        assert post.chat.says("U0ANA").index("card") < post.chat.says("U0ANA").index("  reply")
        assert asked == ["ana"]


async def test_nobody_found_is_no_failure(database_url: str) -> None:
    """What waited for them is moot, and nobody else waits."""
    async with post_office(database_url) as post:

        async def nobody() -> Settle:
            return moved("who:email:ghost@example.com", None)

        post.people["email:ghost@example.com"] = nobody
        card = await post.card("1", "who:email:ghost@example.com")
        await post.note("reply", "who:email:ghost@example.com", thread=card)
        await post.card("2", "#a")
        await post.send()
        assert [one.text for one in post.chat.standing] == ["2"]
        assert [card.state for card in await post.cards()] == [CardState.MOOT, CardState.LIVE]
        assert [note.state for note in await post.notes()] == [SendState.MOOT]


@pytest.mark.parametrize(("fault", "wait"), [(RetryLater("limited", delay=30), 30), (Unauthorised("scope"), 60)])
async def test_while_people_cannot_be_looked_up_their_messages_wait(
    sqlite_url: str, fault: Exception, wait: float
) -> None:
    """Others' do not; and nothing is asked again meanwhile."""
    async with post_office(sqlite_url) as post:
        asked: list[str] = []

        async def later() -> Settle:
            asked.append("ana")
            if len(asked) == 1:
                raise fault
            return moved("who:github:ana", "U0ANA")

        post.people["github:ana"] = later
        await post.card("1", "who:github:ana")
        await post.card("2", "#a")
        await post.send()
        post.turn(wait - 1)
        await post.send()
        assert ([one.text for one in post.chat.standing], asked) == (["2"], ["ana"])
        post.turn(1)
        await post.send()
        assert post.chat.says("U0ANA") == ["1"]


async def test_a_look_at_people_that_is_under_way_is_not_begun_again(sqlite_url: str) -> None:
    """Each person is asked for once at a time."""
    async with post_office(sqlite_url) as post:
        going = asyncio.Event()
        asked: list[str] = []

        async def slow() -> Settle:
            asked.append("ana")
            await going.wait()
            return moved("who:github:ana", "U0ANA")

        post.people["github:ana"] = slow
        await post.card("1", "who:github:ana")
        await post.engine._round()
        await asyncio.sleep(0)
        await post.engine._round()
        going.set()
        await post.settled()
        await post.send()
        assert (asked, post.chat.says("U0ANA")) == (["ana"], ["1"])
