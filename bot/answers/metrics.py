"""``/ship metrics``: how often a page was right, how often a change failed, how long it took to recover."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.answers.status import called
from bot.catalog import Service
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.incidents import precision
from bot.incidents.models import IncidentService
from bot.spelling import did_you_mean

USUAL = timedelta(days=30)
LONGEST = timedelta(days=365)

MOST_TEAMS = 10
MOST_SERVICES = 12

_DAYS = re.compile(r"([1-9][0-9]{0,3})([dw])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class TeamFigures:
    """A team's pages to whoever had a hand in a likely change, and what people said of them."""

    team: str
    pages: int
    right: int
    wrong: int
    unjudged: int


@dataclass(frozen=True, kw_only=True)
class ServiceFigures:
    """A service's deploys to its last environment, how many failed, and how long half of those took to recover.

    ``incident_recovery`` is how long half of its incidents took at most, whatever caused them.
    """

    service: str
    team: str | None
    deploys: int
    failed: int
    incidents: int
    recovery: timedelta | None
    slow_recovery: timedelta | None
    incident_recovery: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class MetricsReply:
    """The figures of so many days, each of 24 hours, up to now; ``about`` names the service or team asked for."""

    about: str | None
    days: int
    since: datetime
    teams: tuple[TeamFigures, ...]
    services: tuple[ServiceFigures, ...]
    more: int


def read_days(word: str) -> int | None:
    """``30d`` or ``4w`` in days; None for any other word. UserError for more than ``LONGEST``."""
    found = _DAYS.fullmatch(word)
    if found is None:
        return None
    days = int(found.group(1)) * (7 if found.group(2).lower() == "w" else 1)
    if days > LONGEST.days:
        raise UserError(f"I count at most {LONGEST.days} days: /ship metrics {LONGEST.days}d")
    return days


def metrics(session: Session, desk: Desk, about: str | None, days: int | None) -> MetricsReply:
    """The figures of a service, a team, or all; UserError, with the nearest, for a word that is neither."""
    length = timedelta(days=days) if days is not None else USUAL
    service, team = _meant(session, desk, about) if about is not None else (None, None)
    teams, services = figures(session, desk, length, service=service, team=team)
    return MetricsReply(
        about=service.name if service is not None else team,
        days=length.days,
        since=desk.now - length,
        teams=tuple(teams[:MOST_TEAMS]),
        services=tuple(services[:MOST_SERVICES]),
        more=max(0, len(services) - MOST_SERVICES),
    )


def figures(
    session: Session, desk: Desk, length: timedelta, *, service: Service | None = None, team: str | None = None
) -> tuple[list[TeamFigures], list[ServiceFigures]]:
    """The same unlimited: each team with a page, each service with a deploy or an incident, in the last ``length``."""
    since = desk.now - length
    pages = [
        page
        for page in precision.pages_to_authors(session, desk, since, desk.now)
        if (service is None or (page.service or "").casefold() == service.name.casefold())
        and (team is None or page.team == team)
    ]
    fared = precision.stability(session, desk, since, desk.now)
    services = []
    for name, one in fared.items():
        owner = desk.catalog.service(name)
        named = owner.team.name if owner.team is not None else None
        if (service is not None and owner.name != service.name) or (team is not None and named != team):
            continue
        services.append(
            ServiceFigures(
                service=name,
                team=named,
                deploys=one.deploys,
                failed=one.failed,
                incidents=one.incidents,
                recovery=one.recovery,
                slow_recovery=one.slow_recovery,
                incident_recovery=one.incident_recovery,
            )
        )
    teams = [
        TeamFigures(team=name, pages=one.sent, right=one.right, wrong=one.wrong, unjudged=one.unjudged)
        for name, one in precision.by_team(pages).items()
    ]
    return teams, services


def team_called(desk: Desk, asked: str) -> str:
    """The team of this name as it is spelt; UserError, with the nearest, for one that is none."""
    found = next((name for name in desk.catalog.teams if name.casefold() == asked.casefold()), None)
    if found is None:
        raise UserError(f"I know no team “{asked[:80]}”{did_you_mean(asked, desk.catalog.teams) or '.'}")
    return found


def counted(session: Session, asked: str) -> str | None:
    """The service of this name as it is spelt, of which there ever was an incident; None where there was none."""
    of_it = select(IncidentService.service).where(func.lower(IncidentService.service) == asked.lower())
    return session.exec(of_it.order_by(col(IncidentService.id)).limit(1)).first()


def _meant(session: Session, desk: Desk, about: str) -> tuple[Service | None, str | None]:
    """The service or the team of this name."""
    team = next((name for name in desk.catalog.teams if name.casefold() == about.casefold()), None)
    if team is not None:
        return None, team
    try:
        return desk.catalog.service(called(session, desk, about)), None
    except UserError:
        told = counted(session, about)
        if told is not None:
            return desk.catalog.service(told), None
        known = (*desk.catalog.services, *desk.catalog.teams)
        hint = did_you_mean(about, known) or "."
        raise UserError(f"I know no service and no team “{about[:80]}”{hint}") from None
