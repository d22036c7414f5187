"""What lies between two commits: asked of the forge, outside of any transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.catalog import Catalog, PagingMode
from bot.database import Database
from bot.delivery.kinds import Settle
from bot.deploys import service
from bot.deploys.models import Deploy, Target
from bot.deploys.views import (
    RangeState,
)
from bot.errors import GiveUp, RetryLater
from bot.outgoing.people import Consequences
from bot.ports import Changes, Direction, Forge, Range


@dataclass(frozen=True)
class Ranges:
    """Asks what deploys carry."""

    catalog: Catalog
    database: Database
    forge: Forge
    settle: Consequences

    async def read(self, data: Mapping[str, Any]) -> Settle:
        """Ask the forge what a deploy carries. Twice is harmless: it only reads, and the answer replaces itself."""
        deploy_id, base = int(data["deploy"]), data["base"]
        asked = await self.database.read(lambda session: _range_wanted(session, deploy_id, base))
        if asked is None:
            return _nothing
        needed = bool(self.catalog.service(asked.service).paths)
        try:
            found = await self._carried(asked, base, paths=needed or self._files_wanted(asked))
        except (GiveUp, RetryLater) as fault:
            passing = isinstance(fault, RetryLater) and not fault.rate_limited
            if passing or needed or not self._files_wanted(asked):
                raise
            # A list of files may be too long to be told, and nobody waits for it until questions are allowed again.
            found = await self._carried(asked, base, paths=False)

        def write(session: Session, now: datetime) -> None:
            service.range_read(session, self.catalog, deploy_id, base, found, now)
            self.settle(session, now)

        return write

    async def _carried(self, asked: _Wanted, base: str | None, *, paths: bool) -> Range:
        if base is not None:
            return await self.forge.compare(asked.repo, base, asked.sha, paths=paths)
        arriving = await self.forge.single(asked.repo, asked.sha, paths=paths)
        return Range(Direction.AHEAD, arriving=arriving, leaving=Changes())

    def _files_wanted(self, asked: _Wanted) -> bool:
        """Whether it helps to know the files of each change, which may be in an error's stack: a question for each.

        Where customers are, of services whose alerts are looked into. By the files of a repository of several services
        a change is one's own: there they are needed.
        """
        service = self.catalog.service(asked.service)
        looked_into = service.known and service.paging is not PagingMode.OFF
        return looked_into and service.is_final(asked.environment, asked.final)

    def unknown(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        service.range_unknown(session, int(data["deploy"]), data["base"], RangeState.UNKNOWN)
        self.settle(session, now)

    def unreadable(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        service.range_unknown(session, int(data["deploy"]), data["base"], RangeState.UNREADABLE)
        self.settle(session, now)


@dataclass(frozen=True)
class _Wanted:
    """A deploy of which it is to be known what it carries; ``final`` is what its sender claims of the environment."""

    repo: str
    sha: str
    service: str
    environment: str
    final: bool | None


def _range_wanted(session: Session, deploy_id: int, base: str | None) -> _Wanted | None:
    """The deploy of this number, whose range from ``base`` is still wanted."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.repo is None or deploy.previous_sha != base:
        return None
    target = session.get(Target, deploy.target)
    assert target is not None
    return _Wanted(deploy.repo, deploy.sha, target.service, target.environment, deploy.final)


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


async def _now_known(address: str | None) -> str | None:
    return address
