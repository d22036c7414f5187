"""How rollouts stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.events.code import Human


class DeployStatus(StrEnum):
    """Where a rollout stands; the last three are ends."""

    PENDING = "pending"
    """Announced, or waiting for the pipeline."""
    IN_PROGRESS = "in_progress"
    """Rolling out."""
    SUCCEEDED = "succeeded"
    """Live."""
    FAILED = "failed"
    """Did not go live."""
    CANCELLED = "cancelled"
    """Stopped by somebody or by a newer one."""

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected."""
        return self in (DeployStatus.SUCCEEDED, DeployStatus.FAILED, DeployStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class DeployReported:
    """A pipeline says where one rollout stands. (source, external_id, attempt) names the rollout at its sender.

    ``service`` is set where the sender names it; otherwise the catalogue derives it from ``repo``. ``began_at`` is
    when the rollout was created at the sender, ``at`` when this status was. ``percent`` is 0 to 100.
    ``final`` is the sender's own claim that this environment is production.
    """

    source: str
    external_id: str
    attempt: int = 1
    repo: str | None
    service: str | None = None
    environment: str
    sha: str
    ref: str | None = None
    status: DeployStatus
    percent: int | None = None
    began_at: datetime
    at: datetime
    url: str | None = None
    description: str | None = None
    creator: Human | None = None
    final: bool | None = None
    promotion: int | None = None
    """The promotion of ours that began it, where it carries that back to us."""
    run: int | None = None
    """The forge's workflow run that it is part of."""
