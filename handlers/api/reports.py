"""What pipelines report and ask for: ``POST /api/v1/{deploys,checks,alerts,promotions}``, stored like any delivery.

What is stored is our own small JSON with every default filled in, so that it means the same when it is applied later or
replayed. ``Idempotency-Key`` makes two requests one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from bot import inbox
from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.events import (
    AlertLevel,
    AlertReported,
    CheckFinished,
    CheckStatus,
    DeployReported,
    DeployStatus,
    Event,
    PromotionRequested,
    Via,
)
from bot.inbox import Accepted, Lane
from bot.spelling import did_you_mean
from handlers.api import bodies
from handlers.api.access import refusal
from handlers.api.bodies import AlertBody, Body, CheckBody, DeployBody, PromotionBody
from handlers.body import read_body
from handlers.webhooks.alert_pieces import key_of
from handlers.webhooks.source import DeliveryError, Malformed

SOURCE = "api"
"""What these deliveries are stored under."""

LONGEST_BODY = 64 * 1024
BODY_PATIENCE = 10.0
KEY = "Idempotency-Key"
LONGEST_KEY = 255

ROUTES: Mapping[str, type[Body]] = {
    "deploys": DeployBody,
    "checks": CheckBody,
    "alerts": AlertBody,
    "promotions": PromotionBody,
}
"""Everything that can be sent, by the last part of its address."""


def add_routes(app: web.Application, bot: Bot) -> None:
    """Open all of ROUTES."""
    for name, kind in ROUTES.items():
        app.router.add_post(f"/api/v1/{name}", _receiver(bot, name, kind))


def translate(headers: Mapping[str, str], body: bytes) -> list[Event]:
    """What a stored report means; ValueError or KeyError for one that we never wrote."""
    held = json.loads(body)
    at = datetime.fromisoformat(held["received_at"])
    match held["report"]:
        case "deploys":
            return [_deploy(DeployBody.model_validate(held["body"]), at)]
        case "checks":
            return [_check(CheckBody.model_validate(held["body"]), held["repo"], at)]
        case "alerts":
            return [_alert(AlertBody.model_validate(held["body"]), at)]
        case "promotions":
            return [_promotion(PromotionBody.model_validate(held["body"]), at)]
        case unknown:
            raise ValueError(f"nobody knows what the report {unknown!r} means")


def _receiver(bot: Bot, name: str, kind: type[Body]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def receive(request: web.Request) -> web.Response:
        refused = refusal(bot, request)
        if refused is not None:
            return refused
        try:
            body = bodies.read(kind, await read_body(request, limit=LONGEST_BODY, patience=BODY_PATIENCE))
            stored = _stored(bot, name, body)
            delivery = _delivery_id(request, name)
            if name == "promotions":
                return await _ask(bot, delivery, stored)
            lane = Lane.URGENT if name == "alerts" else Lane.FEED
            accepted = await bot.accept(source=SOURCE, delivery_id=delivery, headers={}, body=stored, lane=lane)
        except DeliveryError as fault:
            return web.json_response({"error": fault.reason, "mend": fault.mend}, status=fault.status)
        except DatabaseUnavailable:
            return web.json_response(
                {"error": "It could not be stored just now.", "mend": "Send it again in a moment."},
                status=503,
                headers={"Retry-After": "10"},
            )
        if accepted is Accepted.DUPLICATE:
            return web.json_response({"duplicate": True})
        return web.json_response({"accepted": True, **_warning(bot, body)}, status=202)

    return receive


def _warning(bot: Bot, body: Body) -> Mapping[str, str]:
    """What whoever reports of a service hears besides, where its name looks like another one's, misspelt."""
    if not isinstance(body, DeployBody | AlertBody) or body.service is None or bot.catalog.service(body.service).known:
        return {}
    meant = did_you_mean(body.service, bot.catalog.services)
    becomes = (
        "It is announced as a service of its own."
        if isinstance(body, DeployBody)
        else "If it was never deployed, people are asked whose it is."
    )
    said = f"I know no service “{body.service}”{meant} {becomes}"
    return {"warning": said} if meant else {}


async def _ask(bot: Bot, delivery: str, stored: bytes) -> web.Response:
    """A request is answered with what came of it: whoever asks by a program has no card to look at."""
    applied = await bot.outcome(await bot.store_act(source=SOURCE, delivery_id=delivery, body=stored))
    if applied.refused:
        return web.json_response({"error": applied.said or "That was refused."}, status=409)
    return web.json_response({"accepted": True, "said": applied.said}, status=202)


def _delivery_id(request: web.Request, name: str) -> str:
    key = request.headers.get(KEY)
    if key is None:
        return uuid.uuid4().hex
    if not key.strip() or len(key) > LONGEST_KEY:
        raise Malformed(f"{KEY} is empty or too long.", f"Expected 1 to {LONGEST_KEY} characters, or no such header.")
    return inbox.act_id(name, key)


def _stored(bot: Bot, name: str, body: Body) -> bytes:
    held: dict[str, Any] = {
        "report": name,
        "received_at": bot.clock().isoformat(),
        "body": body.model_dump(mode="json", exclude_none=True),
    }
    if isinstance(body, CheckBody):
        repo = bot.catalog.service(body.service).repo
        if repo is None:
            raise Malformed(
                f"Nobody knows which repository {body.service} is built from.",
                f"Write it into shipmate.yml: services: {{{body.service}: {{repo: owner/name}}}}.",
            )
        held["repo"] = repo
    return json.dumps(held, separators=(",", ":")).encode()


def _deploy(body: DeployBody, received_at: datetime) -> DeployReported:
    at = body.at or received_at
    named = body.run or f"{body.service}/{body.environment}/{body.sha}"
    return DeployReported(
        source=SOURCE,
        external_id=named[:255],
        attempt=1 if body.run else 0,
        repo=None,
        service=body.service,
        environment=body.environment,
        sha=body.sha,
        status=DeployStatus(body.status),
        percent=body.percent,
        began_at=at,
        at=at,
        url=body.url,
        promotion=body.promotion,
    )


def _check(body: CheckBody, repo: str, received_at: datetime) -> CheckFinished:
    at = body.at or received_at
    return CheckFinished(
        repo=repo,
        sha=body.sha,
        name=body.name,
        status=CheckStatus(body.status),
        main=False,
        run=int(at.timestamp() * 1_000),
        at=at,
        url=body.url,
    )


def _alert(body: AlertBody, received_at: datetime) -> AlertReported:
    at = body.at or received_at
    return AlertReported(
        source=SOURCE,
        fingerprint=body.key or key_of(body.name, body.service, body.environment),
        service=body.service,
        environment=body.environment,
        name=body.name,
        url=body.url,
        started_at=body.started_at,
        resolved_at=at if body.state == "resolved" else None,
        at=at,
        level=AlertLevel(body.level) if body.level is not None else None,
        summary=body.summary,
        labels=dict(body.labels),
        version=body.version,
        runbook=body.runbook,
        dashboard=body.dashboard,
        undated=body.at is None,
    )


def _promotion(body: PromotionBody, received_at: datetime) -> PromotionRequested:
    return PromotionRequested(
        service=body.service,
        environment=body.environment,
        sha=body.sha,
        by=f"github:{body.requested_by.lower()}" if body.requested_by else None,
        via=Via.API,
        at=received_at,
    )
