"""Erasures that were carried out. The list that outlives a restored backup is a file, not a table."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('erasures',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('contact_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('asked_by', sa.Enum('person', 'team', 'operator', name='asked_by', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('record_count', sa.Integer(), nullable=False),
    sa.Column('algorithm', sa.String(length=40), nullable=False),
    sa.Column('commitment', sa.LargeBinary(), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_erasures_contact_id_contacts')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_erasures_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasures')),
    sa.UniqueConstraint('public_id', name=op.f('uq_erasures_public_id'))
    )
    op.create_index(op.f('ix_erasures_organisation_id'), 'erasures', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_erasures_contact_id'), 'erasures', ['contact_id'], unique=False)


def downgrade() -> None:
    """There is no way back."""
