"""The command line, ``shipmate``: one function for each verb, all of them listed in ``application``.

Each verb imports what it needs when it runs, so that ``--help`` is quick. A user's mistake ends in one plain
sentence for each fault on stderr and exit code 1 (2 when the command itself was mistyped), never in a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from bot.cli import auditing, gating, recording
from bot.cli.configuration import check, schema
from bot.cli.doctor import doctor
from bot.cli.operations import replay, upgrade
from bot.cli.running import demo, sandbox, serve
from bot.errors import UserError


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

    root.command("serve")(serve)
    root.command("demo")(demo)
    root.command("sandbox")(sandbox)
    root.command("doctor")(doctor)

    config = _group("Check and describe shipmate.yml, the policy.")
    config.command("check")(check)
    config.command("schema")(schema)
    root.add_typer(config, name="config")

    gate = _group("For pipelines: may this build go on?")
    gate.command("check")(gating.check)
    gate.command("wait")(gating.wait)
    root.add_typer(gate, name="gate")
    record = _group("For pipelines: tell the running bot what happened.")
    record.command("deploy")(recording.deploy)
    record.command("alert")(recording.alert)
    root.add_typer(record, name="record")

    root.command("replay")(replay)
    tables = _group("The database's tables.")
    tables.command("upgrade")(upgrade)
    root.add_typer(tables, name="db")
    trail = _group("The audit trail: who decided what, when, on what grounds.")
    trail.command("verify")(auditing.verify)
    trail.command("export")(auditing.export)
    root.add_typer(trail, name="audit")
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
      shipmate demo              try it, with a stand-in Slack, GitHub and PagerDuty
      shipmate doctor            is everything set up?
      shipmate replay --help     every verb explains itself, with an example
    """
    if version:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed

        try:
            typer.echo(f"shipmate {installed('shipmate')}")
        except PackageNotFoundError:
            typer.echo("shipmate, run from its source folder")
        raise typer.Exit
