"""What people do to a departure as it stands. Each act is legal by state, and every click gets an answer.

Its conductor, whoever stands in, and those who approve for its services act on it. A yes is judged promotion by
promotion, as everybody's is, and a thumbs-up counts for one's own changes alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session

from bot import audit, people, work
from bot.audit import Tag
from bot.catalog import Train, TrainApproval
from bot.departures.models import Departure, Passenger
from bot.departures.states import Outcome, PassengerState, State
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.errors import UserError
from bot.events import Act, PromotionActed, TrainAct, TrainActed, Via
from bot.locks import rules as lock_rules
from bot.promotions import acts as promotion_acts
from bot.promotions import advancing, raising
from bot.promotions.gathering import change_fact, seen_now
from bot.promotions.models import State as PromotionState
from bot.promotions.states import is_called, state_of
from bot.promotions.words import person_words
from bot.timetable import Departs
from bot.trains import (
    cancelling,
    conductors,
    departing,
    finding,
    following,
    gathering,
    moves,
    returning,
    rules,
    sealing,
    telling,
)
from bot.trains.boarding import Pick, Removal, board
from bot.trains.rules import Standing
from bot.trains.telling import DEPARTURE, Said
from bot.trains.words import called, instant_words, iso, listed, stands_words

Doing = Callable[[Session, Desk, Departure, TrainActed, datetime], str]

_OPEN_TO_ALL = frozenset({TrainAct.APPROVE, TrainAct.READY, TrainAct.UNREADY})
"""Acts that others than the conductor may do: each says for itself whose counts."""

_VERBS = {
    TrainAct.HOLD: "hold",
    TrainAct.RELEASE: "release",
    TrainAct.DEPART: "let go",
    TrainAct.REMOVE: "take anything off",
    TrainAct.CANCEL: "cancel",
    TrainAct.RUN: "run",
    TrainAct.ROLL_ON: "roll on",
    TrainAct.ROLL_BACK: "roll back",
}


def act(session: Session, desk: Desk, event: TrainActed, now: datetime) -> str:
    """Do what a person asks for; returns what they are told. UserError says why not, and who can."""
    departure = finding.held(session, desk, event.departure)
    if departure is None:
        raise UserError(f"I know no departure {event.departure}. /ship train shows those that there are.")
    standing = standing_of(session, desk, departure)
    if event.act not in _OPEN_TO_ALL:  # before anything else is answered: whoever may not is told so in any case
        must_conduct(session, desk, departure, event.slack_id, event.act)
    if rules.repeats(event.act, standing):
        return f"Nothing to do: {stands_words(session, desk, departure)}."
    if event.act not in rules.may(standing):
        raise UserError(f"Nothing was done: {stands_words(session, desk, departure)}. {_instead(session, departure)}")
    said = _DOING[event.act](session, desk, departure, event, now)
    if event.act is not TrainAct.REMOVE:  # of that ``moves.removed`` keeps what left the list, however it came to that
        audit.record(
            session, Tag.DEPARTURE_ACTED, f"departure:{departure.id}", now, who=_who(event), act=event.act.value,
            service=event.service, change=event.change, why=event.reason,
            review_at=iso(event.review_at) if event.review_at is not None else None,
        )  # fmt: skip
    moves.touch(session, departure)
    return said


def standing_of(session: Session, desk: Desk, departure: Departure) -> Standing:
    """What of a departure decides what people may do to it now (``rules.may``)."""
    train = finding.train_of(session, desk, departure)
    return Standing(
        state=departure.standing,
        outcome=Outcome(departure.outcome) if departure.outcome is not None else None,
        held_by_person=departure.hold_owner is not None,
        stopped=departure.stopped_reason is not None and departure.returning_at is None,
        batch=train is not None and train.approval is TrainApproval.BATCH,
        asks_ready=train is not None and train.ready is not None,
        returning=departure.returning_at is not None,
        ran=finding.ran_as(session, departure) is not None,
    )


def must_conduct(session: Session, desk: Desk, departure: Departure, slack_id: str, act: TrainAct) -> None:
    """UserError, naming who can, unless this person may do this to a departure."""
    conductors.must_conduct(session, desk, departure, slack_id, desk.now, _VERBS[act])


def seen_of(session: Session, desk: Desk, departure: Departure) -> str:
    """What names exactly what people see of everything aboard: a yes to anything else is none to this."""
    aboard = [
        [service, promotion.id, seen_now(session, desk, promotion)]
        for service, promotion in finding.promotions_of(session, departure).items()
    ]
    return hashlib.sha256(json.dumps(aboard).encode()).hexdigest()[:16]


# --- waiting and leaving ------------------------------------------------------------------------------------------


def _hold(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    why = lock_rules.checked_reason(event.reason or "", of="a Hold")
    if event.review_at is None or event.review_at <= now:
        raise UserError("A Hold needs a time to look at it again: say when, and let it be to come.")
    if departure.standing is not State.HELD:
        moves.move(session, departure, State.HELD, now, who=_who(event), why=why)
    departure.hold_reason, departure.hold_owner, departure.hold_called = why, event.slack_id, event.called
    departure.hold_waits = {}
    departure.hold_review_at, departure.hold_nagged_at, departure.decide_by = event.review_at, None, None
    session.flush()
    work.schedule(session, DEPARTURE, departure.id or 0, event.review_at)
    telling.show(session, desk, departure, now)
    telling.say(session, desk, departure, Said.HELD, now, of=f"{event.slack_id}:{iso(now)}", who=_who(event), why=why,
                review_at=iso(event.review_at))  # fmt: skip
    review = instant_words(desk, departure, event.review_at)
    return f"Holding {called(session, desk, departure)}: {why}. You are asked again at {review}."


def _release(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    """Before its time it is sealed again; after it, it leaves as soon as every gate is open."""
    name = called(session, desk, departure)
    telling.say(session, desk, departure, Said.RELEASED, now, of=iso(now), who=_who(event))
    if now < departure.scheduled_at:
        moves.move(session, departure, State.SEALED, now, who=_who(event))
        departing.leave_or_wait(session, desk, departure, now)
        return f"Released: {name} leaves at {instant_words(desk, departure, departure.scheduled_at)}."
    departure.hold_owner = departure.hold_called = departure.hold_review_at = departure.hold_nagged_at = None
    departure.hold_reason = departure.decide_by = None
    session.flush()
    departing.leave_or_wait(session, desk, departure, now, who=_who(event))
    return _left_words(session, desk, departure, f"Released: {name}")


def _depart(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    train = finding.train_of(session, desk, departure)
    closed = departing.closed_of(session, desk, departure, train, now)
    name = called(session, desk, departure)
    if closed:
        able = ", ".join(person_words(session, desk, f"slack:{person}") for person in departing.able(closed))
        can = f" Can help: {able}." if able else ""
        raise UserError(f"{_capital(name)} does not leave: {departing.told(closed)}.{can}")
    departing.depart(session, desk, departure, now, who=_who(event))
    return f"{_capital(name)} has left."


def _cancel(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    why = lock_rules.checked_reason(event.reason, of="cancelling") if event.reason else "no reason given"
    name = called(session, desk, departure)
    cancelling.cancel(session, desk, departure, now, who=_who(event), why=why)
    return f"Cancelled: {name} does not go. The next departure takes what may go then."


def _run(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    """One that was missed leaves after all: sealed and judged now, besides the timetable."""
    row, train = finding.row_of(session, departure), finding.train_of(session, desk, departure)
    name = called(session, desk, departure)
    if train is None:
        raise UserError(f"Nothing was done: shipmate.yml names no train {row.name} any more.")
    departs = Departs(datetime.fromisoformat(departure.local), now)  # it keeps its name: the 14:00
    extra = sealing.seal(session, desk, row, train, departs, now, extra=True)
    if extra is None:
        raise UserError(f"Nothing was done: {row.name} is being run at this very moment. Look at its card.")
    if extra.standing is State.CLOSED:
        why = dict.fromkeys(passenger.reason for passenger, _ in finding.passengers_of(session, extra))
        reasons = "; ".join(one for one in why if one)
        raise UserError(f"Nothing was done: nothing may go now{f' ({reasons})' if reasons else ''}. Try it again then.")
    departing.leave_or_wait(session, desk, extra, now, who=_who(event))
    return _left_words(session, desk, extra, f"{_capital(name)} is run after all: it")


# --- who is aboard ------------------------------------------------------------------------------------------------


def _remove(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    """Without the change where an older build is without it; else the whole service waits for the next departure."""
    train = finding.train_of(session, desk, departure)
    service = _aboard(departure, event.service)
    promotion = finding.promotions_of(session, departure).get(service)
    if promotion is None or is_called(promotion):
        raise UserError(f"Nothing was done: {service} is on its way already. If it must not stay, /ship rollback.")
    reason = f": {event.reason.strip()}" if event.reason and event.reason.strip() else ""
    why = f"removed by {event.called}{reason}"
    if event.change is not None:
        row, change = _passenger(session, departure, service, event.change)
        older = _older(session, desk, departure, train, service, event.change, why, now) if train is not None else None
        if older is not None:
            made = raising.supersede(
                session, desk, promotion, older.sha, Via.TRAIN, None, now, included_by=_who(event),
                departure=departure.id,
            )  # fmt: skip
            staying = frozenset(one.id for one in older.changes)
            moves.take_off_change(
                session, desk, departure, service, row, change, made, staying, now, who=_who(event), why=why
            )
            return (
                f"{change.label} is off: {service} goes with {older.sha[:7]} instead. Approvals given before are void."
            )
    name = called(session, desk, departure)
    advancing.end(
        session, desk, promotion, PromotionState.CANCELLED, now, who=_who(event), why=f"taken off {name}{reason}"
    )
    moves.take_off(session, desk, departure, service, now, who=_who(event), why=why)
    if not departure.stages:
        cancelling.cancel(session, desk, departure, now, who=_who(event), why="nothing is left aboard")
        return f"{service} is off, and with it {name}: nothing is left aboard."
    without = " No older build is without that change." if event.change is not None else ""
    return f"{service} is off: it waits for the next departure.{without}"


def _older(
    session: Session, desk: Desk, departure: Departure, train: Train, service: str, change: int, why: str, now: datetime
) -> Pick | None:
    """The build of a service that may go without this change and those that were taken off before."""
    removed = [
        Removal(row.change, row.reason or why)
        for row, _ in finding.passengers_of(session, departure)
        if row.service == service and row.state == PassengerState.REMOVED.value
    ]
    leaves = max(departure.scheduled_at, now)
    found = gathering.candidates(session, desk, train, leaves, now, removed={service: [*removed, Removal(change, why)]})
    one = [candidate for candidate in found if candidate.service == service]
    return next(iter(board(train, one, leaves).aboard), None)


def _approve(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    """One approval per promotion, each judged by itself: nobody's counts for their own, nor for what they asked for."""
    name = called(session, desk, departure)
    if event.seen != seen_of(session, desk, departure):
        raise UserError(
            f"Nothing was done: what is aboard {name} has changed since you looked. "
            "Its card shows what it is now; look at that, then approve again."
        )
    given, refused = [], []
    for service, promotion in finding.promotions_of(session, departure).items():
        if state_of(promotion) is not PromotionState.OPEN:
            continue
        yes = PromotionActed(
            act=Act.APPROVE, promotion=promotion.id or 0, seen=seen_now(session, desk, promotion),
            slack_id=event.slack_id, called=event.called, at=event.at,
        )  # fmt: skip
        try:
            promotion_acts.act(session, desk, yes, now)
        except UserError as refusal:  # before anything was written of it
            refused.append(f"{service}: {refusal}")
        else:
            given.append(service)
    if not given:
        raise UserError(" ".join(refused) or f"Nothing of {name} waits for a yes.")
    besides = f" Not {' '.join(refused)}" if refused else ""
    return f"Approved aboard {name}: {listed(given)}.{besides}"


