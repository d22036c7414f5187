"""Who is woken for an incident, and why: the one plain table. Pure.

Whoever wrote the likely change is woken where the evidence is high, together with whoever merged it; in every other
case whoever is on call, with the words to ask the others. Nobody is woken by a name that anybody could have forged
(an address in a commit, a trailer), and nobody twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.alerts.suspects import Confidence
from bot.catalog.model import OutsideHours, PagingMode  # from the model itself, which is pure
from bot.gates.wording import listed

MOST_OTHERS = 3
"""Those who are asked to come at most, besides whoever is woken first: who merged it, who wrote the rest."""

MOST_ASKED = 4
"""Those of whom whoever is woken reads that they may know something, and who are told so."""

LEFT = "their account is deactivated"
"""Why somebody is away (``Person.away``) who is there no more, and cannot be asked."""


class Role(StrEnum):
    """Why somebody is woken."""

    AUTHOR = "author"
    """They wrote the primary change of what is likely to have done it, or turned the flag."""
    MERGER = "merger"
    """They merged it."""
    OTHER_AUTHOR = "other_author"
    """They wrote another change that went live with it."""
    ON_CALL = "on_call"
    """They are on call for the service."""
    ROLLED_BACK = "rolled_back"
    """They rolled back to it, or reverted: they know why, and whoever wrote what returned does not."""
    LEAD = "lead"
    """They approve for the team, where nobody can tell who is on call."""


class Way(StrEnum):
    """How somebody is woken."""

    ASSIGN = "assign"
    """The pager's incident is opened for them."""
    RESPOND = "respond"
    """They are asked to the pager's incident of somebody else."""
    MESSAGE = "message"
    """In Slack alone: the pager cannot, or is not set up."""
    POLICY = "policy"
    """By the service's escalation policy, which knows who is on call."""
    SHADOW = "shadow"
    """Not at all: this service wakes nobody, and the channel reads whom it would."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may be woken. ``who`` is one name for one human: ``slack:U…`` where that is known.

    ``away`` is why they are not there; ``working`` None: they never said when they work. ``proven`` is false where only
    a commit says that it was they. ``email`` is an address by which the pager may know them; ``change`` what they had a
    hand in, as people name it (``#812``).
    """

    who: str
    slack_id: str | None
    pager_user: str | None
    name: str
    role: Role
    bot: bool = False
    away: str | None = None
    working: bool | None = None
    proven: bool = True
    email: str | None = None
    change: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every name by which this human may have been woken before."""
        known = (("slack", self.slack_id), ("pager", self.pager_user))
        return frozenset({self.who, *(f"{sort}:{one}" for sort, one in known if one is not None)})


ON_CALL = Person(who="on-call", slack_id=None, pager_user=None, name="whoever is on call", role=Role.ON_CALL)
"""Whoever is on call, where nobody told us who that is."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What decides who is woken.

    ``people`` are those of the likeliest change, in order: who wrote it (or rolled back to it), who merged it, who
    wrote the rest. ``pager`` is whether the pager can be asked for this service; ``own_pager_incident`` whether the
    alert is an incident of the pager's own, for which whoever is on call is woken by it. ``already`` are those (by
    any name) who were woken for this incident before.
    """

    mode: PagingMode
    confidence: Confidence
    people: tuple[Person, ...] = ()
    on_call: tuple[Person, ...] = ()
    pager: bool = True
    own_pager_incident: bool = False
    outside_hours: OutsideHours = OutsideHours.ON_CALL
    already: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wake:
    """One person is woken: how, and why in words that follow their name (“wrote #812”)."""

    person: Person
    way: Way
    reason: str


@dataclass(frozen=True)
class Plan:
    """Who is woken; who may know something and is not woken; the same in one sentence."""

    calls: tuple[Wake, ...]
    asked: tuple[Person, ...]
    words: str


def who_to_page(circumstances: Circumstances) -> Plan:
    """Who is woken under these circumstances, the first of them the one whose answer is waited for."""
    if circumstances.mode is PagingMode.OFF:
        return Plan((), (), "Nobody is woken: paging is off for this service.")
    found = tuple(one for one in _each_once(circumstances.people) if not one.bot)
    calls, asked = _chosen(circumstances, found)
    fresh = tuple(one for one in calls if not one.person.names & circumstances.already)
    if circumstances.mode is PagingMode.SHADOW:
        fresh = tuple(replace(one, way=Way.SHADOW) for one in fresh)
    woken = {name for one in calls for name in one.person.names} | circumstances.already
    mentioned = tuple(one for one in asked if not one.names & woken)
    return Plan(fresh, mentioned, _words(circumstances, fresh, mentioned))


def can_be_woken(person: Person, *, pager: bool) -> str | None:
    """Why somebody cannot be woken at any hour (“is away: on holiday”), None where they can."""
    if person.bot:
        return "is a bot"
    if not person.proven:
        return "is named by a commit alone"
    if person.away is not None:
        return f"is away: {person.away}"
    if pager and person.pager_user is None and person.email is None:
        return "is not known to PagerDuty"
    if not pager and person.slack_id is None:
        return "is not known in Slack"
    return None


def reason_of(person: Person) -> str:
    """Why somebody is woken, in words that follow their name."""
    change = person.change or "it"
    match person.role:
        case Role.AUTHOR:
            return f"turned {change}" if change.startswith("the flag") else f"wrote {change}"
        case Role.MERGER:
            return f"merged {change}"
        case Role.OTHER_AUTHOR:
            return f"wrote {change}, which went live with it"
        case Role.ROLLED_BACK:
            return f"reverted with {change}" if person.change else "rolled back"
        case Role.LEAD:
            return "approves for the team; nobody can tell who is on call"
        case Role.ON_CALL:
            return "is on call"


def _chosen(circumstances: Circumstances, people: Sequence[Person]) -> tuple[tuple[Wake, ...], tuple[Person, ...]]:
    if circumstances.confidence is not Confidence.HIGH or not people:
        nearest = sorted(people, key=lambda one: one.role is Role.OTHER_AUTHOR)
        return _on_call(circumstances, "is on call"), tuple(nearest[:MOST_ASKED])
    first, others = people[0], people[1:]
    why_not = _why_not(circumstances, first)
    if not circumstances.pager and not circumstances.on_call and can_be_woken(first, pager=False) is None:
        why_not = None  # outside their hours at most, and nobody is known who could be woken instead
    if why_not is not None and circumstances.on_call and first.names & circumstances.on_call[0].names:
        head, asked = _on_call(circumstances, f"is on call, and {reason_of(first)}"), [first]
    elif why_not is not None:
        because = f"is on call; ask {first.name}, who {reason_of(first)} and {why_not}"
        if first.away == LEFT:
            because = f"is on call, since {first.name}, who {reason_of(first)}, {why_not}"
        head, asked = _on_call(circumstances, because), [first]
    else:
        way = Way.MESSAGE
        if circumstances.pager:
            way = Way.RESPOND if circumstances.own_pager_incident else Way.ASSIGN
        head, asked = (Wake(first, way, reason_of(first)),), []
    calls, most = list(head), len(head) + MOST_OTHERS
    for person in others:
        known = person.pager_user is not None or person.email is not None
        if len(calls) >= most:
            break
        if _why_not(replace(circumstances, pager=circumstances.pager and known), person) is not None:
            asked.append(person)
        elif not any(person.names & one.person.names for one in calls):
            calls.append(Wake(person, Way.RESPOND if circumstances.pager and known else Way.MESSAGE, reason_of(person)))
    return tuple(calls), tuple(asked[:MOST_ASKED])


def _why_not(circumstances: Circumstances, person: Person) -> str | None:
    """Why this person is not woken now, None where they are."""
    cannot = can_be_woken(person, pager=circumstances.pager)
    if cannot is None and person.working is False and circumstances.outside_hours is OutsideHours.ON_CALL:
        return "is outside their working hours"
    return cannot


def _on_call(circumstances: Circumstances, reason: str) -> tuple[Wake, ...]:
    """Whoever is on call, by the policy; the pager's own incident has woken them already."""
    if circumstances.own_pager_incident:
        return ()
    if circumstances.pager:
        person = circumstances.on_call[0] if circumstances.on_call else ON_CALL
        return (Wake(person, Way.POLICY, reason),)
    if not circumstances.on_call:
        return (Wake(ON_CALL, Way.MESSAGE, reason),)
    lead = reason_of(circumstances.on_call[0])
    return tuple(
        Wake(one, Way.MESSAGE, lead if one.role is Role.LEAD else reason) for one in circumstances.on_call[:MOST_OTHERS]
    )


def _each_once(people: Iterable[Person]) -> Iterable[Person]:
    """Nobody twice: whoever wrote and merged a change wrote it. A human may be known by several names."""
    seen: set[str] = set()
    for one in people:
        if not one.names & seen:
            yield one
        seen |= one.names


def _words(circumstances: Circumstances, calls: Sequence[Wake], asked: Sequence[Person]) -> str:
    shadow = circumstances.mode is PagingMode.SHADOW
    parts = []
    if calls:
        named = listed([f"{one.person.name}, who {one.reason}" if one.person is not ON_CALL else _policy(one)
                        for one in calls])  # fmt: skip
        parts.append(f"{'Would wake' if shadow else 'Wakes'} {named}.")
    elif circumstances.own_pager_incident:
        parts.append("Whoever is on call is woken by PagerDuty itself.")
    else:
        parts.append("Nobody else is woken.")
    if asked:
        parts.append(f"Ask {listed([one.name for one in asked])}.")
    return " ".join(parts)


def _policy(wake: Wake) -> str:
    rest = wake.reason.removeprefix("is on call").lstrip(",; ")
    return f"{wake.person.name}{', ' if rest else ''}{rest}"
