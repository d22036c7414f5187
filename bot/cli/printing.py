"""What several verbs print alike."""

from __future__ import annotations

import json
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print data for programs.")]


def print_json(data: object) -> None:
    """Print data for programs, still readable for people."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
