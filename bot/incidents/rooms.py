"""An incident's room: what it is called, who is let in, what stands in its head, and when it is closed again.

Everything here only writes what is wanted; ``bot.outgoing.rooms`` has it done, and comes back to ``opened`` or
``cannot``. Each effect does what is wanted at the moment it is done, and is armed again where more is wanted since: a
process that dies anywhere leaves one room, with everybody in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot import outbox, people, work
from bot.alerts.models import Alert
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.gates.wording import listed
from bot.incidents import finding, naming, pages, promises, telling, timeline
from bot.incidents.models import Incident, RoomPerson
from bot.incidents.plain import one_line, opens
from bot.incidents.states import SEVERITIES, EntryKind, State
from bot.incidents.telling import INCIDENT, Said
from bot.locks import service as locks
from bot.outbox import Lane
from bot.ports import Room

ROOM_OPEN = "room_open"
"""An effect that makes a room: ``incident``, and ``stamp``, which tells it from the incident's earlier ones."""

ROOM_PEOPLE = "room_people"
"""One that lets people in: ``incident``."""

ROOM_TOPIC = "room_topic"
ROOM_PIN = "room_pin"
"""One that pins the incident's card in ``channel``."""

ROOM_BOOKMARKS = "room_bookmarks"
ROOM_DOCUMENT = "room_document"
"""One that lays the postmortem's draft into it: ``incident``."""

ROOM_ARCHIVE = "room_archive"
"""One that closes ``channel``."""

LONGEST_NAME = 76
"""Characters of a room's name: Slack takes 80, and one that is taken gets a suffix."""

LONGEST_TOPIC = 250
MOST_LEADS = 3
"""Of a team's approvers who are let in without having been asked for: those who are at work."""

MOST_LINKS = 8

_ADMIN = "whoever manages the workspace can"
_WHY_NOT: Mapping[str, str] = {
    "user_is_restricted": f"an app may not invite guests. To let them in, {_ADMIN} add them",
    "ura_max_channels": f"as a guest they are in as many channels as they may be, which {_ADMIN} change",
    "org_user_not_in_team": f"they are not in this workspace, to which {_ADMIN} add them",
    "invitee_cant_see_channel": f"they may not see it, which {_ADMIN} change",
    "no_external_invite_permission": f"they belong to another organisation: {_ADMIN} let them in",
    "user_not_found": "Slack knows nobody of that id: whoever keeps shipmate.yml can mend it under people",
    "cant_invite": "Slack lets no app invite them. Whoever is in it can: /invite",
    "no_permission": "Slack lets this app not invite them. Whoever is in it can: /invite",
}
"""Slack's reasons about one person (docs.slack.dev, conversations.invite), and who can help."""

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_]+")
_MEMBER = re.compile(r"[UW][A-Z0-9]{1,31}")
_BROAD_MENTION = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_QUIET = str.maketrans({"<": "‹", ">": "›"})


def room_name(service: str | None, title: str, opened_at: datetime) -> str:
    """What a room is called: ``inc-2026-11-21-checkout-5xx``, in the characters that Slack takes and no others.

    A title that begins with the service's name does not say it twice; one of which nothing is left is left out.
    """
    day = f"inc-{opened_at:%Y-%m-%d}"
    owner, rest = _slug(service or ""), _slug(title)
    if owner and (rest == owner or rest.startswith(f"{owner}-")):
        rest = rest[len(owner) :].strip("-")
    return _cut("-".join(part for part in (day, owner, rest) if part))


def key_of(incident: Incident) -> str:
    """What the room carries, so that it is found again and no other is taken for it.

    A number alone would be another incident's after the database was begun anew.
    """
    wanted = incident.room_wanted_at or incident.opened_at
    return f"shipmate-incident-{incident.id}-{int(wanted.timestamp())}"


