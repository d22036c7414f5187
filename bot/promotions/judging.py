"""The one judgement that every way to production goes through, and the record of what was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot import audit, gates, people
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.gates import Judgement, Situation
from bot.gates.wording import counted, listed
from bot.locks import ends
from bot.people import Available
from bot.promotions import rules, statements
from bot.promotions.gathering import situation, target_of
from bot.promotions.models import Decision, Promotion

ROUND = "went_round"
"""The act, as it is kept, of a rollout that no gate was asked for: what was closed then."""


def judge(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> Judgement:
    """Every gate's verdict on this promotion, from what is recorded. Nothing is written."""
    return judge_situation(session, desk, promotion, situation(session, desk, promotion, now))


def judge_situation(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> Judgement:
    """The same, of facts that were gathered before.

    What is aboard of a departure goes with it, also where its service's policy names no train any more.
    """
    policy = desk.catalog.service(target_of(session, promotion).service).gates
    aboard = known.train is not None and known.train.aboard
    if aboard and not any(gate.name == gates.Train.name for gate in policy):
        policy = (*policy, gates.Train())
    return gates.judge(policy, known)


def decide(
    session: Session, promotion: Promotion, judgement: Judgement, act: str, outcome: str, now: datetime,
    who: str | None = None,
) -> None:  # fmt: skip
    """Keep what an act came to, with every verdict it was judged by."""
    verdicts = rules.plain_verdicts(judgement)
    session.add(
        Decision(
            promotion=promotion.id or 0,
            act=act,
            who=who,
            at=now,
            seen=promotion.seen,
            verdicts=verdicts,
            outcome=outcome,
        )
    )
    session.flush()
    audit.record(
        session, Tag.PROMOTION_DECIDED, f"promotion:{promotion.id}", now, who=who, act=act, outcome=outcome,
        seen=promotion.seen, verdicts=verdicts,
    )  # fmt: skip


def decisions_of(session: Session, promotion_id: int) -> Sequence[Decision]:
    """What was decided about a promotion and on what grounds, in order."""
    return session.exec(statements.DECISIONS, params={"of_promotion": promotion_id}).all()


def who_can(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> tuple[Available, ...]:
    """Who could give a yes that is missing, whoever is easiest to reach first; nobody where anybody could."""
    return helpers(session, desk, promotion, situation(session, desk, promotion, now))


def helpers(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> tuple[Available, ...]:
    """The same, of facts that were gathered before."""
    return circle(session, desk, promotion, known).able


@dataclass(frozen=True)
class Circle:
    """Those whose yes is missing, where they are no more than can be told; whoever is easiest to reach first."""

    able: tuple[Available, ...] = ()
    """Whose yes would count now."""
    unproven: tuple[Available, ...] = ()
    """Whose yes would count, once it is known from somebody else which GitHub login is theirs."""
    barred: tuple[tuple[Available, str], ...] = ()
    """Whose yes cannot count, each with why ("wrote #402"); only told where yeses are ``short``."""
    short: int = 0
    """How many of the missing yeses nobody is left to give."""


def circle(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> Circle:
    """Who could give a yes that is missing, and who cannot and why where too few can."""
    policy = desk.catalog.service(target_of(session, promotion).service).gates
    everybody = gates.circle(policy, known)
    if not everybody:
        return Circle()
    names, profiles = people.names_of_each(session, desk.catalog, everybody), people.profiles_of(session, everybody)
    outside = {one for one, row in profiles.items() if row.read_at is not None and not row.full}
    inside = {person: mine for person, mine in names.items() if person not in outside}
    found = people.who_can(session, desk.catalog, gates.can_help(policy, known, inside), known.now)
    proven = people.proven_logins(session, desk.catalog, (one.slack_id for one in found))
    short = gates.short(policy, known, inside)
    why = {**gates.barred(policy, known, inside), **dict.fromkeys(outside, "is no full member")} if short else {}
    return Circle(
        able=tuple(one for one in found if one.slack_id in proven),
        unproven=tuple(one for one in found if one.slack_id not in proven),
        barred=tuple((one, why[one.slack_id]) for one in people.who_can(session, desk.catalog, why, known.now)),
        short=short,
    )


def circle_words(desk: Desk, service: str, found: Circle) -> str:
    """Who can, who could once they are known, and what helps where nobody is left; empty where it is anybody."""
    return " ".join(
        filter(
            None,
            [
                f"Can: {named(desk, found.able)}." if found.able else "",
                f"{listed([one.name for one in found.unproven])} could, once {_known_words(desk)}."
                if found.unproven
                else "",
                short_words(service, found),
            ],
        )
    )


def stuck_words(desk: Desk, service: str, found: Circle) -> str | None:
    """What must be done before every missing yes can be given; None where those who can are enough."""
    return circle_words(desk, service, found) if found.unproven or found.short else None


def short_words(service: str, found: Circle) -> str:
    """That too few are left who can, why, and what helps; empty where enough are."""
    if not found.short:
        return ""
    whom = listed([f"{one.name} {why}" for one, why in found.barred])
    some = bool(found.able or found.unproven)
    more = f"For {counted(found.short, 'more yes', 'more yeses')} nobody is left"
    nobody = f"Nobody {'else ' if found.barred else ''}is left who can"
    return (
        f"{more if some else nobody}{f': {whom}' if whom else ''}. What helps: "
        f"somebody more in the group that approves, or a build without these changes (/ship promote {service} <build>)."
    )


def _known_words(desk: Desk) -> str:
    if desk.catalog.proves_logins:
        return "GitHub has said who they are: they type /ship me github prove"
    return "whoever runs Shipmate has put them into people in shipmate.yml"


def who_can_words(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> str:
    """Who could give a missing yes, as people say it: ``Dee (online), Eve (off hours until …)``; empty for nobody."""
    return named(desk, who_can(session, desk, promotion, now))


def named(desk: Desk, able: Sequence[Available]) -> str:
    """These people as people say it."""
    more = f" and {len(able) - MOST_NAMED} more" if len(able) > MOST_NAMED else ""
    return ", ".join(_named(desk, one) for one in able[:MOST_NAMED]) + more


MOST_NAMED = 5
"""How many of those who can are named: more would not be read."""


def _named(desk: Desk, one: Available) -> str:
    """As on the card: ``Dee (online)``, ``Eve (online, off hours until Mon 2 Mar 09:00 Europe/Paris)``."""
    if one.works_now or one.from_at is None:
        return f"{one.name} (online)" if one.online else one.name
    until = ends.without_zone(one.from_at, desk.catalog.timezone, desk.now)
    return f"{one.name} ({'online, ' if one.online else ''}off hours until {until} {desk.catalog.timezone.key})"
