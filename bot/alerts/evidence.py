"""What evidence there is of a change that went live before a symptom, and what speaks for it. Pure.

Every piece of evidence is one sentence that somebody reads at three in the morning, and a weight. The weights order
changes of one confidence; which confidence a change gets is decided by what evidence there is at all
(``bot.alerts.suspects``), never by a sum. What speaks against it is in ``bot.alerts.doubts``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.alerts import likeness
from bot.alerts.symptoms import Candidate, Symptom, build_called, clipped
from bot.gates.wording import counted, spoken

HALF_LIFE = timedelta(minutes=30)
"""After this long live, a change's being recent says half as much."""

IN_STEPS = timedelta(minutes=2)
"""A rollout that took this long reached its traffic bit by bit, which is said."""

JUST = timedelta(minutes=15)
"""What went live this shortly before a symptom has only just."""

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
    """The alert was firing before it was live, and has not ended since."""
    FIRES_OFTEN = "fires_often"
    """The alert fired often in the week before it was live."""
    OTHER_VERSION = "other_version"
    """The symptom is seen on another build."""
    OLD_VERSION_TOO = "old_version_too"
    """The symptom is seen on its build and on the one before."""
    FIRES_AGAIN = "fires_again"
    """The alert fired just before it was live, had ended, and fires once more."""
    OVER_WITHOUT = "over_without"
    """The alert had ended once it was out, and fires once more without it."""
    OUT = "out"
    """What it brought is out again."""
    REPLACED = "replaced"
    """Something newer has replaced it, with what it brought within."""
    BROKEN_OFF = "broken_off"
    """Its rollout had ended some time before without having reached all of the traffic."""
    STOOD_STILL = "stood_still"
    """Its rollout has not ended, and has not moved for long."""
    REDEPLOYED = "redeployed"
    """The same build ran before it."""
    NOTHING_OWN = "nothing_own"
    """All is known that it carries, and none of that is the service's own."""
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


REFUTING = frozenset({EvidenceName.FIRED_BEFORE, EvidenceName.OTHER_VERSION, EvidenceName.OVER_WITHOUT})
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


def told_on(symptom: Symptom, candidate: Candidate, around: Surroundings) -> tuple[str | None, str | None, str | None]:
    """Of the versions told: one that is this build, one that is what it replaced, one that is another's."""
    on = before = other = None
    for told in sorted(symptom.versions):
        if likeness.same_build(told, candidate.versions | {candidate.sha} - {""}):
            on = on or told
        elif likeness.same_build(told, names_before(candidate)):
            before = before or told
        elif any(likeness.same_build(told, one.versions | {one.sha} - {""}) for one in around.others(candidate)):
            other = other or told
    return on, before, other


def names_before(candidate: Candidate) -> frozenset[str]:
    """All names of the build that it replaced."""
    return candidate.previous_versions | {candidate.previous_sha or ""} - {""}


def is_of(candidate: Candidate, service: str) -> bool:
    """Whether it is a change of this service."""
    return candidate.service.casefold() == service.casefold()


def is_own(symptom: Symptom, candidate: Candidate) -> bool:
    """Whether it is a change of a service that is itself in question."""
    return symptom.distances[candidate.service.casefold()] == 0


def _version_for(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Iterable[Evidence]:
    if candidate.is_flag or not symptom.versions:
        return
    on, before, other = told_on(symptom, candidate, around)
    # A monorepo's services share commits: the version that an alert names is first of all that of its own service.
    if on is None or before is not None or (other is not None and not is_own(symptom, candidate)):
        return
    if not is_own(symptom, candidate) and any(
        likeness.same_build(on, {*one.versions, one.sha, *names_before(one)} - {""}) for one in around.own
    ):
        return
    # A rollback brings a build that ran before: to be seen on it again is nothing new. And what a newer build has
    # within would be seen on that, too.
    new = not candidate.rollback and not candidate.again
    if candidate.shared(symptom) and new and (other is not None or not candidate.within_newer(symptom.onset)):
        only = "" if other else "only "
        yield Evidence(EvidenceName.VERSION, f"errors {only}on {build_called(on)}, which it brought", 8.0)
    else:
        yield Evidence(EvidenceName.SAME_VERSION, f"errors on {build_called(on)}, which it brought", 1.0)


def _paths(symptom: Symptom, candidate: Candidate) -> Iterable[Evidence]:
    fewest = likeness.FEWEST_PARTS if is_own(symptom, candidate) else _PARTS_ELSEWHERE
    shared = likeness.of_any(symptom.stacks, candidate.paths, fewest)
    if shared is None or shared.frame >= _CLEAR_FRAMES:
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
