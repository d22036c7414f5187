"""Who is who, how much they want to hear, who belongs to a group, and when they work.

``identity`` finds people in Slack, which only routes messages. What grants authority stands apart: ``proofs`` (which
login is really theirs) and ``groups`` (who belongs, as recently read). ``refreshing`` reads from Slack and PagerDuty,
outside of any transaction; everybody else reads what was recorded.
"""

from bot.people.availability import Available, who_can
from bot.people.freshness import ATTENTIVE, EVERY, KINDS, STALE, WANTED, due
from bot.people.groups import Group, OnCallList, group, is_member, want_group
from bot.people.hours import DAY, USUAL, Hours, Working, choose_hours, hours_of
from bot.people.identity import (
    EVERYTHING,
    HIT_REMEMBERED,
    LONGEST_NAME,
    MISS_REMEMBERED,
    NOREPLY,
    Link,
    Lookup,
    Subscription,
    choose,
    formerly,
    known_slack_id,
    level_of,
    link,
    linked_login,
    linked_to,
    login_of,
    looked_up,
    muted_scopes,
    name_of,
    place_of,
    remember,
    unlink,
    who_is,
)
from bot.people.members import Profile, is_full, profile_of, saw, want_member
from bot.people.proofs import Proof, names_of, prove, proven_login
from bot.people.refreshing import Refreshing

__all__ = [
    "ATTENTIVE",
    "DAY",
    "EVERY",
    "EVERYTHING",
    "HIT_REMEMBERED",
    "KINDS",
    "LONGEST_NAME",
    "MISS_REMEMBERED",
    "NOREPLY",
    "STALE",
    "USUAL",
    "WANTED",
    "Available",
    "Group",
    "Hours",
    "Link",
    "Lookup",
    "OnCallList",
    "Profile",
    "Proof",
    "Refreshing",
    "Subscription",
    "Working",
    "choose",
    "choose_hours",
    "due",
    "formerly",
    "group",
    "hours_of",
    "is_full",
    "is_member",
    "known_slack_id",
    "level_of",
    "link",
    "linked_login",
    "linked_to",
    "login_of",
    "looked_up",
    "muted_scopes",
    "name_of",
    "names_of",
    "place_of",
    "profile_of",
    "prove",
    "proven_login",
    "remember",
    "saw",
    "unlink",
    "want_group",
    "want_member",
    "who_can",
    "who_is",
]
