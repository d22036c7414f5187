"""The pages of an incident: which there are, by what key the pager knows them, and what is written on them.

A page's key names the incident, the page, and the instant of the incident: two installations on one account of the
pager share no key, and an answer that names another's is none of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from bot import outbox
from bot.alerts.models import Alert, FlagChange
from bot.alerts.rollouts import went_back
from bot.catalog import PagingMode, Service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.incidents import naming, people, present, ranking, statements
from bot.incidents.models import Entry, Incident, IncidentService, Likely, Opinion, Page
from bot.incidents.plain import one_line, opens, was_turned
from bot.incidents.states import EXHAUSTED, PageState
from bot.outbox import Lane

PAGE = "page"
"""The kind of effect that wakes somebody, and of the work that looks whether they answered; by the page's number."""

RESPOND = "page_respond"
"""The kind of effect that asks somebody to the pager's incident of somebody else."""

ESCALATE = "page_escalate"
"""The kind of effect that looks whether an unanswered page was answered at the pager, and else passes it on."""

NOTE = "pager_note"
"""The kind of effect that writes on the pager's incident: ``pager`` (its id), ``text``."""

ACKNOWLEDGE = "pager_acknowledge"
"""The kind of effect that says at the pager that somebody is on it, as they said in Slack: ``pager`` (its id)."""

RESOLVE = "pager_resolve"
"""The kind of effect that ends an incident of the pager that we opened: ``pager`` (its id)."""

CHANGE_EVENT = "change_event"
"""The kind of effect that has the pager show a production deploy: ``deploy``."""

POLICY = "policy:"
"""How ``Page.who`` begins where an escalation policy of the pager's was asked rather than a person."""

LONGEST_TITLE = 250
"""Characters of what a phone shows."""

MOST_DETAILS = 3
"""Likely changes that are written into a page."""

_PREFIX = "shipmate"
AUTHORS = frozenset({"author", "merger", "other_author", "rolled_back"})
"""Roles (``waking.Role``) of those who are woken on account of one change, rather than because they are on call."""

_ON_CALL, _POLICY, _ROLE = "on-call", "policy", "on_call"
"""How whoever is on call is named where nobody knows who that is, the way they are called, and why (``waking``)."""


@dataclass(frozen=True)
class Keyed:
    """What a key of ours names."""

    incident: int
    page: int
    round: int


def of(session: Session, incident: Incident) -> Sequence[Page]:
    """Every page of an incident, in the order in which they were asked for."""
    return session.exec(statements.PAGES, params={"of_incident": incident.id}).all()


def woken(session: Session, incident: Incident) -> frozenset[str]:
    """Who was woken for an incident, by ``Page.who`` and every other name by which they are known now."""
    found = [one for one in of(session, incident) if one.state != PageState.SHADOW and not is_spent(one)]
    names = {name for one in found for name in names_of(one)}
    # Whoever is on call is called by it, also once nobody knows any more who that is.
    return frozenset(names | {_ON_CALL} if any(one.way == _POLICY and one.role == _ROLE for one in found) else names)


def names_of(page: Page) -> frozenset[str]:
    """The names of one human: somebody may become known in Slack, or to the pager, after they were woken."""
    names = {page.who}
    if page.slack_id is not None:
        names.add(f"slack:{page.slack_id}")
    if page.pager_user is not None:
        names.add(f"pager:{page.pager_user}")
    return frozenset(names)


def answered(session: Session, incident: Incident) -> bool:
    """Whether somebody is on it: not by leading it alone, where they have not answered, or others have named them."""
    found = of(session, incident)
    if any(one.state == PageState.ANSWERED for one in found):
        return True
    asked = {one.slack_id for one in found if one.state in (PageState.WANTED, PageState.SENT)}
    return incident.lead is not None and incident.lead not in asked and not only_named(session, incident)


def is_spent(page: Page) -> bool:
    """Whether a policy was asked by this and may be again: it called those of other pages, or it was before the end."""
    return page.who.startswith(POLICY) and page.state == PageState.OVER


def exhausted(session: Session, incident: Incident) -> bool:
    """Whether an escalation policy has called everybody whom it names."""
    return any(one.state == PageState.FAILED and one.reason == EXHAUSTED for one in of(session, incident))


def only_named(session: Session, incident: Incident) -> bool:
    """Whether whoever leads was named by somebody else, and has said nothing yet: nobody is on it by that."""
    role, on_it = f"role:lead:{incident.lead}:", f"on_it:slack:{incident.lead}"
    entries = select(Entry).where(Entry.incident == incident.id).order_by(col(Entry.at).desc(), col(Entry.id).desc())
    named = session.exec(entries.where(col(Entry.key).startswith(role, autoescape=True)).limit(1)).first()
    if named is None or named.who is None:
        return False
    return session.exec(entries.where(col(Entry.key).startswith(on_it, autoescape=True)).limit(1)).first() is None


def key_of(incident: Incident, page: Page) -> str:
    """By what the pager knows a page, on every try."""
    return f"{_PREFIX}:{incident.id}:{page.id}:{_mark(incident)}:{_round(page)}"


