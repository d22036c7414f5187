"""The dashboard: what is wrong, what waits, what is live, what leaves next, what shipped, how it fared; one snapshot.

Everything here reads and nothing writes. Statements do not grow with how many services, promotions and people there
are: what is told of each is read for all of them at once. Exceptions are incidents, of which few are open, and groups
of approvers, each of which is read by itself.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from bot.answers import metrics
from bot.answers.dashboard import brakes as braking
from bot.answers.dashboard.pipelines import failures, pipelines
from bot.answers.dashboard.scope import scope_of
from bot.answers.dashboard.shipped import shipped
from bot.answers.dashboard.trains import trains
from bot.answers.dashboard.views import Asked, Board, Figures
from bot.answers.dashboard.waiting import waiting
from bot.answers.dashboard.wrong import RoomUrl, wrong
from bot.answers.status import standings
from bot.deploys.loading import Desk

__all__ = ["Asked", "Board", "Figures", "RoomUrl", "board", "figures"]


def board(
    session: Session, desk: Desk, room_url: RoomUrl, *, team: str | None = None, service: str | None = None
) -> Board:
    """The page but for its figures; UserError, with the nearest, for a team or a service that there is not."""
    scope = scope_of(session, desk, team, service)
    amiss = wrong(session, desk, scope, room_url)
    rows, by_target, more_waiting = waiting(session, desk, scope)
    brakes = braking.read(session, desk, room_url)
    found = standings(session, scope.targets)
    teams, more_services = pipelines(session, desk, scope, found, amiss, brakes, by_target)
    leaving, more_trains = trains(session, desk, scope)
    holds, near = braking.listed(session, brakes, scope)
    return Board(
        now=desk.now,
        zone=desk.catalog.timezone.key,
        asked=scope.asked,
        teams=tuple(desk.catalog.teams),
        services=tuple(one.name for one in scope.every),
        incidents=amiss.incidents,
        more_incidents=amiss.more,
        alerts=amiss.loose,
        failures=failures(desk, scope, found),
        waiting=tuple(rows),
        more_waiting=more_waiting,
        goes=braking.goes(brakes, scope, holds, rows),
        pipelines=teams,
        more_services=more_services,
        rolling=sum(one.under_way is not None for one in found.values()),
        trains=leaving,
        more_trains=max(0, more_trains),
        brakes=holds,
        freezes_near=near,
        shipped=shipped(session, desk, scope),
    )


def figures(session: Session, desk: Desk, asked: Asked, length: timedelta = metrics.USUAL) -> Figures:
    """The figures of so many days, as ``/ship metrics`` counts them, of what the page is narrowed to."""
    owner = desk.catalog.service(asked.service) if asked.service is not None else None
    teams, services = metrics.figures(session, desk, length, service=owner, team=asked.team)
    return Figures(days=length.days, until=desk.now, teams=tuple(teams), services=tuple(services))
