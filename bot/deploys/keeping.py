"""What the forge tells is kept: changes with everyone who had a hand in them, commits, checks, releases.

None of it is ever taken back: what is told twice is the same row, and what is told later fills in what was missing.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from bot import audit, people, work
from bot.audit import Tag
from bot.catalog import Service
from bot.deploys import rules, statements
from bot.deploys.models import LONGEST_NAME, LONGEST_WHO, Change, Check, CommitRow, Contributor, Deploy, Release
from bot.events import ChangeMerged, CheckFinished, CheckStatus, Commit, CommitsPushed, MergedPull, ReleasePublished
from bot.ports import Changes


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


def change_of_commit(session: Session, repo: str, sha: str) -> Change | None:
    """The change that a commit of a main branch belongs to, as far as that is known."""
    commit = {"of_repo": repo, "of_sha": sha}
    return (
        session.exec(statements.LANDED_AS, params=commit).first()
        or session.exec(statements.CONTAINING, params=commit).first()
    )


def keep_all(session: Session, repo: str, service: Service, changes: Changes) -> list[Change]:
    """The changes of a range that concern this service (a monorepo's paths), kept in our tables."""
    kept = [_keep_pull(session, repo, pull)[0] for pull in changes.pulls if service.owns(pull.paths)]
    return kept + [_keep_direct(session, repo, commit) for commit in changes.commits if service.owns(commit.paths)]


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
        if known.number is None and known.paths is None and commit.paths is not None:
            known.paths = list(commit.paths)  # read of an environment before, where nobody asked for them
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
