"""The door of GitHub's REST API (2022-11-28): who is asking, what they may, how much they asked, what is wrong today.

The repositories are private: without a token they do not exist, with a wrong one the answer is 401. Limits: no
conditional requests; of two API versions only the default one.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.bodies import text_of
from bot.sandbox.exhausted import refused_until
from bot.sandbox.github_access_views import AccessViews
from bot.sandbox.github_answers import API, Answer, Page, Refused, Route, View
from bot.sandbox.github_app_views import AppViews
from bot.sandbox.github_check_views import CheckViews
from bot.sandbox.github_code_views import CodeViews
from bot.sandbox.github_deployment_views import DeploymentViews
from bot.sandbox.github_gate_views import GateViews
from bot.sandbox.github_issue_views import IssueViews
from bot.sandbox.github_limits import RATE_LIMIT, SEARCHES, primary, secondary
from bot.sandbox.github_run_views import RunViews
from bot.sandbox.github_shapes import error
from bot.sandbox.github_sign_in import SignInViews
from bot.sandbox.github_views import CALLER, Caller, acting, caller_of

if TYPE_CHECKING:
    from bot.sandbox.github import GitHub


VERSION = "2022-11-28"


class RestApi:
    """Answers REST calls for one GitHub."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """What it answers below ``prefix``."""
        code = CodeViews(self._github)
        views: list[Route] = [
            ("GET", RATE_LIMIT, self._rate_limit, None),
            ("GET", "/user", self._me, None),
            ("GET", "/users/{login}", self._user, None),
            *((verb, path, view, None) for verb, path, view in AppViews(self._github, self._github.app).views()),
            *code.routes(),
            *AccessViews(self._github).routes(),
            *CheckViews(self._github).routes(),
            *DeploymentViews(self._github).routes(),
            *GateViews(self._github).routes(),
            *IssueViews(self._github).routes(),
            *RunViews(self._github).routes(),
            *code.last_routes(),
        ]
        known = [web.route(verb, prefix + path, self._door(view, permission)) for verb, path, view, permission in views]
        return [*known, web.route("*", prefix + "/{rest:.*}", self._door(_unknown, None))]

    def beside(self, prefix: str) -> list[web.RouteDef]:
        """What it answers beside the REST API, which is below ``prefix``: GraphQL, and pages for people."""
        sign_in = SignInViews(self._github)
        return [web.post(prefix.removesuffix("/v3") + "/graphql", self._door(sign_in.graphql, None)), *sign_in.routes()]

    # The door

    def _door(self, view: View, permission: str | None) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            sent = await text_of(request)
            result: Any
            status: int
            headers: dict[str, str] = {}
            limits = self._github.limits
            limits.under_way += 1
            try:
                path = request.path.removeprefix(API)
                await self._suffer(path)
                self._polite(request)
                request[CALLER] = self._caller(request)
                limits.count(request.method, path)
                self._permitted(request, permission)
                answer = await view(request)
                if isinstance(answer, Page):
                    status, result = 200, answer.items if answer.around is None else answer.around
                    if answer.link:
                        headers["Link"] = answer.link
                else:
                    status, result = answer
            except Refused as refused:
                status, result = refused.status, error(refused.message, refused.status, refused.errors)
                headers |= refused.headers
            finally:
                limits.under_way -= 1
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
            common = {
                "X-GitHub-Media-Type": "github.v3; format=json",
                "X-GitHub-Api-Version-Selected": VERSION,
                **limits.headers(),
            }
            return web.Response(
                text=text, status=status, headers=common | headers, content_type="application/json", charset="utf-8"
            )

        return handle

    @staticmethod
    def _polite(request: web.Request) -> None:
        """GitHub speaks to nobody without a name, and no version of its API that it has not got."""
        if not request.headers.get("User-Agent"):
            raise Refused(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            )
        version = request.headers.get("X-GitHub-Api-Version", VERSION)
        if version != VERSION:
            raise Refused(400, f"The sandbox has version {VERSION} of the API only, not {version}")

    async def _suffer(self, path: str) -> None:
        """Be slow, down or limited, if that is what is wrong; how a limit stands may be asked when it is used up."""
        faults = self._github.faults
        if faults.slow:
            await asyncio.sleep(faults.slow)
        if faults.down:
            raise Refused(503, "No server is currently available to service your request. Sorry about that.")
        until = refused_until(faults.rate_limited)
        if until is not None and path != RATE_LIMIT:
            raise primary(until)
        until = refused_until(faults.secondary)
        if until is not None:
            raise secondary(until - time.time())

    def _caller(self, request: web.Request) -> Caller:
        path = request.path.removeprefix(API)
        token = request.headers.get("Authorization", "").rpartition(" ")[2]
        if path == "/app" or path.startswith("/app/") or path.endswith("/installation"):
            fault = self._github.app.fault_of(token)
            if fault is not None:
                raise Refused(401, fault)
            return Caller("app")
        if not token:
            if path.startswith("/repos/"):
                raise Refused(404, "Not Found")
            return Caller("nobody")
        if token == self._github.token:
            return Caller("person", self._github.machine_user)
        if self._github.app.knows(token):
            return Caller("installation", self._github.app_user)
        if token in self._github.sign_in.tokens:
            return Caller("person", self._github.forge.account(self._github.sign_in.tokens[token]))
        raise Refused(401, "Bad credentials")

    def _permitted(self, request: web.Request, permission: str | None) -> None:
        """An App may only what it was granted; a person's token may everything here."""
        if permission is None or not caller_of(request).is_installation:
            return
        name, _, level = permission.partition(":")
        if not self._github.app.may(name, level):
            raise Refused(
                403,
                "Resource not accessible by integration",
                {"X-Accepted-GitHub-Permissions": f"{name}={level}"},
            )

    # People

    async def _rate_limit(self, request: web.Request) -> Answer:
        limits = self._github.limits
        until = refused_until(self._github.faults.rate_limited)
        used, reset = (limits.used, limits.reset) if until is None else (limits.hourly, int(until) + 1)
        core = {"limit": limits.hourly, "used": used, "remaining": max(0, limits.hourly - used), "reset": reset}
        search = {"limit": SEARCHES, "used": 0, "remaining": SEARCHES, "reset": limits.reset}
        return 200, {"resources": {"core": core, "search": search}, "rate": core}

    async def _me(self, request: web.Request) -> Answer:
        caller = caller_of(request)
        if caller.kind == "nobody":
            raise Refused(401, "Requires authentication")
        if caller.is_installation:
            raise Refused(403, "Resource not accessible by integration")
        return 200, self._github.shapes.full_user(acting(request, self._github))

    async def _user(self, request: web.Request) -> Answer:
        account = self._github.forge.accounts.get(request.match_info["login"].lower())
        if account is None:
            raise Refused(404, "Not Found")
        return 200, self._github.shapes.full_user(account)


async def _unknown(request: web.Request) -> Answer:
    raise Refused(404, "Not Found")
