"""psycopg's cursor, told to describe no more of a result than SQLAlchemy reads."""

from __future__ import annotations

from typing import Any

import psycopg


class PlainCursor(psycopg.Cursor[Any]):
    """A cursor whose ``description`` names each column and its type, and leaves the rest of DB-API's seven out.

    psycopg makes an object of each column and looks its type up, for every statement anew: with the short statements
    that we make that takes as long as to read the rows.
    """

    @property
    def description(self) -> list[Any] | None:
        """The columns of the present result as pairs of name and type, None where it has no rows to read."""
        result = self.pgresult
        if result is None or not result.nfields:
            return None
        return [((result.fname(index) or b"").decode(), result.ftype(index)) for index in range(result.nfields)]
