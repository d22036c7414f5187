"""What ``shipmate doctor`` finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """What a finding means."""

    GOOD = "good"
    NOTE = "note"
    """It works without; worth knowing."""
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """What was found of one subject, and how to mend it."""

    subject: str
    health: Health
    said: str
    mend: str = ""
