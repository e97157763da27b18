"""The self-audit: how far each one got, and what it found."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

STAGES = ('leaves', 'tiles', 'records', 'subscriptions', 'deliveries', 'done')
KINDS = (
    'leaf_gap', 'leaf_malformed', 'leaf_differs', 'leaf_missing', 'record_missing', 'tile_differs',
    'checkpoint_differs', 'checkpoint_unsigned', 'checkpoint_beyond', 'signer_differs', 'entries_differ',
    'payload_missing', 'payload_unreadable', 'payload_remains', 'payload_differs', 'commitment_differs',
    'membership_unproven', 'delivery_unproven',
)


def row_id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def one_of(name: str, words: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=24)


def upgrade() -> None:
    op.create_table('self_audits',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('started_by', sa.String(length=20), nullable=False),
    sa.Column('stage', one_of('stage', STAGES), nullable=False),
    sa.Column('progress', sa.JSON(), nullable=False),
    sa.Column('revision', row_id(), nullable=False),
    sa.Column('done', row_id(), nullable=False),
    sa.Column('total', row_id(), nullable=False),
    sa.Column('findings_count', row_id(), nullable=False),
    sa.Column('sees_signer', sa.Boolean(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_self_audits'))
    )
    op.create_table('self_audit_findings',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('audit_id', row_id(), nullable=False),
    sa.Column('organisation_id', row_id(), nullable=True),
    sa.Column('kind', one_of('finding_kind', KINDS), nullable=False),
    sa.Column('place', sa.String(length=80), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['audit_id'], ['self_audits.id'], name=op.f('fk_self_audit_findings_audit_id_self_audits')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_self_audit_findings_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_self_audit_findings'))
    )
    op.create_index(op.f('ix_self_audit_findings_audit_id_organisation_id'), 'self_audit_findings', ['audit_id', 'organisation_id'], unique=False)


def downgrade() -> None:
    """There is no way back."""
