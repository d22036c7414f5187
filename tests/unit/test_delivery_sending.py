"""Sending: the present state, in order within each place, pages first; what is refused, and what is gone."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert
from sqlmodel import Session

from bot.delivery import Limits, queue
from bot.delivery.queue import LOOK_AHEAD
from bot.errors import GiveUp, MessageGone, RetryLater, Unauthorised
from bot.outbox import Card, CardState, Lane, SendState
from tests.unit.scripted import post_office

PROGRESS = Limits(per_channel=None, updates_per_minute=None)
SLACKS = Limits()


async def test_a_card_is_posted_once_and_edited_in_place(database_url: str) -> None:
    """It shows what is true when it is sent, not when it was asked for."""
    async with post_office(database_url) as post:
        await post.card("1", "#a", "too old")
        post.words["1"] = "pending"
        await post.send()
        await post.card("1", "#a", "succeeded", urgent=True)
        await post.send()
        assert post.chat.says("#a") == ["succeeded"]
        assert post.chat.calls == [("post", "#a", "pending"), ("update", "#a", "succeeded")]
        (card,) = await post.cards()
        assert (card.channel, card.ts, card.sent_version, card.version, card.urgent) == ("C:#a", "0001.0", 2, 2, False)


async def test_an_edit_that_shows_nothing_new_is_not_sent(database_url: str) -> None:
    """Slack allows fifty edits a minute; none is spent on an equal message, and its turn is given back."""
    async with post_office(database_url, Limits(per_channel=None, update_burst=2, progress_every=0.0)) as post:
        await post.card("1", "#a", "same")
        await post.send()
        for _ in range(5):
            await post.card("1", "#a", "same")
            await post.send(1)
        assert post.chat.calls == [("post", "#a", "same")]
        await post.card("1", "#a", "news")
        await post.send(1)
        assert post.chat.says("#a") == ["news"]


async def test_messages_keep_their_order_within_a_place(database_url: str) -> None:
    """While one is on its way nothing overtakes it there; another place goes on."""
    async with post_office(database_url) as post:
        held = post.chat.hold("#a")
        for name in ("1", "2", "3"):
            await post.card(name, "#a")
        await post.card("4", "#b")
        sending = asyncio.create_task(post.send())
        await post.chat.until(lambda: post.chat.says("#b"))
        assert post.chat.says("#a") == []
        held.set()
        await sending
        await post.send()
        assert post.chat.says("#a") == ["1", "2", "3"]
        assert len(post.chat.calls) == 4


async def test_pages_go_before_approvals_and_approvals_before_the_feed(sqlite_url: str) -> None:
    """Also within one place, whichever came first; then requests and ends, then progress."""
    async with post_office(sqlite_url) as post:
        await post.card("progress", "#a")
        await post.card("end", "#a", urgent=True)
        await post.card("approval", "#a", lane=Lane.APPROVAL)
        await post.card("page", "#a", lane=Lane.PAGE)
        await post.send()
        assert post.chat.says("#a") == ["page", "approval", "end", "progress"]


async def test_a_reply_waits_for_the_card_that_it_answers(database_url: str) -> None:
    """And goes into its thread, once."""
    async with post_office(database_url) as post:
        card = await post.card("1", "#a", "card")
        await post.note("reply", "#a", thread=card)
        await post.note("aside", "#a")
        await post.note("aside", "#a")
        await post.send()
        assert sorted(post.chat.says("#a")) == ["  reply", "aside", "card"]
        assert post.chat.says("#a").index("card") < post.chat.says("#a").index("  reply")
        assert {note.state for note in await post.notes()} == {SendState.DONE}


async def test_a_reply_to_a_card_that_nobody_sees_is_moot(database_url: str) -> None:
    """A muted author gets neither; a note that lost its sense meanwhile is not said."""
    async with post_office(database_url) as post:
        card = await post.card("1", "U1")
        post.words["1"] = None
        await post.note("reply", "U1", thread=card)
        await post.note("moot", "#a")
        await post.send()
        assert post.chat.calls == []
        assert [note.state for note in await post.notes()] == [SendState.MOOT, SendState.MOOT]
        assert [(card.ts, card.version, card.sent_version) for card in await post.cards()] == [(None, 1, 1)]


async def test_progress_is_shown_at_most_every_twenty_seconds_and_an_end_at_once(sqlite_url: str) -> None:
    """No ticking text: an edit that only tells progress waits its turn."""
    async with post_office(sqlite_url, PROGRESS) as post:
        await post.card("1", "#a", "0 %")
        await post.send()
        await post.card("1", "#a", "10 %")
        await post.send()
        post.turn(19)
        await post.send()
        assert post.chat.says("#a") == ["0 %"]
        await post.card("1", "#a", "20 %")
        post.turn(1)
        await post.send()
        assert post.chat.says("#a") == ["20 %"]
        await post.card("1", "#a", "done", urgent=True)
        await post.send()
        assert post.chat.says("#a") == ["done"]
        assert len(post.chat.calls) == 3


async def test_a_channel_takes_three_at_once_and_then_one_a_second(sqlite_url: str) -> None:
    """Slack's own limit; a second channel is not concerned."""
    async with post_office(sqlite_url, SLACKS) as post:
        for name in range(6):
            await post.card(str(name), "#a")
        await post.card("b", "#b")
        await post.send()
        assert (post.chat.says("#a"), post.chat.says("#b")) == (["0", "1", "2"], ["b"])
        post.turn(1)
        await post.send()
        assert post.chat.says("#a") == ["0", "1", "2", "3"]


