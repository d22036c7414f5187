"""Events as a pipeline and a forge tell them, with everything said that a test does not care about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.catalog import Catalog, Service
from bot.events import ChangeMerged, Commit, DeployReported, DeployStatus, Human, MergedPull
from bot.ports import Changes, Direction, Range
from tests.unit.stores import NOON

REPO = "bakery/oven"

ANA = Human(login="ana", name="Ana")
BEN = Human(login="ben", name="Ben")
CHI = Human(login="chi", name="Chi")
BOT = Human(login="dependabot[bot]", name="dependabot[bot]", bot=True)


def sha_of(name: str) -> str:
    """A commit's sha that can be read: ``a`` is ``aaaa…``."""
    return (name * 40)[:40]


def minute(minutes: float) -> datetime:
    """So many minutes past noon."""
    return NOON + timedelta(minutes=minutes)


def catalog(*services: Service, default: str = "#deploys") -> Catalog:
    """A catalogue of these services."""
    return Catalog(
        default_channel=default,
        unknown=Service(name="unknown", channel=default, known=False),
        services={service.name: service for service in services},
    )


def report(
    sha: str = "a",
    status: str = "succeeded",
    at: float = 1,
    *,
    number: str | None = None,
    environment: str = "production",
    began: float | None = None,
    **more: Any,
) -> DeployReported:
    """A status of the rollout of a commit, ``at`` minutes past noon; it began half a minute before unless said."""
    return DeployReported(
        source=more.pop("source", "github"),
        external_id=number or sha,
        repo=more.pop("repo", REPO),
        environment=environment,
        sha=sha_of(sha),
        status=DeployStatus(status),
        began_at=minute(at - 0.5 if began is None else began),
        at=minute(at),
        **more,
    )


def pull(number: int, sha: str, *, author: Human = ANA, **more: Any) -> MergedPull:
    """A merged pull request that became this commit."""
    return MergedPull(
        number=number,
        sha=sha_of(sha),
        title=more.pop("title", f"Change {number}"),
        url=f"https://github.com/{REPO}/pull/{number}",
        author=author,
        merged_at=minute(0),
        **more,
    )


def merged(number: int, sha: str, *, author: Human = ANA, **more: Any) -> ChangeMerged:
    """The forge tells that a pull request was merged."""
    return ChangeMerged(repo=REPO, pull=pull(number, sha, author=author, **more), at=minute(0))


def commit(sha: str, message: str = "Mend a typo", *, author: Human = ANA, **more: Any) -> Commit:
    """A commit of the main branch."""
    return Commit(sha=sha_of(sha), message=message, author=author, at=minute(0), **more)


def carrying(*arriving: MergedPull | Commit, leaving: tuple[MergedPull | Commit, ...] = ()) -> Range:
    """What the forge answers: these arrive, those leave."""
    direction = (
        (Direction.DIVERGED if arriving else Direction.BEHIND)
        if leaving
        else (Direction.AHEAD if arriving else Direction.IDENTICAL)
    )
    return Range(direction, _changes(arriving), _changes(leaving))


def _changes(found: tuple[MergedPull | Commit, ...]) -> Changes:
    return Changes(
        pulls=tuple(one for one in found if isinstance(one, MergedPull)),
        commits=tuple(one for one in found if isinstance(one, Commit)),
    )
