"""Pure rules of deploys: choices by a fixed order among all that is known, whatever the order of arrival."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deploys import rules
from bot.deploys.rules import Part, Rollout, Standing, later, live_of, previous_of, to_be_told
from bot.events import DeployStatus, Human, MergedPull
from tests.unit.stores import NOON

INSTANTS = st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes))
STANDINGS = st.builds(Standing, st.sampled_from(DeployStatus), INSTANTS)


def at(minute: int) -> Standing:
    """Succeeded at this minute."""
    return Standing(DeployStatus.SUCCEEDED, NOON + timedelta(minutes=minute))


@given(STANDINGS, STANDINGS)
def test_of_two_statuses_the_same_one_stands_whichever_came_first(one: Standing, other: Standing) -> None:
    """The order of arrival says nothing."""
    assert later(one, other) == later(other, one)
    assert later(one, other) in (one, other)


@given(STANDINGS, STANDINGS, STANDINGS)
def test_of_three_statuses_the_same_one_stands_however_they_are_grouped(
    one: Standing, other: Standing, third: Standing
) -> None:
    """So any number of them may come in any order."""
    assert later(later(one, other), third) == later(one, later(other, third))


@given(STANDINGS)
def test_a_status_that_is_repeated_changes_nothing(one: Standing) -> None:
    """Webhooks come twice."""
    assert later(one, one) == one


@given(STANDINGS, STANDINGS)
def test_an_end_is_never_taken_back_by_progress(one: Standing, other: Standing) -> None:
    """A late "in progress" does not make a finished rollout run again."""
    assert later(one, other).status.ended is (one.status.ended or other.status.ended)


@pytest.mark.parametrize(
    ("one", "other", "stands"),
    [
        (("in_progress", 5), ("succeeded", 3), "succeeded"),
        (("failed", 3), ("succeeded", 5), "succeeded"),
        (("succeeded", 3), ("failed", 5), "failed"),
        (("pending", 5), ("in_progress", 3), "pending"),
        (("pending", 3), ("in_progress", 3), "in_progress"),
        (("failed", 3), ("succeeded", 3), "succeeded"),
        (("cancelled", 3), ("failed", 3), "failed"),
    ],
)
def test_which_of_two_statuses_stands(one: tuple[str, int], other: tuple[str, int], stands: str) -> None:
    """An end over anything else, then the later, then the one that is further on within the same second."""
    first, second = (
        Standing(DeployStatus(status), NOON + timedelta(minutes=minute)) for status, minute in (one, other)
    )
    assert later(first, second).status == stands


@given(STANDINGS, STANDINGS)
def test_what_is_said_with_the_status_that_stands_weighs_more(one: Standing, other: Standing) -> None:
    """So that links and descriptions follow the same order as statuses do."""
    heavier = max(one, other, key=rules.weight)
    assert heavier == later(one, other)


# --- what ran before ----------------------------------------------------------------------------------------------

ROLLOUTS = st.lists(
    st.tuples(st.sampled_from(DeployStatus), INSTANTS, INSTANTS), min_size=1, max_size=7
).map(
    lambda drawn: [
        Rollout(id=number, sha=f"{number:040}", status=status, status_at=ended, began_at=began)
        for number, (status, ended, began) in enumerate(drawn)
    ]
)  # fmt: skip


@given(ROLLOUTS, st.data())
def test_what_is_live_and_what_ran_before_do_not_depend_on_the_order(
    rollouts: list[Rollout], data: st.DataObject
) -> None:
    """The same answer however the rows come out of the database."""
    shuffled = data.draw(st.permutations(rollouts))
    assert live_of(shuffled) == live_of(rollouts)
    for one in rollouts:
        assert previous_of(one, shuffled) == previous_of(one, rollouts)


@given(ROLLOUTS)
def test_what_ran_before_was_live_earlier_and_is_another_one(rollouts: list[Rollout]) -> None:
    """Nothing replaces itself, and no two replace each other."""
    for one in rollouts:
        before = previous_of(one, rollouts)
        if before is None:
            continue
        assert before.status is DeployStatus.SUCCEEDED
        assert before.id != one.id
        if one.status is DeployStatus.SUCCEEDED:
            assert before.status_at <= one.status_at
            assert previous_of(before, rollouts) != one


@given(ROLLOUTS)
def test_the_live_ones_form_one_line_of_history(rollouts: list[Rollout]) -> None:
    """From what is live now, one step back at a time, through every rollout that ever went live."""
    succeeded = [one for one in rollouts if one.status is DeployStatus.SUCCEEDED]
    walked, present = [], live_of(rollouts)
    while present is not None:
        walked.append(present.id)
        present = previous_of(present, rollouts)
    assert sorted(walked) == [one.id for one in succeeded]


def test_of_two_that_end_within_a_second_the_one_that_began_later_is_live() -> None:
    """Senders' clocks tick in seconds; the commit's letters say nothing of which is newer."""
    older = Rollout(1, "f" * 40, DeployStatus.SUCCEEDED, NOON, NOON - timedelta(minutes=2))
    newer = Rollout(2, "0" * 40, DeployStatus.SUCCEEDED, NOON, NOON - timedelta(minutes=1))
    assert live_of([newer, older]) == newer
    assert previous_of(newer, [older, newer]) == older
    assert previous_of(older, [older, newer]) is None


def test_a_rollout_that_is_not_live_follows_the_last_that_began_before_it() -> None:
    """What went live after it began was still under way then, and may be newer than it."""

    def rollout(number: int, status: DeployStatus, began: int, ended: int) -> Rollout:
        moment = NOON + timedelta(minutes=ended)
        return Rollout(number, f"{number}", status, moment, NOON + timedelta(minutes=began))

    first = rollout(1, DeployStatus.SUCCEEDED, 0, 1)
    overtaking = rollout(2, DeployStatus.SUCCEEDED, 5, 6)
    failed = rollout(3, DeployStatus.FAILED, 2, 9)
    assert previous_of(failed, [first, overtaking]) == first
    assert previous_of(first, [overtaking, failed]) is None


# --- stuck --------------------------------------------------------------------------------------------------------


def test_nothing_is_usual_before_three_were_seen() -> None:
    """Then the middle one of the last twenty is, so that one night's outage does not change it."""
    minutes = [timedelta(minutes=number) for number in (2, 3, 90)]
    assert rules.usual_duration(minutes[:2]) is None
    assert rules.usual_duration(minutes) == timedelta(minutes=3)
    assert rules.usual_duration([timedelta(minutes=1)] * 20 + [timedelta(hours=9)] * 50) == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("usual", "stuck"),
    [(None, 60), (timedelta(minutes=2), 12), (timedelta(minutes=5), 15), (timedelta(minutes=30), 90)],
)
def test_a_rollout_looks_stuck_long_after_the_usual(usual: timedelta | None, stuck: int) -> None:
    """Three times, and at least ten minutes more; an hour where nothing is usual yet."""
    assert rules.stuck_after(usual) == timedelta(minutes=stuck)


