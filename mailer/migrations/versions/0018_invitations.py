"""An invitation keeps the name and address it was made with."""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("team_members", sa.Column("invited_name", sa.String(200), nullable=False, server_default=""))
    op.add_column("team_members", sa.Column("invited_address", sa.String(254), nullable=False, server_default=""))
    op.execute(
        "UPDATE team_members SET"
        " invited_name = (SELECT name FROM accounts WHERE accounts.id = account_id),"
        " invited_address = (SELECT address FROM accounts WHERE accounts.id = account_id)"
        " WHERE joined_at IS NULL"
    )


def downgrade() -> None:
    """There is no way back."""
