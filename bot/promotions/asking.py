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

_REJECTED = (State.FAILED, State.REJECTED, State.CANCELLED, State.EXPIRED, State.SUPERSEDED)


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

    UserError for a service or environment that is not promoted. All but every gate open is no yes, and nor is that
    before it was begun: until then whoever sets a lock, or takes a yes back, is told that nothing moves.
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
    return _of_promotion(session, desk, target, promotion)


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


def _of_promotion(session: Session, desk: Desk, target: Target, promotion: Promotion) -> Answer:
    """What is to be said of a build that somebody asked to promote."""
    state, live = state_of(promotion), live_sha(session, target)
    if state in _REJECTED:
        return Answer("rejected", None, promotion.id, promotion.sha, ended_words(session, desk, promotion))
    if state is State.DONE and live != promotion.sha:
        runs = live[:7] if live else "something else"
        reason = f"{target.environment} runs {runs} by now: ask for this build to be promoted again"
        return Answer("rejected", None, promotion.id, promotion.sha, reason)
    judgement = judge(session, desk, promotion, desk.now)
    if judgement.open and state is not State.DONE and not is_called(promotion):
        return Answer("pending", judgement, promotion.id, promotion.sha, _begins(session, desk, promotion))
    return _answer(judgement, promotion.id, promotion.sha)


def _begins(session: Session, desk: Desk, promotion: Promotion) -> str:
    """What a promotion waits for whose gates are open."""
    if state_of(promotion) is State.STARTING:
        return f"{starts_words(desk, promotion)}: until then whoever approved can undo it"
    other = finding.under_way_at(session, promotion.target)
    if other is not None:
        return f"every gate is open: it begins once promotion {other.id} is through"
    return "every gate is open: it is about to begin"


def _answer(judgement: Judgement, promotion: int | None, sha: str) -> Answer:
    if judgement.open:
        return Answer("approved", judgement, promotion, sha, "every gate is open")
    reasons = "; ".join(f"{one.gate}: {one.verdict.reason}" for one in judgement.closed)
    return Answer("pending", judgement, promotion, sha, reasons or "the policy has no gate")
