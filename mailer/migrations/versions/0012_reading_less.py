"""What is asked about service mails and answers to a request is found without reading all there ever were.

Keys lie in the key store; the column beside the evidence, which held them before, goes.
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

WAITING = sa.text("state IN ('planned','deferred')")
ANSWERS = sa.text('follows_id IS NOT NULL')
LEFT = sa.text('SELECT 1 FROM consent_subjects WHERE wrapped_key IS NOT NULL LIMIT 1')


def upgrade() -> None:
    op.create_index(
        'ix_transactional_messages_expiry',
        'transactional_messages',
        ['expires_at'],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index(
        'ix_transactional_messages_addressee', 'transactional_messages', [sa.text('lower(to_address)')]
    )
    op.create_index(
        op.f('ix_consent_records_follows_id'),
        'consent_records',
        ['follows_id'],
        sqlite_where=ANSWERS,
        postgresql_where=ANSWERS,
    )
    if op.get_bind().execute(LEFT).first():
        raise RuntimeError(
            'Keys of people still stand beside their evidence. Start the version before this one once: its'
            ' command "upgrade" moves them into the key store. Nothing was changed.'
        )
    op.drop_column('consent_subjects', 'wrapped_key')


def downgrade() -> None:
    """There is no way back."""
