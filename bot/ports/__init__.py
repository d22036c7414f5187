"""What Shipmate asks of other systems, in its own verbs; ``bot.adapters`` answers with the vendors' SDKs.

Every method may raise RetryLater, Doubtful, or GiveUp and its subclasses (``bot.errors``), and nothing else.
"""

from __future__ import annotations

from bot.ports.chat import Chat, Heard, Identity, Member, Message, Posted, Room, Rooms
from bot.ports.forge import Changes, DeviceProof, Direction, Forge, Issues, MissedDeliveries, Range
from bot.ports.pager import Call, ChangeEvent, OnCall, Paged, Pager, PagerState, Reached, Rota
from bot.ports.pipelines import Found, GateKeeper, Missing, Order, Pipeline, Promoter, Started

__all__ = [
    "Call",
    "ChangeEvent",
    "Changes",
    "Chat",
    "DeviceProof",
    "Direction",
    "Forge",
    "Found",
    "GateKeeper",
    "Heard",
    "Identity",
    "Issues",
    "Member",
    "Message",
    "MissedDeliveries",
    "Missing",
    "OnCall",
    "Order",
    "Paged",
    "Pager",
    "PagerState",
    "Pipeline",
    "Posted",
    "Promoter",
    "Range",
    "Reached",
    "Room",
    "Rooms",
    "Rota",
    "Started",
]
