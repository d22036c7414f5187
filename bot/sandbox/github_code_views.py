"""GitHub's REST views of code: repositories, comparisons, commits, pull requests and their reviews."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from aiohttp import web

from bot.sandbox.github_answers import (
    Answer,
    Page,
    Refused,
    Route,
    body_of,
    instant_of,
    number,
    one_of,
    optional,
    positive,
)
from bot.sandbox.github_hooks import EVENTS, HOOK_ID
from bot.sandbox.github_runs import between
from bot.sandbox.github_shapes import stamp
from bot.sandbox.github_views import RepositoryViews, acting, caller_of
from bot.sandbox.repositories import Pull, Repository

UNPAGED_COMMITS = 250
MOST_FILES = 300
MOST_PULL_COMMITS = 250
_REVIEWS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


class CodeViews(RepositoryViews):
    """Answers what is asked of code."""

    def routes(self) -> list[Route]:
        """What it answers."""
        repo = "/repos/{owner}/{repo}"
        return [
            ("GET", repo, self._repository, "metadata:read"),
            ("GET", f"{repo}/hooks", self._hooks, "repository_hooks:read"),
            ("GET", f"{repo}/compare/{{basehead:.+}}", self._compare, "contents:read"),
            ("GET", f"{repo}/commits", self._commits, "contents:read"),
            ("GET", f"{repo}/commits/{{ref}}/pulls", self._commit_pulls, "pull_requests:read"),
            ("GET", f"{repo}/pulls", self._pulls, "pull_requests:read"),
            ("GET", f"{repo}/pulls/{{number}}", self._pull, "pull_requests:read"),
            ("GET", f"{repo}/pulls/{{number}}/files", self._pull_files, "pull_requests:read"),
            ("GET", f"{repo}/pulls/{{number}}/commits", self._pull_commits, "pull_requests:read"),
            ("GET", f"{repo}/pulls/{{number}}/reviews", self._reviews, "pull_requests:read"),
            ("POST", f"{repo}/pulls/{{number}}/reviews", self._review, "pull_requests:write"),
        ]

    def last_routes(self) -> list[Route]:
        """What it answers where nothing more particular does."""
        return [("GET", "/repos/{owner}/{repo}/commits/{ref:.+}", self._commit, "contents:read")]

    async def _repository(self, request: web.Request) -> Answer:
        return 200, self.shapes.full_repository(self.repo(request))

    async def _compare(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        base, dots, head = unquote(request.match_info["basehead"]).partition("...")
        if not dots:
            raise Refused(404, "Not Found")
        compared = repo.compare(self.sha(repo, base), self.sha(repo, head))
        if compared.merge_base is None:
            raise Refused(404, f"No common ancestor between {base} and {head}.")
        ahead = [repo.commits[sha] for sha in compared.ahead]
        paged = "page" in request.query or "per_page" in request.query
        page = self.page(request, ahead) if paged else Page(ahead[-UNPAGED_COMMITS:], "")
        web_page = f"{self.shapes.web}/{repo.full_name}/compare/{base}...{head}"
        url = f"{self.shapes.api}/repos/{repo.full_name}/compare/{base}...{head}"
        result: dict[str, Any] = {
            "url": url,
            "html_url": web_page,
            "permalink_url": web_page,
            "diff_url": f"{web_page}.diff",
            "patch_url": f"{web_page}.patch",
            "base_commit": self.shapes.commit(repo, repo.commits[compared.base]),
            "merge_base_commit": self.shapes.commit(repo, repo.commits[compared.merge_base]),
            "status": compared.status,
            "ahead_by": len(compared.ahead),
            "behind_by": len(compared.behind),
            "total_commits": len(compared.ahead),
            "commits": [self.shapes.commit(repo, commit) for commit in page.items],
        }
        if positive(request, "page", 1) == 1:
            result["files"] = self.shapes.files(repo, ahead)[:MOST_FILES]
        return Page(result["commits"], page.link, around=result)

    async def _commits(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        head = self.sha(repo, request.query.get("sha", repo.default_branch))
        since, until = (instant_of(request.query.get(name), name) for name in ("since", "until"))
        everything = [commit for commit in repo.history(head) if between(commit.at, since, until)]
        page = self.page(request, everything)
        return Page([self.shapes.commit(repo, commit) for commit in page.items], page.link)

    async def _commit(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        sha = self.commit_sha(request, repo)
        return 200, self.shapes.commit(repo, repo.commits[sha], files=True)

    async def _commit_pulls(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        sha = self.commit_sha(request, repo)
        pulls = [repo.pulls[number] for number in repo.pulls_of.get(sha, ())]
        page = self.page(request, pulls)
        return Page([self.shapes.pull(repo, pull, full=False) for pull in page.items], page.link)

    async def _pulls(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        state = request.query.get("state", "open")
        chosen = [
            pull
            for pull in reversed(repo.pulls.values())
            if state == "all" or (pull.merged_at is None) == (state == "open")
        ]
        page = self.page(request, chosen)
        return Page([self.shapes.pull(repo, pull, full=False) for pull in page.items], page.link)

    async def _pull(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        pull = self._asked(request, repo)
        return 200, self.shapes.pull(repo, pull, full=True)

    async def _pull_files(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        pull = self._asked(request, repo)
        return self.page(request, self.shapes.files(repo, [repo.commits[sha] for sha in pull.commits]))

    async def _pull_commits(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        pull = self._asked(request, repo)
        commits = [repo.commits[sha] for sha in pull.commits[:MOST_PULL_COMMITS]]
        page = self.page(request, commits)
        return Page([self.shapes.commit(repo, commit) for commit in page.items], page.link)

    def _asked(self, request: web.Request, repo: Repository) -> Pull:
        pull = repo.pulls.get(number(request, "number"))
        if pull is None:
            raise Refused(404, "Not Found")
        return pull

    async def _reviews(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        pull = self._asked(request, repo)
        return self.page(request, [self.shapes.review(repo, pull, review, hook=False) for review in pull.reviews])

    async def _review(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        pull, by, sent = self._asked(request, repo), acting(request, self.github), await body_of(request)
        event, body = one_of(sent, "event", list(_REVIEWS)), optional(sent, "body")
        if event != "COMMENT" and by is pull.author:
            verb = "approve" if event == "APPROVE" else "request changes on"
            raise _unprocessable(f"Can not {verb} your own pull request")
        if event != "APPROVE" and not body:
            raise _unprocessable("Body can not be blank")
        made = self.github.add_review(repo, pull, by, _REVIEWS[event], body)
        return 200, self.shapes.review(repo, pull, made, hook=False)

    async def _hooks(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        if caller_of(request).is_installation:
            return 200, []  # an App's own hook is the App's, not the repository's
        url = self.github.hooks.bot_url
        if url is None:
            return 200, []
        hook = f"{self.shapes.api}/repos/{repo.full_name}/hooks/{HOOK_ID}"
        created = stamp(repo.commits[repo.branches[repo.default_branch]].at)
        config = {
            "url": f"{url}/webhooks/github",
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": "********",
        }
        return self.page(
            request,
            [
                {
                    "type": "Repository",
                    "id": HOOK_ID,
                    "name": "web",
                    "active": True,
                    "events": list(EVENTS),
                    "config": config,
                    "created_at": created,
                    "updated_at": created,
                    "url": hook,
                    "test_url": f"{hook}/test",
                    "ping_url": f"{hook}/pings",
                    "deliveries_url": f"{hook}/deliveries",
                    "last_response": {"code": None, "status": "unused", "message": None},
                }
            ],
        )


def _unprocessable(told: str) -> Refused:
    return Refused(422, "Unprocessable Entity", errors=[{"message": told}])
