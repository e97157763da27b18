"""A mail that may have arrived, and was sent again since, is remembered as such."""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('deliveries', sa.Column('may_have_arrived_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """There is no way back."""
