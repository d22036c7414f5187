"""The verbs of deploys and changes. Each writes its own rows and touches what it changed; none asks the network.

What a rollout carries is read from the forge by an effect (``RANGE``) and handed back to ``range_read``; until then the
card says what the event itself carried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from bot import audit, outbox, people, work
from bot.audit import Tag
from bot.catalog import Catalog, Service
from bot.deploys import attempts, rules, statements, steps, targets
from bot.deploys.models import (
    LONGEST_NAME,
    LONGEST_WHO,
    Change,
    Check,
    CommitRow,
    Contributor,
    Deploy,
    DeployChange,
    DeployReport,
    Release,
    Target,
)
from bot.deploys.views import RangeState
from bot.events import (
    ChangeMerged,
    CheckFinished,
    CheckStatus,
    Commit,
    CommitsPushed,
    DeployReported,
    DeployStatus,
    Human,
    MergedPull,
    ReleasePublished,
)
from bot.ports import Changes, Direction, Range

RANGE = "range"
"""The effect that reads what a deploy carries. Twice is harmless: it only reads, and its result replaces itself."""

SAME_ROLLOUT = timedelta(hours=2)
"""Two systems that report the same commit for the same target within this time speak of one rollout."""

NAMED_AGAIN = 20
"""How many changes are shown anew when a person's name is found: those in view."""


# --- what the forge tells ------------------------------------------------------------------------------------------


def change_merged(session: Session, event: ChangeMerged) -> Change:
    """Keep a merged pull request with everyone who had a hand in it."""
    change, new = _keep_pull(session, event.repo, event.pull)
    if new:
        audit.record(
            session,
            Tag.CHANGE_MERGED,
            f"change:{event.repo}{change.label}",
            event.at,
            who=event.pull.merger.login if event.pull.merger else None,
            sha=event.pull.sha,
        )
    return change


def commits_pushed(session: Session, event: CommitsPushed) -> None:
    """Keep the words and authors of commits that reached the main branch."""
    for commit in event.commits:
        _keep_commit(session, event.repo, commit)


def release_published(session: Session, event: ReleasePublished) -> None:
    """Keep a version's name, and show it on the deploys of its tag."""
    release = session.exec(select(Release).where(Release.repo == event.repo, Release.tag == event.tag)).first()
    if release is None:
        release = Release(repo=event.repo, tag=event.tag, name=event.name, url=event.url, at=event.at)
        session.add(release)
        audit.record(session, Tag.RELEASE_PUBLISHED, f"release:{event.repo}@{event.tag}", event.at)
    elif event.at >= release.at:
        release.name, release.url, release.at = event.name, event.url, event.at
    for deploy in session.exec(select(Deploy.id).where(Deploy.repo == event.repo, Deploy.ref == event.tag)).all():
        assert deploy is not None
        work.touch(session, "deploy", deploy)


def check_finished(session: Session, event: CheckFinished) -> Check | None:
    """Keep a check's verdict; returns it when it is news: the latest run, and failed on the main branch."""
    name = event.name[:LONGEST_NAME]
    check = session.exec(
        select(Check).where(Check.repo == event.repo, Check.sha == event.sha, Check.name == name)
    ).first()
    if check is None:
        check = Check(
            repo=event.repo,
            sha=event.sha,
            name=name,
            status=event.status.value,
            run=event.run,
            url=event.url,
            at=event.at,
        )
        session.add(check)
    elif (event.run, event.at) < (check.run, check.at):
        return None
    else:
        check.status, check.run, check.url, check.at = event.status.value, event.run, event.url, event.at
    session.flush()
    if event.main:
        audit.record(
            session,
            Tag.CHECK_FINISHED,
            f"commit:{event.repo}@{event.sha}",
            event.at,
            name=event.name,
            status=event.status.value,
        )
    return check if event.main and event.status is CheckStatus.FAILED else None


# --- rollouts -----------------------------------------------------------------------------------------------------


