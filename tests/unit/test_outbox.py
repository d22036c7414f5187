"""Things to send: touched, folded and unfolded, said once, done once, and given the right address."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from bot import outbox
from bot.database import Database
from bot.delivery import queue
from bot.outbox import Card, CardState, Effect, Lane, Note, SendState
from tests.unit.stores import NOON, opened

WHO = "who:github:ana"
ANA = "U0ANA"


async def all_cards(database: Database) -> list[Card]:
    """Every card, in order."""
    return list(await database.read(lambda session: session.exec(select(Card).order_by(col(Card.id))).all()))


async def all_notes(database: Database) -> list[Note]:
    """Every note, in order."""
    return list(await database.read(lambda session: session.exec(select(Note).order_by(col(Note.id))).all()))


def settle(session: Session, card: Card) -> None:
    """The card was posted as it is now."""
    card.channel, card.ts, card.sent_version = "D1", "1.0", card.version


async def test_a_card_is_made_once_for_its_subject_and_place(database_url: str) -> None:
    """Each touch makes it newer; one that is urgent stays so until it is shown."""
    async with opened(database_url) as database:

        def touch(session: Session) -> None:
            outbox.touch_card(session, "deploy", "1", "#a", NOON)
            outbox.touch_card(session, "deploy", "1", "#a", NOON, urgent=True)
            outbox.touch_card(session, "deploy", "1", "#a", NOON)
            outbox.touch_card(session, "deploy", "1", "#b", NOON, lane=Lane.APPROVAL)
            outbox.touch_card(session, "change", "1", "#a", NOON)

        await database.write(touch)
        found = [(card.kind, card.place, card.lane, card.version, card.urgent) for card in await all_cards(database)]
        assert found == [
            ("deploy", "#a", 2, 3, True),
            ("deploy", "#b", 1, 1, False),
            ("change", "#a", 2, 1, False),
        ]


async def test_writing_anything_to_be_sent_rings_the_engine(sqlite_url: str) -> None:
    """Cards, notes and effects; what is already there rings for nothing."""
    rung: list[int] = []
    async with opened(sqlite_url) as database:
        database.on_bell(outbox.BELL, lambda: rung.append(1))
        for _ in range(2):
            await database.write(lambda session: outbox.add_note(session, "n", "key", "#a", NOON))
            await database.write(lambda session: outbox.add_effect(session, "e", "key", NOON))
        await database.write(lambda session: outbox.touch_card(session, "deploy", "1", "#a", NOON))
        await database.write(lambda session: outbox.rearm_effect(session, "key"))
    assert len(rung) == 3


async def test_a_note_is_said_once_and_an_effect_done_once(database_url: str) -> None:
    """Whoever asks again hears that it is not new; what they ask with is not taken over."""
    async with opened(database_url) as database:

        def add(session: Session) -> list[bool]:
            return [
                outbox.add_note(session, "n", "key", "#a", NOON, words="first"),
                outbox.add_note(session, "n", "key", "#a", NOON, words="second"),
                outbox.add_effect(session, "e", "key", NOON, number=1, due_at=NOON + timedelta(hours=1)),
                outbox.add_effect(session, "e", "key", NOON, number=2),
            ]

        assert await database.write(add) == [True, False, True, False]
        assert [note.data for note in await all_notes(database)] == [{"words": "first"}]
        effect = await database.read(lambda session: session.exec(select(Effect)).one())
        assert (effect.data, effect.due_at) == ({"number": 1}, NOON + timedelta(hours=1))


async def test_what_was_not_said_after_all_does_not_count_as_said(database_url: str) -> None:
    """A correction follows only what somebody may have read."""
    async with opened(database_url) as database:

        def add(session: Session) -> list[bool]:
            outbox.add_note(session, "n", "moot", "#a", NOON)
            outbox.add_note(session, "n", "waits", "#a", NOON)
            session.exec(select(Note).where(Note.key == "moot")).one().state = SendState.MOOT.value
            session.flush()
            return [outbox.noted(session, key) for key in ("moot", "waits", "never")]

        assert await database.write(add) == [False, True, False]


async def test_a_card_that_is_folded_shows_its_news_in_the_digest(database_url: str) -> None:
    """It stays folded until it is unfolded; then it is urgent, once."""
    async with opened(database_url) as database:

        def fold(session: Session) -> tuple[int, int]:
            card = outbox.touch_card(session, "deploy", "1", "#a", NOON)
            rows, _ = queue.waiting(session, NOON)
            assert queue.fold(session, "#a", rows, lambda session, card: True, NOON) == {card.id}
            digest = session.get(Card, card.digest)
            assert digest is not None
            before = digest.version
            outbox.touch_card(session, "deploy", "1", "#a", NOON)
            assert card.state == CardState.FOLDED
            assert digest.version == before + 1
            outbox.unfold(session, card, NOON)
            outbox.unfold(session, card, NOON)
            return card.id or 0, digest.id or 0

        number, digest = await database.write(fold)
        card = next(one for one in await all_cards(database) if one.id == number)
        assert (card.state, card.urgent, card.version, card.digest) == (CardState.LIVE, True, 2, digest)


async def test_a_place_that_could_not_be_reached_is_tried_again_with_the_next_news(database_url: str) -> None:
    """Somebody may have invited us."""
    async with opened(database_url) as database:

        def unreachable(session: Session) -> None:
            card = outbox.touch_card(session, "deploy", "1", "#a", NOON)
            card.state = CardState.UNREACHABLE.value
            session.flush()
            assert queue.waiting(session, NOON) == ([], [])
            outbox.touch_card(session, "deploy", "1", "#a", NOON)
            session.flush()
            assert len(queue.waiting(session, NOON)[0]) == 1

        await database.write(unreachable)


# --- people who are found -----------------------------------------------------------------------------------------


async def test_what_waits_for_a_person_is_readdressed(database_url: str) -> None:
    """Cards and notes alike; what waits for somebody else is not touched."""
    async with opened(database_url) as database:

        def write(session: Session) -> None:
            card = outbox.touch_card(session, "change", "1", WHO, NOON)
            outbox.touch_card(session, "change", "1", "who:github:ben", NOON)
            outbox.add_note(session, "change", f"said:{WHO}", WHO, NOON, thread=card)
            outbox.readdress(session, WHO, ANA)

        await database.write(write)
        assert [card.place for card in await all_cards(database)] == [ANA, "who:github:ben"]
        assert [(note.place, note.key) for note in await all_notes(database)] == [(ANA, f"said:{ANA}")]


async def test_what_was_said_to_somebody_not_found_yet_is_not_said_again_once_they_are(database_url: str) -> None:
    """It was asked for by their login, and later by their Slack id: it is the same."""
    async with opened(database_url) as database:

        def write(session: Session) -> list[bool]:
            new = [outbox.add_note(session, "change", f"said:{WHO}", WHO, NOON)]
            outbox.readdress(session, WHO, ANA)
            return [*new, outbox.add_note(session, "change", f"said:{ANA}", ANA, NOON)]

        assert await database.write(write) == [True, False]


async def test_somebody_named_twice_gets_one_card_and_one_note(database_url: str) -> None:
    """By login and by address: the second card is moot, and what it was touched for shows on the first."""
    async with opened(database_url) as database:

        def write(session: Session) -> None:
            for place in ("who:github:ana", "who:email:ana@example.com"):
                card = outbox.touch_card(session, "change", "1", place, NOON)
                outbox.add_note(session, "change", f"live:{place}", place, NOON, thread=card)
            outbox.readdress(session, "who:github:ana", ANA)
            outbox.readdress(session, "who:email:ana@example.com", ANA)

        await database.write(write)
        first, second = await all_cards(database)
        assert (first.place, first.state, first.version) == (ANA, CardState.LIVE, 2)
        assert second.state == CardState.MOOT
        assert [note.state for note in await all_notes(database)] == [SendState.PENDING, SendState.MOOT]


async def test_news_for_somebody_who_has_to_be_looked_up_again_reaches_their_card(database_url: str) -> None:
    """A day later Slack is asked anew who they are: their card is edited, and the reply goes into its thread."""
    async with opened(database_url) as database:

        def first_day(session: Session) -> int:
            card = outbox.touch_card(session, "change", "1", WHO, NOON)
            outbox.readdress(session, WHO, ANA)
            settle(session, card)
            return card.id or 0

        def next_day(session: Session) -> None:
            card = outbox.touch_card(session, "change", "1", WHO, NOON, urgent=True)
            outbox.add_note(session, "change", f"live:{WHO}", WHO, NOON, thread=card)
            outbox.readdress(session, WHO, ANA)

        number = await database.write(first_day)
        for version in (2, 3):  # and once more, when the moot card is there already
            await database.write(next_day)
            (card,) = [one for one in await all_cards(database) if one.state == CardState.LIVE]
            assert (card.id, card.place, card.version, card.urgent) == (number, ANA, version, True)
            (note,) = [one for one in await all_notes(database) if one.state == SendState.PENDING]
            assert (note.place, note.thread) == (ANA, number)


async def test_somebody_who_was_nobody_is_asked_for_again_with_the_next_news(database_url: str) -> None:
    """A new colleague may be in Slack by the time their change is live."""
    async with opened(database_url) as database:

        def nobody(session: Session) -> None:
            card = outbox.touch_card(session, "change", "1", WHO, NOON)
            outbox.add_note(session, "change", f"failed:{WHO}", WHO, NOON, thread=card)
            outbox.readdress(session, WHO, None)
            session.flush()
            assert queue.waiting(session, NOON)[0] == []

        def later(session: Session) -> None:
            card = outbox.touch_card(session, "change", "1", WHO, NOON)
            outbox.add_note(session, "change", f"live:{WHO}", WHO, NOON, thread=card)
            outbox.readdress(session, WHO, ANA)

        await database.write(nobody)
        await database.write(later)
        (card,) = await all_cards(database)
        assert (card.place, card.state) == (ANA, CardState.LIVE)
        assert [(note.key, note.state) for note in await all_notes(database)] == [
            (f"failed:{WHO}", SendState.MOOT),
            (f"live:{ANA}", SendState.PENDING),
        ]


async def test_a_reply_to_a_twin_that_is_folded_unfolds_it(database_url: str) -> None:
    """What is said in a thread needs a message above it."""
    async with opened(database_url) as database:

        def write(session: Session) -> None:
            card = outbox.touch_card(session, "change", "1", ANA, NOON)
            rows, _ = queue.waiting(session, NOON)
            queue.fold(session, ANA, rows, lambda session, card: True, NOON)
            twin = outbox.touch_card(session, "change", "1", WHO, NOON)
            outbox.add_note(session, "change", f"failed:{WHO}", WHO, NOON, thread=twin)
            outbox.readdress(session, WHO, ANA)
            assert card.state == CardState.LIVE
            assert card.urgent

        await database.write(write)
