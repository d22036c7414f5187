"""``/incident``: which are open, which one somebody means, how one stands, what happened in it; its windows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, func, select

from bot.answers.status import called, service_names
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentAct
from bot.incidents import finding, likely_changes, loading, promises, resolving, tasks, timeline
from bot.incidents.models import Incident, Likely
from bot.incidents.naming import called as incident_called
from bot.incidents.naming import person_called
from bot.incidents.replies import (
    ActModal,
    IncidentReply,
    IncidentsReply,
    KeepModal,
    OpenModal,
    TimelineLine,
    TimelineReply,
)
from bot.incidents.states import SEVERITIES, USUAL_SEVERITY, State
from bot.incidents.views import LikelyView
from bot.promotions import modals as promotion_windows
from bot.promotions.views import RollbackModal
from bot.spelling import nearest

WORDS = ("open", "status", "lead", "update", "resolve", "timeline", "help")
"""What can follow ``/incident``."""

MOST_OPEN = 10
MOST_ENDED = 3
MOST_LINES = 60
"""Lines of a timeline that are shown: fifty blocks hold a few hundred, and nobody reads that on a phone."""

MOST_OTHERS = 25
"""Open incidents as which one can go on."""

LONGEST_TITLE = 150
"""Characters of what is wrong, in a line."""

LATELY = timedelta(days=2)

_NUMBER = re.compile(r"#?([1-9][0-9]{0,8})")
_ROOM = re.compile(r"<#([CG][A-Z0-9]{5,30})>")


# --- which one ----------------------------------------------------------------------------------------------------


def named(word: str) -> tuple[int | None, str | None] | None:
    """The number, or the room's channel, that a word names; None where it names neither."""
    if found := _NUMBER.fullmatch(word):
        return int(found.group(1)), None
    if found := _ROOM.fullmatch(word):
        return None, found.group(1)
    return None


def named_first(words: Sequence[str], *, in_room: bool = False) -> tuple[Sequence[str], Sequence[str]]:
    """The word that names an incident beyond doubt at the beginning (``#7``, ``incident 7``, a room), and the rest.

    ``in_room``: said in an incident's room, where “incident 7 is the cause” is a sentence about the room's.
    """
    if len(words) > 1 and words[0].casefold() == "incident" and _NUMBER.fullmatch(words[1]):
        return (words[1:2], words[2:]) if not in_room or len(words) == 2 else ((), words)
    if words and named(words[0]) is not None and (len(words) == 1 or words[0][0] in "#<"):
        return words[:1], words[1:]
    return (), words


