"""Who hosts the mail of people's domains."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

FINDINGS = ('hosts', 'no_hosts', 'no_mail', 'no_domain', 'failed', 'silent')
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table('mail_domains',
    sa.Column('domain', sa.String(length=253), nullable=False),
    sa.Column('asked', sa.String(length=253), nullable=False),
    sa.Column('mx_group', sa.String(length=60), nullable=True),
    sa.Column('finding', sa.Enum(*FINDINGS, name='finding', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('hosts', sa.Text(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('looked_up_at', MOMENT, nullable=True),
    sa.Column('ask_again_at', MOMENT, nullable=False),
    sa.Column('seen_at', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('domain', name=op.f('pk_mail_domains')),
    )
    op.create_index(op.f('ix_mail_domains_asked'), 'mail_domains', ['asked'])
    op.create_index(op.f('ix_mail_domains_ask_again_at'), 'mail_domains', ['ask_again_at'])
    op.create_table('domain_walks',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('began_at', MOMENT, nullable=False),
    sa.Column('after_contact_id', ROW_ID, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_domain_walks')),
    )


def downgrade() -> None:
    """There is no way back."""
