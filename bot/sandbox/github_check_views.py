"""GitHub's REST views of checks: check runs and suites, and the older commit statuses. Only Apps write check runs."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.sandbox.github_answers import Answer, Refused, Route, body_of, invalid, number, one_of, optional, typed, wanted
from bot.sandbox.github_app import APP_SLUG
from bot.sandbox.github_deployment_views import too_long
from bot.sandbox.github_records import CheckRun, CheckSuite
from bot.sandbox.github_runs import latest_checks, latest_statuses
from bot.sandbox.github_views import RepositoryViews, acting, caller_of
from bot.sandbox.repositories import Repository
from bot.sandbox.world import Json

STATES = ("error", "failure", "pending", "success")
STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")
LONGEST_DESCRIPTION = 140


@dataclass(frozen=True)
class Change:
    """What a check run is to say from now on: its conclusion, and its title and summary; None leaves them."""

    conclusion: str | None
    output: tuple[str | None, str] | None


class CheckViews(RepositoryViews):
    """Answers what is asked of checks."""

    def routes(self) -> list[Route]:
        """What it answers."""
        repo = "/repos/{owner}/{repo}"
        return [
            ("GET", f"{repo}/commits/{{ref}}/check-runs", self._of_commit, "checks:read"),
            ("GET", f"{repo}/commits/{{ref}}/check-suites", self._suites, "checks:read"),
            ("GET", f"{repo}/commits/{{ref}}/status", self._combined, "statuses:read"),
            ("GET", f"{repo}/commits/{{ref}}/statuses", self._statuses, "statuses:read"),
            ("POST", f"{repo}/statuses/{{ref}}", self._add_status, "statuses:write"),
            ("POST", f"{repo}/check-runs", self._create, "checks:write"),
            ("GET", f"{repo}/check-runs/{{id}}", self._one, "checks:read"),
            ("PATCH", f"{repo}/check-runs/{{id}}", self._update, "checks:write"),
            ("GET", f"{repo}/check-suites/{{id}}", self._suite, "checks:read"),
            ("GET", f"{repo}/check-suites/{{id}}/check-runs", self._of_suite, "checks:read"),
        ]

    # Check runs

    async def _of_commit(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        sha = self.commit_sha(request, repo)
        if request.query.get("filter", "latest") == "all":
            found = [check for check in repo.checks.values() if check.sha == sha]
        else:
            found = latest_checks(repo, sha)
        return self._listed(request, repo, found)

    async def _of_suite(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        suite = self._suite_asked(request, repo)
        return self._listed(request, repo, [check for check in latest_checks(repo, suite.sha) if check.suite is suite])

    def _listed(self, request: web.Request, repo: Repository, found: list[CheckRun]) -> Answer:
        query = request.query
        chosen = [
            self.shapes.check(repo, check)
            for check in reversed(found)
            if query.get("check_name") in (None, check.name) and query.get("status") in (None, check.status)
        ]
        return self.counted(request, "check_runs", chosen)

    def _asked(self, request: web.Request, repo: Repository) -> CheckRun:
        check = repo.checks.get(number(request, "id"))
        if check is None:
            raise Refused(404, "Not Found")
        return check

    async def _one(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        return 200, self.shapes.check(repo, self._asked(request, repo))

    async def _create(self, request: web.Request) -> Answer:
        repo, sent = self.repo(request), await body_of(request)
        _only_apps(request)
        name, sha = wanted(sent, "name", str), self.sha(repo, wanted(sent, "head_sha", str))
        status, change = one_of(sent, "status", STATUSES) if "status" in sent else "queued", _change(sent)
        if status == "completed" and change.conclusion is None:
            raise invalid("Missing required key: conclusion")
        suite = self.github.suite_of(repo, sha, APP_SLUG.capitalize())
        check = self.github.add_check(repo, suite, name, optional(sent, "details_url"), status)
        self._apply(repo, check, change)
        return 201, self.shapes.check(repo, check)

    async def _update(self, request: web.Request) -> Answer:
        repo, sent = self.repo(request), await body_of(request)
        _only_apps(request)
        check = self._asked(request, repo)
        if check.suite.app != APP_SLUG.capitalize():
            raise Refused(403, "Invalid app_id - check run can only be modified by the GitHub App that created it.")
        status, change = one_of(sent, "status", STATUSES) if "status" in sent else check.status, _change(sent)
        if status == "completed" and change.conclusion is None and check.conclusion is None:
            raise invalid("Missing required key: conclusion")
        check.status = status
        self._apply(repo, check, change)
        return 200, self.shapes.check(repo, check)

    def _apply(self, repo: Repository, check: CheckRun, change: Change) -> None:
        if change.output is not None:
            check.title, check.summary = change.output
        if change.conclusion is not None:
            self.github.end_check(repo, check, change.conclusion)

    # Suites

    def _suite_asked(self, request: web.Request, repo: Repository) -> CheckSuite:
        suite = repo.suites.get(number(request, "id"))
        if suite is None:
            raise Refused(404, "Not Found")
        return suite

    async def _suite(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        return 200, self._suite_shape(repo, self._suite_asked(request, repo))

    def _suite_shape(self, repo: Repository, suite: CheckSuite) -> Json:
        return self.shapes.suite(repo, suite) | {"repository": self.shapes.minimal_repository(repo)}

    async def _suites(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        sha = self.commit_sha(request, repo)
        found = [self._suite_shape(repo, suite) for suite in repo.suites.values() if suite.sha == sha]
        return self.counted(request, "check_suites", found)

    # Commit statuses

    async def _combined(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        sha = self.commit_sha(request, repo)
        latest = latest_statuses(repo, sha)
        states = {status.state for status in latest}
        state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
        url = f"{self.shapes.api}/repos/{repo.full_name}/commits/{sha}"
        page = self.page(request, latest)
        return 200, {
            "state": state,
            "statuses": [self.shapes.combined_status(repo, one) for one in page.items],
            "sha": sha,
            "total_count": len(latest),
            "repository": self.shapes.minimal_repository(repo),
            "commit_url": url,
            "url": f"{url}/status",
        }

    async def _statuses(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        sha = self.commit_sha(request, repo)
        found = [self.shapes.commit_status(repo, one) for one in reversed(repo.commit_statuses) if one.sha == sha]
        return self.page(request, found)

    async def _add_status(self, request: web.Request) -> Answer:
        repo, by, sent = self.repo(request), acting(request, self.github), await body_of(request)
        sha = self.commit_sha(request, repo)
        state, description = one_of(sent, "state", STATES), optional(sent, "description")
        if len(description) > LONGEST_DESCRIPTION:
            raise too_long("Status", "description", LONGEST_DESCRIPTION)
        context, target = optional(sent, "context", "default"), optional(sent, "target_url")
        made = self.github.add_status(repo, sha, context, state, by, description or None, target or None)
        return 201, self.shapes.commit_status(repo, made)


def _change(sent: Json) -> Change:
    output = typed(sent, "output", dict) if "output" in sent else None
    return Change(
        one_of(sent, "conclusion", CONCLUSIONS) if "conclusion" in sent else None,
        None if output is None else (optional(output, "title") or None, wanted(output, "summary", str)),
    )


def _only_apps(request: web.Request) -> None:
    if not caller_of(request).is_installation:
        raise Refused(403, "You must authenticate via a GitHub App.")
