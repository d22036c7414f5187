"""The three ways a pull request becomes commits of its base branch, as GitHub's merge button does them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.sandbox.repositories import Account, Commit, File, Pull, Repository


def squash(repo: Repository, pull: Pull, theirs: Sequence[Commit], by: Account, at: datetime) -> list[Commit]:
    """One new commit by the author, titled "Title (#812)", which keeps the co-author trailers."""
    trailers = dict.fromkeys(
        line for commit in theirs for line in commit.message.splitlines() if line.lower().startswith("co-authored-by:")
    )
    titles = "\n\n".join(f"* {commit.message.splitlines()[0]}" for commit in theirs) if len(theirs) > 1 else ""
    message = "\n\n".join(part for part in (f"{pull.title} (#{pull.number})", titles, "\n".join(trailers)) if part)
    parents = [repo.branches[pull.base_ref]]
    files = _together(theirs)
    return [repo.add_commit(message=message, author=pull.author, parents=parents, files=files, at=at, by_github=True)]


def merge(repo: Repository, pull: Pull, theirs: Sequence[Commit], by: Account, at: datetime) -> list[Commit]:
    """The commits as they are, and a merge commit by whoever merged."""
    message = f"Merge pull request #{pull.number} from {repo.owner}/{pull.head_ref}\n\n{pull.title}"
    parents = [repo.branches[pull.base_ref], theirs[-1].sha]
    made = repo.add_commit(message=message, author=by, parents=parents, files=(), at=at, by_github=True)
    return [*theirs, made]


def rebase(repo: Repository, pull: Pull, theirs: Sequence[Commit], by: Account, at: datetime) -> list[Commit]:
    """A copy of each commit on top of the base branch."""
    landed: list[Commit] = []
    for commit in theirs:
        parent = landed[-1].sha if landed else repo.branches[pull.base_ref]
        landed.append(
            repo.add_commit(
                message=commit.message,
                author=commit.author,
                parents=[parent],
                files=commit.files,
                at=at,
                by_github=True,
            )
        )
    return landed


WAYS: dict[str, Callable[[Repository, Pull, Sequence[Commit], Account, datetime], list[Commit]]] = {
    "squash": squash,
    "merge": merge,
    "rebase": rebase,
}


def _together(commits: Sequence[Commit]) -> tuple[File, ...]:
    counts: dict[str, list[int]] = {}
    for commit in commits:
        for file in commit.files:
            lines = counts.setdefault(file.name, [0, 0])
            lines[0] += file.additions
            lines[1] += file.deletions
    return tuple(File(name=name, additions=lines[0], deletions=lines[1]) for name, lines in counts.items())
