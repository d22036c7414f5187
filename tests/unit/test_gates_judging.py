"""All gates at once: nothing short-circuits, nothing raises, nothing that is missing opens anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.gates import (
    DEFAULT_GATES,
    Approval,
    Batch,
    Blocked,
    Freeze,
    FreezeFact,
    Gate,
    Health,
    Lock,
    LockFact,
    Open,
    Order,
    Situation,
    Smoke,
    Soak,
    Staging,
    Train,
    Unbuilt,
    Verdict,
    Vote,
    Waiting,
    can_help,
    candidates,
    judge,
    refusal,
    turns_at,
)
from bot.gates.judging import PASSED
from tests.unit.situations import (
    APPROVALS,
    GATES,
    LOCKS,
    LOGINS,
    SITUATIONS,
    VOTES,
    at,
    change,
    lock,
    run,
    situation,
    vote,
)

WHOLE: tuple[Gate, ...] = (
    Lock(),
    Freeze(),
    Order(),
    Soak(timedelta(minutes=30)),
    Smoke(("e2e",)),
    Batch(5, 800),
    Approval(),
    Train(),
    Health(),
    Unbuilt("risk"),
)


@dataclass(frozen=True)
class Broken:
    """A gate that fails."""

    name: str = "broken"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """It does not get that far."""
        raise KeyError("checks")


class BrokenBatch(Batch):
    """A gate that fails as soon as it is asked for its demands."""

    def asks(self, situation: Situation) -> int:
        """It does not get that far."""
        raise ValueError("too many")


def test_what_everybody_has_without_a_policy() -> None:
    """Somebody else's yes, and nothing that needs to be configured."""
    assert [gate.name for gate in DEFAULT_GATES] == ["lock", "freeze", "order", "approval", "health"]
    assert judge(DEFAULT_GATES, situation()).only_approval_missing
    assert judge(DEFAULT_GATES, situation(None, vote("dee"))).open


def test_every_gate_is_judged_whatever_the_others_say() -> None:
    """In the policy's order."""
    judgement = judge(WHOLE, situation(locks=(lock(),)))
    assert [one.gate for one in judgement.verdicts] == [gate.name for gate in WHOLE]
    assert [one.gate for one in judgement.closed] == ["lock", "smoke", "approval", "risk"]
    assert judgement.next_at == at(60)


def test_no_gate_at_all_opens_nothing() -> None:
    """Whoever wants no gates has not asked for promotions."""
    assert not judge((), situation()).open


def test_a_gate_that_raises_is_blocked_and_the_others_are_judged() -> None:
    """It says what went wrong."""
    judgement = judge((Lock(), Broken(), Health()), situation())
    assert [one.verdict for one in judgement.verdicts] == [
        Open("no lock"),
        Blocked("the gate broken cannot be judged: KeyError: 'checks'"),
        Open("no alert fires"),
    ]


def test_without_knowing_what_is_demanded_no_approval_is_enough() -> None:
    """A batch that cannot be measured might have asked for one more."""
    judgement = judge((BrokenBatch(5, None), Approval(), Health()), situation(None, vote("dee"), vote("eve")))
    assert [one.gate for one in judgement.closed] == ["approval"]
    assert judgement.closed[0].verdict == Blocked("the gate approval cannot be judged: ValueError: too many")


@pytest.mark.parametrize(
    ("locks", "closed"),
    [((), []), ((lock(),), []), ((lock(rollbacks=False),), ["lock"])],
)
def test_a_declared_rollback_is_judged_by_lock_and_approval_alone(
    locks: tuple[LockFact, ...], closed: list[str]
) -> None:
    """Every other gate records that it let it pass, also one that fails or is not built."""
    back = replace(
        situation(run(rollback=True, unread=True, direction=None), locks=locks),
        staging=Staging(environment=None, succeeded_at=None),
    )
    judgement = judge((*WHOLE, Broken()), back)
    assert [one.gate for one in judgement.closed] == closed
    passed = [one.gate for one in judgement.verdicts if one.verdict == Open(PASSED)]
    assert passed == [gate.name for gate in (*WHOLE, Broken()) if gate.name not in ("lock", "approval")]


