"""Everything that is there at the first release: tables, and what the database itself keeps (baseline_rules.py).

Later revisions change this; none changes this file. Where SQLite has to make `consent_records` or
`suppression_entries` anew, the views over them go before and are made again after it.
"""

import sqlalchemy as sa
from alembic import op

from mailer.migrations import baseline_rules

revision = '0100'
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)
WORD = sa.String(24)  # one value of an enumeration, which the code checks
TEXT, JSON, BYTES, BOOLEAN, INTEGER = sa.Text(), sa.JSON(), sa.LargeBinary(), sa.Boolean(), sa.Integer()
# Whose mail servers take the mail of these domains, which no MX record tells.
PROVIDERS = {
    "apple": "icloud.com mac.com me.com",
    "gmx": "gmx.at gmx.ch gmx.com gmx.de gmx.eu gmx.net mail.com web.de",
    "google": "gmail.com googlemail.com",
    "libero": "iol.it libero.it virgilio.it",
    "mailru": "bk.ru inbox.ru list.ru mail.ru",
    "microsoft": (
        "hotmail.be hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it hotmail.nl live.be "
        "live.ca live.co.uk live.com live.de live.fr live.it live.nl msn.com outlook.at outlook.com "
        "outlook.cz outlook.de outlook.es outlook.fr outlook.it outlook.sk passport.com windowslive.com"
    ),
    "orange": "orange.fr wanadoo.fr",
    "proton": "pm.me proton.me protonmail.ch protonmail.com",
    "seznam": "email.cz post.cz seznam.cz spoluzaci.cz",
    "telekom": "magenta.de t-online.de",
    "yahoo": (
        "aim.com aol.co.uk aol.com aol.de aol.fr att.net rocketmail.com sbcglobal.net verizon.net yahoo.at "
        "yahoo.ca yahoo.co.in yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.gr "
        "yahoo.ie yahoo.it yahoo.pl yahoo.ro yahoo.se ymail.com"
    ),
    "yandex": "ya.ru yandex.com yandex.ru",
}


def upgrade() -> None:
    create_team()
    create_lists()
    create_ledger()
    create_log()
    create_people()
    create_signup()
    create_campaigns()
    create_sending()
    create_imports()
    create_operations()
    op.bulk_insert(
        sa.table('provider_domains', sa.column('domain'), sa.column('provider')),
        [
            {'domain': domain, 'provider': provider}
            for provider, domains in PROVIDERS.items() for domain in domains.split()
        ],
    )
    for statement in baseline_rules.statements(op.get_bind().dialect.name):
        op.execute(sa.DDL(statement.replace('%', '%%')))


def downgrade() -> None:
    """There is no way back."""


def row_id() -> sa.Column:
    return sa.Column('id', ROW_ID, primary_key=True)


def public_id() -> sa.Column:
    return sa.Column('public_id', sa.String(40), nullable=False, unique=True)


def col(name: str, *rest: object, **options: object) -> sa.Column:
    """A column that is never empty."""
    return sa.Column(name, *rest, nullable=False, **options)


def maybe(name: str, *rest: object, **options: object) -> sa.Column:
    """A column that may be empty."""
    return sa.Column(name, *rest, nullable=True, **options)


def to(table: str) -> sa.ForeignKey:
    return sa.ForeignKey(f'{table}.id')