def reported(session: Session, catalog: Catalog, event: DeployReported, now: datetime) -> Deploy:
    """A pipeline says where a rollout stands: make the deploy or move it, never backwards; touch whatever follows."""
    targets.hold(session, catalog, ())  # as whoever decides does: two leaders must not wait for each other
    event = attempts.named(session, event)
    deploy = deploy_reported(session, event)
    standing = rules.Standing(event.status, event.at)
    if deploy is None:
        service, environment = catalog.resolve_service(event.repo, event.service, event.environment)
        target = target_of(session, service.name, environment)
        deploy = _same_rollout(session, target, event) or _begin(session, service, target, event)
        assert deploy.id is not None
        session.add(
            DeployReport(source=event.source, external_id=event.external_id, attempt=event.attempt, deploy=deploy.id)
        )
        audit.record(
            session, Tag.DEPLOY_BEGAN, f"deploy:{deploy.id}", event.began_at, source=event.source, sha=event.sha
        )
    before = rules.Standing(deploy.state, deploy.status_at)
    after = rules.later(before, standing)
    was_live = before.status is DeployStatus.SUCCEEDED
    moved = after != before
    if moved:
        deploy.status, deploy.status_at = after.status.value, after.at
        audit.record(session, Tag.DEPLOY_MOVED, f"deploy:{deploy.id}", event.at, to=after.status.value)
    _keep_details(deploy, event, moved=moved)
    session.flush()
    assert deploy.id is not None
    steps.keep(session, deploy.id, event)
    work.touch(session, "deploy", deploy.id)
    _find_place_in_history(session, deploy, now, was_live=was_live)
    return deploy


def deploy_reported(session: Session, event: DeployReported) -> Deploy | None:
    """The deploy that this sender's rollout is known as."""
    called = {"of_source": event.source, "of_id": event.external_id, "of_attempt": event.attempt}
    return session.exec(statements.REPORTED, params=called).first()


def target_of(session: Session, service: str, environment: str) -> Target:
    """The row of a service in an environment, made when it is met for the first time."""
    target = session.exec(statements.TARGET, params={"of_service": service, "of_environment": environment}).first()
    if target is None:
        target = Target(service=service, environment=environment)
        session.add(target)
        session.flush()
    return target


def range_read(
    session: Session, catalog: Catalog, deploy_id: int, base: str | None, found: Range, now: datetime
) -> None:
    """The forge answered what lies between ``base`` and this deploy: it carries that, unless ``base`` is stale."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.previous_sha != base or deploy.repo is None:
        return
    service = catalog.service(_target(session, deploy).service)
    _replace_changes(
        session,
        deploy,
        keep_all(session, deploy.repo, service, found.arriving),
        keep_all(session, deploy.repo, service, found.leaving),
    )
    deploy.range = RangeState.COMPLETE.value
    deploy.direction, deploy.truncated = found.direction.value, found.truncated
    audit.record(
        session,
        Tag.DEPLOY_RANGE_READ,
        f"deploy:{deploy_id}",
        now,
        base=base,
        head=deploy.sha,
        direction=found.direction.value,
        arriving=len(found.arriving.pulls) + len(found.arriving.commits),
        leaving=len(found.leaving.pulls) + len(found.leaving.commits),
    )
    work.touch(session, "range", deploy_id)


def range_unknown(session: Session, deploy_id: int, base: str | None, state: RangeState) -> None:
    """The forge does not answer now (UNKNOWN), or will not (UNREADABLE): show what the event itself carries."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.previous_sha != base or deploy.range in (RangeState.COMPLETE, state):
        return
    deploy.range = state.value
    work.touch(session, "range", deploy_id)


