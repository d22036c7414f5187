"""What carries promotions out, and what a pipeline that waits for us is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a pipeline is asked to do. ``promotion`` is our number, which travels with the call to be found again.

    ``run`` and ``gate`` are the waiting run and its environment as GitHub names it, where a rule is answered.
    ``comment`` is Markdown: who approved, on what grounds.
    """

    promotion: int
    service: str
    environment: str
    repo: str
    sha: str
    rollback: bool
    run: int | None = None
    gate: str | None = None
    comment: str = ""
    requested_by: str | None = None


@dataclass(frozen=True)
class Started:
    """What the pipeline began: its own name for it (``deployment:17``, ``run:99``) where it gave one, its address."""

    external_id: str | None
    url: str | None = None


class Found(StrEnum):
    """What looking for a doubtful call came to, where the call itself was not found."""

    ABSENT = "absent"
    """It certainly did not happen: call again."""
    UNKNOWN = "unknown"
    """There is no way to tell: a person must say."""


class Pipeline(Protocol):
    """What carries promotions out; one implementation for each way (``PromoteThrough``)."""

    async def start(self, order: Order) -> Started:
        """Have it done. Doubtful means that it may have been; the caller then looks (``find``) before calling again."""
        ...

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """What an earlier ``start`` of this order, made at or after ``since``, came to."""
        ...


@dataclass(frozen=True)
class Missing:
    """Something that a pipeline needs and does not have, and how to mend it."""

    said: str
    mend: str


class Promoter(Pipeline, Protocol):
    """A pipeline that can say what it lacks, for whoever sets it up."""

    async def missing(self, service: str, repo: str | None, environments: Sequence[str]) -> Sequence[Missing]:
        """What it lacks to promote this service to these environments; changes nothing."""
        ...


class GateKeeper(Protocol):
    """GitHub's custom deployment protection rules, besides the approval that ``Pipeline.start`` gives."""

    async def note(self, repo: str, run: int, gate: str, comment: str) -> None:
        """Post a status note (Markdown, at most 1,024 characters) on a run that waits; GitHub takes ten of them."""
        ...

    async def reject(self, repo: str, run: int, gate: str, comment: str) -> None:
        """End the wait with a no: only for a person's Reject. Twice is harmless: the second finds nothing pending."""
        ...
