"""What people read of the train that carries a change: samples for ``golden_samples``."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from bot.answers.views import Ahead
from bot.deploys.views import AboutView, OnwardView, PersonView, Seat
from tests.unit.golden_promotions import ABOARD

TWO = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
SURE = OnwardView(
    service="checkout",
    environment="production",
    train="web",
    seat=Seat.EXPECTED,
    before="staging",
    departs_at=TWO,
    staged=AboutView(from_at=TWO - timedelta(hours=1), to_at=TWO - timedelta(minutes=40)),
    soak_ends_at=TWO - timedelta(minutes=30),
    in_hours=True,
    live=AboutView(from_at=TWO + timedelta(minutes=10), to_at=TWO + timedelta(minutes=10)),
)
UNKNOWN = dataclasses.replace(SURE, staged=None, soak_ends_at=None, in_hours=None, live=None)
ABOARD_OF_IT = dataclasses.replace(UNKNOWN, seat=Seat.SEALED, live=SURE.live)
RIDES: dict[str, tuple[OnwardView, ...]] = {
    "expected": (SURE,),
    "expected, and not sure": (
        dataclasses.replace(
            SURE,
            or_at=TWO + timedelta(hours=2),
            in_hours=False,
            whose=PersonView(name="Ana"),
            live=AboutView(from_at=TWO + timedelta(minutes=10), to_at=TWO + timedelta(minutes=135), few=True),
        ),
        dataclasses.replace(SURE, staged=None, soak_ends_at=None, once="e2e has not reported", zone="Europe/Paris"),
        dataclasses.replace(SURE, frozen_at=TWO - timedelta(hours=4), frozen_by="Black Friday", staged=None),
    ),
    "nobody can tell": (
        dataclasses.replace(UNKNOWN, unknown="arrival"),
        dataclasses.replace(UNKNOWN, unknown="overdue"),
        dataclasses.replace(UNKNOWN, unknown="rollout"),
        dataclasses.replace(UNKNOWN, unknown="timetable", departs_at=None),
    ),
    "left behind": (
        dataclasses.replace(UNKNOWN, seat=Seat.LEFT, reason="e2e failed", next_at=TWO + timedelta(hours=2)),
        dataclasses.replace(UNKNOWN, seat=Seat.LEFT, reason="checkout is locked", until=TWO + timedelta(hours=1)),
    ),
    "aboard": (
        ABOARD_OF_IT,
        dataclasses.replace(ABOARD_OF_IT, seat=Seat.HELD, reason="held by Dee: search looks odd", live=None),
        dataclasses.replace(ABOARD_OF_IT, seat=Seat.HELD, live=None),
        dataclasses.replace(ABOARD_OF_IT, seat=Seat.GONE),
        dataclasses.replace(ABOARD_OF_IT, seat=Seat.GONE, live=None, reason="cart failed"),
    ),
}
_BEFORE = dataclasses.replace(ABOARD, ahead=Ahead.BEFORE, closed=(), able=(), from_at=None, to_at=None)
WAYS = {
    "to production": dataclasses.replace(_BEFORE, onward=SURE),
    "after staging": dataclasses.replace(_BEFORE, environment="staging", before="dev", onward=SURE),
    "its promotion says": dataclasses.replace(ABOARD, onward=ABOARD_OF_IT),
}
