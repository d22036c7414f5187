"""Alerts with what is known of them, flags, incidents and their people"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "alert_mappings",
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=True),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alert_mappings")),
    )
    op.create_table(
        "flag_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("flag", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=True),
        sa.Column("environment", sa.String(length=255), nullable=True),
        sa.Column("service", sa.String(length=255), nullable=True),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("who", sa.String(length=320), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_changes")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_flag_changes_source_external_id")),
    )
    with op.batch_alter_table("flag_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flag_changes_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_flag_changes_service"), ["service"], unique=False)

    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=True),
        sa.Column("environment", sa.String(length=255), nullable=True),
        sa.Column("bundle", sa.String(length=255), nullable=True),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("storm", sa.Boolean(), nullable=False),
        sa.Column("opened_by", sa.String(length=32), nullable=True),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("onset_at", UTCDateTime(), nullable=False),
        sa.Column("quiet_at", UTCDateTime(), nullable=True),
        sa.Column("mitigated_at", UTCDateTime(), nullable=True),
        sa.Column("resolved_at", UTCDateTime(), nullable=True),
        sa.Column("resolved_by", sa.String(length=32), nullable=True),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("confidence", sa.String(length=16), nullable=False),
        sa.Column("lead", sa.String(length=32), nullable=True),
        sa.Column("communications", sa.String(length=32), nullable=True),
        sa.Column("scribe", sa.String(length=32), nullable=True),
        sa.Column("next_update_at", UTCDateTime(), nullable=True),
        sa.Column("nagged_at", UTCDateTime(), nullable=True),
        sa.Column("pager_incident", sa.String(length=64), nullable=True),
        sa.Column("pager_url", sa.String(), nullable=True),
        sa.Column("pager_ours", sa.Boolean(), nullable=False),
        sa.Column("room", sa.String(length=32), nullable=True),
        sa.Column("room_wanted_at", UTCDateTime(), nullable=True),
        sa.Column("room_name", sa.String(length=80), nullable=True),
        sa.Column("room_trouble", sa.String(), nullable=True),
        sa.Column("archived_at", UTCDateTime(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("attributed_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["merged_into"], ["incidents.id"], name=op.f("fk_incidents_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incidents_pager_incident"), ["pager_incident"], unique=False)
        batch_op.create_index(batch_op.f("ix_incidents_room"), ["room"], unique=False)
        batch_op.create_index(batch_op.f("ix_incidents_service"), ["service"], unique=False)
        batch_op.create_index("ix_incidents_state", ["state", "opened_at"], unique=False)
        batch_op.create_index(
            "uq_incidents_open_bundle",
            ["bundle"],
            unique=True,
            sqlite_where=sa.text("state = 'open' AND bundle IS NOT NULL"),
            postgresql_where=sa.text("state = 'open' AND bundle IS NOT NULL"),
        )

    op.create_table(
        "incident_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_incident_entries_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_entries")),
        sa.UniqueConstraint("incident", "key", name=op.f("uq_incident_entries_incident_key")),
    )
    with op.batch_alter_table("incident_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_entries_incident"), ["incident"], unique=False)

    op.create_table(
        "incident_services",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("environment", sa.String(length=255), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_incident_services_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_services")),
        sa.UniqueConstraint(
            "incident", "service", "environment", name=op.f("uq_incident_services_incident_service_environment")
        ),
    )
    with op.batch_alter_table("incident_services", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_services_incident"), ["incident"], unique=False)
        batch_op.create_index(batch_op.f("ix_incident_services_service"), ["service"], unique=False)

    op.create_table(
        "incident_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=True),
        sa.Column("made_by", sa.String(length=32), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.Column("follow_up", sa.Boolean(), nullable=False),
        sa.Column("issue_url", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_incident_tasks_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_tasks")),
    )
    with op.batch_alter_table("incident_tasks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_tasks_incident"), ["incident"], unique=False)

    op.create_table(
        "likely_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("against", sa.JSON(), nullable=False),
        sa.Column("rolled_back_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_likely_changes_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_likely_changes")),
        sa.UniqueConstraint("incident", "kind", "subject", name=op.f("uq_likely_changes_incident_kind_subject")),
    )
    with op.batch_alter_table("likely_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_likely_changes_incident"), ["incident"], unique=False)

    op.create_table(
        "room_people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("slack_id", sa.String(length=32), nullable=False),
        sa.Column("invited_at", UTCDateTime(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_room_people_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_people")),
        sa.UniqueConstraint("incident", "slack_id", name=op.f("uq_room_people_incident_slack_id")),
    )
    with op.batch_alter_table("room_people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_room_people_incident"), ["incident"], unique=False)

    op.create_table(
        "status_updates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("actions", sa.String(), nullable=True),
        sa.Column("needs", sa.String(), nullable=True),
        sa.Column("next_at", UTCDateTime(), nullable=True),
        sa.Column("slack_id", sa.String(length=32), nullable=False),
        sa.Column("called", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_status_updates_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_updates")),
    )
    with op.batch_alter_table("status_updates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_status_updates_incident"), ["incident"], unique=False)

    op.create_table(
        "opinions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("likely", sa.Integer(), nullable=False),
        sa.Column("slack_id", sa.String(length=32), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["likely"], ["likely_changes.id"], name=op.f("fk_opinions_likely")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinions")),
        sa.UniqueConstraint("likely", "slack_id", name=op.f("uq_opinions_likely_slack_id")),
    )
    with op.batch_alter_table("opinions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opinions_likely"), ["likely"], unique=False)

    op.create_table(
        "pages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=320), nullable=False),
        sa.Column("slack_id", sa.String(length=32), nullable=True),
        sa.Column("pager_user", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("likely", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("pager_incident", sa.String(length=64), nullable=True),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("no_answer_at", UTCDateTime(), nullable=True),
        sa.Column("nags", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name=op.f("fk_pages_incident")),
        sa.ForeignKeyConstraint(["likely"], ["likely_changes.id"], name=op.f("fk_pages_likely")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
        sa.UniqueConstraint("incident", "who", name=op.f("uq_pages_incident_who")),
    )
    with op.batch_alter_table("pages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pages_incident"), ["incident"], unique=False)
        batch_op.create_index(batch_op.f("ix_pages_pager_incident"), ["pager_incident"], unique=False)
        batch_op.create_index(batch_op.f("ix_pages_slack_id"), ["slack_id"], unique=False)

    op.create_table(
        "rollout_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deploy", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["deploy"], ["deploys.id"], name=op.f("fk_rollout_steps_deploy")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_steps")),
        sa.UniqueConstraint("deploy", "percent", name=op.f("uq_rollout_steps_deploy_percent")),
    )
    with op.batch_alter_table("rollout_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollout_steps_deploy"), ["deploy"], unique=False)

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("onset_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("level", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("summary", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("labels", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("version", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("paths", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("grouping", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("runbook", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("dashboard", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("pager_incident", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("incident", sa.Integer(), nullable=True))
        batch_op.alter_column("service", existing_type=sa.VARCHAR(length=255), nullable=True)
        batch_op.create_index(
            "ix_alerts_firing",
            ["service", "started_at"],
            unique=False,
            sqlite_where=sa.text("resolved_at IS NULL"),
            postgresql_where=sa.text("resolved_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_alerts_incident"), ["incident"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_pager_incident"), ["pager_incident"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_started_at"), ["started_at"], unique=False)

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reached", sa.Integer(), server_default=sa.text("0"), nullable=False))

    with op.batch_alter_table("locks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("room", sa.String(length=32), nullable=True))

    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.add_column(sa.Column("away", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("away_until", UTCDateTime(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Shipmate's migrations only go forward: restore a backup to go back")
