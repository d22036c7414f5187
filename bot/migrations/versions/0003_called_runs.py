"""Which run a call lets in; since when a yes can be undone; keys that are compared byte by byte"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # No foreign key: gate_requests names its promotion already, and a circle could not be built in one order.
    op.add_column("promotions", sa.Column("called_run", sa.Integer(), nullable=True))
    # What was called before: the call let in the first run that waited then, which may be over by now.
    op.execute(
        """
        UPDATE promotions SET called_run = (
            SELECT gate_requests.id FROM gate_requests
            WHERE gate_requests.promotion = promotions.id
            AND (gate_requests.over_at IS NULL OR gate_requests.over_at >= promotions.called_at)
            ORDER BY gate_requests.asked_at, gate_requests.id LIMIT 1
        )
        WHERE called_at IS NOT NULL AND state IN ('starting', 'rolling')
        """
    )
    # Until now a yes was dated by when it was applied.
    op.add_column("approvals", sa.Column("applied_at", UTCDateTime(), nullable=True))
    op.execute("UPDATE approvals SET applied_at = at")
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.alter_column("applied_at", nullable=False, existing_type=UTCDateTime())
    if op.get_bind().dialect.name == "postgresql":  # SQLite compares so anyway
        for table, column, length in (("cards", "subject", 64), ("notes", "key", 255), ("effects", "key", 255)):
            op.alter_column(table, column, type_=sa.String(length, collation="C"))


def downgrade() -> None:
    raise NotImplementedError("Shipmate's migrations only go forward: restore a backup to go back")
