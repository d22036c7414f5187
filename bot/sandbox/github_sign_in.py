"""Proving who one is at the stand-in GitHub: OAuth's device flow with its page, and an organisation's single sign-on.

GitHub docs: generating a user access token for a GitHub App, device flow; GraphQL, ExternalIdentity. Limits: of GraphQL
only the one question that asks whose an external identity is; nobody signs in here, so the page asks who one is.
"""

from __future__ import annotations

import html
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.github_answers import Answer, Refused, body_of
from bot.sandbox.github_views import caller_of
from bot.sandbox.world import Json

if TYPE_CHECKING:
    from bot.sandbox.github import GitHub

CLIENT_ID = "Iv23liSandboxShipmate"
DEVICE = "/github.com/login/device"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LIFE = timedelta(minutes=15)
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_SLOWER = 5
"""Seconds that every hasty question adds to the interval."""


@dataclass
class Grant:
    """A code given out. ``login`` is who entered it, "" who refused, None while nobody did either."""

    user_code: str
    expires_at: datetime
    interval: int
    login: str | None = None
    asked: float | None = None


@dataclass
class SignIn:
    """Codes, tokens of people, and single sign-on.

    ``device_flow`` is whether the App has it switched on, ``interval`` the seconds between two questions;
    ``identities`` are logins by the address that single sign-on knows them under (empty = no single sign-on).
    """

    now: Callable[[], datetime]
    device_flow: bool = True
    interval: int = 5
    identities: dict[str, str] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def code(self) -> Json:
        """A new code."""
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        device_code, user_code = secrets.token_hex(20), f"{letters[:4]}-{letters[4:]}"
        self.grants[device_code] = Grant(user_code, self.now() + LIFE, self.interval)
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": "",
            "expires_in": int(LIFE.total_seconds()),
            "interval": self.interval,
        }

    def enter(self, user_code: str, login: str) -> None:
        """Somebody who is signed in as ``login`` enters a code and agrees; LookupError for one that is not open."""
        self._open(user_code).login = login.lower()

    def refuse(self, user_code: str) -> None:
        """Somebody enters a code and cancels."""
        self._open(user_code).login = ""

    def _open(self, user_code: str) -> Grant:
        wanted = user_code.strip().upper()
        for grant in self.grants.values():
            if grant.user_code == wanted and grant.login is None and grant.expires_at > self.now():
                return grant
        raise LookupError(f"no code {user_code!r} is waiting to be entered")

    def exchange(self, device_code: str) -> Json:
        """What the App gets for a code now."""
        grant = self.grants.get(device_code)
        if grant is None:
            return _error("incorrect_device_code", "The device_code provided is not valid.")
        asked, grant.asked = grant.asked, time.monotonic()
        if grant.expires_at <= self.now():
            return _error("expired_token", "The device_code has expired.")
        if grant.login == "":
            return _error("access_denied", "The authorization request was denied.")
        if asked is not None and grant.asked - asked < grant.interval:
            grant.interval += _SLOWER
            return _error("slow_down", "Too many requests have been made.") | {"interval": grant.interval}
        if grant.login is None:
            return _error("authorization_pending", "The authorization request is still pending.")
        token = f"ghu_{secrets.token_hex(18)}"
        self.tokens[token] = grant.login
        del self.grants[device_code]
        return {"access_token": token, "token_type": "bearer", "scope": ""}


