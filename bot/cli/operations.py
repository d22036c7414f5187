"""``shipmate replay`` and ``shipmate db upgrade``: what operators do by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.printing import Json, print_json


def replay(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID… | FILE…]", help="Numbers of deliveries, or files that hold some."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Every delivery that could not be applied.")] = False,
    as_json: Json = False,
) -> None:
    """Feed deliveries to the running bot again, past the de-duplication. Applying one twice is harmless.

    It goes through the bot at SHIPMATE_URL with SHIPMATE_API_TOKEN. A file holds one JSON object a line:
    {"source": "github", "headers": {"X-GitHub-Event": "push"}, "body": "…"}.

    \b
    Examples:
      shipmate replay --failed
      shipmate replay 812 813
      shipmate replay missed.jsonl
    """
    from bot.cli.replaying import feed

    count = feed(what or [], failed=failed)
    if as_json:
        print_json({"replayed": count})
    else:
        typer.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} being applied again.")


def upgrade() -> None:
    """Bring the database's tables up to date (serve does it by itself).

    \b
    Example:
      shipmate db upgrade
    """
    from bot.settings import load_settings
    from bot.wiring import upgrade_database

    before, after = upgrade_database(load_settings())
    if before == after:
        typer.echo(f"The tables are up to date (revision {after}).")
    else:
        typer.echo(f"The tables went from {before or 'nothing'} to revision {after}.")
