"""What a departure waits for by service, whose failure stopped it, and what of it was tried to be taken back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # The defaults are for rows that are there already: whoever writes new ones says all three.
    with op.batch_alter_table("departures", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hold_waits", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("stopped_for", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("tried_back", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    raise NotImplementedError("Shipmate's migrations only go forward: restore a backup to go back")
