"""A departure leaves at its time if every gate is open; else it is held, says what it waits for, and tries again.

A person's Hold never ends by itself. What is held by a gate leaves as soon as all are open, and is called off at
``decide_by``: nobody is left wondering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot import gates, outbox, work
from bot.catalog import Ready, Train
from bot.departures import loading as departures
from bot.departures.models import Departure
from bot.departures.states import State
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.deploys.views import RangeState
from bot.gates import Judged, Open
from bot.promotions import advancing
from bot.promotions.finding import under_way_at
from bot.promotions.gathering import situation, target_of
from bot.promotions.judging import helpers, judge_situation
from bot.promotions.models import Promotion
from bot.promotions.states import is_called, state_of
from bot.promotions.words import gate_words
from bot.trains import cancelling, finding, moves, rules, telling
from bot.trains.telling import DEPARTURE, Said
from bot.trains.times import following
from bot.trains.words import clipped, iso, listed

NAG_EVERY = timedelta(hours=1)
"""How often whoever holds a departure is asked again after the time to look at it has passed."""

DEFAULT_DECIDE = timedelta(minutes=30)
"""Until when a departure may be held whose train is configured no more."""

READ_WITHIN = timedelta(minutes=2)
"""How long after its list was closed a departure waits without a word until the forge has told what it carries."""

TRAIN_GATE = "train"
"""The gate that waits for the departure itself."""


@dataclass(frozen=True)
class Closed:
    """What keeps one service from leaving: ``words`` as people read them, and Slack ids of who can help."""

    service: str
    words: str
    who: tuple[str, ...]
    until: datetime | None


def due(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    """The time of one that has not left has come: to leave, to be looked at again, or to be given up. It is held."""
    if departure.hold_owner is not None:
        _review(session, desk, departure, now)
    else:
        leave_or_wait(session, desk, departure, now)


def leave_or_wait(session: Session, desk: Desk, departure: Departure, now: datetime, *, who: str | None = None) -> None:
    """Leave if it is time and every gate is open; else be held by what is closed, up to ``decide_by``.

    Its targets and its row are held, and no person holds it. ``who`` had it leave.
    """
    train = finding.train_of(session, desk, departure)
    if departure.standing is State.SEALED and now < departure.scheduled_at:
        work.schedule(session, DEPARTURE, departure.id or 0, departure.scheduled_at)
        return
    settles_at = (departure.sealed_at or departure.scheduled_at) + READ_WITHIN
    too_late = train is not None and now > max(departure.scheduled_at + rules.grace(train), settles_at)
    if departure.standing is State.SEALED and too_late:
        cancelling.miss(session, desk, departure, now, following=following(train, now))
        return
    closed = closed_of(session, desk, departure, train, now)
    if not closed:
        depart(session, desk, departure, now, who=who)
        return
    if departure.standing is State.SEALED and now < settles_at and _being_read(session, departure):
        work.schedule(session, DEPARTURE, departure.id or 0, settles_at)
        return  # what it carries is asked for: the answer comes in seconds, and is judged at once
    words = clipped(told(closed))
    if departure.decide_by is not None and now >= departure.decide_by:
        why = f"it could not leave in time: {words}"
        cancelling.cancel(session, desk, departure, now, who=None, why=why, cause=words)
        return
    _wait(session, desk, departure, train, closed, words, now)


def closed_of(
    session: Session, desk: Desk, departure: Departure, train: Train | None, now: datetime
) -> Sequence[Closed]:
    """Everything but the timetable that keeps a departure from leaving, by service; nothing where it may."""
    found = []
    for service, promotion in finding.promotions_of(session, departure).items():
        if not state_of(promotion).ended and not is_called(promotion):
            found += _closed_of_promotion(session, desk, service, promotion, now)
    if train is not None and train.ready is Ready.REQUIRED:
        waits: dict[str, list[Change]] = {}
        for row, change in finding.still_aboard(session, departure):
            if row.ready_at is None:
                waits.setdefault(row.service, []).append(change)
        found += [_unready(session, desk, service, changes) for service, changes in waits.items()]
    return found


def told(closed: Sequence[Closed]) -> str:
    """What is closed as people read it: ``cart: soaks for 30 min; checkout: needs 1 yes``."""
    return departures.waits_words(by_service(closed))


def by_service(closed: Sequence[Closed]) -> dict[str, str]:
    """The same in its parts: what each service waits for."""
    found: dict[str, list[str]] = {}
    for one in closed:
        found.setdefault(one.service, []).append(one.words)
    return {service: ", ".join(dict.fromkeys(words)) for service, words in found.items()}


def able(closed: Sequence[Closed]) -> list[str]:
    """Slack ids of who can help with any of it."""
    return list(dict.fromkeys(person for one in closed for person in one.who))


def depart(session: Session, desk: Desk, departure: Departure, now: datetime, *, who: str | None = None) -> None:
    """It leaves: its first stage's promotions are judged with the train gate open. It is held, and may leave."""
    moves.move(session, departure, State.DEPARTED, now, who=who)
    departure.departed_at, departure.stage = now, 0
    session.flush()
    look_at_stage(session, desk, departure, now)
    telling.show(session, desk, departure, now)
    late = now - departure.scheduled_at >= rules.ON_TIME
    telling.say(session, desk, departure, Said.DEPARTED, now, who=who, late=late)


