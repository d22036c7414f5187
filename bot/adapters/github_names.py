"""What a repository is called now, and its main branch: asked once in a while, so that a rename goes unnoticed."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from bot.adapters import github_errors
from bot.adapters.github_client import GithubClient
from bot.adapters.reading import line, text
from bot.errors import GiveUp

KNOWN_FOR = 600.0
"""Seconds for which the answer is remembered."""
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True)
class Known:
    """A repository under its present name."""

    name: str
    default_branch: str


class Names:
    """The present names of repositories. Asking also tells at once whether we can see one.

    PyGithub follows the redirect of a renamed repository and drops the page asked for on the way; a POST is not
    redirected at all.
    """

    def __init__(self, client: GithubClient) -> None:
        self._client = client
        self._known: dict[str, tuple[float, Known]] = {}
        """By the names asked for, and until when they hold."""

    async def of(self, repo: str) -> Known:
        """What this repository is called now; GiveUp where it is no repository's name, or we may not see it."""
        if _REPOSITORY.fullmatch(repo) is None:
            raise GiveUp("bad_repository", f"{repo[:100]!r} is not a repository's name: it looks like acme/checkout.")
        until, known = self._known.get(repo, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        answer = await self._client.get(repo, f"/repos/{repo}", repo)
        name = text(answer.data, "full_name")
        if _REPOSITORY.fullmatch(name) is None:
            raise github_errors.unreadable(repo)
        known = Known(name, line(answer.data, "default_branch") or "main")
        self._known[repo] = (time.monotonic() + KNOWN_FOR, known)
        return known
