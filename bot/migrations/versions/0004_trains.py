"""Trains, departures and passengers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "trains",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("timetable", sa.String(), nullable=False),
        sa.Column("reckoned_until", UTCDateTime(), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("removed_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trains")),
        sa.UniqueConstraint("name", name=op.f("uq_trains_name")),
    )
    op.create_table(
        "departures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("train", sa.Integer(), nullable=False),
        sa.Column("scheduled_at", UTCDateTime(), nullable=False),
        sa.Column("local", sa.String(length=32), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("extra", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("sealed_at", UTCDateTime(), nullable=True),
        sa.Column("departed_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=320), nullable=True),
        sa.Column("ended_reason", sa.String(), nullable=True),
        sa.Column("conductor", sa.String(length=32), nullable=True),
        sa.Column("backup", sa.String(length=32), nullable=True),
        sa.Column("hold_reason", sa.String(), nullable=True),
        sa.Column("hold_owner", sa.String(length=32), nullable=True),
        sa.Column("hold_called", sa.String(length=255), nullable=True),
        sa.Column("hold_review_at", UTCDateTime(), nullable=True),
        sa.Column("hold_nagged_at", UTCDateTime(), nullable=True),
        sa.Column("stopped_reason", sa.String(), nullable=True),
        sa.Column("passed_over", sa.JSON(), nullable=False),
        sa.Column("over_freeze", sa.String(length=255), nullable=True),
        sa.Column("over_freeze_at", UTCDateTime(), nullable=True),
        sa.Column("returning_at", UTCDateTime(), nullable=True),
        sa.Column("decide_by", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["train"], ["trains.id"], name=op.f("fk_departures_train_trains")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departures")),
        sa.UniqueConstraint("train", "scheduled_at", name=op.f("uq_departures_train_scheduled_at")),
    )
    with op.batch_alter_table("departures", schema=None) as batch_op:
        batch_op.create_index(
            "ix_departures_alive",
            ["train"],
            unique=False,
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )

    # No foreign key: SQLite adds none to a table that is there without rewriting it, and others refer to this one.
    op.add_column("promotions", sa.Column("departure", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_promotions_departure"), "promotions", ["departure"], unique=False)

    op.create_table(
        "passengers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("departure", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("promotion", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("by", sa.String(length=320), nullable=True),
        sa.Column("ready_at", UTCDateTime(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["change"], ["changes.id"], name=op.f("fk_passengers_change_changes")),
        sa.ForeignKeyConstraint(["departure"], ["departures.id"], name=op.f("fk_passengers_departure_departures")),
        sa.ForeignKeyConstraint(["promotion"], ["promotions.id"], name=op.f("fk_passengers_promotion_promotions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passengers")),
        sa.UniqueConstraint("departure", "change", "service", name=op.f("uq_passengers_departure_change_service")),
    )
    with op.batch_alter_table("passengers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passengers_change"), ["change"], unique=False)
        batch_op.create_index(batch_op.f("ix_passengers_departure"), ["departure"], unique=False)
        batch_op.create_index(batch_op.f("ix_passengers_promotion"), ["promotion"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("Shipmate's migrations only go forward: restore a backup to go back")
