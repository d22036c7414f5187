"""The verbs of locks and freezes, as the rest of the bot knows them; each lives where its subject is.

Each holds the rows of the targets it covers, writes its own and touches them. A lock that ran out, and one that set
itself and was lifted, hold production back until a person says Go: nothing ships because a timer ran out.
"""

from bot.locks.automatic import due, lift_cause, name_room, set_by_itself
from bot.locks.facts import facts_among, facts_for, freezes_among, freezes_for, standing, standing_freezes
from bot.locks.freezing import FREEZE, declare_freeze, freeze_due, lift_freeze
from bot.locks.lifting import Beginning, act, promotion_over, release
from bot.locks.naming import OURSELVES
from bot.locks.placing import Moving, hold, place
from bot.locks.showing import GO, LOCK, NARROW, asks_now, lifted_together, show_covering

__all__ = [
    "FREEZE",
    "GO",
    "LOCK",
    "NARROW",
    "OURSELVES",
    "Beginning",
    "Moving",
    "act",
    "asks_now",
    "declare_freeze",
    "due",
    "facts_among",
    "facts_for",
    "freeze_due",
    "freezes_among",
    "freezes_for",
    "hold",
    "lift_cause",
    "lift_freeze",
    "lifted_together",
    "name_room",
    "place",
    "promotion_over",
    "release",
    "set_by_itself",
    "show_covering",
    "standing",
    "standing_freezes",
]