def _ready(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    rows = _own(session, desk, departure, event)
    fresh = [(row, change) for row, change in rows if row.ready_at is None]
    for row, _ in fresh:
        row.ready_at = now
        session.add(row)
    session.flush()
    labels = listed(dict.fromkeys(change.label for _, change in rows))
    if not fresh:
        return f"You gave {labels} a thumbs-up already: that stands."
    return f"Thumbs up for {labels} aboard {called(session, desk, departure)}."


def _unready(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    rows = _own(session, desk, departure, event)
    given = [(row, change) for row, change in rows if row.ready_at is not None]
    for row, _ in given:
        row.ready_at = None
        session.add(row)
    session.flush()
    labels = listed(dict.fromkeys(change.label for _, change in rows))
    if not given:
        return f"{labels} has no thumbs-up of yours to take back."
    return f"Taken back: {labels} has no thumbs-up aboard {called(session, desk, departure)} any more."


# --- half way -----------------------------------------------------------------------------------------------------


def _roll_on(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    """Past what failed, or over a freeze that they were asked about: who did it stands on record.

    One that began since is asked about anew, so that nobody lifts it unknowingly.
    """
    passed = following.went_wrong(session, departure)
    frozen = following.frozen(session, desk, departure, now)
    asked = (departure.stopped_reason or "").startswith(following.FREEZE_BEGAN)
    departure.passed_over = [*departure.passed_over, *passed]
    if frozen is not None and asked:
        departure.over_freeze, departure.over_freeze_at = event.called, now
    departure.stopped_reason = departure.decide_by = None
    departure.stopped_for = []
    session.flush()
    departing.look_at_stage(session, desk, departure, now)
    telling.show(session, desk, departure, now)
    telling.say(
        session, desk, departure, Said.ROLLED_ON, now, of=iso(now), who=_who(event), why=event.reason, passed=passed
    )
    besides = f" Without {listed(passed)}." if passed else ""
    if frozen is not None and not asked:
        return f"Past that, but {called(session, desk, departure)} is {frozen}: you are asked about that now.{besides}"
    return f"Rolling on: {called(session, desk, departure)} goes on to its next stage.{besides}"


def _roll_back(session: Session, desk: Desk, departure: Departure, event: TrainActed, now: datetime) -> str:
    services = following.brought(session, departure)
    refused = returning.begin(session, desk, departure, services, now, who=_who(event))
    name = called(session, desk, departure)
    gone = [one for one in services if not any(why.startswith(f"{one}: ") for why in refused)]
    order = ", the last to leave first" if len(gone) > 1 else ""
    said = f"Rolling back {name}: {listed(gone)}{order}." if gone else f"Nothing of {name} can be taken back."
    return " ".join([said, *refused])


# --- inside -------------------------------------------------------------------------------------------------------

_DOING: Mapping[TrainAct, Doing] = {
    TrainAct.HOLD: _hold,
    TrainAct.RELEASE: _release,
    TrainAct.DEPART: _depart,
    TrainAct.REMOVE: _remove,
    TrainAct.CANCEL: _cancel,
    TrainAct.APPROVE: _approve,
    TrainAct.READY: _ready,
    TrainAct.UNREADY: _unready,
    TrainAct.RUN: _run,
    TrainAct.ROLL_ON: _roll_on,
    TrainAct.ROLL_BACK: _roll_back,
}


def _aboard(departure: Departure, service: str | None) -> str:
    """The service aboard that somebody means; UserError names those that there are."""
    names = finding.aboard(departure)
    found = next((one for one in names if service is not None and one.casefold() == service.casefold()), None)
    if found is None:
        what = f"“{service[:80]}” is not aboard" if service else "Say what to take off"
        raise UserError(f"Nothing was done. {what}: there are {listed(names)}.")
    return found


def _passenger(session: Session, departure: Departure, service: str, change: int) -> tuple[Passenger, Change]:
    for row, one in finding.still_aboard(session, departure, service):
        if row.change == change:
            return row, one
    labels = [one.label for _, one in finding.still_aboard(session, departure, service)]
    aboard = f" Aboard are {listed(labels)}." if labels else ""
    raise UserError(f"Nothing was done: that change is not aboard with {service} (any more).{aboard}")


def _own(session: Session, desk: Desk, departure: Departure, event: TrainActed) -> list[tuple[Passenger, Change]]:
    """What this person wrote of what is aboard; UserError where that is nothing."""
    rows = [
        (row, change)
        for row, change in finding.still_aboard(session, departure)
        if event.change is None or row.change == event.change
    ]
    names = people.names_of(session, desk.catalog, event.slack_id)
    parts = deploys.parts(session, [change.id or 0 for _, change in rows])
    own = [(row, change) for row, change in rows if change_fact(change, parts[change.id or 0]).wrote & names]
    if own:
        return own
    name = called(session, desk, departure)
    raise UserError(f"Nothing was done: you wrote none of that aboard {name}. A thumbs-up is its author's to give.")


def _left_words(session: Session, desk: Desk, departure: Departure, begins: str) -> str:
    match departure.standing:
        case State.DEPARTED:
            return f"{begins} has left."
        case State.HELD:
            until = instant_words(desk, departure, departure.decide_by) if departure.decide_by is not None else "then"
            return f"{begins} leaves as soon as every gate is open (until {until}). It waits: {departure.hold_reason}."
        case State.SEALED:
            return f"{begins} leaves as soon as GitHub has told what it carries, if every gate is open then."
    return f"{begins} does not leave: {stands_words(session, desk, departure)}."


def _instead(session: Session, departure: Departure) -> str:
    if departure.standing is State.HELD and departure.hold_owner is not None:
        return "Release it first."
    if departure.standing is State.DEPARTED and departure.stopped_reason is None:
        return "What is on its way is stopped by a lock or taken back by /ship rollback."
    return "/ship train shows what there is."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _who(event: TrainActed) -> str:
    return f"slack:{event.slack_id}"
