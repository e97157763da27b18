"""Imports: files of people from other systems, and their rows in quarantine."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

IMPORT_STATES = ("mapping", "reading", "checked", "importing", "done", "undoing", "undone", "expired")
ROW_STATES = (
    "proven", "unproven", "opted_out", "known", "refused", "imported", "locked", "asked", "confirmed", "disputed",
    "suppressed", "undone", "kept", "expired",
)
REFUSALS = (
    "unreadable", "encoding", "nul", "too_long", "ragged", "address_missing", "address_invalid", "duplicate",
    "value", "date", "unconfirmed", "opted_out", "opted_out_known", "suppressed", "ended", "erased", "restricted",
    "asked_before", "touched",
)


def row_id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def words(*allowed: str, name: str) -> sa.Enum:
    return sa.Enum(*allowed, name=name, native_enum=False, create_constraint=True, length=24)


def moment(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    create_imports()
    create_rows()


def downgrade() -> None:
    """There is no way back."""


def create_imports() -> None:
    op.create_table('imports',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', row_id(), nullable=False),
    sa.Column('mailing_list_id', row_id(), nullable=False),
    sa.Column('account_id', row_id(), nullable=True),
    sa.Column('importer', sa.String(length=300), nullable=False),
    sa.Column('state', words(*IMPORT_STATES, name='import_state'), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('file_sha256', sa.String(length=64), nullable=False),
    sa.Column('file_bytes', row_id(), nullable=False),
    sa.Column('sealed_key', sa.LargeBinary(), nullable=True),
    sa.Column('encoding', sa.String(length=20), nullable=False),
    sa.Column('separator', sa.String(length=1), nullable=False),
    sa.Column('system', sa.String(length=20), nullable=False),
    sa.Column('header', sa.JSON(), nullable=False),
    sa.Column('targets', sa.JSON(), nullable=False),
    sa.Column('date_order', sa.String(length=3), nullable=False),
    sa.Column('all_opted_out', sa.Boolean(), nullable=False),
    sa.Column('source', sa.String(length=500), nullable=False),
    sa.Column('method', sa.String(length=500), nullable=False),
    sa.Column('wording', sa.Text(), nullable=False),
    sa.Column('consent_date', sa.String(length=40), nullable=False),
    sa.Column('evidence_name', sa.String(length=200), nullable=False),
    sa.Column('evidence_sha256', sa.String(length=64), nullable=False),
    sa.Column('evidence_subject_id', row_id(), nullable=True),
    sa.Column('offset', row_id(), nullable=False),
    sa.Column('line', row_id(), nullable=False),
    sa.Column('rows_read', row_id(), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('is_asking', sa.Boolean(), nullable=False),
    moment('created_at', nullable=False),
    moment('imported_at'),
    moment('inform_by'),
    moment('ended_at'),
    moment('expires_at', nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_imports_account_id_accounts')),
    sa.ForeignKeyConstraint(['evidence_subject_id'], ['consent_subjects.id'], name=op.f('fk_imports_evidence_subject_id_consent_subjects')),
    sa.ForeignKeyConstraint(['mailing_list_id'], ['mailing_lists.id'], name=op.f('fk_imports_mailing_list_id_mailing_lists')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_imports_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imports')),
    sa.UniqueConstraint('public_id', name=op.f('uq_imports_public_id'))
    )
    op.create_index(op.f('ix_imports_organisation_id_id'), 'imports', ['organisation_id', 'id'], unique=False)
    op.create_index(op.f('ix_imports_state'), 'imports', ['state'], unique=False)


def create_rows() -> None:
    op.create_table('import_rows',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=True),
    sa.Column('import_id', row_id(), nullable=False),
    sa.Column('line', row_id(), nullable=False),
    sa.Column('state', words(*ROW_STATES, name='row_state'), nullable=False),
    sa.Column('refusal', words(*REFUSALS, name='refusal'), nullable=True),
    sa.Column('detail', sa.String(length=200), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=True),
    sa.Column('address_digest', sa.String(length=64), nullable=True),
    sa.Column('first_name', sa.String(length=200), nullable=False),
    sa.Column('last_name', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('proof', sa.JSON(), nullable=False),
    sa.Column('opt_out', sa.String(length=20), nullable=False),
    moment('opt_out_at'),
    sa.Column('subject_id', row_id(), nullable=True),
    sa.Column('record_id', row_id(), nullable=True),
    sa.Column('contact_id', row_id(), nullable=True),
    sa.Column('is_new_contact', sa.Boolean(), nullable=False),
    sa.Column('filled', sa.JSON(), nullable=False),
    sa.Column('suppression_id', row_id(), nullable=True),
    moment('mailed_at'),
    sa.Column('mail_evidence', sa.JSON(), nullable=True),
    moment('expires_at'),
    moment('settled_at'),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_import_rows_contact_id_contacts')),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_rows_import_id_imports')),
    sa.ForeignKeyConstraint(['record_id'], ['consent_records.id'], name=op.f('fk_import_rows_record_id_consent_records')),
    sa.ForeignKeyConstraint(['subject_id'], ['consent_subjects.id'], name=op.f('fk_import_rows_subject_id_consent_subjects')),
    sa.ForeignKeyConstraint(['suppression_id'], ['suppression_entries.id'], name=op.f('fk_import_rows_suppression_id_suppression_entries')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_rows')),
    sa.UniqueConstraint('public_id', name=op.f('uq_import_rows_public_id'))
    )
    op.create_index(op.f('ix_import_rows_import_id_state_id'), 'import_rows', ['import_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_import_rows_address_digest_import_id'), 'import_rows', ['address_digest', 'import_id'], unique=False)
    for name, column in (('ix_import_rows_asked', 'mailed_at'), ('ix_import_rows_contact_id', 'contact_id')):
        present = sa.text(f'{column} IS NOT NULL')
        op.create_index(name, 'import_rows', [column], unique=False, sqlite_where=present, postgresql_where=present)
