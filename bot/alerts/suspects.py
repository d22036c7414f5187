"""Which changes may have caused a symptom, how sure that is, and why. Pure. People read “likely change”.

The confidence is a class of evidence, not a number: it follows from which kinds of evidence there are, so that whoever
is woken can see why. The weights only order changes among which the classes do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.alerts.doubts import speaking_against
from bot.alerts.evidence import (
    EXACT,
    JUST,
    REFUTING,
    Evidence,
    EvidenceName,
    Surroundings,
    is_of,
    speaking_for,
)
from bot.alerts.symptoms import TAIL, Candidate, Symptom, clipped

__all__ = [
    "MOST", "Attribution", "Candidate", "Confidence", "Evidence", "EvidenceName", "Grounds", "Suspect", "Symptom",
    "attribute",
]  # fmt: skip

MOST = 3
"""How many likely changes are named."""

AT_ONCE = timedelta(minutes=20)
"""A flag acts at once: one that was turned longer ago than this is not for certain what did it."""

FAINT = 3.0
"""Below this, what is known of a dependency's change is no more than that it happened."""


class Confidence(StrEnum):
    """How sure it is that the first likely change is the cause."""

    HIGH = "high"
    """The only rollout of that very service in the window with nothing against it, or what the symptom points to."""
    MEDIUM = "medium"
    """One of several of the service's changes, one with something against it, or what just changed below it."""
    LOW = "low"
    """It happened before, and little else is known."""
    NONE = "none"
    """No likely change."""


_RANK = {Confidence.HIGH: 3, Confidence.MEDIUM: 2, Confidence.LOW: 1, Confidence.NONE: 0}


class Grounds(StrEnum):
    """The class of evidence that a confidence rests on."""

    EXACT = "exact"
    """The symptom itself points to it: the build or the file is the same."""
    ONLY_ROLLOUT = "only_rollout"
    """The only rollout of the very service, and nothing speaks against it."""
    LAST_ROLLOUT = "last_rollout"
    """The only one of the very service that nothing newer replaced long before, and nothing speaks against it."""
    ONLY_FLAG = "only_flag"
    """The only change of the very service is a flag, and nothing speaks against it."""
    ONLY_DOUBTED = "only_doubted"
    """The only one of the very service, and something speaks against it."""
    ONE_OF_SEVERAL = "one_of_several"
    """Nothing tells it from other changes of the very service."""
    OUTDONE = "outdone"
    """The symptom points to another change, or something speaks against this one of several."""
    DEPENDENCY = "dependency"
    """The only change of what the service depends on."""
    DEPENDENCY_FAILS = "dependency_fails"
    """Something went live of what the service depends on, and that fails as well."""
    SOME_DEPENDENCY = "some_dependency"
    """One of several of what the service depends on, or less near than a change of its own."""
    REFUTED = "refuted"
    """The symptom was there without it."""


@dataclass(frozen=True)
class Suspect:
    """A likely change, what speaks for it and what against."""

    candidate: Candidate
    score: float
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    against: tuple[Evidence, ...]
    grounds: Grounds


@dataclass(frozen=True)
class Attribution:
    """The likely changes, the best first; ``confidence`` is the first one's, NONE: no likely change."""

    suspects: tuple[Suspect, ...]
    confidence: Confidence
    said: str
    """One plain sentence: why this confidence."""


@dataclass(frozen=True)
class _Weighed:
    """A candidate that counts, with its evidence."""

    candidate: Candidate
    distance: int
    since: timedelta
    long_replaced: bool
    """Whether something newer had replaced it so long before that its build is seen no more."""
    rests_on: frozenset[str]
    """Of the services in question, those on which its own depends."""
    evidence: tuple[Evidence, ...]
    against: tuple[Evidence, ...]

    @property
    def score(self) -> float:
        return round(sum(one.weight for one in (*self.evidence, *self.against)), 6)

    @property
    def own(self) -> bool:
        return self.distance == 0

    @property
    def exact(self) -> float:
        """How much the symptom itself points to it; 0 where it does not."""
        return max((one.weight for one in self.evidence if one.name in EXACT), default=0.0)

    @property
    def disputed(self) -> bool:
        """Whether something speaks against what the symptom points to.

        Of a build only that a dependency fails as well; of a file anything.
        """
        if any(one.name is EvidenceName.VERSION for one in self.evidence):
            return any(one.name is EvidenceName.DEPENDENCY_FAILS for one in self.against)
        return bool(self.against)

    @property
    def refuted(self) -> bool:
        return any(one.name in REFUTING for one in self.against)


