"""Who is to hear when a change is there, and telling them: it is live, or a rollback took it out again.

Kept as subscriptions, whose scope is ``watch:<change>:<environment>`` (``*`` = every one).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import outbox, people
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange, Target
from bot.deploys.views import Outcome
from bot.errors import UserError
from bot.events import DeployStatus, Level, WatchChosen
from bot.people import Subscription
from bot.spelling import did_you_mean

WATCH = "watch"
"""Its kind of note, and how its scopes begin."""

EVERYWHERE = "*"

_LONGEST_SCOPE = 64


def chosen(session: Session, desk: Desk, event: WatchChosen) -> str:
    """Keep or forget that somebody watches a change; what whoever asked is told."""
    change = session.get(Change, event.change)
    if change is None:
        raise UserError("I know that change no more. /ship where says which ones I know.")
    environment = _environment(session, desk, event.environment) if event.environment is not None else None
    if not event.watching:
        return _stopped(session, event, change, environment)
    scope = _scope(event.change, environment or EVERYWHERE)
    if not people.choose(session, event.who, scope, Level.ALL, event.at):
        return f"Something else was chosen for {change.label} since then: that stands."
    self_chosen = event.who == event.slack_id
    whom = "You" if self_chosen else _name(session, desk, event.who)
    where = f"in {environment}" if environment is not None else "in each environment"
    return f"{whom} will hear when {change.label} is live {where}.{_already(session, desk, change, environment)}"


def tell(
    session: Session, desk: Desk, deploy: Deploy, target: Target,
    carried: Sequence[tuple[DeployChange, Change]], dropped: Sequence[Change], now: datetime,
) -> None:  # fmt: skip
    """Tell whoever watches what a rollout brought, took out (``carried``), or did not carry after all (``dropped``)."""
    if deploy.state is not DeployStatus.SUCCEEDED:
        return
    watchers = _watchers(session, [change for _, change in carried] + [*dropped], target.environment)
    if not watchers:
        return
    for link, change in carried:
        _tell_of(session, desk, deploy, change, Outcome.LEFT if link.leaving else Outcome.LIVE, watchers, now)
    for change in dropped:
        told = {who for who in watchers.get(change.id or 0, ()) if _told(session, change, deploy, Outcome.LIVE, who)}
        _tell_of(session, desk, deploy, change, Outcome.ABSENT, {change.id or 0: told}, now)


def _tell_of(
    session: Session,
    desk: Desk,
    deploy: Deploy,
    change: Change,
    outcome: Outcome,
    watchers: Mapping[int, Iterable[str]],
    now: datetime,
) -> None:
    authors = {place for _, place in loading.author_slack_ids(session, desk, change)}
    for who in sorted(set(watchers.get(change.id or 0, ())) - authors):  # authors hear of it as such
        outbox.add_note(
            session, WATCH, _key(change, deploy, outcome, who), who, now,
            change=change.id, deploy=deploy.id, outcome=outcome.value,
        )  # fmt: skip


def _watchers(session: Session, changes: Iterable[Change], environment: str) -> Mapping[int, set[str]]:
    scopes = {
        _scope(change.id or 0, where): change.id or 0 for change in changes for where in (EVERYWHERE, environment)
    }
    if not scopes:
        return {}
    found: dict[int, set[str]] = {}
    rows = session.exec(
        select(Subscription.who, Subscription.scope).where(
            col(Subscription.scope).in_(sorted(scopes)), Subscription.level == Level.ALL.value
        )
    ).all()
    for who, scope in rows:
        found.setdefault(scopes[scope], set()).add(who)
    return found


def _stopped(session: Session, event: WatchChosen, change: Change, environment: str | None) -> str:
    standing = session.exec(
        select(Subscription.scope).where(
            Subscription.who == event.who,
            Subscription.level == Level.ALL.value,
            col(Subscription.scope).startswith(f"{WATCH}:{event.change}:"),
        )
    ).all()
    wanted = standing if environment is None else [one for one in standing if one == _scope(event.change, environment)]
    if not wanted:
        where = f" in {environment}" if environment is not None else ""
        return f"Nobody was to be told of {change.label}{where} by a watch of that kind: there is nothing to stop."
    for scope in wanted:
        people.choose(session, event.who, scope, Level.NONE, event.at)
    return f"Stopped: {change.label} is no longer watched{f' in {environment}' if environment is not None else ''}."


def _already(session: Session, desk: Desk, change: Change, environment: str | None) -> str:
    there = [
        stage.environment
        for stage in loading.stages(session, desk, change)
        if stage.status is DeployStatus.SUCCEEDED and stage.works and environment in (None, stage.environment)
    ]
    return f" It is live in {', '.join(dict.fromkeys(there))} already." if there else ""


def _environment(session: Session, desk: Desk, asked: str) -> str:
    """The environment of this name, as it is spelt; UserError where nobody has heard of it."""
    known = [one for owner in desk.catalog.services.values() for one in owner.environments]
    known += session.exec(select(Target.environment).where(Target.environment != EVERYWHERE).distinct()).all()
    found = {one.casefold(): one for one in reversed(known)}.get(asked.casefold())
    if found is None:
        names = ", ".join(dict.fromkeys(known)) or "none yet"
        raise UserError(f"I know no environment “{asked[:80]}”{did_you_mean(asked, known) or f'; I know {names}.'}")
    return found


def _name(session: Session, desk: Desk, slack_id: str) -> str:
    entry, profile = desk.catalog.person_by_slack(slack_id), people.profile_of(session, slack_id)
    return (entry.name if entry else None) or (profile.name if profile else None) or "They"


def _scope(change: int, environment: str) -> str:
    return f"{WATCH}:{change}:{environment.casefold()}"[:_LONGEST_SCOPE]


def _told(session: Session, change: Change, deploy: Deploy, outcome: Outcome, who: str) -> bool:
    return outbox.noted(session, _key(change, deploy, outcome, who))


def _key(change: Change, deploy: Deploy, outcome: Outcome, who: str) -> str:
    return f"{WATCH}:{change.id}:{deploy.id}:{outcome.value}:{who}"
