"""shipmate.yml: the services, people and policies that an organisation has written down.

``load_catalog`` is the way in and ``Catalog`` is what everybody asks; the rest of this package is how the one comes
from the other.
"""

from __future__ import annotations

from bot.catalog.model import (
    Audience,
    Catalog,
    Freeze,
    Paging,
    PagingMode,
    PersonEntry,
    PromoteThrough,
    Service,
    Supersede,
    Team,
    Train,
)
from bot.catalog.reading import CatalogError, catalog_schema, load_catalog

__all__ = [
    "Audience",
    "Catalog",
    "CatalogError",
    "Freeze",
    "Paging",
    "PagingMode",
    "PersonEntry",
    "PromoteThrough",
    "Service",
    "Supersede",
    "Team",
    "Train",
    "catalog_schema",
    "load_catalog",
]