@pytest.mark.parametrize(
    ("judged", "turns"),
    [
        pytest.param(situation(), None, id="an approval is missing, which time does not mend"),
        pytest.param(situation(None, vote("dee", -9)), at(231), id="a yes expires"),
        pytest.param(
            situation(None, vote("dee", -9), freezes=(FreezeFact(begins=at(50), ends=at(60), reason="x"),)),
            at(50),
            id="a freeze begins",
        ),
        pytest.param(situation(staging=Staging(environment="staging", succeeded_at=at(-12))), at(18), id="a soak ends"),
        pytest.param(
            situation(run(rollback=True), freezes=(FreezeFact(begins=at(50), ends=at(60), reason="x"),)),
            None,
            id="a rollback passes the freeze",
        ),
    ],
)
def test_the_next_turn_of_time_is_foretold(judged: Situation, turns: datetime | None) -> None:
    """Also one that closes what is open."""
    gates = [gate for gate in WHOLE if gate.name not in ("smoke", "risk")]
    assert turns_at(gates, judged) == turns


# --- what always holds --------------------------------------------------------------------------------------------


def names_of(of: Situation) -> frozenset[str]:
    """Everybody who wrote something aboard, or asked for it."""
    return of.run.requested_by.union(*(one.wrote for one in of.run.changes or ()))


@given(GATES, SITUATIONS)
def test_judging_never_raises_and_answers_for_every_gate(gates: tuple[Gate, ...], judged: Situation) -> None:
    """With a reason people can read."""
    judgement = judge(gates, judged)
    assert [one.gate for one in judgement.verdicts] == [gate.name for gate in gates]
    assert all(one.verdict.reason for one in judgement.verdicts)
    assert judgement.next_at is None or judgement.next_at > judged.now
    turn = turns_at(gates, judged)
    assert turn is None or turn > judged.now


@given(GATES, SITUATIONS, LOCKS)
def test_a_further_lock_never_opens_anything(gates: tuple[Gate, ...], judged: Situation, further: LockFact) -> None:
    """Locks stack."""
    locked = replace(judged, locks=(*judged.locks, further))
    assert not judge(gates, locked).open or judge(gates, judged).open
    if any(gate.name == "lock" for gate in gates) and not judged.run.rollback:
        assert not judge(gates, locked).open


FORGETTINGS: dict[str, Callable[[Situation], Situation]] = {
    "what it carries": lambda s: replace(s, run=replace(s.run, changes=None)),
    "its direction": lambda s: replace(s, run=replace(s.run, direction=None)),
    "where it came from": lambda s: replace(s, staging=Staging(environment=None, succeeded_at=None)),
    "its success before": lambda s: replace(s, staging=replace(s.staging, succeeded_at=None)),
    "its checks": lambda s: replace(s, checks=()),
    "how its checks went": lambda s: replace(s, checks=tuple(replace(one, passed=None) for one in s.checks)),
    "who is in which group": lambda s: replace(s, groups={}),
    "whether the groups are right": lambda s: replace(
        s, groups={word: replace(fact, trouble="stale") for word, fact in s.groups.items()}
    ),
    "who approves": lambda s: replace(s, votes=()),
    "who they are": lambda s: replace(s, votes=tuple(replace(one, proven=False) for one in s.votes)),
    "whether they are full members": lambda s: replace(
        s, votes=tuple(replace(one, full=False, trouble="Slack has not said yet") for one in s.votes)
    ),
    "which train it is aboard of": lambda s: replace(s, train=s.train and replace(s.train, aboard=False, hotfix=False)),
    "how many lines it has": lambda s: replace(
        s, run=replace(s.run, changes=s.run.changes and tuple(replace(one, lines=None) for one in s.run.changes))
    ),
}


@pytest.mark.parametrize("forgotten", FORGETTINGS)
@given(gates=GATES, judged=SITUATIONS)
def test_what_is_not_known_never_opens_anything(forgotten: str, gates: tuple[Gate, ...], judged: Situation) -> None:
    """Whatever is taken from a situation, what was closed stays closed."""
    assert not judge(gates, FORGETTINGS[forgotten](judged)).open or judge(gates, judged).open


@given(APPROVALS, SITUATIONS)
def test_the_yes_of_whoever_wrote_or_asked_never_counts(gate: Approval, judged: Situation) -> None:
    """With or without it the verdict is the same; of a rollback only whoever asked is left out."""
    barred = judged.run.requested_by if judged.run.rollback else names_of(judged)
    others = tuple(
        one for one in judged.votes if not (one.names | {f"slack:{one.person}"}) & barred and one.proven and one.full
    )
    assert gate.judge(judged, 0) == gate.judge(replace(judged, votes=others), 0)


