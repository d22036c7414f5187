"""What cannot be sent to its place: said once in the fallback channel, and what must be heard is said there."""

from __future__ import annotations

from bot.errors import PlaceUnreachable
from bot.outbox import SendState
from tests.unit.scripted import post_office


async def test_a_place_that_cannot_be_reached_is_said_once_until_it_worked_again(database_url: str) -> None:
    """To the fallback channel; other places go on, and it is tried again when there is something newer."""
    fault = PlaceUnreachable("not_in_channel", "Invite Shipmate.")
    async with post_office(database_url) as post:
        post.chat.fail("post", fault, place="#a", times=4)
        for name in ("1", "2", "3"):
            await post.card(name, "#a")
        await post.card("4", "#b")
        await post.send()
        assert post.chat.says("#deploys") == ["#a cannot be reached: not_in_channel"]
        assert post.chat.says("#b") == ["4"]
        assert [card.state for card in await post.cards()] == ["unreachable", "unreachable", "unreachable", "live"]
        post.clock.turn(days=1)
        await post.card("1", "#a")
        await post.send()
        assert post.chat.says("#deploys") == ["#a cannot be reached: not_in_channel"]
        await post.card("1", "#a", "invited now")
        await post.send()
        assert post.chat.says("#a") == ["invited now"]
        post.chat.fail("post", fault, place="#a", times=1)
        await post.card("5", "#a")
        await post.send()
        assert post.chat.says("#deploys") == ["#a cannot be reached: not_in_channel"] * 2


async def test_what_must_be_heard_is_said_elsewhere_where_its_card_cannot_be_shown(database_url: str) -> None:
    """The words are not lost with the card; what is of less weight is."""
    async with post_office(database_url) as post:
        post.chat.fail("post", PlaceUnreachable("channel_not_found"), place="#a", times=99)
        card = await post.card("1", "#a")
        await post.note("Ana is woken", "#a", thread=card, kind="must")
        await post.note("by the way", "#a", thread=card)
        await post.send()
        assert sorted(post.chat.says("#deploys")) == ["#a cannot be reached: channel_not_found", "Ana is woken"]
        assert [note.state for note in await post.notes()] == [SendState.DONE, SendState.MOOT, SendState.DONE]


async def test_what_must_be_heard_later_is_not_lost_with_a_card_that_never_was_shown(database_url: str) -> None:
    """It is said in its place where that works by now, else elsewhere."""
    async with post_office(database_url) as post:
        post.chat.fail("post", PlaceUnreachable("channel_not_found"), place="#a", times=2)
        card = await post.card("1", "#a")
        await post.send()
        await post.note("Ana is woken", "#a", thread=card, kind="must")
        await post.note("by the way", "#a", thread=card)
        await post.send()
        assert post.chat.says("#deploys") == ["#a cannot be reached: channel_not_found", "Ana is woken"]
        await post.note("Ben is woken", "#a", thread=card, kind="must")
        await post.send()
        assert post.chat.says("#a") == ["Ben is woken"]


async def test_what_must_be_heard_is_said_elsewhere_where_its_own_place_is_gone(database_url: str) -> None:
    """Somebody archived the room: once, and not again into a fallback channel that is gone as well."""
    async with post_office(database_url) as post:
        post.chat.fail("post", PlaceUnreachable("is_archived"), place="#a", times=99)
        await post.note("Ana is woken", "#a", kind="must")
        await post.note("by the way", "#a")
        await post.send()
        assert sorted(post.chat.says("#deploys")) == ["#a cannot be reached: is_archived", "Ana is woken"]
        post.chat.fail("post", PlaceUnreachable("is_archived"), place="#deploys", times=99)
        await post.note("Ben is woken", "#a", kind="must")
        await post.send()
        assert [note.state for note in await post.notes() if "words" in note.data] == [
            SendState.DONE,
            SendState.FAILED,
            SendState.FAILED,
        ]


async def test_an_unreachable_fallback_channel_is_not_said_into_itself(sqlite_url: str) -> None:
    """Nobody would read it, again and again."""
    async with post_office(sqlite_url) as post:
        post.chat.fail("post", PlaceUnreachable("channel_not_found"), times=99)
        await post.card("1", "#deploys")
        await post.card("2", "#a")
        await post.send()
        assert [(note.place, note.state) for note in await post.notes()] == [("#deploys", SendState.FAILED)]
