"""``shipmate audit verify`` and ``audit export``: is the trail whole, and what does it say?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.cli.printing import Json, print_json

if TYPE_CHECKING:  # the database is read when it is needed: --help is quick
    from sqlmodel import Session

    from bot.seals import Verified

Result = TypeVar("Result")

KEEP = (
    "Keep this head outside of the database and give it with --head next time: that the newest facts were removed "
    "together with their seals is found only with it."
)


def verify(
    head: Annotated[
        str | None, typer.Option("--head", help="A digest printed earlier: is it still part of the chain?")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the chain of seals over the audit trail. An edited or removed fact is found; exit code 1 then.

    The digest it prints stands for everything sealed so far: keep it elsewhere, and give it with --head later. Only so
    it is found that the newest facts were removed together with their seals. It reads the database that DATABASE_URL
    names, while the bot runs or not, and changes nothing.

    \b
    Examples:
      shipmate audit verify
      shipmate audit verify --head 5f1c…
    """
    from bot import seals
    from bot.errors import UserError

    def check(session: Session) -> tuple[Verified, bool]:
        return seals.verify(session), head is None or seals.holds(session, head)

    verified, known = _reading(check)
    if as_json:
        print_json(
            {
                "whole": verified.fault is None and known,
                "sealed": verified.sealed,
                "unsealed": verified.unsealed,
                "head": verified.head,
                "fault": verified.fault.what if verified.fault else None,
                "head_known": known if head is not None else None,
            }
        )
        if verified.fault is not None or not known:
            raise typer.Exit(1)
        return
    if verified.fault is not None:
        raise UserError(
            f"The audit trail was changed: {verified.fault.what} (position {verified.fault.position}; "
            f"{verified.sealed} facts before it are as they were sealed). Compare with a backup or an export."
        )
    if not known:
        raise UserError(
            f"No seal has the digest {head}: the newest facts were removed together with their seals, the chain was "
            "made anew since, or that digest is of another database. Compare with a backup or an export."
        )
    waiting = f"; {verified.unsealed} newer not sealed yet" if verified.unsealed else ""
    typer.echo(f"The audit trail is whole: {verified.sealed} facts sealed{waiting}.")
    if verified.sealed:
        typer.echo(KEEP)
    typer.echo(f"Head: {verified.head}")


def export(
    since: Annotated[
        datetime | None, typer.Option("--since", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="In UTC.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only what is about this, for example promotion:17.")
    ] = None,
) -> None:
    """Print the audit trail as JSON lines, oldest first, each fact with its seal.

    \b
    Examples:
      shipmate audit export > trail.jsonl
      shipmate audit export --since 2026-11-01 --subject promotion:17
    """
    from bot import seals

    start = since.replace(tzinfo=UTC) if since is not None else None

    def write(session: Session) -> None:
        for line in seals.export(session, since=start, subject=subject):
            typer.echo(json.dumps(line, ensure_ascii=False))

    _reading(write)


def _reading(ask: Callable[[Session], Result]) -> Result:
    """Ask the settings' database, read-only; UserError where it cannot be used or is not up to date."""
    from bot.database import reading
    from bot.settings import load_settings

    with reading(load_settings().database_url) as session:
        return ask(session)
