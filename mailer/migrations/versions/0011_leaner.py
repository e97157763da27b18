"""Signing up keeps no index that another one covers, or that holds nothing yet."""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

HAS_CONTACT = sa.text('contact_id IS NOT NULL')


def upgrade() -> None:
    op.drop_index(op.f('ix_signup_requests_organisation_id_address_digest'), table_name='signup_requests')
    op.drop_index(op.f('ix_signup_requests_contact_id'), table_name='signup_requests')
    op.create_index(
        op.f('ix_signup_requests_contact_id'),
        'signup_requests',
        ['contact_id'],
        sqlite_where=HAS_CONTACT,
        postgresql_where=HAS_CONTACT,
    )
    op.drop_index(op.f('ix_transactional_messages_organisation_id'), table_name='transactional_messages')


def downgrade() -> None:
    """There is no way back."""
