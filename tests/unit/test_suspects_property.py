"""What holds of likely changes whatever the changes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.suspects import Candidate, Confidence, EvidenceName, Symptom, attribute
from tests.unit.suspecting import (
    HIGH,
    HOUR,
    LOW,
    MEDIUM,
    NEW,
    NONE,
    OLD,
    OTHER,
    before,
    rollout,
    symptom,
)

SHAS = st.sampled_from([NEW, OLD, OTHER])
FILES = st.frozensets(st.sampled_from(["oven/crust.py", "oven/main.py", "mill/stones/upper.py"]), max_size=2)
MINUTES = st.integers(-20, 90)


@st.composite
def changes(draw: st.DrawFn, services: Sequence[str] = ("oven", "mill", "farm", "shop")) -> Candidate:
    """Some change, at some time."""
    live = draw(st.none() | MINUTES)
    finished = draw(st.none() | st.integers(-30, 90 if live is None else live))
    ended = draw(st.none() | st.integers(-40, 90 if finished is None else finished))
    replaced = draw(st.none() | st.integers(-40 if ended is None else ended, 90 if finished is None else finished))
    kind = draw(st.sampled_from(["deploy", "deploy", "flag"]))
    return rollout(
        live, finished, ended=ended, replaced=replaced, kind=kind, subject=draw(st.integers(1, 10_000)),
        service=draw(st.sampled_from(services)), environment=draw(st.sampled_from(["production", "staging", None])),
        sha=draw(SHAS) if kind == "deploy" else "", previous_sha=draw(SHAS | st.none()), paths=draw(FILES),
        additions=draw(st.none() | st.integers(0, 2000)), rollback=draw(st.booleans()), failed=draw(st.booleans()),
        fired_before=draw(st.booleans()), fired_lately=draw(st.integers(0, 6)),
        failing_already=draw(st.booleans()), fires_again=draw(st.booleans()), again=draw(st.booleans()),
        cancelled=draw(st.booleans()), nothing_own=draw(st.booleans()), over_without=draw(st.booleans()),
        previous_versions=draw(st.frozensets(SHAS, max_size=1)),
        steps=tuple((before(draw(MINUTES)), percent) for percent in draw(st.lists(st.integers(0, 100), max_size=3))),
    )  # fmt: skip


SYMPTOMS = st.builds(
    symptom,
    lags=st.integers(0, 15),
    environment=st.sampled_from(["production", None]),
    versions=st.frozensets(SHAS, max_size=2),
    stacks=FILES.map(lambda files: (tuple(files),)),
    storm=st.booleans(),
    failing=st.frozensets(st.sampled_from(["mill", "farm"])),
)
ALL = st.lists(changes(), max_size=6, unique_by=lambda one: (one.kind, one.subject))


@given(SYMPTOMS, ALL)
def test_nothing_is_named_that_had_no_traffic_before_the_symptom(of: Symptom, found: list[Candidate]) -> None:
    """Nor what was replaced, or finished, too long before, nor what ran elsewhere."""
    for suspect in attribute(of, found, HOUR).suspects:
        named = suspect.candidate
        assert named.first_traffic_at is not None
        assert named.first_traffic_at <= of.onset
        assert named.ended_live_at is None or named.ended_live_at >= of.onset_earliest - timedelta(minutes=10)
        assert named.finished_at is None or named.finished_at + HOUR >= of.onset_earliest
        assert named.service != "shop"
        assert of.environment is None or named.environment in (of.environment, None)


@given(SYMPTOMS, ALL, st.randoms(use_true_random=False))
def test_the_order_in_which_changes_are_told_does_not_matter(of: Symptom, found: list[Candidate], any_: Any) -> None:
    """Reports arrive as they like."""
    mixed = list(found)
    any_.shuffle(mixed)
    assert attribute(of, mixed, HOUR) == attribute(of, found, HOUR)


@given(SYMPTOMS, ALL, st.lists(changes(["shop", "till"]), max_size=3))
def test_what_it_does_not_depend_on_changes_nothing(of: Symptom, found: list[Candidate], more: list[Candidate]) -> None:
    """However much of it goes live."""
    assert attribute(of, [*more, *found], HOUR) == attribute(of, found, HOUR)


@given(SYMPTOMS, st.lists(changes(["mill", "farm", "shop"]), max_size=4), st.integers(0, 60), st.integers(0, 60))
def test_the_only_rollout_of_the_very_service_is_the_one(
    of: Symptom, found: list[Candidate], took: int, since: int
) -> None:
    """Unless something speaks against it, or the symptom itself points elsewhere, it is of high confidence."""
    mine = rollout(since + took, since, subject=77, sha="7" * 40, previous_sha=None)
    if since >= 30:  # else a dependency that changed just before would speak against it
        found = []
    plain = replace(of, storm=False, onset_earliest=of.onset, stacks=(), versions=frozenset(), failing=frozenset())
    first = attribute(plain, [*found, mine], HOUR).suspects[0]
    assert (first.candidate, first.confidence, first.against) == (mine, Confidence.HIGH, ())


@given(SYMPTOMS, ALL)
def test_the_answer_explains_itself(of: Symptom, found: list[Candidate]) -> None:
    """At most three, the surest first, each with words for it and against it, as their signs say."""
    answer = attribute(of, found, HOUR)
    ranks = [[HIGH, MEDIUM, LOW].index(one.confidence) for one in answer.suspects]
    assert len(ranks) <= 3
    assert ranks == sorted(ranks)
    assert answer.confidence is (answer.suspects[0].confidence if answer.suspects else NONE)
    assert answer.said.endswith(".")
    for one in answer.suspects:
        assert all(said.weight >= 0 and said.words for said in one.evidence)
        assert all(said.weight < 0 and said.words for said in one.against)
        assert one.score == pytest.approx(sum(said.weight for said in (*one.evidence, *one.against)), abs=1e-6)
        assert len({said.name for said in one.evidence}) == len(one.evidence)
    assert sum(one.confidence is HIGH for one in answer.suspects) <= 1


@given(SYMPTOMS, ALL)
def test_high_confidence_is_never_given_against_what_is_certain(of: Symptom, found: list[Candidate]) -> None:
    """Where the alert was there without a change, or is seen on another build, its author is not woken."""
    certain = {EvidenceName.FIRED_BEFORE, EvidenceName.OTHER_VERSION, EvidenceName.OVER_WITHOUT}
    for one in attribute(of, found, HOUR).suspects:
        refuting = certain & {said.name for said in one.against}
        assert not refuting or one.confidence is LOW