def look_whether_stuck(session: Session, deploy_id: int, now: datetime) -> bool:
    """Mark a rollout that has taken far longer than usual; returns whether it is newly so, or reschedules the look."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.state is not DeployStatus.IN_PROGRESS or deploy.stuck_at is not None:
        return False
    since = deploy.in_progress_at or deploy.began_at
    due = since + rules.stuck_after(usual_duration(session, deploy.target))
    if now < due:
        work.schedule(session, "deploy", deploy_id, due)
        return False
    deploy.stuck_at = now
    audit.record(session, Tag.DEPLOY_STUCK, f"deploy:{deploy_id}", now, since=since.isoformat())
    work.touch(session, "deploy", deploy_id)
    return True


def usual_duration(session: Session, target: int) -> timedelta | None:
    """How long rollouts of this target usually take, from the last succeeded ones."""
    rows = session.exec(statements.DURATIONS, params={"of_target": target}).all()
    return rules.usual_duration([ended - began for began, ended in rows if began is not None])


def show_provisionally(session: Session, deploy_id: int) -> None:
    """Until the forge answers, a deploy shows the change that its commit is, where we have heard of it."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.repo is None or deploy.range == RangeState.COMPLETE:
        return
    if session.exec(statements.CARRIED, params={"of_deploy": deploy_id}).first() is not None:
        return
    change = change_of_commit(session, deploy.repo, deploy.sha)
    if change is not None and change.id is not None:
        session.add(DeployChange(deploy=deploy_id, change=change.id))
        session.flush()


def change_of_commit(session: Session, repo: str, sha: str) -> Change | None:
    """The change that a commit of a main branch belongs to, as far as that is known."""
    commit = {"of_repo": repo, "of_sha": sha}
    return (
        session.exec(statements.LANDED_AS, params=commit).first()
        or session.exec(statements.CONTAINING, params=commit).first()
    )


# --- people of changes --------------------------------------------------------------------------------------------


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


# --- inside -------------------------------------------------------------------------------------------------------


def _same_rollout(session: Session, target: Target, event: DeployReported) -> Deploy | None:
    """A deploy of this commit that another system reported and this one has not yet: the nearest in time, if any."""
    nearby = session.exec(
        statements.NEARBY,
        params={
            "of_target": target.id,
            "of_sha": event.sha,
            "earliest": event.began_at - SAME_ROLLOUT,
            "latest": event.began_at + SAME_ROLLOUT,
        },
    ).all()
    for deploy in sorted(nearby, key=lambda deploy: abs(deploy.began_at - event.began_at)):
        senders = session.exec(select(DeployReport.source).where(DeployReport.deploy == deploy.id)).all()
        if event.source not in senders:
            return deploy
    return None


def _begin(session: Session, service: Service, target: Target, event: DeployReported) -> Deploy:
    assert target.id is not None
    deploy = Deploy(
        target=target.id,
        repo=event.repo or service.repo,
        sha=event.sha,
        status=event.status.value,
        status_at=event.at,
        began_at=event.began_at,
    )
    session.add(deploy)
    session.flush()
    return deploy


def _keep_details(deploy: Deploy, event: DeployReported, *, moved: bool) -> None:
    """What the event says besides its status; where two say different things, the one whose status stands is right."""
    standing = rules.Standing(event.status, event.at)
    deploy.began_at = min(deploy.began_at, event.began_at)
    if event.status is DeployStatus.IN_PROGRESS:
        deploy.in_progress_at = min(deploy.in_progress_at or event.at, event.at)
    if moved:
        deploy.percent = event.percent
    elif standing == rules.Standing(deploy.state, deploy.status_at):  # two with the same instant
        deploy.percent = max((one for one in (deploy.percent, event.percent) if one is not None), default=None)
    if event.final is not None:
        deploy.final = bool(deploy.final) or event.final
    if deploy.repo is None and event.repo is not None:
        deploy.repo, deploy.range_asked = event.repo, False
    _keep_words(deploy, event, rules.weight(standing))


def _keep_words(deploy: Deploy, event: DeployReported, weight: str) -> None:
    said = {
        "url": event.url,
        "description": event.description,
        "ref": event.ref,
        "creator": event.creator.login if event.creator else None,
    }
    for name, words in said.items():
        if words and (weight, words) > (deploy.told.get(name, ""), getattr(deploy, name) or ""):
            setattr(deploy, name, words)
            deploy.told = {**deploy.told, name: weight}


