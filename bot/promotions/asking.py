"""What a pipeline is told that asks whether it may go on: the same judgement, and nothing is made of the question."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from bot.catalog import PromoteThrough, Service
from bot.deploys.loading import Desk
from bot.deploys.models import Target
from bot.deploys.views import RangeState
from bot.errors import UserError
from bot.events import Via
from bot.gates import Judgement
from bot.promotions import finding, rules
from bot.promotions.judging import judge
from bot.promotions.models import Promotion, State
from bot.promotions.ranges import live_sha
from bot.promotions.requests import environment_of, promotable
from bot.promotions.states import is_called, state_of
from bot.promotions.words import ended_words, starts_words

NAME_IT = "nobody can tell which build asks: write its whole commit into the webhook's metadata, as sha"
"""What is told to a rollout that does not say which build it is, where more than one is possible."""

FULL_SHA = 40
"""Characters of a whole commit; of those by SHA-256 there are more."""

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
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
    """Whether this build may enter that environment now; ``sha`` None = whichever promotion is there.

    UserError for a service or environment that is not promoted. All but every gate open is no yes, and nor is that
    before it was begun: until then whoever sets a lock, or takes a yes back, is told that nothing moves. Without a
    ``sha`` it is one only while nothing can be on its way there but what we called.
    """
    owner = promotable(desk, service)
    written = environment_of(owner, environment)
    target = finding.target_called(session, owner.name, written)
    if target is None or target.id is None:
        return Answer("pending", None, None, sha, f"nothing is known of {owner.name} in {written} yet")
    if sha is None:
        return _unnamed(session, desk, owner, target)
    sha = _in_full(session, owner, sha)
    promotion = _of(session, target, sha)
    if promotion is None:
        return _unasked(session, desk, target, sha, desk.now)
    return _of_promotion(session, desk, target, promotion)


def _in_full(session: Session, owner: Service, sha: str) -> str:
    """The whole commit of a build that is named by the beginning of it; UserError where that is none, or several."""
    sha = sha.strip().lower()
    if len(sha) >= FULL_SHA:
        return sha
    if _COMMIT.fullmatch(sha) is None:
        raise UserError(f"“{sha[:80]}” names no build: give its commit, in full or at least 7 characters of it.")
    found = finding.builds_beginning(session, owner.name, sha)
    if len(found) > 1:
        raise UserError(f"More than one build of {owner.name} begins with {sha}: give more of its commit.")
    if not found:
        raise UserError(f"I never saw a build {sha} of {owner.name}. /ship status {owner.name} shows what is live.")
    return found[0]


def rollback_asked(session: Session, desk: Desk, service: str, environment: str) -> bool:
    """Whether somebody has declared a rollback there that has not ended."""
    owner = promotable(desk, service)
    target = finding.target_called(session, owner.name, environment_of(owner, environment))
    return target is not None and any(one.rollback for one in finding.alive_at(session, target.id or 0))


def _unnamed(session: Session, desk: Desk, owner: Service, target: Target) -> Answer:
    """What is told to a rollout that does not say which build it is: of what is under way there, else of what waits.

    A yes needs that we called its pipeline, and that nothing else is known to roll out there. Where nothing is called
    and rollouts begin by themselves (``argo-rollouts``), a newer build may ask at any moment: there it is never one.
    """
    assert target.id is not None
    carried = finding.under_way_at(session, target.id)
    promotion = carried or finding.open_at(session, target.id)
    if promotion is None:
        return Answer("pending", None, None, None, f"no promotion is open; {NAME_IT}")
    answer = _of_promotion(session, desk, target, promotion)
    begins_by_itself = owner.promote_through is PromoteThrough.ARGO_ROLLOUTS
    if begins_by_itself or any(one.sha != promotion.sha for one in finding.moving(session, [target.id])):
        reason = NAME_IT if answer.state == "approved" else f"{answer.reason}; {NAME_IT}"
        return replace(answer, state="pending", reason=reason)
    return answer


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
    known = finding.builds_beginning(session, target.service, sha)
    reason = "no promotion of this build was asked for" if known else f"I never saw this build of {target.service}"
    return Answer("pending", judgement, None, sha, reason)


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
