"""The command line, ``shipmate``: one function for each verb, all of them listed in ``application``.

Each verb imports what it needs when it runs, so that ``--help`` is quick. A user's mistake ends in one plain
sentence for each fault on stderr and exit code 1 (2 when the command itself was mistyped), never in a traceback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import UserError

if TYPE_CHECKING:
    from bot.catalog import Catalog

Json = Annotated[bool, typer.Option("--json", help="Print data for programs.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code; ``arguments`` None stands for the process's own."""
    command = typer.main.get_command(application())
    try:
        command.main(None if arguments is None else list(arguments), prog_name="shipmate")
    except UserError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


def application() -> typer.Typer:
    """Every verb, in the order in which ``--help`` shows them."""
    root = _group(None)
    root.callback(invoke_without_command=True, help=about.__doc__)(about)

    config = _group("Check and describe shipmate.yml, the policy.")
    config.command("check")(config_check)
    config.command("schema")(config_schema)
    root.add_typer(config, name="config")
    return root


def _group(summary: str | None) -> typer.Typer:
    return typer.Typer(
        help=summary,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def about(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    """Shipmate, the deploy crew of your organisation, living in Slack.

    \b
    Examples:
      shipmate config check           is my shipmate.yml right?
      shipmate config check --help    every verb explains itself, with an example
    """
    if version:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed

        try:
            typer.echo(f"shipmate {installed('shipmate')}")
        except PackageNotFoundError:
            typer.echo("shipmate, run from its source folder")
        raise typer.Exit


def config_check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Without it, the file that SHIPMATE_CONFIG names.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell every fault of shipmate.yml.

    Each with its line and, where one is near, the word that may have been meant. Exit code 0 when the file can be
    used, 1 when it cannot.

    \b
    Examples:
      shipmate config check
      shipmate config check deploy/shipmate.yml --json
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
        _print_json({"file": error.file, "valid": False, "faults": faults, "notes": []})
        raise typer.Exit(1) from None
    if as_json:
        name = None if file is None else str(file)
        _print_json({"file": name, "valid": True, "faults": [], "notes": _notes(catalog)})
        return
    typer.echo(_summary(file, catalog))
    for note in _notes(catalog):
        typer.echo(note)


def config_schema() -> None:
    """Print the JSON Schema of shipmate.yml.

    Editors use it to complete and check what you write.

    \b
    Example, and the first line of shipmate.yml for most editors:
      shipmate config schema > shipmate.schema.json
      # yaml-language-server: $schema=shipmate.schema.json
    """
    from bot.catalog import catalog_schema

    _print_json(catalog_schema())


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
    from bot.catalog import UnbuiltGate

    notes = []
    for service in catalog.services.values():
        unbuilt = [gate.name for gate in service.gates if isinstance(gate, UnbuiltGate)]
        if unbuilt and service.promote_through:
            notes.append(
                f"Note: {service.name} asks for {' and '.join(unbuilt)}, which is not built yet: "
                "until then that gate stays closed."
            )
        elif service.promote_through and not service.environments:
            notes.append(f"Note: {service.name} names no environments, so nothing of it is promoted.")
    notes.extend(
        f"Note: webhooks from {source} are taken unsigned; anybody who finds the address can invent events."
        for source in sorted(catalog.insecure_sources)
    )
    return notes


def _print_json(data: object) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
