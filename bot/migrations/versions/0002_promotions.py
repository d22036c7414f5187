"""Promotions, gates, locks, alerts, proofs and seals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=255), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("environment", sa.String(length=255), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("resolved_at", UTCDateTime(), nullable=True),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint(
            "source", "fingerprint", "started_at", name=op.f("uq_alerts_source_fingerprint_started_at")
        ),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alerts_service"), ["service"], unique=False)

    op.create_table(
        "freezes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("begins", UTCDateTime(), nullable=False),
        sa.Column("ends", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("called", sa.String(length=255), nullable=True),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freezes")),
    )
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=80), nullable=False),
        sa.Column("members", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("read_at", UTCDateTime(), nullable=True),
        sa.Column("wanted_at", UTCDateTime(), nullable=True),
        sa.Column("tried_at", UTCDateTime(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("handle", name=op.f("uq_groups_handle")),
    )
    op.create_table(
        "hours",
        sa.Column("slack_id", sa.String(length=32), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=True),
        sa.Column("ends", sa.Integer(), nullable=True),
        sa.Column("chosen_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("slack_id", name=op.f("pk_hours")),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slack_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("guest", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=True),
        sa.Column("online_at", UTCDateTime(), nullable=True),
        sa.Column("read_at", UTCDateTime(), nullable=True),
        sa.Column("wanted_at", UTCDateTime(), nullable=True),
        sa.Column("tried_at", UTCDateTime(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("slack_id", name=op.f("uq_members_slack_id")),
    )
    op.create_table(
        "on_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("who", sa.JSON(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=True),
        sa.Column("wanted_at", UTCDateTime(), nullable=True),
        sa.Column("tried_at", UTCDateTime(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call")),
        sa.UniqueConstraint("service", name=op.f("uq_on_call_service")),
    )
    op.create_table(
        "proofs",
        sa.Column("login", sa.String(length=255), nullable=False),
        sa.Column("slack_id", sa.String(length=32), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("proved_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("login", name=op.f("pk_proofs")),
    )
    with op.batch_alter_table("proofs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proofs_slack_id"), ["slack_id"], unique=False)

    op.create_table(
        "seals",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_seals")),
        sa.UniqueConstraint("fact", name=op.f("uq_seals_fact")),
    )
    op.create_table(
        "locks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope_kind", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=512), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=True),
        sa.Column("called", sa.String(length=255), nullable=True),
        sa.Column("target", sa.Integer(), nullable=True),
        sa.Column("rollbacks", sa.Boolean(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.Column("nagged_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(length=32), nullable=True),
        sa.Column("go_at", UTCDateTime(), nullable=True),
        sa.Column("go_by", sa.String(length=32), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["target"], ["targets.id"], name=op.f("fk_locks_target")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locks")),
    )
    with op.batch_alter_table("locks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_locks_holding",
            ["id"],
            unique=False,
            sqlite_where=sa.text("closed = false"),
            postgresql_where=sa.text("closed = false"),
        )
        batch_op.create_index(
            "uq_locks_standing",
            ["scope_kind", "scope", "cause"],
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL AND ended_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL AND ended_at IS NULL"),
        )

    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("root", sa.Integer(), nullable=True),
        sa.Column("repo", sa.String(length=255), nullable=True),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("rollback", sa.Boolean(), nullable=False),
        sa.Column("via", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=320), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("base_sha", sa.String(length=64), nullable=True),
        sa.Column("range", sa.String(length=16), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=True),
        sa.Column("truncated", sa.Integer(), nullable=False),
        sa.Column("seen", sa.String(length=64), nullable=False),
        sa.Column("not_before", UTCDateTime(), nullable=True),
        sa.Column("called_at", UTCDateTime(), nullable=True),
        sa.Column("asks_person", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("deploy", sa.Integer(), nullable=True),
        sa.Column("successor", sa.Integer(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=320), nullable=True),
        sa.Column("ended_reason", sa.String(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=32), nullable=True),
        sa.Column("acknowledged_seen", sa.String(length=64), nullable=True),
        sa.Column("acknowledged_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["deploy"], ["deploys.id"], name=op.f("fk_promotions_deploy")),
        sa.ForeignKeyConstraint(["root"], ["promotions.id"], name=op.f("fk_promotions_root")),
        sa.ForeignKeyConstraint(["successor"], ["promotions.id"], name=op.f("fk_promotions_successor")),
        sa.ForeignKeyConstraint(["target"], ["targets.id"], name=op.f("fk_promotions_target")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
    )
    with op.batch_alter_table("promotions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promotions_deploy"), ["deploy"], unique=False)
        batch_op.create_index(batch_op.f("ix_promotions_root"), ["root"], unique=False)
        batch_op.create_index("ix_promotions_sha", ["target", "sha"], unique=False)
        batch_op.create_index(
            "uq_promotions_open",
            ["target"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "uq_promotions_under_way",
            ["target"],
            unique=True,
            sqlite_where=sa.text("state IN ('starting', 'rolling')"),
            postgresql_where=sa.text("state IN ('starting', 'rolling')"),
        )

    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("promotion", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("called", sa.String(length=255), nullable=False),
        sa.Column("seen", sa.String(length=64), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["promotion"], ["promotions.id"], name=op.f("fk_approvals_promotion")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approvals_promotion"), ["promotion"], unique=False)
        batch_op.create_index(
            "uq_approvals_standing",
            ["promotion", "person"],
            unique=True,
            sqlite_where=sa.text("withdrawn_at IS NULL"),
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        )

    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("promotion", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("who", sa.String(length=320), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("seen", sa.String(length=64), nullable=False),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["promotion"], ["promotions.id"], name=op.f("fk_decisions_promotion")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decisions_promotion"), ["promotion"], unique=False)

    op.create_table(
        "gate_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repo", sa.String(length=255), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.String(length=255), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("promotion", sa.Integer(), nullable=True),
        sa.Column("requested_by", sa.String(length=320), nullable=True),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("notes", sa.Integer(), nullable=False),
        sa.Column("noted", sa.String(), nullable=True),
        sa.Column("over_at", UTCDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["promotion"], ["promotions.id"], name=op.f("fk_gate_requests_promotion")),
        sa.ForeignKeyConstraint(["target"], ["targets.id"], name=op.f("fk_gate_requests_target")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_requests")),
    )
    with op.batch_alter_table("gate_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gate_requests_promotion"), ["promotion"], unique=False)
        batch_op.create_index(batch_op.f("ix_gate_requests_target"), ["target"], unique=False)
        batch_op.create_index(
            "uq_gate_requests_waiting",
            ["repo", "run", "environment"],
            unique=True,
            sqlite_where=sa.text("over_at IS NULL"),
            postgresql_where=sa.text("over_at IS NULL"),
        )

    op.create_table(
        "promotion_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("promotion", sa.Integer(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["change"], ["changes.id"], name=op.f("fk_promotion_changes_change")),
        sa.ForeignKeyConstraint(["promotion"], ["promotions.id"], name=op.f("fk_promotion_changes_promotion")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion_changes")),
        sa.UniqueConstraint("promotion", "change", name=op.f("uq_promotion_changes_promotion_change")),
    )
    with op.batch_alter_table("promotion_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_promotion_changes_change"), ["change"], unique=False)
        batch_op.create_index(batch_op.f("ix_promotion_changes_promotion"), ["promotion"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("Shipmate's migrations only go forward: restore a backup to go back")