def index(name: str, table: str, columns: list, *, unique: bool = False, where: str = '') -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def create_team() -> None:
    op.create_table(
        'organisations', row_id(), public_id(), col('name', sa.String(200)), col('legal_name', sa.String(200)),
        col('street', sa.String(200)), col('postcode', sa.String(20)), col('city', sa.String(200)),
        col('country', sa.String(2)), col('register_entry', sa.String(200)),
        col('contact_email', sa.String(254)), col('phone', sa.String(50)), col('website', sa.String(500)),
        col('dpo_name', sa.String(200)), col('dpo_contact', sa.String(254)), col('representative', TEXT),
        col('authority_name', sa.String(200)), col('authority_url', sa.String(500)), col('recipients', TEXT),
        col('transfers', TEXT), maybe('address_sources', JSON), col('time_zone', sa.String(50)),
        col('log_pseudonym', sa.String(40)), col('created_at', MOMENT),
    )
    index('ix_organisations_log_pseudonym', 'organisations', ['log_pseudonym'], unique=True)
    op.create_table(
        'accounts', row_id(), public_id(), col('name', sa.String(200)), col('address', sa.String(254)),
        col('address_normal', sa.String(254), unique=True), maybe('password_hash', sa.String(200)),
        col('created_at', MOMENT),
    )
    op.create_table(
        'account_sessions', row_id(), public_id(), col('account_id', ROW_ID, to('accounts'), index=True),
        col('organisation_id', ROW_ID, to('organisations')), col('token_digest', sa.String(64), unique=True),
        col('user_agent', sa.String(300)), col('created_at', MOMENT), col('last_seen_at', MOMENT),
        maybe('ended_at', MOMENT),
    )
    op.create_table(
        'team_members', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('account_id', ROW_ID, to('accounts'), index=True), col('role', WORD), col('invited_at', MOMENT),
        maybe('joined_at', MOMENT), col('invited_name', sa.String(200), server_default=''),
        col('invited_address', sa.String(254), server_default=''), maybe('ended_at', MOMENT),
        sa.UniqueConstraint('organisation_id', 'account_id'),
    )
    op.create_table(
        'audit_entries', row_id(), public_id(), maybe('organisation_id', ROW_ID, to('organisations')),
        maybe('account_id', ROW_ID, to('accounts')), col('action', sa.String(80)),
        col('subject', sa.String(80)), col('details', JSON), col('happened_at', MOMENT),
    )
    index('ix_audit_entries_organisation_id_id', 'audit_entries', ['organisation_id', 'id'])


def create_lists() -> None:
    op.create_table(
        'senders', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations'), index=True),
        col('from_name', sa.String(200)), col('from_address', sa.String(254)), col('reply_to', sa.String(254)),
        maybe('archived_at', MOMENT), col('created_at', MOMENT),
    )
    op.create_table(
        'domain_keys', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('domain', sa.String(253)), col('selector', sa.String(63)), col('algorithm', sa.String(20)),
        col('public_key', TEXT), maybe('private_key', BYTES), col('state', WORD), col('created_at', MOMENT),
        maybe('signing_since', MOMENT), maybe('replaced_at', MOMENT),
        sa.UniqueConstraint('domain', 'selector'),
    )
    index('ix_domain_keys_organisation_id_domain', 'domain_keys', ['organisation_id', 'domain'])
    op.create_table(
        'purposes', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations'), index=True),
        col('name', sa.String(200)), col('sentence', TEXT), col('lawful_basis', WORD),
        col('retention_months', INTEGER), maybe('archived_at', MOMENT), col('created_at', MOMENT),
    )
    op.create_table(
        'mailing_lists', row_id(), public_id(),
        col('organisation_id', ROW_ID, to('organisations'), index=True),
        col('purpose_id', ROW_ID, to('purposes'), index=True), col('sender_id', ROW_ID, to('senders')),
        col('name', sa.String(200)), col('description', TEXT), col('frequency', sa.String(200)),
        col('language', sa.String(10)), col('label', sa.String(60)), maybe('archived_at', MOMENT),
        col('created_at', MOMENT),
    )


