"""How notes about deploys, changes and builds are loaded from present state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot import outbox, people
from bot.delivery import Showing
from bot.deploys import builds, loading, reverting, service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, Target
from bot.deploys.views import (
    BlindSpotNote,
    BrokenTemplateNote,
    ChangeNote,
    FailedCheck,
    GreenBuildNote,
    Outcome,
    RedBuildNote,
    StuckNote,
    UnreachableNote,
)
from bot.events import DeployStatus, Human, Level
from bot.outbox import Card, Note
from bot.outgoing.cards import deploy_line
from bot.promotions import notes as promoting
from bot.promotions import service as promotions
from bot.promotions import shown
from bot.promotions.models import Promotion


def change_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What an author must hear of their change; None once it is not so, or where they want to hear nothing."""
    change = session.get(Change, note.data["change"])
    deploy = session.get(Deploy, note.data["deploy"])
    if change is None or deploy is None:
        return None
    outcome = Outcome(note.data["outcome"])
    level = people.level_of(session, note.place, f"change:{change.id}")
    if level is Level.NONE or (level is Level.FAILURES and outcome is Outcome.LIVE):
        return None
    if outcome is Outcome.LIVE and deploy.state is not DeployStatus.SUCCEEDED:
        return None  # what it was said to be, it turned out not to be
    target = session.get(Target, deploy.target)
    assert target is not None
    began = deploy.in_progress_at or deploy.began_at
    rollback = _declared(session, deploy, outcome)
    carried = promotions.owner_of(session, deploy)
    locked = promoting.locked_itself(session, desk, target) if outcome is Outcome.FAILED else None
    view = ChangeNote(
        outcome=outcome,
        role=loading.role_of(session, desk, change, note.place),
        change=loading.change_views(session, desk, [change])[change.id or 0],
        service=target.service,
        environment=target.environment,
        status=deploy.state,
        duration=deploy.status_at - began if deploy.state.ended else None,
        url=deploy.url or (carried.url if carried is not None else None),
        locked=f"{locked.scope}: {locked.reason}" if locked is not None else None,
        reverted=reverting.reverted_by(session, change, deploy) if outcome is Outcome.LIVE else None,
        by=shown.who_view(session, desk, rollback.requested_by) if rollback is not None else None,
        reason=rollback.reason if rollback is not None else None,
        channel=desk.catalog.service(target.service).channel if rollback is not None else None,
    )
    return Showing("notes/change", view, {"kind": "change", "change": str(change.id), "deploy": str(deploy.id)})


