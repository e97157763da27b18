"""Service mails with the link to join or change more, and about accounts; what became of such a mail."""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

TABLE = 'transactional_messages'
ADDRESSEE = 'ix_transactional_messages_addressee'
KINDS = (
    'confirmation', 'invitation', 'test', 'receipt', 'proof_link', 'permission', 'rights_link', 'closing',
    'change_link', 'account',
)
STATES = ('planned', 'claimed', 'deferred', 'accepted', 'refused', 'uncertain', 'cancelled')


def one_of(column: str, words: tuple[str, ...]) -> str:
    listed = ', '.join(f"'{word}'" for word in words)
    return f'{column} IN ({listed})'


def upgrade() -> None:
    op.add_column(TABLE, sa.Column('evidence', sa.JSON(), nullable=True))
    # SQLite makes the table anew, and what is not named here would be lost with the old one; of which expression
    # an index is it does not tell.
    op.drop_index(ADDRESSEE, table_name=TABLE)
    with op.batch_alter_table(TABLE, recreate='auto') as table:
        if op.get_bind().dialect.name == 'postgresql':
            table.drop_constraint(op.f('ck_transactional_messages_message_kind'), type_='check')
        else:
            table.create_check_constraint(
                op.f('ck_transactional_messages_message_state'), sa.text(one_of('state', STATES))
            )
        table.create_check_constraint(
            op.f('ck_transactional_messages_message_kind'), sa.text(one_of('kind', KINDS))
        )
    op.create_index(ADDRESSEE, TABLE, [sa.text('lower(to_address)')])


def downgrade() -> None:
    """There is no way back."""