def create_ledger() -> None:
    op.create_table(
        'consent_texts', col('sha256', sa.String(64), primary_key=True), col('media_type', sa.String(80)),
        col('body', BYTES), col('created_at', MOMENT),
    )
    op.create_table(
        'consent_subjects', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('created_at', MOMENT), maybe('erased_at', MOMENT),
    )
    op.create_table(
        'consent_records', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('subject_id', ROW_ID, to('consent_subjects')), col('matter', WORD),
        maybe('mailing_list_id', ROW_ID, to('mailing_lists')), col('state', WORD),
        maybe('follows_id', ROW_ID, to('consent_records')),
        maybe('ends_id', ROW_ID, to('consent_records'), unique=True), col('algorithm', sa.String(40)),
        col('commitment', BYTES), col('recorded_at', MOMENT), maybe('given_at', MOMENT),
        sa.CheckConstraint("(ends_id IS NULL) OR state IN ('withdrawn','expired','terminated','invalidated')", name='only_endings_end'),
        sa.CheckConstraint("(matter = 'mailing') = (mailing_list_id IS NOT NULL)", name='mailing_names_list'),
    )
    index('ix_consent_records_follows_id', 'consent_records', ['follows_id'], where='follows_id IS NOT NULL')
    index('ix_consent_records_organisation_id_id', 'consent_records', ['organisation_id', 'id'])
    index('ix_consent_records_subject_id_id', 'consent_records', ['subject_id', 'id'])
    op.create_table(
        'consent_payloads', col('record_id', ROW_ID, to('consent_records'), primary_key=True),
        col('subject_id', ROW_ID, to('consent_subjects'), index=True), col('sealed', BYTES),
    )
    op.create_table(
        'evidence_blobs', row_id(), col('subject_id', ROW_ID, to('consent_subjects')),
        col('sha256', sa.String(64)), col('media_type', sa.String(80)), col('sealed', BYTES),
        col('created_at', MOMENT), sa.UniqueConstraint('subject_id', 'sha256'),
    )
    op.create_table(
        'notices', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('number', INTEGER), col('text_sha256', sa.String(64), sa.ForeignKey('consent_texts.sha256')),
        col('published_at', MOMENT), sa.UniqueConstraint('organisation_id', 'number'),
    )


def create_log() -> None:
    op.create_table(
        'log_queue', row_id(), col('kind', sa.String(24)), public_id(),
        maybe('organisation_id', ROW_ID, to('organisations')), col('algorithm', sa.String(40)),
        col('commitment', BYTES), col('happened_at', MOMENT),
    )
    op.create_table(
        'log_entries', col('position', ROW_ID, primary_key=True, autoincrement=False), public_id(),
        col('leaf', BYTES),
    )
    op.create_table(
        'log_tiles', col('level', sa.SmallInteger, primary_key=True, autoincrement=False),
        col('number', ROW_ID, primary_key=True, autoincrement=False), col('hashes', BYTES),
    )
    op.create_table(
        'log_checkpoints', row_id(), col('size', ROW_ID, index=True), col('root', BYTES), col('note', TEXT),
        col('signed_at', MOMENT),
    )
    op.create_table(
        'log_keys', row_id(), col('name', sa.String(300)), col('vkey', sa.String(500), unique=True),
        col('since', MOMENT), maybe('until', MOMENT),
    )
    op.create_table(
        'log_cosignatures', row_id(), col('checkpoint_id', ROW_ID, to('log_checkpoints')),
        col('witness', sa.String(200)), col('line', TEXT), col('received_at', MOMENT),
        sa.UniqueConstraint('checkpoint_id', 'witness'),
    )
    op.create_table(
        'log_timestamps', row_id(), col('checkpoint_id', ROW_ID, to('log_checkpoints'), index=True),
        col('authority', sa.String(500)), col('token', BYTES), col('chain', BYTES), col('revocation', BYTES),
        col('gen_time', MOMENT), col('expires_at', MOMENT),
        maybe('renews_id', ROW_ID, to('log_timestamps'), unique=True), col('received_at', MOMENT),
    )
    op.create_table(
        'log_anchors', col('name', sa.String(200), primary_key=True), col('kind', sa.String(12)),
        maybe('known_size', ROW_ID), maybe('asked_at', MOMENT), maybe('answered_at', MOMENT),
        maybe('failing_since', MOMENT), col('failure', TEXT), col('failures', ROW_ID),
        maybe('next_try_at', MOMENT),
    )
    op.create_table(
        'log_alarms', row_id(), col('kind', sa.String(40)), col('message', TEXT), col('raised_at', MOMENT),
        maybe('ended_at', MOMENT),
    )
    index('ix_log_alarms_open', 'log_alarms', ['kind'], unique=True, where='ended_at IS NULL')


