"""Each membership says how its consent came about, and an organisation from where it brought people."""

import json

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

# What can be told of memberships that are there, without opening anybody's evidence.
ORIGINS = {
    'elsewhere': "proof_id IN (SELECT record_id FROM import_rows WHERE state IN ('imported', 'kept'))",
    'permission': (
        "proof_id IN (SELECT g.id FROM consent_records g"
        " JOIN import_rows r ON r.record_id = g.follows_id AND r.state = 'confirmed')"
    ),
    'form': (
        "proof_id IN (SELECT g.id FROM consent_records g"
        " JOIN consent_records a ON a.id = g.follows_id AND a.state = 'requested')"
    ),
}


def upgrade() -> None:
    op.add_column('organisations', sa.Column('address_sources', sa.JSON(), nullable=True))
    op.add_column('subscriptions', sa.Column('origin', sa.String(length=20), nullable=False, server_default='unrecorded'))
    op.add_column('subscriptions', sa.Column('origin_facts', sa.JSON(), nullable=False, server_default='{}'))
    for origin, condition in ORIGINS.items():
        op.execute(f"UPDATE subscriptions SET origin = '{origin}' WHERE state = 'active' AND {condition}")
    sources: dict[int, set[str]] = {}
    brought = "SELECT DISTINCT organisation_id, source FROM imports WHERE imported_at IS NOT NULL"
    for organisation_id, source in op.get_bind().execute(sa.text(brought)):
        sources.setdefault(organisation_id, set()).add(source)
    for organisation_id, named in sources.items():
        op.get_bind().execute(
            sa.text("UPDATE organisations SET address_sources = :named WHERE id = :id"),
            {'named': json.dumps(sorted(named)), 'id': organisation_id},
        )


def downgrade() -> None:
    """There is no way back."""
