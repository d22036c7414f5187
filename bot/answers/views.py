"""What reply templates see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.deploys.views import ChangeView, LinkView, PersonView, StageView
from bot.events import DeployStatus, Level


@dataclass(frozen=True, kw_only=True)
class TargetStatus:
    """What is live in one environment and what is on its way there."""

    environment: str
    live_sha: str | None
    live_since: datetime | None
    live_changes: tuple[ChangeView, ...]
    under_way: DeployStatus | None
    under_way_sha: str | None
    under_way_since: datetime | None
    under_way_percent: int | None
    last_failed_at: datetime | None
    last_failed_sha: str | None
    last_failed_url: str | None
    links: tuple[LinkView, ...]
    """Of what is live."""


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One service, environments in pipeline order."""

    service: str
    team: str | None
    targets: tuple[TargetStatus, ...]


@dataclass(frozen=True, kw_only=True)
class StatusReply:
    """`/ship status [service]`; ``more`` counts services left out of the list."""

    services: tuple[ServiceStatus, ...]
    more: int


@dataclass(frozen=True, kw_only=True)
class WhereFound:
    """One change and how far it got; ``waiting`` names the environments of its pipeline it has not reached.

    Where several services carry it, each is named with its service: ``cart · production``.
    """

    change: ChangeView
    repo: str
    merged_at: datetime | None
    stages: tuple[StageView, ...]
    waiting: tuple[str, ...]

    @property
    def headline(self) -> StageView | None:
        """The stage that tells most: the farthest that ended of each service, bad news first; None where none did."""
        ended = [one for one in self.stages if one.left or one.status in (DeployStatus.SUCCEEDED, DeployStatus.FAILED)]
        farthest = {one.service: one for one in ended}.values()
        return min(farthest, key=lambda one: (one.left, one.status is DeployStatus.SUCCEEDED), default=None)


@dataclass(frozen=True, kw_only=True)
class WhereReply:
    """`/ship where <PR|sha|url>`: usually one, several when a number exists in several repositories."""

    asked: str
    found: tuple[WhereFound, ...]


@dataclass(frozen=True, kw_only=True)
class MeReply:
    """`/ship me`: who we think you are and what you hear."""

    person: PersonView
    github: str | None
    github_source: str | None
    """``catalogue``, ``link`` or ``e-mail``: where the GitHub login comes from."""
    level: Level
    muted_changes: tuple[ChangeView, ...]
    recent: tuple[ChangeView, ...]


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of `/ship`, for help: ``usage`` is what follows it (``status [service]``).

    ``ready`` is false until its feature is there.
    """

    name: str
    usage: str
    summary: str
    ready: bool


@dataclass(frozen=True, kw_only=True)
class HelpReply:
    """`/ship help`, also the answer to an unknown word (``unknown``, with the nearest word in ``meant``).

    ``elsewhere`` is another command that the unknown word belongs to.
    """

    words: tuple[Word, ...]
    unknown: str | None = None
    meant: str | None = None
    elsewhere: str | None = None


@dataclass(frozen=True, kw_only=True)
class SaidReply:
    """A plain sentence: a setting taken, a refusal, or what went wrong and how to mend it. ``refused`` marks a no."""

    text: str
    refused: bool = False


@dataclass(frozen=True, kw_only=True)
class UsualDuration:
    """How long rollouts of a target usually take, from the last succeeded ones."""

    median: timedelta
    samples: int
