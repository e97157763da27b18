"""All tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('accounts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=False),
    sa.Column('address_normal', sa.String(length=254), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('password_changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accounts')),
    sa.UniqueConstraint('address_normal', name=op.f('uq_accounts_address_normal')),
    sa.UniqueConstraint('public_id', name=op.f('uq_accounts_public_id'))
    )
    op.create_table('consent_texts',
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=80), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_consent_texts'))
    )
    op.create_table('organisations',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('legal_name', sa.String(length=200), nullable=False),
    sa.Column('street', sa.String(length=200), nullable=False),
    sa.Column('postcode', sa.String(length=20), nullable=False),
    sa.Column('city', sa.String(length=200), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('register_entry', sa.String(length=200), nullable=False),
    sa.Column('contact_email', sa.String(length=254), nullable=False),
    sa.Column('phone', sa.String(length=50), nullable=False),
    sa.Column('website', sa.String(length=500), nullable=False),
    sa.Column('dpo_name', sa.String(length=200), nullable=False),
    sa.Column('dpo_contact', sa.String(length=254), nullable=False),
    sa.Column('representative', sa.Text(), nullable=False),
    sa.Column('authority_name', sa.String(length=200), nullable=False),
    sa.Column('authority_url', sa.String(length=500), nullable=False),
    sa.Column('recipients', sa.Text(), nullable=False),
    sa.Column('transfers', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.String(length=50), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisations')),
    sa.UniqueConstraint('public_id', name=op.f('uq_organisations_public_id'))
    )
    op.create_table('account_sessions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token_digest', sa.String(length=64), nullable=False),
    sa.Column('user_agent', sa.String(length=300), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_account_sessions_account_id_accounts')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_account_sessions_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_sessions')),
    sa.UniqueConstraint('public_id', name=op.f('uq_account_sessions_public_id')),
    sa.UniqueConstraint('token_digest', name=op.f('uq_account_sessions_token_digest'))
    )
    op.create_index(op.f('ix_account_sessions_account_id'), 'account_sessions', ['account_id'], unique=False)
    op.create_table('audit_entries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('action', sa.String(length=80), nullable=False),
    sa.Column('subject', sa.String(length=80), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_audit_entries_account_id_accounts')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_audit_entries_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries')),
    sa.UniqueConstraint('public_id', name=op.f('uq_audit_entries_public_id'))
    )
    op.create_index(op.f('ix_audit_entries_organisation_id_id'), 'audit_entries', ['organisation_id', 'id'], unique=False)
    op.create_table('consent_subjects',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('wrapped_key', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_consent_subjects_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_subjects')),
    sa.UniqueConstraint('public_id', name=op.f('uq_consent_subjects_public_id'))
    )
    op.create_table('forms',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('draft', sa.JSON(), nullable=False),
    sa.Column('allowed_origins', sa.JSON(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_forms_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_forms')),
    sa.UniqueConstraint('public_id', name=op.f('uq_forms_public_id'))
    )
    op.create_index(op.f('ix_forms_organisation_id'), 'forms', ['organisation_id'], unique=False)
    op.create_table('notices',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('text_sha256', sa.String(length=64), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_notices_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['text_sha256'], ['consent_texts.sha256'], name=op.f('fk_notices_text_sha256_consent_texts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notices')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_notices_organisation_id_number')),
    sa.UniqueConstraint('public_id', name=op.f('uq_notices_public_id'))
    )
    op.create_table('purposes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('sentence', sa.Text(), nullable=False),
    sa.Column('lawful_basis', sa.Enum('consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests', name='lawful_basis', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('retention_months', sa.Integer(), nullable=False),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_purposes_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purposes')),
    sa.UniqueConstraint('public_id', name=op.f('uq_purposes_public_id'))
    )
    op.create_index(op.f('ix_purposes_organisation_id'), 'purposes', ['organisation_id'], unique=False)
    op.create_table('senders',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('from_name', sa.String(length=200), nullable=False),
    sa.Column('from_address', sa.String(length=254), nullable=False),
    sa.Column('reply_to', sa.String(length=254), nullable=False),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_senders_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_senders')),
    sa.UniqueConstraint('public_id', name=op.f('uq_senders_public_id'))
    )
    op.create_index(op.f('ix_senders_organisation_id'), 'senders', ['organisation_id'], unique=False)
    op.create_table('suppression_entries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('address_digest', sa.String(length=64), nullable=False),
    sa.Column('scope', sa.Enum('marketing', 'all_mail', name='scope', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.Enum('not_me', 'unsubscribed', 'objection', 'complaint', 'erasure', 'bounce', 'manual', name='reason', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_suppression_entries_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suppression_entries')),
    sa.UniqueConstraint('public_id', name=op.f('uq_suppression_entries_public_id'))
    )
    op.create_index(op.f('ix_suppression_entries_organisation_id_address_digest'), 'suppression_entries', ['organisation_id', 'address_digest'], unique=False)
    op.create_table('team_members',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('role', sa.Enum('owner', 'editor', 'privacy_officer', 'viewer', name='role', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('joined_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_team_members_account_id_accounts')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_team_members_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_team_members')),
    sa.UniqueConstraint('organisation_id', 'account_id', name=op.f('uq_team_members_organisation_id_account_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_team_members_public_id'))
    )
    op.create_index(op.f('ix_team_members_account_id'), 'team_members', ['account_id'], unique=False)
    op.create_table('transactional_messages',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('confirmation', 'invitation', 'test', name='message_kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reference', sa.String(length=40), nullable=False),
    sa.Column('to_address', sa.String(length=254), nullable=False),
    sa.Column('from_address', sa.String(length=254), nullable=False),
    sa.Column('message_id', sa.String(length=200), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('state', sa.Enum('planned', 'claimed', 'deferred', 'accepted', 'refused', 'uncertain', 'cancelled', name='message_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reply_code', sa.Integer(), nullable=True),
    sa.Column('reply_text', sa.Text(), nullable=False),
    sa.Column('relay', sa.String(length=300), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_transactional_messages_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transactional_messages')),
    sa.UniqueConstraint('public_id', name=op.f('uq_transactional_messages_public_id'))
    )
    op.create_index('ix_transactional_messages_due', 'transactional_messages', ['due_at'], unique=False, sqlite_where=sa.text("state IN ('planned','deferred')"), postgresql_where=sa.text("state IN ('planned','deferred')"))
    op.create_index('ix_transactional_messages_lease', 'transactional_messages', ['lease_until'], unique=False, sqlite_where=sa.text("state = 'claimed'"), postgresql_where=sa.text("state = 'claimed'"))
    op.create_index(op.f('ix_transactional_messages_organisation_id'), 'transactional_messages', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_transactional_messages_reference'), 'transactional_messages', ['reference'], unique=False)
    op.create_table('campaigns',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sender_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('subject', sa.String(length=500), nullable=False),
    sa.Column('preheader', sa.String(length=500), nullable=False),
    sa.Column('body_format', sa.Enum('markdown', 'html', name='body_format', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('has_automatic_footer', sa.Boolean(), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('state', sa.Enum('draft', 'scheduled', 'sending', 'paused', 'sent', 'cancelled', name='campaign_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('created_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('scheduled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('planned_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('planned_through', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held_because', sa.Text(), nullable=False),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['accounts.id'], name=op.f('fk_campaigns_created_by_id_accounts')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_campaigns_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_campaigns_sender_id_senders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaigns')),
    sa.UniqueConstraint('public_id', name=op.f('uq_campaigns_public_id'))
    )
    op.create_index(op.f('ix_campaigns_organisation_id_id'), 'campaigns', ['organisation_id', 'id'], unique=False)
    op.create_index(op.f('ix_campaigns_state'), 'campaigns', ['state'], unique=False)
    op.create_table('contacts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=True),
    sa.Column('address_digest', sa.String(length=64), nullable=True),
    sa.Column('first_name', sa.String(length=200), nullable=False),
    sa.Column('last_name', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_contacts_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['subject_id'], ['consent_subjects.id'], name=op.f('fk_contacts_subject_id_consent_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contacts')),
    sa.UniqueConstraint('organisation_id', 'address_digest', name=op.f('uq_contacts_organisation_id_address_digest')),
    sa.UniqueConstraint('public_id', name=op.f('uq_contacts_public_id')),
    sa.UniqueConstraint('subject_id', name=op.f('uq_contacts_subject_id'))
    )
    op.create_index(op.f('ix_contacts_organisation_id_id'), 'contacts', ['organisation_id', 'id'], unique=False)
    op.create_table('evidence_blobs',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=80), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['subject_id'], ['consent_subjects.id'], name=op.f('fk_evidence_blobs_subject_id_consent_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_evidence_blobs')),
    sa.UniqueConstraint('subject_id', 'sha256', name=op.f('uq_evidence_blobs_subject_id_sha256'))
    )
    op.create_table('form_versions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('form_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('definition_sha256', sa.String(length=64), nullable=False),
    sa.Column('notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['definition_sha256'], ['consent_texts.sha256'], name=op.f('fk_form_versions_definition_sha256_consent_texts')),
    sa.ForeignKeyConstraint(['form_id'], ['forms.id'], name=op.f('fk_form_versions_form_id_forms')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_form_versions_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_form_versions')),
    sa.UniqueConstraint('form_id', 'number', name=op.f('uq_form_versions_form_id_number')),
    sa.UniqueConstraint('public_id', name=op.f('uq_form_versions_public_id'))
    )
    op.create_table('mailing_lists',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sender_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('frequency', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('label', sa.String(length=60), nullable=False),
    sa.Column('archived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_mailing_lists_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_mailing_lists_purpose_id_purposes')),
    sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_mailing_lists_sender_id_senders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailing_lists')),
    sa.UniqueConstraint('public_id', name=op.f('uq_mailing_lists_public_id'))
    )
    op.create_index(op.f('ix_mailing_lists_organisation_id'), 'mailing_lists', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_mailing_lists_purpose_id'), 'mailing_lists', ['purpose_id'], unique=False)
    op.create_table('campaign_lists',
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mailing_list_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_campaign_lists_campaign_id_campaigns')),
    sa.ForeignKeyConstraint(['mailing_list_id'], ['mailing_lists.id'], name=op.f('fk_campaign_lists_mailing_list_id_mailing_lists')),
    sa.PrimaryKeyConstraint('campaign_id', 'mailing_list_id', name=op.f('pk_campaign_lists'))
    )
    op.create_index(op.f('ix_campaign_lists_mailing_list_id'), 'campaign_lists', ['mailing_list_id'], unique=False)
    op.create_table('consent_records',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('matter', sa.Enum('mailing', 'tracking', name='matter', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('mailing_list_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('state', sa.Enum('requested', 'given', 'renewed', 'refused', 'withdrawn', 'expired', 'terminated', 'invalidated', 'unknown', name='consent_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('follows_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('ends_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('algorithm', sa.String(length=40), nullable=False),
    sa.Column('commitment', sa.LargeBinary(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(ends_id IS NULL) OR state IN ('withdrawn','expired','terminated','invalidated')", name=op.f('ck_consent_records_only_endings_end')),
    sa.CheckConstraint("(matter = 'mailing') = (mailing_list_id IS NOT NULL)", name=op.f('ck_consent_records_mailing_names_list')),
    sa.ForeignKeyConstraint(['ends_id'], ['consent_records.id'], name=op.f('fk_consent_records_ends_id_consent_records')),
    sa.ForeignKeyConstraint(['follows_id'], ['consent_records.id'], name=op.f('fk_consent_records_follows_id_consent_records')),
    sa.ForeignKeyConstraint(['mailing_list_id'], ['mailing_lists.id'], name=op.f('fk_consent_records_mailing_list_id_mailing_lists')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_consent_records_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['subject_id'], ['consent_subjects.id'], name=op.f('fk_consent_records_subject_id_consent_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_records')),
    sa.UniqueConstraint('ends_id', name=op.f('uq_consent_records_ends_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_consent_records_public_id'))
    )
    op.create_index(op.f('ix_consent_records_organisation_id_id'), 'consent_records', ['organisation_id', 'id'], unique=False)
    op.create_index(op.f('ix_consent_records_subject_id_id'), 'consent_records', ['subject_id', 'id'], unique=False)
    op.create_table('signup_requests',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('form_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('contact_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('address', sa.String(length=254), nullable=True),
    sa.Column('address_digest', sa.String(length=64), nullable=True),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('language', sa.String(length=10), nullable=False),
    sa.Column('state', sa.Enum('pending', 'confirmed', 'expired', 'disputed', name='request_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('mail_evidence', sa.JSON(), nullable=True),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_signup_requests_contact_id_contacts')),
    sa.ForeignKeyConstraint(['form_version_id'], ['form_versions.id'], name=op.f('fk_signup_requests_form_version_id_form_versions')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_signup_requests_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['subject_id'], ['consent_subjects.id'], name=op.f('fk_signup_requests_subject_id_consent_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_signup_requests')),
    sa.UniqueConstraint('public_id', name=op.f('uq_signup_requests_public_id'))
    )
    op.create_index(op.f('ix_signup_requests_contact_id'), 'signup_requests', ['contact_id'], unique=False)
    op.create_index(op.f('ix_signup_requests_organisation_id_address_digest'), 'signup_requests', ['organisation_id', 'address_digest'], unique=False)
    op.create_index(op.f('ix_signup_requests_state_expires_at'), 'signup_requests', ['state', 'expires_at'], unique=False)
    op.create_table('consent_payloads',
    sa.Column('record_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['record_id'], ['consent_records.id'], name=op.f('fk_consent_payloads_record_id_consent_records')),
    sa.ForeignKeyConstraint(['subject_id'], ['consent_subjects.id'], name=op.f('fk_consent_payloads_subject_id_consent_subjects')),
    sa.PrimaryKeyConstraint('record_id', name=op.f('pk_consent_payloads'))
    )
    op.create_index(op.f('ix_consent_payloads_subject_id'), 'consent_payloads', ['subject_id'], unique=False)
    op.create_table('deliveries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('contact_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mailing_list_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('consent_record_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.Enum('planned', 'claimed', 'deferred', 'accepted', 'refused', 'skipped', 'uncertain', name='delivery_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('skip_reason', sa.Enum('suppressed', 'withdrawn', 'cancelled', 'erased', 'unrenderable', name='skip_reason', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reply_code', sa.Integer(), nullable=True),
    sa.Column('reply_text', sa.Text(), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_deliveries_campaign_id_campaigns')),
    sa.ForeignKeyConstraint(['consent_record_id'], ['consent_records.id'], name=op.f('fk_deliveries_consent_record_id_consent_records')),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_deliveries_contact_id_contacts')),
    sa.ForeignKeyConstraint(['mailing_list_id'], ['mailing_lists.id'], name=op.f('fk_deliveries_mailing_list_id_mailing_lists')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('campaign_id', 'contact_id', name=op.f('uq_deliveries_campaign_id_contact_id'))
    )
    op.create_index(op.f('ix_deliveries_campaign_id_state'), 'deliveries', ['campaign_id', 'state'], unique=False)
    op.create_index('ix_deliveries_claimed', 'deliveries', ['owner'], unique=False, sqlite_where=sa.text("state = 'claimed'"), postgresql_where=sa.text("state = 'claimed'"))
    op.create_index(op.f('ix_deliveries_contact_id'), 'deliveries', ['contact_id'], unique=False)
    op.create_index('ix_deliveries_due', 'deliveries', ['campaign_id', 'due_at', 'id'], unique=False, sqlite_where=sa.text("state IN ('planned','deferred')"), postgresql_where=sa.text("state IN ('planned','deferred')"))
    op.create_table('signup_choices',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('request_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('matter', sa.Enum('mailing', 'tracking', name='matter', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('mailing_list_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('record_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['mailing_list_id'], ['mailing_lists.id'], name=op.f('fk_signup_choices_mailing_list_id_mailing_lists')),
    sa.ForeignKeyConstraint(['record_id'], ['consent_records.id'], name=op.f('fk_signup_choices_record_id_consent_records')),
    sa.ForeignKeyConstraint(['request_id'], ['signup_requests.id'], name=op.f('fk_signup_choices_request_id_signup_requests')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_signup_choices'))
    )
    op.create_index(op.f('ix_signup_choices_request_id'), 'signup_choices', ['request_id'], unique=False)
    op.create_table('subscriptions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('contact_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mailing_list_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.Enum('active', 'paused', 'ended', name='subscription_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('proof_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('activated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state <> 'active' OR proof_id IS NOT NULL", name=op.f('ck_subscriptions_active_has_proof')),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_subscriptions_contact_id_contacts')),
    sa.ForeignKeyConstraint(['mailing_list_id'], ['mailing_lists.id'], name=op.f('fk_subscriptions_mailing_list_id_mailing_lists')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_subscriptions_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['proof_id'], ['consent_records.id'], name=op.f('fk_subscriptions_proof_id_consent_records')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscriptions')),
    sa.UniqueConstraint('contact_id', 'mailing_list_id', name=op.f('uq_subscriptions_contact_id_mailing_list_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_subscriptions_public_id'))
    )
    op.create_index('ix_subscriptions_active', 'subscriptions', ['mailing_list_id', 'contact_id'], unique=False, sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))
    op.create_index(op.f('ix_subscriptions_proof_id'), 'subscriptions', ['proof_id'], unique=False)


def downgrade() -> None:
    """Nothing stands before the first migration."""
