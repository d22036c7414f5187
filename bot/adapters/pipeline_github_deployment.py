"""Promoting by creating a deployment at GitHub, which the repository's own automation then carries out.

The deployment carries the promotion's number, so that one whose answer was lost is found again. GitHub's defaults would
merge the main branch into what is to be deployed, and wait for every check: both are off, the gates have judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.adapters import github_errors
from bot.adapters.github_shapes import promotion_of
from bot.adapters.pipeline_github import CLOCKS_APART, GithubSide, begun_now
from bot.adapters.reading import instant, line, whole
from bot.errors import GiveUp
from bot.ports import Found, Missing, Order, Started

MOST_LOOKED_AT = 500
"""Deployments of one commit to one environment that are looked through, newest first."""


class GithubDeployment:
    """The Pipeline for ``github-deployment``."""

    def __init__(self, github: GithubSide) -> None:
        self._github = github

    async def start(self, order: Order) -> Started:
        """Create the deployment of this commit. A refusal is told in GitHub's own words."""
        begun = begun_now()
        repo = (await self._github.known(order.repo)).name
        about = f"the deployment of {order.service} to {order.environment}"
        answer = await self._github.post(
            repo, "deployments", about, _asked(order), needs="deployments: write", begun=begun
        )
        started = self._started(repo, order, answer.data)
        if started is None and line(answer.data, "message"):
            raise GiveUp("not_deployed", f"GitHub deployed nothing. It says: {line(answer.data, 'message')}")
        if started is None:
            raise github_errors.interrupted(about, "its answer names no deployment")
        return started

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """The deployment that carries this promotion's number; its absence is certain."""
        repo = (await self._github.known(order.repo)).name
        earliest = since - CLOCKS_APART

        def is_older(found: dict[str, Any]) -> bool:
            made = instant(found, "created_at")
            return made is not None and made < earliest

        path = f"/repos/{repo}/deployments?sha={quote(order.sha)}&environment={quote(order.environment, safe='')}"
        found = await self._github.client.pages(
            repo, path, f"the deployments of {repo}", most=MOST_LOOKED_AT, stop=is_older
        )
        for one in found:
            if promotion_of(one) == order.promotion and (started := self._started(repo, order, one)):
                return started
        return Found.ABSENT

    async def missing(self, service: str, repo: str | None, environments: Sequence[str]) -> Sequence[Missing]:
        """The repository, and the App's permission."""
        if repo is None:
            return [Missing("no repository is known", f"Set services.{service}.repo in shipmate.yml.")]
        return await self._github.lacks(repo, {"deployments": "write"})

    def _started(self, repo: str, order: Order, found: Any) -> Started | None:
        number = whole(found, "id", limit=2**63 - 1)
        if number is None:
            return None
        return Started(
            f"deployment:{number}", f"{self._github.site}/{repo}/deployments/{quote(order.environment, safe='')}"
        )


def _asked(order: Order) -> dict[str, Any]:
    words = "Rolled back" if order.rollback else "Promoted"
    return {
        "ref": order.sha,
        "task": "deploy",
        "auto_merge": False,
        "required_contexts": [],
        "payload": {"service": order.service, "shipmate": {"promotion": order.promotion, "rollback": order.rollback}},
        "environment": order.environment,
        "description": f"{words} by Shipmate, promotion {order.promotion}",
    }
