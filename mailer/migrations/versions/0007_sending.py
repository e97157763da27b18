"""Sending in batches and with measure: owners and batches, limits, destinations; what people asked for."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    add_domain_keys()


def add_domain_keys() -> None:
    """Keys that sign mails (DKIM)."""
    op.create_table('domain_keys',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', ROW_ID, nullable=False),
    sa.Column('domain', sa.String(length=253), nullable=False),
    sa.Column('selector', sa.String(length=63), nullable=False),
    sa.Column('algorithm', sa.String(length=20), nullable=False),
    sa.Column('public_key', sa.Text(), nullable=False),
    sa.Column('private_key', sa.LargeBinary(), nullable=True),
    sa.Column('state', sa.Enum('waiting', 'signing', 'replaced', name='domain_key_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('signing_since', MOMENT, nullable=True),
    sa.Column('replaced_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_domain_keys_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_domain_keys')),
    sa.UniqueConstraint('domain', 'selector', name=op.f('uq_domain_keys_domain_selector')),
    sa.UniqueConstraint('public_id', name=op.f('uq_domain_keys_public_id')),
    )
    op.create_index(op.f('ix_domain_keys_organisation_id_domain'), 'domain_keys', ['organisation_id', 'domain'])


def downgrade() -> None:
    """There is no way back."""