def attribute(symptom: Symptom, candidates: Sequence[Candidate], window: timedelta) -> Attribution:
    """The likely changes behind a symptom: of those live at its onset that had finished at most ``window`` before it.

    The order of the candidates does not matter, nor do those of services on which this one does not depend.
    """
    distances = symptom.distances
    counting = _each_once([one for one in candidates if one.counts(symptom, window)])
    around = Surroundings(
        tuple(one for one in counting if distances[one.service.casefold()] == 0),
        tuple(one for one in counting if distances[one.service.casefold()] > 0),
    )
    weighed = [
        _Weighed(
            one,
            distances[one.service.casefold()],
            symptom.onset - one.exposed_at(symptom.onset),
            _long_replaced(symptom, one),
            symptom.rests_on(one.service),
            speaking_for(symptom, one, around),
            speaking_against(symptom, one, around),
        )
        for one in counting
    ]
    judged = [_judged(one, weighed) for one in weighed]
    named = sorted((one for one in judged if one.confidence is not Confidence.NONE), key=_order)[:MOST]
    if not named:
        return Attribution((), Confidence.NONE, _none_said(symptom, weighed))
    return Attribution(tuple(named), named[0].confidence, _said(symptom, named[0], weighed))


def _each_once(counting: Sequence[Candidate]) -> Sequence[Candidate]:
    """The same with a build that was rolled out several times, tried again or place by place, once: the last time.

    One that is begun anew while it runs is told apart, and one that is gone back to: what they carry is not new.
    """
    last: dict[object, Candidate] = {}
    for one in counting:
        new = bool(one.sha) and not one.is_flag and not one.again and not one.rollback
        key = (one.service.casefold(), one.sha) if new else (one.kind, one.subject)
        last[key] = max(last.get(key, one), one, key=_last)
    return list(last.values())


def _long_replaced(symptom: Symptom, one: Candidate) -> bool:
    replaced = one.replaced_at if one.within_newer(symptom.onset) else None
    return replaced is not None and replaced + TAIL < symptom.onset_earliest


def _last(one: Candidate) -> tuple[datetime, int]:
    assert one.first_traffic_at is not None
    return one.first_traffic_at, one.subject


def _judged(one: _Weighed, weighed: Sequence[_Weighed]) -> Suspect:
    confidence, grounds = _classed(one, weighed)
    return Suspect(one.candidate, one.score, confidence, one.evidence, one.against, grounds)


def _order(suspect: Suspect) -> tuple[int, float, float, str, int]:
    """The surest first; of equals what went live later, then alike on every run."""
    at = suspect.candidate.first_traffic_at
    latest = -at.timestamp() if at is not None else 0.0
    return -_RANK[suspect.confidence], -suspect.score, latest, suspect.candidate.kind, suspect.candidate.subject


def _classed(one: _Weighed, weighed: Sequence[_Weighed]) -> tuple[Confidence, Grounds]:
    if one.refuted:
        return (Confidence.LOW if one.exact else Confidence.NONE), Grounds.REFUTED
    others = [other for other in weighed if other is not one]
    return _own_classed(one, others) if one.own else _dependency_classed(one, others)


def _own_classed(one: _Weighed, others: Sequence[_Weighed]) -> tuple[Confidence, Grounds]:
    own = [other for other in others if other.own]
    pointed_to = max((other.exact for other in own if not other.refuted), default=0.0)
    if pointed_to > one.exact:
        return Confidence.LOW, Grounds.OUTDONE
    if one.exact > pointed_to:
        return (Confidence.MEDIUM if one.disputed else Confidence.HIGH), Grounds.EXACT
    rivals = [other for other in own if _is_rival(other, one)]
    alone = not one.against and not one.candidate.is_flag and all(other.long_replaced for other in rivals)
    if rivals and not alone:
        outdone = one.against and any(not other.against for other in rivals)
        return (Confidence.LOW, Grounds.OUTDONE) if outdone else (Confidence.MEDIUM, Grounds.ONE_OF_SEVERAL)
    if one.against:
        return Confidence.MEDIUM, Grounds.ONLY_DOUBTED
    if one.candidate.is_flag:
        return (Confidence.HIGH if one.since <= AT_ONCE else Confidence.MEDIUM), Grounds.ONLY_FLAG
    return Confidence.HIGH, Grounds.LAST_ROLLOUT if rivals else Grounds.ONLY_ROLLOUT