def create_people() -> None:
    op.create_table(
        'contacts', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('subject_id', ROW_ID, to('consent_subjects'), unique=True), maybe('address', sa.String(254)),
        maybe('address_digest', sa.String(64)), col('first_name', sa.String(200)),
        col('last_name', sa.String(200)), col('language', sa.String(10)), col('fields', JSON),
        col('created_at', MOMENT), maybe('erased_at', MOMENT), maybe('restricted_at', MOMENT),
        col('restricted_because', TEXT, server_default=''), maybe('paused_at', MOMENT),
        maybe('paused_until', MOMENT), maybe('mail_interval_days', INTEGER),
        sa.UniqueConstraint('organisation_id', 'address_digest'),
    )
    index('ix_contacts_erased_at', 'contacts', ['erased_at'], where='erased_at IS NOT NULL')
    index('ix_contacts_organisation_id_id', 'contacts', ['organisation_id', 'id'])
    index('ix_contacts_paused_at', 'contacts', ['paused_at'], where='paused_at IS NOT NULL')
    index('ix_contacts_restricted_at', 'contacts', ['restricted_at'], where='restricted_at IS NOT NULL')
    op.create_table(
        'contact_fields', col('organisation_id', ROW_ID, to('organisations'), primary_key=True),
        col('name', TEXT, primary_key=True),
    )
    op.create_table(
        'suppression_entries', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('address_digest', sa.String(64)), col('scope', WORD), col('reason', WORD),
        col('created_at', MOMENT), col('is_undated', BOOLEAN, server_default=sa.false()),
        maybe('lifted_at', MOMENT),
    )
    index(
        'ix_suppression_entries_organisation_id_address_digest', 'suppression_entries',
        ['organisation_id', 'address_digest'],
    )
    op.create_table(
        'subscriptions', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('contact_id', ROW_ID, to('contacts')), col('mailing_list_id', ROW_ID, to('mailing_lists')),
        col('state', WORD), maybe('proof_id', ROW_ID, to('consent_records'), index=True),
        col('origin', sa.String(20), server_default='unrecorded'),
        col('origin_facts', JSON, server_default='{}'), maybe('activated_at', MOMENT),
        maybe('ended_at', MOMENT), col('created_at', MOMENT),
        sa.UniqueConstraint('contact_id', 'mailing_list_id'),
        sa.CheckConstraint("state <> 'active' OR proof_id IS NOT NULL", name='active_has_proof'),
    )
    index(
        'ix_subscriptions_active', 'subscriptions', ['mailing_list_id', 'contact_id'],
        where="state = 'active'",
    )
    op.create_table(
        'erasures', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations'), index=True),
        maybe('contact_id', ROW_ID, to('contacts'), index=True), col('asked_by', WORD),
        col('record_count', INTEGER), col('algorithm', sa.String(40)), col('commitment', BYTES),
        col('erased_at', MOMENT),
    )


