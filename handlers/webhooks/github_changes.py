"""GitHub's events about code: what was merged, pushed and released."""

from __future__ import annotations

import re
from urllib.parse import quote

from bot.events import ChangeMerged, Commit, CommitsPushed, Event, Human, MergedPull, ReleasePublished, coauthors
from handlers.webhooks.github_pieces import account, commit_sha, default_branch, home, repository, signature
from handlers.webhooks.payload import TEXT_LIMIT, Fields, storable

_REVERTS = re.compile(r"^[ \t]*reverts[ \t]+([\w.-]+/[\w.-]+)?#([0-9]{1,9})\b", re.IGNORECASE | re.MULTILINE)
_REVERT_TITLE = re.compile(r"""revert\s+["“].*\(#([0-9]{1,9})\)["”]""", re.IGNORECASE)


def pull_request(payload: Fields) -> list[Event]:
    """A pull request that was closed by merging it."""
    pull = payload.fields("pull_request")
    repo, number, sha = repository(payload), pull.count("number"), commit_sha(pull, "merge_commit_sha")
    at = pull.moment("merged_at", "closed_at", "updated_at")
    if payload.raw("action") != "closed" or pull.flag("merged") is not True:
        return []
    if repo is None or number is None or sha is None or at is None:
        return []
    title = pull.word("title") or f"Pull request {number}"
    merged = MergedPull(
        number=number,
        sha=sha,
        title=title,
        url=pull.link("html_url") or f"{home(payload, repo)}/pull/{number}",
        # GitHub shows the work of a deleted account as that of its user "ghost".
        author=account(pull.fields("user")) or Human(name="ghost"),
        merger=account(pull.fields("merged_by")),
        labels=tuple(name for label in pull.each("labels") if (name := label.word("name"))),
        additions=pull.count("additions"),
        deletions=pull.count("deletions"),
        base=pull.fields("base").word("ref"),
        merged_at=at,
        reverts=_reverts(repo, title, pull.prose("body") or ""),
    )
    return [ChangeMerged(repo=repo, pull=merged, at=at)]


def push(payload: Fields) -> list[Event]:
    """Commits that arrived on the default branch; other branches, tags and deletions are not told."""
    repo, branch = repository(payload), default_branch(payload)
    if repo is None or branch is None or payload.flag("deleted") is True:
        return []
    if payload.word("ref") != f"refs/heads/{branch}":
        return []
    commits = tuple(commit for piece in payload.each("commits") if (commit := _commit(piece)))
    # Seconds since 1970 in this event, unlike in every other.
    at = payload.fields("repository").moment("pushed_at") or payload.fields("head_commit").moment("timestamp")
    at = at or next((commit.at for commit in reversed(commits) if commit.at), None)
    if not commits or at is None:
        return []
    return [CommitsPushed(repo=repo, commits=commits, at=at)]


def release(payload: Fields) -> list[Event]:
    """A release was published (``released`` follows at once for the same one, and is not told again)."""
    body = payload.fields("release")
    repo, tag, at = repository(payload), body.word("tag_name"), body.moment("published_at", "created_at")
    if payload.raw("action") != "published" or body.flag("draft") is True:
        return []
    if repo is None or tag is None or at is None:
        return []
    url = body.link("html_url") or f"{home(payload, repo)}/releases/tag/{quote(tag)}"
    return [ReleasePublished(repo=repo, tag=tag, name=body.word("name") or tag, url=url, at=at)]


def _commit(piece: Fields) -> Commit | None:
    sha = commit_sha(piece, "id")
    if sha is None:
        return None
    message = piece.prose("message") or ""
    author = signature(piece.fields("author")) or Human(name="unknown")
    return Commit(
        sha=sha,
        message=message[:TEXT_LIMIT],
        author=author,
        # Read before the message is cut: trailers stand at its end.
        coauthors=tuple(other for other in coauthors(message) if not _same(other, author)),
        url=piece.link("url"),
        at=piece.moment("timestamp"),
        paths=_paths(piece),
    )


def _same(one: Human, other: Human) -> bool:
    """Whether two signatures are one person's: the same login, or the same address where a login is missing."""
    if one.login and other.login:
        return one.login.casefold() == other.login.casefold()
    return bool(one.email and other.email) and (one.email or "").casefold() == (other.email or "").casefold()


def _paths(piece: Fields) -> tuple[str, ...] | None:
    kinds = [key for key in ("added", "removed", "modified") if isinstance(piece.raw(key), list)]
    if not kinds:
        return None
    return tuple(sorted({storable(path) for key in kinds for path in piece.array(key) if isinstance(path, str)}))


def _reverts(repo: str, title: str, body: str) -> int | None:
    """The pull request of this repository that this one takes back, by GitHub's own words in its body or title."""
    for found in _REVERTS.finditer(body):
        where, number = found.groups()
        if where is None or where.casefold() == repo.casefold():
            return int(number)
    quoted = _REVERT_TITLE.match(title)
    return int(quoted.group(1)) if quoted else None
