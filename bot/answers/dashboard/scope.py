"""What the dashboard is narrowed to: a team, a service, or nothing; and which services there are at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from bot.answers.dashboard.views import Asked
from bot.answers.metrics import counted, team_called
from bot.answers.status import amiss
from bot.catalog import Service
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.errors import UserError
from bot.spelling import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The services that the page is about; ``every`` are all that there are, ``narrowed`` whether that is fewer."""

    asked: Asked
    every: Sequence[Service]
    services: Sequence[Service]
    targets: Sequence[Target]
    """Of the services that the page is about."""

    @property
    def narrowed(self) -> bool:
        """Whether something was asked for."""
        return self.asked.team is not None or self.asked.service is not None

    @property
    def names(self) -> frozenset[str]:
        """The names of the services, case folded."""
        return frozenset(one.name.casefold() for one in self.services)

    def has(self, service: str | None) -> bool:
        """Whether this service's affairs are shown; where nothing was asked for all are, also of those not known."""
        return not self.narrowed or (service is not None and service.casefold() in self.names)

    def spelt(self) -> Sequence[str]:
        """The services' names as they stand in the table of targets, for a statement."""
        return sorted({target.service for target in self.targets} | {one.name for one in self.services})


def scope_of(session: Session, desk: Desk, team: str | None, service: str | None) -> Scope:
    """What is meant by the words of an address; UserError, with the nearest, where they name nothing that is there."""
    targets = session.exec(
        select(Target).where(Target.service != "*").order_by(col(Target.service), col(Target.id))
    ).all()
    every = {one.name.casefold(): one for one in desk.catalog.services.values()}
    for target in targets:
        every.setdefault(target.service.casefold(), desk.catalog.service(target.service))
    asked = team_called(desk, team) if team is not None else None
    alone = every.get(service.casefold()) or _told(session, desk, service) if service is not None else None
    if service is not None and alone is None:
        hint = did_you_mean(service, [one.name for one in every.values()]) or "."
        raise UserError(f"I know no service “{service[:80]}”{hint}")
    of = alone.team.name if alone is not None and alone.team is not None else None
    named, not_of = (asked, None) if alone is None or asked in (None, of) else (None, asked)
    if alone is not None:
        every.setdefault(alone.name.casefold(), alone)
    ordered = sorted(every.values(), key=lambda one: one.name.casefold())
    meant = [
        one
        for one in ordered
        if (alone is None or one is alone) and (named is None or (one.team is not None and one.team.name == named))
    ]
    names = {one.name.casefold() for one in meant}
    return Scope(
        asked=Asked(team=named, service=alone.name if alone is not None else None, not_of=not_of),
        every=ordered,
        services=meant,
        targets=[target for target in targets if target.service.casefold() in names],
    )


def _told(session: Session, desk: Desk, service: str) -> Service | None:
    """A service that was neither named nor deployed, of which something fires, or of which incidents are counted."""
    known = [*amiss(session), counted(session, service) or ""]
    found = next((one for one in known if one.casefold() == service.casefold()), None)
    return desk.catalog.service(found) if found else None
