"""Where the code lives: what lies between two commits, who may do what there, and the issues that are kept there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.events import Commit, DeployReported, MergedPull


class Direction(StrEnum):
    """How the head of a range stands to its base."""

    AHEAD = "ahead"
    BEHIND = "behind"
    DIVERGED = "diverged"
    IDENTICAL = "identical"


@dataclass(frozen=True)
class Changes:
    """Merged pull requests, and the commits that belong to none, oldest first."""

    pulls: tuple[MergedPull, ...] = ()
    commits: tuple[Commit, ...] = ()


@dataclass(frozen=True)
class Range:
    """What lies between two commits: ``arriving`` is in head and not in base, ``leaving`` the reverse.

    ``truncated`` is how many further commits were left out because the range is longer than we read.
    """

    direction: Direction
    arriving: Changes
    leaving: Changes
    truncated: int = 0


@dataclass(frozen=True)
class MissedDeliveries:
    """What a look back found: failed hook deliveries asked for again, and when the first and last of them had failed.

    ``requested`` counts each once, however often it has to be asked for.
    """

    requested: int
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True)
class DeviceProof:
    """A code that somebody enters at ``url`` until ``expires_at``; ask every ``interval`` seconds, no more often."""

    device_code: str
    user_code: str
    url: str
    interval: float
    expires_at: datetime


class Forge(Protocol):
    """Where the code lives."""

    async def compare(self, repo: str, base: str, head: str, *, paths: bool) -> Range:
        """The range base...head with each commit's pull request and everyone who wrote it; with files if ``paths``."""
        ...

    async def single(self, repo: str, sha: str, *, paths: bool) -> Changes:
        """The one change that a commit is (there is nothing before it to compare with)."""
        ...

    async def email(self, login: str) -> str | None:
        """The public address of an account, or None."""
        ...

    async def redeliver_failed(self, since: datetime) -> MissedDeliveries | None:
        """Ask for failed webhook deliveries again; None where we are no GitHub App and cannot."""
        ...

    async def statuses(self, repo: str, external_ids: Sequence[str]) -> Sequence[DeployReported]:
        """Where these deployments of a repository stand now, oldest first; one that is gone is left out."""
        ...

    async def deployments_since(self, repo: str, since: datetime) -> Sequence[DeployReported]:
        """Every deployment created in a repository since then, each with its latest status, oldest first."""
        ...

    async def login_by_sign_on(self, owner: str, email: str) -> str | None:
        """The login that an organisation's single sign-on knows under this address, or None."""
        ...

    async def begin_device_proof(self) -> DeviceProof:
        """Begin to have somebody prove at GitHub which account is theirs (OAuth's device flow)."""
        ...

    async def device_proven(self, proof: DeviceProof) -> str | None:
        """The login of whoever entered the code, None while nobody has; GiveUp once it has expired or was refused."""
        ...

    async def may_push(self, repo: str, login: str) -> bool:
        """Whether a login may push to a repository, by whatever way it was let in."""
        ...


class Issues(Protocol):
    """Where work that is left over is kept."""

    async def open_issue(self, repo: str, title: str, body: str, key: str) -> str:
        """Open an issue and return its address; one whose body carries ``key`` already is that one."""
        ...
