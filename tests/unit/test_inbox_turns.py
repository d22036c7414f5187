"""Whose turn it is: a storm about one thing keeps nobody else waiting, and nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.events import AlertReported, GithubLinked
from bot.inbox import BATCH, Delivery, Incoming, Lane, Waiting, in_turn
from bot.inbox.turns import IN_TURN, SMALL, Ahead, choose
from bot.reactions import stream_of
from tests.unit.office import Office, letter, office
from tests.unit.stores import NOON

STREAMS = st.lists(st.sampled_from("abcde"), max_size=40)


def waiting(streams: list[str]) -> list[Waiting]:
    """Deliveries of these streams, in the order of their arrival."""
    return [Waiting(number, "github", str(number), stream) for number, stream in enumerate(streams)]


@given(streams=STREAMS, turns=st.dictionaries(st.sampled_from("abcde"), st.integers(0, 9)))
def test_each_stream_keeps_its_order_and_none_gets_two_turns_before_another_gets_one(
    streams: list[str], turns: dict[str, int]
) -> None:
    """Whatever waits is there once; of any two streams that go on, neither is ahead by more than one."""
    ordered = in_turn(waiting(streams), turns)
    assert sorted(one.row for one in ordered) == list(range(len(streams)))
    had: dict[str, int] = defaultdict(int)
    last: dict[str, int] = {}
    for one in ordered:
        assert last.get(one.stream, -1) < one.row
        last[one.stream] = one.row
        had[one.stream] += 1
        for other in set(streams):
            assert had[one.stream] - had[other] <= 1 or had[other] == streams.count(other)


def test_who_had_no_turn_for_longest_is_first() -> None:
    """And who never had any is before that: also the last of a hundred streams gets its turn."""
    assert [one.stream for one in in_turn(waiting(list("abc")), {"a": 3, "b": 1})] == ["c", "b", "a"]


def test_alerts_wait_for_those_about_the_same_and_people_for_each_other() -> None:
    """A group counts as its first alert does; what means nothing to us waits with whatever people did."""
    alert = AlertReported(source="grafana", fingerprint="f", service=None, name="5xx", started_at=NOON, at=NOON)
    labelled = replace(alert, labels={"service": "cart"})
    assert stream_of([labelled, alert]) == stream_of([replace(alert, service="Cart")]) == "alert:cart"
    assert stream_of([alert, labelled]) == "alert:5xx"
    assert stream_of([]) == stream_of([GithubLinked(slack_id="U1", login="ana", at=NOON)]) == ""


async def come(here: Office, *names: str) -> None:
    """These arrive, in this order, and are urgent."""
    await asyncio.gather(*(here.inbox.accept(letter(name, lane=Lane.URGENT)) for name in names))


async def test_a_storm_does_not_keep_another_waiting(database_url: str) -> None:
    """Nor the clicks that people made meanwhile; of each kind the order of arrival holds."""
    async with office(database_url) as here:
        storm = [f"storm:{number:03}" for number in range(5 * BATCH)]
        await come(here, *storm, "click 1", "other:1", "click 2")
        await here.inbox.apply_pending()
        first = await here.aloud()
        assert first == [storm[0], "click 1", "other:1", storm[1], "click 2", *storm[2 : IN_TURN - 3]]
        await come(here, "late:1")
        await here.inbox.apply_pending()
        assert (await here.aloud())[IN_TURN] == "late:1", "it had no turn before"
        await here.apply_all()
        aloud = await here.aloud()
        assert [word for word in aloud if word.startswith("storm")] == storm
        assert sorted(aloud) == sorted([*storm, "click 1", "click 2", "other:1", "late:1"])


async def test_of_a_hundred_storms_none_starves(sqlite_url: str) -> None:
    """More streams than a round has turns: whoever had one waits until all others had theirs."""
    async with office(sqlite_url) as here:
        await come(here, *(f"{stream:03}:{number}" for number in range(3) for stream in range(100)))
        for _ in range(100 // IN_TURN):
            await here.inbox.apply_pending()
        assert sorted(await here.aloud()) == [f"{stream:03}:0" for stream in range(100)]


async def test_who_has_had_a_turn_does_not_wait_for_ever_behind_those_who_keep_coming(sqlite_url: str) -> None:
    """More things that nobody heard of before come in each round than there are turns in it."""
    async with office(sqlite_url) as here:
        await come(here, "slow:0", "slow:1", *(f"old {number}:0" for number in range(3 * IN_TURN)))
        for many in range(6):
            await here.inbox.apply_pending()
            await come(here, *(f"new {many} {number}:0" for number in range(IN_TURN + 5)))
        aloud = await here.aloud()
        assert "slow:1" in aloud
        assert aloud.index("slow:1") > aloud.index("old 59:0"), "those that had none yet go before it"


async def test_what_is_few_goes_in_the_order_of_its_arrival(sqlite_url: str) -> None:
    """Whose turn it is matters only where somebody would wait."""
    async with office(sqlite_url) as here:
        names = [*(f"storm:{number:03}" for number in range(BATCH - 1)), "other:1"]
        await come(here, *names)
        await here.inbox.apply_pending()
        assert await here.aloud() == names


async def test_the_feed_waits_for_all_that_is_urgent(sqlite_url: str) -> None:
    """By turns or not."""
    async with office(sqlite_url) as here:
        await here.inbox.accept(letter("feed"))
        await come(here, *(f"storm:{number:03}" for number in range(2 * BATCH)))
        await here.apply_all()
        assert (await here.aloud())[-1] == "feed"


async def test_what_cannot_be_read_ahead_is_parked_in_its_turn(sqlite_url: str) -> None:
    """And what is too large to be is read when it is applied."""
    async with office(sqlite_url) as here:
        large = "|".join(["large:1", "x" * SMALL])
        await come(here, *(f"storm:{number:03}" for number in range(2 * BATCH)))
        await here.inbox.accept(Incoming("github", "torn", {"X-Kind": "letter"}, b"\xff", Lane.URGENT))
        await here.inbox.accept(letter("large", body=large, lane=Lane.URGENT))
        await here.apply_all()
        states = await here.states()
        assert (states["torn"], states["large"]) == ("failed", "applied")
        assert set(states.values()) == {"applied", "failed"}
        assert "large:1" in await here.aloud()


async def test_of_large_groups_no_more_is_read_and_kept_than_takes_little(sqlite_url: str) -> None:
    """Whose turn they take is known all the same, a round later."""
    async with office(sqlite_url) as here:
        words = "x" * (SMALL // 2)
        groups = [
            letter(f"group {number}:0", body=f"group {number}:0|{words}", lane=Lane.URGENT) for number in range(70)
        ]
        await come(here, *(f"storm:{number:03}" for number in range(BATCH)))
        await asyncio.gather(*(here.inbox.accept(one) for one in groups))

        async def looked(known: Ahead) -> Ahead:
            translators = {"github": here.reader.translate}
            _, found = await here.database.read(
                lambda session: choose(session, translators, here.reader.stream_of, known)
            )
            return found

        once = await looked(Ahead())
        again = await looked(once)
        assert BATCH < len(once.read) < len(again.read) == BATCH + 70
        assert {one.stream for one in again.read.values()} == {"storm", *(f"group {number}" for number in range(70))}
        assert {one.stream for one in again.read.values() if one.events is not None} == {"storm"}


async def test_the_worker_goes_on_while_turns_are_taken(sqlite_url: str) -> None:
    """No bell rings between two rounds of what was there already."""
    async with office(sqlite_url) as here:
        here.inbox.listen()
        await come(here, *(f"storm:{number:03}" for number in range(6 * BATCH)))
        worker = asyncio.create_task(here.inbox.run())
        row = await here.inbox.store_act(letter("storm:last", lane=Lane.URGENT))
        assert (await here.inbox.outcome(row, patience=20)).said == "storm:last was read"
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        assert await here.database.read(lambda session: session.get(Delivery, row).state) == "applied"  # type: ignore[union-attr]
