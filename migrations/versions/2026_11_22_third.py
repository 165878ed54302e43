"""An order's demand class, and units that are given back to shares as they are let go.

Revision: 2026_11_22_third
Follows: 2026_11_22_second
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_third"
down_revision = "2026_11_22_second"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # columns that may be null and have no default: no table is written anew; what everybody writes is locked last
    op.add_column("allocation_uses", sa.Column("given", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_allocation_uses_given",
        "allocation_uses",
        ["tenant_id", "allocation_id"],
        unique=False,
        sqlite_where=sa.text("given > 0"),
        postgresql_where=sa.text("given > 0"),
    )
    op.add_column("reservation_lines", sa.Column("rationed", sa.Boolean(), nullable=True))
    op.add_column("orders", sa.Column("demand_class", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_index("ix_allocation_uses_given", table_name="allocation_uses")
    op.drop_column("allocation_uses", "given")
    op.drop_column("reservation_lines", "rationed")
    op.drop_column("orders", "demand_class")