async def test_a_429_pauses_its_channel_and_then_the_method(sqlite_url: str) -> None:
    """For as long as Slack asks; edits go on."""
    async with post_office(sqlite_url) as post:
        await post.card("edited", "#a", "before")
        await post.send()
        post.chat.fail("post", RetryLater("ratelimited", delay=30, rate_limited=True), place="#a")
        post.chat.fail("post", RetryLater("ratelimited", delay=20, rate_limited=True), place="#b")
        await post.card("1", "#a")
        await post.send()
        await post.card("2", "#b")
        await post.send()
        await post.card("3", "#c")
        await post.card("edited", "#a", "after")
        await post.send()
        assert (post.chat.says("#a"), post.chat.says("#b"), post.chat.says("#c")) == (["after"], [], [])
        post.turn(20)
        await post.send()
        assert (post.chat.says("#a"), post.chat.says("#b"), post.chat.says("#c")) == (["after"], ["2"], ["3"])
        post.turn(10)
        await post.send()
        assert post.chat.says("#a") == ["after", "1"]
        assert [call for call in post.chat.calls if call[0] == "find"] == []  # a 429 leaves no doubt


async def test_a_429_to_an_edit_pauses_edits_and_no_posts(sqlite_url: str) -> None:
    """The card shows its latest state afterwards, with one edit."""
    async with post_office(sqlite_url) as post:
        await post.card("1", "#a", "0 %")
        await post.card("2", "#a", "other")
        await post.send()
        post.chat.fail("update", RetryLater("ratelimited", delay=30, rate_limited=True))
        await post.card("1", "#a", "50 %")
        await post.send()
        await post.card("2", "#a", "other, newer")
        await post.card("3", "#a", "third")
        await post.card("1", "#a", "99 %")
        await post.send()
        assert post.chat.says("#a") == ["0 %", "other", "third"]
        post.turn(31)
        await post.send()
        assert post.chat.says("#a") == ["99 %", "other, newer", "third"]


async def test_a_slack_that_is_away_is_tried_again_more_and_more_rarely(sqlite_url: str) -> None:
    """It certainly took nothing; order within the place is kept."""
    async with post_office(sqlite_url) as post:
        post.chat.fail("post", RetryLater("no connection"), times=4)
        await post.card("1", "#a")
        await post.card("2", "#a")
        gaps = []
        for _ in range(4):
            await post.send(1)
            gaps.append(post.engine._pace.post_wait("#a", post.ticks.now))
            post.turn(gaps[-1])
        await post.send()
        assert post.chat.says("#a") == ["1", "2"]
        assert all(0.25 * 2**n <= gap <= 0.5 * 2**n for n, gap in enumerate(gaps)), gaps


