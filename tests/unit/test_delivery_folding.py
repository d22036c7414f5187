"""Bursts: what would wait too long for a card of its own becomes a line of a digest; failures never do."""

from __future__ import annotations

from sqlmodel import Session

from bot import outbox
from bot.delivery import Limits
from bot.errors import RetryLater
from bot.outbox import Card, CardState
from tests.unit.scripted import Post, post_office

SLACKS = Limits()


def folded(cards: list[Card]) -> list[str]:
    """The subjects of the cards that stand as lines."""
    return [card.subject for card in cards if card.state == CardState.FOLDED]


async def send_for(post: Post, seconds: int) -> None:
    """Let this much time pass, second by second."""
    for _ in range(seconds):
        await post.send(3)
        post.turn(1)


async def test_the_tail_of_a_burst_is_folded_into_a_digest(database_url: str) -> None:
    """Those that would wait more than thirty seconds; all of them are visible long before the last would have been."""
    async with post_office(database_url, SLACKS) as post:
        for number in range(80):
            await post.card(f"{number:02}", "#a")
        await post.card("b", "#b")
        await send_for(post, 40)
        said = post.chat.says("#a")
        own = 80 - len(folded(await post.cards()))
        assert own == 32  # three at once, one a second for thirty seconds, less the digest's own turn
        assert [words for words in said if not words.startswith("digest")] == [f"{number:02}" for number in range(own)]
        (digest,) = [words for words in said if words.startswith("digest")]
        assert digest == "digest of " + ", ".join(f"{number:02}" for number in range(own, 80))
        assert post.chat.says("#b") == ["b"]


async def test_failures_and_requests_are_never_folded(database_url: str) -> None:
    """However long the queue: they get a card of their own."""
    async with post_office(database_url, SLACKS) as post:
        post.failed.update({"45", "70"})
        for number in range(80):
            await post.card(f"{number:02}", "#a")
        await send_for(post, 45)
        assert not {"45", "70"} & set(folded(await post.cards()))
        assert {"45", "70"} <= set(post.chat.says("#a"))


async def test_what_happens_to_a_folded_card_is_shown_in_its_digest(database_url: str) -> None:
    """It is not posted; the digest is edited."""
    async with post_office(database_url, SLACKS) as post:
        for number in range(40):
            await post.card(f"{number:02}", "#a")
        await send_for(post, 45)
        subject = folded(await post.cards())[-1]
        await post.card(subject, "#a", "succeeded")
        await send_for(post, 21)
        assert "succeeded" not in post.chat.says("#a")
        assert next(words for words in post.chat.says("#a") if words.startswith("digest")).endswith("succeeded")


async def test_a_folded_card_that_fails_gets_a_message_of_its_own(database_url: str) -> None:
    """And is not folded again."""
    async with post_office(database_url, SLACKS) as post:
        for number in range(40):
            await post.card(f"{number:02}", "#a")
        await send_for(post, 45)
        subject = folded(await post.cards())[-1]
        post.failed.add(subject)
        await post.card(subject, "#a", "failed")

        def unfold(session: Session) -> None:
            card = outbox.find_card(session, "card", subject, "#a")
            assert card is not None
            outbox.unfold(session, card, post.clock())

        await post.database.write(unfold)
        await post.send()
        assert "failed" in post.chat.says("#a")
        assert subject not in folded(await post.cards())


async def test_a_later_burst_goes_into_the_same_digest_while_it_is_young(sqlite_url: str) -> None:
    """After a quarter of an hour a new one begins, below what was said since."""
    async with post_office(sqlite_url, SLACKS) as post:
        for start in (0, 100):
            for number in range(start, start + 40):
                await post.card(f"{number:03}", "#a")
            await send_for(post, 45)
        assert len([words for words in post.chat.says("#a") if words.startswith("digest")]) == 1
        post.turn(900)
        for number in range(200, 240):
            await post.card(f"{number:03}", "#a")
        await send_for(post, 45)
        assert len([words for words in post.chat.says("#a") if words.startswith("digest")]) == 2


async def test_a_digest_that_is_full_is_followed_by_another(sqlite_url: str) -> None:
    """Slack takes about twelve thousand characters in a message."""
    async with post_office(sqlite_url, SLACKS) as post:

        def burst(session: Session) -> None:
            for number in range(300):
                outbox.touch_card(session, "card", str(number), "#a", post.clock())

        post.words.update({str(number): str(number) for number in range(300)})
        await post.database.write(burst)
        await send_for(post, 45)
        said = post.chat.says("#a")
        digests = [words.removeprefix("digest of ").split(", ") for words in said if words.startswith("digest")]
        assert [len(lines) for lines in digests] == [200, 69]
        own = [words for words in said if not words.startswith("digest")]
        assert sorted([*own, *digests[0], *digests[1]], key=int) == [str(number) for number in range(300)]


async def test_a_pause_alone_folds_nothing(sqlite_url: str) -> None:
    """Slack asks for a minute: five cards wait for it and each gets its own message, since no line would be sooner."""
    async with post_office(sqlite_url, SLACKS) as post:
        post.chat.fail("post", RetryLater("ratelimited", delay=60, rate_limited=True))
        for number in range(5):
            await post.card(str(number), "#a")
        await post.send()
        post.turn(60)
        await send_for(post, 5)
        assert post.chat.says("#a") == ["0", "1", "2", "3", "4"]
