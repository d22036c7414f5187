"""What comes in: stored once, applied in order and once, parked when it cannot be applied, never lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from bot import inbox
from bot.database import DatabaseUnavailable
from bot.events import Event
from bot.inbox import FAILED_SAID, Accepted, Applied, Delivery, DeliveryState, Inbox, Incoming, Lane
from bot.inbox.storing import store
from tests.unit.office import Office, acted, letter, office
from tests.unit.stores import NOON

# --- storing ------------------------------------------------------------------------------------------------------


async def test_new_repeated_and_failed_deliveries_in_one_group_are_told_apart(database_url: str) -> None:
    """Also when the same one comes twice at the very same moment."""
    async with office(database_url) as here:
        here.reader.broken.add("bad")
        await asyncio.gather(here.inbox.accept(letter("old")), here.inbox.accept(letter("bad")))
        await here.apply_all()
        answers = await asyncio.gather(
            *(here.inbox.accept(letter(name)) for name in ("old", "bad", "new", "new", "bad", "newer"))
        )
        assert answers == [
            Accepted.DUPLICATE,
            Accepted.REQUEUED,
            Accepted.NEW,
            Accepted.DUPLICATE,
            Accepted.DUPLICATE,
            Accepted.NEW,
        ]
        states = await here.states()
        assert states == {"old": "applied", "bad": "pending", "new": "pending", "newer": "pending"}


async def test_what_is_said_again_after_another_word_of_the_same_is_said_anew(database_url: str) -> None:
    """It fires, is over and fires in the same words; without another word in between a second time is a second try."""
    told = [letter(f"{about}:{word}") for about, word in ("af", "af", "bf", "af", "ar", "af", "af", "ar", "ar", "bf")]
    async with office(database_url) as here:
        new = [await here.inbox.accept(replace(one, about=one.delivery_id[:2])) is Accepted.NEW for one in told]
        assert new == [True, False, True, False, True, True, False, True, False, False]
        await here.apply_all()
        assert await here.aloud() == ["a:f", "b:f", "a:r", "a:f", "a:r"]
        assert await here.inbox.accept(letter("a:f")) is Accepted.DUPLICATE


@pytest.mark.parametrize(
    ("told", "new"),
    [
        (("a:f", "a:r", "a:f"), [True, True, True]),
        (("a:f", "a:f", "a:r"), [True, False, True]),
        (("a:f", "b:f", "a:r", "b:f", "a:r"), [True, True, True, False, False]),
    ],
    ids=["it fires, is over and fires", "a second try is no word after the end", "of two things"],
)
@pytest.mark.parametrize("before", [0, 1])
def test_what_is_stored_together_is_told_in_its_order(
    sqlite_session: Session, told: Sequence[str], new: Sequence[bool], before: int
) -> None:
    """Also where the first was stored ``before``."""
    arriving = [replace(letter(one), about=one[:2]) for one in told]
    groups = [group for group in (arriving[:before], arriving[before:]) if group]
    stored = [answer for group in groups for answer in store(sqlite_session, group, NOON)]
    assert [accepted is Accepted.NEW for accepted, _ in stored] == new
    numbers = [number for accepted, number in stored if accepted is Accepted.NEW]
    assert numbers == sorted(numbers)


async def test_what_is_accepted_is_kept_byte_for_byte(database_url: str) -> None:
    """With its headers and the instant of its arrival."""
    async with office(database_url) as here:
        body = bytes(range(256))
        assert (
            await here.inbox.accept(Incoming("github", "1", {"X-Kind": "ünïcode"}, body, Lane.URGENT)) is Accepted.NEW
        )
        row = await here.database.read(lambda session: session.exec(select(Delivery)).one())
        assert (row.body, row.headers, row.received_at, row.lane) == (body, {"X-Kind": "ünïcode"}, NOON, "urgent")


async def test_the_same_id_from_two_sources_is_two_deliveries(database_url: str) -> None:
    """Each sender counts for itself."""
    async with office(database_url) as here:
        other = Incoming("gitlab", "1", {}, b"", Lane.FEED)
        assert await here.inbox.accept(letter("1")) is Accepted.NEW
        assert await here.inbox.accept(other) is Accepted.NEW
        assert await here.inbox.accept(other) is Accepted.DUPLICATE


async def test_one_that_cannot_be_stored_turns_nobody_elses_away(postgres_server: str) -> None:
    """They share a statement; PostgreSQL refuses an id that is too long, and only that one."""
    from tests.conftest import new_postgres_database

    async with office(new_postgres_database(postgres_server)) as here:
        answers = await asyncio.gather(
            *(here.inbox.accept(letter(name)) for name in ("first", "x" * 300, "last")), return_exceptions=True
        )
        assert (answers[0], answers[2]) == (Accepted.NEW, Accepted.NEW)
        assert isinstance(answers[1], Exception)
        assert set(await here.states()) == {"first", "last"}


async def test_nothing_is_accepted_by_a_database_that_is_closed(sqlite_url: str) -> None:
    """The door answers 503, and the sender knows that we have nothing."""
    async with office(sqlite_url) as here:
        await here.database.close()
        with pytest.raises(DatabaseUnavailable):
            await here.inbox.accept(letter("1"))
        with pytest.raises(DatabaseUnavailable):
            await here.inbox.accept(letter("2"))


# --- applying -----------------------------------------------------------------------------------------------------


async def test_deliveries_are_applied_in_the_order_of_their_arrival(database_url: str) -> None:
    """More of them than one batch holds, stored in groups."""
    names = [f"{number:03}" for number in range(130)]
    async with office(database_url) as here:
        await asyncio.gather(*(here.inbox.accept(letter(name)) for name in names))
        await here.apply_all()
        assert await here.aloud() == names


async def test_peoples_clicks_do_not_wait_behind_the_feed(database_url: str) -> None:
    """Within each lane the order of arrival holds."""
    async with office(database_url) as here:
        for name in ("feed 1", "feed 2"):
            await here.inbox.accept(letter(name))
        for name in ("click 1", "click 2"):
            await here.inbox.accept(letter(name, lane=Lane.URGENT))
        await here.apply_all()
        assert await here.aloud() == ["click 1", "click 2", "feed 1", "feed 2"]


async def test_one_that_cannot_be_applied_is_parked_while_the_rest_flow(database_url: str) -> None:
    """With its error; what it wrote before it failed is undone, and it is not tried again by itself."""
    async with office(database_url) as here:
        here.reader.broken.add("bad")
        await asyncio.gather(*(here.inbox.accept(letter(name)) for name in ("one", "bad", "two")))
        await here.apply_all()
        await here.apply_all()
        assert await here.aloud() == ["one", "two"]
        row = await here.database.read(
            lambda session: session.exec(select(Delivery).where(Delivery.delivery_id == "bad")).one()
        )
        assert (row.state, row.error, row.applied_at) == ("failed", "ValueError: cannot read bad", NOON)


async def test_a_delivery_is_applied_once_even_when_looked_at_twice_at_once(database_url: str) -> None:
    """Two looks at the same moment: the row's own state decides, in the transaction that applies."""
    async with office(database_url) as here:
        await asyncio.gather(*(here.inbox.accept(letter(name)) for name in ("one", "two")))
        await asyncio.gather(here.inbox.apply_pending(), here.inbox.apply_pending())
        assert await here.aloud() == ["one", "two"]