def create_signup() -> None:
    op.create_table(
        'forms', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations'), index=True),
        col('name', sa.String(200)), col('draft', JSON), col('allowed_origins', JSON), col('is_open', BOOLEAN),
        col('revision', INTEGER), maybe('archived_at', MOMENT), col('created_at', MOMENT),
    )
    op.create_table(
        'form_versions', row_id(), public_id(), col('form_id', ROW_ID, to('forms')), col('number', INTEGER),
        col('definition_sha256', sa.String(64), sa.ForeignKey('consent_texts.sha256')),
        col('notice_id', ROW_ID, to('notices')), col('published_at', MOMENT),
        sa.UniqueConstraint('form_id', 'number'),
    )
    op.create_table(
        'signup_requests', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('form_version_id', ROW_ID, to('form_versions')), col('subject_id', ROW_ID, to('consent_subjects')),
        maybe('contact_id', ROW_ID, to('contacts')), maybe('address', sa.String(254)),
        maybe('address_digest', sa.String(64)), maybe('mailbox_digest', sa.String(64), index=True),
        maybe('network_digest', sa.String(32)), col('answers', JSON), col('language', sa.String(10)),
        col('state', WORD), maybe('mail_evidence', JSON), col('requested_at', MOMENT),
        col('expires_at', MOMENT), maybe('held_at', MOMENT), maybe('settled_at', MOMENT),
    )
    index('ix_signup_requests_contact_id', 'signup_requests', ['contact_id'], where='contact_id IS NOT NULL')
    index('ix_signup_requests_held', 'signup_requests', ['form_version_id'], where='held_at IS NOT NULL')
    index('ix_signup_requests_state_expires_at', 'signup_requests', ['state', 'expires_at'])
    op.create_table(
        'signup_choices', row_id(), col('request_id', ROW_ID, to('signup_requests'), index=True),
        col('matter', WORD), maybe('mailing_list_id', ROW_ID, to('mailing_lists')),
        col('record_id', ROW_ID, to('consent_records')),
    )


def create_campaigns() -> None:
    op.create_table(
        'campaigns', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        maybe('sender_id', ROW_ID, to('senders')), col('name', sa.String(200)), col('subject', sa.String(500)),
        col('preheader', sa.String(500)), col('body_format', WORD), col('body', TEXT),
        col('has_automatic_footer', BOOLEAN), col('language', sa.String(10)),
        col('counts_clicks', BOOLEAN, server_default=sa.false()), col('state', WORD, index=True),
        col('revision', INTEGER), maybe('created_by_id', ROW_ID, to('accounts')),
        maybe('scheduled_at', MOMENT), maybe('started_at', MOMENT), maybe('planned_at', MOMENT),
        col('planned_through', ROW_ID), col('claimed_through', ROW_ID, server_default='0'),
        maybe('finished_at', MOMENT), col('held_because', TEXT), maybe('archived_at', MOMENT),
        col('created_at', MOMENT),
    )
    index('ix_campaigns_organisation_id_id', 'campaigns', ['organisation_id', 'id'])
    op.create_table(
        'campaign_lists', col('campaign_id', ROW_ID, to('campaigns'), primary_key=True),
        col('mailing_list_id', ROW_ID, to('mailing_lists'), primary_key=True, index=True),
    )
    op.create_table(
        'counted_links', col('campaign_id', ROW_ID, to('campaigns'), primary_key=True),
        col('number', INTEGER, primary_key=True, autoincrement=False), col('target', TEXT),
    )
    op.create_table(
        'clicks', row_id(), col('campaign_id', ROW_ID), col('number', INTEGER),
        col('contact_id', ROW_ID, to('contacts'), index=True), col('clicked_at', MOMENT),
        sa.ForeignKeyConstraint(['campaign_id', 'number'], ['counted_links.campaign_id', 'counted_links.number']),
    )
    index('ix_clicks_campaign_id_number', 'clicks', ['campaign_id', 'number'])
    op.create_table(
        'deliveries', row_id(), col('campaign_id', ROW_ID, to('campaigns')),
        col('contact_id', ROW_ID, to('contacts'), index=True),
        col('mailing_list_id', ROW_ID, to('mailing_lists')),
        col('consent_record_id', ROW_ID, to('consent_records')),
        maybe('tracking_record_id', ROW_ID, to('consent_records')), col('state', WORD),
        maybe('skip_reason', WORD), col('destination', sa.String(253), server_default=''),
        col('attempts', INTEGER), maybe('due_at', MOMENT), maybe('first_tried_at', MOMENT),
        maybe('owner', sa.String(80)), maybe('reply_code', INTEGER), col('reply_text', TEXT),
        maybe('settled_at', MOMENT), maybe('may_have_arrived_at', MOMENT),
        sa.UniqueConstraint('campaign_id', 'contact_id'),
    )
    index('ix_deliveries_campaign_id_state', 'deliveries', ['campaign_id', 'state'])
    index('ix_deliveries_due', 'deliveries', ['campaign_id', 'due_at', 'id'], where='due_at IS NOT NULL')
    index('ix_deliveries_owner', 'deliveries', ['owner'], where='owner IS NOT NULL')
    op.create_table(
        'campaign_tallies', col('campaign_id', ROW_ID, to('campaigns'), primary_key=True),
        col('destination', sa.String(253), primary_key=True), col('answers', INTEGER), col('dead', INTEGER),
        col('objections', INTEGER),
    )


