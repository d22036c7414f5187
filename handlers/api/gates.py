"""Where pipelines ask whether they may go on: ``GET /api/v1/gates`` and ``POST /gate/flagger``.

Both judge as every other way does, create nothing, and take every doubt for "not yet": an unknown service, a database
that does not answer and a gate that cannot be judged are pending.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

import structlog
from aiohttp import web

from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.errors import UserError
from bot.gates import Blocked, Judged, Open, Waiting
from bot.promotions import service as promotions
from bot.promotions.service import Answer
from handlers.api.access import refusal
from handlers.body import read_body
from handlers.webhooks.payload import Fields, decode_object
from handlers.webhooks.source import DeliveryError, Malformed

log = structlog.get_logger(__name__)

STRICT = {"approved": 200, "pending": 403, "rejected": 409}
"""The statuses of an answer with ``strict=1``, for pipelines that can only look at the status."""

LONGEST_BODY = 64 * 1024
BODY_PATIENCE = 10.0
LONGEST_NAME = 255

_STATES = {Open: "open", Waiting: "waiting", Blocked: "blocked"}


def add_routes(app: web.Application, bot: Bot) -> None:
    """Open both routes."""

    async def gates(request: web.Request) -> web.Response:
        refused = refusal(bot, request)
        if refused is not None:
            return refused
        try:
            service, environment = _asked(request, "service"), _asked(request, "environment")
            sha = _asked(request, "sha").lower()
        except DeliveryError as fault:
            return web.json_response({"error": fault.reason, "mend": fault.mend}, status=fault.status)
        answer = await judged(bot, service, environment, sha)
        status = STRICT[answer.state] if request.query.get("strict") == "1" else 200
        return web.json_response(told(bot, answer), status=status)

    async def flagger(request: web.Request) -> web.Response:
        refused = refusal(bot, request)
        if refused is not None:
            return refused
        try:
            sent = decode_object(await read_body(request, limit=LONGEST_BODY, patience=BODY_PATIENCE))
            open_to, answer = await _flagger(bot, sent)
        except DeliveryError as fault:
            return web.json_response({"error": fault.reason, "mend": fault.mend}, status=fault.status)
        # Flagger reads 200 to 202 as yes and asks again after anything else (fluxcd/flagger, webhook.go).
        return web.json_response(told(bot, answer), status=200 if open_to else 403)

    app.router.add_get("/api/v1/gates", gates)
    app.router.add_post("/gate/flagger", flagger)


async def judged(bot: Bot, service: str, environment: str, sha: str | None) -> Answer:
    """How the gates stand now; ``pending`` where that cannot be told."""
    try:
        return await bot.read(lambda session, desk: promotions.ask(session, desk, service, environment, sha))
    except UserError as refusal:
        return Answer("pending", None, None, sha, str(refusal))
    except DatabaseUnavailable as fault:
        log.warning("a pipeline asked while the database does not answer", error=str(fault))
    except Exception as fault:
        log.error("the gates could not be judged for a pipeline", exc_info=fault)
    return Answer("pending", None, None, sha, "this cannot be judged just now; ask again")


def told(bot: Bot, answer: Answer) -> dict[str, Any]:
    """An answer as JSON."""
    verdicts = answer.judgement.verdicts if answer.judgement is not None else ()
    return {
        "state": answer.state,
        "reason": answer.reason,
        "promotion": answer.promotion,
        "sha": answer.sha,
        "gates": [_gate(one) for one in verdicts],
        "url": bot.settings.public_url,
    }


def _gate(one: Judged) -> dict[str, str]:
    verdict = one.verdict
    said = {"name": one.gate, "state": _STATES[type(verdict)], "reason": verdict.reason}
    until = None if isinstance(verdict, Open) else verdict.until
    return said if until is None else {**said, "until": until.astimezone(UTC).isoformat().replace("+00:00", "Z")}


async def _flagger(bot: Bot, sent: Fields) -> tuple[bool, Answer]:
    """Whether Flagger may do what its phase asks; ``rollback`` is inverted there: a yes rolls back."""
    about, phase = sent.fields("metadata"), sent.word("phase")
    service, environment = about.word("service"), about.word("environment")
    sha = about.word("sha")
    if service is None or environment is None or phase is None:
        raise Malformed(
            "The webhook does not say what it is about.",
            "Expected phase, and under metadata: service, environment and sha (the build's whole commit).",
        )
    answer = await judged(bot, service, environment, sha.lower() if sha else None)
    if phase == "rollback":
        return await _asked_to_roll_back(bot, service, environment), answer
    if phase == "event":
        return True, answer  # it only tells
    return answer.state == "approved", answer


async def _asked_to_roll_back(bot: Bot, service: str, environment: str) -> bool:
    try:
        return await bot.read(lambda session, desk: promotions.rollback_asked(session, desk, service, environment))
    except UserError:
        return False
    except Exception as fault:
        log.error("whether to roll back could not be told to a pipeline", exc_info=fault)
        return False


def _asked(request: web.Request, name: str) -> str:
    value = request.query.get(name, "").strip()
    if not value or len(value) > LONGEST_NAME or "\0" in value:
        raise Malformed(f"Say which {name}.", "Expected ?service=…&environment=…&sha=… (and &strict=1 if you like).")
    return value
