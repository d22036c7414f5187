"""``shipmate config``: is shipmate.yml right, and what may it say?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import timetables
from bot.cli.printing import Json, print_json

if TYPE_CHECKING:
    from bot.catalog import Catalog


_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Without it, the file that SHIPMATE_CONFIG names.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since", metavar="DAY", formats=_DAYS, help="Show the departures from this day on (UTC), not from now."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell every fault of shipmate.yml, and when its trains depart.

    Each fault with its line and, where one is near, the word that may have been meant. Of each train the next ten
    departures. Exit code 0 when the file can be used, 1 when it cannot.

    \b
    Examples:
      shipmate config check
      shipmate config check deploy/shipmate.yml --json
      shipmate config check --since 2027-03-26
    """
    from bot.catalog import CatalogError, load_catalog
    from bot.settings import DEFAULT_CHANNEL, load_settings

    default_channel = DEFAULT_CHANNEL
    if file is None:
        settings = load_settings()
        file, default_channel = settings.config, settings.default_channel
    try:
        catalog = load_catalog(file, default_channel=default_channel)
    except CatalogError as error:
        if not as_json:
            raise
        faults = [{"line": fault.line, "key": fault.key, "message": fault.message} for fault in error.found]
        print_json({"file": error.file, "valid": False, "faults": faults, "notes": [], "trains": []})
        raise typer.Exit(1) from None
    # What departs at the very beginning of the day is shown as well.
    now = datetime.now(UTC) if since is None else since.replace(tzinfo=UTC) - timedelta(microseconds=1)
    notes = [*_notes(catalog), *timetables.notes(catalog, now)]
    if as_json:
        name = None if file is None else str(file)
        trains = timetables.as_data(catalog, now)
        print_json({"file": name, "valid": True, "faults": [], "notes": notes, "trains": trains})
        return
    typer.echo(_summary(file, catalog))
    for line in (*notes, *timetables.as_lines(catalog, now)):
        typer.echo(line)


def schema() -> None:
    """Print the JSON Schema of shipmate.yml.

    Editors use it to complete and check what you write.

    \b
    Example, and the first line of shipmate.yml for most editors:
      shipmate config schema > shipmate.schema.json
      # yaml-language-server: $schema=shipmate.schema.json
    """
    from bot.catalog import catalog_schema

    print_json(catalog_schema())


def _summary(file: Path | None, catalog: Catalog) -> str:
    if file is None:
        return f"There is no shipmate.yml: every service seen is announced in {catalog.default_channel}."
    counts = [
        (len(catalog.services), "service", "services"),
        (len(catalog.teams), "team", "teams"),
        (len(catalog.people), "person", "people"),
        (len(catalog.trains), "train", "trains"),
    ]
    holds = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)
    return f"{file} is valid: {holds or 'it changes nothing yet'}."


def _notes(catalog: Catalog) -> list[str]:
    """What is allowed, and may still surprise."""
    from bot.catalog import PromoteThrough
    from bot.gates import Unbuilt

    notes = []
    for service in catalog.services.values():
        unbuilt = [gate.name for gate in service.gates if isinstance(gate, Unbuilt)]
        if unbuilt and service.promote_through:
            notes.append(
                f"Note: {service.name} asks for {' and '.join(unbuilt)}, which is not built yet: "
                "until then that gate stays closed."
            )
        elif service.promote_through and not service.environments:
            notes.append(f"Note: {service.name} names no environments, so nothing of it is promoted.")
        elif service.promote_through is PromoteThrough.WEBHOOK and not service.promote_webhook:
            notes.append(f"Note: {service.name} names no promote_webhook to call, so none of its promotions starts.")
    if catalog.audiences:
        notes.append(f"Note: {' and '.join(sorted(catalog.audiences))}: audiences are not told anything yet.")
    notes.extend(
        f"Note: webhooks from {source} are taken unsigned; anybody who finds the address can invent events."
        for source in sorted(catalog.insecure_sources)
    )
    return notes