def _find_place_in_history(session: Session, deploy: Deploy, now: datetime, *, was_live: bool) -> None:
    """Say what this deploy replaces, and correct those for which it turns out to be what ran before, or not to be."""
    _set_previous(session, deploy, now)
    if deploy.state is not DeployStatus.SUCCEEDED and not was_live:
        return
    live = rules.live_of(map(_rollout, session.exec(statements.SUCCEEDED, params={"of_target": deploy.target})))
    _target(session, deploy).live = live.id if live else None
    for other in _after(session, deploy):
        if _set_previous(session, other, now):
            assert other.id is not None
            work.touch(session, "deploy", other.id)


def _set_previous(session: Session, deploy: Deploy, now: datetime) -> bool:
    """Find what ran before this deploy; returns whether that is news."""
    previous = rules.previous_of(_rollout(deploy), map(_rollout, _before(session, deploy)))
    sha = previous.sha if previous else None
    news = deploy.previous_sha != sha or not deploy.range_asked
    deploy.previous, deploy.previous_sha = previous.id if previous else None, sha
    if news:
        deploy.range_asked = True
        _ask_range(session, deploy, now)
    return news


def _range_key(deploy: Deploy, base: str | None) -> str:
    return f"{RANGE}:{deploy.id}:{base}"


def _ask_range(session: Session, deploy: Deploy, now: datetime) -> None:
    deploy.range = RangeState.READING.value
    if deploy.repo is None:
        deploy.range = RangeState.UNREADABLE.value
        return
    assert deploy.id is not None
    show_provisionally(session, deploy.id)
    key = _range_key(deploy, deploy.previous_sha)
    asked = outbox.add_effect(session, RANGE, key, now, deploy=deploy.id, base=deploy.previous_sha)
    if not asked:
        outbox.rearm_effect(session, key)


def _before(session: Session, deploy: Deploy) -> Sequence[Deploy]:
    """The few succeeded deploys among which the one before this must be (several may share an instant)."""
    others = {"of_target": deploy.target, "but": deploy.id}
    if deploy.state is DeployStatus.SUCCEEDED:
        return session.exec(statements.LIVE_BEFORE, params={**others, "latest": deploy.status_at}).all()
    return session.exec(statements.BEGUN_BEFORE, params={**others, "latest": deploy.began_at}).all()


def _after(session: Session, deploy: Deploy) -> Sequence[Deploy]:
    """Deploys of the same target for which this one may be what ran before."""
    return session.exec(
        statements.AFTER,
        params={
            "of_target": deploy.target,
            "of_deploy": deploy.id,
            "ended_at": deploy.status_at,
            "begun_at": deploy.began_at,
        },
    ).all()


def _rollout(deploy: Deploy) -> rules.Rollout:
    assert deploy.id is not None
    return rules.Rollout(
        id=deploy.id,
        sha=deploy.sha,
        status=deploy.state,
        status_at=deploy.status_at,
        began_at=deploy.began_at,
    )


def _target(session: Session, deploy: Deploy) -> Target:
    target = session.get(Target, deploy.target)
    assert target is not None
    return target


def keep_all(session: Session, repo: str, service: Service, changes: Changes) -> list[Change]:
    """The changes of a range that concern this service (a monorepo's paths), kept in our tables."""
    kept = [_keep_pull(session, repo, pull)[0] for pull in changes.pulls if service.owns(pull.paths)]
    return kept + [_keep_direct(session, repo, commit) for commit in changes.commits if service.owns(commit.paths)]


def _replace_changes(session: Session, deploy: Deploy, arriving: Iterable[Change], leaving: Iterable[Change]) -> None:
    """This is what the deploy carries now; what people may have been shown before is kept as dropped."""
    assert deploy.id is not None
    before = {row.change: row for row in session.exec(select(DeployChange).where(DeployChange.deploy == deploy.id))}
    placed: dict[int, bool] = {}
    for side, changes in ((False, arriving), (True, leaving)):
        for change in changes:
            assert change.id is not None
            placed.setdefault(change.id, side)
    for position, (change_id, side) in enumerate(placed.items()):
        row = before.pop(change_id, None) or DeployChange(deploy=deploy.id, change=change_id)
        row.leaving, row.position, row.dropped = side, position, False
        session.add(row)
    for row in before.values():
        row.dropped = True
    session.flush()


