"""What people choose for themselves, and who they prove to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """How much of a scope somebody wants to hear."""

    ALL = "all"
    FAILURES = "failures"
    """Only what went wrong."""
    NONE = "none"
    """Muted. Pages are never muted."""


@dataclass(frozen=True, kw_only=True)
class PreferenceChosen:
    """Somebody in Slack said how much they want to hear. ``scope`` is ``all`` or ``change:<id>``."""

    slack_id: str
    scope: str
    level: Level
    at: datetime


@dataclass(frozen=True, kw_only=True)
class GithubLinked:
    """Somebody in Slack named their GitHub login: it routes messages and grants nothing. None takes it back."""

    slack_id: str
    login: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class WatchChosen:
    """Somebody is to hear when a change reaches an environment (None = every one): ``who`` (a Slack id)."""

    change: int
    environment: str | None
    who: str
    slack_id: str
    watching: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class IdentityProven:
    """GitHub itself said that this person is this login: by the device flow, or by single sign-on."""

    slack_id: str
    login: str
    how: str
    """``device`` or ``sso``."""
    at: datetime
    repo: str | None = None
    """A repository of the catalogue that GitHub says the login may push to: ``device`` proves nothing without one."""


@dataclass(frozen=True, kw_only=True)
class HoursChosen:
    """Somebody said when they work, in minutes of their own day; both None = the usual hours again."""

    slack_id: str
    begins: int | None
    ends: int | None
    at: datetime
