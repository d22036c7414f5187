"""What holds a promotion: pure rules over recorded facts, each in a file of its own with its options beside it.

``judge`` asks every gate of a policy, without short circuit. ``approval`` has two parts: ``voting`` says what speaks
for and against one person's yes, ``seating`` whose counts for which group. Nothing here reads the clock, the network or
a table: the facts are gathered by their owners (``bot.promotions.gathering``) and handed over frozen.
"""

from __future__ import annotations

from bot.gates.approval import Approval, Group
from bot.gates.base import (
    AlertFact,
    Blocked,
    ChangeFact,
    CheckFact,
    FreezeFact,
    Gate,
    GroupFact,
    Judged,
    Judgement,
    LockFact,
    Open,
    Reentry,
    Run,
    Situation,
    Staging,
    TrainFact,
    TrainState,
    Verdict,
    Vote,
    Waiting,
)
from bot.gates.batch import Batch
from bot.gates.freeze import Freeze
from bot.gates.health import Health
from bot.gates.judging import (
    DEFAULT_GATES,
    barred,
    can_help,
    candidates,
    circle,
    demands,
    judge,
    refusal,
    short,
    turns_at,
)
from bot.gates.lock import Lock
from bot.gates.order import Order
from bot.gates.smoke import Smoke
from bot.gates.soak import Soak
from bot.gates.train import Train
from bot.gates.unbuilt import UNBUILT, Unbuilt

__all__ = [
    "DEFAULT_GATES",
    "UNBUILT",
    "AlertFact",
    "Approval",
    "Batch",
    "Blocked",
    "ChangeFact",
    "CheckFact",
    "Freeze",
    "FreezeFact",
    "Gate",
    "Group",
    "GroupFact",
    "Health",
    "Judged",
    "Judgement",
    "Lock",
    "LockFact",
    "Open",
    "Order",
    "Reentry",
    "Run",
    "Situation",
    "Smoke",
    "Soak",
    "Staging",
    "Train",
    "TrainFact",
    "TrainState",
    "Unbuilt",
    "Verdict",
    "Vote",
    "Waiting",
    "barred",
    "can_help",
    "candidates",
    "circle",
    "demands",
    "judge",
    "refusal",
    "short",
    "turns_at",
]