# --- people -------------------------------------------------------------------------------------------------------

ANA = Human(login="ana", name="Ana", email="ana@example.com")
BEN = Human(login="Ben")
CHI = Human(login="chi")
BOT = Human(login="dependabot[bot]", bot=True)
STRANGER = Human(name="Dee", email="dee@example.com")


def told(*parts: tuple[Human, str]) -> list[tuple[str | None, str]]:
    """Who hears of a change with these parts, and as what."""
    return [
        (part.human.login or part.human.email, part.role)
        for part in to_be_told([Part(human, role) for human, role in parts])
    ]


def test_everyone_who_wrote_it_is_told_and_nobody_twice() -> None:
    """The author, then the co-authors; the merger of a person's change did not write it."""
    assert told((ANA, "author"), (BEN, "coauthor"), (STRANGER, "coauthor"), (CHI, "merger")) == [
        ("ana", "author"),
        ("Ben", "coauthor"),
        ("dee@example.com", "coauthor"),
    ]
    assert told((ANA, "author"), (Human(login="ANA"), "coauthor"), (ANA, "merger")) == [("ana", "author")]


def test_the_merger_stands_in_for_a_bot() -> None:
    """And for nobody who can be found; a bot hears nothing, as author, co-author or merger."""
    assert told((BOT, "author"), (CHI, "merger")) == [("chi", "merger")]
    assert told((BOT, "author"), (ANA, "coauthor"), (CHI, "merger")) == [("ana", "coauthor"), ("chi", "merger")]
    assert told((BOT, "author"), (BOT, "merger")) == []
    assert told((ANA, "author"), (BOT, "coauthor"), (BOT, "merger")) == [("ana", "author")]
    assert told((CHI, "merger")) == [("chi", "merger")]


def test_the_bot_is_named_in_whose_stead_the_merger_stands() -> None:
    """Without the mark that GitHub puts behind its name."""
    assert rules.standing_in_for([Part(BOT, "author"), Part(CHI, "merger")]) == "dependabot"
    assert rules.standing_in_for([Part(Human(bot=True), "author")]) == "a bot"
    assert rules.standing_in_for([Part(ANA, "author"), Part(BOT, "coauthor")]) is None


def test_everybody_on_record_has_a_part() -> None:
    """Author, co-authors, merger."""
    pull = MergedPull(number=1, sha="a", title="t", url="u", author=ANA, coauthors=(BEN,), merger=CHI)
    assert rules.parts_of(pull) == (Part(ANA, "author"), Part(BEN, "coauthor"), Part(CHI, "merger"))
    alone = MergedPull(number=1, sha="a", title="t", url="u", author=ANA)
    assert rules.parts_of(alone) == (Part(ANA, "author"),)
