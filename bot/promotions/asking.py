"""What a pipeline is told that asks whether it may go on: the same judgement, and nothing is made of the question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.deploys.views import RangeState
from bot.events import Via
from bot.gates import Judgement
from bot.promotions import finding, rules
from bot.promotions.judging import judge
from bot.promotions.models import Promotion, State
from bot.promotions.ranges import live_sha
from bot.promotions.requests import environment_of, promotable
from bot.promotions.states import is_called, state_of
from bot.promotions.words import ended_words, starts_words

_REJECTED = (State.REJECTED, State.CANCELLED, State.EXPIRED, State.SUPERSEDED)


@dataclass(frozen=True)
class Answer:
    """``state`` is ``approved``, ``pending`` or ``rejected``. ``promotion`` is the one that is spoken of, if any."""

    state: str
    judgement: Judgement | None
    promotion: int | None
    sha: str | None
    reason: str


def ask(session: Session, desk: Desk, service: str, environment: str, sha: str | None) -> Answer:
    """Whether this build may enter that environment now; ``sha`` None = whatever is open there.

    UserError for a service or environment that is not promoted. All but every gate open is no yes.
    """
    owner = promotable(desk, service)
    written = environment_of(owner, environment)
    target = finding.target_called(session, owner.name, written)
    if target is None or target.id is None:
        return Answer("pending", None, None, sha, f"nothing is known of {owner.name} in {written} yet")
    promotion = finding.open_at(session, target.id) if sha is None else _of(session, target, sha)
    if promotion is None and sha is None:
        return Answer("pending", None, None, None, "no promotion is open")
    if promotion is None:
        return _unasked(session, desk, target, sha or "", desk.now)
    if state_of(promotion) in _REJECTED:
        return Answer("rejected", None, promotion.id, promotion.sha, ended_words(session, desk, promotion))
    judgement = judge(session, desk, promotion, desk.now)
    if state_of(promotion) is State.STARTING and not is_called(promotion) and judgement.open:
        reason = f"{starts_words(desk, promotion)}: until then whoever approved can undo it"
        return Answer("pending", judgement, promotion.id, promotion.sha, reason)
    return _answer(judgement, promotion.id, promotion.sha)


def rollback_asked(session: Session, desk: Desk, service: str, environment: str) -> bool:
    """Whether somebody has declared a rollback there that has not ended."""
    owner = promotable(desk, service)
    target = finding.target_called(session, owner.name, environment_of(owner, environment))
    return target is not None and any(one.rollback for one in finding.alive_at(session, target.id or 0))


def _of(session: Session, target: Target, sha: str) -> Promotion | None:
    """The promotion of this build that decides: the latest, whatever ran before it."""
    return next(iter(finding.of_build(session, target.id or 0, sha.lower())), None)


def _unasked(session: Session, desk: Desk, target: Target, sha: str, now: datetime) -> Answer:
    """What the gates say of a build that nobody asked to promote: what it carries was never read, so not yes."""
    nobody = Promotion(
        target=target.id or 0, sha=sha, repo=desk.catalog.service(target.service).repo, via=Via.API.value,
        created_at=now, expires_at=now + rules.EXPIRES_AFTER, base_sha=live_sha(session, target),
        range=RangeState.UNKNOWN.value,
    )  # fmt: skip
    judgement = judge(session, desk, nobody, now)
    return Answer("pending", judgement, None, sha, "no promotion of this build was asked for")


def _answer(judgement: Judgement, promotion: int | None, sha: str) -> Answer:
    if judgement.open:
        return Answer("approved", judgement, promotion, sha, "every gate is open")
    reasons = "; ".join(f"{one.gate}: {one.verdict.reason}" for one in judgement.closed)
    return Answer("pending", judgement, promotion, sha, reasons or "the policy has no gate")
