"""What is on record of deploys and changes, for whoever asks: who had a part, what was carried, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from bot import outbox, people
from bot.deploys import rules, statements
from bot.deploys.models import Change, CommitRow, Contributor, Deploy, DeployChange, Target
from bot.events import DeployStatus, Human
from bot.ports import Direction

MOST_SHOWN = 3
"""Rollouts of a target whose cards are shown anew: of any before, something newer was said since."""

NAMED_AGAIN = 20
"""How many changes are shown anew when a person's name is found: those in view."""


def parts(session: Session, changes: Sequence[int]) -> dict[int, tuple[rules.Part, ...]]:
    """Everybody on record for each of these changes."""
    found: dict[int, list[rules.Part]] = {change: [] for change in changes}
    order = {"author": 0, "coauthor": 1, "merger": 2}
    rows = session.exec(statements.PARTS, params={"of_changes": list(changes)}).all() if changes else ()
    for row in sorted(rows, key=lambda row: (order[row.role], row.who)):
        found[row.change].append(rules.Part(row.human, row.role))
    return {change: tuple(listed) for change, listed in found.items()}


def author_of_commit(session: Session, repo: str, sha: str) -> Human | None:
    """Who wrote a commit of a main branch, as far as its push or its change told."""
    row = session.exec(select(CommitRow).where(CommitRow.repo == repo, CommitRow.sha == sha)).first()
    if row is None or not (row.login or row.email or row.name):
        return None
    return Human(login=row.login, name=row.name, email=row.email)


def changes_of(session: Session, deploy_id: int) -> Sequence[tuple[DeployChange, Change]]:
    """What a deploy brings in and takes out, in order."""
    return session.exec(statements.CHANGES, params={"of_deploy": deploy_id}).all()


def dropped_from(session: Session, deploy_id: int) -> Sequence[Change]:
    """Changes that a deploy was once said to bring in, and does not."""
    return session.exec(statements.DROPPED, params={"of_deploy": deploy_id}).all()


def read_ahead(session: Session, deploys: Sequence[int]) -> None:
    """Read these deploys, their targets and what they replace at once; the session keeps what it has read."""
    session.exec(statements.WITH_TARGET, params={"of_deploys": list(deploys)}).all()


def latest(session: Session, target: int, most: int = 1) -> Sequence[int]:
    """The rollouts that began last at a target, the last one first."""
    rows = select(Deploy.id).where(Deploy.target == target).order_by(col(Deploy.began_at).desc(), col(Deploy.id).desc())
    return [one for one in session.exec(rows.limit(most)).all() if one is not None]


def is_present(session: Session, deploy: Deploy) -> bool:
    """Whether this is what runs at its target, or what was tried there last: its card says how it stands there."""
    target = session.get(Target, deploy.target)
    return (target is not None and target.live == deploy.id) or deploy.id in latest(session, deploy.target)


def show_latest(session: Session, target: int) -> None:
    """What holds at a target has changed: the cards of its latest rollouts show it, where they have any."""
    for number in latest(session, target, MOST_SHOWN):
        for card in outbox.cards_about(session, "deploy", str(number)):
            outbox.show_newer(session, card, urgent=False)


def is_rollback(deploy: Deploy) -> bool:
    """Whether this deploy goes back to an older commit."""
    return deploy.direction == Direction.BEHIND.value


def commit_address(session: Session, login: str) -> str | None:
    """An address under which somebody commits: a hint where to write to them, never a proof of who they are."""
    return session.exec(
        select(CommitRow.email)
        .where(func.lower(CommitRow.login) == login, col(CommitRow.email).is_not(None))
        .where(col(CommitRow.email).not_like(f"%{people.NOREPLY}"))
        .order_by(col(CommitRow.id).desc())
        .limit(1)
    ).first()


def named_by_login(session: Session, who: str) -> Sequence[int]:
    """The latest changes in which somebody (``people.who_is``) is on record without a name."""
    return session.exec(
        select(Contributor.change)
        .where(Contributor.who == who, col(Contributor.name).is_(None))
        .order_by(col(Contributor.id).desc())
        .limit(NAMED_AGAIN)
    ).all()


def was_carried(session: Session, change_id: int) -> bool:
    """Whether any deploy carried this change."""
    carrying = select(DeployChange.id).where(DeployChange.change == change_id).limit(1)
    return session.exec(carrying).first() is not None


def went_wrong(session: Session, change_id: int) -> bool:
    """Whether a deploy that carried this change failed, or one took it out."""
    return (
        session.exec(
            select(DeployChange.id)
            .join(Deploy, col(DeployChange.deploy) == col(Deploy.id))
            .where(
                DeployChange.change == change_id,
                col(DeployChange.dropped).is_(False),
                or_(
                    col(Deploy.status) == DeployStatus.FAILED.value,
                    and_(col(DeployChange.leaving).is_(True), col(Deploy.status) == DeployStatus.SUCCEEDED.value),
                ),
            )
            .limit(1)
        ).first()
        is not None
    )
