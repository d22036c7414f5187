"""Looking back for webhooks that never reached us: GitHub does not send them again by itself.

A GitHub App is told which of its deliveries failed and asks for them again. Anybody else lists the deployments created
since the last look, asks how those stand that have not ended, and applies what was never heard of as if its webhooks
had come. What was found is said aloud: for a while people were told nothing, and they must know it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func
from sqlmodel import Session, col, select

from bot import audit, outbox
from bot.catalog import Catalog
from bot.database import Database
from bot.deploys import rules, service
from bot.deploys.models import Deploy, DeployReport
from bot.errors import GiveUp, OutgoingError, RetryLater, Unauthorised
from bot.events import DeployReported, DeployStatus
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

LIVELY = timedelta(days=7)
"""A repository that the catalogue does not name is looked at for this long after its last deploy."""

MOST_UNFINISHED = 50
"""Rollouts of one repository asked for by their number, the newest first: each costs two questions."""

SOURCE = "github"
"""Whose rollouts the forge can be asked for."""

BAD_CREDENTIALS = "bad_credentials"
"""The forge's word for a token that is good for nothing at all."""

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
        """Find what was missed, have it sent again or apply it, say so.

        Returns whether that was all: not where somebody who might know could not be asked, nor where what is not heard
        of yet may still be on its way. Until then a gap is kept.
        """
        now = self.clock()
        since = max(min(gap.since, now - OVERLAP) if gap else now - OVERLAP, now - FARTHEST)
        try:
            asked = await self.forge.redeliver_failed(since)
        except GiveUp as fault:
            log.warning("cannot look back for missed webhooks", code=fault.code, mend=fault.mend)
            return not isinstance(fault, Unauthorised)  # once that is mended, what was missed is still to be said
        except OutgoingError as fault:
            log.warning("the forge could not be asked for missed webhooks", error=str(fault))
            return False
        if asked is None:
            return await self._look_in_repositories(since, now, gap)
        if asked.requested:
            await self.database.write(lambda session: self._say_redelivered(session, asked, gap, self.clock()))
        return True

    async def _look_in_repositories(self, since: datetime, now: datetime, gap: Gap | None) -> bool:
        """Apply what each repository tells by itself, so that one that does not answer hides no other; say it at once.

        Returns whether all of them could be asked, and nothing that they tell may still be on its way.
        """
        was_all = True
        missed: list[DeployReported] = []
        for repo in await self.database.read(lambda session: self._repositories(session, now)):
            try:
                applied, awaited = await self._catch_up(repo, since, now)
                missed += applied
                was_all = was_all and not awaited
            except GiveUp as fault:
                log.warning("cannot look back in a repository", repo=repo, code=fault.code, mend=fault.mend)
                if fault.code == BAD_CREDENTIALS:  # of the token, not of this repository
                    was_all = False
                    break
            except OutgoingError as fault:
                log.warning("a repository could not be asked for missed webhooks", repo=repo, error=str(fault))
                was_all = False
                if isinstance(fault, RetryLater) and fault.rate_limited:
                    break
        if missed:
            await self.database.write(lambda session: self._say_applied(session, missed, gap, self.clock()))
        return was_all

    async def _catch_up(
        self, repo: str, since: datetime, now: datetime
    ) -> tuple[Sequence[DeployReported], Sequence[DeployReported]]:
        """Apply what a repository's deployments tell that was never heard; returns it, and what is younger than that.

        Those created since then are listed. One that waited for days, and ended while nobody was listening, is asked
        for by its number.
        """
        found = list(await self.forge.deployments_since(repo, since))
        listed = {event.external_id for event in found}
        unfinished = await self.database.read(lambda session: _unfinished(session, repo, now - FARTHEST))
        waiting = [number for number in unfinished if number not in listed]
        if waiting:
            found += await self.forge.statuses(repo, waiting)
        settled = [event for event in found if event.at <= now - IN_FLIGHT]
        unheard = await self.database.read(lambda session: _unheard(session, found))
        awaited = [event for event in unheard if event not in settled]
        if len(awaited) == len(unheard):
            return (), awaited

        def apply(session: Session) -> list[DeployReported]:
            unheard = _unheard(session, settled)  # some may have arrived meanwhile
            self.reactions.react(session, unheard, self.clock())
            return unheard

        return await self.database.write(apply), awaited

    def _repositories(self, session: Session, now: datetime) -> Sequence[str]:
        recent = Deploy.began_at >= now - LIVELY
        seen = session.exec(select(Deploy.repo).where(col(Deploy.repo).is_not(None), recent).distinct()).all()
        known = [one.repo for one in self.catalog.services.values() if one.repo]
        return sorted({repo.lower(): repo for repo in [*seen, *known] if repo}.values())

    def _say_applied(self, session: Session, missed: Sequence[DeployReported], gap: Gap | None, now: datetime) -> None:
        found = {deploy.id for event in missed if (deploy := service.deploy_reported(session, event)) is not None}
        at = [event.at for event in missed]
        # What was missed may lie outside the gap (a restart too short to notice): the time told covers it all.
        first, last = (min(gap.since, *at), max(gap.until, *at)) if gap else (min(at), max(at))
        deploys = sorted(deploy_id for deploy_id in found if deploy_id is not None)
        said = f"{deploys}:{max(at).isoformat()}"
        self._say(session, said, first, last, now, redelivered=0, deploys=deploys)

    def _say_redelivered(self, session: Session, asked: MissedDeliveries, gap: Gap | None, now: datetime) -> None:
        first = gap.since if gap else asked.first_at or now
        last = gap.until if gap else asked.last_at or now
        # By their beginning alone: a window that slides is told once.
        said = f"redelivered:{(asked.first_at or now).isoformat()}"
        self._say(session, said, first, last, now, redelivered=asked.requested, deploys=[])

    def _say(
        self,
        session: Session,
        said: str,
        first: datetime,
        last: datetime,
        now: datetime,
        *,
        redelivered: int,
        deploys: list[int],
    ) -> None:
        """``said`` is what makes saying this the same as saying it before."""
        audit.record(
            session, audit.Tag.BLIND_SPOT_FOUND, "inbox:github", now,
            first_at=first.isoformat(), last_at=last.isoformat(), redelivered=redelivered, deploys=len(deploys),
        )  # fmt: skip
        outbox.add_note(
            session, "blind_spot", f"blind_spot:{hashlib.sha256(said.encode()).hexdigest()}",
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


def _unfinished(session: Session, repo: str, since: datetime) -> Sequence[str]:
    """The forge's numbers of the rollouts of a repository that began since then and, for all we know, run still."""
    waiting = (DeployStatus.PENDING.value, DeployStatus.IN_PROGRESS.value)
    return session.exec(
        select(DeployReport.external_id)
        .join(Deploy, col(DeployReport.deploy) == col(Deploy.id))
        .where(
            func.lower(Deploy.repo) == repo.lower(),
            DeployReport.source == SOURCE,
            col(Deploy.status).in_(waiting),
            Deploy.began_at >= since,
        )
        .order_by(col(Deploy.began_at).desc())
        .limit(MOST_UNFINISHED)
    ).all()
