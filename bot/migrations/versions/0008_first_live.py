"""When a rollout was first told to be live, which a success that is told once more does not change"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("deploys", sa.Column("live_at", UTCDateTime(), nullable=True))
    op.execute("UPDATE deploys SET live_at = status_at WHERE status = 'succeeded'")


def downgrade() -> None:
    raise NotImplementedError("Shipmate's migrations only go forward: restore a backup to go back")