def counted_first(session: Session, words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The bare number at the beginning where it is that of an open incident and counts nothing, and the rest."""
    found = named(words[0]) if len(words) > 1 and words[1].casefold() not in _COUNTED else None
    row = session.get(Incident, found[0]) if found is not None and found[0] is not None else None
    is_open = row is not None and finding.going_on(session, row).state == State.OPEN.value
    return (words[:1], words[1:]) if is_open else ((), words)


_COUNTED = frozenset({"%", "‰", "percent", "per", "of", "out", "in", "to", "or", "min", "minutes", "h", "hours"})
"""What follows a number that counts something."""


def is_severity(number: str) -> bool:
    """Whether there is a severity of this number."""
    return number.isascii() and number.isdecimal() and len(number) == 1 and int(number) in SEVERITIES


def no_severity(word: str, said: str) -> str:
    """That there is no such severity: which there are, and what was said about it, so that nothing is typed twice."""
    table = "\n".join(f"{one.name}: {one.meaning}" for one in SEVERITIES.values())
    again = f"/incident open {SEVERITIES[USUAL_SEVERITY].name.lower()} {said}".rstrip()
    return f"There is no {word[:20].upper()}, so nothing was opened. There are:\n{table}\nSay it like this: {again}"


def meant(session: Session, number: int | None, channel: str | None) -> int | None:
    """The incident that is meant: this one, else the room's, else the only one that is open and not only watched.

    None where several are open, or none; UserError for a number that there is none of. One that was merged is the one
    that goes on.
    """
    if number is not None:
        row = session.get(Incident, number)
        if row is None:
            raise UserError(f"I know no incident {number}. {finding.open_words(session)}")
        return finding.going_on(session, row).id
    here = finding.of_place(session, None, channel)
    if here is not None:
        return here.id
    are_open = select(Incident.id).where(Incident.state == State.OPEN.value).limit(2)
    real = session.exec(are_open.where(col(Incident.watched).is_(False))).all()
    alone = real or session.exec(are_open).all()
    return alone[0] if len(alone) == 1 else None


def room_of(session: Session, channel: str) -> int | None:
    """The incident whose room this channel is."""
    found = finding.of_place(session, None, channel)
    return found.id if found is not None else None


def incident(session: Session, number: int) -> Incident:
    """The incident of this number; UserError where there is none."""
    row = session.get(Incident, number)
    if row is None:
        raise UserError(f"I know no incident {number}. {finding.open_words(session)}")
    return row


# --- answers ------------------------------------------------------------------------------------------------------


def overview(
    session: Session,
    desk: Desk,
    *,
    helps: bool = False,
    unknown: str | None = None,
    asked: str | None = None,
    said: str | None = None,
    who: str | None = None,
) -> IncidentsReply:
    """Which incidents are open, and which ended lately; with ``helps``, every word there is and what severities mean.

    ``unknown`` is a word that is none; ``asked`` what had to know which one, ``said`` the words about it, ``who`` the
    person that it named.
    """
    rows = loading.open_incidents(session, MOST_OPEN)
    if asked is not None and rows:  # with a number that there is, so that it can be said as it stands
        asked += f" #{rows[0].id}{f' @{person_called(session, desk, who)}' if who is not None else ''}"
    in_all = session.exec(select(func.count()).select_from(Incident).where(Incident.state == State.OPEN.value)).one()
    ended = session.exec(
        select(Incident)
        .where(Incident.state == State.RESOLVED.value, col(Incident.resolved_at) >= desk.now - LATELY)
        .order_by(col(Incident.resolved_at).desc())
        .limit(MOST_ENDED)
    ).all()
    return IncidentsReply(
        open=tuple(loading.incident_line(session, desk, one) for one in rows),
        more=in_all - len(rows),
        ended=tuple(loading.incident_line(session, desk, one) for one in ended) if asked is None else (),
        helps=helps,
        severities=loading.severity_rows() if helps else (),
        unknown=unknown,
        meant=nearest(unknown, WORDS) if unknown is not None else None,
        asked=asked,
        said=said,
        zone=desk.catalog.timezone.key,
    )


def status(session: Session, desk: Desk, number: int) -> IncidentReply:
    """One incident at length."""
    return IncidentReply(card=loading.incident_card(session, desk, incident(session, number)))


def timeline_of(session: Session, desk: Desk, number: int) -> TimelineReply:
    """What happened, in order; of a long one the latest lines."""
    row = incident(session, number)
    lines = timeline.entries(session, number, latest=MOST_LINES)
    return TimelineReply(
        incident_id=number,
        title=row.title,
        lines=tuple(TimelineLine(at=one.at, kind=one.kind, text=one.text, who=one.who, url=one.url) for one in lines),
        earlier=timeline.count(session, number) - len(lines),
        document=row.document,
    )


# --- windows ------------------------------------------------------------------------------------------------------


def open_modal(
    session: Session,
    desk: Desk,
    quoted: str | None,
    *,
    typed: str | None = None,
    severity: int | None = None,
    misspelt: Misspelt | None = None,
) -> OpenModal:
    """What somebody is about to open; from a message that names a service, that one is offered first.

    ``typed`` was said of it already, and of how bad it is; ``misspelt`` is a word that may be a service.
    """
    words = re.split(r"[^\w.-]+", (quoted or "").casefold())
    named = next((name for name in desk.catalog.services if name.casefold() in words), None)
    line = next(iter((quoted or "").strip().splitlines()), "")
    return OpenModal(
        title=(typed or line)[:LONGEST_TITLE] or None,
        chosen=misspelt.service if misspelt is not None else named,
        severities=loading.severity_rows(),
        severity=severity or USUAL_SEVERITY,
        quoted=quoted,
        unknown=misspelt.word if misspelt is not None else None,
    )


def act_modal(session: Session, desk: Desk, number: int, act: IncidentAct, typed: str | None = None) -> ActModal:
    """What somebody is about to do to an incident; UserError where it is over already.

    What is still to be done about one that is over can be noted and ticked off all the same.
    """
    row = incident(session, number)
    _must_go_on(session, desk, row, act)
    card = loading.incident_card(session, desk, row)
    others = loading.open_incidents(session, MOST_OTHERS + 1) if act is IncidentAct.MERGE else []
    lines = tuple(loading.incident_line(session, desk, one) for one in others if one.id != number)
    if act is IncidentAct.MERGE and not lines:
        raise UserError("No other incident is open, so there is none that this could be the same as.")
    return ActModal(
        act=act,
        card=card,
        severities=loading.severity_rows(),
        every=_promised(desk, row),
        others=lines[:MOST_OTHERS],
        chosen=_chosen(card.likely),
        typed=typed,
        left_over=len(tasks.left_over(session, row)),
        issues_in=tasks.repo_of(desk, row),
    )


def _must_go_on(session: Session, desk: Desk, row: Incident, act: IncidentAct) -> None:
    if row.state == State.MERGED.value:
        on = finding.going_on(session, row)
        raise UserError(
            f"Nothing was done: {incident_called(row)} goes on as {incident_called(on)}{resolving.where(on)}. Do it "
            "there."
        )
    if row.state == State.RESOLVED.value and act is not IncidentAct.TASK:
        ended = resolving.resolved_words(session, desk, row)
        raise UserError(f"Nothing to do: {ended}. If it is not over, reopen it by the button on its card.")


def keep_modal(session: Session, desk: Desk, quoted: str) -> KeepModal:
    """A message that is to stand on the timeline of one of the open incidents; UserError where none is open."""
    lines = [loading.incident_line(session, desk, one) for one in loading.open_incidents(session, MOST_OTHERS)]
    if not lines:
        raise UserError("No incident is open, so there is no timeline to keep that on.")
    return KeepModal(quoted=quoted, open=tuple(lines))


def details_modal(session: Session, desk: Desk, number: int) -> ActModal:
    """All that is known of an incident, whatever its state."""
    card = loading.incident_card(session, desk, incident(session, number), listed=20)
    return ActModal(act=IncidentAct.RIGHT, card=card)


def rollback_modal(session: Session, desk: Desk, likely_id: int) -> RollbackModal:
    """What leaves with a rollback where a likely change went; UserError where that is not ours to do, with how."""
    likely = session.get(Likely, likely_id)
    found = likely_changes.target_of(session, likely) if likely is not None else None
    if likely is None or found is None:
        raise UserError(
            "That is no deploy, so there is nothing to roll back. A flag is turned back where it was turned."
        )
    deploy, target = found
    if likely.rolled_back_at is not None:
        raise UserError(f"{deploy.sha[:7]} is out of {target.environment} again already.")
    if desk.catalog.service(target.service).promote_through is None:
        to = deploy.previous_sha[:7] if deploy.previous_sha else "the build before"
        where = f" Its run: {deploy.url}" if deploy.url else ""
        raise UserError(
            f"I do not deploy {target.service}, so I cannot roll it back: have its pipeline deploy {to} to "
            f"{target.environment}.{where}"
        )
    return promotion_windows.rollback_modal(session, desk, target.service, target.environment, None)


def service_called(session: Session, desk: Desk, word: str) -> str | None:
    """The service of this name as it is spelt; None where a word is no service's name.

    ``checkout:`` is checkout, and so is ``checkout/production``, as locks call it, where that is its last environment.
    """
    name, _, environment = word.rstrip(_AFTER_NAMES).partition("/")
    try:
        found = called(session, desk, name)
    except UserError:
        return None
    return found if not environment or desk.catalog.service(found).is_final(environment) else None


_AFTER_NAMES = ":,;.!?"


def of_service(session: Session, desk: Desk, word: str) -> int | None:
    """The open incident about the service that a word names; UserError where none is, None where it names none."""
    service = service_called(session, desk, word)
    if service is None:
        return None
    line = loading.open_line(session, desk, service)
    if line is None:
        others = finding.open_words(session) if loading.open_incidents(session, 1) else ""
        raise UserError(f"No incident is open about {service}. {others}".rstrip())
    return line.incident_id


@dataclass(frozen=True)
class Misspelt:
    """A word that is no service's name, and the service that it is very like."""

    word: str
    service: str


VERY_LIKE = 0.8
"""One letter wrong in a word of six: “cards” is no “cart”."""


def misspelt(session: Session, desk: Desk, word: str) -> Misspelt | None:
    """The service that somebody may have meant by a word that is none's name; None where it is like none."""
    name = word.partition("/")[0]
    found = nearest(name, service_names(session, desk), likeness=VERY_LIKE)
    return Misspelt(word, found) if found is not None else None


def _promised(desk: Desk, row: Incident) -> tuple[int, ...]:
    """Minutes after which the next word can be promised, the usual one of its severity first."""
    first = int(promises.every(desk, row).total_seconds() // 60)
    return tuple(dict.fromkeys([first, 15, 30, 60, 120, 240, 1440]))


def _chosen(likely: tuple[LikelyView, ...]) -> int | None:
    """The likely change that is offered first when it is over: what people said it was, else what was taken out.

    None, which is “I do not know yet”, where nobody did either, or somebody said that it was not that one: what is
    pressed without a look must not count a deploy as failed.
    """
    clear = [one for one in likely if all(opinion.right for opinion in one.opinions)]
    said = [one for one in clear if one.opinions]
    out = [one for one in clear if one.rolled_back_at is not None]
    return next((one.likely_id for one in (*said, *out)), None)
