"""Which changes may have caused a symptom: a row for each rule, and what holds whatever the changes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.suspects import Attribution, Candidate, Confidence, EvidenceName, Grounds, Suspect, Symptom, attribute

ONSET = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW, OLD, OTHER = "a1b2c3d" + "0" * 33, "9f8e7d6" + "0" * 33, "5c5c5c5" + "0" * 33


def before(minutes: float) -> datetime:
    """So many minutes before the symptom began."""
    return ONSET - timedelta(minutes=minutes)


def symptom(**said: Any) -> Symptom:
    """The oven's production fails; it depends on the mill, and that on the farm."""
    lags = said.pop("lags", 0)
    about: dict[str, Any] = {
        "service": "oven", "environment": "production", "onset": ONSET,
        "dependencies": {"oven": 0, "mill": 1, "farm": 2},
    }  # fmt: skip
    return Symptom(**{**about, "onset_earliest": before(lags), **said})


def rollout(live: float | None = 12, finished: float | None = 10, **said: Any) -> Candidate:
    """A rollout of the oven that had traffic and was finished so many minutes before the symptom began.

    Minutes before it, too: when a newer build had replaced it (``replaced``), when it was out again (``ended``).
    """
    ended, replaced = said.pop("ended", None), said.pop("replaced", None)
    subject = said.get("subject", 1)
    about: dict[str, Any] = {
        "subject": 1, "service": "oven", "environment": "production",
        "sha": NEW if subject == 1 else f"{subject:07x}{'d' * 33}", "previous_sha": OLD,
        "began_at": before(20 if live is None else live + 1), "changes": 1, "additions": 20, "deletions": 5,
    }  # fmt: skip
    return Candidate(
        **{
            **about,
            "first_traffic_at": None if live is None else before(live),
            "finished_at": None if finished is None else before(finished),
            "replaced_at": None if replaced is None else before(replaced),
            "ended_live_at": None if ended is None else before(ended),
            **said,
        }
    )


def flag(turned: float, **said: Any) -> Candidate:
    """A flag of the oven that was turned so many minutes before the symptom began."""
    about: dict[str, Any] = {"kind": "flag", "subject": 9, "called": "crust", "sha": "", "previous_sha": None}
    return rollout(turned, turned, **{**about, "changes": 0, "additions": None, "deletions": None, **said})


def ask(*candidates: Candidate, of: Symptom | None = None, window: timedelta = HOUR) -> Attribution:
    """What is found among these."""
    return attribute(of or symptom(), candidates, window)


@dataclass(frozen=True)
class Case:
    """A rule: what failed, what had gone live, and what is to be found: the numbers named, the surest first."""

    rule: str
    of: Symptom
    changes: Sequence[Candidate]
    named: Sequence[int]
    confidence: Confidence
    grounds: Grounds | None = None


HIGH, MEDIUM, LOW, NONE = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW, Confidence.NONE
PLAIN = symptom()

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

SECOND = rollout(30, 28, replaced=10, subject=2, sha=OLD, previous_sha=OTHER)

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
        MEDIUM,
        Grounds.ONE_OF_SEVERAL,
    ),
    Case("three are named of many", PLAIN, [rollout(n, n, subject=n) for n in (2, 3, 4, 5)], [2, 3, 4], MEDIUM),
]  # fmt: skip

MILL_TOO = rollout(service="mill", subject=4)
MILL, FARM = rollout(service="mill", subject=2), rollout(service="farm", subject=3)

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


# --- in words -----------------------------------------------------------------------------------------------------


def words(suspect: Suspect) -> list[str]:
    """What people read of it, what speaks against it behind a minus."""
    return [*(one.words for one in suspect.evidence), *(f"− {one.words}" for one in suspect.against)]


def test_evidence_is_read_as_plain_sentences() -> None:
    """The weightiest first, and what speaks against it last."""
    found = ask(
        rollout(
            12.5, None, paths=frozenset({"oven/crust.py"}), additions=400, deletions=112, changes=3,
            labels=frozenset({"risk: high"}), steps=((before(12.5), 5), (before(4), 25)),
        ),
        of=symptom(versions=frozenset({"a1b2c3d"}), paths=("/app/oven/crust.py",), storm=True),
    )  # fmt: skip
    assert words(found.suspects[0]) == [
        "errors only on a1b2c3d, which it brought",
        "changes oven/crust.py, where the error is raised",
        "a rollout of oven itself",
        "went live 12 min before, and reached more of the traffic 4 min before",
        "512 lines in 3 changes and labelled risk: high",
        "25 % of the traffic was on it when the symptom began",
        "− services that do not depend on this one fail at the same time",
    ]


