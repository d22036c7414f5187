"""What is worked out once for a whole test run, where each test would otherwise do it anew.

SQLAlchemy compiles each statement once for each engine, and a test has an engine of its own: to compile again what was
compiled for the test before takes a fifth of the tests' time. Dialects of one kind that talk to servers of one version
write the same SQL, so what one has compiled serves the others; here they are equal, and the cache is found by that.
What a connection is like (its isolation, its types) stays with each engine's own dialect.

An RSA key takes longer to make, and to check each time it is read, than most tests that sign with it: every stand-in
GitHub App has the same one here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect

_compiled: dict[Any, Any] = {}


class _Alike(DefaultDialect):
    """A dialect that equals each other of its kind and its server's version."""

    supports_statement_cache = True

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Have the engine look among what any engine compiled."""
        engine.update_execution_options(compiled_cache=_compiled)

    def __hash__(self) -> int:
        return hash(type(self))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.server_version_info == self.server_version_info


class Sqlite(_Alike, SQLiteDialect_pysqlite):
    """SQLite's."""

    supports_statement_cache = True


class Postgresql(_Alike, PGDialect_psycopg):
    """PostgreSQL's."""

    supports_statement_cache = True


def compile_once() -> None:
    """Have every engine that is made from now on share what is compiled."""
    registry.register("sqlite", __name__, Sqlite.__name__)
    registry.register("postgresql.psycopg", __name__, Postgresql.__name__)


def make_keys_once() -> None:
    """Have every RSA key of a size be the same one, and be checked when it is first read."""
    rsa.generate_private_key = cache(rsa.generate_private_key)
    RSAAlgorithm.prepare_key = cache(RSAAlgorithm.prepare_key)  # type: ignore[method-assign]