def want(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """This incident is to have a room; however often it is wanted, there is one.

    Where none could be made, it is tried again. Who is on call, who opened it or has a role, and up to three approvers
    of the team who are at work are let in, besides whoever is named to ``let_in``.
    """
    if incident.state != State.OPEN.value or incident.room is not None:
        return
    again = incident.room_trouble is not None
    if incident.room_wanted_at is not None and not again:
        return
    incident.room_wanted_at, incident.room_trouble = now, None
    incident.room_name = room_name(incident.service, incident.title, incident.opened_at)
    session.add(incident)
    session.flush()
    promises.promise(session, desk, incident, now)
    stamp = int(now.timestamp())
    outbox.add_effect(
        session, ROOM_OPEN, f"{ROOM_OPEN}:{incident.id}:{stamp}", now, lane=Lane.APPROVAL,
        incident=incident.id, stamp=stamp,
    )  # fmt: skip
    let_in(session, desk, incident, _concerned(session, desk, incident, now), now)


def let_in(session: Session, desk: Desk, incident: Incident, slack_ids: Iterable[str | None], now: datetime) -> None:
    """These people are to be in the room: now where it is there, else as soon as it is. Nobody is asked in twice."""
    wanted = [one for one in dict.fromkeys(slack_ids) if one and _MEMBER.fullmatch(one)]
    rows = session.exec(select(RoomPerson.slack_id).where(RoomPerson.incident == incident.id)).all()
    fresh = [one for one in wanted if one not in set(rows)]
    for slack_id in fresh:
        session.add(RoomPerson(incident=incident.id or 0, slack_id=slack_id))
    if fresh:
        session.flush()
        ask_in(session, incident, now)


def ask_in(session: Session, incident: Incident, now: datetime) -> None:
    """Whoever is to be in the room and was not asked yet is asked in, all in one call."""
    if incident.room is not None and waiting(session, incident):
        arm(session, ROOM_PEOPLE, f"{ROOM_PEOPLE}:{incident.id}", now, incident=incident.id)


def waiting(session: Session, incident: Incident) -> Sequence[str]:
    """Who is to be in the room and was not asked yet."""
    return session.exec(
        select(RoomPerson.slack_id)
        .where(RoomPerson.incident == incident.id, col(RoomPerson.invited_at).is_(None))
        .order_by(col(RoomPerson.id))
    ).all()


def asked_in(
    session: Session, desk: Desk, incident: Incident, troubles: Mapping[str, str], asked: Sequence[str], now: datetime
) -> None:
    """These were asked in; ``troubles`` are Slack's reasons why some could not be, which is said with who can help."""
    rows = session.exec(select(RoomPerson).where(RoomPerson.incident == incident.id)).all()
    for row in rows:
        if row.slack_id in asked:
            row.invited_at, row.trouble = now, troubles.get(row.slack_id)
            session.add(row)
    session.flush()
    there = any(row.invited_at is not None and row.trouble is None for row in rows)
    for trouble in dict.fromkeys(troubles.values()):
        refused = [one for one in asked if troubles.get(one) == trouble]
        _say_not_let_in(session, desk, incident, refused, _why_not(trouble), now, outside=not there)
    ask_in(session, incident, now)  # whoever was named while the call was on its way


def nobody_let_in(session: Session, desk: Desk, incident: Incident, why: str, now: datetime) -> None:
    """Nobody can be let in until a person has mended something, which is said; it is tried again by itself."""
    again = f"{why.rstrip('.')}. It is tried again until then"
    _say_not_let_in(session, desk, incident, waiting(session, incident), again, now, outside=True)


def opened(session: Session, desk: Desk, incident: Incident, room: Room, now: datetime) -> None:
    """The room is there: the card stands in it, people are let in, its head says what it is about."""
    if incident.room == room.channel:
        return
    incident.room, incident.room_name, incident.room_trouble = room.channel, room.name, None
    session.add(incident)
    session.flush()
    locks.name_room(session, desk.catalog, f"incident:{incident.id}", room.channel, now)
    number = incident.id or 0
    timeline.enter(session, number, EntryKind.ACT, f"room:{room.channel}", f"The room #{room.name} was opened", now)
    pages.note(session, incident, f"room:{incident.pager_incident}", f"In Slack: #{room.name}", now)
    telling.show(session, desk, incident, now)
    ask_in(session, incident, now)
    head_changed(session, incident, now)
    links_changed(session, incident, now)
    key = f"{ROOM_PIN}:{number}:{room.channel}"
    arm(session, ROOM_PIN, key, now, incident=number, channel=room.channel)
    if incident.state == State.RESOLVED.value:  # it was over before the room was there
        want_document(session, incident, now)
    if incident.state != State.OPEN.value:
        close_later(session, desk, incident, now)


def cannot(session: Session, desk: Desk, incident: Incident, why: str, now: datetime) -> None:
    """No room can be made: that is said where the incident is told of, and everything else goes on there."""
    if incident.room is not None:
        return
    incident.room_trouble = why[:500]
    session.add(incident)
    session.flush()
    stamp = int((incident.room_wanted_at or incident.opened_at).timestamp())
    telling.say(session, desk, incident, Said.NO_ROOM, str(stamp), now, why=incident.room_trouble)
    telling.show(session, desk, incident, now)


def topic(session: Session, desk: Desk, incident: Incident) -> str:
    """What stands in the room's head: ``SEV3 · lead Ana · checkout 5xx``; how it ended once it has."""
    severity = SEVERITIES[incident.severity].name if incident.severity in SEVERITIES else f"SEV{incident.severity}"
    lead = naming.person_called(session, desk, incident.lead) if incident.lead else "nobody yet"
    stands = {
        State.OPEN.value: f"lead {lead}",
        State.RESOLVED.value: "resolved",
        State.MERGED.value: f"goes on as incident {incident.merged_into}",
    }[incident.state]
    return quiet(f"{severity} · {stands} · {incident.title}", LONGEST_TOPIC)


def head_changed(session: Session, incident: Incident, now: datetime) -> None:
    """What the room's head says is another thing now (severity, lead, state)."""
    if incident.room is not None and incident.archived_at is None:
        arm(session, ROOM_TOPIC, f"{ROOM_TOPIC}:{incident.id}", now, incident=incident.id)


def links_changed(session: Session, incident: Incident, now: datetime) -> None:
    """There may be another link to put into the room's head (PagerDuty's incident, another likely change)."""
    if incident.room is not None and incident.archived_at is None:
        arm(session, ROOM_BOOKMARKS, f"{ROOM_BOOKMARKS}:{incident.id}", now, incident=incident.id)


def links(session: Session, desk: Desk, incident: Incident) -> Sequence[tuple[str, str]]:
    """The links of the room's head: each a title and an address that Slack takes."""
    found: list[tuple[str, str | None]] = []
    alerts = session.exec(select(Alert).where(Alert.incident == incident.id).order_by(col(Alert.id)).limit(1)).all()
    service = desk.catalog.service(incident.service) if incident.service else None
    found.append(("Runbook", (alerts[0].runbook if alerts else None) or (service.runbook if service else None)))
    found.append(("Dashboard", alerts[0].dashboard if alerts else None))
    found.append(("Old vs new", _compare(session, desk, incident)))
    found.append(("Alert", alerts[0].url if alerts else None))
    found.append(("PagerDuty", incident.pager_url))
    named = {url: title for title, url in reversed(found) if url and opens(url)}
    return [(title, url) for url, title in reversed(named.items())][:MOST_LINKS]


def want_document(session: Session, incident: Incident, now: datetime) -> None:
    """The draft of the postmortem is to be laid into the room."""
    arm(session, ROOM_DOCUMENT, f"{ROOM_DOCUMENT}:{incident.id}", now, lane=Lane.FEED, incident=incident.id)


def close_later(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """Its room is closed when the time that the catalogue gives has passed."""
    if incident.room is not None and incident.archived_at is None and incident.id is not None:
        work.schedule(session, INCIDENT, incident.id, now + desk.catalog.incidents.archive_after)


def close_due(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """The time to close the room of an incident that is over may have come."""
    if incident.room is None or incident.archived_at is not None or incident.state == State.OPEN.value:
        return
    ends = (incident.resolved_at or now) + desk.catalog.incidents.archive_after
    if incident.state == State.RESOLVED.value and ends > now:
        work.schedule(session, INCIDENT, incident.id or 0, ends)
        return
    key = f"{ROOM_ARCHIVE}:{incident.id}:{incident.room}"
    arm(session, ROOM_ARCHIVE, key, now, lane=Lane.FEED, incident=incident.id, channel=incident.room)


def closed(session: Session, incident: Incident, channel: str, now: datetime) -> None:
    """Its room was closed."""
    if incident.room == channel:
        incident.archived_at = now
        session.add(incident)
        session.flush()


def wanted_anew(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """It is open again: its room goes on, or, where that was closed already, it gets another (apps cannot reopen one).

    Whoever was in the former room is let into the new one.
    """
    if incident.room is not None and incident.archived_at is not None:
        incident.room = incident.archived_at = incident.room_wanted_at = None
        for row in session.exec(select(RoomPerson).where(RoomPerson.incident == incident.id)).all():
            row.invited_at = row.trouble = None
            session.add(row)
        session.flush()
    if incident.room is None:
        want(session, desk, incident, now)
    head_changed(session, incident, now)


def arm(session: Session, kind: str, key: str, now: datetime, *, lane: Lane = Lane.APPROVAL, **data: Any) -> None:
    """Have an effect done, also where it was done before: it does what is wanted now."""
    if not outbox.add_effect(session, kind, key, now, lane=lane, **data):
        outbox.rearm_effect(session, key)


def quiet(words: str, limit: int) -> str:
    """A text from outside on one line that notifies and links nobody, where no formatting is read."""
    line = _BROAD_MENTION.sub("@\N{WORD JOINER}", one_line(words)).translate(_QUIET)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _say_not_let_in(
    session: Session, desk: Desk, incident: Incident, who: Sequence[str], why: str, now: datetime, *, outside: bool
) -> None:
    """Once for each reason and whoever it keeps out first; in the room, unless nobody is there to read it."""
    called = listed([naming.person_called(session, desk, one) for one in who])
    key = f"{incident.room}:{who[0] if who else ''}:{why}"
    telling.say(session, desk, incident, Said.NOT_LET_IN, key, now, outside=outside, called=called, why=why)


def _why_not(trouble: str) -> str:
    """Slack's reason why somebody cannot be let in, in words, with who can help; a mend of ours as it is."""
    return _WHY_NOT.get(trouble, trouble if ":" in trouble else f"Slack says {trouble}. Whoever is in it can try it")


def _concerned(session: Session, desk: Desk, incident: Incident, now: datetime) -> list[str | None]:
    """Who belongs in the room from the beginning, besides those who are paged for it later."""
    paged = [page.slack_id for page in finding.pages_of(session, incident)]
    found = [*paged, incident.opened_by, incident.lead, incident.communications, incident.scribe]
    if incident.service is None:
        return found
    owner = desk.catalog.service(incident.service)
    on_call = people.group(session, desk.catalog, "on-call", now, service=owner).members or frozenset()
    approvers: set[str] = set()
    for word in owner.team.approvers if owner.team is not None else ():
        people.want_group(session, desk.catalog, word, now, service=owner)
        approvers |= people.group(session, desk.catalog, word, now, service=owner).members or frozenset()
    at_work = [one.slack_id for one in people.who_can(session, desk.catalog, approvers, now) if one.works_now]
    return [*found, *sorted(on_call), *at_work[:MOST_LEADS]]


def _compare(session: Session, desk: Desk, incident: Incident) -> str | None:
    """The dashboard that compares old and new of the likely change."""
    first = next((row for row in finding.likely_changes(session, incident) if row.rank == 1), None)
    deploy = session.get(Deploy, first.subject) if first is not None and first.kind == "deploy" else None
    target = session.get(Target, deploy.target) if deploy is not None else None
    if deploy is None or target is None or deploy.previous_sha is None:
        return None
    owner = desk.catalog.service(target.service)
    return loading.compare_url(owner, target.environment, deploy.sha, deploy.began_at, deploy.previous_sha)


def _slug(words: str) -> str:
    """The letters, digits and underscores of a text in lower case, with hyphens between; accents fall off."""
    folded = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_NAMES.sub("-", folded).strip("-_")


def _cut(name: str) -> str:
    """A name within its limit, cut between its words where there is one near."""
    if len(name) <= LONGEST_NAME:
        return name
    kept = name[:LONGEST_NAME]
    before = kept.rpartition("-")[0] if name[LONGEST_NAME] != "-" else kept
    return (before if len(before) > LONGEST_NAME // 2 else kept).strip("-_")