@pytest.mark.parametrize(
    ("of", "candidate", "said"),
    [
        (symptom(), MILL, "a rollout of mill, on which oven depends"),
        (symptom(), FARM, "a rollout of farm, on which oven depends (2 steps away)"),
        (symptom(), flag(3), "a flag of oven itself"),
        (symptom(), flag(0.5), "was turned 30 s before"),
        (symptom(), rollout(250, None), "went live 4 h before"),
        (symptom(), rollout(failed=True), "its rollout failed"),
        (symptom(), rollout(rollback=True), "goes back to an older build, which takes changes out"),
        (symptom(), rollout(revert=True), "takes an earlier change back"),
        (symptom(versions=frozenset({OLD[:7], NEW})), rollout(), "− errors on 9f8e7d6 as well, which ran before it"),
        (symptom(versions=frozenset({NEW[:7]})), rollout(30, 20), "errors on a1b2c3d, which it brought"),
        (symptom(), rollout(fired_lately=6), "− the alert fired 6 times in the week before it went live"),
        (symptom(), rollout(failing_already=True), "− another alert of the service was firing when it went live"),
        (symptom(failing=frozenset({"mill"})), rollout(), "− mill, on which it depends, fails as well"),
        (symptom(failing=frozenset({"Mill"})), MILL, "mill fails as well"),
        (symptom(lags=15), rollout(), "− the symptom may have begun before it went live: its alert looks back further"),
        (symptom(), rollout(50, 45, ended=5), "− was out again 5 min before"),
        (symptom(), rollout(50, 45, replaced=5), "− a newer build had replaced it 5 min before"),
        (symptom(), flag(12, ended=5), "− was turned again 5 min before"),
        (symptom(), rollout(50, 45, failed=True), "− its rollout had failed 45 min before"),
        (symptom(), rollout(50, 45, cancelled=True), "− its rollout had been stopped 45 min before"),
        (symptom(), rollout(60 * 30, None), "− its rollout has not moved for 1 d 6 h"),
        (symptom(), rollout(again=True), "− the same build ran before it already"),
        (symptom(), rollout(nothing_own=True), "− nothing that it carries is oven's own"),
        (symptom(), rollout(fires_again=True), "− the alert fired before it went live as well, and was over since"),
        (symptom(paths=("x/y.py", "oven/crust.py")), rollout(paths=frozenset({"oven/crust.py"})),
         "changes oven/crust.py, which is in the error's stack"),
    ],
)  # fmt: skip
def test_each_kind_of_evidence_has_words(of: Symptom, candidate: Candidate, said: str) -> None:
    """Whoever is woken reads why."""
    assert said in words(ask(candidate, of=of).suspects[0])


def test_what_is_said_of_a_later_dependency_names_it() -> None:
    """It is looked at as well."""
    (first, _) = ask(rollout(45, 40), rollout(4, 3, service="mill", subject=2)).suspects
    assert words(first)[-1] == "− mill, on which it depends, changed long after it, 3 min before"


def test_what_is_said_of_a_later_flag_names_it() -> None:
    """It is the first thing to look at."""
    (_, second) = ask(rollout(), flag(3)).suspects
    assert words(second)[-1] == "− the flag crust was turned after it, 3 min before the symptom"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (ask(rollout()), "It is the only rollout of oven in the time before, and nothing speaks against it."),
        (ask(flag(3)), "It is the only change of oven in the time before, and nothing speaks against it."),
        (ask(rollout(), of=symptom(versions=frozenset({"a1b2c3d"}))),
         "The symptom itself points to it: errors only on a1b2c3d, which it brought."),
        (ask(rollout(50, 45, ended=5)),
         "It is the only one of oven in the time before, but was out again 5 min before."),
        (ask(SECOND, rollout()),
         "2 changes of oven went live in the time before, and nothing tells them apart for certain."),
        (ask(replace(SECOND, replaced_at=before(11)), rollout(12, 11)),
         ("Of the rollouts of oven in the time before, it is the only one that was not replaced, "
          "and nothing speaks against it.")),
        (ask(MILL), "Nothing of oven itself went live in the time before, but mill did, on which it depends."),
        (ask(MILL, of=symptom(failing=frozenset({"mill"}))),
         "mill, on which oven depends, fails as well, and it had just gone live."),
        (ask(MILL, MILL_TOO),
         "Nothing points to one change: mill is among those on which oven depends."),
        (ask(), "No likely change: nothing of oven or what it depends on went live shortly before."),
        (ask(rollout(65, 58, service="farm")), "No likely change: nothing of oven itself went live shortly before."),
        (ask(rollout(fired_before=True)),
         "No likely change: a1b2c3d went live before, but the alert was firing before it went live."),
        (ask(rollout(), of=symptom(service=None, dependencies={})),
         "No likely change: nobody has said whose alert this is."),
        (ask(rollout(fired_before=True, paths=frozenset({"oven/crust.py"})), of=symptom(paths=("oven/crust.py",))),
         "It went live in the time before, but the alert was firing before it went live."),
    ],
)  # fmt: skip
def test_why_it_is_so_sure_is_one_sentence(found: Attribution, said: str) -> None:
    """Also where there is no likely change."""
    assert found.said == said


def test_names_from_outside_stay_short_and_on_one_line() -> None:
    """They end up in messages."""
    found = ask(rollout(labels=frozenset({"risk " + "é" * 300}), service="oven\n\nfurnace {0}"),
                of=symptom(service="oven\n\nfurnace {0}", dependencies={}))  # fmt: skip
    assert all(len(one) < 150 and "\n" not in one for one in (*words(found.suspects[0]), found.said))
    assert found.said.startswith("It is the only rollout of oven furnace {0} in")


# --- whatever the changes are -------------------------------------------------------------------------------------

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
    paths=FILES.map(tuple),
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
    plain = replace(of, storm=False, onset_earliest=of.onset, paths=(), versions=frozenset(), failing=frozenset())
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
