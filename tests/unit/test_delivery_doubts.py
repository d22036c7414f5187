"""Doubts: what may have been sent is looked for before it is sent again, by this process or the next."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Doubtful, GiveUp, PlaceUnreachable, RetryLater
from bot.outbox import Lane, SendState
from tests.unit.scripted import Post, post_office


def posts(post: Post, place: str) -> list[str]:
    """What was tried to be posted into a place."""
    return [words for method, where, words in post.chat.calls if (method, where) == ("post", place)]


@pytest.mark.parametrize("taken", [True, False])
async def test_a_doubtful_post_is_looked_for_before_it_is_sent_again(database_url: str, taken: bool) -> None:
    """Taken or not: it stands there once, and only after the time in which Slack may still be taking it."""
    async with post_office(database_url) as post:
        post.chat.fail("post", Doubtful("timed out"), taken=taken)
        await post.card("1", "#a", "card")
        await post.send()
        post.turn(9)
        await post.send()
        assert [call[0] for call in post.chat.calls] == ["post"]
        post.turn(1)
        await post.send()
        assert post.chat.says("#a") == ["card"]
        assert posts(post, "#a") == ["card"] * (1 if taken else 2)
        (card,) = await post.cards()
        assert (card.ts, card.sent_version) == (post.chat.standing[0].ts, 1)


async def test_a_found_card_is_edited_as_what_it_shows_is_not_known(database_url: str) -> None:
    """It was sent from an older state; the edit brings it up to date."""
    async with post_office(database_url) as post:
        post.chat.fail("post", Doubtful("timed out"), taken=True)
        await post.card("1", "#a", "old")
        await post.send()
        await post.card("1", "#a", "new")
        post.turn(10)
        await post.send()
        assert post.chat.says("#a") == ["new"]
        assert posts(post, "#a") == ["old"]


async def test_a_place_with_a_doubt_waits_and_others_do_not(database_url: str) -> None:
    """Otherwise what comes behind would stand before it."""
    async with post_office(database_url) as post:
        post.chat.fail("post", Doubtful("connection cut"), place="#a")
        await post.card("1", "#a")
        await post.card("2", "#a")
        await post.card("3", "#b")
        await post.send()
        assert (post.chat.says("#a"), post.chat.says("#b")) == ([], ["3"])
        post.turn(10)
        await post.send()
        assert post.chat.says("#a") == ["1", "2"]
        assert len([call for call in post.chat.calls if call[0] == "find"]) == 1


async def test_a_doubtful_reply_is_looked_for_in_its_thread(database_url: str) -> None:
    """The history of a channel does not show replies."""
    async with post_office(database_url) as post:
        card = await post.card("1", "#a", "card")
        await post.send()
        post.chat.fail("post", Doubtful("timed out"), taken=True)
        await post.note("reply", "#a", thread=card)
        await post.send()
        post.turn(10)
        await post.send()
        assert post.chat.says("#a") == ["card", "  reply"]
        assert [(note.state, note.ts) for note in await post.notes()] == [(SendState.DONE, "0002.0")]


async def test_a_fault_nobody_knows_is_a_doubt_too(sqlite_url: str) -> None:
    """It may have struck after the message was taken."""
    async with post_office(sqlite_url) as post:
        post.chat.fail("post", ZeroDivisionError("an SDK's own"), taken=True)
        await post.card("1", "#a")
        await post.send()
        post.turn(10)
        await post.send()
        assert posts(post, "#a") == ["1"]


@pytest.mark.parametrize("fault", [RetryLater("down"), Doubtful("timed out"), GiveUp("missing_scope", "Add it.")])
async def test_while_nobody_can_look_nothing_is_sent(sqlite_url: str, fault: Exception) -> None:
    """Rather late than twice; afterwards it goes on."""
    async with post_office(sqlite_url) as post:
        post.chat.fail("post", Doubtful("timed out"), taken=True)
        post.chat.fail("find", fault)
        await post.card("1", "#a")
        await post.send()
        post.turn(10)
        await post.send()
        assert [call[0] for call in post.chat.calls] == ["post", "find"]
        assert (post.engine.trouble is None) is not isinstance(fault, GiveUp)
        post.turn(60)
        await post.send()
        assert posts(post, "#a") == ["1"]
        assert post.chat.says("#a") == ["1"]


async def test_where_nothing_can_be_read_nothing_can_stand(sqlite_url: str) -> None:
    """The channel was archived meanwhile: sending says why."""
    async with post_office(sqlite_url) as post:
        post.chat.fail("post", Doubtful("timed out"), place="#a")
        post.chat.fail("find", PlaceUnreachable("channel_not_found"))
        post.chat.fail("post", PlaceUnreachable("channel_not_found"), place="#a")
        await post.card("1", "#a")
        await post.send()
        post.turn(10)
        await post.send()
        assert post.chat.says("#deploys") == ["#a cannot be reached: channel_not_found"]


async def test_a_doubtful_edit_is_simply_made_again(database_url: str) -> None:
    """Twice is harmless."""
    async with post_office(database_url) as post:
        await post.card("1", "#a", "old")
        await post.send()
        post.chat.fail("update", Doubtful("timed out"), taken=True)
        await post.card("1", "#a", "new")
        await post.send()
        post.turn(5)
        await post.send()
        assert post.chat.says("#a") == ["new"]
        assert [call[0] for call in post.chat.calls] == ["post", "update", "update"]


async def test_after_a_disorderly_end_everything_unsent_is_looked_for(database_url: str) -> None:
    """A process was killed after Slack had taken a message and before that was written down."""
    async with post_office(database_url) as post:
        for subject, place in (("1", "#a"), ("2", "#a"), ("3", "#b"), ("4", "#b")):
            await post.card(subject, place)
        await post.note("note", "#c")
        post.chat.fail("post", asyncio.CancelledError(), taken=True, times=99)  # type: ignore[arg-type]
        await post.engine._round()
        await asyncio.gather(*post.engine._tasks.values(), return_exceptions=True)
        post.chat._rules.clear()
        assert [one.text for one in post.chat.standing] == ["note", "1", "3"]
        engine = post.engine_after_restart()
        calls = len(post.chat.calls)
        running = asyncio.create_task(engine.run(orderly=False))
        await asyncio.sleep(0)
        assert await engine.stop(5) is False
        await running
        engine._memory.stopping = False
        await post.send()
        assert len(post.chat.calls) == calls, "nothing is sent, and nobody asked, before a message must be visible"
        post.turn(10)
        await post.send()
        assert (post.chat.says("#a"), post.chat.says("#b"), post.chat.says("#c")) == (["1", "2"], ["3", "4"], ["note"])
        assert {card.sent_version for card in await post.cards()} == {1}


async def test_a_doubt_that_is_not_resolved_makes_the_stop_disorderly(sqlite_url: str) -> None:
    """The next process must look for it."""
    async with post_office(sqlite_url) as post:
        post.chat.fail("post", Doubtful("timed out"), taken=True)
        await post.card("1", "#a")
        await post.send()
        assert await post.engine.stop(1) is False
        post.engine_after_restart()
        post.engine._unsure = True
        await post.engine._doubt_everything()
        post.turn(10)
        await post.send()
        assert post.chat.says("#a") == ["1"]


async def test_an_engine_that_never_came_to_look_does_not_end_in_good_order(sqlite_url: str) -> None:
    """The database was away while it was to look at what its predecessor left: the next one must look."""
    async with post_office(sqlite_url) as post:
        await post.card("1", "#a")
        engine = post.engine_after_restart()
        await post.database.close()
        running = asyncio.create_task(engine.run(orderly=False))
        await asyncio.sleep(0)
        assert await engine.stop(5) is False
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_was_sent_and_could_not_be_written_down_is_a_doubt(sqlite_url: str) -> None:
    """The database went away between Slack's answer and our commit."""
    async with post_office(sqlite_url) as post:
        held = post.chat.hold("#a")
        await post.card("1", "#a")
        await post.engine._round()
        await post.chat.until(lambda: post.chat.calls)
        await post.database.close()
        held.set()
        await post.settled()
        assert post.chat.says("#a") == ["1"]
        assert await post.engine.stop(5) is False


async def test_what_wakes_somebody_waits_less_after_a_kill(sqlite_url: str) -> None:
    """A page twice is better than a page late: it is looked for, and sent, before all else that may have been."""
    async with post_office(sqlite_url) as post:
        await post.card("1", "U0ANA", lane=Lane.PAGE)
        await post.card("2", "#a")
        engine = post.engine_after_restart()
        engine._unsure = True
        await engine._doubt_everything()
        post.turn(2)
        await post.send()
        assert (post.chat.says("U0ANA"), post.chat.says("#a")) == (["1"], [])
        post.turn(8)
        await post.send()
        assert post.chat.says("#a") == ["2"]