@given(APPROVALS, SITUATIONS, st.sampled_from(LOGINS))
def test_no_one_person_ever_suffices_where_all_they_wrote_is_theirs(
    gate: Approval, judged: Situation, login: str
) -> None:
    """However many times and by whatever account they say it."""
    own = replace(judged, run=replace(judged.run, rollback=False, changes=(change("#812", login),)))
    votes = tuple(vote(other, names=frozenset({f"github:{login}"})) for other in LOGINS)
    assert not isinstance(gate.judge(replace(own, votes=votes), 0), Open)


@given(APPROVALS, SITUATIONS, VOTES)
def test_a_further_yes_never_closes_anything(gate: Approval, judged: Situation, further: Vote) -> None:
    """Of somebody who is nobody else: two accounts of one person count as one."""
    apart = tuple(replace(one, names=frozenset({f"github:{one.person}"})) for one in judged.votes)
    alone = replace(further, names=frozenset({f"github:{further.person}"}))
    assume(all(one.person != alone.person for one in apart))
    before = gate.judge(replace(judged, votes=apart), 0)
    after = gate.judge(replace(judged, votes=(*apart, alone)), 0)
    assert isinstance(after, Open) or not isinstance(before, Open)


@given(APPROVALS, SITUATIONS, st.integers(0, 2))
def test_as_many_are_seated_as_any_seating_could_seat(gate: Approval, judged: Situation, more: int) -> None:
    """Against trying every order of the people for every seat."""
    of = replace(judged, run=replace(judged.run, rollback=False, changes=judged.run.changes or (), truncated=0))
    # Every change was written by somebody, so that the gate asks for no yes beyond those counted here.
    of = replace(
        of,
        run=replace(
            of.run,
            changes=tuple(replace(one, wrote=one.wrote or frozenset({"email:x"})) for one in of.run.changes or ()),
        ),
    )
    of = replace(of, votes=tuple(replace(one, names=frozenset({f"github:{one.person}"})) for one in of.votes))
    counting = [
        one.person
        for one in of.votes
        if refusal((Approval(),), replace(of, approvers=()), one) is None and one.at + gate.expires > of.now
    ]
    seats = [words for group in gate.groups for words in [group.words] * group.count]
    everybody = tuple(word for group in gate.groups for word in group.words) or of.approvers
    seats += [everybody] * (max(0, gate.count - len(seats)) + more)
    assert isinstance(gate.judge(of, more), Open) is _fills(of, counting, seats)


def _fills(of: Situation, people: list[str], seats: list[tuple[str, ...]]) -> bool:
    def takes(words: tuple[str, ...], person: str) -> bool:
        facts = [of.groups[word] for word in words if word in of.groups and of.groups[word].trouble is None]
        return not words or any(fact.members is None or person in fact.members for fact in facts)

    return any(
        all(takes(words, person) for words, person in zip(seats, order, strict=True))
        for order in permutations(people, len(seats))
    )


@given(GATES, SITUATIONS, VOTES)
def test_what_people_are_told_is_what_the_gate_does(gates: tuple[Gate, ...], judged: Situation, said: Vote) -> None:
    """A yes that would be refused changes nothing; whoever can help is not refused."""
    fresh = replace(
        judged, votes=tuple(one for one in judged.votes if one.person != said.person and not one.names & said.names)
    )
    said = replace(said, seen=judged.run.seen, at=judged.now)
    own = {said.person: said.names}
    if refusal(gates, fresh, said) is not None and any(isinstance(gate, Approval) for gate in gates):
        with_it = replace(fresh, votes=(*fresh.votes, said))
        assert judge(gates, with_it).open is judge(gates, fresh).open
    if said.person in can_help(gates, fresh, own) and said.proven and said.full:
        assert refusal(gates, fresh, said) is None
        asked = candidates(gates, fresh)
        assert asked is None or said.person in asked


@given(GATES, SITUATIONS)
def test_a_verdict_says_who_only_where_it_is_closed(gates: tuple[Gate, ...], judged: Situation) -> None:
    """And by their Slack ids."""
    for one in judge(gates, judged).closed:
        assert isinstance(one.verdict, Waiting | Blocked)
        assert all(person.startswith("U") for person in one.verdict.who)
