"""A symptom, and what went live before it, as the rules of likely changes judge them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.alerts import likeness

TAIL = timedelta(minutes=10)
"""How long a replaced build can still be what is seen: metrics average over minutes, and queues drain."""

LONGEST_ROLLOUT = timedelta(days=7)
"""A rollout whose end was never told counts for this long at most."""

_LONGEST = 60
"""Characters of a name from outside that are shown within a sentence."""


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """What is wrong: of which service, where, and since when.

    It began at ``onset`` at the latest; ``onset_earliest`` is earlier by as much as the rule that found it may have
    been late. ``dependencies`` names how far away each service is on which this one depends; itself is 0.
    ``service`` None: nobody knows whose it is. ``storm``: many services that do not depend on it fail as well.
    """

    service: str | None
    environment: str | None
    onset: datetime
    onset_earliest: datetime
    versions: frozenset[str] = frozenset()
    stacks: tuple[tuple[str, ...], ...] = ()
    """The files of each error that tells of it, the innermost first."""
    dependencies: Mapping[str, int] = field(default_factory=dict, hash=False)
    storm: bool = False
    failing: frozenset[str] = frozenset()
    """Those of the services it depends on that began to fail at about the same time."""
    lower: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    """Of services that are themselves in question, by name in lower case: on which of the others each depends."""
    alerts: tuple[int, ...] = ()
    """The numbers of the alerts that tell of it."""

    def fails(self, service: str) -> bool:
        """Whether it depends on this service, and that fails as well."""
        return service.casefold() in {name.casefold() for name in self.failing}

    def rests_on(self, service: str) -> frozenset[str]:
        """What fails of the others in question on which this one depends: what broke those broke it as well."""
        return self.lower.get(service.casefold(), frozenset())

    @property
    def distances(self) -> dict[str, int]:
        """How far away each service is, by its name in lower case."""
        found = {name.casefold(): distance for name, distance in self.dependencies.items()}
        if self.service is not None:
            found[self.service.casefold()] = 0
        return found


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A rollout (``deploy``) or a flag that was turned (``flag``); ``subject`` is its number in our tables.

    ``first_traffic_at`` None: it never had any. ``replaced_at`` is when something newer had replaced its build, be it
    with what it brought within; ``ended_live_at`` is when that was out again: by a rollback, a revert, a flag turned
    back. ``steps`` are the instants at which it was seen to have come so far, in per cent. ``versions`` are all names
    of its build, ``previous_versions`` those of the one before it.
    """

    kind: str = "deploy"
    subject: int
    service: str
    environment: str | None
    called: str = ""
    """What people call it: a short commit, a flag's name."""
    began_at: datetime
    first_traffic_at: datetime | None
    finished_at: datetime | None = None
    replaced_at: datetime | None = None
    ended_live_at: datetime | None = None
    failed: bool = False
    cancelled: bool = False
    steps: tuple[tuple[datetime, int], ...] = ()
    sha: str = ""
    previous_sha: str | None = None
    versions: frozenset[str] = frozenset()
    previous_versions: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    additions: int | None = None
    deletions: int | None = None
    labels: frozenset[str] = frozenset()
    rollback: bool = False
    revert: bool = False
    again: bool = False
    """Whether the same build ran before it already: nothing is new but that it began anew."""
    nothing_own: bool = False
    """Whether all is known that it carries, and none of that is the service's own."""
    changes: int = 0
    fired_before: bool = False
    """Whether the same alert was firing when this went live, and has not ended since."""
    fires_again: bool = False
    """Whether it was firing when this went live, or had just ended by itself, but had ended before it fires now."""
    over_without: bool = False
    """Whether the same alert had ended once what this brought was out, before it fired once more."""
    fired_lately: int = 0
    """How often the same alert fired in the week before this had any traffic."""
    failing_already: bool = False
    """Whether another alert of the service was firing when this went live: it may have been meant to help."""

    @property
    def is_flag(self) -> bool:
        """Whether a flag was turned, rather than a build rolled out."""
        return self.kind == "flag"

    @property
    def name(self) -> str:
        """What people call it."""
        return clipped(self.called or self.sha[: likeness.SHORTEST_SHA] or f"{self.kind} {self.subject}")

    def counts(self, symptom: Symptom, window: timedelta) -> bool:
        """Whether it can have caused this at all: there, live before, and neither over nor replaced too long ago."""
        return (
            self.service.casefold() in symptom.distances
            and _same_place(self.environment, symptom.environment)
            and self.first_traffic_at is not None
            and self.first_traffic_at <= symptom.onset
            and symptom.onset_earliest <= self._rolled_until(self.first_traffic_at) + window
            and (self.ended_live_at is None or symptom.onset_earliest <= self.ended_live_at + TAIL)
        )

    def _rolled_until(self, since: datetime) -> datetime:
        """When it was rolled out; one whose end was never told, when something newer had replaced it, or at last."""
        return self.finished_at or min(self.replaced_at or since + LONGEST_ROLLOUT, since + LONGEST_ROLLOUT)

    @property
    def broken_off(self) -> bool:
        """Whether its rollout ended, but not with all of the traffic on it."""
        return self.failed or self.cancelled

    def exposed_at(self, onset: datetime) -> datetime:
        """When it last reached more of the traffic before this instant: then is a symptom of it to be expected."""
        assert self.first_traffic_at is not None
        latest, most = self.first_traffic_at, 0
        for at, percent in sorted(self.steps):
            if at <= onset and percent > most:
                latest, most = max(latest, at), percent
        if self.finished_at is not None and self.finished_at <= onset and not self.broken_off and most < 100:
            latest = max(latest, self.finished_at)
        return latest

    def shared(self, symptom: Symptom) -> bool:
        """Whether this and another build had traffic when the symptom began, or shortly before."""
        recent = self.finished_at is None or self.finished_at + TAIL >= symptom.onset_earliest
        return recent or self.broken_off or self.replaced(symptom.onset)

    def replaced(self, onset: datetime) -> bool:
        """Whether something newer had replaced its build by this instant."""
        return any(at is not None and at <= onset for at in (self.replaced_at, self.ended_live_at))

    def within_newer(self, onset: datetime) -> bool:
        """Whether by this instant its build had been replaced by one that has within what it brought."""
        out = self.ended_live_at is not None and self.ended_live_at <= onset
        return self.replaced_at is not None and self.replaced_at <= onset and not out

    def percent_at(self, onset: datetime) -> int | None:
        """How much of the traffic was on it, in per cent; None where nobody has told."""
        if self.is_flag or (self.finished_at is not None and self.finished_at <= onset):
            return None
        told = [percent for at, percent in sorted(self.steps) if at <= onset and percent > 0]
        return told[-1] if told else None


def _same_place(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one.casefold() == other.casefold()


_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def build_called(version: str) -> str:
    """A version from outside, as people say it: of a whole commit seven characters."""
    return version[:7] if _COMMIT.fullmatch(version) else clipped(version)


def clipped(words: str) -> str:
    """A name from outside, short enough for a sentence."""
    words = " ".join(words.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
