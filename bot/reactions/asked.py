"""What people ask for about what ships: one match over their acts, each answered."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import assert_never

from sqlmodel import Session

from bot.deploys.loading import Desk
from bot.events import (
    FreezeDeclared,
    FreezeLifted,
    IncidentActed,
    IncidentOpened,
    LockActed,
    LockPlaced,
    MessageKept,
    PromotionActed,
    PromotionRequested,
    RollbackRequested,
    RoomJoined,
    TrainActed,
    WatchChosen,
)
from bot.incidents import acts as incidents
from bot.incidents import finding
from bot.locks import service as locks
from bot.promotions import service as promotions
from bot.reactions import watching
from bot.reactions.promotions import beginning, moving
from bot.trains import service as trains

Asked = (
    PromotionRequested
    | RollbackRequested
    | PromotionActed
    | TrainActed
    | LockPlaced
    | LockActed
    | FreezeDeclared
    | FreezeLifted
    | WatchChosen
    | IncidentOpened
    | IncidentActed
    | MessageKept
    | RoomJoined
)
"""What a person asks for and is answered."""


def asked(session: Session, desk: Desk, event: Asked, now: datetime) -> str:
    """Do it; returns what the person is told. UserError says why not, and who can."""
    match event:
        case PromotionRequested():
            said = promotions.request(session, desk, event, now)
        case RollbackRequested():
            said = promotions.roll_back(session, desk, event, now)
        case PromotionActed():
            said = promotions.act(session, desk, event, now)
        case TrainActed():
            said = trains.act(session, desk, event, now)
        case LockPlaced():
            said = locks.place(
                session, desk.catalog, event, now,
                partial(moving, catalog=desk.catalog, rollbacks=event.rollbacks),
            )  # fmt: skip
        case LockActed():
            said = locks.act(session, desk.catalog, event, now, _beginning(desk, now))
        case FreezeDeclared():
            said = locks.declare_freeze(session, desk.catalog, event, now)
        case FreezeLifted():
            said = locks.lift_freeze(session, desk.catalog, event, now, _beginning(desk, now))
        case WatchChosen():
            said = watching.chosen(session, desk, event)
        case IncidentOpened() | IncidentActed() | MessageKept() | RoomJoined():
            said = _of_incidents(session, desk, event, now)
        case _:
            assert_never(event)
    return said


def _of_incidents(
    session: Session, desk: Desk, event: IncidentOpened | IncidentActed | MessageKept | RoomJoined, now: datetime
) -> str:
    """What people do about incidents; nobody waits to be told of what was only heard in a room."""
    match event:
        case IncidentOpened():
            return incidents.opened(session, desk, event, now)
        case IncidentActed():
            return incidents.act(session, desk, event, now)
        case MessageKept():
            marked = event.incident is None and event.text is None
            if marked and finding.of_place(session, None, event.channel) is None:
                return ""  # a mark on a message of any other channel: nobody asked us for anything
            return incidents.message_kept(session, desk, event, now)
        case RoomJoined():
            incidents.joined(session, desk, event, now)
            return ""
        case _:
            assert_never(event)


def _beginning(desk: Desk, now: datetime) -> locks.Beginning:
    return lambda session, target_ids: beginning(session, desk, target_ids, now)
