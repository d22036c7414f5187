"""``shipmate gate check`` and ``gate wait``: a pipeline asks whether it may go on. Every doubt is a no."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from bot.cli.printing import Json, print_json

OPEN, REFUSED, TIMED_OUT = 0, 3, 4
"""Exit codes; 1 is a fault, as for every verb."""

SECONDS_BETWEEN = 5.0

_ICONS = {"open": "✓", "waiting": "⏳", "blocked": "✗"}
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")

Service = Annotated[str, typer.Option("--service", help="Its name in shipmate.yml.")]
Environment = Annotated[str, typer.Option("--environment", help="Where the build is to go.")]
Sha = Annotated[str, typer.Option("--sha", help="The commit of the build; 7 characters do where no other begins so.")]


def check(service: Service, environment: Environment, sha: Sha, as_json: Json = False) -> None:
    """Say how the gates stand now. Exit code 0 when all are open, 3 when they are not or it was refused.

    It asks the bot at SHIPMATE_URL with SHIPMATE_API_TOKEN. Asking creates nothing.

    \b
    Example:
      shipmate gate check --service checkout --environment production --sha "$SHA"
    """
    told = _ask(service, environment, sha)
    if as_json:
        print_json(told)
    else:
        for line in _lines(told):
            typer.echo(line)
    if told["state"] != "approved":
        raise typer.Exit(REFUSED)


def wait(
    service: Service,
    environment: Environment,
    sha: Sha,
    timeout: Annotated[str, typer.Option("--timeout", help="How long at most: 30m, 2h, 90s.")] = "1h",
    as_json: Json = False,
) -> None:
    """Wait until every gate is open (exit code 0), somebody refuses (3), or the time is up (4).

    Progress goes to stderr. While the bot cannot be reached it goes on waiting: nothing opens by itself.

    \b
    Example:
      shipmate gate wait --service checkout --environment production --sha "$SHA" --timeout 2h
    """
    told = watch(lambda: _ask(service, environment, sha), seconds(timeout), say=lambda line: typer.echo(line, err=True))
    if as_json:
        print_json(told)
    elif told["state"] == "approved":
        typer.echo("Approved: every gate is open.")
    elif told["state"] == "pending":
        typer.echo(f"Timed out after {timeout}: the gates are not open yet.", err=True)
    if told["state"] != "approved":
        raise typer.Exit(REFUSED if told["state"] == "rejected" else TIMED_OUT)


def watch(
    ask: Callable[[], Mapping[str, Any]],
    patience: float,
    *,
    say: Callable[[str], None],
    between: float = SECONDS_BETWEEN,
    clock: Callable[[], float] = time.monotonic,
    rest: Callable[[float], None] = time.sleep,
) -> Mapping[str, Any]:
    """Ask until it is approved or rejected, or ``patience`` (seconds) is over; each change is said once."""
    from bot.cli.calling import NobodyAnswers

    deadline, before = clock() + patience, ""
    told: Mapping[str, Any] = {"state": "pending", "gates": []}
    while True:
        try:
            told = ask()
            lines = "\n".join(_lines(told))
        except NobodyAnswers as fault:
            told, lines = {"state": "pending", "gates": []}, f"⏳ {fault}"
        if lines != before:
            say(lines)
            before = lines
        left = deadline - clock()
        if told["state"] != "pending" or left <= 0:
            return told
        rest(min(between, left))


def seconds(typed: str) -> float:
    """How long ``1h30m`` is; UserError for what is no duration."""
    from bot.errors import UserError

    found = _DURATION.fullmatch(typed.strip())
    if found is None or not any(found.groups()):
        raise UserError(f"--timeout {typed}: expected a duration such as 90s, 30m or 1h30m.")
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + rest)


def _ask(service: str, environment: str, sha: str) -> Mapping[str, Any]:
    from bot.cli.calling import NobodyAnswers, call
    from bot.errors import UserError
    from bot.settings import load_settings

    query = {"service": service, "environment": environment, "sha": sha}
    answer = call(load_settings(), "GET", "/api/v1/gates", query=query)
    if answer.status >= 500:
        raise NobodyAnswers(answer.words)
    if answer.status != 200 or answer.told.get("state") not in ("approved", "pending", "rejected"):
        raise UserError(answer.words)
    return answer.told


def _lines(told: Mapping[str, Any]) -> list[str]:
    reason, gates = told.get("reason", ""), told.get("gates", ())
    why = f": {reason}" if reason and not any(gate["reason"] in reason for gate in gates) else ""
    lines = [f"{told['state']}{why}"]
    for gate in gates:
        until = f" (until {gate['until'].partition('.')[0].removesuffix('Z')}Z)" if gate.get("until") else ""
        lines.append(f"  {_ICONS.get(gate['state'], '?')} {gate['name']}: {gate['reason']}{until}")
    if told.get("url"):
        lines.append(f"  {told['url']}")
    return lines
