"""The calls about rooms over a real database, on its own threads: what the engine does with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.database import Database
from bot.delivery.effects import Effects
from bot.delivery.queue import waiting
from bot.errors import RetryLater
from bot.events import IncidentAct
from bot.incidents.models import Incident
from bot.outbox import Effect
from bot.outgoing.rooms import RoomCalls
from tests.unit.rooming import Killed, Rooming, Slack, Tracker, rooming
from tests.unit.stores import opened


def calls(database: Database, slack: Slack, here: Rooming) -> RoomCalls:
    """The effects' owner, over a real database."""
    return RoomCalls(
        database, slack, Tracker(), lambda: here.now, lambda now: here.desk, lambda session, now: None
    )  # fmt: skip


async def do(database: Database, slack: Slack, here: Rooming, ours: Mapping[str, Any]) -> None:
    """The engine does what is due and ours, until nothing is."""
    effects = Effects(database, ours, clock=lambda: here.now, spread=lambda: 0.5)
    for _ in range(20):
        due = [row for row in await database.read(lambda session: waiting(session, here.now)[1]) if row.kind in ours]
        if not due:
            return
        for row in due:
            await effects.do(row)


async def test_the_engine_makes_one_room_whenever_it_dies(database_url: str) -> None:
    """Killed after the room was made and before that was written down; then a 429 while people are let in."""
    here = Rooming(None)  # type: ignore[arg-type]  # its catalogue and clock alone are used
    slack = Slack(dies="open_room")
    async with opened(database_url, upgraded=False) as database:
        await database.write(begun)
        here.at = 12
        ours = calls(database, slack, here).effects()
        with pytest.raises(Killed):
            await do(database, slack, here, ours)
        slack.faults["invite"] = RetryLater("ratelimited", delay=30, rate_limited=True)
        await do(database, slack, here, ours)
        incident = await database.read(lambda session: session.exec(select(Incident)).one())
        assert incident.room == "C0ROOM1"
        assert not slack.people
        del slack.faults["invite"]
        here.at += 1
        await do(database, slack, here, ours)
        assert len(slack.rooms) == 1
        assert set(slack.people["C0ROOM1"]) == {"U0ANA", "U0CHI", "U0DEE", "U0EVE"}
        pending = await database.read(kinds_pending)
        assert "room_pin" in pending, "the card has not been sent"
        assert not {"room_open", "room_people", "room_topic"} & set(pending)


async def test_the_engine_writes_what_was_learnt(database_url: str) -> None:
    """The document is loaded on a reading connection, and laid into the room."""
    here = Rooming(None)  # type: ignore[arg-type]  # its catalogue and clock alone are used
    slack = Slack()
    async with opened(database_url, upgraded=False) as database:
        await database.write(begun)
        here.at = 12
        ours = calls(database, slack, here).effects()
        await do(database, slack, here, ours)

        def over(session: Session) -> None:
            Rooming(session, at=12).acts(IncidentAct.RESOLVE, text="Rolled back to a.")

        await database.write(over)
        await do(database, slack, here, ours)
        title, text = slack.documents["C0ROOM1"]
        assert title == "Postmortem of incident 1: checkout 5xx"
        assert "Rolled back to a." in text


def begun(session: Session) -> None:
    """Checkout burns."""
    rooming(session).burns()


def kinds_pending(session: Session) -> list[str]:
    """What is still to be done."""
    return list(session.exec(select(Effect.kind).where(Effect.state == "pending").order_by(col(Effect.id))).all())
