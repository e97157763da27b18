"""Sending in batches and with measure: owners and batches, limits, destinations; what people asked for."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)
STATES = ("planned", "claimed", "deferred", "held", "accepted", "refused", "skipped", "uncertain")
REASONS = (
    "suppressed", "withdrawn", "cancelled", "erased", "unrenderable", "restricted", "paused", "too_often",
)
KEPT = (
    "id, campaign_id, contact_id, mailing_list_id, consent_record_id, state, skip_reason, attempts, owner, "
    "reply_code, reply_text, settled_at"
)
OPEN_WORDS = "('planned', 'claimed', 'deferred')"
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
    add_wishes()
    add_owners_and_batches()
    if op.get_bind().dialect.name == "postgresql":
        change_deliveries()
    else:
        make_deliveries_anew()
    index_deliveries()
    add_pacing()
    add_domain_keys()


def add_wishes() -> None:
    """What a person asked for: no processing (GDPR Art. 18), a pause, not too often."""
    for column in (
        sa.Column('restricted_at', MOMENT, nullable=True),
        sa.Column('restricted_because', sa.Text(), nullable=False, server_default=''),
        sa.Column('paused_at', MOMENT, nullable=True),
        sa.Column('paused_until', MOMENT, nullable=True),
        sa.Column('mail_interval_days', sa.Integer(), nullable=True),
    ):
        op.add_column('contacts', column)
    for column in ('erased_at', 'restricted_at', 'paused_at'):
        condition = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            op.f(f'ix_contacts_{column}'), 'contacts', [column],
            sqlite_where=condition, postgresql_where=condition,
        )


def add_owners_and_batches() -> None:
    op.create_table('sending_owners',
    sa.Column('owner', sa.String(length=80), nullable=False),
    sa.Column('lease_until', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('owner', name=op.f('pk_sending_owners')),
    )
    op.create_table('sending_batches',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('campaign_id', ROW_ID, nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=False),
    sa.Column('after_contact_id', ROW_ID, nullable=False),
    sa.Column('through_contact_id', ROW_ID, nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_sending_batches_campaign_id_campaigns')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sending_batches')),
    )
    op.create_index(op.f('ix_sending_batches_owner'), 'sending_batches', ['owner'])
    op.create_index(op.f('ix_sending_batches_campaign_id'), 'sending_batches', ['campaign_id'])
    op.add_column('campaigns', sa.Column('claimed_through', ROW_ID, nullable=False, server_default='0'))
    # Rows that are there already have a time they are due at: they are claimed one by one.
    op.execute("UPDATE campaigns SET claimed_through = planned_through")
    op.execute(
        "INSERT INTO sending_owners (owner, lease_until) SELECT owner, MAX(lease_until) FROM deliveries "
        "WHERE state = 'claimed' AND owner IS NOT NULL AND lease_until IS NOT NULL GROUP BY owner"
    )


def change_deliveries() -> None:
    """PostgreSQL changes the table where it lies."""
    op.drop_index('ix_deliveries_due', 'deliveries')
    op.drop_index('ix_deliveries_claimed', 'deliveries')
    for name, column, words in (
        ('ck_deliveries_delivery_state', 'state', STATES), ('ck_deliveries_skip_reason', 'skip_reason', REASONS),
    ):
        op.drop_constraint(op.f(name), 'deliveries', type_='check')
        op.create_check_constraint(op.f(name), 'deliveries', sa.text(one_of(column, words)))
    op.drop_column('deliveries', 'lease_until')
    op.alter_column('deliveries', 'due_at', nullable=True)
    op.add_column('deliveries', sa.Column('destination', sa.String(length=253), nullable=False, server_default=''))
    op.add_column('deliveries', sa.Column('first_tried_at', MOMENT, nullable=True))
    op.execute(f"UPDATE deliveries SET due_at = NULL WHERE state NOT IN {OPEN_WORDS}")


def make_deliveries_anew() -> None:
    """SQLite cannot change a check. Written as alternatives, for a list is set up anew for each row."""
    op.create_table('deliveries_new',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('campaign_id', ROW_ID, nullable=False),
    sa.Column('contact_id', ROW_ID, nullable=False),
    sa.Column('mailing_list_id', ROW_ID, nullable=False),
    sa.Column('consent_record_id', ROW_ID, nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('skip_reason', sa.String(length=24), nullable=True),
    sa.Column('destination', sa.String(length=253), nullable=False, server_default=''),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', MOMENT, nullable=True),
    sa.Column('first_tried_at', MOMENT, nullable=True),
    sa.Column('owner', sa.String(length=80), nullable=True),
    sa.Column('reply_code', sa.Integer(), nullable=True),
    sa.Column('reply_text', sa.Text(), nullable=False),
    sa.Column('settled_at', MOMENT, nullable=True),
    sa.CheckConstraint(either('state', STATES), name=op.f('ck_deliveries_delivery_state')),
    sa.CheckConstraint(either('skip_reason', REASONS), name=op.f('ck_deliveries_skip_reason')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_deliveries_campaign_id_campaigns')),
    sa.ForeignKeyConstraint(['consent_record_id'], ['consent_records.id'], name=op.f('fk_deliveries_consent_record_id_consent_records')),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_deliveries_contact_id_contacts')),
    sa.ForeignKeyConstraint(['mailing_list_id'], ['mailing_lists.id'], name=op.f('fk_deliveries_mailing_list_id_mailing_lists')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('campaign_id', 'contact_id', name=op.f('uq_deliveries_campaign_id_contact_id')),
    )
    op.execute(
        f"INSERT INTO deliveries_new ({KEPT}, due_at) SELECT {KEPT}, "
        f"CASE WHEN state IN {OPEN_WORDS} THEN due_at END FROM deliveries ORDER BY id"
    )
    op.drop_table('deliveries')
    op.rename_table('deliveries_new', 'deliveries')
    op.create_index(op.f('ix_deliveries_campaign_id_state'), 'deliveries', ['campaign_id', 'state'])
    op.create_index(op.f('ix_deliveries_contact_id'), 'deliveries', ['contact_id'])


def index_deliveries() -> None:
    due, owned = sa.text("due_at IS NOT NULL"), sa.text("owner IS NOT NULL")
    op.create_index(
        'ix_deliveries_due', 'deliveries', ['campaign_id', 'due_at', 'id'],
        sqlite_where=due, postgresql_where=due,
    )
    op.create_index(
        'ix_deliveries_owner', 'deliveries', ['owner'], sqlite_where=owned, postgresql_where=owned
    )


def add_pacing() -> None:
    op.create_table('sending_limits',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', ROW_ID, nullable=False),
    sa.Column('kind', sa.Enum('organisation', 'sender', 'destination', name='limit_kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('subject', sa.String(length=253), nullable=False),
    sa.Column('per_minute', sa.Integer(), nullable=True),
    sa.Column('at_once', sa.Integer(), nullable=True),
    sa.Column('warm_up_from', MOMENT, nullable=True),
    sa.Column('warm_up_first_day', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_sending_limits_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sending_limits')),
    sa.UniqueConstraint('organisation_id', 'kind', 'subject', name=op.f('uq_sending_limits_organisation_id_kind_subject')),
    sa.UniqueConstraint('public_id', name=op.f('uq_sending_limits_public_id')),
    )
    op.create_table('destination_states',
    sa.Column('destination', sa.String(length=253), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('blocked_until', MOMENT, nullable=False),
    sa.Column('because', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('destination', name=op.f('pk_destination_states')),
    )
    op.create_table('campaign_tallies',
    sa.Column('campaign_id', ROW_ID, nullable=False),
    sa.Column('destination', sa.String(length=253), nullable=False),
    sa.Column('answers', sa.Integer(), nullable=False),
    sa.Column('dead', sa.Integer(), nullable=False),
    sa.Column('objections', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_campaign_tallies_campaign_id_campaigns')),
    sa.PrimaryKeyConstraint('campaign_id', 'destination', name=op.f('pk_campaign_tallies')),
    )
    table = op.create_table('provider_domains',
    sa.Column('domain', sa.String(length=253), nullable=False),
    sa.Column('provider', sa.String(length=60), nullable=False),
    sa.PrimaryKeyConstraint('domain', name=op.f('pk_provider_domains')),
    )
    op.bulk_insert(
        table,
        [
            {"domain": domain, "provider": provider}
            for provider, domains in PROVIDERS.items()
            for domain in domains.split()
        ],
    )


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


def one_of(column: str, words: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"


def either(column: str, words: tuple[str, ...]) -> str:
    return " OR ".join(f"{column} = '{word}'" for word in words)


def downgrade() -> None:
    """There is no way back."""
