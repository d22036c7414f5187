"""shipmate.yml: the services, people and policies that an organisation has written down.

``load_catalog`` is the way in and ``Catalog`` is what everybody asks; the rest of this package is how the one comes
from the other.
"""

from __future__ import annotations

from bot.catalog.model import (
    Audience,
    Catalog,
    Conductors,
    Freeze,
    OnFailure,
    OutsideHours,
    Paging,
    PagingMode,
    PersonEntry,
    PromoteThrough,
    Ready,
    Service,
    Supersede,
    Team,
    Train,
    TrainApproval,
    Turns,
)
from bot.catalog.reading import CatalogError, catalog_schema, load_catalog

__all__ = [
    "Audience",
    "Catalog",
    "CatalogError",
    "Conductors",
    "Freeze",
    "OnFailure",
    "OutsideHours",
    "Paging",
    "PagingMode",
    "PersonEntry",
    "PromoteThrough",
    "Ready",
    "Service",
    "Supersede",
    "Team",
    "Train",
    "TrainApproval",
    "Turns",
    "catalog_schema",
    "load_catalog",
]
