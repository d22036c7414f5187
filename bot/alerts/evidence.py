"""What speaks for each change that went live before a symptom, and what against it. Pure.

Every piece of evidence is one sentence that somebody reads at three in the morning, and a weight. The weights order
changes of one confidence; which confidence a change gets is decided by what evidence there is at all
(``bot.alerts.suspects``), never by a sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.alerts import likeness
from bot.alerts.symptoms import Candidate, Symptom, build_called, clipped
from bot.gates.wording import counted, spoken

OFTEN = 4
"""An alert that fired so many times in the week before a change fires by itself as well."""

HALF_LIFE = timedelta(minutes=30)
"""After this long live, a change's being recent says half as much."""

IN_STEPS = timedelta(minutes=2)
"""A rollout that took this long reached its traffic bit by bit, which is said."""

LONG = timedelta(minutes=30)
JUST = timedelta(minutes=15)
"""What went live that long before is in doubt where a dependency went live only this shortly before."""

BIG = 400
"""Lines beyond which a change is big, which those that break things are more often (Meta's work on diff risk)."""

RISKY = frozenset({"breaking", "config", "database", "infra", "infrastructure", "migration", "risk", "risky", "schema"})
"""Words in a change's labels that say of it what its size does not."""

_CLEAR_FRAMES = 5
"""Frames of a stack, counted from the innermost, that say where an error is made; the others are on every stack."""

_PARTS_ELSEWHERE = 3
"""Parts that paths of another service must share: ``src/index.ts`` is in every repository."""


class EvidenceName(StrEnum):
    """What a piece of evidence is about. The first ones speak for a change, the last ones against it."""

    SERVICE = "service"
    """It is a change of the very service."""
    DEPENDENCY = "dependency"
    """The service depends on what was changed."""
    VERSION = "version"
    """The symptom is seen on its build and not on the one before, while both had traffic."""
    SAME_VERSION = "same_version"
    """The symptom is seen on its build, which all of the traffic was on."""
    PATHS = "paths"
    """It changes the file in which the error is raised."""
    STACK = "stack"
    """It changes a file further down in the error's stack."""
    FAILING = "failing"
    """What it changed fails as well."""
    RECENCY = "recency"
    """How long it had been live."""
    ROLLOUT = "rollout"
    """How much of the traffic was on it."""
    FAILED = "failed"
    """Its rollout failed."""
    FLAG = "flag"
    """A flag was turned."""
    RISK = "risk"
    """It is big, or labelled as risky."""
    ROLLBACK = "rollback"
    """It goes back to an older build."""
    REVERT = "revert"
    """It takes an earlier change back."""
    FIRED_BEFORE = "fired_before"
    """The alert was firing before it was live."""
    FIRES_OFTEN = "fires_often"
    """The alert fired often in the week before it was live."""
    OTHER_VERSION = "other_version"
    """The symptom is seen on another build."""
    OLD_VERSION_TOO = "old_version_too"
    """The symptom is seen on its build and on the one before."""
    REPLACED = "replaced"
    """Something newer had replaced it."""
    UNCERTAIN = "uncertain"
    """It may have gone live after the symptom began."""
    FAILING_ALREADY = "failing_already"
    """Another alert of the service was firing when it went live."""
    LATER_DEPENDENCY = "later_dependency"
    """Something that the service depends on went live just before the symptom, and this long before."""
    LATER_FLAG = "later_flag"
    """A flag of the same service was turned later."""
    DEPENDENCY_FAILS = "dependency_fails"
    """Something that the service depends on fails as well."""
    STORM = "storm"
    """Services that do not depend on this one fail as well."""


REFUTING = frozenset({EvidenceName.FIRED_BEFORE, EvidenceName.OTHER_VERSION})
"""What no other evidence outweighs: the symptom was there without the change."""

