"""What is asked for and said of promotions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.events.code import Human


@dataclass(frozen=True, kw_only=True)
class GateRequested:
    """GitHub asks whether a run may enter an environment; ``callback_url`` is hostile until it has been checked.

    ``requested_by`` is whoever started the run: None where it started by itself, nobody's name where none is told.
    """

    repo: str
    run: int
    environment: str
    sha: str
    callback_url: str
    requested_by: Human | None = None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RunEnded:
    """A workflow run is over: nothing waits in it any more. ``attempt`` counts its re-runs from 1."""

    repo: str
    run: int
    attempt: int
    cancelled: bool
    at: datetime


class Via(StrEnum):
    """How a promotion was asked for."""

    PIPELINE = "pipeline"
    """Its build succeeded in the environment before."""
    SLASH = "slash"
    API = "api"
    GITHUB = "github"
    """A run waits before the environment."""
    TRAIN = "train"
    """A departure's list was sealed with it aboard."""


@dataclass(frozen=True, kw_only=True)
class PromotionRequested:
    """Somebody asks for a build to go to an environment; None = the next one; ``sha`` None = the newest.

    A person may name the build in ``sha`` by its tag, its version or a pull request too.

    ``by`` is ``slack:U…`` or a name in our tables (``github:ana``), None where the caller names nobody.
    """

    service: str
    environment: str | None
    sha: str | None
    by: str | None
    via: Via
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RollbackRequested:
    """Somebody declares a rollback of a service to what ``to_deploy`` (our number) brought; None = the last good one.

    ``leaves`` names what they were shown to leave (``Rollback.seen``): None where they were shown nothing.
    """

    service: str
    environment: str | None
    to_deploy: int | None
    leaves: str | None
    reason: str
    slack_id: str
    at: datetime


class Act(StrEnum):
    """What a person does to one promotion."""

    APPROVE = "approve"
    UNDO = "undo"
    """Takes one's own approval back."""
    REJECT = "reject"
    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"
    INCLUDE = "include"
    """Includes newer: a new promotion takes its place."""
    ACKNOWLEDGE = "acknowledge"
    """What a rollback took out may go in again."""
    WENT_THROUGH = "went_through"
    """A doubtful call did reach the pipeline, a person says."""
    TRY_AGAIN = "try_again"
    """A doubtful call did not reach it: call again."""


@dataclass(frozen=True, kw_only=True)
class PromotionActed:
    """A person of our workspace, no guest, did something to a promotion as they saw it (``seen``)."""

    act: Act
    promotion: int
    seen: str
    slack_id: str
    called: str
    reason: str | None = None
    at: datetime
