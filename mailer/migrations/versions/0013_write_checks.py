"""Whether the database can be written is asked by writing."""

import sqlalchemy as sa
from alembic import op

from mailer.foundation.database import Moment

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'write_checks',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('written_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_write_checks')),
    )


def downgrade() -> None:
    """There is no way back."""
