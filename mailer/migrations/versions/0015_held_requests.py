"""Requests over a limit are held for the team; limits see the mailbox behind an address."""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

IS_HELD = sa.text('held_at IS NOT NULL')


def upgrade() -> None:
    op.add_column('signup_requests', sa.Column('mailbox_digest', sa.String(length=64), nullable=True))
    op.add_column('signup_requests', sa.Column('network_digest', sa.String(length=32), nullable=True))
    op.add_column('signup_requests', sa.Column('held_at', sa.DateTime(timezone=True), nullable=True))
    # Right for every address without a tag; for the others their limits begin anew.
    op.execute('UPDATE signup_requests SET mailbox_digest = address_digest')
    op.drop_index(op.f('ix_signup_requests_address_digest'), table_name='signup_requests')
    op.create_index(op.f('ix_signup_requests_mailbox_digest'), 'signup_requests', ['mailbox_digest'])
    op.create_index(
        'ix_signup_requests_held',
        'signup_requests',
        ['form_version_id'],
        sqlite_where=IS_HELD,
        postgresql_where=IS_HELD,
    )


def downgrade() -> None:
    """There is no way back."""