async def test_a_message_that_is_gone_is_posted_anew(database_url: str) -> None:
    """Somebody deleted it, or Slack lets nobody edit it any more."""
    async with post_office(database_url) as post:
        await post.card("1", "#a", "before")
        await post.send()
        post.chat.remove("#a")
        post.chat.fail("update", MessageGone("message_not_found"))
        await post.card("1", "#a", "after")
        await post.send()
        assert post.chat.says("#a") == ["after"]
        await post.card("1", "#a", "later")
        await post.send()
        assert post.chat.says("#a") == ["later"]


@pytest.mark.parametrize("method", ["post", "update"])
async def test_blocks_that_slack_refuses_are_said_in_plain_words(sqlite_url: str, method: str) -> None:
    """Better plain than lost; and not edited again and again afterwards."""
    async with post_office(sqlite_url) as post:
        if method == "update":
            await post.card("1", "#a", "before")
            await post.send()
        post.chat.fail(method, GiveUp("invalid_blocks", "mend the template"))
        await post.card("1", "#a", "words")
        await post.send()
        (standing,) = post.chat.standing
        assert (standing.text, list(standing.message.blocks)) == ("words", [])
        assert standing.message.key == "card:1"
        calls = len(post.chat.calls)
        await post.card("1", "#a", "words")
        await post.send()
        assert len(post.chat.calls) == calls


async def test_what_slack_refuses_for_good_is_given_up_and_stops_nobody(database_url: str) -> None:
    """It is not tried again until there is something newer to show."""
    async with post_office(database_url) as post:
        post.chat.fail("post", GiveUp("msg_too_long"), place="#a", times=2)
        await post.card("1", "#a", "bad")
        await post.note("bad note", "#b")
        post.chat.fail("post", GiveUp("msg_too_long"), place="#b", times=2)
        await post.send(1)
        await post.card("2", "#a", "good")
        await post.send()
        assert post.chat.says("#a") == ["good"]
        first, _ = await post.cards()
        assert (first.error, first.state) == ("msg_too_long", CardState.LIVE)
        assert [(note.state, note.error) for note in await post.notes()] == [(SendState.FAILED, "msg_too_long")]
        await post.card("1", "#a", "shorter")
        await post.send()
        assert post.chat.says("#a") == ["good", "shorter"]


async def test_refused_credentials_stop_everything_for_a_while_and_lose_nothing(sqlite_url: str) -> None:
    """The operators read what is wrong; afterwards everything goes, in order, each with a message of its own."""
    async with post_office(sqlite_url, SLACKS) as post:
        post.chat.fail("post", Unauthorised("invalid_auth", "Set SLACK_BOT_TOKEN."))
        await post.card("1", "#a")
        await post.card("2", "#a")
        await post.send()
        await post.card("3", "#b")
        await post.send()
        assert post.engine.trouble == "invalid_auth: Set SLACK_BOT_TOKEN."
        assert len(post.chat.calls) == 1
        post.turn(60)
        await post.send()
        assert (post.chat.says("#a"), post.chat.says("#b")) == (["1", "2"], ["3"])
        assert post.engine.trouble is None


async def test_what_cannot_be_loaded_or_rendered_stops_nobody_and_is_tried_again(sqlite_url: str) -> None:
    """A fault in one template is one template's."""
    async with post_office(sqlite_url) as post:
        await post.card("1", "#a", "cannot be loaded")
        await post.card("2", "#b", "broken")
        await post.card("3", "#c", "well")
        await post.send()
        assert [one.text for one in post.chat.standing] == ["well"]
        post.words.update({"1": "mended", "2": "mended"})
        post.turn(300)
        await post.send()
        assert [one.text for one in post.chat.standing] == ["well", "mended", "mended"]