def create_sending() -> None:
    op.create_table(
        'sending_owners', col('owner', sa.String(80), primary_key=True), col('lease_until', MOMENT),
    )
    op.create_table(
        'sending_batches', row_id(), col('campaign_id', ROW_ID, to('campaigns'), index=True),
        col('owner', sa.String(80), index=True), col('after_contact_id', ROW_ID),
        col('through_contact_id', ROW_ID),
    )
    op.create_table(
        'sending_limits', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('kind', WORD), col('subject', sa.String(253)), maybe('per_minute', INTEGER),
        maybe('at_once', INTEGER), maybe('warm_up_from', MOMENT), maybe('warm_up_first_day', INTEGER),
        sa.UniqueConstraint('organisation_id', 'kind', 'subject'),
    )
    op.create_table(
        'destination_states', col('destination', sa.String(253), primary_key=True), col('failures', INTEGER),
        col('blocked_until', MOMENT), col('because', TEXT),
    )
    op.create_table(
        'mail_domains', col('domain', sa.String(253), primary_key=True),
        col('asked', sa.String(253), index=True), maybe('mx_group', sa.String(60)), maybe('finding', WORD),
        col('hosts', TEXT), col('failures', INTEGER), maybe('looked_up_at', MOMENT),
        col('ask_again_at', MOMENT, index=True), col('seen_at', MOMENT),
    )
    op.create_table(
        'domain_walks', row_id(), col('began_at', MOMENT), col('after_contact_id', ROW_ID),
    )
    op.create_table(
        'provider_domains', col('domain', sa.String(253), primary_key=True), col('provider', sa.String(60)),
    )


