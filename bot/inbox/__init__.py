"""What comes in: stored before it is answered, applied in its turn, once.

``models`` is the table, ``storing`` what is done to it besides applying, ``turns`` who is next, ``engine`` the whole.
"""

from bot.inbox.engine import EVENTS_AT_ONCE, FAILED_SAID, Apply, Inbox
from bot.inbox.models import (
    RECEIVED_AT,
    Accepted,
    Applied,
    Delivery,
    DeliveryState,
    Incoming,
    Lane,
)
from bot.inbox.storing import RETENTION, act_id, forget_applied, requeue, store
from bot.inbox.turns import BATCH, StreamOf, Translate, Waiting, in_turn

__all__ = [
    "BATCH",
    "EVENTS_AT_ONCE",
    "FAILED_SAID",
    "RECEIVED_AT",
    "RETENTION",
    "Accepted",
    "Applied",
    "Apply",
    "Delivery",
    "DeliveryState",
    "Inbox",
    "Incoming",
    "Lane",
    "StreamOf",
    "Translate",
    "Waiting",
    "act_id",
    "forget_applied",
    "in_turn",
    "requeue",
    "store",
]