EXACT = frozenset({EvidenceName.VERSION, EvidenceName.PATHS})
"""What ties the symptom itself to a change, beyond having happened shortly after it.

That it is seen on a build which everything runs on anyway does not, nor does a file that many stacks have in common.
"""


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks for or against a change, in words that people read; ``weight`` is negative if against."""

    name: EvidenceName
    words: str
    weight: float


@dataclass(frozen=True)
class Surroundings:
    """What else could have done it, of that which counts: of the very service, and of what it depends on."""

    own: tuple[Candidate, ...]
    below: tuple[Candidate, ...]

    def others(self, candidate: Candidate) -> Iterable[Candidate]:
        """All but this one."""
        return (one for one in self.own if (one.kind, one.subject) != (candidate.kind, candidate.subject))


def speaking_for(symptom: Symptom, candidate: Candidate, around: Surroundings) -> tuple[Evidence, ...]:
    """All that speaks for a change that counts, and what is to be known of it, the weightiest first."""
    found = [*_whose(symptom, candidate), *_version_for(symptom, candidate, around), *_paths(symptom, candidate)]
    found += [_recency(symptom, candidate), *_extent(symptom, candidate), *_character(candidate)]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.name.value)))


def speaking_against(symptom: Symptom, candidate: Candidate, around: Surroundings) -> tuple[Evidence, ...]:
    """All that speaks against a change that counts, the weightiest first."""
    found = [*_version_against(symptom, candidate, around), *_times_against(symptom, candidate, around)]
    return tuple(sorted(found, key=lambda one: (one.weight, one.name.value)))


def how_long(length: timedelta) -> str:
    """``12 min``, in the units that matter after an alert; less than two minutes in seconds."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 2:
        return f"{max(0, round(length.total_seconds()))} s"
    if minutes >= 120:
        return spoken(timedelta(hours=minutes // 60))
    return f"{minutes} min"


# --- for ----------------------------------------------------------------------------------------------------------


def _whose(symptom: Symptom, candidate: Candidate) -> Iterable[Evidence]:
    distance = symptom.distances[candidate.service.casefold()]
    service = clipped(candidate.service)
    what = f"a flag of {service}" if candidate.is_flag else f"a rollout of {service}"
    if distance == 0:
        yield Evidence(EvidenceName.FLAG if candidate.is_flag else EvidenceName.SERVICE, f"{what} itself", 4.0)
        return
    through = "" if distance == 1 else f" ({distance} steps away)"
    words = f"{what}, on which {clipped(symptom.service or '')} depends{through}"
    yield Evidence(EvidenceName.DEPENDENCY, words, 2.0 / distance)
    if symptom.fails(candidate.service):
        yield Evidence(EvidenceName.FAILING, f"{service} fails as well", 3.0)


def _told_on(symptom: Symptom, candidate: Candidate, around: Surroundings) -> tuple[str | None, str | None, str | None]:
    """Of the versions told: one that is this build, one that is what it replaced, one that is another's."""
    on = before = other = None
    for told in sorted(symptom.versions):
        if likeness.same_build(told, candidate.versions | {candidate.sha} - {""}):
            on = on or told
        elif candidate.previous_sha and likeness.same_build(told, (candidate.previous_sha,)):
            before = before or told
        elif any(likeness.same_build(told, one.versions | {one.sha} - {""}) for one in around.others(candidate)):
            other = other or told
    return on, before, other


def _is_of(candidate: Candidate, service: str) -> bool:
    return candidate.service.casefold() == service.casefold()


def _is_own(symptom: Symptom, candidate: Candidate) -> bool:
    return symptom.distances[candidate.service.casefold()] == 0


def _version_for(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Iterable[Evidence]:
    if candidate.is_flag or not symptom.versions:
        return
    on, before, other = _told_on(symptom, candidate, around)
    # A monorepo's services share commits: the version that an alert names is first of all that of its own service.
    if on is None or before is not None or (other is not None and not _is_own(symptom, candidate)):
        return
    if not _is_own(symptom, candidate) and any(
        likeness.same_build(on, {*one.versions, one.sha, one.previous_sha or ""} - {""}) for one in around.own
    ):
        return
    # A rollback brings a build that ran before: to be seen on it again is nothing new.
    if candidate.shared(symptom) and not candidate.rollback:
        only = "" if other else "only "
        yield Evidence(EvidenceName.VERSION, f"errors {only}on {build_called(on)}, which it brought", 8.0)
    else:
        yield Evidence(EvidenceName.SAME_VERSION, f"errors on {build_called(on)}, which it brought", 1.0)


def _paths(symptom: Symptom, candidate: Candidate) -> Iterable[Evidence]:
    fewest = likeness.FEWEST_PARTS if _is_own(symptom, candidate) else _PARTS_ELSEWHERE
    shared = likeness.overlap(symptom.paths[:_CLEAR_FRAMES], candidate.paths, fewest)
    if shared is None:
        return
    if shared.frame == 0 and not candidate.rollback:
        words = f"changes {clipped(shared.path)}, where the error is raised"
        yield Evidence(EvidenceName.PATHS, words, 6.0)
    else:
        words = f"changes {clipped(shared.path)}, which is in the error's stack"
        yield Evidence(EvidenceName.STACK, words, 2.0)


def _recency(symptom: Symptom, candidate: Candidate) -> Evidence:
    assert candidate.first_traffic_at is not None
    exposed = candidate.exposed_at(symptom.onset)
    since = symptom.onset - exposed
    verb = "was turned" if candidate.is_flag else "went live"
    words = f"{verb} {how_long(since)} before"
    if exposed - candidate.first_traffic_at >= IN_STEPS and not candidate.is_flag:
        first = how_long(symptom.onset - candidate.first_traffic_at)
        words = f"{verb} {first} before, and reached more of the traffic {how_long(since)} before"
    return Evidence(EvidenceName.RECENCY, words, 3.0 * 0.5 ** (since / HALF_LIFE))


def _extent(symptom: Symptom, candidate: Candidate) -> Iterable[Evidence]:
    percent = candidate.percent_at(symptom.onset)
    if percent is not None:
        words = f"{percent} % of the traffic was on it when the symptom began"
        yield Evidence(EvidenceName.ROLLOUT, words, percent / 100)


def _character(candidate: Candidate) -> Iterable[Evidence]:
    if candidate.failed:
        yield Evidence(EvidenceName.FAILED, "its rollout failed", 1.5)
    if candidate.rollback:
        yield Evidence(EvidenceName.ROLLBACK, "goes back to an older build, which takes changes out", 0.0)
    if candidate.revert:
        yield Evidence(EvidenceName.REVERT, "takes an earlier change back", 0.0)
    lines = (candidate.additions or 0) + (candidate.deletions or 0)
    risky = sorted(label for label in candidate.labels if RISKY.intersection(_words(label)))
    said = [f"{lines} lines in {counted(candidate.changes, 'change')}"] if lines >= BIG else []
    said += [f"labelled {clipped(risky[0])}"] if risky else []
    if said:
        yield Evidence(EvidenceName.RISK, " and ".join(said), 0.5 * len(said))


def _words(label: str) -> set[str]:
    return {word for word in "".join(char if char.isalnum() else " " for char in label.casefold()).split() if word}


# --- against ------------------------------------------------------------------------------------------------------


def _version_against(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Iterable[Evidence]:
    if candidate.is_flag or not symptom.versions or not _is_own(symptom, candidate):
        return
    on, before, other = _told_on(symptom, candidate, around)
    if on is not None and before is not None:
        words = f"errors on {clipped(before)} as well, which ran before it"
        yield Evidence(EvidenceName.OLD_VERSION_TOO, words, -3.0)
    elif on is None and before is not None:
        words = f"errors on {clipped(before)}, which ran before it, and not on it"
        yield Evidence(EvidenceName.OTHER_VERSION, words, -8.0)
    elif on is None and other is not None:
        yield Evidence(EvidenceName.OTHER_VERSION, f"errors on {clipped(other)}, and not on it", -8.0)


def _times_against(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Iterable[Evidence]:
    assert candidate.first_traffic_at is not None
    if candidate.fired_before:
        yield Evidence(EvidenceName.FIRED_BEFORE, "the alert was firing before it went live", -8.0)
    elif candidate.fired_lately >= OFTEN:
        words = f"the alert fired {candidate.fired_lately} times in the week before it went live"
        yield Evidence(EvidenceName.FIRES_OFTEN, words, -2.0)
    if candidate.first_traffic_at > symptom.onset_earliest:
        words = "the symptom may have begun before it went live: its alert looks back further"
        yield Evidence(EvidenceName.UNCERTAIN, words, -1.5)
    if candidate.ended_live_at is not None and candidate.ended_live_at <= symptom.onset:
        words = f"was replaced {how_long(symptom.onset - candidate.ended_live_at)} before"
        yield Evidence(EvidenceName.REPLACED, words, -2.0)
    failing = sorted(name for name in symptom.failing if not _is_of(candidate, name))
    if failing and _is_own(symptom, candidate):
        words = f"{clipped(failing[0])}, on which it depends, fails as well"
        yield Evidence(EvidenceName.DEPENDENCY_FAILS, words, -3.0)
    if symptom.storm:
        yield Evidence(EvidenceName.STORM, "services that do not depend on this one fail at the same time", -2.0)
    if candidate.failing_already:
        words = "another alert of the service was firing when it went live"
        yield Evidence(EvidenceName.FAILING_ALREADY, words, -2.0)
    if _is_own(symptom, candidate):
        later = _later_dependency(symptom, candidate, around)
        if later is not None:
            when = how_long(symptom.onset - later.exposed_at(symptom.onset))
            words = f"{clipped(later.service)}, on which it depends, changed long after it, {when} before"
            yield Evidence(EvidenceName.LATER_DEPENDENCY, words, -1.0)
    if _is_own(symptom, candidate) and not candidate.is_flag:
        flag = _later_flag(symptom, candidate, around)
        if flag is not None and flag.first_traffic_at is not None:
            when = how_long(symptom.onset - flag.first_traffic_at)
            words = f"the flag {flag.name} was turned after it, {when} before the symptom"
            yield Evidence(EvidenceName.LATER_FLAG, words, -1.0)


def _later_dependency(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Candidate | None:
    """Of what a dependency changed just before the symptom, the last; only where this had been live for long."""
    if symptom.onset - candidate.exposed_at(symptom.onset) < LONG:
        return None
    just = [one for one in around.below if symptom.onset - one.exposed_at(symptom.onset) <= JUST]
    return max(just, key=lambda one: (one.exposed_at(symptom.onset), one.kind, one.subject), default=None)


def _later_flag(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Candidate | None:
    """The latest flag of the service that was turned after this last reached more of the traffic."""
    exposed = candidate.exposed_at(symptom.onset)
    flags: Sequence[Candidate] = sorted(
        (one for one in around.others(candidate) if one.is_flag and one.exposed_at(symptom.onset) > exposed),
        key=lambda one: (one.exposed_at(symptom.onset), one.subject),
    )
    return flags[-1] if flags else None
