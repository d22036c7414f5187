"""GitHub's REST API (2022-11-28) for what the bot reads: repositories, commits, pulls, deployments, hook deliveries.

The repositories are private: without a token they do not exist, with a wrong one the answer is 401. Limits: no
conditional requests, no writes but asking for a delivery again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from bot.sandbox.github_answers import API, Answer, Page, Refused, View, number, page_of, positive
from bot.sandbox.github_app import App
from bot.sandbox.github_app_views import AppViews
from bot.sandbox.github_hooks import INSTALLATION_ID
from bot.sandbox.github_shapes import error
from bot.sandbox.repositories import Repository

if TYPE_CHECKING:
    from bot.sandbox.github import GitHub

HOURLY = 5000
UNPAGED_COMMITS = 250
MOST_FILES = 300
MOST_PULL_COMMITS = 250


class RestApi:
    """Answers REST calls for one GitHub."""

    def __init__(self, github: GitHub, app: App) -> None:
        self._github = github
        self._app = app
        self._used = 0
        self._reset = int(time.time()) + 3600

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """What it answers below ``prefix``."""
        repo = "/repos/{owner}/{repo}"
        views: list[tuple[str, str, View]] = [
            ("GET", "/rate_limit", self._rate_limit),
            ("GET", "/users/{login}", self._user),
            *AppViews(self._github, self._app).views(),
            ("GET", repo, self._repository),
            ("GET", f"{repo}/compare/{{basehead:.+}}", self._compare),
            ("GET", f"{repo}/commits", self._commits),
            ("GET", f"{repo}/commits/{{ref}}/pulls", self._commit_pulls),
            ("GET", f"{repo}/commits/{{ref:.+}}", self._commit),
            ("GET", f"{repo}/pulls", self._pulls),
            ("GET", f"{repo}/pulls/{{number}}", self._pull),
            ("GET", f"{repo}/pulls/{{number}}/files", self._pull_files),
            ("GET", f"{repo}/pulls/{{number}}/commits", self._pull_commits),
            ("GET", f"{repo}/deployments", self._deployments),
            ("GET", f"{repo}/deployments/{{id}}", self._deployment),
            ("GET", f"{repo}/deployments/{{id}}/statuses", self._statuses),
            ("GET", f"{repo}/actions/runs/{{id}}", self._run),
        ]
        known = [web.route(verb, prefix + path, self._door(view)) for verb, path, view in views]
        return [*known, web.route("*", prefix + "/{rest:.*}", self._door(self._unknown))]

    # The door

    def _door(self, view: View) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            sent = await request.text()
            result: Any
            headers = self._limits()
            try:
                await self._suffer()
                self._authorise(request)
                answer = await view(request)
                if isinstance(answer, Page):
                    status, result = 200, answer.items if answer.around is None else answer.around
                    if answer.link:
                        headers["Link"] = answer.link
                else:
                    status, result = answer
            except Refused as refused:
                status, result = refused.status, error(refused.message, refused.status)
                headers |= refused.headers
            text = "" if status == 204 else json.dumps(result)
            self._github.log.add(
                incoming=True,
                verb=request.method,
                path=request.path_qs,
                method=f"{request.method} {request.path.removeprefix(API)}",
                args=dict(request.query),
                status=status,
                answer=result,
                began=began,
                request_headers=request.headers,
                request_body=sent,
                answer_body=text,
            )
            return web.Response(
                text=text, status=status, headers=headers, content_type="application/json", charset="utf-8"
            )

        return handle

    def _limits(self) -> dict[str, str]:
        if time.time() >= self._reset:
            self._used, self._reset = 0, int(time.time()) + 3600
        self._used += 1
        return {
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Api-Version-Selected": "2022-11-28",
            "X-RateLimit-Limit": str(HOURLY),
            "X-RateLimit-Remaining": str(max(0, HOURLY - self._used)),
            "X-RateLimit-Used": str(self._used),
            "X-RateLimit-Reset": str(self._reset),
            "X-RateLimit-Resource": "core",
        }

    async def _suffer(self) -> None:
        faults = self._github.faults
        if faults.slow:
            await asyncio.sleep(faults.slow)
        if faults.down:
            raise Refused(503, "No server is currently available to service your request. Sorry about that.")
        if faults.rate_limited is not None and faults.rate_limited > time.time():
            raise Refused(
                403,
                f"API rate limit exceeded for installation ID {INSTALLATION_ID}.",
                {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(faults.rate_limited) + 1)},
            )

    def _authorise(self, request: web.Request) -> None:
        path = request.path.removeprefix(API)
        token = request.headers.get("Authorization", "").rpartition(" ")[2]
        if path == "/app" or path.startswith("/app/") or path.endswith("/installation"):
            fault = self._app.fault_of(token)
            if fault is not None:
                raise Refused(401, fault)
        elif token and token != self._github.token and not self._app.knows(token):
            raise Refused(401, "Bad credentials")
        elif not token and path.startswith("/repos/"):
            raise Refused(404, "Not Found")

    # What is asked for

    def _repo(self, request: web.Request) -> Repository:
        try:
            return self._github.forge.repository(f"{request.match_info['owner']}/{request.match_info['repo']}")
        except LookupError:
            raise Refused(404, "Not Found") from None

    def _sha(self, repo: Repository, ref: str) -> str:
        sha = repo.resolve(unquote(ref))
        if sha is None:
            raise Refused(404, "Not Found")
        return sha

    def _page(self, request: web.Request, everything: Sequence[Any]) -> Page:
        return page_of(request, self._github.shapes.api, everything)

    async def _unknown(self, request: web.Request) -> Answer:
        raise Refused(404, "Not Found")

    async def _rate_limit(self, request: web.Request) -> Answer:
        core = {"limit": HOURLY, "used": self._used, "remaining": HOURLY - self._used, "reset": self._reset}
        return 200, {"resources": {"core": core}, "rate": core}

    async def _user(self, request: web.Request) -> Answer:
        account = self._github.forge.accounts.get(request.match_info["login"].lower())
        if account is None:
            raise Refused(404, "Not Found")
        return 200, self._github.shapes.full_user(account)

    async def _repository(self, request: web.Request) -> Answer:
        return 200, self._github.shapes.repository(self._repo(request))

    async def _compare(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        shapes = self._github.shapes
        base, dots, head = unquote(request.match_info["basehead"]).partition("...")
        if not dots:
            raise Refused(404, "Not Found")
        compared = repo.compare(self._sha(repo, base), self._sha(repo, head))
        if compared.merge_base is None:
            raise Refused(404, f"No common ancestor between {base} and {head}.")
        ahead = [repo.commits[sha] for sha in compared.ahead]
        paged = "page" in request.query or "per_page" in request.query
        page = self._page(request, ahead) if paged else Page(ahead[-UNPAGED_COMMITS:], "")
        web_page = f"{shapes.web}/{repo.full_name}/compare/{base}...{head}"
        url = f"{shapes.api}/repos/{repo.full_name}/compare/{base}...{head}"
        result: dict[str, Any] = {
            "url": url,
            "html_url": web_page,
            "permalink_url": web_page,
            "diff_url": f"{web_page}.diff",
            "patch_url": f"{web_page}.patch",
            "base_commit": shapes.commit(repo, repo.commits[compared.base]),
            "merge_base_commit": shapes.commit(repo, repo.commits[compared.merge_base]),
            "status": compared.status,
            "ahead_by": len(compared.ahead),
            "behind_by": len(compared.behind),
            "total_commits": len(compared.ahead),
            "commits": [shapes.commit(repo, commit) for commit in page.items],
        }
        if positive(request, "page", 1) == 1:
            result["files"] = shapes.files(repo, ahead)[:MOST_FILES]
        return Page(result["commits"], page.link, around=result)

    async def _commits(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        sha: str | None = self._sha(repo, request.query.get("sha", repo.default_branch))
        line = []
        while sha is not None:
            commit = repo.commits[sha]
            line.append(commit)
            sha = commit.parents[0] if commit.parents else None
        page = self._page(request, line)
        return Page([self._github.shapes.commit(repo, commit) for commit in page.items], page.link)

    async def _commit(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        ref = unquote(request.match_info["ref"])
        sha = repo.resolve(ref)
        if sha is None:
            raise Refused(422, f"No commit found for SHA: {ref}")
        return 200, self._github.shapes.commit(repo, repo.commits[sha], files=True)

    async def _commit_pulls(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        ref = unquote(request.match_info["ref"])
        sha = repo.resolve(ref)
        if sha is None:
            raise Refused(422, f"No commit found for SHA: {ref}")
        pulls = [repo.pulls[number] for number in repo.pulls_of.get(sha, ())]
        page = self._page(request, pulls)
        return Page([self._github.shapes.pull(repo, pull, full=False) for pull in page.items], page.link)

    async def _pulls(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        state = request.query.get("state", "open")
        chosen = [
            pull
            for pull in reversed(repo.pulls.values())
            if state == "all" or (pull.merged_at is None) == (state == "open")
        ]
        page = self._page(request, chosen)
        return Page([self._github.shapes.pull(repo, pull, full=False) for pull in page.items], page.link)

    async def _pull(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        pull = repo.pulls.get(number(request, "number"))
        if pull is None:
            raise Refused(404, "Not Found")
        return 200, self._github.shapes.pull(repo, pull, full=True)

    async def _pull_files(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        pull = repo.pulls.get(number(request, "number"))
        if pull is None:
            raise Refused(404, "Not Found")
        return self._page(request, self._github.shapes.files(repo, [repo.commits[sha] for sha in pull.commits]))

    async def _pull_commits(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        pull = repo.pulls.get(number(request, "number"))
        if pull is None:
            raise Refused(404, "Not Found")
        commits = [repo.commits[sha] for sha in pull.commits[:MOST_PULL_COMMITS]]
        page = self._page(request, commits)
        return Page([self._github.shapes.commit(repo, commit) for commit in page.items], page.link)

    async def _deployments(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        chosen = list(reversed(repo.deployments.values()))
        for name in ("sha", "ref", "environment"):
            wanted = request.query.get(name)
            if wanted:
                chosen = [one for one in chosen if getattr(one, name) == wanted]
        page = self._page(request, chosen)
        return Page([self._github.shapes.deployment(repo, one) for one in page.items], page.link)

    async def _deployment(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        deployment = repo.deployments.get(number(request, "id"))
        if deployment is None:
            raise Refused(404, "Not Found")
        return 200, self._github.shapes.deployment(repo, deployment)

    async def _statuses(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        deployment = repo.deployments.get(number(request, "id"))
        if deployment is None:
            raise Refused(404, "Not Found")
        page = self._page(request, list(reversed(deployment.statuses)))
        return Page([self._github.shapes.status(repo, deployment, one) for one in page.items], page.link)

    async def _run(self, request: web.Request) -> Answer:
        repo = self._repo(request)
        run = repo.runs.get(number(request, "id"))
        if run is None:
            raise Refused(404, "Not Found")
        return 200, self._github.shapes.run(repo, run)
