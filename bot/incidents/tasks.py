"""What is to be done about an incident; what is left over of that becomes an issue where the code lives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentActed
from bot.incidents import finding, naming, roles, rooms, telling, timeline
from bot.incidents.models import Incident, Task
from bot.incidents.states import EntryKind
from bot.incidents.telling import Said
from bot.outbox import Lane
from bot.rendering.documents import plain

FOLLOW_UP = "follow_up"
"""The kind of effect that makes an issue of a ``task``."""

LONGEST = 1000
LONGEST_ISSUE_TITLE = 200


@dataclass(frozen=True)
class Issue:
    """An issue to be opened: ``body`` is Markdown, ``key`` what it is found again by."""

    repo: str
    title: str
    body: str
    key: str


def add(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Something is to be done, by ``who`` where that is said; returns what the person is told."""
    task = _made(session, desk, incident, event, now)
    owner = f" {naming.person_called(session, desk, task.owner)} is asked to." if task.owner else ""
    return f"Noted as task {task.id} of {naming.called(incident)}.{owner}"


def done(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """A task is done; returns what the person is told."""
    task = _of(session, incident, event)
    if task.done_at is not None:
        return f"Nothing to do: task {task.id} was done at {naming.spoken(desk, task.done_at)}."
    task.done_at = now
    session.add(task)
    session.flush()
    words = f"Done: {task.text}"
    timeline.enter(session, task.incident, EntryKind.TASK, f"task:{task.id}:done", words, now, who=event.called)
    key = f"{task.id}:done"
    telling.say(session, desk, incident, Said.TASK, key, now, task=task.id, done=True, called=event.called)
    telling.show(session, desk, incident, now, urgent=False)
    return f"Done: task {task.id}."


def follow_up(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """A task becomes an issue: one that is there, or one that is made of the ``text``; returns what is told."""
    repo = repo_of(desk, incident)
    if repo is None:
        raise UserError(
            f"I do not know where follow-ups of {naming.called(incident)} belong: whoever keeps shipmate.yml can name "
            "a repository under incidents, issues_in, or give the service its repo."
        )
    task = _of(session, incident, event) if event.task is not None else _made(session, desk, incident, event, now)
    if task.issue_url is not None:
        return f"Nothing to do: task {task.id} is an issue already: {task.issue_url}"
    if task.follow_up:
        return f"Nothing to do: task {task.id} is becoming an issue in {repo}."
    want_issue(session, task, now)
    telling.show(session, desk, incident, now, urgent=False)
    return f"Task {task.id} becomes an issue in {repo}; its address follows here."


def want_issue(session: Session, task: Task, now: datetime) -> None:
    """This task is to become an issue."""
    task.follow_up = True
    session.add(task)
    session.flush()
    rooms.arm(session, FOLLOW_UP, f"{FOLLOW_UP}:{task.id}", now, lane=Lane.FEED, task=task.id)


def left_over(session: Session, incident: Incident) -> list[Task]:
    """The tasks that are not done, in order."""
    return [task for task in tasks_of(session, incident) if task.done_at is None]


def tasks_of(session: Session, incident: Incident) -> list[Task]:
    """Every task of an incident, in order."""
    return list(session.exec(select(Task).where(Task.incident == incident.id).order_by(col(Task.id))).all())


def repo_of(desk: Desk, incident: Incident) -> str | None:
    """Where follow-ups are kept: as the catalogue says, else with the service's code."""
    named = desk.catalog.incidents.issues_in
    return named or (desk.catalog.service(incident.service).repo if incident.service else None)


def issue_wanted(session: Session, desk: Desk, number: int) -> Issue | None:
    """The issue that a task is to become now; None where it has become one, or is to become none."""
    task = session.get(Task, number)
    incident = session.get(Incident, task.incident) if task is not None else None
    repo = repo_of(desk, incident) if incident is not None else None
    if task is None or incident is None or repo is None or task.issue_url is not None or not task.follow_up:
        return None
    title = rooms.quiet(task.text, LONGEST_ISSUE_TITLE)
    body = "\n\n".join(
        (
            str(plain(task.text, LONGEST)),
            f"A follow-up of {plain(naming.called(incident))}, which began at {incident.onset_at:%Y-%m-%d %H:%M} UTC.",
        )
    )
    return Issue(repo, title, body, f"shipmate-follow-up-{task.id}-{int(task.at.timestamp())}")


def became(session: Session, desk: Desk, number: int, url: str, now: datetime) -> None:
    """A task has become an issue."""
    task, incident = _row(session, number)
    if task is None or incident is None or task.issue_url is not None:
        return
    task.issue_url = url
    session.add(task)
    session.flush()
    key, words = f"task:{task.id}:issue", f"Follow-up: {task.text}"
    timeline.enter(session, task.incident, EntryKind.TASK, key, words, now, url=url)
    telling.say(session, desk, incident, Said.TASK, f"{task.id}:issue", now, task=task.id)
    telling.show(session, desk, incident, now, urgent=False)


def no_issue(session: Session, desk: Desk, number: int, why: str, now: datetime) -> None:
    """A task cannot become an issue; it can be tried again once that is mended."""
    task, incident = _row(session, number)
    if task is None or incident is None:
        return
    task.follow_up = False
    session.add(task)
    session.flush()
    _say_why(session, desk, incident, task, why, now.isoformat(), now)  # each try is somebody's, who waits for a word


def delayed(session: Session, desk: Desk, number: int, why: str, now: datetime) -> None:
    """A task cannot become an issue until a person has mended something; it is tried again by itself."""
    task, incident = _row(session, number)
    if task is not None and incident is not None:
        _say_why(session, desk, incident, task, why, now.date().isoformat(), now)


def _say_why(session: Session, desk: Desk, incident: Incident, task: Task, why: str, once: str, now: datetime) -> None:
    key = f"{task.id}:no_issue:{once}"
    telling.say(session, desk, incident, Said.TASK, key, now, task=task.id, why=why[:500])
    telling.show(session, desk, incident, now, urgent=False)


def _made(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> Task:
    words = " ".join((event.text or "").split())[:LONGEST]
    if not words:
        raise UserError("A task says what is to be done: write it after the word, or into the field.")
    if event.who is not None and event.who != event.slack_id:
        roles.must_belong(session, desk, incident, event.who, "could do nothing about it", now)
    task = Task(incident=incident.id or 0, text=words, owner=event.who, made_by=event.slack_id, at=event.at)
    session.add(task)
    session.flush()
    timeline.enter(session, task.incident, EntryKind.TASK, f"task:{task.id}", words, event.at, who=event.called)
    if task.owner is not None:
        rooms.let_in(session, desk, incident, [task.owner], now)
    telling.say(session, desk, incident, Said.TASK, str(task.id), now, task=task.id, called=event.called)
    telling.show(session, desk, incident, now, urgent=False)
    return task


def _of(session: Session, incident: Incident, event: IncidentActed) -> Task:
    task = session.get(Task, event.task) if event.task is not None else None
    of = session.get(Incident, task.incident) if task is not None else None
    if task is None or of is None or finding.going_on(session, of).id != incident.id:
        named = ", ".join(f"{one.id} ({one.text[:60]})" for one in left_over(session, incident)) or "none"
        raise UserError(f"{naming.capital(naming.called(incident))} has no such task. Still to be done: {named}.")
    return task


def _row(session: Session, number: int) -> tuple[Task | None, Incident | None]:
    task = session.get(Task, number)
    return task, session.get(Incident, task.incident) if task is not None else None
