"""``shipmate doctor``: is everything set up? One line for each thing looked at, with the mend."""

from __future__ import annotations

import typer

from bot.cli.findings import Finding, Health
from bot.cli.printing import Json, print_json


def doctor(as_json: Json = False) -> None:
    """Look at configuration, tokens, scopes, webhooks and the database; changes nothing.

    Exit code 0 when the bot can work, 1 when something must be mended first.

    \b
    Example:
      shipmate doctor
    """
    import asyncio

    from bot.cli.examination import examine

    findings = asyncio.run(examine())
    if as_json:
        print_json(
            [{"subject": one.subject, "health": one.health, "said": one.said, "mend": one.mend} for one in findings]
        )
    else:
        for one in findings:
            typer.echo(_line(one))
    if any(one.health is Health.FAULT for one in findings):
        raise typer.Exit(1)


def _line(finding: Finding) -> str:
    mark = {Health.GOOD: "✓", Health.NOTE: "·", Health.FAULT: "✗"}[finding.health]
    mend = f"\n    → {finding.mend}" if finding.mend else ""
    return f"{mark} {finding.subject}: {finding.said}{mend}"
