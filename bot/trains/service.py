"""Trains as the rest of the bot knows them: the verbs, and what can be asked. Each lives where its subject is."""

from bot.trains.conducting import act, must_conduct, seen_of, standing_of
from bot.trains.departing import closed_of
from bot.trains.finding import (
    aboard,
    alive,
    alive_at,
    channel_of,
    passengers_of,
    promotions_of,
    row_called,
    row_of,
    still_aboard,
    train_of,
)
from bot.trains.following import brought, legs_of, reconsider, went_wrong
from bot.trains.following import due as departure_due
from bot.trains.rules import may
from bot.trains.times import to_come
from bot.trains.timetabling import due as train_due
from bot.trains.timetabling import reconcile

__all__ = [
    "aboard",
    "act",
    "alive",
    "alive_at",
    "brought",
    "channel_of",
    "closed_of",
    "departure_due",
    "legs_of",
    "may",
    "must_conduct",
    "passengers_of",
    "promotions_of",
    "reconcile",
    "reconsider",
    "row_called",
    "row_of",
    "seen_of",
    "standing_of",
    "still_aboard",
    "to_come",
    "train_due",
    "train_of",
    "went_wrong",
]