async def test_what_changes_while_a_message_is_on_its_way_is_shown_next(database_url: str) -> None:
    """The newer version stays to be sent, and so does its urgency."""
    async with post_office(database_url, PROGRESS) as post:
        held = post.chat.hold("#a")
        await post.card("1", "#a", "0 %")
        sending = asyncio.create_task(post.send(1))
        await post.chat.until(lambda: post.chat.calls)
        await post.card("1", "#a", "done", urgent=True)
        held.set()
        await sending
        (card,) = await post.cards()
        assert (card.sent_version, card.version, card.urgent) == (1, 2, True)
        await post.send()
        assert post.chat.says("#a") == ["done"]


async def test_thousands_of_edits_hide_no_message_that_nobody_has_seen(sqlite_url: str) -> None:
    """Edits are slow, and older; whatever is new is posted meanwhile."""
    async with post_office(sqlite_url, Limits(update_burst=1)) as post:
        rows = [
            {
                "kind": "card", "subject": f"old {number}", "place": "#old", "lane": Lane.FEED, "state": "live",
                "version": 2, "sent_version": 1, "urgent": True, "channel": "C:#old", "ts": "0.0",
                "created_at": post.clock(),
            }
            for number in range(LOOK_AHEAD + 1)
        ]  # fmt: skip

        def fill(session: Session) -> None:
            session.connection().execute(insert(Card), rows)

        await post.database.write(fill)
        await post.card("new", "#new")
        await post.send(1)
        assert post.chat.says("#new") == ["new"]


async def test_the_engine_runs_by_itself_and_stops_in_good_order(database_url: str) -> None:
    """Woken by the outbox's bell; what is under way is finished, nothing more is begun, nothing is in doubt."""
    async with post_office(database_url) as post:
        post.engine.listen()
        running = asyncio.create_task(post.engine.run(orderly=True))
        await post.card("1", "#a")
        await post.chat.until(lambda: post.chat.says("#a"))
        held = post.chat.hold("#b")
        await post.card("2", "#b")
        await post.chat.until(lambda: len(post.chat.calls) == 2)
        stopping = asyncio.create_task(post.engine.stop(20))
        await asyncio.sleep(0)
        await post.card("3", "#c")
        held.set()
        assert await stopping is True
        await running
        assert (post.chat.says("#b"), post.chat.says("#c")) == (["2"], [])
        assert [card.sent_version for card in await post.cards()] == [1, 1, 0]


async def test_a_round_that_is_under_way_when_it_is_to_stop_begins_no_call(sqlite_url: str) -> None:
    """Nobody would wait for that call: it could not be called orderly."""
    async with post_office(sqlite_url) as post:
        await post.card("1", "#a")
        looking = asyncio.create_task(post.engine._round())
        await asyncio.sleep(0)
        assert await post.engine.stop(20) is True
        await looking
        await post.settled()
        assert post.chat.calls == []


async def test_a_stop_that_has_to_cut_a_call_off_is_not_orderly(sqlite_url: str) -> None:
    """Whoever comes next must look whether it went out."""
    async with post_office(sqlite_url) as post:
        post.chat.hold("#a")
        await post.card("1", "#a")
        await post.engine._round()
        await asyncio.sleep(0)
        assert await post.engine.stop(0.01) is False
        await post.settled()


async def test_how_long_things_wait_is_measured_by_lane(database_url: str) -> None:
    """Cards, notes and effects that are due; what was sent counts for nothing."""
    async with post_office(database_url) as post:
        await post.card("sent", "#a")
        await post.send()
        await post.card("1", "#a", lane=Lane.APPROVAL)
        post.turn(30)
        await post.effect(1, lane=Lane.PAGE)
        await post.note("2", "#a")
        post.turn(10)
        ages = await post.database.read(lambda session: queue.oldest(session, post.clock()))
        assert ages == {"page": 10.0, "approval": 40.0, "feed": 10.0}
        await post.send()
        ages = await post.database.read(lambda session: queue.oldest(session, post.clock()))
        assert ages == {"page": 0.0, "approval": 0.0, "feed": 0.0}
        await post.engine.measure()
