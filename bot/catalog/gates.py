"""The gates a policy names, with the options it gives them; what they judge is not known here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

PLAIN_GATES = ("lock", "freeze", "order", "train", "health")
"""Gates that take no options."""

UNBUILT_GATES = ("risk", "hours", "ready")
"""Gates that a policy may name already. Until they are built each of them is closed, never ignored."""


@dataclass(frozen=True)
class PlainGate:
    """A gate that is only named; one of PLAIN_GATES."""

    name: str


@dataclass(frozen=True)
class SoakGate:
    """A build stays in the environment before for a while."""

    at_least: timedelta
    name: str = "soak"


@dataclass(frozen=True)
class SmokeGate:
    """Checks with these names have passed."""

    checks: tuple[str, ...]
    name: str = "smoke"


@dataclass(frozen=True)
class BatchGate:
    """At most so many changes, or changed lines, at once; None where that is not limited."""

    changes: int | None
    lines: int | None
    name: str = "batch"


@dataclass(frozen=True)
class ApprovalGate:
    """So many people who did not write it have said yes; a yes counts until it expires."""

    count: int = 1
    expires: timedelta = timedelta(hours=4)
    name: str = "approval"


@dataclass(frozen=True)
class UnbuiltGate:
    """One of UNBUILT_GATES."""

    name: str


Gate = PlainGate | SoakGate | SmokeGate | BatchGate | ApprovalGate | UnbuiltGate

DEFAULT_GATES: tuple[Gate, ...] = (
    PlainGate("lock"),
    PlainGate("freeze"),
    PlainGate("order"),
    ApprovalGate(),
    PlainGate("health"),
)
"""What holds a service whose policy names no gates: somebody else must have said yes."""
