"""Who conducts a departure, who else may act on it, and how they are named to whoever may not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot import people
from bot.catalog import Service, Train, Turns
from bot.departures.models import Departure, TrainRow
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.gates import Approval
from bot.promotions.gathering import approver_words
from bot.promotions.words import person_words
from bot.trains import finding, rules
from bot.trains.rules import Crew
from bot.trains.words import called, listed

_SLACK_ID = re.compile(r"[UW][A-Z0-9]+")


def want(session: Session, desk: Desk, train: Train, now: datetime) -> None:
    """Have everybody who may conduct or approve read from Slack and PagerDuty, and kept fresh."""
    first = desk.catalog.service(train.services[0])
    for word in _rota(desk, train):
        people.want_group(session, desk.catalog, word, now, service=first)
    if train.conductors is not None and train.conductors.backup is not None:
        people.want_member(session, train.conductors.backup, now)
    for service in train.services:
        owner = desk.catalog.service(service)
        for word in approver_words(owner):
            people.want_group(session, desk.catalog, word, now, service=owner)


def crew_of(session: Session, desk: Desk, row: TrainRow, train: Train, local: datetime, at: datetime) -> Crew:
    """Who conducts the departure of this time, as its turn comes; nobody where the rota could not be read."""
    members: list[str] = []
    for word in _rota(desk, train):
        members += [one for one in _named_by(session, desk, train, word) if one not in members]
    turns = train.conductors.turns if train.conductors is not None else Turns.DEPARTURE
    backup = train.conductors.backup if train.conductors is not None else None
    return rules.crew(turns, members, backup, local.date(), finding.before(session, row, at))


def must_conduct(session: Session, desk: Desk, departure: Departure, slack_id: str, now: datetime, what: str) -> None:
    """UserError, naming who can, unless this person conducts it, stands in, or approves for a service of it."""
    if slack_id in (departure.conductor, departure.backup):
        return
    owners = owners_of(session, desk, departure)
    troubles = []
    named = [(owner, word) for owner in owners for word in approver_words(owner)]
    for owner, word in named:
        fact = people.group(session, desk.catalog, word, now, service=owner)
        if fact.trouble is None and fact.members is not None and slack_id in fact.members:
            return
        if fact.trouble is not None:
            troubles.append(fact.trouble)
    nobody = departure.conductor is None and departure.backup is None and not named
    if nobody and any(people.is_member(session, desk.catalog, owner.team, slack_id, now) for owner in owners):
        return
    cannot = f" I cannot tell about everybody just now: {troubles[0]}." if troubles else ""
    raise UserError(
        f"You can't {what} {called(session, desk, departure)}: that is for {_able(session, desk, departure)}.{cannot}"
    )


def owners_of(session: Session, desk: Desk, departure: Departure) -> Sequence[Service]:
    """The services that a departure carries, or where it carries none those of its train."""
    train = finding.train_of(session, desk, departure)
    names = finding.aboard(departure) or (train.services if train is not None else ())
    return [desk.catalog.service(name) for name in names]


def _named_by(session: Session, desk: Desk, train: Train, word: str) -> Sequence[str]:
    """Slack ids of whom a word of the rota names, but for those who are known to have left.

    Whoever is named by their own id conducts also where Slack has not told of them lately: each of their acts is asked
    about anyway.
    """
    if _SLACK_ID.fullmatch(word):
        profile = people.profile_of(session, word)
        return () if profile is not None and profile.read_at is not None and not profile.full else (word,)
    fact = people.group(session, desk.catalog, word, desk.now, service=desk.catalog.service(train.services[0]))
    return sorted(fact.members or ()) if fact.trouble is None else ()


def _able(session: Session, desk: Desk, departure: Departure) -> str:
    words = []
    if departure.conductor is not None:
        words.append(f"its conductor {person_words(session, desk, f'slack:{departure.conductor}')}")
    if departure.backup is not None and departure.backup != departure.conductor:
        words.append(f"{person_words(session, desk, f'slack:{departure.backup}')} (backup)")
    owners = owners_of(session, desk, departure)
    approving = list(dict.fromkeys(owner.name for owner in owners if approver_words(owner)))
    if approving:
        words.append(f"whoever approves for {listed(approving)}")
    if not words:
        teams = list(dict.fromkeys(owner.team.name if owner.team else owner.name for owner in owners))
        words.append(f"members of {listed(teams)}" if teams else "whoever runs Shipmate")
    return listed(words)


def _rota(desk: Desk, train: Train) -> tuple[str, ...]:
    """The words of the configuration for who conducts: a rota, else the approvers of the first service's team."""
    if train.conductors is not None:
        return train.conductors.rota
    first = desk.catalog.service(train.services[0])
    if first.team is not None and first.team.approvers:
        return first.team.approvers
    return tuple(
        word for gate in first.gates if isinstance(gate, Approval) for group in gate.groups for word in group.words
    )
