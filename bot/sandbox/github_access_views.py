"""GitHub's REST view of what somebody may do in a repository (GitHub docs: Get repository permissions for a user)."""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.github_answers import Answer, Refused, Route
from bot.sandbox.github_views import RepositoryViews, caller_of
from bot.sandbox.repositories import ROLES


class AccessViews(RepositoryViews):
    """Answers what is asked of access."""

    def routes(self) -> list[Route]:
        """What it answers."""
        path = "/repos/{owner}/{repo}/collaborators/{login}/permission"
        return [("GET", path, self._permission, "metadata:read")]

    async def _permission(self, request: web.Request) -> Answer:
        """Every repository here is private, so whoever was never let in may nothing, be they the one who asks."""
        repo, caller = self.repo(request), caller_of(request)
        if not caller.is_installation:
            own = "none" if caller.account is None else repo.role_of(caller.account)
            if own == "none":
                raise Refused(404, "Not Found")
            if ROLES.index(own) < ROLES.index("write"):
                raise Refused(403, "Must have push access to view collaborator permission.")
        login = request.match_info["login"]
        account = self.github.forge.accounts.get(login.lower())
        if account is None:
            raise Refused(404, f"{login} is not a user")
        return 200, self.shapes.permission(account, repo.role_of(account))