def _is_rival(other: _Weighed, one: _Weighed) -> bool:
    """Whether another change of a service in question may have done it instead of this one.

    A flag that was turned after a rollout is among what speaks against that; one turned before it is no rival to it.
    Nor is the same build begun anew, which brought nothing besides; nor a change of what fails because this one's does.
    """
    theirs, this = other.candidate, one.candidate
    if theirs.is_flag and not this.is_flag:
        return False
    if any(is_of(this, service) for service in other.rests_on):
        return False
    return not (theirs.again and not this.again and bool(this.sha) and theirs.sha == this.sha)


def _dependency_classed(one: _Weighed, others: Sequence[_Weighed]) -> tuple[Confidence, Grounds]:
    others = [other for other in others if not other.refuted]
    own = [other for other in others if other.own]
    if one.exact and not any(other.exact >= one.exact for other in others):
        return (Confidence.MEDIUM if own else Confidence.HIGH), Grounds.EXACT
    if not one.exact and one.score < FAINT:
        return Confidence.NONE, Grounds.SOME_DEPENDENCY
    fails = any(said.name is EvidenceName.FAILING for said in one.evidence)
    if fails and not one.against and all(other.against for other in own):
        return Confidence.MEDIUM, Grounds.DEPENDENCY_FAILS
    if own or any(other.distance <= one.distance for other in others) or one.against:
        return Confidence.LOW, Grounds.SOME_DEPENDENCY
    near = one.distance == 1 and one.since <= JUST
    return (Confidence.MEDIUM if near else Confidence.LOW), Grounds.DEPENDENCY


# --- in words -----------------------------------------------------------------------------------------------------


def _said(symptom: Symptom, first: Suspect, weighed: Sequence[_Weighed]) -> str:
    of, asked = clipped(first.candidate.service), clipped(symptom.service or "it")
    own = sum(one.own for one in weighed)
    pointing = next((one.words for one in first.evidence if one.name in EXACT), "")
    doubt = first.against[0].words if first.against else "the symptom points to another change"
    return {
        Grounds.EXACT: f"The symptom itself points to it: {pointing}.",
        Grounds.ONLY_ROLLOUT: f"It is the only rollout of {of} in the time before, and nothing speaks against it.",
        Grounds.LAST_ROLLOUT: f"Of the rollouts of {of} in the time before, it is the only one that was not replaced, "
        "and nothing speaks against it.",
        Grounds.ONLY_FLAG: f"It is the only change of {of} in the time before, and nothing speaks against it.",
        Grounds.ONLY_DOUBTED: f"It is the only one of {of} in the time before, but {doubt}.",
        Grounds.ONE_OF_SEVERAL: f"{own} changes of {of} went live in the time before, and nothing tells them apart "
        "for certain.",
        Grounds.OUTDONE: f"It went live in the time before, but {doubt}.",
        Grounds.REFUTED: f"It went live in the time before, but {doubt}.",
        Grounds.DEPENDENCY: f"Nothing of {asked} itself went live in the time before, but {of} did, "
        "on which it depends.",
        Grounds.DEPENDENCY_FAILS: f"{of}, on which {asked} depends, fails as well, and it had just gone live.",
        Grounds.SOME_DEPENDENCY: f"Nothing points to one change: {of} is among those on which {asked} depends.",
    }[first.grounds]


def _none_said(symptom: Symptom, weighed: Sequence[_Weighed]) -> str:
    if symptom.service is None:
        return "No likely change: nobody has said whose alert this is."
    refuted = sorted(
        (one for one in weighed if one.own and one.refuted), key=lambda one: (-one.score, one.candidate.name)
    )
    if refuted:
        one = refuted[0]
        return f"No likely change: {one.candidate.name} went live before, but {one.against[0].words}."
    if weighed:
        return f"No likely change: nothing of {clipped(symptom.service)} itself went live shortly before."
    return f"No likely change: nothing of {clipped(symptom.service)} or what it depends on went live shortly before."
