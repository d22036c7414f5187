"""Looking back for webhooks that never reached us: GitHub does not send them again by itself.

A GitHub App is told which of its deliveries failed and asks for them again. Anybody else lists the deployments created
since the last look, and applies those that were never heard of as if their webhooks had come. What was found is said
aloud: for a while people were told nothing, and they must know it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, select

from bot import audit, outbox
from bot.catalog import Catalog
from bot.database import Database
from bot.deploys import rules, service
from bot.deploys.models import Deploy
from bot.errors import GiveUp, OutgoingError, Unauthorised
from bot.events import DeployReported
from bot.ports import Forge, MissedDeliveries
from bot.reactions import Reactions

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=10)
"""How often to look back while all seems well."""

AGAIN = timedelta(minutes=1)
"""When to look again after the forge could not be asked."""

OVERLAP = timedelta(minutes=30)
"""How far each look reaches behind the one before: webhooks are sometimes minutes late, and clocks differ."""

FARTHEST = timedelta(days=3)
"""GitHub keeps hook deliveries this long (facts: 3 days on github.com)."""

IN_FLIGHT = timedelta(minutes=2)
"""What happened more recently than this may still be on its way."""


@dataclass(frozen=True)
class Gap:
    """A time during which nobody was on watch."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class LookBack:
    """Looks back on behalf of one bot."""

    database: Database
    forge: Forge
    catalog: Catalog
    reactions: Reactions
    clock: Callable[[], datetime]

    async def look(self, gap: Gap | None) -> bool:
        """Find what was missed, have it sent again or apply it, say so; returns whether the forge could be asked."""
        now = self.clock()
        since = max(min(gap.since, now - OVERLAP) if gap else now - OVERLAP, now - FARTHEST)
        try:
            asked = await self.forge.redeliver_failed(since)
            if asked is not None:
                if asked.requested:
                    await self.database.write(lambda session: self._say_redelivered(session, asked, gap, self.clock()))
                return True
            missed = await self._missed_deployments(since, now)
        except GiveUp as fault:
            log.warning("cannot look back for missed webhooks", code=fault.code, mend=fault.mend)
            return not isinstance(fault, Unauthorised)  # once that is mended, what was missed is still to be said
        except OutgoingError as fault:
            log.warning("the forge could not be asked for missed webhooks", error=str(fault))
            return False
        if missed:
            await self.database.write(lambda session: self._apply(session, missed, gap, self.clock()))
        return True

    async def _missed_deployments(self, since: datetime, now: datetime) -> list[DeployReported]:
        missed: list[DeployReported] = []
        for repo in await self.database.read(self._repositories):
            try:
                found = await self.forge.deployments_since(repo, since)
            except GiveUp as fault:
                log.warning("cannot look back in a repository", repo=repo, code=fault.code, mend=fault.mend)
                continue
            settled = [event for event in found if event.at <= now - IN_FLIGHT]
            missed += await self.database.read(lambda session, settled=settled: _unheard(session, settled))  # type: ignore[misc]
        return missed

    def _repositories(self, session: Session) -> Sequence[str]:
        seen = session.exec(select(Deploy.repo).where(col(Deploy.repo).is_not(None)).distinct()).all()
        known = [one.repo for one in self.catalog.services.values() if one.repo]
        return sorted({repo.lower(): repo for repo in [*seen, *known] if repo}.values())

    def _apply(self, session: Session, missed: Sequence[DeployReported], gap: Gap | None, now: datetime) -> None:
        missed = _unheard(session, missed)  # some may have arrived meanwhile
        if not missed:
            return
        self.reactions.react(session, missed, now)
        found = {
            deploy.id: deploy for event in missed if (deploy := service.deploy_reported(session, event)) is not None
        }
        first = gap.since if gap else min(event.began_at for event in missed)
        last = gap.until if gap else max(event.at for event in missed)
        self._say(session, first, last, now, redelivered=0, deploys=[deploy_id for deploy_id in found if deploy_id])

    def _say_redelivered(self, session: Session, asked: MissedDeliveries, gap: Gap | None, now: datetime) -> None:
        first = gap.since if gap else asked.first_at or now
        last = gap.until if gap else asked.last_at or now
        self._say(session, first, last, now, redelivered=asked.requested, deploys=[])

    def _say(
        self, session: Session, first: datetime, last: datetime, now: datetime, *, redelivered: int, deploys: list[int]
    ) -> None:
        audit.record(
            session, audit.Tag.BLIND_SPOT_FOUND, "inbox:github", now,
            first_at=first.isoformat(), last_at=last.isoformat(), redelivered=redelivered, deploys=len(deploys),
        )  # fmt: skip
        outbox.add_note(
            session, "blind_spot", f"blind_spot:{first.isoformat()}:{last.isoformat()}:{redelivered}:{len(deploys)}",
            self.catalog.default_channel, now,
            first_at=first.isoformat(), last_at=last.isoformat(), redelivered=redelivered, deploys=deploys,
        )  # fmt: skip


def _unheard(session: Session, events: Sequence[DeployReported]) -> list[DeployReported]:
    """Those that say something we do not know yet."""
    unheard = []
    for event in events:
        deploy = service.deploy_reported(session, event)
        known = rules.Standing(deploy.state, deploy.status_at) if deploy else None
        if known is None or rules.later(known, rules.Standing(event.status, event.at)).status is not known.status:
            unheard.append(event)
    return unheard
