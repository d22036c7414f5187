"""What is to be looked at again, and when; who kept watch; and the trail of what happened."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot import audit, work
from bot.audit import Fact
from bot.database import wake_on_commit
from tests.unit.stores import NOON, opened


async def test_what_is_touched_is_taken_once_in_its_order(sqlite_url: str) -> None:
    """Touching twice is touching once; what is touched while others are dealt with comes next."""
    async with opened(sqlite_url) as database:

        def unit(session: Session) -> list[object]:
            for subject in (3, 1, 3, 2):
                work.touch(session, "deploy", subject)
            first = work.take_touched(session)
            work.touch(session, "change", 1)
            return [first, work.take_touched(session), work.take_touched(session)]

        assert await database.write(unit) == [
            (("deploy", 3), ("deploy", 1), ("deploy", 2)),
            (("change", 1),),
            (),
        ]


async def test_an_instant_is_kept_once_for_each_subject(database_url: str) -> None:
    """The newest says when; the earliest of all is next; what is due is taken once, earliest first."""
    async with opened(database_url) as database:

        def keep(session: Session) -> None:
            work.schedule(session, "deploy", 1, NOON + timedelta(minutes=5))
            work.schedule(session, "deploy", 2, NOON + timedelta(minutes=1))
            work.schedule(session, "train", 1, NOON + timedelta(minutes=2))
            work.schedule(session, "deploy", 1, NOON + timedelta(minutes=3))
            work.schedule(session, "deploy", 3, NOON)
            work.cancel(session, "deploy", 3)
            work.cancel(session, "deploy", 99)

        await database.write(keep)
        assert await database.read(work.next_due) == NOON + timedelta(minutes=1)
        at = NOON + timedelta(minutes=2)
        assert await database.read(lambda session: work.due(session, at)) == [("deploy", 2), ("train", 1)]
        for subject, taken in ((("deploy", 2), True), (("train", 1), True), (("deploy", 1), False)):
            assert await database.write(lambda session, one=subject: work.take_due(session, one, at)) is taken  # type: ignore[misc]
        assert await database.read(lambda session: work.due(session, at)) == []
        assert await database.read(work.next_due) == NOON + timedelta(minutes=3)
        await database.write(lambda session: work.cancel(session, "deploy", 1))
        assert await database.read(work.next_due) is None


async def test_a_little_at_a_time_is_told_of_what_is_due(sqlite_url: str) -> None:
    """The rest is taken by the next look."""
    async with opened(sqlite_url) as database:

        def keep(session: Session) -> None:
            for subject in range(5):
                work.schedule(session, "deploy", subject, NOON + timedelta(seconds=subject))

        await database.write(keep)
        late = NOON + timedelta(hours=1)
        told = await database.read(lambda session: work.due(session, late, limit=2))
        assert [subject for _, subject in told] == [0, 1]


async def test_keeping_an_instant_rings_the_clocks_bell(sqlite_url: str) -> None:
    """It may be the earliest."""
    rung: list[str] = []
    async with opened(sqlite_url) as database:
        database.on_bell(work.BELL, lambda: rung.append("work"))
        await database.write(lambda session: wake_on_commit(session, "something else"))
        await database.write(lambda session: work.schedule(session, "deploy", 1, NOON))
    assert rung == ["work"]


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_watch_knows_how_the_one_before_it_ended(database_url: str, orderly: bool) -> None:
    """Ended in good order, or last seen at some instant."""
    async with opened(database_url) as database:
        first, before = await database.write(lambda session: work.begin_watch(session, NOON))
        assert before is None
        seen = NOON + timedelta(seconds=30)
        await database.write(lambda session: work.keep_watch(session, first, seen, ending=orderly))
        second, before = await database.write(lambda session: work.begin_watch(session, NOON + timedelta(minutes=9)))
        assert second != first
        assert before is not None
        assert (before.began_at, before.seen_at, before.ended_at) == (NOON, seen, seen if orderly else None)


async def test_a_watch_that_is_kept_again_after_its_end_has_not_ended(database_url: str) -> None:
    """A late word of an ending must not hide that somebody went on."""
    async with opened(database_url) as database:
        watch, _ = await database.write(lambda session: work.begin_watch(session, NOON))
        await database.write(lambda session: work.keep_watch(session, watch, NOON, ending=True))
        await database.write(lambda session: work.keep_watch(session, watch, NOON + timedelta(seconds=15)))
        _, before = await database.write(lambda session: work.begin_watch(session, NOON))
        assert before is not None
        assert before.ended_at is None


async def test_facts_are_appended_in_order_with_what_is_known(database_url: str) -> None:
    """What is not known is left out, and a subject of any length has its place."""
    async with opened(database_url) as database:

        def write(session: Session) -> None:
            audit.record(session, audit.Tag.DEPLOY_BEGAN, "deploy:1", NOON, sha="a" * 40, base=None)
            audit.record(session, audit.Tag.RELEASE_PUBLISHED, "release:" + "x" * 400, NOON, who="ana")

        await database.write(write)
        facts = await database.read(lambda session: session.exec(select(Fact).order_by(col(Fact.id))).all())
        assert [(fact.tag, fact.subject[:10], fact.who, fact.data) for fact in facts] == [
            ("pipeline:deploy:began", "deploy:1", None, {"sha": "a" * 40}),
            ("forge:release:published", "release:xx", "ana", {}),
        ]
        assert facts[0].at == NOON


def test_what_was_done_once_is_kept_until_it_can_do_no_harm(session: Session) -> None:
    """Also beside what another replica kept at the same time: the second insert does nothing."""
    until = NOON + timedelta(hours=1)
    assert work.once(session, "link", 7, until)
    assert not work.once(session, "link", 7, until + timedelta(hours=1))
    assert work.once(session, "link", 8, until)
    assert work.once(session, "door", 7, until)
    assert set(work.due(session, until)) == {("link", 7), ("link", 8), ("door", 7)}
    assert work.take_due(session, ("link", 7), until)
    assert work.once(session, "link", 7, until)
