"""Promotions as the rest of the bot knows them: the verbs, and what can be asked. Each lives where its subject is."""

from bot.promotions.acts import act
from bot.promotions.advancing import begins_words, reconsider
from bot.promotions.asking import Answer, ask, rollback_asked
from bot.promotions.depending import touch_concerned
from bot.promotions.finding import (
    Moving,
    about_to_start,
    moving,
    next_build,
    of_build,
    open_at,
    open_targets,
    present,
    target_called,
    touch_build,
    touch_change,
    under_way_at,
)
from bot.promotions.following import deploy_moved, fell_back, owner_of
from bot.promotions.gatekeeping import run_ended
from bot.promotions.gathering import approvals_of, changes_of, seen_now, situation, target_of
from bot.promotions.judging import decisions_of, judge, who_can, who_can_words
from bot.promotions.raising import raise_for_build
from bot.promotions.requests import askers, may_ask, refused, request
from bot.promotions.rollbacks import NotRunning, Rollback, not_running, roll_back, rollback_offer
from bot.promotions.runs import gate_requested
from bot.promotions.states import may

__all__ = [
    "Answer",
    "Moving",
    "NotRunning",
    "Rollback",
    "about_to_start",
    "act",
    "approvals_of",
    "ask",
    "askers",
    "begins_words",
    "changes_of",
    "decisions_of",
    "deploy_moved",
    "fell_back",
    "gate_requested",
    "judge",
    "may",
    "may_ask",
    "moving",
    "next_build",
    "not_running",
    "of_build",
    "open_at",
    "open_targets",
    "owner_of",
    "present",
    "raise_for_build",
    "reconsider",
    "refused",
    "request",
    "roll_back",
    "rollback_asked",
    "rollback_offer",
    "run_ended",
    "seen_now",
    "situation",
    "target_called",
    "target_of",
    "touch_build",
    "touch_change",
    "touch_concerned",
    "under_way_at",
    "who_can",
    "who_can_words",
]
