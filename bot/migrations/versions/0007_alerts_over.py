"""Which alerts of an incident still fire is found without looking at the thousands that are over"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index("ix_alerts_over", ["incident", "resolved_at"], unique=False)
        batch_op.drop_index("ix_alerts_incident")  # the new one begins with the same


def downgrade() -> None:
    raise NotImplementedError("Shipmate's migrations only go forward: restore a backup to go back")
