"""``shipmate record deploy`` and ``record alert``: what any pipeline can tell the running bot."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.cli.printing import Json, print_json

Service = Annotated[str, typer.Option("--service", help="Its name in shipmate.yml, or any other.")]
Key = Annotated[
    str | None, typer.Option("--idempotency-key", help="The same key twice is one report, for scripts that retry.")
]


def deploy(
    service: Service,
    environment: Annotated[str, typer.Option("--environment", help="Where to: staging, production, …")],
    sha: Annotated[str, typer.Option("--sha", help="The commit, in full where you have it.")],
    status: Annotated[str, typer.Option("--status", help="pending, in_progress, succeeded, failed or cancelled.")],
    percent: Annotated[int | None, typer.Option("--percent", help="How far it is, 0 to 100.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where the run can be watched.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it came to be so, with its zone; else now.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="Your own name of this rollout.")] = None,
    promotion: Annotated[int | None, typer.Option("--promotion", help="The promotion that began it.")] = None,
    idempotency_key: Key = None,
    as_json: Json = False,
) -> None:
    """Tell the running bot how a rollout stands. It goes to SHIPMATE_URL with SHIPMATE_API_TOKEN.

    \b
    Examples:
      shipmate record deploy --service checkout --environment production --sha "$SHA" --status in_progress
      shipmate record deploy --service checkout --environment production --sha "$SHA" --status succeeded
    """
    body = {
        "service": service, "environment": environment, "sha": sha, "status": status, "percent": percent, "url": url,
        "at": at, "run": run, "promotion": promotion,
    }  # fmt: skip
    _send("deploys", body, idempotency_key, as_json=as_json)


def alert(
    name: Annotated[str, typer.Option("--name", help="What people read.")],
    state: Annotated[str, typer.Option("--state", help="firing or resolved.")],
    key: Annotated[
        str | None,
        typer.Option("--key", help="What makes two reports the same alert; else its service, environment and name."),
    ] = None,
    started_at: Annotated[
        str | None,
        typer.Option("--started-at", help="When it began to fire, with its zone; else now, or all of its key."),
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", help="Its name in shipmate.yml, or any other; else the labels tell.")
    ] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="Where it fires.")] = None,
    level: Annotated[str | None, typer.Option("--level", help="critical, error, warning or info; else error.")] = None,
    summary: Annotated[str | None, typer.Option("--summary", help="A line about it.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="NAME=VALUE, whatever else is known of it; again for more.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="The version or commit on which alone it is seen.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where to look.")] = None,
    dashboard: Annotated[str | None, typer.Option("--dashboard", help="Where its curves are.")] = None,
    runbook: Annotated[str | None, typer.Option("--runbook", help="What to do about it.")] = None,
    idempotency_key: Key = None,
    as_json: Json = False,
) -> None:
    """Tell the running bot that an alert fires, or is over: the gate `health` is closed meanwhile.

    \b
    Examples:
      shipmate record alert --service checkout --name "checkout 5xx" --state firing
      shipmate record alert --service checkout --name "checkout 5xx" --state resolved
      shipmate record alert --name "disk is full" --state firing --level warning --label app=checkout
    """
    body = {
        "service": service, "key": key, "name": name, "state": state, "environment": environment,
        "level": level, "summary": summary, "labels": labels_given(label), "version": version, "url": url,
        "dashboard": dashboard, "runbook": runbook,
        "started_at": started_at or (_now() if state == "firing" else None),
    }  # fmt: skip
    _send("alerts", body, idempotency_key, as_json=as_json)


def labels_given(pairs: Sequence[str] | None) -> Mapping[str, str] | None:
    """The labels that were given; UserError for one that is no pair."""
    from bot.errors import UserError

    found: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UserError(f"“{pair[:80]}” is no label; expected NAME=VALUE, such as app=checkout.")
        found[name.strip()] = value.strip()
    return found or None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _send(route: str, body: Mapping[str, object], key: str | None, *, as_json: bool) -> None:
    from bot.cli.calling import call
    from bot.errors import UserError
    from bot.settings import load_settings

    said = {name: value for name, value in body.items() if value is not None}
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    answer = call(load_settings(), "POST", f"/api/v1/{route}", body=said, headers=headers)
    if answer.status not in (200, 202):
        raise UserError(answer.words)
    if as_json:
        print_json(dict(answer.told))
    else:
        typer.echo("It had been told already." if answer.told.get("duplicate") else "Told.")
        if "warning" in answer.told:
            typer.echo(answer.told["warning"], err=True)
