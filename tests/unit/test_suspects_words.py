"""What people read of likely changes: each piece of evidence, and why one is so sure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.alerts.suspects import Attribution, Candidate, Suspect, Symptom
from tests.unit.suspecting import (
    FARM,
    MILL,
    MILL_TOO,
    NEW,
    OLD,
    SECOND,
    ask,
    before,
    flag,
    rollout,
    symptom,
)


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
        (symptom(failing=frozenset({"mill", "farm"})), rollout(), "− farm and mill, on which it depends, fail as well"),
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