def _keep_pull(session: Session, repo: str, pull: MergedPull) -> tuple[Change, bool]:
    change = session.exec(select(Change).where(Change.repo == repo, Change.number == pull.number)).first()
    new = change is None
    if change is None:
        change = _direct_turned_pull(session, repo, pull) or Change(
            repo=repo, number=pull.number, sha=pull.sha, title=pull.title
        )
        session.add(change)
    change.number, change.title, change.url = pull.number, pull.title, pull.url
    change.base = pull.base or change.base
    change.labels = sorted({*change.labels, *pull.labels})
    change.additions = pull.additions if pull.additions is not None else change.additions
    change.deletions = pull.deletions if pull.deletions is not None else change.deletions
    change.reverts = pull.reverts or change.reverts
    change.merged_at = pull.merged_at or change.merged_at
    change.paths = list(pull.paths) if pull.paths is not None else change.paths
    session.flush()
    _keep_parts(session, change, rules.parts_of(pull))
    for sha in {pull.sha, *pull.commits}:
        row = _commit_row(session, repo, sha)
        row.change = change.id
    return change, new


def _direct_turned_pull(session: Session, repo: str, pull: MergedPull) -> Change | None:
    """A change met as a plain commit before its pull request was known: it is the same change.

    Who signed the commit is forgotten: of a merge commit that is the merger, who wrote nothing of it.
    """
    change = session.exec(
        select(Change).where(Change.repo == repo, Change.sha == pull.sha, col(Change.number).is_(None))
    ).first()
    if change is not None:
        for signer in session.exec(select(Contributor).where(Contributor.change == change.id)).all():
            session.delete(signer)
        session.flush()
    return change


def _keep_direct(session: Session, repo: str, commit: Commit) -> Change:
    known = change_of_commit(session, repo, commit.sha)
    if known is not None:
        return known
    change = Change(
        repo=repo,
        sha=commit.sha,
        title=commit.message.split("\n", 1)[0],
        url=commit.url,
        merged_at=commit.at,
        paths=list(commit.paths) if commit.paths is not None else None,
    )
    session.add(change)
    session.flush()
    _keep_parts(
        session,
        change,
        (rules.Part(commit.author, "author"), *(rules.Part(one, "coauthor") for one in commit.coauthors)),
    )
    _keep_commit(session, repo, commit).change = change.id
    return change


def _keep_parts(session: Session, change: Change, parts: Iterable[rules.Part]) -> None:
    assert change.id is not None
    known = {
        (row.role, row.who): row
        for row in session.exec(select(Contributor).where(Contributor.change == change.id)).all()
    }
    for part in parts:
        who = people.who_is(part.human) or f"name:{(part.human.name or 'unknown').lower()}"[:LONGEST_WHO]
        row = known.get((part.role, who))
        if row is None:
            row = known[(part.role, who)] = Contributor(change=change.id, role=part.role, who=who, bot=part.human.bot)
            session.add(row)
        row.login = row.login or part.human.login
        row.name = row.name or part.human.name
        row.email = row.email or part.human.email
        row.bot = row.bot or part.human.bot
    session.flush()


def _keep_commit(session: Session, repo: str, commit: Commit) -> CommitRow:
    row = _commit_row(session, repo, commit.sha)
    row.title = row.title or commit.message.split("\n", 1)[0]
    row.url = row.url or commit.url
    row.login = row.login or commit.author.login
    row.name = row.name or commit.author.name
    row.email = row.email or commit.author.email
    return row


def _commit_row(session: Session, repo: str, sha: str) -> CommitRow:
    row = session.exec(statements.COMMIT, params={"of_repo": repo, "of_sha": sha}).first()
    if row is None:
        row = CommitRow(repo=repo, sha=sha)
        session.add(row)
        session.flush()
    return row