def look_at_stage(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    """A stage's turn has come: look again in time whether it has left, so that nobody is left wondering."""
    train = finding.train_of(session, desk, departure)
    within = train.decide_within if train is not None else DEFAULT_DECIDE
    work.schedule(session, DEPARTURE, departure.id or 0, now + max(within, rules.ON_TIME))


def _being_read(session: Session, departure: Departure) -> bool:
    """Whether the forge is being asked what it carries."""
    found = finding.promotions_of(session, departure).values()
    return any(not state_of(one).ended and one.range == RangeState.READING.value for one in found)


def _unready(session: Session, desk: Desk, service: str, changes: Sequence[Change]) -> Closed:
    places = [place for change in changes for _, place in loading.author_slack_ids(session, desk, change)]
    who = [place for place in places if not place.startswith(outbox.WHO)]
    words = f"a thumbs-up of whoever wrote {listed(change.label for change in changes)}"
    return Closed(service, words, tuple(dict.fromkeys(who)), None)


def _closed_of_promotion(
    session: Session, desk: Desk, service: str, promotion: Promotion, now: datetime
) -> list[Closed]:
    known = situation(session, desk, promotion, now)
    judgement = judge_situation(session, desk, promotion, known)
    policy = desk.catalog.service(service).gates
    turns = gates.turns_at([gate for gate in policy if gate.name != TRAIN_GATE], known)
    found = []
    for one in judgement.closed:
        if one.gate == TRAIN_GATE:
            continue
        able = helpers(session, desk, promotion, known) if one.gate == "approval" else ()
        who = tuple(person.slack_id for person in able) or _who(one)
        found.append(Closed(service, gate_words(one), who, turns))
    if not found and not advancing.can_start(session, desk.catalog.service(service), promotion):
        found.append(Closed(service, _pipeline_words(session, promotion), (), None))
    return found


def _pipeline_words(session: Session, promotion: Promotion) -> str:
    """Why its pipeline could not be called though every gate is open."""
    other = under_way_at(session, promotion.target)
    if other is not None and other.id != promotion.id:
        return f"promotion {other.id} is on its way to {target_of(session, promotion).environment}"
    return "no run at GitHub asks for it yet"


def _who(judged: Judged) -> tuple[str, ...]:
    return () if isinstance(judged.verdict, Open) else judged.verdict.who


def _wait(
    session: Session,
    desk: Desk,
    departure: Departure,
    train: Train | None,
    closed: Sequence[Closed],
    words: str,
    now: datetime,
) -> None:
    news = departure.standing is not State.HELD
    if news:
        moves.move(session, departure, State.HELD, now, why=words)
    if departure.decide_by is None:
        within = train.decide_within if train is not None else DEFAULT_DECIDE
        departure.decide_by = max(departure.scheduled_at, now) + within
    departure.hold_reason, departure.hold_waits = words, by_service(closed)
    session.flush()
    telling.show(session, desk, departure, now)
    if news:
        telling.say(
            session, desk, departure, Said.HELD, now, of=iso(now), who=None, why=words, can=able(closed),
            decide_by=iso(departure.decide_by),
        )  # fmt: skip
    instants = [one.until for one in closed if one.until is not None and one.until > now]
    work.schedule(session, DEPARTURE, departure.id or 0, min([departure.decide_by, *instants]))


def _review(session: Session, desk: Desk, departure: Departure, now: datetime) -> None:
    """A person's Hold is to be looked at again: its owner is asked, and again until something is done."""
    at = departure.hold_review_at
    nagged = departure.hold_nagged_at
    if at is None:
        return
    asks_at = at if nagged is None else max(at, nagged + NAG_EVERY)
    if now < asks_at:
        work.schedule(session, DEPARTURE, departure.id or 0, asks_at)
        return
    departure.hold_nagged_at = now
    session.flush()
    telling.show(session, desk, departure, now)
    telling.say(
        session, desk, departure, Said.REVIEW, now, of=iso(now), who=f"slack:{departure.hold_owner}",
        why=departure.hold_reason,
    )  # fmt: skip
    work.schedule(session, DEPARTURE, departure.id or 0, now + NAG_EVERY)
