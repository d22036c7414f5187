"""What can be locked, for menus; and which freeze somebody means to lift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.locks import scopes, service
from bot.locks.models import DeclaredFreeze
from bot.locks.rules import Scope, ScopeKind


@dataclass(frozen=True, kw_only=True)
class LockModal:
    """The modal that sets a lock: all of it is chosen there."""


def scopes_offered(session: Session, desk: Desk) -> Sequence[tuple[str, str]]:
    """Everything that can be locked: how people name it, and what to type so that nothing else is meant."""
    known = scopes.known(session, desk.catalog)
    every = [
        scope
        for service_name, environments in known.pipelines.items()
        for scope in (
            Scope(ScopeKind.SERVICE, service_name),
            *(Scope(ScopeKind.TARGET, f"{service_name}/{environment}") for environment in environments),
        )
    ]
    every += [Scope(ScopeKind.TEAM, team) for team in known.teams]
    every += [Scope(ScopeKind.ENVIRONMENT, environment) for environment in known.environments]
    every.append(Scope(ScopeKind.EVERYTHING))
    return [(scope.called, scope.typed) for scope in every]


def freeze_meant(session: Session, desk: Desk, asked: str) -> int:
    """The number of the declared freeze that somebody wants to lift; UserError where it is none, or could be several.

    ``asked`` is a number, a service, or nothing where there is only one.
    """
    standing = service.standing_freezes(session, desk.now)
    words = asked.casefold().strip()
    if words.isdecimal() and words.isascii():
        found = [one for one in standing if str(one.id) == words]
    elif words in ("", "all", "everything"):
        found = [one for one in standing if not words or not one.service]
    else:
        found = [one for one in standing if one.service.casefold() == words]
    if len(found) == 1 and found[0].id is not None:
        return found[0].id
    if not standing:
        raise UserError(
            "No freeze that somebody declared stands. Those of shipmate.yml are lifted there; /ship locks shows them."
        )
    these = "; ".join(_called(one) for one in standing[:10])
    if not found:
        raise UserError(f"No declared freeze is “{asked[:80]}”. There is: {these}.")
    raise UserError(f"That could be several: {these}. Name one by its number: /ship freeze lift {found[0].id}")


def _called(freeze: DeclaredFreeze) -> str:
    return f"freeze {freeze.id} of {freeze.service or 'everything'} ({freeze.reason[:80]})"