def create_imports() -> None:
    op.create_table(
        'imports', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('mailing_list_id', ROW_ID, to('mailing_lists')), maybe('account_id', ROW_ID, to('accounts')),
        col('importer', sa.String(300)), col('state', WORD, index=True), col('file_name', sa.String(200)),
        col('file_sha256', sa.String(64)), col('file_bytes', ROW_ID), maybe('sealed_key', BYTES),
        col('encoding', sa.String(20)), col('separator', sa.String(1)), col('system', sa.String(20)),
        col('header', JSON), col('targets', JSON), col('date_order', sa.String(3)),
        col('all_opted_out', BOOLEAN), col('source', sa.String(500)), col('method', sa.String(500)),
        col('wording', TEXT), col('consent_date', sa.String(40)), col('evidence_name', sa.String(200)),
        col('evidence_sha256', sa.String(64)), maybe('evidence_subject_id', ROW_ID, to('consent_subjects')),
        col('offset', ROW_ID), col('line', ROW_ID), col('rows_read', ROW_ID), col('counts', JSON),
        col('failure', TEXT), col('is_asking', BOOLEAN), col('created_at', MOMENT),
        maybe('imported_at', MOMENT), maybe('inform_by', MOMENT), maybe('ended_at', MOMENT),
        col('expires_at', MOMENT),
    )
    index('ix_imports_organisation_id_id', 'imports', ['organisation_id', 'id'])
    op.create_table(
        'import_rows', row_id(), maybe('public_id', sa.String(40), unique=True),
        col('import_id', ROW_ID, to('imports')), col('line', ROW_ID), col('state', WORD),
        maybe('refusal', WORD), col('detail', sa.String(200)), maybe('address', sa.String(254)),
        maybe('address_digest', sa.String(64)), col('first_name', sa.String(200)),
        col('last_name', sa.String(200)), col('language', sa.String(10)), col('fields', JSON),
        col('proof', JSON), col('opt_out', sa.String(20)), maybe('opt_out_at', MOMENT),
        maybe('subject_id', ROW_ID, to('consent_subjects')), maybe('record_id', ROW_ID, to('consent_records')),
        maybe('contact_id', ROW_ID, to('contacts')), col('is_new_contact', BOOLEAN), col('filled', JSON),
        maybe('suppression_id', ROW_ID, to('suppression_entries')), maybe('mailed_at', MOMENT),
        maybe('mail_evidence', JSON), maybe('expires_at', MOMENT), maybe('settled_at', MOMENT),
    )
    index('ix_import_rows_address_digest_import_id', 'import_rows', ['address_digest', 'import_id'])
    index('ix_import_rows_asked', 'import_rows', ['mailed_at'], where='mailed_at IS NOT NULL')
    index('ix_import_rows_contact_id', 'import_rows', ['contact_id'], where='contact_id IS NOT NULL')
    index('ix_import_rows_import_id_state_id', 'import_rows', ['import_id', 'state', 'id'])


def create_operations() -> None:
    op.create_table(
        'transactional_messages', row_id(), public_id(), col('organisation_id', ROW_ID, to('organisations')),
        col('kind', WORD), col('reference', sa.String(40), index=True), col('to_address', sa.String(254)),
        col('from_address', sa.String(254)), col('message_id', sa.String(200)), maybe('body', BYTES),
        col('state', WORD), col('attempts', INTEGER), col('due_at', MOMENT), col('expires_at', MOMENT),
        maybe('owner', sa.String(80)), maybe('lease_until', MOMENT), maybe('reply_code', INTEGER),
        col('reply_text', TEXT), col('relay', sa.String(300)), maybe('evidence', JSON),
        col('created_at', MOMENT), maybe('settled_at', MOMENT),
    )
    index('ix_transactional_messages_addressee', 'transactional_messages', [sa.text('lower(to_address)')])
    index(
        'ix_transactional_messages_due', 'transactional_messages', ['due_at'],
        where="state IN ('planned', 'deferred')",
    )
    index(
        'ix_transactional_messages_expiry', 'transactional_messages', ['expires_at'],
        where="state IN ('planned', 'deferred')",
    )
    index(
        'ix_transactional_messages_lease', 'transactional_messages', ['lease_until'],
        where="state = 'claimed'",
    )
    op.create_table(
        'self_audits', row_id(), col('started_by', sa.String(20)), col('stage', WORD), col('progress', JSON),
        col('revision', ROW_ID), col('done', ROW_ID), col('total', ROW_ID), col('findings_count', ROW_ID),
        col('sees_signer', BOOLEAN), col('started_at', MOMENT), maybe('finished_at', MOMENT),
    )
    op.create_table(
        'self_audit_findings', row_id(), col('audit_id', ROW_ID, to('self_audits')),
        maybe('organisation_id', ROW_ID, to('organisations')), col('kind', WORD), col('place', sa.String(80)),
        col('message', TEXT), col('found_at', MOMENT),
    )
    index(
        'ix_self_audit_findings_audit_id_organisation_id', 'self_audit_findings',
        ['audit_id', 'organisation_id'],
    )
    op.create_table(
        'write_checks', col('id', INTEGER, primary_key=True), col('written_at', MOMENT),
    )
