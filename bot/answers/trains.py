"""`/ship train`, and which departure, service or change somebody means who types about one."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.answers.where import read_reference
from bot.catalog import Train
from bot.departures.models import Departure
from bot.departures.states import Outcome, State
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import TrainAct
from bot.promotions import service as promotions
from bot.promotions.models import Promotion
from bot.spelling import did_you_mean
from bot.trains import loading, service, whole
from bot.trains.rules import repeats
from bot.trains.views import (
    CancelModal,
    Choice,
    DepartureCard,
    DepartureDetails,
    HoldModal,
    RemoveModal,
    RollModal,
    TrainsReply,
)
from bot.trains.words import stands_words

MOST_TRAINS = 10
MOST_CHOICES = 100
"""What a menu holds."""

JUST = timedelta(hours=1)
"""How long after its end an act that comes twice is still taken to mean that departure."""

MOST_DETAILED = 30
"""Changes of one service that the details list."""


def trains(session: Session, desk: Desk, name: str | None) -> TrainsReply:
    """One train at length, or all of them in short; UserError where there is none of this name."""
    if name is not None:
        return TrainsReply(trains=(whole.train_view(session, desk, train_called(desk, name)),))
    every = [*desk.catalog.trains.values()]
    return TrainsReply(
        trains=tuple(whole.train_view(session, desk, train) for train in every[:MOST_TRAINS]),
        more=max(0, len(every) - MOST_TRAINS),
    )


def train_called(desk: Desk, name: str) -> Train:
    """The train of this name, case aside; UserError with those that there are."""
    every = desk.catalog.trains
    found = next((train for known, train in every.items() if known.casefold() == name.casefold()), None)
    if found is not None:
        return found
    if not every:
        raise UserError("No train is configured. Trains are written under trains in shipmate.yml.")
    listed = ", ".join(list(every)[:MOST_TRAINS])
    raise UserError(f"I know no train “{name[:80]}”{did_you_mean(name, every) or '.'} There is: {listed}.")


def departure_meant(session: Session, desk: Desk, name: str, act: TrainAct) -> int:
    """The departure of a train that somebody means who names no other; UserError where there is none to act on.

    Of those that have not ended it is the first that the act can be done to, else the first: what is said of that one
    is the answer. So too of one that has just ended, where the act had been done already.
    """
    train = train_called(desk, name)
    row = service.row_called(session, train.name)
    alive = service.alive(session, row.id) if row is not None and row.id is not None else ()
    latest = _latest(session, row.id) if row is not None and row.id is not None else None
    for departure in (*alive, *((latest,) if latest is not None else ())):
        if act in service.may(service.standing_of(session, desk, departure)):
            return departure.id or 0
    if act is TrainAct.RUN and latest is not None and latest.outcome != Outcome.MISSED.value:
        raise UserError(
            f"Nothing of {train.name} was missed: {stands_words(session, desk, latest)}. "
            f"/ship promote ships one service besides the train."
        )
    if alive:
        return alive[0].id or 0
    if (
        latest is not None
        and _just_ended(latest, desk.now)
        and repeats(act, service.standing_of(session, desk, latest))
    ):
        return latest.id or 0
    coming = next(iter(whole.coming(session, desk, train, 1)), None)
    if coming is None:
        raise UserError(f"Nothing of {train.name} is sealed, and its timetable has come to an end.")
    closes = f"{coming.closes_at.astimezone(train.zone):%H:%M} ({train.zone.key})"
    raise UserError(
        f"Nothing of {train.name} is sealed yet: boarding for {coming.clock} closes at {closes}. "
        f"To keep a service from boarding now: /ship lock {train.services[0]} for 2h <reason>"
    )


def what_meant(session: Session, desk: Desk, departure_id: int, words: list[str]) -> tuple[str, int | None, str]:
    """What of a departure is to be taken off, and the words after it: its service, and our number of a change.

    ``checkout too risky``, ``#812 too risky`` and ``checkout #812`` all do. UserError names what is aboard.
    """
    departure = _departure(session, departure_id)
    names = {one.casefold(): one for one in service.aboard(departure)}
    aboard = service.still_aboard(session, departure)
    labels = {change.label.casefold() for _, change in aboard}
    if not words:
        name = service.row_of(session, departure).name
        raise UserError(
            f"Say what to take off, and why: /ship train {name} remove <one of: {_there(departure, labels)}> <reason>"
        )
    named = names.get(words[0].casefold())
    rest = words[1:] if named is not None else words
    wanted = rest[0] if rest and (named is None or _is_label(rest[0], labels)) else None
    if wanted is None:
        assert named is not None
        return named, None, " ".join(rest)
    found = [
        (row.service, row.change)
        for row, change in aboard
        if _called_so(change.label, wanted) and named in (None, row.service)
    ]
    if not found:
        raise UserError(
            f"“{wanted[:80]}” is not aboard{did_you_mean(wanted, [*names.values(), *labels])}: there is "
            f"{_there(departure, labels)}."
        )
    if len(found) > 1:
        services = ", ".join(dict.fromkeys(name for name, _ in found))
        raise UserError(
            f"{wanted[:80]} is aboard with several services: {services}. Name one: remove {found[0][0]} {wanted[:80]}"
        )
    return found[0][0], found[0][1], " ".join(rest[1:])


def service_of(session: Session, promotion_id: int) -> str:
    """The service that a promotion is of; UserError where it is gone."""
    promotion = session.get(Promotion, promotion_id)
    if promotion is None:
        raise UserError("What you chose is not there any more. Open the window anew.")
    return promotions.target_of(session, promotion).service


# --- windows ------------------------------------------------------------------------------------------------------


def hold_modal(session: Session, desk: Desk, departure_id: int) -> HoldModal:
    """What somebody is about to hold; UserError where it cannot be held any more."""
    return HoldModal(card=_to_act_on(session, desk, departure_id, TrainAct.HOLD))


def cancel_modal(session: Session, desk: Desk, departure_id: int) -> CancelModal:
    """What somebody is about to call off; UserError where that cannot be done any more."""
    return CancelModal(card=_to_act_on(session, desk, departure_id, TrainAct.CANCEL))


def remove_modal(session: Session, desk: Desk, departure_id: int, chosen: str | None) -> RemoveModal:
    """What can be taken off a departure, with the service ``chosen`` first; UserError where nothing can be."""
    card = _to_act_on(session, desk, departure_id, TrainAct.REMOVE)
    departure = _departure(session, departure_id)
    rows = service.still_aboard(session, departure)
    choices: list[Choice] = []
    first = None
    for one in card.aboard:
        whole = Choice(value=f"{one.promotion_id}", words=f"all of {one.service}")
        choices.append(whole)
        first = whole.value if chosen is not None and one.service == chosen else first
        choices += [
            Choice(value=f"{one.promotion_id}:{change.id}", words=f"{change.label} {change.title} ({one.service})")
            for row, change in rows
            if row.service == one.service
        ]
    return RemoveModal(card=card, choices=tuple(choices[:MOST_CHOICES]), chosen=first)


def roll_modal(session: Session, desk: Desk, departure_id: int, act: TrainAct, slack_id: str) -> RollModal | None:
    """What somebody asks for who types that a departure rolls on or back; UserError for whoever may not.

    None where there is nothing to confirm: it cannot be done, or was done already, and the answer says so.
    """
    departure = _departure(session, departure_id)
    service.must_conduct(session, desk, departure, slack_id, act)
    if act not in service.may(service.standing_of(session, desk, departure)):
        return None
    back = act is TrainAct.ROLL_BACK
    services = service.brought(session, departure) if back else service.went_wrong(session, departure)
    card = loading.departure_card(session, desk, departure)
    return RollModal(card=card, back=back, services=tuple(services))


def details_modal(session: Session, desk: Desk, departure_id: int) -> DepartureDetails:
    """All that is known of a departure."""
    departure = _departure(session, departure_id)
    return DepartureDetails(
        card=loading.departure_card(session, desk, departure, listed=MOST_DETAILED, most_left=MOST_DETAILED)
    )


def _to_act_on(session: Session, desk: Desk, departure_id: int, act: TrainAct) -> DepartureCard:
    departure = _departure(session, departure_id)
    if act not in service.may(service.standing_of(session, desk, departure)):
        raise UserError(f"Nothing was done: {stands_words(session, desk, departure)}.")
    return loading.departure_card(session, desk, departure)


def _departure(session: Session, departure_id: int) -> Departure:
    departure = session.get(Departure, departure_id)
    if departure is None:
        raise UserError(f"I know no departure {departure_id}. /ship train shows those that there are.")
    return departure


def _latest(session: Session, train_id: int) -> Departure | None:
    return session.exec(
        select(Departure)
        .where(Departure.train == train_id, Departure.state == State.CLOSED.value)
        .order_by(col(Departure.scheduled_at).desc())
        .limit(1)
    ).first()


def _just_ended(departure: Departure, now: datetime) -> bool:
    return departure.ended_at is not None and departure.ended_at > now - JUST


def _there(departure: Departure, labels: set[str]) -> str:
    return ", ".join([*service.aboard(departure), *sorted(labels)][:20]) or "nothing"


def _is_label(word: str, labels: set[str]) -> bool:
    return any(_called_so(label, word) for label in labels)


def _called_so(label: str, word: str) -> bool:
    """Whether somebody means this change: ``#812``, ``812``, its address, or the beginning of its commit."""
    if label.casefold() == word.casefold():
        return True
    reference = read_reference(word)
    if reference is None:
        return False
    if reference.number is not None and label == f"#{reference.number}":
        return True
    return reference.sha is not None and not label.startswith("#") and reference.sha.startswith(label.casefold())