def is_of_now(page: Page, named: Keyed) -> bool:
    """Whether a key names this page as it was asked for last: of one that was woken anew, it has another."""
    return named.round == _round(page)


def keyed(session: Session, key: str | None) -> Keyed | None:
    """What of ours a key names; None for whatever is not ours."""
    prefix, *rest = (key or "").split(":")
    if prefix != _PREFIX or len(rest) != 4 or not all(one.isdecimal() for one in (rest[0], rest[1], rest[3])):
        return None
    if any(len(one) > 15 for one in (rest[0], rest[1], rest[3])):
        return None
    incident = session.get(Incident, int(rest[0]))
    if incident is None or _mark(incident) != rest[2]:
        return None
    return Keyed(int(rest[0]), int(rest[1]), int(rest[3]))


def owner_of(session: Session, desk: Desk, incident: Incident) -> Service | None:
    """The service whose people are woken for an incident: its own, or of a storm the first that it came to."""
    if incident.service is not None:
        return desk.catalog.service(incident.service)
    first = session.exec(
        select(IncidentService.service)
        .where(IncidentService.incident == incident.id)
        .order_by(col(IncidentService.id))
        .limit(1)
    ).first()
    return desk.catalog.service(first) if first is not None else None


def by_pager(desk: Desk, owner: Service | None) -> bool:
    """Whether the pager can be asked to wake somebody for a service."""
    return desk.catalog.pages and owner is not None and owner.pagerduty_service is not None


def mode_of(owner: Service | None, incident: Incident) -> PagingMode:
    """How people are woken for it: a real incident of a service that only watches was made real by a person."""
    if owner is None:
        return PagingMode.PAGE if not incident.watched else PagingMode.SHADOW
    if incident.watched:
        return PagingMode.SHADOW
    return PagingMode.PAGE


def not_ours(incident: Incident) -> bool:
    """Whether the pager's incident is the alert itself: whoever is on call was woken by it."""
    return incident.pager_incident is not None and not incident.pager_ours


def standing(session: Session, incident: Incident) -> Sequence[Likely]:
    """The likely changes that are still believed, the likeliest first."""
    return session.exec(statements.STANDING, params={"of_incident": incident.id}).all()


def rejected(session: Session, incident: Incident) -> frozenset[int]:
    """The likely changes of which somebody said that it was not they, and nobody that it was."""
    found = session.exec(
        select(Opinion.likely, Opinion.right)
        .join(Likely, col(Opinion.likely) == col(Likely.id))
        .where(Likely.incident == incident.id)
    ).all()
    right = {likely for likely, said in found if said}
    return frozenset(likely for likely, said in found if not said) - right


def title_of(session: Session, desk: Desk, incident: Incident, page: Page) -> str:
    """What a phone shows: ``checkout 5xx, 12 min after #812 went live. Likely change 1 of 2, confidence high``."""
    title, likely = one_line(present.title(session, incident)), likely_of(session, incident, page)
    if likely is None:
        return f"{title}. No likely change"[:LONGEST_TITLE]
    since = one_line(since_words(session, desk, incident, likely))
    sure = ranking.sureness(likely, ranking.verdicts(session, incident))
    rest = f", {since}. Likely change {likely.rank or 1} of {max(1, len(standing(session, incident)))}, {sure}"
    return f"{title[: max(0, LONGEST_TITLE - len(rest))]}{rest}"[:LONGEST_TITLE]


def likely_of(session: Session, incident: Incident, page: Page) -> Likely | None:
    """The likely change of which somebody reads who is woken: theirs while it is named, else the first one."""
    found = standing(session, incident)
    theirs = session.get(Likely, page.likely) if page.role in AUTHORS and page.likely is not None else None
    if theirs is not None and (theirs in found or theirs.incident != incident.id):  # or of one that goes on as this
        return theirs
    return found[0] if found else None


def since_words(session: Session, desk: Desk, incident: Incident, likely: Likely) -> str:
    """How long before the symptom a likely change came: ``12 min after #812 went live``."""
    onset = present.onset(session, incident)
    named, at, did = likely_words(session, incident, likely, onset)
    return f"{_minutes(onset - at)} after {named} {did}" if at is not None else f"after {named} {did}"


def likely_words(
    session: Session, incident: Incident, likely: Likely, onset: datetime
) -> tuple[str, datetime | None, str]:
    """How a likely change is named, when it reached customers before ``onset``, and what it did then (“went live”)."""
    if likely.kind == "flag":
        flag = session.get(FlagChange, likely.subject)
        if flag is None:
            return "a flag", None, "was turned"
        return f"the flag {flag.flag}", flag.at, was_turned(flag.summary)
    deploy = session.get(Deploy, likely.subject)
    if deploy is None:
        return "a rollout", None, "went live"
    if deploy.live_at is not None and deploy.live_at <= onset:
        at, did = deploy.live_at, "went live"
    else:
        at, did = deploy.in_progress_at or deploy.began_at, "began to roll out"
    if went_back(session, deploy):
        return f"the rollback to {deploy.sha[:7]}", at, did
    changes = people.changes_in(session, deploy)
    if not changes:
        return deploy.sha[:7], at, did
    others = len(changes) - 1 + deploy.truncated
    more = f" and {others} more" if others else ""
    return f"{people.primary(session, changes, people.stacks_of(session, incident)).label}{more}", at, did


