"""GitHub's REST views of issues (GitHub docs: REST API endpoints for issues). Pull requests are issues, too.

Limits: nobody closes, edits, comments on or is assigned to an issue; of filters, there are the state, the sort and
``since``.
"""

from __future__ import annotations

from aiohttp import web

from bot.sandbox.github_answers import Answer, Refused, Route, body_of, instant_of, number, optional, typed, wanted
from bot.sandbox.github_records import Issue
from bot.sandbox.github_shapes import stamp
from bot.sandbox.github_views import RepositoryViews, acting, caller_of
from bot.sandbox.repositories import Pull, Repository
from bot.sandbox.world import Json

LONGEST_TITLE = 256
LONGEST_BODY = 65_536
STATES = ("open", "closed", "all")


class IssueViews(RepositoryViews):
    """Answers what is asked of issues."""

    def routes(self) -> list[Route]:
        """What it answers."""
        repo = "/repos/{owner}/{repo}"
        return [
            ("GET", f"{repo}/issues", self._listed, "issues:read"),
            ("POST", f"{repo}/issues", self._create, "issues:write"),
            ("GET", f"{repo}/issues/{{number}}", self._one, "issues:read"),
        ]

    async def _listed(self, request: web.Request) -> Answer:
        repo, query = self.repo(request), request.query
        state = query.get("state", "open")
        if state not in STATES:
            raise Refused(422, "Validation Failed")
        since = instant_of(query.get("since"), "since")
        everything: dict[int, Issue | Pull] = {**repo.issues, **repo.pulls}
        shapes = [self._shape(repo, one) for _, one in sorted(everything.items())]
        found = [
            one
            for one in shapes
            if state in ("all", one["state"]) and (since is None or one["updated_at"] >= stamp(since))
        ]
        if query.get("direction", "desc") == "desc":
            found.reverse()
        return self.page(request, found)

    async def _one(self, request: web.Request) -> Answer:
        repo, asked = self.repo(request), number(request, "number")
        found = repo.issues.get(asked) or repo.pulls.get(asked)
        if found is None:
            raise Refused(404, "Not Found")
        return 200, self._shape(repo, found)

    async def _create(self, request: web.Request) -> Answer:
        repo, sent = self.repo(request), await body_of(request)
        title, body = wanted(sent, "title", str), optional(sent, "body")
        if not title.strip():
            raise _too("title", "missing_field", "title can't be blank")
        if len(title) > LONGEST_TITLE:
            raise _too("title", "custom", f"title is too long (maximum is {LONGEST_TITLE} characters)")
        if len(body) > LONGEST_BODY:
            raise _too("body", "custom", f"body is too long (maximum is {LONGEST_BODY} characters)")
        labels = typed(sent, "labels", list) if "labels" in sent else []
        issue = Issue(
            id=next(self.github.forge.numbers),
            number=repo.next_pull,
            title=title,
            body=body or None,
            author=acting(request, self.github),
            labels=tuple(_label(one) for one in labels),
            at=self.github.now(),
            by_app=caller_of(request).is_installation,
        )
        return 201, self._shape(repo, repo.add_issue(issue))

    def _shape(self, repo: Repository, one: Issue | Pull) -> Json:
        url = f"{self.shapes.api}/repos/{repo.full_name}/issues/{one.number}"
        page = f"{self.shapes.web}/{repo.full_name}"
        closed = one.merged_at if isinstance(one, Pull) else None
        made = one.created_at if isinstance(one, Pull) else one.at
        shape: Json = {
            "url": url,
            "repository_url": f"{self.shapes.api}/repos/{repo.full_name}",
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": f"{page}/{'pull' if isinstance(one, Pull) else 'issues'}/{one.number}",
            "id": one.id,
            "node_id": f"I_{one.id}",
            "number": one.number,
            "title": one.title,
            "user": self.shapes.user(one.author),
            "labels": [self.shapes.label(repo, name) for name in one.labels],
            "state": "closed" if closed else "open",
            "state_reason": None,
            "locked": False,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": 0,
            "created_at": stamp(made),
            "updated_at": stamp(closed or made),
            "closed_at": stamp(closed) if closed else None,
            "author_association": "MEMBER",
            "active_lock_reason": None,
            "body": one.body or None,
            "performed_via_github_app": self.shapes.app() if isinstance(one, Issue) and one.by_app else None,
        }
        if isinstance(one, Pull):
            api = f"{self.shapes.api}/repos/{repo.full_name}/pulls/{one.number}"
            shape["pull_request"] = {
                "url": api,
                "html_url": shape["html_url"],
                "diff_url": f"{shape['html_url']}.diff",
                "patch_url": f"{shape['html_url']}.patch",
                "merged_at": stamp(closed) if closed else None,
            }
        return shape


def _too(field: str, code: str, told: str) -> Refused:
    """GitHub's refusal of a field."""
    return Refused(
        422, "Validation Failed", errors=[{"resource": "Issue", "field": field, "code": code, "message": told}]
    )


def _label(sent: object) -> str:
    """A label by its name, which may stand alone or in an object."""
    name = sent.get("name") if isinstance(sent, dict) else sent
    if not isinstance(name, str) or not name:
        raise _too("labels", "invalid", "a label is a name, or an object with a name")
    return name
