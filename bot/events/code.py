"""What happens to code: merged changes, pushes, checks, releases; and who signed what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CheckStatus(StrEnum):
    """The verdict of one CI check on one commit."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Stopped or skipped: says nothing about the commit."""


@dataclass(frozen=True, kw_only=True)
class Human:
    """Somebody as a forge names them; ``login`` is the strongest, an e-mail from a commit is only a hint."""

    login: str | None = None
    name: str | None = None
    email: str | None = None
    bot: bool = False


_GITHUB_NOREPLY = re.compile(r"(?:\d+\+)?([a-z0-9_-]+(?:\[bot\])?)@users\.noreply\.github\.[a-z0-9.-]+", re.IGNORECASE)
"""The address GitHub gives an account that hides its own: ``583231+ana@users.noreply.github.com``."""

_NOBODY = ("noreply@", "no-reply@")
"""How the addresses of tools begin: an address that nobody reads is nobody's."""


def signed_by(name: str | None, email: str | None, login: str | None = None) -> Human:
    """Who signed a commit with this name and address; GitHub's own noreply addresses tell a login not given.

    A signature proves nothing: anybody can write any name and address into a commit.
    """
    noreply = _GITHUB_NOREPLY.fullmatch(email or "")
    login = login or (noreply.group(1) if noreply else None)
    bot = (
        any(word.casefold().endswith("[bot]") for word in (login, name) if word)
        or (login or "").casefold() == "copilot"
        or (login is None and (email or "").casefold().startswith(_NOBODY))
    )
    return Human(login=login, name=name, email=email, bot=bot)


def coauthors(message: str) -> tuple[Human, ...]:
    """Everyone named in a commit message by ``Co-authored-by: Name <address>``, once each, in its order.

    Such lines are read wherever they stand: a squash merge joins several messages into one, trailers and all.
    """
    found: dict[str, Human] = {}
    for line in message.splitlines():
        key, _, value = line.partition(":")
        if key.strip().casefold() != "co-authored-by":
            continue
        name, opening, address = value.strip().rpartition("<")
        email = address.removesuffix(">").strip()
        if not opening or not address.endswith(">") or "@" not in email:
            continue
        human = signed_by(name.strip() or None, email)
        found.setdefault((human.login or email).casefold(), human)
    return tuple(found.values())


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One commit; ``paths`` is None where the sender does not list the files it touches."""

    sha: str
    message: str
    author: Human
    coauthors: tuple[Human, ...] = ()
    url: str | None = None
    at: datetime | None = None
    paths: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MergedPull:
    """One merged pull request. ``sha`` is the commit it became on its base branch (merge, squash or last rebased).

    ``reverts`` is the number of the pull request it takes back. ``commits`` are further commits on the base branch
    known to belong to it (rebase and merge commits), where the sender tells.
    """

    number: int
    sha: str
    title: str
    url: str
    author: Human
    merger: Human | None = None
    coauthors: tuple[Human, ...] = ()
    labels: tuple[str, ...] = ()
    additions: int | None = None
    deletions: int | None = None
    base: str | None = None
    merged_at: datetime | None = None
    reverts: int | None = None
    commits: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeMerged:
    """A pull request was merged. ``repo`` is ``owner/name``."""

    repo: str
    pull: MergedPull
    at: datetime


@dataclass(frozen=True, kw_only=True)
class CommitsPushed:
    """Commits arrived on the main branch (other branches are not told)."""

    repo: str
    commits: tuple[Commit, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class CheckFinished:
    """A CI check ended on a commit. ``main`` is whether it ran for the main branch rather than a pull request.

    ``run`` orders re-runs of one ``name`` on one commit: the highest is the present verdict.
    """

    repo: str
    sha: str
    name: str
    status: CheckStatus
    main: bool
    run: int
    at: datetime
    url: str | None = None
    author: Human | None = None
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReleasePublished:
    """A named version was published for a tag."""

    repo: str
    tag: str
    name: str
    url: str
    at: datetime