def details_of(session: Session, desk: Desk, incident: Incident, page: Page, then: str | None = None) -> str:
    """What stands in a page below its title, in plain lines: why them, what changed before, where to look.

    ``then`` is what is done where they do not answer.
    """
    lines = [
        f"You are woken because: {page.name} {page.reason}.",
        f"It began at {_instant(present.onset(session, incident))}.",
    ]
    for likely in standing(session, incident)[:MOST_DETAILS]:
        lines.append(f"Likely change {likely.rank}: {since_words(session, desk, incident, likely)}.")
        lines += [f"  + {words}" for _, words in likely.evidence]
        lines += [f"  - {words}" for _, words in likely.against]
        lines += _flag_lines(session, likely)
    alert = next(iter(present.alerts(session, incident)), None)
    owner = owner_of(session, desk, incident)
    runbook = (alert.runbook if alert is not None else None) or (owner.runbook if owner is not None else None)
    for name, url in (
        ("Alert", alert.url if alert else None),
        ("Dashboard", alert.dashboard if alert else None),
        ("Runbook", runbook),
    ):  # fmt: skip
        lines += [f"{name}: {url}"] if opens(url) else []
    if incident.room_name is not None:
        lines.append(f"Slack: #{incident.room_name}")
    if then is not None:
        lines.append(f"No answer within {_minutes(desk.catalog.paging.no_answer_after)}: {then}.")
    return "\n".join(map(_a_line, lines))


def _flag_lines(session: Session, likely: Likely) -> list[str]:
    """What was done to a flag, by whom, and where it is turned back."""
    flag = session.get(FlagChange, likely.subject) if likely.kind == "flag" else None
    if flag is None:
        return []
    by = f", by {flag.name}" if flag.name else ""
    if likely.rolled_back_at is not None:
        return [f"  {flag.flag}: {flag.summary}{by}", f"  Out again since {_instant(likely.rolled_back_at)}"]
    if present.undid(session, likely, flag.at):
        return [f"  {flag.flag}: {flag.summary}{by}", "  It undid an earlier change: to turn it back brings that again"]
    where = f": {flag.url}" if opens(flag.url) else " where it is kept; no deploy is to be rolled back for it"
    return [f"  {flag.flag}: {flag.summary}{by}", f"  Turn it back{where}"]


def first_alert(session: Session, incident: Incident) -> Alert | None:
    """The alert with which an incident began."""
    return session.exec(
        select(Alert).where(Alert.incident == incident.id).order_by(col(Alert.started_at), col(Alert.id)).limit(1)
    ).first()


def note(session: Session, incident: Incident, key: str, text: str, now: datetime) -> None:
    """Write on the pager's incident what people there should know, once by this key; nothing where there is none."""
    if incident.pager_incident is not None:
        outbox.add_effect(
            session, NOTE, f"{NOTE}:{incident.id}:{key}"[:255], now, lane=Lane.APPROVAL,
            pager=incident.pager_incident, text=text[:2000],
        )  # fmt: skip


def acknowledge(session: Session, incident: Incident, now: datetime) -> None:
    """Somebody said in Slack that they are on it: no phone is to ring on for anything that we opened at the pager."""
    numbers = [incident.pager_incident] if incident.pager_ours else []
    alert = incident.pager_incident if not_ours(incident) else None
    numbers += [
        one.pager_incident
        for one in of(session, incident)
        if one.state in (PageState.SENT, PageState.ANSWERED) and one.pager_incident != alert
    ]
    for number in dict.fromkeys(one for one in numbers if one is not None):
        key = f"{ACKNOWLEDGE}:{number}"
        if not outbox.add_effect(session, ACKNOWLEDGE, key, now, lane=Lane.PAGE, pager=number):
            outbox.rearm_effect(session, key)  # it may have been opened again there, or gone on to others since


def resolve(session: Session, pager: str, now: datetime) -> None:
    """End an incident of the pager that we opened."""
    key = f"{RESOLVE}:{pager}"
    if not outbox.add_effect(session, RESOLVE, key, now, lane=Lane.APPROVAL, pager=pager):
        outbox.rearm_effect(session, key)


def _a_line(words: str) -> str:
    """One line of a page, as far in as it was: what is said by others begins no line of its own."""
    return words[: len(words) - len(words.lstrip(" "))] + one_line(words)


def _round(page: Page) -> int:
    return int(page.asked_at.timestamp())  # another one where somebody is woken anew


def _mark(incident: Incident) -> str:
    began = incident.opened_at.astimezone(UTC).isoformat("T", "microseconds")
    return hashlib.sha256(began.encode()).hexdigest()[:10]


def _minutes(length: timedelta) -> str:
    seconds = max(0, round(length.total_seconds()))
    if seconds < naming.IN_SECONDS:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
