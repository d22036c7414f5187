"""What templates see of an alert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """An alert that fires since then, or did; ``url`` is where to look."""

    name: str
    since: datetime
    url: str | None = None