async def test_one_of_many_events_takes_turns_with_what_came_after_it(database_url: str) -> None:
    """Its first events have their effect at once, and a click does not wait for the last of them."""
    words = [f"word {number}" for number in range(2 * inbox.EVENTS_AT_ONCE + 1)]
    async with office(database_url) as here:
        await here.inbox.accept(letter("group", body="|".join(words), lane=Lane.URGENT))
        await here.inbox.accept(letter("click", lane=Lane.URGENT))
        await here.inbox.apply_pending()
        assert await here.aloud() == [*words[: inbox.EVENTS_AT_ONCE], "click"]
        assert await here.states() == {"group": "pending", "click": "applied"}
        await here.apply_all()
        assert [word for word in await here.aloud() if word != "click"] == words
        assert await here.states() == {"group": "applied", "click": "applied"}


async def test_one_of_many_events_goes_on_where_it_was_killed(database_url: str) -> None:
    """How far it came is in the same transaction as what it did: nothing is lost, and nothing read twice."""
    words = [f"word {number}" for number in range(3 * inbox.EVENTS_AT_ONCE)]
    async with office(database_url) as here:
        await here.inbox.accept(letter("group", body="|".join(words)))
        await here.inbox.apply_pending()
        restarted = Inbox(
            here.database,
            clock=here.clock,
            translators={"github": here.reader.translate},
            apply=here.reader.apply,
            stream_of=here.reader.stream_of,
        )
        while await restarted.apply_pending():
            pass
        assert await here.aloud() == words
        assert await here.states() == {"group": "applied"}


