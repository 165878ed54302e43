"""The first tables.

Revision: 2026_11_22_initial
Follows:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2026_11_22_initial"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channels",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("payment_rule", sa.String(40), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("objective", sa.String(40), nullable=False),
        sa.Column("max_shipments", sa.Integer(), nullable=True),
        sa.Column("payment_window_s", sa.Integer(), nullable=False),
        sa.Column("entries", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("max_shipments >= 1", name=op.f("ck_channels_max_shipments")),
        sa.CheckConstraint("payment_window_s > 0", name=op.f("ck_channels_payment_window")),
        sa.CheckConstraint("threshold >= 0", name=op.f("ck_channels_threshold")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_channels")),
    )
    op.create_index("uq_channels_handle", "channels", ["tenant_id", "handle"], unique=True)
    op.create_table(
        "clock_offset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_offset")),
    )
    op.create_table(
        "event_logs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_event_logs")),
    )
    op.create_table(
        "event_subjects",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_event_subjects")),
    )
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("added", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("updated", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("removed", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("data", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("tell_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_owner", "events", ["tenant_id", "owner_id", "position"], unique=False)
    op.create_index(
        "ix_events_tell_at",
        "events",
        ["tell_at"],
        unique=False,
        sqlite_where=sa.text("tell_at IS NOT NULL"),
        postgresql_where=sa.text("tell_at IS NOT NULL"),
    )
    op.create_index(
        "ix_events_unstamped",
        "events",
        ["tenant_id", "id"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index("uq_events_position", "events", ["tenant_id", "position"], unique=True)
    op.create_index("uq_events_sequence", "events", ["tenant_id", "subject_id", "sequence"], unique=True)
    op.create_table(
        "fake_provider_calls",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fake_provider_calls")),
    )
    op.create_table(
        "fake_provider_charges",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("waiting_minor", sa.BigInteger(), nullable=False),
        sa.Column("authorized_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("voided_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "0 <= captured_minor AND captured_minor + voided_minor <= authorized_minor",
            name=op.f("ck_fake_provider_charges_captured"),
        ),
        sa.CheckConstraint(
            "0 <= refunded_minor AND refunded_minor <= captured_minor", name=op.f("ck_fake_provider_charges_refunded")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fake_provider_charges")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column("outcome", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True),
        sa.Column("intent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "client_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "locations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("address", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("ships", sa.Boolean(), nullable=False),
        sa.Column("pickup", sa.Boolean(), nullable=False),
        sa.Column("accepts_returns", sa.Boolean(), nullable=False),
        sa.Column("open_days", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("cut_off", sa.String(), nullable=True),
        sa.Column("processing_days", sa.Integer(), nullable=False),
        sa.Column("daily_capacity", sa.Integer(), nullable=True),
        sa.Column("safety_stock", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("entries", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_locations_coordinates")),
        sa.CheckConstraint("daily_capacity >= 0", name=op.f("ck_locations_daily_capacity")),
        sa.CheckConstraint("processing_days >= 0", name=op.f("ck_locations_processing_days")),
        sa.CheckConstraint("safety_stock >= 0", name=op.f("ck_locations_safety_stock")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_locations")),
    )
    op.create_index("uq_locations_handle", "locations", ["tenant_id", "handle"], unique=True)
    op.create_table(
        "network_versions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_network_versions")),
    )
    op.create_table(
        "order_numbers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_order_numbers")),
    )
    op.create_table(
        "payables",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("committed_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("committed_minor >= 0", name=op.f("ck_payables_committed")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payables")),
    )
    op.create_table(
        "payment_accounts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("config", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_accounts")),
    )
    op.create_index("uq_payment_accounts_handle", "payment_accounts", ["tenant_id", "handle"], unique=True)
    op.create_table(
        "reaction_failures",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("reaction", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", "reaction", name=op.f("pk_reaction_failures")),
    )
    op.create_table(
        "reaction_receipts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("reaction", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", "reaction", name=op.f("pk_reaction_receipts")),
    )
    op.create_table(
        "reservations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("(owner_id IS NULL) <> (expires_at IS NULL)", name=op.f("ck_reservations_owner")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_reservations")),
    )
    op.create_index("ix_reservations_owner", "reservations", ["tenant_id", "owner_id"], unique=False)
    op.create_table(
        "return_numbers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_return_numbers")),
    )
    op.create_table(
        "sku_barcodes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("barcode", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sku_barcodes")),
    )
    op.create_index("ix_sku_barcodes_sku", "sku_barcodes", ["tenant_id", "sku"], unique=False)
    op.create_index("uq_sku_barcodes_barcode", "sku_barcodes", ["tenant_id", "barcode"], unique=True)
    op.create_table(
        "skus",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("weight_grams", sa.Integer(), nullable=True),
        sa.Column("components", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("barcodes", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=True),
        sa.Column("width_mm", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.Integer(), nullable=True),
        sa.Column("hs_code", sa.String(), nullable=True),
        sa.Column("origin_country", sa.String(), nullable=True),
        sa.Column("tracking", sa.String(40), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("list_price_minor", sa.BigInteger(), nullable=True),
        sa.Column("list_price_currency", sa.String(), nullable=True),
        sa.Column("entries", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("list_price_minor >= 0", name=op.f("ck_skus_list_price")),
        sa.CheckConstraint("weight_grams >= 0", name=op.f("ck_skus_weight_grams")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_skus")),
    )
    op.create_index("uq_skus_code", "skus", ["tenant_id", "code"], unique=True)
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenants")),
    )
    op.create_index("uq_tenants_handle", "tenants", ["handle", "test"], unique=True)
    op.create_table(
        "timers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_timers")),
    )
    op.create_table(
        "webhook_subscriptions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("topics", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("ordered", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("previous_secret", sa.String(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_webhook_subscriptions")),
    )
    op.create_index("uq_webhook_subscriptions_handle", "webhook_subscriptions", ["tenant_id", "handle"], unique=True)
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_api_keys_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
    )
    op.create_index("uq_api_keys_hash", "api_keys", ["hash"], unique=True)
    op.create_table(
        "channel_locations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel_id"],
            ["channels.tenant_id", "channels.id"],
            name=op.f("fk_channel_locations_tenant_id_channel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_channel_locations_tenant_id_location_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "channel_id", "rank", name=op.f("pk_channel_locations")),
    )
    op.create_index(
        "uq_channel_locations_location", "channel_locations", ["tenant_id", "channel_id", "location_id"], unique=True
    )
    op.create_table(
        "orders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("auto_confirm", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("credited_minor", sa.BigInteger(), nullable=False),
        sa.Column("payments_version", sa.BigInteger(), nullable=False),
        sa.Column("customer_email", sa.String(), nullable=True),
        sa.Column("customer_phone", sa.String(), nullable=True),
        sa.Column("customer_external_id", sa.String(), nullable=True),
        sa.Column("billing_address", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True),
        sa.Column("promised_asc", sa.Integer(), nullable=False),
        sa.Column("promised_desc", sa.Integer(), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("entries", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.CheckConstraint("credited_minor >= 0", name=op.f("ck_orders_credited")),
        sa.CheckConstraint("shipping_minor >= 0", name=op.f("ck_orders_shipping")),
        sa.CheckConstraint("total_minor >= 0", name=op.f("ck_orders_total")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_orders_version")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel_id"],
            ["channels.tenant_id", "channels.id"],
            name=op.f("fk_orders_tenant_id_channel_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_created", "orders", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_orders_email", "orders", ["tenant_id", sa.literal_column("lower(customer_email)")], unique=False
    )
    op.create_index(
        "ix_orders_lapse",
        "orders",
        ["lapses_at"],
        unique=False,
        sqlite_where=sa.text("lapses_at IS NOT NULL"),
        postgresql_where=sa.text("lapses_at IS NOT NULL"),
    )
    op.create_index("ix_orders_promised_asc", "orders", ["tenant_id", "promised_asc", "id"], unique=False)
    op.create_index("ix_orders_promised_desc", "orders", ["tenant_id", "promised_desc", "id"], unique=False)
    op.create_index("ix_orders_updated", "orders", ["tenant_id", "updated_at", "id"], unique=False)
    op.create_index("uq_orders_external_id", "orders", ["tenant_id", "external_id", "channel_id"], unique=True)
    op.create_index("uq_orders_number", "orders", ["tenant_id", "number"], unique=True)
    op.create_table(
        "payments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("authorized_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("voided_minor", sa.BigInteger(), nullable=False),
        sa.Column("authorizing_minor", sa.BigInteger(), nullable=False),
        sa.Column("capturing_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunding_minor", sa.BigInteger(), nullable=False),
        sa.Column("voiding_minor", sa.BigInteger(), nullable=False),
        sa.Column("let_go", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("external_reference", sa.String(), nullable=True),
        sa.Column("provider_reference", sa.String(), nullable=True),
        sa.Column("client_secret", sa.String(), nullable=True),
        sa.Column("next_action_url", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "0 <= captured_minor AND captured_minor <= authorized_minor", name=op.f("ck_payments_captured")
        ),
        sa.CheckConstraint(
            "0 <= refunded_minor AND refunded_minor + refunding_minor <= captured_minor",
            name=op.f("ck_payments_refunded"),
        ),
        sa.CheckConstraint(
            "0 <= voided_minor AND captured_minor + voided_minor <= authorized_minor", name=op.f("ck_payments_voided")
        ),
        sa.CheckConstraint(
            "authorizing_minor >= 0 AND capturing_minor >= 0 AND voiding_minor >= 0 AND refunding_minor >= 0",
            name=op.f("ck_payments_in_flight"),
        ),
        sa.CheckConstraint(
            "captured_minor + capturing_minor + voided_minor + voiding_minor <= authorized_minor + authorizing_minor",
            name=op.f("ck_payments_spent_once"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payable_id"],
            ["payables.tenant_id", "payables.id"],
            name=op.f("fk_payments_tenant_id_payable_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payments")),
    )
    op.create_index("ix_payments_payable", "payments", ["tenant_id", "payable_id", "id"], unique=False)
    op.create_table(
        "positions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("damaged", sa.BigInteger(), nullable=False),
        sa.Column("quality_control", sa.BigInteger(), nullable=False),
        sa.Column("in_transfer", sa.BigInteger(), nullable=False),
        sa.Column("safety_stock", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("damaged >= 0 AND damaged <= 2147483647", name=op.f("ck_positions_damaged")),
        sa.CheckConstraint("in_transfer >= 0 AND in_transfer <= 2147483647", name=op.f("ck_positions_in_transfer")),
        sa.CheckConstraint("on_hand >= 0 AND on_hand <= 2147483647", name=op.f("ck_positions_on_hand")),
        sa.CheckConstraint(
            "quality_control >= 0 AND quality_control <= 2147483647", name=op.f("ck_positions_quality_control")
        ),
        sa.CheckConstraint("reserved >= 0 AND reserved <= 2147483647", name=op.f("ck_positions_reserved")),
        sa.CheckConstraint("safety_stock >= 0 AND safety_stock <= 2147483647", name=op.f("ck_positions_safety_stock")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_positions_tenant_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku"], ["skus.tenant_id", "skus.code"], name=op.f("fk_positions_tenant_id_sku")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_positions")),
    )
    op.create_index("ix_positions_location", "positions", ["tenant_id", "location_id", "sku"], unique=False)
    op.create_index("uq_positions_key", "positions", ["tenant_id", "sku", "location_id"], unique=True)
    op.create_table(
        "webhook_deliveries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("replay", sa.Boolean(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subscription_id"],
            ["webhook_subscriptions.tenant_id", "webhook_subscriptions.id"],
            name=op.f("fk_webhook_deliveries_tenant_id_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_webhook_deliveries_claimed",
        "webhook_deliveries",
        ["tenant_id", "subscription_id", "claimed_until"],
        unique=False,
        sqlite_where=sa.text("claimed_until IS NOT NULL"),
        postgresql_where=sa.text("claimed_until IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["tenant_id", "subscription_id", "next_attempt_at", "id"],
        unique=False,
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_order",
        "webhook_deliveries",
        ["tenant_id", "subscription_id", "subject_id", "sequence"],
        unique=False,
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_page",
        "webhook_deliveries",
        ["tenant_id", "subscription_id", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_webhook_deliveries_status",
        "webhook_deliveries",
        ["tenant_id", "subscription_id", "status", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_webhook_deliveries_event", "webhook_deliveries", ["tenant_id", "subscription_id", "event_id"], unique=True
    )
    op.create_table(
        "delivery_groups",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("address", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=True),
        sa.Column("pickup_location_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_delivery_groups_tenant_id_order_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "pickup_location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_delivery_groups_tenant_id_pickup_location_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_delivery_groups")),
    )
    op.create_index("uq_delivery_groups_key", "delivery_groups", ["tenant_id", "order_id", "key"], unique=True)
    op.create_table(
        "movements",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.String(40), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("reference_url", sa.String(), nullable=True),
        sa.Column("source_type", sa.String(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("delta <> 0", name=op.f("ck_movements_delta")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"],
            ["positions.tenant_id", "positions.sku", "positions.location_id"],
            name=op.f("fk_movements_tenant_id_sku_location_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_movements")),
    )
    op.create_index("ix_movements_position", "movements", ["tenant_id", "sku", "location_id", "id"], unique=False)
    op.create_table(
        "order_external_ids",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_external_ids_tenant_id_order_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant_id", "channel_id", "external_id", name=op.f("pk_order_external_ids")),
    )
    op.create_index("ix_order_external_ids_order", "order_external_ids", ["tenant_id", "order_id"], unique=False)
    op.create_table(
        "payment_operations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("provider_code", sa.String(), nullable=True),
        sa.Column("provider_reference", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_operations_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payments.tenant_id", "payments.id"],
            name=op.f("fk_payment_operations_tenant_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_operations")),
    )
    op.create_index(
        "ix_payment_operations_due",
        "payment_operations",
        ["tenant_id", "next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("ix_payment_operations_payable", "payment_operations", ["tenant_id", "payable_id"], unique=False)
    op.create_index("ix_payment_operations_payment", "payment_operations", ["tenant_id", "payment_id"], unique=False)
    op.create_index(
        "ix_payment_operations_unknown",
        "payment_operations",
        ["tenant_id", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'UNKNOWN'"),
        postgresql_where=sa.text("state = 'UNKNOWN'"),
    )
    op.create_index(
        "uq_payment_operations_cause",
        "payment_operations",
        ["tenant_id", "payment_id", "cause"],
        unique=True,
        sqlite_where=sa.text("kind = 'REFUND'"),
        postgresql_where=sa.text("kind = 'REFUND'"),
    )
    op.create_table(
        "returns",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("credited_minor", sa.BigInteger(), nullable=False),
        sa.Column("due_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("failed_minor", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("0 <= due_minor AND due_minor <= credited_minor", name=op.f("ck_returns_due")),
        sa.CheckConstraint("0 <= refunded_minor AND 0 <= failed_minor", name=op.f("ck_returns_refunded")),
        sa.CheckConstraint("refunded_minor + failed_minor <= due_minor", name=op.f("ck_returns_settled")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_returns_tenant_id_order_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_returns")),
    )
    op.create_index("ix_returns_order", "returns", ["tenant_id", "order_id"], unique=False)
    op.create_index("uq_returns_number", "returns", ["tenant_id", "number"], unique=True)
    op.create_table(
        "supplies",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("quantity >= 0 AND quantity <= 2147483647", name=op.f("ck_supplies_quantity")),
        sa.CheckConstraint("received >= 0 AND received <= 2147483647", name=op.f("ck_supplies_received")),
        sa.CheckConstraint("reserved >= 0 AND reserved <= 2147483647", name=op.f("ck_supplies_reserved")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"],
            ["positions.tenant_id", "positions.sku", "positions.location_id"],
            name=op.f("fk_supplies_tenant_id_sku_location_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_supplies")),
    )
    op.create_index(
        "ix_supplies_coming",
        "supplies",
        ["tenant_id", "sku", "location_id"],
        unique=False,
        sqlite_where=sa.text("quantity > 0"),
        postgresql_where=sa.text("quantity > 0"),
    )
    op.create_index("uq_supplies_reference", "supplies", ["tenant_id", "reference"], unique=True)
    op.create_table(
        "webhook_attempts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_body", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["webhook_deliveries.tenant_id", "webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_tenant_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_webhook_attempts")),
    )
    op.create_index(
        "ix_webhook_attempts_delivery", "webhook_attempts", ["tenant_id", "delivery_id", "at"], unique=False
    )
    op.create_table(
        "fulfillments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_group_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_group_id"],
            ["delivery_groups.tenant_id", "delivery_groups.id"],
            name=op.f("fk_fulfillments_tenant_id_delivery_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_fulfillments_tenant_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_fulfillments_tenant_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fulfillments")),
    )
    op.create_index("ix_fulfillments_location", "fulfillments", ["tenant_id", "location_id", "status"], unique=False)
    op.create_index("ix_fulfillments_order", "fulfillments", ["tenant_id", "order_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("components", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("backordered", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("shipped", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("included_discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("included_tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.CheckConstraint("allocated >= 0", name=op.f("ck_order_lines_allocated")),
        sa.CheckConstraint("backordered >= 0", name=op.f("ck_order_lines_backordered")),
        sa.CheckConstraint("cancelled >= 0", name=op.f("ck_order_lines_cancelled")),
        sa.CheckConstraint("delivered >= 0", name=op.f("ck_order_lines_delivered")),
        sa.CheckConstraint(
            "pending + backordered + reserved + allocated + shipped + delivered + returned + cancelled = quantity",
            name=op.f("ck_order_lines_units"),
        ),
        sa.CheckConstraint("pending >= 0", name=op.f("ck_order_lines_pending")),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_order_lines_quantity")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_order_lines_reserved")),
        sa.CheckConstraint("returned >= 0", name=op.f("ck_order_lines_returned")),
        sa.CheckConstraint("shipped >= 0", name=op.f("ck_order_lines_shipped")),
        sa.CheckConstraint("unit_price_minor >= 0", name=op.f("ck_order_lines_unit_price")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id"],
            ["delivery_groups.tenant_id", "delivery_groups.id"],
            name=op.f("fk_order_lines_tenant_id_group_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_lines_tenant_id_order_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku"], ["skus.tenant_id", "skus.code"], name=op.f("fk_order_lines_tenant_id_sku")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_lines")),
    )
    op.create_index(
        "ix_order_lines_backordered",
        "order_lines",
        ["tenant_id", "order_id"],
        unique=False,
        sqlite_where=sa.text("backordered > 0"),
        postgresql_where=sa.text("backordered > 0"),
    )
    op.create_index("ix_order_lines_sku", "order_lines", ["tenant_id", "sku"], unique=False)
    op.create_index("uq_order_lines_external_id", "order_lines", ["tenant_id", "order_id", "external_id"], unique=True)
    op.create_index("uq_order_lines_position", "order_lines", ["tenant_id", "order_id", "position"], unique=True)
    op.create_table(
        "reservation_lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("supply_id", sa.Uuid(), nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "quantity >= 0 AND asked > 0 AND quantity <= asked AND asked <= 2147483647",
            name=op.f("ck_reservation_lines_quantity"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "reservation_id"],
            ["reservations.tenant_id", "reservations.id"],
            name=op.f("fk_reservation_lines_tenant_id_reservation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku", "location_id"],
            ["positions.tenant_id", "positions.sku", "positions.location_id"],
            name=op.f("fk_reservation_lines_tenant_id_sku_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supply_id"],
            ["supplies.tenant_id", "supplies.id"],
            name=op.f("fk_reservation_lines_tenant_id_supply_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_reservation_lines")),
    )
    op.create_index(
        "ix_reservation_lines_lapsing",
        "reservation_lines",
        ["tenant_id", "sku", "expires_at"],
        unique=False,
        sqlite_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
        postgresql_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_reservation_lines_reservation", "reservation_lines", ["tenant_id", "reservation_id"], unique=False
    )
    op.create_index(
        "ix_reservation_lines_supply",
        "reservation_lines",
        ["tenant_id", "supply_id"],
        unique=False,
        sqlite_where=sa.text("quantity > 0 AND supply_id IS NOT NULL"),
        postgresql_where=sa.text("quantity > 0 AND supply_id IS NOT NULL"),
    )
    op.create_table(
        "return_receipts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("credited_minor", sa.BigInteger(), nullable=False),
        sa.Column("due_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.CheckConstraint("0 <= due_minor AND due_minor <= credited_minor", name=op.f("ck_return_receipts_due")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name=op.f("fk_return_receipts_tenant_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "return_id"],
            ["returns.tenant_id", "returns.id"],
            name=op.f("fk_return_receipts_tenant_id_return_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_return_receipts")),
    )
    op.create_index("ix_return_receipts_return", "return_receipts", ["tenant_id", "return_id"], unique=False)
    op.create_table(
        "cancellations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("fulfillment_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("refund_to", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "fulfillment_id"],
            ["fulfillments.tenant_id", "fulfillments.id"],
            name=op.f("fk_cancellations_tenant_id_fulfillment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_cancellations_tenant_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_cancellations")),
    )
    op.create_index("ix_cancellations_fulfillment", "cancellations", ["tenant_id", "fulfillment_id"], unique=False)
    op.create_index("ix_cancellations_order", "cancellations", ["tenant_id", "order_id"], unique=False)
    op.create_table(
        "fulfillment_lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("fulfillment_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("per_unit", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("shipped", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("delivered >= 0 AND delivered <= shipped", name=op.f("ck_fulfillment_lines_delivered")),
        sa.CheckConstraint("quantity > 0 AND per_unit > 0", name=op.f("ck_fulfillment_lines_quantity")),
        sa.CheckConstraint(
            "shipped >= 0 AND cancelled >= 0 AND asked >= 0 AND shipped + cancelled + asked <= quantity",
            name=op.f("ck_fulfillment_lines_units"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "fulfillment_id"],
            ["fulfillments.tenant_id", "fulfillments.id"],
            name=op.f("fk_fulfillment_lines_tenant_id_fulfillment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_line_id"],
            ["order_lines.tenant_id", "order_lines.id"],
            name=op.f("fk_fulfillment_lines_tenant_id_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "sku"], ["skus.tenant_id", "skus.code"], name=op.f("fk_fulfillment_lines_tenant_id_sku")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fulfillment_lines")),
    )
    op.create_index(
        "ix_fulfillment_lines_fulfillment", "fulfillment_lines", ["tenant_id", "fulfillment_id"], unique=False
    )
    op.create_index("ix_fulfillment_lines_order", "fulfillment_lines", ["tenant_id", "order_id"], unique=False)
    op.create_table(
        "order_adjustments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("included", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_order_adjustments_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["order_lines.tenant_id", "order_lines.id"],
            name=op.f("fk_order_adjustments_tenant_id_line_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_adjustments_tenant_id_order_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_adjustments")),
    )
    op.create_index("ix_order_adjustments_line", "order_adjustments", ["tenant_id", "line_id"], unique=False)
    op.create_index(
        "uq_order_adjustments_position", "order_adjustments", ["tenant_id", "order_id", "position"], unique=True
    )
    op.create_table(
        "return_lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("inspected", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "0 <= inspected AND inspected <= received AND received <= quantity", name=op.f("ck_return_lines_received")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_return_lines_quantity")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_line_id"],
            ["order_lines.tenant_id", "order_lines.id"],
            name=op.f("fk_return_lines_tenant_id_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "return_id"],
            ["returns.tenant_id", "returns.id"],
            name=op.f("fk_return_lines_tenant_id_return_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_return_lines")),
    )
    op.create_index("ix_return_lines_order", "return_lines", ["tenant_id", "order_id"], unique=False)
    op.create_index("ix_return_lines_return", "return_lines", ["tenant_id", "return_id"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("fulfillment_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("carrier", sa.String(), nullable=True),
        sa.Column("tracking_number", sa.String(), nullable=True),
        sa.Column("tracking_url", sa.String(), nullable=True),
        sa.Column("pickup_code", sa.String(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "fulfillment_id"],
            ["fulfillments.tenant_id", "fulfillments.id"],
            name=op.f("fk_shipments_tenant_id_fulfillment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_shipments_tenant_id_order_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shipments")),
    )
    op.create_index("ix_shipments_fulfillment", "shipments", ["tenant_id", "fulfillment_id"], unique=False)
    op.create_index("ix_shipments_order", "shipments", ["tenant_id", "order_id"], unique=False)
    op.create_index("ix_shipments_tracking_number", "shipments", ["tenant_id", "tracking_number"], unique=False)
    op.create_table(
        "packages",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("tracking_number", sa.String(), nullable=True),
        sa.Column("tracking_url", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shipment_id"],
            ["shipments.tenant_id", "shipments.id"],
            name=op.f("fk_packages_tenant_id_shipment_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_packages")),
    )
    op.create_index("ix_packages_shipment", "packages", ["tenant_id", "shipment_id"], unique=False)
    op.create_table(
        "return_inspections",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("return_line_id", sa.Uuid(), nullable=False),
        sa.Column("disposition", sa.String(40), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_return_inspections_quantity")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "receipt_id"],
            ["return_receipts.tenant_id", "return_receipts.id"],
            name=op.f("fk_return_inspections_tenant_id_receipt_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "return_line_id"],
            ["return_lines.tenant_id", "return_lines.id"],
            name=op.f("fk_return_inspections_tenant_id_return_line_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_return_inspections")),
    )
    op.create_index("ix_return_inspections_line", "return_inspections", ["tenant_id", "return_line_id"], unique=False)
    op.create_table(
        "tracking_scans",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"), nullable=False),
        sa.Column("place", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shipment_id"],
            ["shipments.tenant_id", "shipments.id"],
            name=op.f("fk_tracking_scans_tenant_id_shipment_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tracking_scans")),
    )
    op.create_index(
        "uq_tracking_scans_scan", "tracking_scans", ["tenant_id", "shipment_id", "status", "at"], unique=True
    )
    op.create_table(
        "shipment_lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("fulfillment_line_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("per_unit", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shipment_lines_quantity")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "fulfillment_line_id"],
            ["fulfillment_lines.tenant_id", "fulfillment_lines.id"],
            name=op.f("fk_shipment_lines_tenant_id_fulfillment_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "package_id"],
            ["packages.tenant_id", "packages.id"],
            name=op.f("fk_shipment_lines_tenant_id_package_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shipment_id"],
            ["shipments.tenant_id", "shipments.id"],
            name=op.f("fk_shipment_lines_tenant_id_shipment_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shipment_lines")),
    )
    op.create_index("ix_shipment_lines_order_line", "shipment_lines", ["tenant_id", "order_line_id"], unique=False)
    op.create_index("ix_shipment_lines_shipment", "shipment_lines", ["tenant_id", "shipment_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_shipment_lines_shipment", table_name="shipment_lines")
    op.drop_index("ix_shipment_lines_order_line", table_name="shipment_lines")
    op.drop_table("shipment_lines")
    op.drop_index("uq_tracking_scans_scan", table_name="tracking_scans")
    op.drop_table("tracking_scans")
    op.drop_index("ix_return_inspections_line", table_name="return_inspections")
    op.drop_table("return_inspections")
    op.drop_index("ix_packages_shipment", table_name="packages")
    op.drop_table("packages")
    op.drop_index("ix_shipments_tracking_number", table_name="shipments")
    op.drop_index("ix_shipments_order", table_name="shipments")
    op.drop_index("ix_shipments_fulfillment", table_name="shipments")
    op.drop_table("shipments")
    op.drop_index("ix_return_lines_return", table_name="return_lines")
    op.drop_index("ix_return_lines_order", table_name="return_lines")
    op.drop_table("return_lines")
    op.drop_index("uq_order_adjustments_position", table_name="order_adjustments")
    op.drop_index("ix_order_adjustments_line", table_name="order_adjustments")
    op.drop_table("order_adjustments")
    op.drop_index("ix_fulfillment_lines_order", table_name="fulfillment_lines")
    op.drop_index("ix_fulfillment_lines_fulfillment", table_name="fulfillment_lines")
    op.drop_table("fulfillment_lines")
    op.drop_index("ix_cancellations_order", table_name="cancellations")
    op.drop_index("ix_cancellations_fulfillment", table_name="cancellations")
    op.drop_table("cancellations")
    op.drop_index("ix_return_receipts_return", table_name="return_receipts")
    op.drop_table("return_receipts")
    op.drop_index(
        "ix_reservation_lines_supply",
        table_name="reservation_lines",
        sqlite_where=sa.text("quantity > 0 AND supply_id IS NOT NULL"),
        postgresql_where=sa.text("quantity > 0 AND supply_id IS NOT NULL"),
    )
    op.drop_index("ix_reservation_lines_reservation", table_name="reservation_lines")
    op.drop_index(
        "ix_reservation_lines_lapsing",
        table_name="reservation_lines",
        sqlite_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
        postgresql_where=sa.text("quantity > 0 AND expires_at IS NOT NULL"),
    )
    op.drop_table("reservation_lines")
    op.drop_index("uq_order_lines_position", table_name="order_lines")
    op.drop_index("uq_order_lines_external_id", table_name="order_lines")
    op.drop_index("ix_order_lines_sku", table_name="order_lines")
    op.drop_index(
        "ix_order_lines_backordered",
        table_name="order_lines",
        sqlite_where=sa.text("backordered > 0"),
        postgresql_where=sa.text("backordered > 0"),
    )
    op.drop_table("order_lines")
    op.drop_index("ix_fulfillments_order", table_name="fulfillments")
    op.drop_index("ix_fulfillments_location", table_name="fulfillments")
    op.drop_table("fulfillments")
    op.drop_index("ix_webhook_attempts_delivery", table_name="webhook_attempts")
    op.drop_table("webhook_attempts")
    op.drop_index("uq_supplies_reference", table_name="supplies")
    op.drop_index(
        "ix_supplies_coming",
        table_name="supplies",
        sqlite_where=sa.text("quantity > 0"),
        postgresql_where=sa.text("quantity > 0"),
    )
    op.drop_table("supplies")
    op.drop_index("uq_returns_number", table_name="returns")
    op.drop_index("ix_returns_order", table_name="returns")
    op.drop_table("returns")
    op.drop_index(
        "uq_payment_operations_cause",
        table_name="payment_operations",
        sqlite_where=sa.text("kind = 'REFUND'"),
        postgresql_where=sa.text("kind = 'REFUND'"),
    )
    op.drop_index(
        "ix_payment_operations_unknown",
        table_name="payment_operations",
        sqlite_where=sa.text("state = 'UNKNOWN'"),
        postgresql_where=sa.text("state = 'UNKNOWN'"),
    )
    op.drop_index("ix_payment_operations_payment", table_name="payment_operations")
    op.drop_index("ix_payment_operations_payable", table_name="payment_operations")
    op.drop_index(
        "ix_payment_operations_due",
        table_name="payment_operations",
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.drop_table("payment_operations")
    op.drop_index("ix_order_external_ids_order", table_name="order_external_ids")
    op.drop_table("order_external_ids")
    op.drop_index("ix_movements_position", table_name="movements")
    op.drop_table("movements")
    op.drop_index("uq_delivery_groups_key", table_name="delivery_groups")
    op.drop_table("delivery_groups")
    op.drop_index("uq_webhook_deliveries_event", table_name="webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_status", table_name="webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_page", table_name="webhook_deliveries")
    op.drop_index(
        "ix_webhook_deliveries_order",
        table_name="webhook_deliveries",
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_webhook_deliveries_due",
        table_name="webhook_deliveries",
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_webhook_deliveries_claimed",
        table_name="webhook_deliveries",
        sqlite_where=sa.text("claimed_until IS NOT NULL"),
        postgresql_where=sa.text("claimed_until IS NOT NULL"),
    )
    op.drop_table("webhook_deliveries")
    op.drop_index("uq_positions_key", table_name="positions")
    op.drop_index("ix_positions_location", table_name="positions")
    op.drop_table("positions")
    op.drop_index("ix_payments_payable", table_name="payments")
    op.drop_table("payments")
    op.drop_index("uq_orders_number", table_name="orders")
    op.drop_index("uq_orders_external_id", table_name="orders")
    op.drop_index("ix_orders_updated", table_name="orders")
    op.drop_index("ix_orders_promised_desc", table_name="orders")
    op.drop_index("ix_orders_promised_asc", table_name="orders")
    op.drop_index(
        "ix_orders_lapse",
        table_name="orders",
        sqlite_where=sa.text("lapses_at IS NOT NULL"),
        postgresql_where=sa.text("lapses_at IS NOT NULL"),
    )
    op.drop_index("ix_orders_email", table_name="orders")
    op.drop_index("ix_orders_created", table_name="orders")
    op.drop_table("orders")
    op.drop_index("uq_channel_locations_location", table_name="channel_locations")
    op.drop_table("channel_locations")
    op.drop_index("uq_api_keys_hash", table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index("uq_webhook_subscriptions_handle", table_name="webhook_subscriptions")
    op.drop_table("webhook_subscriptions")
    op.drop_table("timers")
    op.drop_index("uq_tenants_handle", table_name="tenants")
    op.drop_table("tenants")
    op.drop_index("uq_skus_code", table_name="skus")
    op.drop_table("skus")
    op.drop_index("uq_sku_barcodes_barcode", table_name="sku_barcodes")
    op.drop_index("ix_sku_barcodes_sku", table_name="sku_barcodes")
    op.drop_table("sku_barcodes")
    op.drop_table("return_numbers")
    op.drop_index("ix_reservations_owner", table_name="reservations")
    op.drop_table("reservations")
    op.drop_table("reaction_receipts")
    op.drop_table("reaction_failures")
    op.drop_index("uq_payment_accounts_handle", table_name="payment_accounts")
    op.drop_table("payment_accounts")
    op.drop_table("payables")
    op.drop_table("order_numbers")
    op.drop_table("network_versions")
    op.drop_index("uq_locations_handle", table_name="locations")
    op.drop_table("locations")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("fake_provider_charges")
    op.drop_table("fake_provider_calls")
    op.drop_index("uq_events_sequence", table_name="events")
    op.drop_index("uq_events_position", table_name="events")
    op.drop_index(
        "ix_events_unstamped",
        table_name="events",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.drop_index(
        "ix_events_tell_at",
        table_name="events",
        sqlite_where=sa.text("tell_at IS NOT NULL"),
        postgresql_where=sa.text("tell_at IS NOT NULL"),
    )
    op.drop_index("ix_events_owner", table_name="events")
    op.drop_table("events")
    op.drop_table("event_subjects")
    op.drop_table("event_logs")
    op.drop_table("clock_offset")
    op.drop_index("uq_channels_handle", table_name="channels")
    op.drop_table("channels")
