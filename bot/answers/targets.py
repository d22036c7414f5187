"""What can be promoted, for menus."""

from __future__ import annotations

from collections.abc import Sequence

from bot.catalog import Catalog


def promotable(catalog: Catalog) -> Sequence[tuple[str, str]]:
    """Every service with each environment that builds of it can be promoted to, in the catalogue's order."""
    return [
        (service.name, environment)
        for service in catalog.services.values()
        if service.promote_through is not None
        for environment in service.environments[1:]
    ]
