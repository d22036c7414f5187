"""Which changes may have caused a symptom: a row for each rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from bot.alerts.suspects import Candidate, Confidence, Grounds, Symptom, attribute
from tests.unit.suspecting import (
    FARM,
    HIGH,
    HOUR,
    LOW,
    MEDIUM,
    MILL,
    MILL_TOO,
    NEW,
    NONE,
    OLD,
    OTHER,
    PLAIN,
    SECOND,
    before,
    flag,
    rollout,
    symptom,
)

TOGETHER = symptom(dependencies={"oven": 0, "mill": 0, "farm": 1}, lower={"oven": frozenset({"mill"})})
"""The oven and the mill fail, as one incident."""


@dataclass(frozen=True)
class Case:
    """A rule: what failed, what had gone live, and what is to be found: the numbers named, the surest first."""

    rule: str
    of: Symptom
    changes: Sequence[Candidate]
    named: Sequence[int]
    confidence: Confidence
    grounds: Grounds | None = None


WHAT_COUNTS = [
    Case("nothing went live", PLAIN, [], [], NONE),
    Case("the only rollout of the very service", PLAIN, [rollout()], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case("however long ago within the window", PLAIN, [rollout(69, 59)], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case("over for longer than the window", PLAIN, [rollout(75, 61)], [], NONE),
    Case("a canary counts for as long as it rolls out", PLAIN, [rollout(60 * 23, None)], [1], HIGH),
    Case("one that has not moved for over a day", PLAIN, [rollout(60 * 30, None)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case(
        "one that moves on after days",
        PLAIN,
        [rollout(60 * 50, None, steps=((before(60 * 50), 5), (before(60 * 3), 10)))],
        [1],
        HIGH,
        Grounds.ONLY_ROLLOUT,
    ),
    Case("and for the window after it", PLAIN, [rollout(60 * 30, 50)], [1], HIGH),
    Case("one whose end was never told does not count for ever", PLAIN, [rollout(60 * 24 * 8, None)], [], NONE),
    Case("live at the very instant", PLAIN, [rollout(0, None)], [1], HIGH),
    Case("live after the symptom began", PLAIN, [rollout(-1, None)], [], NONE),
    Case("never had traffic", PLAIN, [rollout(None, 5)], [], NONE),
    Case("failed after it had traffic", PLAIN, [rollout(failed=True)], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case("out long before", PLAIN, [rollout(50, 45, ended=11)], [], NONE),
    Case("out just before", PLAIN, [rollout(50, 45, ended=5)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("out after the symptom began", PLAIN, [rollout(50, 45, ended=-5)], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case("replaced by what has it within", PLAIN, [rollout(50, 45, replaced=30)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("never ended, and replaced within the window", PLAIN, [rollout(600, None, replaced=59)], [1], MEDIUM),
    Case("never ended, and replaced before the window", PLAIN, [rollout(600, None, replaced=61)], [], NONE),
    Case("in another environment", PLAIN, [rollout(environment="staging")], [], NONE),
    Case("where nobody says where", symptom(environment=None), [rollout(environment="staging")], [1], HIGH),
    Case("of a service it does not depend on", PLAIN, [rollout(service="shop")], [], NONE),
    Case("the service spelt otherwise", PLAIN, [rollout(service="Oven")], [1], HIGH),
    Case("nobody knows whose alert it is", symptom(service=None, dependencies={}), [rollout()], [], NONE),
    Case("a rollback is a change", PLAIN, [rollout(rollback=True)], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case("a revert is a change", PLAIN, [rollout(revert=True)], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case("a flag is a change", PLAIN, [flag(3)], [9], HIGH, Grounds.ONLY_FLAG),
    Case("a flag acts at once", PLAIN, [flag(21)], [9], MEDIUM, Grounds.ONLY_FLAG),
    Case("a flag turned too long ago", PLAIN, [flag(61)], [], NONE),
    Case("a flag turned back long before", PLAIN, [flag(40, ended=15)], [], NONE),
]  # fmt: skip

WHAT_SPEAKS_AGAINST = [
    Case("fired before it was live", PLAIN, [rollout(fired_before=True)], [], NONE),
    Case("fired before, and was over", PLAIN, [rollout(fires_again=True)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("was over once it was out", PLAIN, [rollout(20, 18, ended=8, over_without=True)], [], NONE),
    Case("the same build ran before", PLAIN, [rollout(again=True)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("nothing in it is its own", PLAIN, [rollout(nothing_own=True)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("failed long before", PLAIN, [rollout(40, 30, failed=True)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("stopped long before", PLAIN, [rollout(40, 30, cancelled=True)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("stopped just before", PLAIN, [rollout(14, 8, cancelled=True)], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case(
        "seen on the tag before it",
        symptom(versions=frozenset({"1.3"})),
        [rollout(previous_versions=frozenset({OLD, "v1.3"}))],
        [],
        NONE,
    ),
    Case("seen on the build before it", symptom(versions=frozenset({OLD[:7]})), [rollout()], [], NONE),
    Case(
        "seen on both builds",
        symptom(versions=frozenset({OLD[:7], NEW[:7]})),
        [rollout()],
        [1],
        MEDIUM,
        Grounds.ONLY_DOUBTED,
    ),
    Case("a version nobody can place says nothing", symptom(versions=frozenset({"41"})), [rollout()], [1], HIGH),
    Case("may have gone live after it began", symptom(lags=15), [rollout()], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("was live even at the earliest beginning", symptom(lags=5), [rollout()], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case("many services fail together", symptom(storm=True), [rollout()], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case(
        "many fail together, and its build is told",
        symptom(storm=True, versions=frozenset({NEW[:7]})),
        [rollout(12, 5)],
        [1],
        HIGH,
        Grounds.EXACT,
    ),
    Case(
        "many fail together, and everything runs on its build",
        symptom(storm=True, versions=frozenset({NEW[:7]})),
        [rollout(12, 11)],
        [1],
        MEDIUM,
        Grounds.ONLY_DOUBTED,
    ),
    Case("a flag was turned later", PLAIN, [rollout(), flag(3)], [9, 1], MEDIUM),
    Case("a flag was turned earlier", PLAIN, [rollout(), flag(30)], [1, 9], HIGH, Grounds.ONLY_ROLLOUT),
    Case(
        "went live while the service was failing",
        PLAIN,
        [rollout(failing_already=True)],
        [1],
        MEDIUM,
        Grounds.ONLY_DOUBTED,
    ),
    Case(
        "long before, and a dependency just before",
        PLAIN,
        [rollout(45, 40), rollout(4, 3, service="mill", subject=2)],
        [1, 2],
        MEDIUM,
        Grounds.ONLY_DOUBTED,
    ),
    Case(
        "shortly before, and a dependency just before",
        PLAIN,
        [rollout(), rollout(4, 3, service="mill", subject=2)],
        [1, 2],
        HIGH,
        Grounds.ONLY_ROLLOUT,
    ),
    Case("fires often", PLAIN, [rollout(fired_lately=4)], [1], MEDIUM, Grounds.ONLY_DOUBTED),
    Case("fired now and then", PLAIN, [rollout(fired_lately=3)], [1], HIGH, Grounds.ONLY_ROLLOUT),
    Case(
        "two, of which one was too late", PLAIN, [rollout(30, 29, subject=2), rollout(fired_before=True)], [2], MEDIUM
    ),
    Case(
        "what it depends on fails", symptom(failing=frozenset({"mill"})), [rollout()], [1], MEDIUM, Grounds.ONLY_DOUBTED
    ),
    Case(
        "what it depends on fails, as one incident with it",
        TOGETHER,
        [rollout()],
        [1],
        MEDIUM,
        Grounds.ONLY_DOUBTED,
    ),
    Case(
        "what it depends on fails, as one incident with it, and went live too",
        TOGETHER,
        [rollout(), MILL],
        [2, 1],
        HIGH,
        Grounds.ONLY_ROLLOUT,
    ),
    Case("what depends on it fails, as one incident with it", TOGETHER, [MILL], [2], HIGH, Grounds.ONLY_ROLLOUT),
    Case(
        "what it depends on fails, though its file is told",
        symptom(failing=frozenset({"mill"}), paths=("oven/crust.py",)),
        [rollout(paths=frozenset({"oven/crust.py"}))],
        [1],
        MEDIUM,
        Grounds.EXACT,
    ),
    Case(
        "many fail, though its file is told",
        symptom(storm=True, paths=("oven/crust.py",)),
        [rollout(paths=frozenset({"oven/crust.py"}))],
        [1],
        MEDIUM,
        Grounds.EXACT,
    ),
]


WHICH_OF_SEVERAL = [
    Case("two of them, the later first", PLAIN, [SECOND, rollout()], [1, 2], MEDIUM, Grounds.ONE_OF_SEVERAL),
    Case(
        "two of them, and the earlier one was replaced long before",
        PLAIN,
        [replace(SECOND, replaced_at=before(11)), rollout(12, 11)],
        [1, 2],
        HIGH,
        Grounds.LAST_ROLLOUT,
    ),
    Case(
        "that, and something speaks against the later one",
        PLAIN,
        [replace(SECOND, replaced_at=before(11)), rollout(12, 11, fires_again=True)],
        [2, 1],
        MEDIUM,
        Grounds.ONE_OF_SEVERAL,
    ),
    Case("the build is told", symptom(versions=frozenset({NEW})), [SECOND, rollout()], [1, 2], HIGH, Grounds.EXACT),
    Case(
        "the build is told that has the other within",
        symptom(versions=frozenset({NEW})),
        [replace(SECOND, replaced_at=before(21)), rollout(25, 21)],
        [1, 2],
        HIGH,
        Grounds.LAST_ROLLOUT,
    ),
    Case(
        "the build is told that runs again after a rollback",
        symptom(versions=frozenset({NEW})),
        [replace(SECOND, replaced_at=before(2), ended_live_at=before(2)), rollout(3, 2, rollback=True)],
        [1],
        MEDIUM,
        Grounds.ONE_OF_SEVERAL,
    ),
    Case(
        "the earlier one is told, and not what has it within",
        symptom(versions=frozenset({OLD})),
        [SECOND, rollout()],
        [2],
        MEDIUM,
        Grounds.ONE_OF_SEVERAL,
    ),
    Case(
        "the earlier one is told, which was just out",
        symptom(versions=frozenset({OLD})),
        [replace(SECOND, ended_live_at=before(3)), rollout(4, 3, rollback=True)],
        [2],
        HIGH,
        Grounds.EXACT,
    ),
    Case(
        "both builds and none before: the earlier brought it",
        symptom(versions=frozenset({OLD, NEW})),
        [SECOND, rollout()],
        [2, 1],
        HIGH,
        Grounds.EXACT,
    ),
    Case(
        "the file is told",
        symptom(paths=("/app/oven/crust.py", "/app/oven/main.py")),
        [rollout(paths=frozenset({"oven/heat.py"})), replace(SECOND, paths=frozenset({"src/app/oven/crust.py"}))],
        [2, 1],
        MEDIUM,
        Grounds.EXACT,
    ),
    Case(
        "the file is told, and what came later is not what replaced it",
        symptom(paths=("/app/oven/crust.py", "/app/oven/main.py")),
        [
            rollout(paths=frozenset({"oven/heat.py"})),
            rollout(30, None, subject=2, paths=frozenset({"oven/crust.py"})),
        ],
        [2, 1],
        HIGH,
        Grounds.EXACT,
    ),
    Case(
        "the file is in both: the innermost tells",
        symptom(paths=("/app/oven/crust.py", "/app/oven/main.py")),
        [rollout(paths=frozenset({"oven/main.py"})), replace(SECOND, paths=frozenset({"oven/crust.py"}))],
        [2, 1],
        MEDIUM,
        Grounds.EXACT,
    ),
    Case(
        "the same file is in both",
        symptom(paths=("/app/oven/crust.py",)),
        [rollout(paths=frozenset({"oven/crust.py"})), replace(SECOND, paths=frozenset({"oven/crust.py"}))],
        [1, 2],
        MEDIUM,
        Grounds.ONE_OF_SEVERAL,
    ),
    Case(
        "a rollback, and what it took out",
        PLAIN,
        [rollout(40, 38, replaced=6, ended=6, subject=2, sha=OTHER), rollout(8, 6, rollback=True)],
        [1, 2],
        MEDIUM,
        Grounds.ONE_OF_SEVERAL,
    ),
    Case(
        "what failed is likelier than what went well",
        PLAIN,
        [rollout(14, 9, subject=2, failed=True), rollout(12, 10)],
        [2, 1],
        MEDIUM,
    ),
    Case(
        "what is big is likelier than what is small",
        PLAIN,
        [rollout(14, 12, subject=2, additions=900), rollout(12, 10)],
        [2, 1],
        MEDIUM,
    ),
    Case(
        "what is labelled is likelier than what is not",
        PLAIN,
        [rollout(14, 12, subject=2, labels=frozenset({"db-migration"})), rollout(12, 10)],
        [2, 1],
        MEDIUM,
    ),
    Case(
        "half of the traffic says more than a twentieth",
        PLAIN,
        [rollout(12, None, subject=2, steps=((before(12), 50),)), rollout(12, None, steps=((before(12), 5),))],
        [2, 1],
        MEDIUM,
    ),
    Case(
        "a canary that has just been widened",
        PLAIN,
        [rollout(300, None, subject=2, steps=((before(300), 5), (before(2), 60))), rollout(50, 45)],
        [2, 1],
        MEDIUM,
    ),
    Case(
        "a rollback while the alert fired, which was over then",
        PLAIN,
        [
            rollout(60, 58, replaced=14, ended=14, subject=2, over_without=True),
            rollout(16, 14, rollback=True, fires_again=True),
        ],
        [1],
        MEDIUM,
        Grounds.ONLY_DOUBTED,
    ),
    Case(
        "an attempt that failed, and the next one with the same build",
        PLAIN,
        [rollout(20, 18, failed=True), rollout(9, 7, subject=2, sha=NEW)],
        [2],
        HIGH,
        Grounds.ONLY_ROLLOUT,
    ),
    Case(
        "a build, and the same begun anew",
        PLAIN,
        [rollout(40, 38), rollout(9, 7, subject=2, sha=NEW, again=True)],
        [1, 2],
        HIGH,
        Grounds.ONLY_ROLLOUT,
    ),
    Case(
        "another build, and that one begun anew",
        PLAIN,
        [rollout(40, 38, subject=2), rollout(9, 7, again=True)],
        [2, 1],
        MEDIUM,
        Grounds.ONE_OF_SEVERAL,
    ),
    Case("three are named of many", PLAIN, [rollout(n, n, subject=n) for n in (2, 3, 4, 5)], [2, 3, 4], MEDIUM),
]  # fmt: skip


WHAT_IT_DEPENDS_ON = [
    Case("only a dependency's rollout", PLAIN, [MILL], [2], MEDIUM, Grounds.DEPENDENCY),
    Case("not directly", PLAIN, [FARM], [3], LOW, Grounds.DEPENDENCY),
    Case(
        "directly, and a while ago",
        PLAIN,
        [rollout(20, 18, service="mill", subject=2)],
        [2],
        LOW,
        Grounds.DEPENDENCY,
    ),
    Case("the nearer one first", PLAIN, [FARM, MILL], [2, 3], MEDIUM, Grounds.DEPENDENCY),
    Case("two as near as each other", PLAIN, [MILL, MILL_TOO], [2, 4], LOW, Grounds.SOME_DEPENDENCY),
    Case("its own rollout is likelier", PLAIN, [MILL, rollout(25, 24)], [1, 2], HIGH, Grounds.ONLY_ROLLOUT),
    Case("far off and long ago", PLAIN, [rollout(65, 58, service="farm", subject=3)], [], NONE),
    Case(
        "may have gone live after it began",
        symptom(lags=15),
        [rollout(4, 3, service="mill", subject=2)],
        [2],
        LOW,
        Grounds.SOME_DEPENDENCY,
    ),
    Case(
        "it fails as well, and the service went live too",
        symptom(failing=frozenset({"mill"})),
        [rollout(), MILL],
        [2, 1],
        MEDIUM,
        Grounds.DEPENDENCY_FAILS,
    ),
    Case("it fails as well", symptom(failing=frozenset({"farm"})), [FARM], [3], MEDIUM, Grounds.DEPENDENCY_FAILS),
    Case("long ago", PLAIN, [rollout(65, 55, service="mill", subject=2)], [], NONE),
    Case(
        "the file is told",
        symptom(paths=("/srv/mill/stones/upper.py",)),
        [replace(MILL, paths=frozenset({"mill/stones/upper.py"}))],
        [2],
        HIGH,
        Grounds.EXACT,
    ),
    Case(
        "a file of that name is in every repository",
        symptom(paths=("/srv/src/index.ts",)),
        [replace(MILL, paths=frozenset({"src/index.ts"}))],
        [2],
        MEDIUM,
        Grounds.DEPENDENCY,
    ),
    Case(
        "the build is told, and is not the service's own",
        symptom(versions=frozenset({NEW[:7]})),
        [MILL, rollout(sha=OTHER)],
        [1, 2],
        HIGH,
    ),
    Case(
        "a commit that both were rolled out from is the service's own",
        symptom(versions=frozenset({NEW[:7]})),
        [MILL, rollout()],
        [1, 2],
        HIGH,
        Grounds.EXACT,
    ),
    Case(
        "a service that alerts as well is in question itself",
        symptom(dependencies={"oven": 0, "mill": 0, "farm": 1}),
        [MILL],
        [2],
        HIGH,
        Grounds.ONLY_ROLLOUT,
    ),
]


@pytest.mark.parametrize(
    "case",
    [*WHAT_COUNTS, *WHAT_SPEAKS_AGAINST, *WHICH_OF_SEVERAL, *WHAT_IT_DEPENDS_ON],
    ids=lambda case: case.rule,
)
def test_the_likely_change(case: Case) -> None:
    """The changes named, the surest first, how sure the first one is, and on what grounds."""
    found = attribute(case.of, case.changes, HOUR)
    assert ([one.candidate.subject for one in found.suspects], found.confidence) == (list(case.named), case.confidence)
    assert case.grounds is None or found.suspects[0].grounds is case.grounds
