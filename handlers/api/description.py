"""``GET /api/v1/openapi.json``: the API, described for programs (OpenAPI 3.1); no token is needed, no secret told."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from aiohttp import web
from pydantic.json_schema import models_json_schema

from handlers.api import gates, incidents, lists, reports

_REFERENCE = "#/components/schemas/{model}"

_SAID = {
    "deploys": "Tell how one rollout stands.",
    "checks": "Tell what a check says of a build: the gate `smoke` waits for it by name.",
    "alerts": "Tell that an alert fires, or is over: the gate `health` is closed meanwhile.",
    "promotions": "Ask for a build to be promoted. No token approves, overrides or unlocks.",
}
_LISTED = {
    "services": "Every service, with what is live in each environment, by name; `next` is a position.",
    "deploys": "Rollouts, newest first.",
    "promotions": "Promotions, newest first, each with the changes it carries.",
    "locks": "What is locked now, or waits for somebody's Go.",
    "trains": (
        "Release trains, by name, each with its next departures, and its latest ones with who is aboard and who is not "
        "and why; `next` is a position, `state` narrows the departures."
    ),
    "incidents": "Incidents, newest first; `state` is open, resolved or merged.",
}
_STATES = sorted(gates.STRICT)


def add_routes(app: web.Application) -> None:
    """Open the description."""
    document = description()

    async def describe(_: web.Request) -> web.Response:
        return web.json_response(document)

    app.router.add_get("/api/v1/openapi.json", describe)


@cache
def description() -> Mapping[str, Any]:
    """The whole document, drawn up once."""
    kinds = list(reports.ROUTES.values())
    _, schemas = models_json_schema([(kind, "validation") for kind in kinds], ref_template=_REFERENCE)
    paths: dict[str, Any] = {}
    for name, kind in reports.ROUTES.items():
        paths.setdefault(f"/api/v1/{name}", {})["post"] = _report(name, kind.__name__)
    for name in lists.ROUTES:
        paths.setdefault(f"/api/v1/{name}", {})["get"] = _list(name)
    paths["/api/v1/trains/{name}.ics"] = {"get": _calendar()}
    for part, summary in _OF_INCIDENT.items():
        paths[f"/api/v1/incidents/{{id}}{part}"] = {"get": _about_incident(part, summary)}
    paths["/api/v1/metrics"] = {"get": _metrics()}
    paths["/api/v1/gates"] = {"get": _gates()}
    paths["/gate/flagger"] = {"post": _flagger()}
    paths["/api/v1/deliveries/replay"] = {"post": _replay()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shipmate",
            "version": "1",
            "description": "What pipelines report and ask. A token asks and reports; it never approves.",
        },
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "Any name, the token as the password."},
            },
            "schemas": {**schemas.get("$defs", {}), "Gates": _GATES, "Error": _ERROR},
        },
    }


_FROM_A_PAGE = "A web page sent it, by the password that a browser keeps: pipelines do not."

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "mend": {"type": "string"}},
}

_GATES = {
    "type": "object",
    "required": ["state", "gates", "reason"],
    "properties": {
        "state": {"enum": _STATES},
        "reason": {"type": "string"},
        "promotion": {"type": ["integer", "null"]},
        "sha": {"type": ["string", "null"]},
        "url": {"type": ["string", "null"]},
        "gates": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "state", "reason"],
                "properties": {
                    "name": {"type": "string"},
                    "state": {"enum": ["open", "waiting", "blocked"]},
                    "reason": {"type": "string"},
                    "until": {"type": "string", "format": "date-time"},
                },
            },
        },
    },
}


def _report(name: str, model: str) -> dict[str, Any]:
    key = {
        "name": reports.KEY,
        "in": "header",
        "schema": {"type": "string", "minLength": 1, "maxLength": reports.LONGEST_KEY},
        "description": "The same key twice is one report.",
    }
    return {
        "summary": _SAID[name],
        "parameters": [key],
        "requestBody": {"required": True, "content": _json({"$ref": f"#/components/schemas/{model}"})},
        "responses": {
            "202": {"description": "Stored, and applied in its turn; `warning` where a service's name looks misspelt."},
            "200": {"description": "It had been told already."},
            **_refusals("409" if name == "promotions" else None, posted=True),
        },
    }


def _list(name: str) -> dict[str, Any]:
    arguments = [_query(one, "integer" if one in ("before", "limit") else "string") for one in lists.ARGUMENTS]
    rows = {
        "type": "object",
        "required": [name, "next"],
        "properties": {
            name: {"type": "array", "items": {"type": "object"}},
            "next": {"type": ["integer", "null"], "description": "Ask again with before=… for the next page."},
        },
    }
    answer = {"description": "One page.", "content": _json(rows)}
    return {"summary": _LISTED[name], "parameters": arguments, "responses": {"200": answer, **_refusals(None)}}


def _calendar() -> dict[str, Any]:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "summary": (
            "A train's departures as a calendar to subscribe to, from a week ago to sixty days ahead. "
            "Most calendars take the token in the address: https://x:TOKEN@…"
        ),
        "parameters": [name],
        "responses": {
            "200": {
                "description": "iCalendar (RFC 5545).",
                "content": {"text/calendar": {"schema": {"type": "string"}}},
            },
            **_refusals(None),
            "404": {"description": "No train of this name.", "content": _json({"$ref": "#/components/schemas/Error"})},
        },
    }


_OF_INCIDENT = {
    "": (
        "One incident: its likely changes with the evidence for and against each, who was woken, its alerts and tasks. "
        "`recovered_in` is in seconds, from the onset until the harm ended; instants are in UTC."
    ),
    "/timeline": "What happened in it, in order.",
    "/postmortem": "The draft of its postmortem as it would be written now, in Markdown.",
}


def _about_incident(part: str, summary: str) -> dict[str, Any]:
    number = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    content = {"text/markdown": {"schema": {"type": "string"}}} if part == "/postmortem" else _json({"type": "object"})
    return {
        "summary": summary,
        "parameters": [number],
        "responses": {
            "200": {"description": "As it stands now.", "content": content},
            **_refusals(None),
            "404": {"description": "No such incident.", "content": _json({"$ref": "#/components/schemas/Error"})},
        },
    }


def _metrics() -> dict[str, Any]:
    arguments = [_query(one, "integer" if one == "days" else "string") for one in incidents.ARGUMENTS]
    return {
        "summary": (
            "How often pages to whoever wrote the likely change were right, by team; how many deploys to the last "
            "environment failed and the time to recover from those (the median, and what nine in ten did not exceed), "
            "and within what time half of all incidents that are over were, by service. "
            "Of the last 30 days, or of `days`, each of 24 hours, up to now. Shares (precision, change_fail_rate) are "
            "from 0 to 1, times to recover in seconds, instants in UTC; null where nothing is known."
        ),
        "parameters": arguments,
        "responses": {
            "200": {"description": "The figures.", "content": _json({"type": "object"})},
            **_refusals(None),
        },
    }


def _gates() -> dict[str, Any]:
    wanted = [{**_query(one, "string"), "required": True} for one in ("service", "environment", "sha")]
    strict = {**_query("strict", "string"), "description": "1: answer 200, 403 or 409 by the state."}
    answer = {"description": "Always, unless strict=1.", "content": _json({"$ref": "#/components/schemas/Gates"})}
    return {
        "summary": "May this build go there? Asking creates nothing.",
        "parameters": [*wanted, strict],
        "responses": {
            "200": answer,
            "403": {"description": "With strict=1: not yet."},
            "409": {"description": "With strict=1: refused."},
            **_refusals(None),
        },
    }


def _flagger() -> dict[str, Any]:
    metadata: dict[str, Any] = {name: {"type": "string"} for name in ("service", "environment", "sha")}
    metadata["sha"]["description"] = (
        "The whole commit of the build that asks. Without it the promotion that is under way or open is meant, and the "
        "answer is yes only while it can be no other build: never where rollouts begin by themselves (argo-rollouts)."
    )
    body = {
        "type": "object",
        "required": ["phase", "metadata"],
        "properties": {
            "phase": {"type": "string"},
            "metadata": {"type": "object", "required": ["service", "environment"], "properties": metadata},
        },
    }
    return {
        "summary": "Flagger's webhooks. Flagger names no build: write its commit into `metadata.sha`.",
        "requestBody": {"required": True, "content": _json(body)},
        "responses": {
            "200": {"description": "Yes (in the phase rollback: roll back)."},
            **_refusals(None, posted=True),
            "403": {"description": f"Not yet (in the phase rollback: nobody asked for one). {_FROM_A_PAGE}"},
        },
    }


def _replay() -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"type": "object", "properties": {"failed": {"const": True}}, "required": ["failed"]},
        {"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "integer"}}}, "required": ["ids"]},
        {
            "type": "object",
            "properties": {"deliveries": {"type": "array", "items": {"type": "object"}}},
            "required": ["deliveries"],
        },
    ]
    return {
        "summary": "Feed stored deliveries again.",
        "requestBody": {"required": True, "content": _json({"anyOf": kinds})},
        "responses": {"200": {"description": "How many are applied again."}, **_refusals(None, posted=True)},
    }


def _query(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind}}


def _refusals(refused: str | None, *, posted: bool = False) -> dict[str, Any]:
    """What may be answered to any of them; to what is ``posted``, and would have something done, one more."""
    error = _json({"$ref": "#/components/schemas/Error"})
    said = {"400": "What was expected, and how to mend it.", "401": "No token, or another.", "503": "Send it again."}
    if posted:
        said["403"] = _FROM_A_PAGE
    if refused is not None:
        said[refused] = "Refused, with why and who can."
    return {status: {"description": words, "content": error} for status, words in sorted(said.items())}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
