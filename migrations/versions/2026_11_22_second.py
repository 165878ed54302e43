"""The brain: time, carriers, capacity, policies, allocation.

Revision: 2026_11_22_second
Follows: 2026_11_22_initial
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_second"
down_revision = "2026_11_22_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "atp_rules",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("skus", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("mode", sa.String(40), nullable=False),
        sa.Column("past_due_supply_days", sa.Integer(), nullable=True),
        sa.Column("past_due_demand_days", sa.Integer(), nullable=True),
        sa.Column("delayed_offset_days", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("lead_time_days", sa.Integer(), nullable=True),
        sa.Column("period_days", sa.Integer(), nullable=False),
        sa.Column("consume_backward", sa.Boolean(), nullable=False),
        sa.Column("consume_forward", sa.Boolean(), nullable=False),
        sa.Column("accumulation_periods", sa.Integer(), nullable=True),
        sa.Column("generators", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("accumulation_periods >= 0", name=op.f("ck_atp_rules_accumulation_periods")),
        sa.CheckConstraint("delayed_offset_days >= 0", name=op.f("ck_atp_rules_delayed_offset_days")),
        sa.CheckConstraint("horizon_days >= 0", name=op.f("ck_atp_rules_horizon_days")),
        sa.CheckConstraint("lead_time_days >= 0", name=op.f("ck_atp_rules_lead_time_days")),
        sa.CheckConstraint("past_due_demand_days >= 0", name=op.f("ck_atp_rules_past_due_demand_days")),
        sa.CheckConstraint("past_due_supply_days >= 0", name=op.f("ck_atp_rules_past_due_supply_days")),
        sa.CheckConstraint("period_days >= 1", name=op.f("ck_atp_rules_period_days")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_atp_rules")),
    )
    with op.batch_alter_table("atp_rules", schema=None) as batch_op:
        batch_op.create_index("uq_atp_rules_handle", ["tenant_id", "handle"], unique=True)

    op.create_table(
        "calendars",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_calendars")),
    )
    with op.batch_alter_table("calendars", schema=None) as batch_op:
        batch_op.create_index("uq_calendars_handle", ["tenant_id", "handle"], unique=True)

    op.create_table(
        "carrier_services",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("business_days", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("pickup_days", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("last_pickup", sa.String(), nullable=True),
        sa.Column("holidays", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("zones", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("rates", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("dim_divisor", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("dim_divisor > 0", name=op.f("ck_carrier_services_dim_divisor")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_carrier_services")),
    )
    with op.batch_alter_table("carrier_services", schema=None) as batch_op:
        batch_op.create_index("uq_carrier_services_handle", ["tenant_id", "handle"], unique=True)

    op.create_table(
        "demand_classes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("channels", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_demand_classes_rank")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_demand_classes")),
    )
    with op.batch_alter_table("demand_classes", schema=None) as batch_op:
        batch_op.create_index("uq_demand_classes_handle", ["tenant_id", "handle"], unique=True)

    op.create_table(
        "inbox_messages",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_inbox_messages")),
    )
    with op.batch_alter_table("inbox_messages", schema=None) as batch_op:
        batch_op.create_index("ix_inbox_messages_received", ["received_at", "tenant_id"], unique=False)
        batch_op.create_index("uq_inbox_messages_external", ["tenant_id", "account_id", "external_id"], unique=True)

    op.create_table(
        "sku_tags",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "tag", name=op.f("pk_sku_tags")),
    )
    op.create_table(
        "sourcing_decisions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("policy_number", sa.Integer(), nullable=False),
        sa.Column("engine", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.String(), nullable=False),
        sa.Column("plan", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("lower_bound_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sourcing_decisions")),
    )
    with op.batch_alter_table("sourcing_decisions", schema=None) as batch_op:
        batch_op.create_index("ix_sourcing_decisions_owner", ["tenant_id", "owner_id", "id"], unique=False)
        batch_op.create_index("ix_sourcing_decisions_policy", ["tenant_id", "policy", "created_at"], unique=False)

    op.create_table(
        "sourcing_policies",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=True),
        sa.Column("previous", sa.Integer(), nullable=True),
        sa.Column("shadow", sa.Integer(), nullable=True),
        sa.Column("shadow_since", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "latest >= 1 AND live <= latest AND previous <= latest AND shadow <= latest",
            name=op.f("ck_sourcing_policies_numbers"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sourcing_policies")),
    )
    with op.batch_alter_table("sourcing_policies", schema=None) as batch_op:
        batch_op.create_index("uq_sourcing_policies_handle", ["tenant_id", "handle"], unique=True)

    op.create_table(
        "sourcing_waves",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("asked", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("waiting_before", sa.BigInteger(), nullable=False),
        sa.Column("waiting_after", sa.BigInteger(), nullable=False),
        sa.Column("cost_before_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_after_minor", sa.BigInteger(), nullable=False),
        sa.Column("bound_minor", sa.BigInteger(), nullable=False),
        sa.Column("changes", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.CheckConstraint("(state = 'RUNNING') = (finished_at IS NULL)", name=op.f("ck_sourcing_waves_finished")),
        sa.CheckConstraint("attempts >= 0 AND orders >= 0 AND left_out >= 0", name=op.f("ck_sourcing_waves_counts")),
        sa.CheckConstraint(
            "bound_minor <= cost_after_minor AND cost_after_minor <= cost_before_minor",
            name=op.f("ck_sourcing_waves_costs"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sourcing_waves")),
    )
    with op.batch_alter_table("sourcing_waves", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sourcing_waves_running",
            ["beat_at"],
            unique=False,
            sqlite_where=sa.text("state = 'RUNNING'"),
            postgresql_where=sa.text("state = 'RUNNING'"),
        )

    op.create_table(
        "webhook_subscription_turns",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_webhook_subscription_turns")),
    )
    op.create_table(
        "allocations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("demand_class", sa.String(), nullable=False),
        sa.Column("basis", sa.String(40), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("steal_until", sa.Date(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "starts_on IS NULL OR ends_on IS NULL OR starts_on <= ends_on", name=op.f("ck_allocations_dates")
        ),
        sa.CheckConstraint("target >= 0", name=op.f("ck_allocations_target")),
        sa.CheckConstraint("used >= 0", name=op.f("ck_allocations_used")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_allocations_tenant_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku"], ["skus.tenant_id", "skus.code"], name=op.f("fk_allocations_tenant_id_sku")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_allocations")),
    )
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.create_index("uq_allocations_share", ["tenant_id", "sku", "scope", "demand_class"], unique=True)

    op.create_table(
        "calendar_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "calendar_id"],
            ["calendars.tenant_id", "calendars.id"],
            name=op.f("fk_calendar_days_tenant_id_calendar_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "calendar_id", "on_date", name=op.f("pk_calendar_days")),
    )
    op.create_table(
        "capacity_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("orders_taken", sa.BigInteger(), nullable=False),
        sa.Column("lines_taken", sa.BigInteger(), nullable=False),
        sa.Column("units_taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "orders_taken >= 0 AND lines_taken >= 0 AND units_taken >= 0", name=op.f("ck_capacity_days_taken")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_capacity_days_tenant_id_location_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "location_id", "on_date", name=op.f("pk_capacity_days")),
    )
    op.create_table(
        "kits_in_kits",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kit", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "kit"], ["skus.tenant_id", "skus.code"], name=op.f("fk_kits_in_kits_tenant_id_kit")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "part"], ["skus.tenant_id", "skus.code"], name=op.f("fk_kits_in_kits_tenant_id_part")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "kit", "part", name=op.f("pk_kits_in_kits")),
    )
    with op.batch_alter_table("kits_in_kits", schema=None) as batch_op:
        batch_op.create_index("ix_kits_in_kits_part", ["tenant_id", "part"], unique=False)

    op.create_table(
        "sku_substitutes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("substitute", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ratio_millionths", sa.BigInteger(), nullable=False),
        sa.Column("needs_consent", sa.Boolean(), nullable=False),
        sa.CheckConstraint("ratio_millionths > 0", name=op.f("ck_sku_substitutes_ratio")),
        sa.CheckConstraint("sku <> substitute", name=op.f("ck_sku_substitutes_other")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku"], ["skus.tenant_id", "skus.code"], name=op.f("fk_sku_substitutes_tenant_id_sku")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "substitute"],
            ["skus.tenant_id", "skus.code"],
            name=op.f("fk_sku_substitutes_tenant_id_substitute"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "sku", "substitute", name=op.f("pk_sku_substitutes")),
    )
    with op.batch_alter_table("sku_substitutes", schema=None) as batch_op:
        batch_op.create_index("ix_sku_substitutes_substitute", ["tenant_id", "substitute"], unique=False)

    op.create_table(
        "sourcing_policy_channels",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel_id"],
            ["channels.tenant_id", "channels.id"],
            name=op.f("fk_sourcing_policy_channels_tenant_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "policy_id"],
            ["sourcing_policies.tenant_id", "sourcing_policies.id"],
            name=op.f("fk_sourcing_policy_channels_tenant_id_policy_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "channel_id", name=op.f("pk_sourcing_policy_channels")),
    )
    with op.batch_alter_table("sourcing_policy_channels", schema=None) as batch_op:
        batch_op.create_index("ix_sourcing_policy_channels_policy", ["tenant_id", "policy_id"], unique=False)

    op.create_table(
        "sourcing_policy_versions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("extends", sa.String(), nullable=True),
        sa.Column("extends_number", sa.Integer(), nullable=True),
        sa.Column("content", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("effective", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(extends IS NULL) = (extends_number IS NULL)", name=op.f("ck_sourcing_policy_versions_extends")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_sourcing_policy_versions_number")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "policy_id"],
            ["sourcing_policies.tenant_id", "sourcing_policies.id"],
            name=op.f("fk_sourcing_policy_versions_tenant_id_policy_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sourcing_policy_versions")),
    )
    with op.batch_alter_table("sourcing_policy_versions", schema=None) as batch_op:
        batch_op.create_index("uq_sourcing_policy_versions_number", ["tenant_id", "policy_id", "number"], unique=True)

    op.create_table(
        "sourcing_shadows",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("served", sa.Boolean(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("live_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipments", sa.Integer(), nullable=False),
        sa.Column("live_shipments", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["sourcing_decisions.tenant_id", "sourcing_decisions.id"],
            name=op.f("fk_sourcing_shadows_tenant_id_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "policy_id"],
            ["sourcing_policies.tenant_id", "sourcing_policies.id"],
            name=op.f("fk_sourcing_shadows_tenant_id_policy_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "policy_id", "number", "id", name=op.f("pk_sourcing_shadows")),
    )
    with op.batch_alter_table("sourcing_shadows", schema=None) as batch_op:
        batch_op.create_index("ix_sourcing_shadows_decision", ["tenant_id", "id"], unique=False)

    op.create_table(
        "stock_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("promised", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("promised >= 0", name=op.f("ck_stock_days_promised")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku"], ["skus.tenant_id", "skus.code"], name=op.f("fk_stock_days_tenant_id_sku")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stock_days")),
    )
    with op.batch_alter_table("stock_days", schema=None) as batch_op:
        batch_op.create_index("uq_stock_days_key", ["tenant_id", "sku", "day", "scope"], unique=True)

    op.create_table(
        "stock_rules",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name=op.f("ck_stock_rules_box")
        ),
        sa.CheckConstraint("location_id IS NULL OR channel IS NULL", name=op.f("ck_stock_rules_scope")),
        sa.CheckConstraint("method IS NULL OR location_id IS NOT NULL", name=op.f("ck_stock_rules_method")),
        sa.CheckConstraint("units >= 0 AND units <= 2147483647", name=op.f("ck_stock_rules_units")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel"],
            ["channels.tenant_id", "channels.handle"],
            name=op.f("fk_stock_rules_tenant_id_channel"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_stock_rules_tenant_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku"], ["skus.tenant_id", "skus.code"], name=op.f("fk_stock_rules_tenant_id_sku")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stock_rules")),
    )
    with op.batch_alter_table("stock_rules", schema=None) as batch_op:
        batch_op.create_index("ix_stock_rules_sku", ["tenant_id", "sku", "location_id"], unique=False)
        batch_op.create_index("uq_stock_rules_handle", ["tenant_id", "handle"], unique=True)

    op.create_table(
        "allocation_uses",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("allocation_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "quantity >= 0 AND taken > 0 AND quantity <= taken", name=op.f("ck_allocation_uses_quantity")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "allocation_id"],
            ["allocations.tenant_id", "allocations.id"],
            name=op.f("fk_allocation_uses_tenant_id_allocation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "reservation_id"],
            ["reservations.tenant_id", "reservations.id"],
            name=op.f("fk_allocation_uses_tenant_id_reservation_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_allocation_uses")),
    )
    with op.batch_alter_table("allocation_uses", schema=None) as batch_op:
        batch_op.create_index(
            "ix_allocation_uses_lapsing",
            ["tenant_id", "allocation_id", "expires_at"],
            unique=False,
            sqlite_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
            postgresql_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
        )
        batch_op.create_index("ix_allocation_uses_reservation", ["tenant_id", "reservation_id"], unique=False)

    op.create_table(
        "capacity_claims",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.CheckConstraint("units > 0", name=op.f("ck_capacity_claims_units")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id", "on_date"],
            ["capacity_days.tenant_id", "capacity_days.location_id", "capacity_days.on_date"],
            name=op.f("fk_capacity_claims_tenant_id_location_id_on_date"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_capacity_claims")),
    )
    with op.batch_alter_table("capacity_claims", schema=None) as batch_op:
        batch_op.create_index("ix_capacity_claims_holder", ["tenant_id", "holder_id"], unique=False)
        batch_op.create_index(
            "ix_capacity_claims_lapsing",
            ["tenant_id", "location_id", "on_date"],
            unique=False,
            sqlite_where=sa.text("expires_at IS NOT NULL"),
            postgresql_where=sa.text("expires_at IS NOT NULL"),
        )

    op.create_table(
        "order_attentions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_attentions_tenant_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "kind", name=op.f("pk_order_attentions")),
    )
    op.create_table(
        "stock_counts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.String(40), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("booked", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("counted >= 0 AND counted <= 2147483647", name=op.f("ck_stock_counts_counted")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"],
            ["positions.tenant_id", "positions.sku", "positions.location_id"],
            name=op.f("fk_stock_counts_tenant_id_sku_location_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stock_counts")),
    )
    with op.batch_alter_table("stock_counts", schema=None) as batch_op:
        batch_op.create_index("ix_stock_counts_position", ["tenant_id", "sku", "location_id", "id"], unique=False)
        batch_op.create_index(
            "ix_stock_counts_recount",
            ["tenant_id", "sku", "location_id"],
            unique=False,
            sqlite_where=sa.text("state = 'RECOUNT'"),
            postgresql_where=sa.text("state = 'RECOUNT'"),
        )

    op.create_table(
        "order_line_refusals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.CheckConstraint("times >= 1", name=op.f("ck_order_line_refusals_times")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["order_lines.tenant_id", "order_lines.id"],
            name=op.f("fk_order_line_refusals_tenant_id_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_order_line_refusals_tenant_id_location_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "line_id", "location_id", name=op.f("pk_order_line_refusals")),
    )
    with op.batch_alter_table("order_line_refusals", schema=None) as batch_op:
        batch_op.create_index("ix_order_line_refusals_line", ["tenant_id", "line_id"], unique=False)
        batch_op.create_index("ix_order_line_refusals_location", ["tenant_id", "location_id"], unique=False)

    with op.batch_alter_table("fulfillment_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("moved", sa.BigInteger(), server_default="0", nullable=False))

    with op.batch_alter_table("fulfillments", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("rejected_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("rejection_reason", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("rejection_note", sa.String(), nullable=True))
        batch_op.add_column(
            sa.Column("ship_by", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("deliver_by", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column("due_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.create_index(
            "ix_fulfillments_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.add_column(sa.Column("max_reassignments", sa.Integer(), server_default="3", nullable=False))

    with op.batch_alter_table("locations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tags", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True))
        batch_op.add_column(sa.Column("hours", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True))
        batch_op.add_column(
            sa.Column("exceptions", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("calendar", sa.String(), nullable=True))
        batch_op.add_column(
            sa.Column("capacities", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("services", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True))
        batch_op.add_column(sa.Column("origin_zone", sa.String(), nullable=True))

    with op.batch_alter_table("network_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("carriers", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("policy", sa.Uuid(), nullable=True))

    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("requested_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("may_arrive_earlier", sa.Boolean(), server_default=sa.false(), nullable=False))

    # never made anew: SQLite would lose its index on an expression
    with op.batch_alter_table("orders", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("customer_group", sa.String(), nullable=True))

    with op.batch_alter_table("payment_accounts", schema=None) as batch_op:
        batch_op.create_index("uq_payment_accounts_id", ["id"], unique=True)

    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("due_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("overdue_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.create_index(
            "ix_payments_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL AND overdue_at IS NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL AND overdue_at IS NULL"),
        )
        batch_op.create_index("uq_payments_provider_reference", ["tenant_id", "provider_reference"], unique=True)

    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("demand_class", sa.String(), nullable=True))

    with op.batch_alter_table("reservation_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("floats", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("counted_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("counted_at", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("counted_for", sa.String(), nullable=True))
        batch_op.add_column(
            sa.Column("ship_by", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("deliver_by", sa.Date(), nullable=True))
        batch_op.create_index(
            "ix_reservation_lines_held",
            ["tenant_id", "sku", "location_id", "id"],
            unique=False,
            sqlite_where=sa.text("quantity >= 1 AND supply_id IS NULL"),
            postgresql_where=sa.text("quantity >= 1 AND supply_id IS NULL"),
        )

    with op.batch_alter_table("returns", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("expires_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.create_index(
            "ix_returns_expires",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("expires_at IS NOT NULL"),
            postgresql_where=sa.text("expires_at IS NOT NULL"),
        )

    with op.batch_alter_table("shipments", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("due_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.create_index(
            "ix_shipments_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    with op.batch_alter_table("skus", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parts", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True))
        batch_op.add_column(sa.Column("tags", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True))
        batch_op.add_column(sa.Column("unit_cost_minor", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("unit_cost_currency", sa.String(), nullable=True))
        batch_op.add_column(
            sa.Column("location_costs", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True)
        )

    with op.batch_alter_table("supplies", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("confident_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("late_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True)
        )
        batch_op.create_index(
            "ix_supplies_overdue",
            ["expected_at"],
            unique=False,
            sqlite_where=sa.text("quantity > 0 AND late_at IS NULL"),
            postgresql_where=sa.text("quantity > 0 AND late_at IS NULL"),
        )
        batch_op.add_column(sa.Column("origin", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("capacity_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("takes", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True))
        batch_op.create_index(
            "ix_supplies_origin",
            ["tenant_id", "origin", "capacity_on"],
            unique=False,
            sqlite_where=sa.text("origin IS NOT NULL"),
            postgresql_where=sa.text("origin IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("supplies", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_supplies_origin",
            sqlite_where=sa.text("origin IS NOT NULL"),
            postgresql_where=sa.text("origin IS NOT NULL"),
        )
        batch_op.drop_column("takes")
        batch_op.drop_column("capacity_on")
        batch_op.drop_column("origin")
        batch_op.drop_index(
            "ix_supplies_overdue",
            sqlite_where=sa.text("quantity > 0 AND late_at IS NULL"),
            postgresql_where=sa.text("quantity > 0 AND late_at IS NULL"),
        )
        batch_op.drop_column("late_at")
        batch_op.drop_column("confident_at")

    with op.batch_alter_table("skus", schema=None) as batch_op:
        batch_op.drop_column("location_costs")
        batch_op.drop_column("unit_cost_currency")
        batch_op.drop_column("unit_cost_minor")
        batch_op.drop_column("tags")
        batch_op.drop_column("parts")

    with op.batch_alter_table("shipments", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_shipments_due",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_column("due_at")

    with op.batch_alter_table("returns", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_returns_expires",
            sqlite_where=sa.text("expires_at IS NOT NULL"),
            postgresql_where=sa.text("expires_at IS NOT NULL"),
        )
        batch_op.drop_column("expires_at")

    with op.batch_alter_table("reservation_lines", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_reservation_lines_held",
            sqlite_where=sa.text("quantity >= 1 AND supply_id IS NULL"),
            postgresql_where=sa.text("quantity >= 1 AND supply_id IS NULL"),
        )
        batch_op.drop_column("deliver_by")
        batch_op.drop_column("ship_by")
        batch_op.drop_column("counted_for")
        batch_op.drop_column("counted_at")
        batch_op.drop_column("counted_on")
        batch_op.drop_column("floats")

    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.drop_column("demand_class")

    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index("uq_payments_provider_reference")
        batch_op.drop_index(
            "ix_payments_due",
            sqlite_where=sa.text("due_at IS NOT NULL AND overdue_at IS NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL AND overdue_at IS NULL"),
        )
        batch_op.drop_column("overdue_at")
        batch_op.drop_column("due_at")

    with op.batch_alter_table("payment_accounts", schema=None) as batch_op:
        batch_op.drop_index("uq_payment_accounts_id")

    # never made anew: SQLite would lose its index on an expression
    with op.batch_alter_table("orders", schema=None, recreate="never") as batch_op:
        batch_op.drop_column("customer_group")

    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.drop_column("may_arrive_earlier")
        batch_op.drop_column("requested_on")

    with op.batch_alter_table("network_versions", schema=None) as batch_op:
        batch_op.drop_column("policy")
        batch_op.drop_column("carriers")

    with op.batch_alter_table("locations", schema=None) as batch_op:
        batch_op.drop_column("origin_zone")
        batch_op.drop_column("services")
        batch_op.drop_column("capacities")
        batch_op.drop_column("calendar")
        batch_op.drop_column("exceptions")
        batch_op.drop_column("hours")
        batch_op.drop_column("tags")

    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.drop_column("max_reassignments")

    with op.batch_alter_table("fulfillments", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_fulfillments_due",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_column("due_at")
        batch_op.drop_column("deliver_by")
        batch_op.drop_column("ship_by")
        batch_op.drop_column("rejection_note")
        batch_op.drop_column("rejection_reason")
        batch_op.drop_column("rejected_at")

    with op.batch_alter_table("fulfillment_lines", schema=None) as batch_op:
        batch_op.drop_column("moved")

    with op.batch_alter_table("order_line_refusals", schema=None) as batch_op:
        batch_op.drop_index("ix_order_line_refusals_location")
        batch_op.drop_index("ix_order_line_refusals_line")

    op.drop_table("order_line_refusals")
    with op.batch_alter_table("stock_counts", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_stock_counts_recount",
            sqlite_where=sa.text("state = 'RECOUNT'"),
            postgresql_where=sa.text("state = 'RECOUNT'"),
        )
        batch_op.drop_index("ix_stock_counts_position")

    op.drop_table("stock_counts")
    op.drop_table("order_attentions")
    with op.batch_alter_table("capacity_claims", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_capacity_claims_lapsing",
            sqlite_where=sa.text("expires_at IS NOT NULL"),
            postgresql_where=sa.text("expires_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_capacity_claims_holder")

    op.drop_table("capacity_claims")
    with op.batch_alter_table("allocation_uses", schema=None) as batch_op:
        batch_op.drop_index("ix_allocation_uses_reservation")
        batch_op.drop_index(
            "ix_allocation_uses_lapsing",
            sqlite_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
            postgresql_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
        )

    op.drop_table("allocation_uses")
    with op.batch_alter_table("stock_rules", schema=None) as batch_op:
        batch_op.drop_index("uq_stock_rules_handle")
        batch_op.drop_index("ix_stock_rules_sku")

    op.drop_table("stock_rules")
    with op.batch_alter_table("stock_days", schema=None) as batch_op:
        batch_op.drop_index("uq_stock_days_key")

    op.drop_table("stock_days")
    with op.batch_alter_table("sourcing_shadows", schema=None) as batch_op:
        batch_op.drop_index("ix_sourcing_shadows_decision")

    op.drop_table("sourcing_shadows")
    with op.batch_alter_table("sourcing_policy_versions", schema=None) as batch_op:
        batch_op.drop_index("uq_sourcing_policy_versions_number")

    op.drop_table("sourcing_policy_versions")
    with op.batch_alter_table("sourcing_policy_channels", schema=None) as batch_op:
        batch_op.drop_index("ix_sourcing_policy_channels_policy")

    op.drop_table("sourcing_policy_channels")
    with op.batch_alter_table("sku_substitutes", schema=None) as batch_op:
        batch_op.drop_index("ix_sku_substitutes_substitute")

    op.drop_table("sku_substitutes")
    with op.batch_alter_table("kits_in_kits", schema=None) as batch_op:
        batch_op.drop_index("ix_kits_in_kits_part")

    op.drop_table("kits_in_kits")
    op.drop_table("capacity_days")
    op.drop_table("calendar_days")
    with op.batch_alter_table("allocations", schema=None) as batch_op:
        batch_op.drop_index("uq_allocations_share")

    op.drop_table("allocations")
    op.drop_table("webhook_subscription_turns")
    with op.batch_alter_table("sourcing_waves", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sourcing_waves_running",
            sqlite_where=sa.text("state = 'RUNNING'"),
            postgresql_where=sa.text("state = 'RUNNING'"),
        )

    op.drop_table("sourcing_waves")
    with op.batch_alter_table("sourcing_policies", schema=None) as batch_op:
        batch_op.drop_index("uq_sourcing_policies_handle")

    op.drop_table("sourcing_policies")
    with op.batch_alter_table("sourcing_decisions", schema=None) as batch_op:
        batch_op.drop_index("ix_sourcing_decisions_policy")
        batch_op.drop_index("ix_sourcing_decisions_owner")

    op.drop_table("sourcing_decisions")
    op.drop_table("sku_tags")
    with op.batch_alter_table("inbox_messages", schema=None) as batch_op:
        batch_op.drop_index("uq_inbox_messages_external")
        batch_op.drop_index("ix_inbox_messages_received")

    op.drop_table("inbox_messages")
    with op.batch_alter_table("demand_classes", schema=None) as batch_op:
        batch_op.drop_index("uq_demand_classes_handle")

    op.drop_table("demand_classes")
    with op.batch_alter_table("carrier_services", schema=None) as batch_op:
        batch_op.drop_index("uq_carrier_services_handle")

    op.drop_table("carrier_services")
    with op.batch_alter_table("calendars", schema=None) as batch_op:
        batch_op.drop_index("uq_calendars_handle")

    op.drop_table("calendars")
    with op.batch_alter_table("atp_rules", schema=None) as batch_op:
        batch_op.drop_index("uq_atp_rules_handle")

    op.drop_table("atp_rules")
