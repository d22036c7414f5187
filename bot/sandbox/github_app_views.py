"""GitHub's REST views for Apps: who it is, where it is installed, its tokens, and its webhook's deliveries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from bot.sandbox.github_action_shapes import APP_OWNER
from bot.sandbox.github_answers import MOST_PER_PAGE, Answer, Page, Refused, View, number, one_of, page_of, positive
from bot.sandbox.github_app import APP_ID, APP_SLUG, App
from bot.sandbox.github_hooks import EVENTS, INSTALLATION_ID, Delivery
from bot.sandbox.github_shapes import ORGANISATION_ID, stamp
from bot.sandbox.github_sign_in import CLIENT_ID

if TYPE_CHECKING:
    from bot.sandbox.github import GitHub


STATUSES = ("success", "failure")
"""Which deliveries may be asked for."""


class AppViews:
    """Answers what an App asks; the door has checked its JWT."""

    def __init__(self, github: GitHub, app: App) -> None:
        self._github = github
        self._app = app

    def views(self) -> list[tuple[str, str, View]]:
        """What it answers."""
        return [
            ("GET", "/app", self._app_itself),
            ("GET", "/app/installations", self._installations),
            ("GET", "/app/installations/{id}", self._installation),
            ("POST", "/app/installations/{id}/access_tokens", self._access_token),
            ("GET", "/app/hook/deliveries", self._deliveries),
            ("GET", "/app/hook/deliveries/{id}", self._delivery),
            ("POST", "/app/hook/deliveries/{id}/attempts", self._attempt),
            ("GET", "/orgs/{org}/installation", self._organisation_installation),
            ("GET", "/repos/{owner}/{repo}/installation", self._repository_installation),
        ]

    async def _app_itself(self, request: web.Request) -> Answer:
        return 200, self._github.shapes.app(permissions=self._app.permissions) | {
            "installations_count": 1,
            "client_id": CLIENT_ID,
        }

    def _installed(self) -> dict[str, Any]:
        shapes = self._github.shapes
        app = shapes.app()
        return {
            "id": INSTALLATION_ID,
            "account": shapes.owner(APP_OWNER),
            "app_id": APP_ID,
            "app_slug": APP_SLUG,
            "target_id": ORGANISATION_ID,
            "target_type": "Organization",
            "repository_selection": "all",
            "access_tokens_url": f"{shapes.api}/app/installations/{INSTALLATION_ID}/access_tokens",
            "repositories_url": f"{shapes.api}/installation/repositories",
            "html_url": f"{shapes.web}/organizations/{APP_OWNER}/settings/installations/{INSTALLATION_ID}",
            "permissions": dict(self._app.permissions),
            "events": list(EVENTS),
            "created_at": app["created_at"],
            "updated_at": app["updated_at"],
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "suspended_by": None,
            "suspended_at": None,
        }

    async def _installations(self, request: web.Request) -> Answer:
        return page_of(request, self._github.shapes.api, [self._installed()])

    async def _installation(self, request: web.Request) -> Answer:
        if number(request, "id") != INSTALLATION_ID:
            raise Refused(404, "Not Found")
        return 200, self._installed()

    async def _organisation_installation(self, request: web.Request) -> Answer:
        if request.match_info["org"].lower() != APP_OWNER:
            raise Refused(404, "Not Found")
        return 200, self._installed()

    async def _repository_installation(self, request: web.Request) -> Answer:
        try:
            self._github.forge.repository(f"{request.match_info['owner']}/{request.match_info['repo']}")
        except LookupError:
            raise Refused(404, "Not Found") from None
        return 200, self._installed()

    async def _access_token(self, request: web.Request) -> Answer:
        if number(request, "id") != INSTALLATION_ID:
            raise Refused(404, "Not Found")
        return 201, self._app.issue()

    async def _deliveries(self, request: web.Request) -> Answer:
        chosen = sorted(self._github.hooks.known(), key=lambda one: one.id, reverse=True)
        wanted = request.query.get("status")
        if wanted:
            chosen = [one for one in chosen if one.ok == (one_of({"status": wanted}, "status", STATUSES) == "success")]
        cursor = request.query.get("cursor")
        if cursor:
            last = _last(cursor)
            chosen = [one for one in chosen if one.id < last]
        size = min(positive(request, "per_page", 30), MOST_PER_PAGE)
        page, more = chosen[:size], chosen[size:]
        link = ""
        if more:
            query = urlencode({**request.query, "cursor": f"v1_{page[-1].id}"})
            link = f'<{self._github.shapes.api}/app/hook/deliveries?{query}>; rel="next"'
        return Page([_delivery_row(one) for one in page], link)

    def _delivered(self, request: web.Request) -> Delivery:
        wanted = number(request, "id")
        for delivery in self._github.hooks.known():
            if delivery.id == wanted:
                return delivery
        raise Refused(404, "Not Found")

    async def _delivery(self, request: web.Request) -> Answer:
        delivery = self._delivered(request)
        return 200, _delivery_row(delivery) | {
            "url": f"{self._github.hooks.bot_url}/webhooks/github",
            "request": {"headers": delivery.headers, "payload": json.loads(delivery.body)},
            "response": {"headers": {}, "payload": delivery.answer},
        }

    async def _attempt(self, request: web.Request) -> Answer:
        self._github.hooks.redeliver(delivery_id=self._delivered(request).id)
        return 202, {}


def _last(cursor: str) -> int:
    """The id of the last delivery of the page before."""
    written = cursor.removeprefix("v1_")
    if not (written.isascii() and written.isdigit() and len(written) < 19):
        raise Refused(422, "Validation Failed", errors=[{"code": "invalid", "field": "cursor"}])
    return int(written)


def _delivery_row(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.duration, 2),
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": INSTALLATION_ID,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }
