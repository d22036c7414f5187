"""What GitHub's REST views for repositories stand on: the repository asked for, its commits, and who is asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from bot.sandbox.github_action_shapes import Shapes
from bot.sandbox.github_answers import Page, Refused, page_of
from bot.sandbox.repositories import Account, Repository

if TYPE_CHECKING:
    from bot.sandbox.github import GitHub


@dataclass(frozen=True)
class Caller:
    """Who is asking: ``app`` by its JWT, an ``installation`` of it, a ``person`` by a token, or ``nobody``."""

    kind: str
    account: Account | None = None

    @property
    def is_installation(self) -> bool:
        """Whether it is the App where it is installed."""
        return self.kind == "installation"


CALLER = web.RequestKey("caller", Caller)
"""Where the door leaves who is asking, in the request."""


class RepositoryViews:
    """The views of one subject; ``github`` is what they answer from."""

    def __init__(self, github: GitHub) -> None:
        self.github = github

    @property
    def shapes(self) -> Shapes:
        """How its answers are written."""
        return self.github.shapes

    def repo(self, request: web.Request) -> Repository:
        """The repository in the path."""
        try:
            return self.github.forge.repository(f"{request.match_info['owner']}/{request.match_info['repo']}")
        except LookupError:
            raise Refused(404, "Not Found") from None

    def sha(self, repo: Repository, ref: str) -> str:
        """The sha of a ref that must be there."""
        sha = repo.resolve(unquote(ref))
        if sha is None:
            raise Refused(404, "Not Found")
        return sha

    def commit_sha(self, request: web.Request, repo: Repository) -> str:
        """The sha of the commit in the path; GitHub's own answer for an unknown one is 422."""
        ref = unquote(request.match_info["ref"])
        sha = repo.resolve(ref)
        if sha is None:
            raise Refused(422, f"No commit found for SHA: {ref}")
        return sha

    def page(self, request: web.Request, everything: Sequence[Any]) -> Page:
        """The page asked for."""
        return page_of(request, self.github.shapes.api, everything)

    def counted(self, request: web.Request, name: str, everything: Sequence[Any]) -> Page:
        """The page asked for, with the count of everything around it."""
        page = self.page(request, everything)
        return Page(page.items, page.link, around={"total_count": len(everything), name: list(page.items)})


def caller_of(request: web.Request) -> Caller:
    """Who is asking, as the door has found out."""
    return request[CALLER]


def acting(request: web.Request, github: GitHub) -> Account:
    """The account in whose name something is done."""
    caller = caller_of(request)
    return github.app_user if caller.is_installation else caller.account or github.machine_user
