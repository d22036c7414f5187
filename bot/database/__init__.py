"""The database: SQLite or PostgreSQL behind one door, one writer, many readers.

``engine`` runs units of work, ``schema`` brings tables up to date, ``leadership`` says which process works, ``reading``
lets a command look.
"""

from bot.database.engine import Database, DatabaseUnavailable, wake_on_commit
from bot.database.leadership import Leadership, SqliteLock
from bot.database.reading import reading
from bot.database.schema import upgrade

__all__ = ["Database", "DatabaseUnavailable", "Leadership", "SqliteLock", "reading", "upgrade", "wake_on_commit"]
