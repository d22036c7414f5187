"""What a person does to one promotion as they saw it. Each act is legal by state, and every click gets an answer.

A brake (Undo, Cancel, Hold) works whatever was seen. What lets something through, or says no to it for good, counts
only for what was seen: where that has changed since, the person is told what did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from bot import gates, people
from bot.deploys import targets
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import Act, PromotionActed, Via
from bot.gates import Gate, Situation
from bot.gates.voting import UNPROVEN
from bot.locks import service as locks
from bot.promotions import advancing, doubts, finding, gathering, judging, raising, telling
from bot.promotions.gathering import approvals_of, target_of
from bot.promotions.models import Approval, Promotion, State
from bot.promotions.states import is_called, may, state_of
from bot.promotions.views import Said
from bot.promotions.words import called, ended_words, starts_words, waits_words

_SEEN = frozenset({Act.APPROVE, Act.REJECT, Act.INCLUDE, Act.ACKNOWLEDGE})
"""Acts that count only for what was seen."""

Doing = Callable[[Session, Desk, Promotion, PromotionActed, datetime], str]


def act(session: Session, desk: Desk, event: PromotionActed, now: datetime) -> str:
    """Do what a person asks for; returns what they are told. UserError says why not, and who can."""
    promotion = finding.promotion_called(session, event.promotion)
    if promotion is None:
        raise UserError(f"I know no promotion {event.promotion}. /ship status shows what is on its way.")
    target = target_of(session, promotion)
    targets.hold(session, desk.catalog, [(target.service, target.environment)])
    session.refresh(promotion)  # as it stands once nobody else can change it
    repeated = _repeated(session, desk, promotion, event)
    if repeated is not None:
        return repeated
    if event.act not in may(promotion):
        raise UserError(_too_late(session, desk, promotion, event))
    if event.act in _SEEN and event.seen != gathering.seen_now(session, desk, promotion):
        raise UserError(
            f"Nothing was done: {called(session, promotion)} has changed since you looked. "
            "Its card shows what it is now; look at that, then choose again."
        )
    return _DOING[event.act](session, desk, promotion, event, now)


# --- approving ----------------------------------------------------------------------------------------------------


def _approve(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    known = gathering.situation(session, desk, promotion, now)
    labels = tuple(change.label for change in known.run.changes or ())
    vote = gathering.vote_of(session, desk, event.slack_id, event.called, event.at, event.seen, labels, now)
    policy = desk.catalog.service(target_of(session, promotion).service).gates
    if _lapsed(policy, event.at, now):  # it was stored, and nobody was there to apply it
        raise UserError(
            f"Nothing was done: your yes to {called(session, promotion)} reached me only now, and so old a yes counts "
            "no more. Its card shows what it is now; approve again if it is still right."
        )
    refusal = gates.refusal(policy, known, vote)
    if refusal is not None:
        others = _others_words(session, desk, promotion, known, event.slack_id)
        how = _how_to_prove(desk) if refusal == UNPROVEN else ""
        raise UserError(f"You can't: {refusal}.{how}{others}")
    for row in approvals_of(session, promotion.id):
        if row.person == event.slack_id:  # given to something else, or expired: this one takes its place
            row.withdrawn_at = now
    session.flush()
    session.add(
        Approval(
            promotion=promotion.id or 0,
            person=event.slack_id,
            called=event.called,
            seen=event.seen,
            changes=list(labels),
            at=event.at,
            applied_at=now,
        )
    )
    session.flush()
    judgement = advancing.advance(session, desk, promotion, now, act=Act.APPROVE.value, who=_who(event))
    if state_of(promotion) is State.STARTING:
        undo = " Until then you can undo it." if promotion.not_before is not None and promotion.not_before > now else ""
        return f"Approved: {called(session, promotion)} {starts_words(desk, promotion)}.{undo}"
    waits = waits_words(desk, judgement) if judgement is not None else ""
    if not waits:
        return f"Approved. Every gate is open: {called(session, promotion)} {_waits_for(session, promotion)}."
    left = judging.circle(session, desk, promotion, gathering.situation(session, desk, promotion, now))
    stuck = judging.short_words(target_of(session, promotion).service, left)
    return f"Approved. {called(session, promotion)} still waits: {waits}.{f' {stuck}' if stuck else ''}"


def _others_words(session: Session, desk: Desk, promotion: Promotion, known: Situation, slack_id: str) -> str:
    """Who but this person could give a missing yes, or that nobody is left."""
    found = judging.circle(session, desk, promotion, known)
    others = replace(
        found,
        able=tuple(one for one in found.able if one.slack_id != slack_id),
        unproven=tuple(one for one in found.unproven if one.slack_id != slack_id),
    )
    said = judging.circle_words(desk, target_of(session, promotion).service, others)
    return f" {said}" if said else ""


def _how_to_prove(desk: Desk) -> str:
    if desk.catalog.proves_logins:
        return " To have it say so: /ship me github prove."
    return " Ask whoever runs Shipmate to put you into people in shipmate.yml."


def _undo(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    own = [row for row in approvals_of(session, promotion.id) if row.person == event.slack_id]
    for row in own:
        row.withdrawn_at = now
    session.flush()
    advancing.advance(session, desk, promotion, now, act=Act.UNDO.value, who=_who(event))
    ending = (
        "nothing starts" if state_of(promotion) is State.OPEN else "other approvals carry it: it starts all the same"
    )
    return f"Undone: your approval of {called(session, promotion)} is withdrawn, and {ending}."


# --- saying no, and waiting ---------------------------------------------------------------------------------------


def _reject(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    _must_have_a_say(session, desk, promotion, event, now, "reject")
    _finish(session, desk, promotion, State.REJECTED, event, now, Said.REJECTED)
    telling.tell_authors_of_no(session, desk, promotion, Said.REJECTED, _who(event), event.reason, now)
    return f"Rejected: {called(session, promotion)} will not ship. A newer build raises a new promotion."


def _cancel(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    if promotion.requested_by != _who(event):
        _must_have_a_say(session, desk, promotion, event, now, "cancel")
    rolling = state_of(promotion) is State.ROLLING
    said = Said.UNAWAITED if rolling else Said.CANCELLED
    _finish(session, desk, promotion, State.CANCELLED, event, now, said)
    telling.tell_authors_of_no(session, desk, promotion, said, _who(event), event.reason, now)
    if rolling:
        return (
            f"I wait for {called(session, promotion)} no more: something else may start there. Its pipeline was called "
            f"and is not stopped by this; its card still says how it ends. Look at its run, or /ship rollback "
            f"{target_of(session, promotion).service}."
        )
    return f"Cancelled: {called(session, promotion)} will not ship."


def _finish(
    session: Session, desk: Desk, promotion: Promotion, to: State, event: PromotionActed, now: datetime, said: Said
) -> None:
    outcome = "nobody waits" if said is Said.UNAWAITED else to.value
    judgement = judging.judge(session, desk, promotion, now)
    judging.decide(session, promotion, judgement, event.act.value, outcome, now, _who(event))
    advancing.end(session, desk, promotion, to, now, who=_who(event), why=event.reason, said=said)


def _hold(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    said = locks.hold(
        session, desk.catalog, promotion.root or promotion.id or 0, target_of(session, promotion),
        event.reason or "", event.slack_id, event.called, event.at, now,
    )  # fmt: skip
    advancing.advance(session, desk, promotion, now, act=Act.HOLD.value, who=_who(event))
    return said


def _release(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    said = locks.release(
        session, desk.catalog, promotion.root or promotion.id or 0, event.slack_id, event.called, event.at, now
    )
    judgement = advancing.advance(session, desk, promotion, now, act=Act.RELEASE.value, who=_who(event))
    if state_of(promotion) is State.STARTING:
        return f"{said} It {starts_words(desk, promotion)}."
    waits = waits_words(desk, judgement) if judgement is not None else ""
    return f"{said} It still waits: {waits}." if waits else said


# --- what it carries ----------------------------------------------------------------------------------------------


def _include(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    _must_have_a_say(session, desk, promotion, event, now, "include newer changes in")
    newer = finding.next_build(session, desk, promotion)
    if newer is None:
        return f"No newer build waits: {called(session, promotion)} stays as it is."
    judgement = judging.judge(session, desk, promotion, now)
    judging.decide(session, promotion, judgement, event.act.value, "superseded", now, _who(event))
    given = [row.called for row in approvals_of(session, promotion.id)]
    raising.supersede(
        session, desk, promotion, newer.sha, Via(promotion.via), promotion.requested_by, now, included_by=_who(event)
    )
    void = f" The approval by {', '.join(given)} is void." if given else ""
    return f"Included: {newer.sha[:7]} takes the place of {promotion.sha[:7]}.{void}"


def _acknowledge(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    _must_have_a_say(session, desk, promotion, event, now, "acknowledge")
    back = [one for one in gathering.situation(session, desk, promotion, now).run.reentries if not one.answered]
    if not back:
        return "There is nothing to acknowledge: nothing aboard was rolled back, or that is answered already."
    promotion.acknowledged_by, promotion.acknowledged_seen = event.slack_id, event.seen
    promotion.acknowledged_reason = event.reason
    session.flush()
    advancing.advance(session, desk, promotion, now, act=Act.ACKNOWLEDGE.value, who=_who(event))
    return f"Acknowledged: {', '.join(one.label for one in back)} may go in again, as far as this promotion goes."


# --- inside -------------------------------------------------------------------------------------------------------


def _went_through(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    _must_have_a_say(session, desk, promotion, event, now, "answer for")
    return doubts.went_through(session, desk, promotion, _who(event), now)


def _try_again(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime) -> str:
    _must_have_a_say(session, desk, promotion, event, now, "answer for")
    return doubts.try_again(session, desk, promotion, _who(event), now)


_DOING: Mapping[Act, Doing] = {
    Act.APPROVE: _approve,
    Act.UNDO: _undo,
    Act.REJECT: _reject,
    Act.CANCEL: _cancel,
    Act.HOLD: _hold,
    Act.RELEASE: _release,
    Act.INCLUDE: _include,
    Act.ACKNOWLEDGE: _acknowledge,
    Act.WENT_THROUGH: _went_through,
    Act.TRY_AGAIN: _try_again,
}


def _repeated(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed) -> str | None:
    """What somebody is told who asks for what is so already; None where there is something to do or to refuse."""
    name, state = called(session, promotion), state_of(promotion)
    own = [row for row in approvals_of(session, promotion.id) if row.person == event.slack_id]
    if event.act is Act.APPROVE and state in (State.STARTING, State.ROLLING, State.DONE):
        whose = "You approved it already" if own else "It is approved already"
        return f"{whose}: {name} {starts_words(desk, promotion)}."
    if event.act is Act.APPROVE and state is State.OPEN and own:
        seen = gathering.seen_now(session, desk, promotion)
        counts = any(row.seen == seen == event.seen and not _expired(desk, promotion, row, session) for row in own)
        return f"You approved {name} already: that stands." if counts else None
    if event.act is Act.UNDO and not own:
        raise UserError(f"You have no approval of {name} to take back. Whoever gave one can undo theirs.")
    if event.act is Act.REJECT and state is State.REJECTED:
        return ended_words(session, desk, promotion)
    if event.act is Act.CANCEL and state is State.CANCELLED:
        return ended_words(session, desk, promotion)
    return None


def _expired(desk: Desk, promotion: Promotion, row: Approval, session: Session) -> bool:
    policy = desk.catalog.service(target_of(session, promotion).service).gates
    return _lapsed(policy, row.at, desk.now)


def _lapsed(policy: Sequence[Gate], at: datetime, now: datetime) -> bool:
    """Whether a yes given then counts no more."""
    return any(isinstance(gate, gates.Approval) and now >= at + gate.expires for gate in policy)


def _too_late(session: Session, desk: Desk, promotion: Promotion, event: PromotionActed) -> str:
    """Why this cannot be done to it any more, and what can."""
    name, state = called(session, promotion), state_of(promotion)
    if state.ended:
        return f"Nothing was done. {ended_words(session, desk, promotion)}"
    if promotion.asks_person is not None:
        return (
            f"Nothing was done: whether the pipeline was called for {name} is in doubt ({promotion.asks_person}). "
            "Look there, then say on the card whether it went through."
        )
    if is_called(promotion):
        return (
            f"Nothing was done: {name} is under way, its pipeline was called. If it must not stay there, "
            f"/ship rollback {target_of(session, promotion).service}."
        )
    return f"Nothing was done: {event.act.value.replace('_', ' ')} does not go with {name} as it stands ({state})."


def _must_have_a_say(
    session: Session, desk: Desk, promotion: Promotion, event: PromotionActed, now: datetime, what: str
) -> None:
    """UserError unless this person is of the service's team, or one whose yes is asked for."""
    target = target_of(session, promotion)
    owner = desk.catalog.service(target.service)
    for word in gathering.approver_words(owner):
        fact = people.group(session, desk.catalog, word, now, service=owner)
        if fact.trouble is None and fact.members is not None and event.slack_id in fact.members:
            return
    if not people.is_member(session, desk.catalog, owner.team, event.slack_id, now):
        team = owner.team.name if owner.team else owner.name
        raise UserError(f"You can't {what} it: that is for the team {team} and whoever approves for it.")


def _waits_for(session: Session, promotion: Promotion) -> str:
    other = finding.under_way_at(session, promotion.target)
    if other is not None and other.id != promotion.id:
        return f"starts once promotion {other.id} is through"
    return "waits for a run that asks to go there"


def _who(event: PromotionActed) -> str:
    return f"slack:{event.slack_id}"
