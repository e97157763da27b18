"""Counted clicks: where the links of a campaign lead, who followed them, and whose mails are counted."""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
KEY = 'fk_deliveries_tracking_record_id_consent_records'


def upgrade() -> None:
    op.create_table('counted_links',
    sa.Column('campaign_id', ROW_ID, nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_counted_links_campaign_id_campaigns')),
    sa.PrimaryKeyConstraint('campaign_id', 'number', name=op.f('pk_counted_links')),
    )
    op.create_table('clicks',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('campaign_id', ROW_ID, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('contact_id', ROW_ID, nullable=False),
    sa.Column('clicked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(
        ['campaign_id', 'number'], ['counted_links.campaign_id', 'counted_links.number'],
        name=op.f('fk_clicks_campaign_id_counted_links'),
    ),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_clicks_contact_id_contacts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clicks')),
    )
    op.create_index(op.f('ix_clicks_campaign_id_number'), 'clicks', ['campaign_id', 'number'])
    op.create_index(op.f('ix_clicks_contact_id'), 'clicks', ['contact_id'])
    op.add_column('campaigns', sa.Column('counts_clicks', sa.Boolean(), nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "postgresql":
        op.add_column('deliveries', sa.Column('tracking_record_id', ROW_ID, nullable=True))
        op.create_foreign_key(op.f(KEY), 'deliveries', 'consent_records', ['tracking_record_id'], ['id'])
    else:
        # SQLite takes a key with a new column, and none afterwards.
        op.execute(
            f"ALTER TABLE deliveries ADD COLUMN tracking_record_id INTEGER"
            f" CONSTRAINT {KEY} REFERENCES consent_records (id)"
        )


def downgrade() -> None:
    """There is no way back."""