class SignInViews:
    """Answers the App and, on a small page, people."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    def routes(self) -> list[web.RouteDef]:
        """What it answers outside the REST API."""
        return [
            web.post(f"{DEVICE}/code", self._code),
            web.post("/github.com/login/oauth/access_token", self._token),
            web.get(DEVICE, self._page),
            web.post(DEVICE, self._entered),
        ]

    async def _code(self, request: web.Request) -> web.Response:
        form = await request.post()
        self._suffer()
        sign_in = self._github.sign_in
        if form.get("client_id") != CLIENT_ID:
            return self._said(request, _error("incorrect_client_credentials", "The client_id is not valid."), 404)
        if not sign_in.device_flow:
            fault = _error("device_flow_disabled", "Device Flow must be explicitly enabled for this App")
            return self._said(request, fault, 400)
        return self._said(request, sign_in.code() | {"verification_uri": f"{self._github.shapes.web}/login/device"})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self._suffer()
        if form.get("client_id") != CLIENT_ID:
            return self._said(request, _error("incorrect_client_credentials", "The client_id is not valid."))
        if form.get("grant_type") != GRANT:
            return self._said(request, _error("unsupported_grant_type", "The grant_type is not valid."))
        return self._said(request, self._github.sign_in.exchange(str(form.get("device_code") or "")))

    def _suffer(self) -> None:
        """Be down, if that is what is wrong."""
        if self._github.faults.down:
            raise web.HTTPServiceUnavailable(text="No server is currently available to service your request.")

    def _said(self, request: web.Request, answer: Json, status: int = 200) -> web.Response:
        """The answer, in the log of calls without what may be used."""
        shown = {name: "…" if name in ("access_token", "device_code") else value for name, value in answer.items()}
        self._github.log.add(
            incoming=True,
            verb=request.method,
            path=request.path,
            method=f"{request.method} {request.path.removeprefix('/github.com')}",
            args={},
            status=status,
            answer=shown,
            began=time.perf_counter(),
            request_headers=request.headers,
            request_body="",
            answer_body=json.dumps(shown),
        )
        return web.json_response(answer, status=status)

    async def _page(self, request: web.Request) -> web.Response:
        return _shown(self._form(request.query.get("user_code", "")))

    async def _entered(self, request: web.Request) -> web.Response:
        form = await request.post()
        code, login = str(form.get("user_code") or ""), str(form.get("login") or "")
        try:
            if form.get("answer") == "refuse":
                self._github.sign_in.refuse(code)
                return _shown("<p>Refused. You can close this page.</p>")
            if login.lower() not in self._github.forge.accounts:
                raise LookupError(f"nobody is called {login!r} here")
            self._github.sign_in.enter(code, login)
        except LookupError as fault:
            return _shown(f"<p role=alert>{html.escape(str(fault))}</p>{self._form(code)}", 422)
        return _shown("<p>All set! Go back to Slack: it knows in a few seconds.</p>")

    def _form(self, code: str) -> str:
        people = [one for one in self._github.forge.accounts.values() if not one.bot]
        options = "".join(f"<option>{html.escape(one.login)}</option>" for one in people)
        return (
            "<form method=post><p><label>You are signed in as <select name=login>"
            f"{options}</select></label></p><p><label>Code <input name=user_code required autocomplete=off "
            f'value="{html.escape(code)}"></label></p><p><button name=answer value=agree>Authorize Shipmate</button> '
            "<button name=answer value=refuse>Cancel</button></p></form>"
        )

    async def graphql(self, request: web.Request) -> Answer:
        """``POST /graphql`` for the one question whose an external identity is."""
        caller = caller_of(request)
        if caller.kind == "nobody":
            raise Refused(401, "This endpoint requires you to be authenticated.")
        sent = await body_of(request)
        query, variables = sent.get("query"), sent.get("variables")
        if not isinstance(query, str):
            return 200, {"errors": [{"message": "A query attribute must be specified and must be a string."}]}
        if "externalIdentities" not in query:
            return 200, _fault("undefinedField", "The sandbox answers about external identities alone")
        given = variables if isinstance(variables, dict) else {}
        if not all(isinstance(given.get(one), str) for one in ("owner", "name")):
            return 200, _fault("INVALID_VARIABLE", "The variables owner and name of type String! are no strings")
        owner, name = given["owner"], given["name"]
        if not any(one.partition("/")[0] == owner for one in self._github.forge.repositories):
            told = f"Could not resolve to an Organization with the login of '{owner}'."
            return 200, _fault("NOT_FOUND", told)
        if caller.is_installation and not self._github.app.may("members", "read"):
            return 200, _fault("FORBIDDEN", "Resource not accessible by integration")
        identities = self._github.sign_in.identities
        nodes = [
            {
                "user": {"login": login},
                "samlIdentity": {"nameId": address, "username": None, "emails": [{"value": address}]},
                "scimIdentity": None,
            }
            for address, login in identities.items()
            if address.lower() == name.lower()
        ]
        provider = {"externalIdentities": {"nodes": nodes}} if identities else None
        return 200, {"data": {"organization": {"samlIdentityProvider": provider}}}


def _fault(kind: str, message: str) -> Json:
    return {"data": {"organization": None}, "errors": [{"type": kind, "path": ["organization"], "message": message}]}


def _error(code: str, description: str) -> Json:
    return {"error": code, "error_description": description, "error_uri": "https://docs.github.com"}


def _shown(body: str, status: int = 200) -> web.Response:
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Sandbox, not GitHub</title>"
        f"<main style='max-width:32rem;margin:4rem auto;font-family:sans-serif'><h1>Sandbox, not GitHub</h1>"
        f"<h2>Device activation</h2>{body}</main></html>"
    )
    return web.Response(text=page, status=status, content_type="text/html")
