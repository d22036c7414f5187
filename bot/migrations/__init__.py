"""Alembic migrations, one file each in ``versions``, run at start and by ``shipmate db upgrade``."""
