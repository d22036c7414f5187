"""What lies between two commits: asked of the forge, outside of any transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.catalog import Catalog
from bot.database import Database
from bot.delivery.kinds import Settle
from bot.deploys import service
from bot.deploys.models import Deploy, Target
from bot.deploys.views import (
    RangeState,
)
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
        repo, sha, service_name = asked
        paths = bool(self.catalog.service(service_name).paths)
        if base is None:
            found = Range(Direction.AHEAD, arriving=await self.forge.single(repo, sha, paths=paths), leaving=Changes())
        else:
            found = await self.forge.compare(repo, base, sha, paths=paths)

        def write(session: Session, now: datetime) -> None:
            service.range_read(session, self.catalog, deploy_id, base, found, now)
            self.settle(session, now)

        return write

    def unknown(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        service.range_unknown(session, int(data["deploy"]), data["base"], RangeState.UNKNOWN)
        self.settle(session, now)

    def unreadable(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        service.range_unknown(session, int(data["deploy"]), data["base"], RangeState.UNREADABLE)
        self.settle(session, now)


def _range_wanted(session: Session, deploy_id: int, base: str | None) -> tuple[str, str, str] | None:
    """Repository, commit and service of a deploy whose range from ``base`` is still wanted."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.repo is None or deploy.previous_sha != base:
        return None
    target = session.get(Target, deploy.target)
    assert target is not None
    return deploy.repo, deploy.sha, target.service


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


async def _now_known(address: str | None) -> str | None:
    return address
