"""GitHub's issues, where work that an incident leaves over is kept."""

from __future__ import annotations

import time

from bot.adapters import github_errors
from bot.adapters.github_client import GithubClient
from bot.adapters.github_names import Names
from bot.adapters.reading import link, text

LONGEST_TITLE = 256
LONGEST_BODY = 65_536
"""GitHub's limits; what is longer it refuses."""

_MOST_READ = 200
"""Issues and pull requests, newest first, among which one that was opened before is looked for: a second try comes
within minutes or hours of the first."""
_BEGIN_WITHIN = 40.0
"""Seconds from the call's beginning within which the issue is opened, or not at all."""


class IssueOpener:
    """The Issues port, over a connection that somebody else closes."""

    def __init__(self, client: GithubClient, names: Names) -> None:
        self._client = client
        self._names = names

    async def open_issue(self, repo: str, title: str, body: str, key: str) -> str:
        """Open an issue and return its address; one of the newest whose body carries the key's marker is that one.

        Doubtful where it may be open: a second call finds it.
        """
        begun = time.monotonic()
        repo = (await self._names.of(repo)).name
        marker = f"<!-- {key} -->"
        about = f"the issues of {repo}"

        listed = await self._client.pages(
            repo, f"/repos/{repo}/issues?state=all&sort=created&direction=desc", about, most=_MOST_READ
        )
        for one in listed:
            if marker in text(one, "body"):
                return _address(one, about)
        kept = body[: LONGEST_BODY - len(marker) - 2].rstrip()
        answer = await self._client.post(
            repo,
            f"/repos/{repo}/issues",
            f"a new issue in {repo}",
            {"title": _title(title), "body": f"{kept}\n\n{marker}"},
            needs="issues: write",
            begin_by=begun + _BEGIN_WITHIN,
        )
        return _address(answer.data, about)


def _title(said: str) -> str:
    line = " ".join(said.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1].rstrip()}…"


def _address(issue: object, about: str) -> str:
    found = link(issue, "html_url")
    if found is None:
        raise github_errors.interrupted(about, "an answer without an address")
    return found