async def test_one_of_many_events_that_fails_midway_is_replayed_from_its_beginning(database_url: str) -> None:
    """What was applied before the fault stays, and the sender's own repeat of it begins anew."""
    words = [f"word {number}" for number in range(inbox.EVENTS_AT_ONCE + 1)]
    async with office(database_url) as here:
        here.reader.broken.add(words[-1])
        await here.inbox.accept(letter("group", body="|".join(words)))
        await here.apply_all()
        assert (await here.aloud(), await here.states()) == (words[:-1], {"group": "failed"})
        here.reader.broken.clear()
        assert await here.inbox.accept(letter("group")) is Accepted.REQUEUED
        await here.apply_all()
        assert await here.aloud() == words[:-1] + words
        assert await here.states() == {"group": "applied"}


async def test_the_worker_goes_on_with_one_of_many_events_by_itself(database_url: str) -> None:
    """Each part rings for the next: looking at the tables now and then would take longer than whoever waits does."""
    words = [f"word {number}" for number in range(8 * inbox.EVENTS_AT_ONCE)]
    async with office(database_url) as here, working(here):
        done = await acted(here.inbox, letter("group", body="|".join(words)))
        assert done == Applied(said=f"{words[-inbox.EVENTS_AT_ONCE]} was read")
        assert await here.aloud() == words


async def test_failed_deliveries_are_applied_when_they_are_replayed(database_url: str) -> None:
    """All that failed, or those that are named, whatever became of them."""
    async with office(database_url) as here:
        here.reader.broken.update(("bad", "worse"))
        for name in ("good", "bad", "worse"):
            await here.inbox.accept(letter(name))
        await here.apply_all()
        here.reader.broken.remove("bad")
        assert await here.database.write(inbox.requeue) == 2
        await here.apply_all()
        assert await here.aloud() == ["good", "bad"]
        assert await here.states() == {"good": "applied", "bad": "applied", "worse": "failed"}
        row = await here.database.read(
            lambda session: session.exec(select(Delivery.id).where(Delivery.delivery_id == "good")).one()
        )
        assert row is not None
        assert await here.database.write(lambda session: inbox.requeue(session, [row, row, 999])) == 1
        await here.apply_all()
        assert await here.aloud() == ["good", "bad", "good"]


async def test_more_deliveries_can_be_replayed_than_a_statement_has_room_for(sqlite_url: str) -> None:
    """SQLite takes 32766 parameters."""
    async with office(sqlite_url) as here:
        await here.inbox.accept(letter("one"))
        assert await here.database.write(lambda session: inbox.requeue(session, list(range(40_000)))) == 1


async def test_the_worker_is_woken_by_the_bell_and_stops_in_good_order(database_url: str) -> None:
    """What comes while it sleeps is applied at once; cancelled, it loses nothing."""
    async with office(database_url) as here:
        here.inbox.listen()
        worker = asyncio.create_task(here.inbox.run())
        for name in ("one", "two", "three"):
            done = await acted(here.inbox, letter(name), patience=20)
            assert done == Applied(said=f"{name} was read")
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        await here.inbox.accept(letter("four"))
        await here.apply_all()
        assert await here.aloud() == ["one", "two", "three", "four"]


async def test_old_deliveries_are_forgotten_unless_they_failed(database_url: str) -> None:
    """A few at a time; those still to be applied stay, however old."""
    async with office(database_url) as here:
        here.reader.broken.add("bad")
        here.reader.refused.add("no")
        for name in ("one", "two", "bad", "no"):
            await here.inbox.accept(letter(name))
        await here.apply_all()
        await here.inbox.accept(letter("waiting"))
        here.clock.turn(days=31)
        await here.inbox.accept(letter("young"))
        await here.apply_all()
        here.reader.broken.clear()
        before = here.clock() - inbox.RETENTION
        assert await here.database.write(lambda session: inbox.forget_applied(session, before, limit=2)) == 2
        assert await here.database.write(lambda session: inbox.forget_applied(session, before, limit=2)) == 2
        assert await here.database.write(lambda session: inbox.forget_applied(session, before, limit=2)) == 0
        assert await here.states() == {"bad": "failed", "young": "applied"}


# --- acting -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def working(here: Office) -> AsyncIterator[None]:
    """A worker that applies until the block is left."""
    here.inbox.listen()
    worker = asyncio.create_task(here.inbox.run())
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_a_person_is_told_what_their_act_came_to(database_url: str) -> None:
    """The same for the second half of a double click, which is applied once."""
    async with office(database_url) as here, working(here):
        both = await asyncio.gather(*(acted(here.inbox, letter("go", lane=Lane.URGENT)) for _ in range(2)))
        assert both == [Applied(said="go was read")] * 2
        assert await acted(here.inbox, letter("go", lane=Lane.URGENT)) == Applied(said="go was read")
        assert await here.aloud() == ["go"]


