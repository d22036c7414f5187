"""What people ask for about what ships: one match over their acts, each answered."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from sqlmodel import Session

from bot.deploys.loading import Desk
from bot.events import (
    FreezeDeclared,
    FreezeLifted,
    LockActed,
    LockPlaced,
    PromotionActed,
    PromotionRequested,
    RollbackRequested,
    WatchChosen,
)
from bot.locks import service as locks
from bot.promotions import service as promotions
from bot.reactions import watching
from bot.reactions.promotions import moving

Asked = (
    PromotionRequested
    | RollbackRequested
    | PromotionActed
    | LockPlaced
    | LockActed
    | FreezeDeclared
    | FreezeLifted
    | WatchChosen
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
        case LockPlaced():
            said = locks.place(session, desk.catalog, event, now, moving)
        case LockActed():
            said = locks.act(session, desk.catalog, event, now)
        case FreezeDeclared():
            said = locks.declare_freeze(session, desk.catalog, event, now)
        case FreezeLifted():
            said = locks.lift_freeze(session, desk.catalog, event, now)
        case WatchChosen():
            said = watching.chosen(session, desk, event)
        case _:
            assert_never(event)
    return said
