"""All gates of a policy at once, and what their approvals come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.gates.approval import Approval
from bot.gates.base import Blocked, Gate, Judged, Judgement, Open, Situation, Verdict, Vote
from bot.gates.batch import Batch
from bot.gates.freeze import Freeze
from bot.gates.health import Health
from bot.gates.lock import Lock
from bot.gates.order import Order
from bot.gates.train import Train

DEFAULT_GATES: tuple[Gate, ...] = (Lock(), Freeze(), Order(), Approval(), Health())
"""What holds a service whose policy names no gates: somebody else must have said yes."""

_OF_ROLLBACKS = ("lock", "approval")
"""The gates that judge a declared rollback too."""

PASSED = "a rollback waits for no other gate"
"""What every other gate says of one; a card says it once for all of them."""


def judge(gates: Sequence[Gate], situation: Situation) -> Judgement:
    """Every gate's verdict, in the policy's order and without short circuit; it never raises.

    A gate that raises is Blocked. A declared rollback is judged by its lock and approval gates alone.
    """
    fault: Exception | None = None
    asked = 0
    try:
        asked = demands(gates, situation)
    except Exception as error:  # noqa: BLE001 - whatever a gate does wrong, it holds and the others are judged
        fault = error
    return Judgement(tuple(Judged(gate.name, _verdict(gate, situation, asked, fault)) for gate in gates))


def demands(gates: Sequence[Gate], situation: Situation) -> int:
    """How many approvals the other gates ask for beyond the policy's count: the first pass.

    None where the policy has no approval gate: nobody would hear it, and whoever asks must hold the promotion itself.
    """
    if situation.run.rollback or _approval(gates) is None:
        return 0
    return sum(gate.asks(situation) for gate in gates if isinstance(gate, Batch | Train))


def _verdict(gate: Gate, situation: Situation, asked: int, fault: Exception | None) -> Verdict:
    if situation.run.rollback and gate.name not in _OF_ROLLBACKS:
        return Open(PASSED)
    if fault is not None and isinstance(gate, Approval):
        return _unjudged(gate, fault)
    try:
        return gate.judge(situation, asked)
    except Exception as error:  # noqa: BLE001 - as above
        return _unjudged(gate, error)


def _unjudged(gate: Gate, error: Exception) -> Blocked:
    return Blocked(f"the gate {gate.name} cannot be judged: {type(error).__name__}: {error}".removesuffix(": "))


def turns_at(gates: Sequence[Gate], situation: Situation) -> datetime | None:
    """The next instant at which time alone changes a verdict: also a freeze that begins, or a yes that expires."""
    instants = [judge(gates, situation).next_at]
    if not situation.run.rollback:
        instants += [gate.turns_at(situation) for gate in gates if isinstance(gate, Freeze)]
    approval = _approval(gates)
    if approval is not None:
        instants.append(approval.lapses_at(situation, demands(gates, situation)))
    return min((at for at in instants if at is not None and at > situation.now), default=None)


# --- whose yes counts ---------------------------------------------------------------------------------------------


def refusal(gates: Sequence[Gate], situation: Situation, vote: Vote) -> str | None:
    """Why this person's yes would not count, said to them ("you wrote #815"); None where it would.

    ``vote`` is the yes that they are about to give.
    """
    approval = _approval(gates)
    if approval is None:
        return "nobody's yes is asked for: the policy has no approval gate"
    return approval.refusal(situation, vote, demands(gates, situation))


def candidates(gates: Sequence[Gate], situation: Situation) -> frozenset[str] | None:
    """The Slack ids of those who are in a group whose yes is still missing; None = every full member.

    Whoever has said yes, or is known by that very id to have written or asked for it, is left out; by their other
    names they may still have (``can_help``). Empty where no yes is missing.
    """
    approval = _approval(gates)
    return frozenset() if approval is None else approval.candidates(situation, demands(gates, situation))


def can_help(gates: Sequence[Gate], situation: Situation, names: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Which of these people, Slack ids each with every name that is known to be theirs, could give a missing yes."""
    approval = _approval(gates)
    return () if approval is None else approval.can_help(situation, demands(gates, situation), names)


def circle(gates: Sequence[Gate], situation: Situation) -> frozenset[str]:
    """The Slack ids of all in a group whose yes is missing, whether or not theirs counts; nobody for everybody."""
    approval = _approval(gates)
    return frozenset() if approval is None else approval.circle(situation, demands(gates, situation))


def short(gates: Sequence[Gate], situation: Situation, names: Mapping[str, frozenset[str]]) -> int:
    """How many missing yeses nobody can give, of these people who are all there are; 0 where that is not known."""
    approval = _approval(gates)
    return 0 if approval is None else approval.short(situation, demands(gates, situation), names)


def barred(gates: Sequence[Gate], situation: Situation, names: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
    """Which of these people cannot give a missing yes, each with why: "wrote #402"."""
    approval = _approval(gates)
    return {} if approval is None else approval.barred(situation, demands(gates, situation), names)


def _approval(gates: Sequence[Gate]) -> Approval | None:
    return next((gate for gate in gates if isinstance(gate, Approval)), None)
