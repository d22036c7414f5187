"""How Alembic reaches our tables: always through a connection that the caller hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import bot.database  # first: it says how constraints are named

# isort: split
# Imported so that the metadata knows every table.
import bot.alerts.models
import bot.audit
import bot.departures.models
import bot.deploys.models
import bot.inbox
import bot.incidents.models
import bot.locks.models
import bot.outbox
import bot.people
import bot.promotions.models
import bot.seals
import bot.work  # noqa: F401

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