def watch_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What somebody hears of a change that they watch; None once it turned out not to be so."""
    change, deploy = session.get(Change, note.data["change"]), session.get(Deploy, note.data["deploy"])
    outcome = Outcome(note.data["outcome"])
    if change is None or deploy is None or deploy.state is not DeployStatus.SUCCEEDED:
        return None
    target = session.get(Target, deploy.target)
    assert target is not None
    rollback = _declared(session, deploy, outcome)
    view = ChangeNote(
        outcome=outcome,
        role="watcher",
        change=loading.change_views(session, desk, [change])[change.id or 0],
        service=target.service,
        environment=target.environment,
        status=deploy.state,
        duration=None,
        reverted=reverting.reverted_by(session, change, deploy) if outcome is Outcome.LIVE else None,
        url=deploy.url or (rollback.url if rollback is not None else None),
        by=shown.who_view(session, desk, rollback.requested_by) if rollback is not None else None,
        reason=rollback.reason if rollback is not None else None,
        channel=desk.catalog.service(target.service).channel if rollback is not None else None,
    )
    return Showing("notes/change", view, {"kind": "change", "change": str(change.id), "deploy": str(deploy.id)})


def _declared(session: Session, deploy: Deploy, outcome: Outcome) -> Promotion | None:
    """The declared rollback that took a change out, where that is what is told."""
    owner = promotions.owner_of(session, deploy) if outcome is Outcome.LEFT else None
    return owner if owner is not None and owner.rollback else None


def stuck_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """A rollout takes too long; None once it ended."""
    deploy = session.get(Deploy, note.data["deploy"])
    stuck = loading.stuck_view(session, deploy) if deploy else None
    if deploy is None or stuck is None:
        return None  # it ended meanwhile
    target = session.get(Target, deploy.target)
    assert target is not None
    changes = [change for row, change in service.changes_of(session, deploy.id or 0) if not row.leaving]
    if _mutes_all_of(session, desk, note.place, changes):
        return None
    views = loading.change_views(session, desk, changes)
    view = StuckNote(
        service=target.service, environment=target.environment, stuck=stuck,
        changes=tuple(views[change.id or 0] for change in changes[: loading.LISTED]),
    )  # fmt: skip
    return Showing("notes/stuck", view, {"kind": "deploy", "deploy": str(deploy.id)})


def _mutes_all_of(session: Session, desk: Desk, place: str, changes: Sequence[Change]) -> bool:
    """Whether somebody muted everything, or each of these changes that is theirs."""
    if people.level_of(session, place) is Level.NONE:
        return True
    theirs = [
        change
        for change in changes
        if any(place == author for _, author in loading.author_slack_ids(session, desk, change))
    ]
    muted = [people.level_of(session, place, f"change:{change.id}") is Level.NONE for change in theirs]
    return bool(muted) and all(muted)


def red_build_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """A commit of the main branch is red; None once it is green."""
    data = note.data
    if data["direct"] and people.level_of(session, note.place) is Level.NONE:
        return None
    failed = builds.failed_checks(session, data["repo"], data["sha"])
    if not failed:
        return None  # it was run again and is green by now, or it was a deploy's run all along
    author = Human(**data["author"]) if data.get("author") else None
    known = service.author_of_commit(session, data["repo"], data["sha"]) or author
    view = RedBuildNote(
        repo=data["repo"], service=data["service"], sha=data["sha"], title=data.get("title"), direct=data["direct"],
        checks=tuple(FailedCheck(name=check.name, url=check.url) for check in failed),
        author=loading.person(session, desk, known) if known else None,
    )  # fmt: skip
    return Showing("notes/red_build", view, {"kind": "build", "sha": data["sha"]})


def blind_spot_note(session: Session, note: Note, now: datetime) -> Showing | None:
    """What arrived late because webhooks did not reach us."""
    data = note.data
    deploys = [session.get(Deploy, deploy_id) for deploy_id in data["deploys"]]
    rows = [(deploy, session.get(Target, deploy.target)) for deploy in deploys if deploy is not None]
    view = BlindSpotNote(
        first_at=datetime.fromisoformat(data["first_at"]),
        last_at=datetime.fromisoformat(data["last_at"]),
        redelivered=data["redelivered"],
        deploys=tuple(deploy_line(deploy, target) for deploy, target in rows if target is not None),
    )
    return Showing("notes/blind_spot", view, {"kind": "blind_spot"})


def green_build_note(session: Session, note: Note, now: datetime) -> Showing | None:
    """Only to whom the red build was really told, and while it still holds."""
    data = note.data
    if not outbox.was_sent(session, f"{data['red']}:{note.place}"):
        return None
    if not builds.passes(session, data["repo"], data["sha"], data["check"]):
        return None
    if data["direct"] and people.level_of(session, note.place) is Level.NONE:
        return None
    view = GreenBuildNote(
        repo=data["repo"], service=data["service"], check=data["check"], sha=data["sha"], title=data["title"],
        url=data["url"],
    )  # fmt: skip
    return Showing("notes/green_build", view, {"kind": "build", "sha": data["sha"]})


def unreachable_note(session: Session, note: Note, now: datetime) -> Showing | None:
    """A place cannot be written to."""
    card = session.get(Card, note.data["card"]) if note.data.get("card") else None
    deploy = session.get(Deploy, int(card.subject)) if card is not None and card.kind == "deploy" else None
    target = session.get(Target, deploy.target) if deploy is not None else None
    view = UnreachableNote(
        place=note.data["unreachable"],
        reason=note.data["code"],
        mend=note.data["mend"],
        service=target.service if target else None,
    )
    return Showing("notes/unreachable", view, {"kind": "unreachable"})


def broken_template_note(session: Session, note: Note, now: datetime) -> Showing | None:
    """A template of the users' own is broken."""
    view = BrokenTemplateNote(template=note.data["template"], error=note.data["error"])
    return Showing("notes/broken_template", view, {"kind": "broken_template"})