async def test_a_refusal_says_why_and_leaves_nothing_behind(database_url: str) -> None:
    """Now, and whenever the same act is looked at again."""
    async with office(database_url) as here, working(here):
        here.reader.refused.add("mine")
        expected = Applied(said="Nobody may send mine.", refused=True)
        assert await acted(here.inbox, letter("mine")) == expected
        assert await acted(here.inbox, letter("mine")) == expected
        assert await here.aloud() == []
        assert await here.states() == {"mine": DeliveryState.REFUSED}


async def test_an_error_of_ours_is_told_without_its_insides(database_url: str) -> None:
    """To whoever waits here, and to whoever waits at another replica and finds it in the tables."""
    async with office(database_url) as here:
        here.reader.broken.add("bad")
        row = await here.inbox.store_act(letter("bad"))
        waiting = asyncio.create_task(here.inbox.outcome(row))
        await asyncio.sleep(0)
        await here.apply_all()
        assert await waiting == Applied(said=FAILED_SAID, refused=True)
        assert await here.inbox.outcome(row) == Applied(said=FAILED_SAID, refused=True)


async def test_an_act_that_takes_too_long_is_not_lost(database_url: str) -> None:
    """The person is told that it is taken, and it happens later."""
    async with office(database_url) as here:
        done = await acted(here.inbox, letter("slow"), patience=0.0)
        assert done.said is not None
        assert done.said.startswith("Taken.")
        assert not done.refused
        await here.apply_all()
        assert await here.aloud() == ["slow"]


async def test_an_act_that_cannot_be_stored_is_not_said_to_be_taken(sqlite_url: str) -> None:
    """The click is answered by the door, which hears of the database."""
    async with office(sqlite_url) as here:
        await here.database.close()
        with pytest.raises(DatabaseUnavailable):
            await acted(here.inbox, letter("go"))


async def test_a_database_that_is_away_for_a_moment_parks_nothing(sqlite_url: str) -> None:
    """A full disk is not the delivery's fault: it stays pending, and is applied when there is room."""

    async with office(sqlite_url) as here:
        full = [True]

        def apply(session: Session, events: Sequence[Event], now: datetime) -> str | None:
            if full:
                session.connection().exec_driver_sql("CREATE TABLE large (body BLOB)")
                session.connection().exec_driver_sql("INSERT INTO large VALUES (zeroblob(10000000))")
            return here.reader.apply(session, events, now)

        crowded = Inbox(
            here.database,
            clock=here.clock,
            translators={"github": here.reader.translate},
            apply=apply,
            stream_of=here.reader.stream_of,
        )
        await crowded.accept(letter("one"))
        await here.database.write(
            lambda session: session.connection().exec_driver_sql("PRAGMA max_page_count = 100").all()
        )
        with pytest.raises(DatabaseUnavailable):
            await crowded.apply_pending()
        assert await here.states() == {"one": "pending"}
        full.clear()
        await crowded.apply_pending()
        assert await here.states() == {"one": "applied"}


def test_the_same_click_has_the_same_name_and_another_has_not() -> None:
    """Parts are kept apart: what ends one does not begin the next."""
    assert inbox.act_id("mute", "U1", "12") == inbox.act_id("mute", "U1", "12")
    assert inbox.act_id("mute", "U1", "12") != inbox.act_id("mute", "U11", "2")
    assert len(inbox.act_id("mute")) == 64


async def test_a_delivery_of_nobody_we_know_is_parked(sqlite_url: str) -> None:
    """A source that was taken out of the code leaves deliveries that nobody can translate."""
    async with office(sqlite_url) as here:
        await here.inbox.accept(Incoming("gone", "1", {}, json.dumps({}).encode(), Lane.FEED))
        await here.inbox.accept(letter("one"))
        await here.apply_all()
        assert await here.states() == {"1": "failed", "one": "applied"}


async def test_deliveries_of_the_same_instant_keep_their_order_by_arrival(database_url: str) -> None:
    """One statement inserts them; their ids follow the order in which the doors handed them over."""
    async with office(database_url) as here:
        group = [letter(f"{number:02}") for number in range(60)]
        stored = await here.database.write(lambda session: inbox.store(session, group, NOON - timedelta(days=1)))
        assert [number for _, number in stored] == sorted(number for _, number in stored)
        ordered = await here.database.read(
            lambda session: session.exec(select(Delivery.delivery_id).order_by(col(Delivery.id))).all()
        )
        assert list(ordered) == [one.delivery_id for one in group]
