"""What follows when the forge tells more of a change, or a check of the main branch ends."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from bot import outbox, people, work
from bot.catalog import Service
from bot.deploys import builds, rules, service
from bot.deploys.loading import Desk
from bot.deploys.models import LONGEST_NAME, Change, Deploy, DeployChange
from bot.deploys.views import RangeState
from bot.events import CheckFinished, CheckStatus, Human


def reconsider_change(session: Session, change_id: int) -> None:
    """Something new is known of a change: whoever shows it shows it anew."""
    change = session.get(Change, change_id)
    if change is None:
        return
    carrying = session.exec(select(DeployChange.deploy).where(DeployChange.change == change_id)).all()
    waiting = session.exec(
        select(Deploy.id).where(
            Deploy.repo == change.repo, Deploy.sha == change.sha, Deploy.range != RangeState.COMPLETE.value
        )
    ).all()
    for deploy_id in {*carrying, *waiting}:
        if deploy_id is not None:
            service.show_provisionally(session, deploy_id)
            work.touch(session, "deploy", deploy_id)


def tell_red(session: Session, desk: Desk, event: CheckFinished, now: datetime) -> None:
    """A build of the main branch is red: its team hears it, and whoever wrote the commit.

    Once for each commit, however many checks fail: the message names those that have when it is sent.
    """
    if not builds.failed_checks(session, event.repo, event.sha):
        return  # a deploy's own run: its card tells
    owners = _owners(desk, event.repo)
    key = _red_key(event.repo, event.sha)
    data: dict[str, Any] = {
        "repo": event.repo, "service": owners[0].name, "sha": event.sha, "title": event.title,
        "author": _plain_human(event.author),
    }  # fmt: skip
    for channel in dict.fromkeys(owner.channel for owner in owners):
        outbox.add_note(session, "red_build", f"{key}:{channel}", channel, now, direct=False, **data)
    for human in _who_wrote(session, desk, event.repo, event.sha, event.author):
        place = people.place_of(session, desk.catalog, human, now)
        if place is not None:
            outbox.add_note(session, "red_build", f"{key}:{place}", place, now, direct=True, **data)


def tell_green(session: Session, desk: Desk, event: CheckFinished, red: Sequence[str], now: datetime) -> None:
    """A red check passes, by another run or a later commit: whoever was told last that it is red hears it once."""
    owners = _owners(desk, event.repo)
    data: dict[str, Any] = {
        "repo": event.repo, "service": owners[0].name, "check": event.name[:LONGEST_NAME], "sha": event.sha,
        "title": event.title, "url": event.url,
    }  # fmt: skip
    for sha in red:
        key = _red_key(event.repo, sha)
        places = {owner.channel: False for owner in owners}
        for human in _who_wrote(session, desk, event.repo, sha, None):
            place = people.place_of(session, desk.catalog, human, now)
            places |= {place: True} if place is not None else {}
        told = [place for place in places if outbox.noted(session, f"{key}:{place}")]
        for place in told:
            green = f"green:{key.removeprefix('red:')}:{_short_hash(event.name)}:{place}"
            outbox.add_note(session, "green_build", green, place, now, red=key, direct=places[place], **data)
        if told:
            return


def _owners(desk: Desk, repo: str) -> Sequence[Service]:
    """The services built from a repository: those of the catalogue, else the one called as it is."""
    return desk.catalog.services_of(repo) or (desk.catalog.resolve_service(repo, None, "")[0],)


def _who_wrote(session: Session, desk: Desk, repo: str, sha: str, author: Human | None) -> Sequence[Human]:
    change = service.change_of_commit(session, repo, sha)
    if change is not None:
        parts = service.parts(session, [change.id or 0])[change.id or 0]
        return [part.human for part in rules.to_be_told(parts)]
    author = service.author_of_commit(session, repo, sha) or author
    return [author] if author is not None and not author.bot else []


def passes_on_main(event: CheckFinished) -> bool:
    """Whether this says that a build of the main branch is green."""
    return event.main and event.status is CheckStatus.PASSED


def _red_key(repo: str, sha: str) -> str:
    """What makes saying that a commit is red the same as saying it before; the place follows."""
    return f"red:{_short_hash(f'{repo.lower()}@{sha}')}"


def _short_hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _plain_human(human: Human | None) -> dict[str, str | None] | None:
    return {"login": human.login, "name": human.name, "email": human.email} if human is not None else None
