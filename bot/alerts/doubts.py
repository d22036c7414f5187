"""What speaks against each change that went live before a symptom. Pure.

That the symptom was there without the change refutes it; all else leaves it in doubt (``bot.alerts.suspects``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.alerts.evidence import JUST, Evidence, EvidenceName, Surroundings, how_long, is_of, is_own, told_on
from bot.alerts.symptoms import TAIL, Candidate, Symptom, clipped
from bot.gates.wording import listed

OFTEN = 4
"""An alert that fired so many times in the week before a change fires by itself as well."""

LONG = timedelta(minutes=30)
"""What went live that long before is in doubt where something that it depends on has only just (``JUST``)."""

STILL = timedelta(days=1)
"""A rollout that has not moved for longer may have ended without a word of it."""


def speaking_against(symptom: Symptom, candidate: Candidate, around: Surroundings) -> tuple[Evidence, ...]:
    """All that speaks against a change that counts, the weightiest first."""
    found = [*_version_against(symptom, candidate, around), *_alerts_against(symptom, candidate)]
    found += [*_times_against(symptom, candidate), *_contents_against(candidate)]
    found += _later_against(symptom, candidate, around)
    return tuple(sorted(found, key=lambda one: (one.weight, one.name.value)))


def _version_against(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Iterable[Evidence]:
    if candidate.is_flag or not symptom.versions or not is_own(symptom, candidate):
        return
    on, before, other = told_on(symptom, candidate, around)
    if on is not None and before is not None:
        words = f"errors on {clipped(before)} as well, which ran before it"
        yield Evidence(EvidenceName.OLD_VERSION_TOO, words, -3.0)
    elif on is None and before is not None:
        words = f"errors on {clipped(before)}, which ran before it, and not on it"
        yield Evidence(EvidenceName.OTHER_VERSION, words, -8.0)
    elif on is None and other is not None and not candidate.within_newer(symptom.onset):
        # What has replaced it has within what it brought: of errors on that, nobody knows who brought them.
        yield Evidence(EvidenceName.OTHER_VERSION, f"errors on {clipped(other)}, and not on it", -8.0)


def _alerts_against(symptom: Symptom, candidate: Candidate) -> Iterable[Evidence]:
    """What alerts say: those that fired before it, and those of other services that fire with it."""
    if candidate.fired_before:
        yield Evidence(EvidenceName.FIRED_BEFORE, "the alert was firing before it went live", -8.0)
    elif candidate.over_without:
        yield Evidence(EvidenceName.OVER_WITHOUT, "the alert was over once it was out", -8.0)
    elif candidate.fires_again:
        words = "the alert fired before it went live as well, and was over since"
        yield Evidence(EvidenceName.FIRES_AGAIN, words, -3.0)
    elif candidate.fired_lately >= OFTEN:
        words = f"the alert fired {candidate.fired_lately} times in the week before it went live"
        yield Evidence(EvidenceName.FIRES_OFTEN, words, -2.0)
    if candidate.failing_already:
        words = "another alert of the service was firing when it went live"
        yield Evidence(EvidenceName.FAILING_ALREADY, words, -2.0)
    below = symptom.failing | symptom.rests_on(candidate.service)
    failing = sorted(clipped(name) for name in below if not is_of(candidate, name))
    if failing and is_own(symptom, candidate):
        words = f"{listed(failing)}, on which it depends, {'fails' if len(failing) == 1 else 'fail'} as well"
        yield Evidence(EvidenceName.DEPENDENCY_FAILS, words, -3.0)
    if symptom.storm:
        yield Evidence(EvidenceName.STORM, "services that do not depend on this one fail at the same time", -2.0)


def _times_against(symptom: Symptom, candidate: Candidate) -> Iterable[Evidence]:
    """What became of it until the symptom began, and whether it was there by then at all."""
    assert candidate.first_traffic_at is not None
    onset = symptom.onset
    if candidate.first_traffic_at > symptom.onset_earliest:
        words = "the symptom may have begun before it went live: its alert looks back further"
        yield Evidence(EvidenceName.UNCERTAIN, words, -1.5)
    if candidate.ended_live_at is not None and candidate.ended_live_at <= onset:
        again = "was turned again" if candidate.is_flag else "was out again"
        yield Evidence(EvidenceName.OUT, f"{again} {how_long(onset - candidate.ended_live_at)} before", -2.0)
    elif candidate.replaced_at is not None and candidate.within_newer(onset):
        words = f"a newer build had replaced it {how_long(onset - candidate.replaced_at)} before"
        yield Evidence(EvidenceName.REPLACED, words, -1.0)
    elif candidate.finished_at is not None and _long_broken_off(symptom, candidate):
        how = "had failed" if candidate.failed else "had been stopped"
        yield Evidence(
            EvidenceName.BROKEN_OFF, f"its rollout {how} {how_long(onset - candidate.finished_at)} before", -1.5
        )
    elif candidate.finished_at is None and onset - candidate.exposed_at(onset) > STILL:
        words = f"its rollout has not moved for {how_long(onset - candidate.exposed_at(onset))}"
        yield Evidence(EvidenceName.STOOD_STILL, words, -1.0)


def _contents_against(candidate: Candidate) -> Iterable[Evidence]:
    """That there is nothing new about it."""
    if candidate.again:
        yield Evidence(EvidenceName.REDEPLOYED, "the same build ran before it already", -2.0)
    elif candidate.nothing_own:
        words = f"nothing that it carries is {clipped(candidate.service)}'s own"
        yield Evidence(EvidenceName.NOTHING_OWN, words, -2.0)


def _later_against(symptom: Symptom, candidate: Candidate, around: Surroundings) -> Iterable[Evidence]:
    """What went live after it, of the same service or of what that depends on."""
    if not is_own(symptom, candidate):
        return
    below = _later_dependency(symptom, candidate, around)
    if below is not None:
        when = how_long(symptom.onset - below.exposed_at(symptom.onset))
        words = f"{clipped(below.service)}, on which it depends, changed long after it, {when} before"
        yield Evidence(EvidenceName.LATER_DEPENDENCY, words, -1.0)
    flag = None if candidate.is_flag else _later_flag(symptom, candidate, around)
    if flag is not None and flag.first_traffic_at is not None:
        when = how_long(symptom.onset - flag.first_traffic_at)
        words = f"the flag {flag.name} was turned after it, {when} before the symptom"
        yield Evidence(EvidenceName.LATER_FLAG, words, -1.0)


def _long_broken_off(symptom: Symptom, candidate: Candidate) -> bool:
    """Whether its rollout had ended, for so long that nobody is on its build any more, without all of the traffic."""
    ended = candidate.finished_at
    return candidate.broken_off and ended is not None and ended + TAIL < symptom.onset_earliest


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
