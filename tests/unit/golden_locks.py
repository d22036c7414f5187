"""Views of locks and freezes, for the golden files."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from bot.deploys.views import (
    PersonView,
)
from bot.locks.rules import Stage
from bot.locks.views import FreezeCard, FreezeNote, FreezeRow, GoCard, LockCard, LockNote, LockRow, LockSaid, LocksReply
from tests.unit.golden_deploys import ANA, CHI, NOON

LOCKED = LockCard(
    lock_id=17,
    stage=Stage.HOLDS,
    scope="checkout",
    reason="rollback in progress",
    owner=PersonView(name="Dee", slack_id="U0DEE"),
    rollbacks=True,
    began_at=NOON,
    ends_at=NOON + timedelta(hours=4),
    over_at=None,
    ran_out=False,
    lifted_by=None,
    go_at=None,
    go_by=None,
    waiting_changes=3,
    waiting_people=2,
    extend_until=int((NOON + timedelta(hours=8)).timestamp()),
)
BY_ITSELF = dataclasses.replace(
    LOCKED,
    scope="checkout → production",
    reason="deploy of a1b2c3d failed",
    owner=None,
    ends_at=None,
    extend_until=None,
    waiting_changes=1,
    waiting_people=1,
)
RAN_OUT = dataclasses.replace(
    LOCKED, stage=Stage.WANTS_GO, over_at=NOON + timedelta(hours=4), ran_out=True, extend_until=None
)
LIFTED_CARD = dataclasses.replace(
    BY_ITSELF, stage=Stage.WANTS_GO, over_at=NOON + timedelta(hours=1), lifted_by=ANA, waiting_changes=0
)
ASKS_GO = GoCard(
    lock_id=17,
    scopes=("checkout",),
    asking=("checkout → production",),
    offers=False,
    reason="rollback in progress",
    owner=LOCKED.owner,
    ran_out=True,
    by=None,
    waits=True,
    holds=False,
    ends_at=NOON + timedelta(hours=4),
    go_at=None,
    go_by=None,
)
LOCK_NOTE = LockNote(
    said=LockSaid.ENDS_SOON,
    lock_id=17,
    scope="checkout",
    reason="rollback in progress",
    owner=LOCKED.owner,
    by=None,
    began_at=NOON,
    ends_at=LOCKED.ends_at,
    extend_until=LOCKED.extend_until,
)
FROZEN = FreezeCard(
    freeze_id=5,
    service="checkout",
    reason="Moving the database",
    owner=ANA,
    begins=NOON,
    ends=NOON + timedelta(days=3),
    over=False,
    lifted_at=None,
    lifted_by=None,
)
FREEZE_LIFTED = FreezeNote(freeze_id=5, service="checkout", reason="Moving the database", by=ANA)
LOCK_ROW = LockRow(
    lock_id=17,
    stage=Stage.HOLDS,
    scope="checkout",
    reason="rollback in progress",
    owner=LOCKED.owner,
    began_at=NOON,
    ends_at=LOCKED.ends_at,
)
FREEZE_ROW = FreezeRow(
    freeze_id=5,
    services=("checkout",),
    reason="Moving the database",
    owner=ANA,
    begins=NOON,
    ends=NOON + timedelta(days=3),
    holds=True,
)
SAMPLES: dict[str, dict[str, object]] = {
    "cards/lock": {
        "holds": LOCKED,
        "holds, nothing waits": dataclasses.replace(LOCKED, waiting_changes=0, waiting_people=0, rollbacks=False),
        "holds, and one may be on its way": dataclasses.replace(
            LOCKED, waiting_changes=0, waiting_people=0, waiting_doubtful=1
        ),
        "set itself": BY_ITSELF,
        "lifted itself, another holds": dataclasses.replace(
            BY_ITSELF,
            stage=Stage.OVER,
            over_at=NOON + timedelta(hours=1),
            waiting_changes=0,
            still=("lock 18 (Shipmate: rolled back: errors)",),
        ),
        "lifted itself, nothing waits": dataclasses.replace(
            BY_ITSELF, stage=Stage.OVER, over_at=NOON + timedelta(hours=1), waiting_changes=0
        ),
        "set by an incident": dataclasses.replace(BY_ITSELF, reason="incident: checkout 5xx", room="C0INC0007"),
        "ran out": RAN_OUT,
        "set itself and was lifted": LIFTED_CARD,
        "set itself and was lifted, the Go is said elsewhere": dataclasses.replace(
            LIFTED_CARD, asking=("checkout → production",), waiting_changes=2, waiting_people=2
        ),
        "lifted": dataclasses.replace(
            LOCKED, stage=Stage.OVER, over_at=NOON + timedelta(hours=1), lifted_by=ANA, extend_until=None
        ),
        "gone after its end": dataclasses.replace(
            RAN_OUT, stage=Stage.OVER, go_at=NOON + timedelta(hours=5), go_by=ANA
        ),
        "its cause was resolved, and gone": dataclasses.replace(
            LIFTED_CARD, stage=Stage.OVER, lifted_by=None, go_at=NOON + timedelta(hours=5), go_by=CHI
        ),
    },
    "cards/lock_go": {
        "ran out": ASKS_GO,
        "was unlocked": dataclasses.replace(ASKS_GO, ran_out=False, owner=None, by=ANA),
        "lifted itself": dataclasses.replace(ASKS_GO, ran_out=False, owner=None),
        "Go was said": dataclasses.replace(ASKS_GO, waits=False, go_at=NOON, go_by=CHI),
        "locked again": dataclasses.replace(ASKS_GO, waits=False, holds=True),
        "locked again without an end": dataclasses.replace(ASKS_GO, waits=False, holds=True, ends_at=None),
        "over": dataclasses.replace(ASKS_GO, waits=False),
        "seven lifted themselves": dataclasses.replace(
            ASKS_GO,
            ran_out=False,
            owner=None,
            scopes=tuple(f"shop-{one} → production" for one in range(1, 8)),
            asking=tuple(f"shop-{one} → production" for one in range(1, 7)),
        ),
        "nothing waits any more": dataclasses.replace(ASKS_GO, asking=()),
        "a Hold on what leaves with a train": dataclasses.replace(ASKS_GO, asking=(), offers=True),
    },
    "notes/lock": {
        "ends soon": LOCK_NOTE,
        "ends soon, and cannot be extended": dataclasses.replace(LOCK_NOTE, ends_at=None, extend_until=None),
        "still holds, to its owner": dataclasses.replace(
            LOCK_NOTE, said=LockSaid.STILL_HOLDS, ends_at=None, extend_until=None
        ),
        "still holds, to the channel": dataclasses.replace(
            LOCK_NOTE, said=LockSaid.STILL_HOLDS, owner=None, ends_at=None, extend_until=None
        ),
        "extended by somebody": dataclasses.replace(LOCK_NOTE, said=LockSaid.EXTENDED, by=ANA),
        "lifted by somebody": dataclasses.replace(LOCK_NOTE, said=LockSaid.LIFTED, by=ANA, extend_until=None),
    },
    "cards/freeze": {
        "one service": FROZEN,
        "everything": dataclasses.replace(FROZEN, service=None),
        "lifted": dataclasses.replace(FROZEN, over=True, lifted_at=NOON + timedelta(hours=1), lifted_by=CHI),
        "ended by itself": dataclasses.replace(FROZEN, over=True),
    },
    "notes/freeze": {
        "lifted": FREEZE_LIFTED,
        "everything lifted": dataclasses.replace(FREEZE_LIFTED, service=None),
        "lifted, to whoever declared it": dataclasses.replace(FREEZE_LIFTED, yours=True),
    },
    "replies/locks": {
        "nothing": LocksReply(locks=(), freezes=(), more=0),
        "one": LocksReply(locks=(LOCK_ROW,), freezes=(), more=0),
        "several": LocksReply(
            locks=(
                LOCK_ROW,
                dataclasses.replace(LOCK_ROW, scope="checkout → production", owner=None, ends_at=None),
                dataclasses.replace(LOCK_ROW, scope="everything", stage=Stage.WANTS_GO),
                dataclasses.replace(LOCK_ROW, stage=Stage.OVER),
            ),
            freezes=(
                FREEZE_ROW,
                dataclasses.replace(FREEZE_ROW, freeze_id=None, owner=None, services=(), holds=False),
                dataclasses.replace(FREEZE_ROW, services=("a", "b", "c", "d", "e", "f", "g")),
            ),
            more=4,
        ),
    },
}
